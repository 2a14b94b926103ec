#!/usr/bin/env python3
"""Writes pow10_tables.h: for k in -292..324 the 128-bit g(k) = ceil(10^k * 2^(127 - floor(log2 10^k))), the powers of ten
that Schubfach multiplies by (Raffaello Giulietti, "The Schubfach way to render doubles", 2020). Usage: pow10.py OUTPUT"""
import sys

K_MIN, K_MAX = -292, 324


def g(k):
    if k >= 0:
        power = 10**k
        shift = power.bit_length() - 128
        return power << -shift if shift <= 0 else -(-power >> shift)
    power = 10**-k
    # floor(log2(1 / power)) is -bit_length(power), for a power of ten is never a power of two here.
    return -(-(1 << (127 + power.bit_length())) // power)


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("/* Written by tools/pow10.py. */\n")
    out.write(f"enum {{ POW10_MIN = {K_MIN}, POW10_MAX = {K_MAX} }};\n")
    out.write(f"static const struct {{ uint64_t hi, lo; }} pow10_table[{K_MAX - K_MIN + 1}] = {{\n")
    for k in range(K_MIN, K_MAX + 1):
        v = g(k)
        assert 1 << 127 <= v < 1 << 128
        out.write(f"    {{0x{v >> 64:016x}, 0x{v & (1 << 64) - 1:016x}}}, /* {k} */\n")
    out.write("};\n")
