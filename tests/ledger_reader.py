"""Reads the journal of a ledger (docs/internals/ledger.md), so that what it records can be counted by somebody else than its writer."""
import struct

ROOT, ADD, CHANGE, SEAL, STAT, RECOUNT, ROW, REMEMBER, AGAIN, SNAPSHOT, LEVEL = range(1, 12)
SET_TRAVERSAL, SET_COPY = 0, 1
FOLDER = 1
TRAVERSAL_SUCCESSFUL, COPY_SUCCESSFUL = 2, 3


class Payload:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self):
        value = self.number()
        return value >> 1 ^ -(value & 1)

    def text(self):
        size = self.number()
        self.at += size
        return self.data[self.at - size:self.at]

    def node(self):
        a, b = self.byte(), self.byte()
        name = self.text()
        self.signed()
        self.at += 8
        self.at += 8 if b & 64 else 0
        service = self.text() if a & 64 else b""
        if b & 8:
            self.text()
        self.at += 8 if b & 16 else 0
        if b & 32:
            self.number()
        return a & 7, name, service

    def record(self):
        kind, side = self.byte(), self.byte()
        if kind in (ROOT, ADD):
            parent = self.number()
            return kind, side, parent, [self.node() for _ in range(self.number())]
        if kind == AGAIN:
            return kind, side, self.number(), self.node()
        if kind == CHANGE:
            return kind, side, self.byte(), self.number(), self.signed(), self.text()
        if kind in (ROW, REMEMBER):
            return kind, side, [self.text() for _ in range(self.byte())]
        if kind == SNAPSHOT:
            return kind, side, self.number(), self.number()
        if kind == LEVEL:
            depth, version, sealed, there = self.number(), self.number(), self.byte(), self.number()
            return kind, side, depth, version, sealed, [self.signed() for _ in range(bin(there).count("1"))]
        return kind, side, self.number(), self.signed(), self.signed()


def records(path):
    """Of all whole groups, in order."""
    data = open(path, "rb").read()
    at, number = 32, 0
    while at + 24 <= len(data):
        magic, size, its = struct.unpack_from("<4sIQ", data, at)
        if magic != b"SLG1" or its != number or at + 24 + size > len(data):
            return
        payload = Payload(data[at + 24:at + 24 + size])
        while payload.at < size:
            yield payload.record()
        at += (24 + size + 7) & ~7
        number += 1
