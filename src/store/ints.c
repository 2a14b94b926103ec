/* ints.c - reading streams of integers; intspack.c has the other way. */
#include "store/ints.h"

sp_ints_vector sp_ints_vector_of(const sp_ints *s, uint32_t i)
{
    sp_ints_vector head;
    if (s->uniform) {
        head = (sp_ints_vector){.width = s->width,
                                .base = (int64_t)(s->base + (uint64_t)i * SP_VECTOR * s->step),
                                .at = (uint32_t)(sizeof(sp_ints_header) + (size_t)i * SP_ROW_BYTES * s->width)};
        return head;
    }
    memcpy(&head, s->bytes + sizeof(sp_ints_header) + (size_t)i * sizeof head, sizeof head);
    return head;
}

bool sp_ints_parse(const void *p, size_t len, unsigned width_max, sp_ints *s)
{
    sp_ints_header h;
    if (len < sizeof h)
        return false;
    memcpy(&h, p, sizeof h);
    if (h.bytes < sizeof h || h.bytes > len || h.bytes % 8 || h.mode > SP_INTS_DELTA || h.uniform > 1 ||
        h.width > width_max)
        return false;
    *s = (sp_ints){.bytes = p,
                   .count = h.count,
                   .size = h.bytes,
                   .mode = h.mode,
                   .width = h.width,
                   .uniform = h.uniform,
                   .step = (uint64_t)h.step,
                   .base = (uint64_t)h.base};
    uint32_t vectors = h.count / SP_VECTOR + (h.count % SP_VECTOR != 0);
    if (h.uniform) {
        size_t bits = (size_t)(h.count / SP_VECTOR) * sp_packed_bytes(SP_VECTOR, h.width) +
                      sp_packed_bytes(h.count % SP_VECTOR, h.width);
        return h.bytes >= sizeof h + bits && (h.mode == SP_INTS_LINE || vectors <= 1);
    }
    if (h.bytes < sizeof h + (size_t)vectors * sizeof(sp_ints_vector))
        return false;
    for (uint32_t i = 0; i < vectors; i++) {
        sp_ints_vector v = sp_ints_vector_of(s, i);
        uint32_t n = SP_MIN(h.count - i * SP_VECTOR, (uint32_t)SP_VECTOR);
        if (v.width > width_max || v.patches > n)
            return false;
        size_t need = sp_packed_bytes(n, v.width) + sp_round_up((size_t)v.patches * 2, 8) + (size_t)v.patches * 8;
        if (v.at > h.bytes || v.at % 8 || need > h.bytes - v.at)
            return false;
    }
    return true;
}

/* Sums of deltas become values. Their low bits alone will do for narrow ones. */
void sp_ints_finish32(const sp_kernels *k, const uint32_t *v, uint32_t n, sp_as as, unsigned param, void *out)
{
    if (as == SP_AS_16) {
        for (uint32_t i = 0; i < n; i++)
            ((uint16_t *)out)[i] = (uint16_t)v[i];
        return;
    }
    memcpy(out, v, (size_t)n * 4);
    if (as == SP_AS_BITS_32)
        k->shift32(out, n, param);
}

void sp_ints_finish64(const sp_kernels *k, const uint64_t *v, uint32_t n, sp_as as, unsigned param, void *out)
{
    double wide[SP_VECTOR];
    if (as == SP_AS_DECIMAL) {
        k->to_doubles(v, n, param, out);
    } else if (as == SP_AS_DECIMAL_F32) {
        k->to_doubles(v, n, param, wide);
        for (uint32_t i = 0; i < n; i++)
            ((float *)out)[i] = (float)wide[i];
    } else {
        memcpy(out, v, (size_t)n * 8);
        if (as == SP_AS_BITS_64)
            k->shift64(out, n, param);
        if (as == SP_AS_TENS)
            k->times64(out, n, sp_pow10[param]);
    }
}

/* A whole vector of deltas, whatever part of it is wanted: a sum begins at the beginning. */
static void read_deltas(const sp_kernels *k, const sp_ints *s, const sp_ints_vector *v, uint32_t n, sp_as as,
                        unsigned param, void *out)
{
    alignas(64) uint64_t r[SP_VECTOR];
    alignas(64) uint32_t narrow[SP_VECTOR];
    const void *bits = s->bytes + v->at;
    sp_line line = {(uint64_t)v->base, s->step};
    if (v->width <= 32 && sp_as_width(as) < 8 && as != SP_AS_DECIMAL_F32) {
        k->unpack32(bits, v->width, 0, (n + SP_LANES_32 - 1) / SP_LANES_32, narrow);
        k->sums32(narrow, n, line);
        sp_ints_finish32(k, narrow, n, as, param, out);
        return;
    }
    if (v->width <= 32)
        k->read32_64(bits, v->width, 0, (n + SP_LANES_32 - 1) / SP_LANES_32, (sp_line){0}, 0, r);
    else
        k->unpack64(bits, v->width, 0, (n + SP_LANES_64 - 1) / SP_LANES_64, r);
    k->sums64(r, n, line);
    sp_ints_finish64(k, r, n, as, param, out);
}

/* Values first.. of a line, first a multiple of the lanes. */
static void read_line(const sp_kernels *k, const sp_ints *s, const sp_ints_vector *v, uint32_t first, uint32_t n,
                      sp_as as, unsigned param, void *out)
{
    uint32_t lanes = sp_lanes(v->width), places = (n + lanes - 1) / lanes, place = first / lanes;
    const void *bits = s->bytes + v->at;
    sp_line line = {(uint64_t)v->base + first * s->step, s->step};
    bool narrow = v->width <= 32;
    double wide[SP_VECTOR];
    switch (as) {
    case SP_AS_16: k->read32_16(bits, v->width, place, places, line, out); break;
    case SP_AS_32:
    case SP_AS_BITS_32: k->read32_32(bits, v->width, place, places, line, as == SP_AS_32 ? 0 : param, out); break;
    case SP_AS_64:
    case SP_AS_TENS:
    case SP_AS_BITS_64:
        if (narrow)
            k->read32_64(bits, v->width, place, places, line, as == SP_AS_BITS_64 ? param : 0, out);
        else
            k->read64_64(bits, v->width, place, places, line, as == SP_AS_BITS_64 ? param : 0, out);
        if (as == SP_AS_TENS)
            k->times64(out, n, sp_pow10[param]);
        break;
    case SP_AS_DECIMAL:
        if (narrow)
            k->read32_decimal(bits, v->width, place, places, line, param, out);
        else
            k->read64_decimal(bits, v->width, place, places, line, param, out);
        break;
    case SP_AS_DECIMAL_F32: /* no wider than 32 bits */
        k->read32_decimal(bits, v->width, place, places, line, param, wide);
        for (uint32_t i = 0; i < n; i++)
            ((float *)out)[i] = (float)wide[i];
        break;
    }
}

static void lay_patches(const sp_ints *s, const sp_ints_vector *v, uint32_t in_vector, uint32_t first, uint32_t n,
                        unsigned width, char *out)
{
    const char *positions = s->bytes + v->at + sp_packed_bytes(in_vector, v->width),
               *values = positions + sp_round_up((size_t)v->patches * 2, 8);
    for (uint32_t i = 0; i < v->patches; i++) {
        uint16_t position;
        memcpy(&position, positions + (size_t)i * 2, 2);
        if (position >= first && position - first < n)
            memcpy(out + (size_t)(position - first) * width, values + (size_t)i * 8, width);
    }
}

void sp_ints_read(const sp_kernels *k, const sp_ints *s, uint32_t from, uint32_t n, sp_as as, unsigned param, void *out)
{
    unsigned width = sp_as_width(as);
    char *to = out;
    alignas(64) uint64_t aside[SP_VECTOR + SP_LANES_32];
    while (n > 0) {
        uint32_t i = from / SP_VECTOR, in = from % SP_VECTOR,
                 of = SP_MIN(s->count - i * SP_VECTOR, (uint32_t)SP_VECTOR);
        uint32_t take = SP_MIN(n, of - in);
        sp_ints_vector v = sp_ints_vector_of(s, i);
        if (s->mode == SP_INTS_DELTA) {
            bool whole = in == 0 && take == of;
            read_deltas(k, s, &v, of, as, param, whole ? (void *)to : aside);
            if (!whole)
                memcpy(to, (char *)aside + (size_t)in * width, (size_t)take * width);
        } else if (in % sp_lanes(v.width) == 0) {
            read_line(k, s, &v, in, take, as, param, to);
        } else {
            uint32_t back = in % sp_lanes(v.width);
            read_line(k, s, &v, in - back, take + back, as, param, aside);
            memcpy(to, (char *)aside + (size_t)back * width, (size_t)take * width);
        }
        if (v.patches)
            lay_patches(s, &v, of, in, take, width, to);
        to += (size_t)take * width;
        from += take;
        n -= take;
    }
}
