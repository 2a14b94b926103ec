"""Reads *.spate files, written from docs/formats/spate.md alone. Slow, small, and no line of it shared with the program.

    store_reader.py FILE [TABLE]     prints rows as Python dictionaries

Store(path) checks every hash on the way; a damaged file raises Damaged. Store.rows(table) gives dictionaries in row order, with values
as they are stored: ints for dates and times, decimals as (integer, scale), bytes for text.
"""
import ctypes
import ctypes.util
import struct
import sys

PAGE, VECTOR = 4096, 1024
BOOL, I16, I32, I64, U64, F32, F64, DECIMAL, DATE, TIME, TS, TSTZ, INTERVAL, UUID, TEXT, JSON, BYTES, LIST = range(18)
WIDTH = {I16: 2, I32: 4, I64: 8, U64: 8, F32: 4, F64: 8, DECIMAL: 8, DATE: 4, TIME: 8, TS: 8, TSTZ: 8, INTERVAL: 16, UUID: 16}
DATA, CATALOG, INDEX, FIELD, PATCH, CHAPTER = 1, 2, 3, 4, 5, 6
M64 = (1 << 64) - 1

_xxh = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0").XXH3_64bits_withSeed
_xxh.argtypes, _xxh.restype = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64], ctypes.c_uint64


def xxh3(data, seed=0):
    return _xxh(bytes(data), len(data), seed)


class Damaged(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Damaged(what)


def up(n, to):
    return (n + to - 1) // to * to


# ---- integer streams ----


class Ints:
    """A stream: .values() are numbers modulo 2^64, .patches maps positions to final bits, .size is its bytes."""

    def __init__(self, data):
        self.mode, self.uniform, self.width, _, self.count, self.size, _, self.step, self.base = struct.unpack_from("<4B3I2q", data)
        self.data = data

    def read(self):
        out, patches, at = [], {}, 32
        for first in range(0, self.count, VECTOR):
            n = min(VECTOR, self.count - first)
            if self.uniform:
                base, width, n_patches = self.base + first * self.step, self.width, 0
            else:
                base, at, width, _, n_patches = struct.unpack_from("<qIBBH", self.data, 32 + first // VECTOR * 16)
            lanes, word = (32, 32) if width <= 32 else (16, 64)
            taken = -(-(-(-n // lanes) * width) // word) * 128
            numbers = self.unpack(at, n, width, lanes, word)
            if self.mode == 0:
                out += [(base + i * self.step + r) & M64 for i, r in enumerate(numbers)]
            else:
                sums = base
                for i, r in enumerate(numbers):
                    sums = sums if i == 0 else sums + self.step + r
                    out.append(sums & M64)
            at += taken
            for i in range(n_patches):
                place, = struct.unpack_from("<H", self.data, at + 2 * i)
                patches[first + place], = struct.unpack_from("<Q", self.data, at + up(2 * n_patches, 8) + 8 * i)
        return out, patches

    def unpack(self, at, n, width, lanes, word):
        if width == 0:
            return [0] * n
        form, out = "<I" if word == 32 else "<Q", []
        for i in range(n):
            bit, lane, r, got = i // lanes * width, i % lanes, 0, 0
            while got < width:
                w, = struct.unpack_from(form, self.data, at + bit // word * 128 + lane * word // 8)
                some = min(width - got, word - bit % word)
                r |= (w >> bit % word & ((1 << some) - 1)) << got
                got, bit = got + some, bit + some
            out.append(r)
        return out

    def plain(self, bits=64):
        values, patches = self.read()
        for i, v in patches.items():
            values[i] = v
        return [v & ((1 << bits) - 1) for v in values]


# ---- segments ----


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def from_bits(kind, bits):
    """A cell of fixed width from its bits."""
    if kind == F32:
        return struct.unpack("<f", struct.pack("<I", bits & 0xffffffff))[0]
    if kind == F64:
        return struct.unpack("<d", struct.pack("<Q", bits & M64))[0]
    return bits & M64 if kind == U64 else signed(bits, 8 * WIDTH[kind])


def from_raw(kind, raw):
    if kind == UUID:
        return bytes(raw)
    if kind == INTERVAL:
        return struct.unpack("<iiq", raw)
    return from_bits(kind, int.from_bytes(raw, "little"))


def texts(ends, data, decode=lambda b: b):
    starts = [0] + ends[:-1]
    return [decode(bytes(data[a:b])) for a, b in zip(starts, ends)]


def fsst(data):
    n = data[0]
    lengths, at, symbols = data[1:1 + n], 1 + n, []
    for length in lengths:
        symbols.append(bytes(data[at:at + length]))
        at += length

    def decode(b):
        out, i = b"", 0
        while i < len(b):
            out, i = (out + symbols[b[i]], i + 1) if b[i] < 255 else (out + b[i + 1:i + 2], i + 2)
        return out
    return decode, data[at:]


def unpacked(body):
    """What LZ4 or zstd made smaller, by the libraries of the system."""
    method, size = struct.unpack_from("<B3xI", body)
    packed, out = bytes(body[8:]), ctypes.create_string_buffer(size)
    if method == 1:
        made = ctypes.CDLL("liblz4.so.1").LZ4_decompress_safe(packed, out, len(packed), size)
    else:
        need(method == 2, f"packed by method {method}")
        library = ctypes.CDLL("libzstd.so.1")
        library.ZSTD_decompress.restype = ctypes.c_size_t
        made = library.ZSTD_decompress(out, ctypes.c_size_t(size), packed, ctypes.c_size_t(len(packed)))
    need(made == size, "a packed segment")
    return memoryview(out.raw)


def segment(data):
    """Cells of a segment, None where there is none; and the bytes it takes."""
    encoding, kind, param, flags, rows, n, size = struct.unpack_from("<8x4B3I", data)
    body, present = data[24:size], [encoding != 0] * rows
    if flags & 4:
        body = unpacked(body)
    if flags & 1:
        present = [bool(body[i // 8] >> i % 8 & 1) for i in range(rows)]
        body = body[(rows + 63) // 64 * 8:]
    values = values_of(encoding, kind, param, n, body, flags & 8)
    need(len(values) == n, "values")
    cells = iter(values)
    if flags & 2 or encoding == 0:
        return [next(cells) if there else None for there in present], up(size, 8)
    return [v if there else None for there, v in zip(present, values)], up(size, 8)


def lagged(body, n):
    """Numbers of which each is that of so many rows before, and a difference."""
    runs, lag, narrow = struct.unpack_from("<IIB", body)
    bits = 32 if narrow else 64
    at = 16 + up(2 * runs, 8)
    firsts = Ints(body[at:])
    first, more, out = iter(firsts.plain(bits)), iter(Ints(body[at + firsts.size:]).plain(bits)), []
    for i in range(runs):
        rows, change = body[16 + 2 * i], body[17 + 2 * i]
        lag += change - 128 if change else 0
        need(not change or 0 < lag <= min(len(out), 4096), "a lag")
        for _ in range(rows):
            out.append(out[-lag] + next(more) if change else next(first))
    need(len(out) == n, "runs")
    return [signed(v, bits) & M64 for v in out], {}


def values_of(encoding, kind, param, n, body, differences=False):
    if encoding == 0:
        return []
    if encoding == 1:
        if kind == BOOL:
            return [bool(body[0])] * n
        return [bytes(body) if kind in (TEXT, JSON, BYTES) else from_raw(kind, body[:WIDTH[kind]])] * n
    if encoding == 2:
        if kind == BOOL:
            return [bool(body[i // 8] >> i % 8 & 1) for i in range(n)]
        return [from_raw(kind, body[i * WIDTH[kind]:(i + 1) * WIDTH[kind]]) for i in range(n)]
    if encoding in (3, 4, 5):
        numbers, patches = lagged(body, n) if differences else Ints(body).read()
        if encoding == 3:
            values = [from_bits(kind, v * 10 ** param) for v in numbers]
        elif encoding == 4:
            values = [signed(v, 64) / 10 ** param for v in numbers]
            values = [struct.unpack("<f", struct.pack("<f", v))[0] for v in values] if kind == F32 else values
        else:
            values = [from_bits(kind, v << param) for v in numbers]
        for i, bits in patches.items():
            values[i] = from_bits(kind, bits)
        return values
    if encoding == 6:
        entries, size = segment(body)
        return [entries[c] for c in Ints(body[size:]).plain(32)]
    if encoding == 9:
        months = Ints(body)
        days = Ints(body[months.size:])
        us = Ints(body[months.size + days.size:])
        return list(zip((signed(v, 32) for v in months.plain()), (signed(v, 32) for v in days.plain()), (signed(v, 64) for v in us.plain())))
    stream = Ints(body)
    ends, rest = stream.plain(32), body[stream.size:]
    if encoding == 7:
        return texts(ends, rest)
    if encoding == 8:
        decode, rest = fsst(rest)
        return texts(ends, rest, decode)
    need(encoding == 10, f"encoding {encoding}")
    items, _ = segment(rest)
    return [items[a:b] for a, b in zip([0] + ends[:-1], ends)]


# ---- the file ----


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def u32(self):
        self.at += 4
        return struct.unpack_from("<I", self.data, self.at - 4)[0]

    def skip(self, n):
        self.at += n

    def text(self):
        n = self.u32()
        self.at += up(n, 4)
        return bytes(self.data[self.at - up(n, 4):self.at - up(n, 4) + n]).decode()


class Store:
    def __init__(self, path):
        self.data = memoryview(open(path, "rb").read())
        self.names, self.tables, self.blocks, self.chapters, self.told = {}, {}, {}, [], {}
        supers = [s for s in (self.superblock(0), self.superblock(PAGE)) if s]
        need(supers, "no superblock")
        self.super = max(supers, key=lambda s: s["generation"])
        at = self.super["blocks_at"]
        if self.super["index_at"]:
            for where in (self.super["catalog_at"], self.super["index_at"]):
                need(self.block(where), "catalog or index")
            for where in self.chapters:
                need(self.block(where), "a chapter")
            at = self.super["committed"]
        while at + 112 <= len(self.data):
            size = self.block(at)
            at += size or PAGE

    def superblock(self, at):
        page = bytes(self.data[at:at + PAGE])
        if len(page) < PAGE or page[:8] != b"\x89SPATE\r\n" or xxh3(page[:4088]) != struct.unpack_from("<Q", page, 4088)[0]:
            return None
        fields = struct.unpack_from("<HH3I6QII4Q", page, 8)
        need(fields[0] == 1 and fields[2] & ~3 == 0, "version")
        names = ("version minor incompat ro_compat compat generation file_id blocks_at user_capacity user_len user_hash user_copy zero "
                 "committed catalog_at index_at sequence").split()
        return dict(zip(names, fields))

    def block(self, at):
        """Takes in the block at a place and returns its size; 0 when there is none."""
        head = bytes(self.data[at:at + 112])
        if len(head) < 112 or head[:8] != b"SPATEBLK":
            return 0
        (kind, directory, size, own, file_id, _, table, rows, first, groups, segments, p_at, p_bytes, p_hash, extra,
         hash_) = struct.unpack_from("<B3xI4QIIQII5Q", head, 8)
        if own != at or file_id != self.super["file_id"] or at + size > len(self.data) or directory > size - 112:
            return 0
        if xxh3(self.data[at + 112:at + 112 + directory], xxh3(head[:104])) != hash_:
            return 0
        payload = self.data[at + p_at:at + p_at + p_bytes]
        if p_bytes and xxh3(payload) != p_hash:
            return 0
        if kind == CATALOG:
            self.catalog(payload)
        elif kind == INDEX and not self.chapters:
            n, tables = struct.unpack_from("<II", payload)
            self.chapters = [struct.unpack_from("<QQ", payload, 8 + 8 * tables + 16 * i)[0] for i in range(n)]
        elif kind == CHAPTER and at in self.chapters:
            self.chapter(self.data[at:at + size])
        elif kind == DATA:
            self.blocks[at] = (table, first)
        else:
            need(kind != PATCH, "a patch is pending")
        return size

    def chapter(self, data):
        """Its blocks; and what it says of their fields must be what they say themselves."""
        blocks, runs, groups, at = *struct.unpack_from("<3I", data, 112), 128
        entries = [struct.unpack_from("<4Q6I", data, at + 56 * i) for i in range(blocks)]
        for where, _, row, _, table, _, _, kind, _, _ in entries:
            if kind == DATA:
                self.blocks[where] = (table, row)
        at += 56 * blocks + up(4 * groups, 8)
        for i in range(runs):
            _, name, count, _, start, hash_ = struct.unpack_from("<4IQQ", data, at + 32 * i)
            need(xxh3(data[start:start + 48 * count]) == hash_, "a run")
            for j in range(start, start + 48 * count, 48):
                block, group = struct.unpack_from("<II", data, j)
                self.told.setdefault((entries[block][0], group, name), []).append(bytes(data[j + 8:j + 48]))

    def catalog(self, data):
        at = 0
        while at + 8 <= len(data):
            kind, size = struct.unpack_from("<II", data, at)
            c = Cursor(data[at + 8:at + 8 + size])
            if kind == 1:
                number = c.u32()
                self.names[number] = c.text()
            elif kind == 2:
                number, name, scales = c.u32(), c.text(), {}
                for _ in range(c.u32()):
                    field, _ = c.u32(), c.u32()
                    scales[field] = [word := c.u32()]
                    c.skip(4)
                    while word & 0xff == LIST:
                        scales[field].append(word := c.u32())
                        c.skip(4)
                    c.skip(20)
                    c.text()
                    for _ in range(c.u32()):
                        c.text()
                self.tables[name] = (number, scales)
            at += 8 + up(size, 8)

    def segments(self):
        """The bytes of every segment of rows."""
        for at in sorted(self.blocks):
            size, groups, segments = struct.unpack_from("<Q40xII", self.data, at + 16)
            for i in range(segments if bytes(self.data[at + 8:at + 9]) == b"\1" else 0):
                place, n = struct.unpack_from("<8xII", self.data, at + 112 + 16 * groups + 40 * i)
                yield bytes(self.data[at + 64 * place:at + 64 * place + n])

    def rows(self, table):
        """(row number, {field: value}) of all rows, in order."""
        wanted = self.tables[table][0]
        for at in sorted((a for a in self.blocks if self.blocks[a][0] == wanted), key=lambda a: self.blocks[a][1]):
            yield from self.rows_of(at)

    def rows_of(self, at):
        directory, size, rows, first, groups, segments, salt = struct.unpack_from("<IQ28xIQII24xQ", self.data, at + 12)
        block = self.data[at:at + size]
        columns = [self.column(block, 112 + 16 * groups + 40 * i, salt) for i in range(segments)]
        order = columns.pop()[1] if groups > 1 else [0] * rows
        spans = [struct.unpack_from("<3I", block, 112 + 16 * g) for g in range(groups)]
        self.compare(at, block, groups, spans)
        places = [0] * groups
        for i, g in enumerate(order):
            _, start, n = spans[g]
            yield first + i, {name: cells[places[g]] for name, cells in columns[start:start + n] if cells[places[g]] is not None}
            places[g] += 1

    def column(self, block, entry, salt):
        name, kind, _, scale, _, _, place, size, nulls = struct.unpack_from("<H5Bx3I", block, entry)
        data = block[place * 64:place * 64 + size]
        need(xxh3(data[8:], (salt + place) & M64) == struct.unpack_from("<Q", data)[0], f"segment of {self.names.get(name)}")
        cells, _ = segment(data)
        need(sum(c is None for c in cells) == nulls, "nulls")
        return self.names.get(name), [None if c is None else (c, scale) for c in cells] if kind == DECIMAL else cells

    def compare(self, at, block, groups, spans):
        """A block in a chapter: each says of it what the other says."""
        for g, (_, start, n) in enumerate(spans if any(where == at for where, _, _ in self.told) else ()):
            for i in range(start, start + n):
                entry = bytes(block[112 + 16 * groups + 40 * i:152 + 16 * groups + 40 * i])
                need(entry in self.told.get((at, g, struct.unpack_from("<H", entry)[0]), ()), "a chapter says otherwise")


if __name__ == "__main__":
    store = Store(sys.argv[1])
    for number, row in store.rows(sys.argv[2] if len(sys.argv) > 2 else next(iter(store.tables))):
        print(number, row)
