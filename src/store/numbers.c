/* numbers.c - cells of fixed width: which encoding, and what statistics say of them. */
#include "store/segment.h"

#include <math.h>

enum {
    PLAN_AGE_MAX = 16,
    SAMPLE = 128,
    FEW_IN_SAMPLE = 24, /* distinct values of a sample that make a dictionary worth trying */
    DICT_MAX = 4096,
    DICT_BITS_MIN = 14, /* a value: below that a dictionary saves too little */
};

static uint64_t load_bits(const sp_flat *f, uint32_t width, uint32_t i)
{
    uint64_t bits = 0;
    memcpy(&bits, (const char *)f->data + (size_t)i * width, width);
    return bits;
}

/* ---- statistics -------------------------------------------------------------------------------- */

static void range_of_integers(const sp_kernels *k, const sp_flat *f, uint32_t width, int64_t *min, int64_t *max)
{
    if (width == 2)
        k->range16(f->data, f->n, min, max);
    else if (width == 4)
        k->range32(f->data, f->n, min, max);
    else
        k->range(f->data, f->n, min, max);
}

static void range_of_unsigned(const sp_flat *f, uint64_t *min, uint64_t *max)
{
    const uint64_t *v = f->data;
    *min = UINT64_MAX;
    *max = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        *min = SP_MIN(*min, v[i]);
        *max = SP_MAX(*max, v[i]);
    }
}

/* NaN is in no range: false when there is nothing else. Eight at a time, for the compiler to make vectors of. */
static bool range_of_doubles(const sp_kernels *k, const double *v, uint32_t n, double *min, double *max)
{
    k->range_f64(v, n, min, max);
    return *min <= *max;
}

static bool range_of_floats(const sp_kernels *k, const float *v, uint32_t n, double *min, double *max)
{
    double wide[SP_VECTOR], low, high;
    *min = INFINITY;
    *max = -INFINITY;
    for (uint32_t from = 0; from < n; from += SP_VECTOR) {
        uint32_t some = SP_MIN(n - from, (uint32_t)SP_VECTOR);
        for (uint32_t i = 0; i < some; i++)
            wide[i] = v[from + i];
        k->range_f64(wide, some, &low, &high);
        *min = SP_MIN(*min, low);
        *max = SP_MAX(*max, high);
    }
    return *min <= *max;
}

static void put_range(const sp_kernels *k, const sp_flat *f, uint32_t width, sp_segment_entry *entry)
{
    bool has = true;
    if (f->type.kind == SP_F64 || f->type.kind == SP_F32) {
        double min, max;
        has = f->type.kind == SP_F64 ? range_of_doubles(k, f->data, f->n, &min, &max)
                                     : range_of_floats(k, f->data, f->n, &min, &max);
        memcpy(&entry->min, &min, 8);
        memcpy(&entry->max, &max, 8);
    } else if (f->type.kind == SP_U64) {
        range_of_unsigned(f, &entry->min, &entry->max);
    } else {
        int64_t min, max;
        range_of_integers(k, f, width, &min, &max);
        entry->min = (uint64_t)min;
        entry->max = (uint64_t)max;
    }
    if (has)
        entry->flags |= SP_SEGMENT_HAS_RANGE;
    else
        entry->min = entry->max = 0;
}

/* ---- choosing ---------------------------------------------------------------------------------- */

static bool all_equal(const sp_flat *f, uint32_t width)
{
    const char *p = f->data;
    return f->n == 1 || memcmp(p, p + width, (size_t)(f->n - 1) * width) == 0;
}

/* Values from all over; returns how many. */
static uint32_t take_sample(const sp_flat *f, uint32_t width, char *to)
{
    uint32_t n = SP_MIN(f->n, (uint32_t)SAMPLE), step = f->n / n;
    for (uint32_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * width, (const char *)f->data + (size_t)i * step * width, width);
    return n;
}

static bool few_distinct(const char *sample, uint32_t n, uint32_t width)
{
    const char *seen[FEW_IN_SAMPLE];
    uint32_t n_seen = 0;
    for (uint32_t i = 0; i < n; i++) {
        const char *v = sample + (size_t)i * width;
        uint32_t j = 0;
        while (j < n_seen && memcmp(seen[j], v, width) != 0)
            j++;
        if (j < n_seen)
            continue;
        if (n_seen == FEW_IN_SAMPLE)
            return false;
        seen[n_seen++] = v;
    }
    return n_seen * 4 <= n;
}

static unsigned bits_between(const int64_t *v, uint32_t n)
{
    int64_t low, high;
    sp_kernels_portable.range(v, n, &low, &high);
    return sp_bits_of((uint64_t)high - (uint64_t)low);
}

/* The least exponent that makes whole numbers of nearly all doubles, and the bits they take; 64 if there is none. */
static unsigned decimal_bits(const sp_kernels *k, const double *v, uint32_t n, uint8_t *exponent)
{
    int64_t whole[SAMPLE], low, high;
    uint8_t bad[SAMPLE];
    for (unsigned e = 0; e <= SP_DECIMAL_EXPONENT_MAX; e++) {
        uint32_t n_bad = k->to_decimal(v, n, e, whole, bad, &low, &high), kept = 0;
        if (n_bad > n / 16)
            continue;
        for (uint32_t i = 0; i < n; i++)
            if (n_bad == 0 || !bad[i])
                whole[kept++] = whole[i];
        *exponent = (uint8_t)e;
        return kept ? bits_between(whole, kept) + n_bad * 80 / n : 64;
    }
    return 64;
}

static unsigned plain_bits(const char *sample, uint32_t n, uint32_t width)
{
    int64_t v[SAMPLE];
    uint64_t any = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        memcpy(&bits, sample + (size_t)i * width, width);
        any |= bits;
        v[i] = (int64_t)bits;
    }
    unsigned zeros = any ? (unsigned)__builtin_ctzll(any) : 0;
    for (uint32_t i = 0; i < n; i++)
        v[i] = (int64_t)((uint64_t)v[i] >> zeros);
    return bits_between(v, n);
}

static unsigned choose_for_floats(const sp_kernels *k, const char *sample, uint32_t n, uint32_t width,
                                  sp_segment_plan *plan)
{
    double v[SAMPLE];
    for (uint32_t i = 0; i < n; i++) {
        float narrow;
        if (width == 4) {
            /* Digits of a float are those of the shortest decimal that gives it back. */
            memcpy(&narrow, sample + (size_t)i * 4, 4);
            double wide = narrow, rounded = nearbyint(wide * 1e4) / 1e4;
            v[i] = (float)rounded == narrow ? rounded : wide;
        } else {
            memcpy(&v[i], sample + (size_t)i * 8, 8);
        }
    }
    uint8_t exponent = 0;
    unsigned decimal = decimal_bits(k, v, n, &exponent), plain = plain_bits(sample, n, width);
    plan->encoding = decimal < plain ? SP_ENC_DECIMAL : SP_ENC_BITS;
    plan->param = decimal < plain ? exponent : 0;
    return SP_MIN(decimal, plain);
}

/* Zeros that all numbers end with: whole seconds among microseconds have six. */
static uint8_t common_tens(const char *sample, uint32_t n)
{
    unsigned tens = SP_DECIMAL_EXPONENT_MAX;
    bool any = false;
    for (uint32_t i = 0; tens && i < n; i++) {
        int64_t v;
        memcpy(&v, sample + (size_t)i * 8, 8);
        any |= v != 0;
        while (tens && v % (int64_t)sp_pow10[tens])
            tens--;
    }
    return any ? (uint8_t)tens : 0;
}

static void choose(const sp_kernels *k, const sp_flat *f, uint32_t width, sp_segment_plan *plan)
{
    char sample[SAMPLE * 16];
    uint32_t n = take_sample(f, width, sample);
    sp_segment_plan *item = plan->item;
    *plan = (sp_segment_plan){.known = true, .item = item, .encoding = SP_ENC_INT};
    unsigned bits;
    if (width == 16) {
        plan->encoding = SP_ENC_RAW;
        bits = 128;
    } else if (f->type.kind == SP_F64 || f->type.kind == SP_F32) {
        bits = choose_for_floats(k, sample, n, width, plan);
    } else {
        bits = plain_bits(sample, n, width);
        plan->param = width == 8 ? common_tens(sample, n) : 0;
    }
    if (bits >= DICT_BITS_MIN && f->n >= 64 && few_distinct(sample, n, width))
        plan->encoding = SP_ENC_DICT;
}

bool sp_segment_as(sp_kind kind, sp_encoding encoding, unsigned param, sp_as *as)
{
    uint32_t width = sp_kind_width(kind);
    bool is_float = kind == SP_F32 || kind == SP_F64;
    if (encoding == SP_ENC_INT && !is_float && width == 8 && param)
        *as = SP_AS_TENS;
    else if (encoding == SP_ENC_INT && !is_float && width && width <= 8 && !param)
        *as = width == 2 ? SP_AS_16 : width == 4 ? SP_AS_32 : SP_AS_64;
    else if (encoding == SP_ENC_DECIMAL && is_float)
        *as = width == 4 ? SP_AS_DECIMAL_F32 : SP_AS_DECIMAL;
    else if (encoding == SP_ENC_BITS && is_float)
        *as = width == 4 ? SP_AS_BITS_32 : SP_AS_BITS_64;
    else
        return false;
    return true;
}

/* ---- encoding ---------------------------------------------------------------------------------- */

static unsigned common_zeros(const sp_kernels *k, const sp_flat *f, uint32_t width)
{
    uint64_t any = 0;
    if (width == 8)
        any = k->any64(f->data, f->n);
    else
        for (uint32_t i = 0; i < f->n; i++)
            any |= load_bits(f, width, i);
    return any ? (unsigned)__builtin_ctzll(any) : 0;
}

static int put_const(const sp_flat *f, uint32_t width, sp_buf *out, sp_segment_header *h)
{
    char value[16] = {0};
    memcpy(value, f->data, width);
    h->encoding = SP_ENC_CONST;
    return sp_buf_add(out, value, sizeof value);
}

static int put_raw(const sp_flat *f, uint32_t width, sp_buf *out, sp_segment_header *h)
{
    h->encoding = SP_ENC_RAW;
    return sp_buf_add(out, f->data, (size_t)f->n * width);
}

/* Entries as they are, then a stream of codes. *done: it paid. */
static int put_dict(sp_encoder *e, const sp_flat *f, uint32_t width, sp_segment_plan *plan, sp_buf *out,
                    sp_segment_header *h, bool *done)
{
    uint32_t n = sp_dict_build(e->dict, f, SP_MIN(f->n / 8, (uint32_t)DICT_MAX), &e->codes);
    *done = n > 0;
    if (n == 0)
        return SPATE_OK;
    const uint32_t *code = (const uint32_t *)e->codes.data, *first = code + f->n;
    sp_segment_header entries = {.encoding = SP_ENC_RAW,
                                 .kind = (uint8_t)f->type.kind,
                                 .rows = n,
                                 .values = n,
                                 .bytes = (uint32_t)sp_round_up(sizeof entries + (size_t)n * width, 8)};
    if (sp_buf_reserve(out, entries.bytes) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *to = out->data + out->len;
    memset(to, 0, entries.bytes);
    memcpy(to, &entries, sizeof entries);
    for (uint32_t i = 0; i < n; i++)
        memcpy(to + sizeof entries + (size_t)i * width, (const char *)f->data + (size_t)first[i] * width, width);
    out->len += entries.bytes;
    h->encoding = SP_ENC_DICT;
    sp_ints_source codes = {.as = SP_AS_32, .data = code, .count = f->n};
    return sp_ints_encode(e->k, &codes, &plan->ints, out, NULL);
}

/* The same once more as differences, when a plan is made: the shorter one stays. */
static int try_lagged(sp_encoder *e, const sp_ints_source *source, const uint8_t *filled, sp_segment_plan *plan,
                      size_t start, sp_buf *out, sp_segment_header *h)
{
    size_t plain = out->len - start, end = out->len;
    bool done;
    int rc = sp_lagged_encode(e, source, filled, plan, out, &done);
    plan->tried = true;
    plan->lagged = rc == SPATE_OK && done && sp_lagged_pays(out->len - end, plain);
    if (plan->lagged) {
        memmove(out->data + start, out->data + end, out->len - end);
        out->len = start + (out->len - end);
        h->flags |= SP_SEGMENT_LAGGED;
        e->has_lagged = true;
    } else {
        out->len = end;
    }
    return rc;
}

static int put_ints(sp_encoder *e, const sp_flat *f, sp_encoding encoding, unsigned param, sp_segment_plan *plan,
                    sp_buf *out, sp_segment_header *h, bool *given_up)
{
    sp_ints_source source = {.param = param, .data = f->data, .count = f->n};
    size_t start = out->len;
    bool done = false;
    SP_ASSERT(sp_segment_as(f->type.kind, encoding, param, &source.as));
    h->encoding = (uint8_t)encoding;
    h->param = (uint8_t)param;
    int rc = plan->lagged ? sp_lagged_encode(e, &source, f->filled, plan, out, &done) : SPATE_OK;
    h->flags |= done ? SP_SEGMENT_LAGGED : 0;
    if (rc != SPATE_OK || done)
        return rc;
    rc = sp_ints_encode(e->k, &source, &plan->ints, out, given_up);
    if (rc == SPATE_OK && !plan->tried && !(given_up && *given_up) && e->lags.rows == f->n)
        rc = try_lagged(e, &source, f->filled, plan, start, out, h);
    return rc;
}

static int put_intervals(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h)
{
    const sp_interval *v = f->data;
    h->encoding = SP_ENC_INTERVAL;
    e->codes.len = 0;
    if (sp_buf_reserve(&e->codes, (size_t)f->n * 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    int32_t *part = (int32_t *)e->codes.data;
    int64_t *us = (int64_t *)e->codes.data;
    sp_ints_source narrow = {.as = SP_AS_32, .data = part, .count = f->n},
                   wide = {.as = SP_AS_64, .data = us, .count = f->n};
    for (uint32_t i = 0; i < f->n; i++)
        part[i] = v[i].months;
    int rc = sp_ints_encode(e->k, &narrow, &plan->ints, out, NULL);
    for (uint32_t i = 0; i < f->n; i++)
        part[i] = v[i].days;
    if (rc == SPATE_OK)
        rc = sp_ints_encode(e->k, &narrow, &plan->parts[0], out, NULL);
    for (uint32_t i = 0; i < f->n; i++)
        us[i] = v[i].us;
    return rc == SPATE_OK ? sp_ints_encode(e->k, &wide, &plan->parts[1], out, NULL) : rc;
}

static int put_floats(sp_encoder *e, const sp_flat *f, uint32_t width, sp_segment_plan *plan, sp_buf *out,
                      sp_segment_header *h)
{
    if (plan->encoding == SP_ENC_DECIMAL) {
        bool given_up = false;
        int rc = put_ints(e, f, SP_ENC_DECIMAL, plan->param, plan, out, h, &given_up);
        if (rc != SPATE_OK || !given_up)
            return rc;
        plan->known = plan->lagged = false;
        plan->ints = (sp_ints_plan){0};
    }
    return put_ints(e, f, SP_ENC_BITS, common_zeros(e->k, f, width), plan, out, h, NULL);
}

static int put_integers(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h)
{
    if (plan->param) {
        bool given_up = false;
        int rc = put_ints(e, f, SP_ENC_INT, plan->param, plan, out, h, &given_up);
        if (rc != SPATE_OK || !given_up)
            return rc;
        plan->known = plan->lagged = false;
        plan->ints = (sp_ints_plan){0};
    }
    return put_ints(e, f, SP_ENC_INT, 0, plan, out, h, NULL);
}

int sp_numbers_encode(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h,
                      sp_segment_entry *entry)
{
    uint32_t width = sp_kind_width(f->type.kind);
    if (width <= 8)
        put_range(e->k, f, width, entry);
    if (all_equal(f, width))
        return put_const(f, width, out, h);
    if (f->type.kind == SP_INTERVAL)
        return put_intervals(e, f, plan, out, h);
    if (!plan->known || plan->age++ >= PLAN_AGE_MAX)
        choose(e->k, f, width, plan);
    if (plan->encoding == SP_ENC_DICT) {
        bool done;
        int rc = put_dict(e, f, width, plan, out, h, &done);
        if (rc != SPATE_OK || done)
            return rc;
        plan->known = false;
    }
    if (width == 16)
        return put_raw(f, width, out, h);
    if (f->type.kind == SP_F32 || f->type.kind == SP_F64)
        return put_floats(e, f, width, plan, out, h);
    return put_integers(e, f, plan, out, h);
}
