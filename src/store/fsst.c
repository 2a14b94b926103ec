/* fsst.c - learning, compressing and reading by a table of symbols. */
#include "store/fsst.h"

#include <stdlib.h>

enum {
    GENERATIONS = 5,
    SAMPLE_BYTES = 16 << 10,
    CODES = 512,  /* while learning: 256 single bytes, then symbols */
    SLOTS = 1024, /* for symbols of three bytes and more, by their first three */
    CANDIDATES_MAX = 8192,
};

typedef struct symbol {
    uint64_t text;
    uint32_t len;
} symbol;

typedef struct candidate {
    symbol s;
    uint32_t gain;
} candidate;

struct sp_fsst_maker {
    symbol symbols[SP_FSST_SYMBOLS + 1];
    unsigned n;
    uint16_t slots[SLOTS]; /* 1 + symbol, 0: none */
    uint16_t pairs[65536]; /* first two bytes: 1 + symbol of one or two bytes, 0: none */
    uint32_t count1[CODES];
    uint16_t count2[CODES][CODES];
    candidate candidates[CANDIDATES_MAX];
    uint16_t by_text[CANDIDATES_MAX * 2];
};

static uint64_t first_bytes(uint64_t text, uint32_t len)
{
    return len >= 8 ? text : text & ((UINT64_C(1) << (8 * len)) - 1);
}

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint32_t slot_of(uint64_t text)
{
    return (uint32_t)((text & 0xffffff) * UINT64_C(2654435761) >> 15) % SLOTS;
}

/* Symbols come in falling order of gain: the first to want a slot keeps it. */
static void index_symbols(sp_fsst_maker *m)
{
    memset(m->slots, 0, sizeof m->slots);
    memset(m->pairs, 0, sizeof m->pairs);
    for (unsigned i = 0; i < m->n; i++)
        if (m->symbols[i].len == 1)
            for (unsigned next = 0; next < 256; next++)
                m->pairs[m->symbols[i].text | next << 8] = (uint16_t)(i + 1);
    for (unsigned i = 0; i < m->n; i++) {
        if (m->symbols[i].len == 2)
            m->pairs[m->symbols[i].text] = (uint16_t)(i + 1);
        uint32_t slot = slot_of(m->symbols[i].text);
        if (m->symbols[i].len >= 3 && m->slots[slot] == 0)
            m->slots[slot] = (uint16_t)(i + 1);
    }
}

/* The symbol that s goes on with, or -1. left >= 1. */
static inline int find(const sp_fsst_maker *m, uint64_t text, size_t left)
{
    unsigned i = m->slots[slot_of(text)];
    if (i && m->symbols[i - 1].len <= left && first_bytes(text, m->symbols[i - 1].len) == m->symbols[i - 1].text)
        return (int)i - 1;
    i = m->pairs[text & 0xffff];
    if (i && m->symbols[i - 1].len <= left)
        return (int)i - 1;
    if (i) /* two bytes are one too many: the single byte may be a symbol too */
        for (unsigned j = 0; j < m->n; j++)
            if (m->symbols[j].len == 1 && m->symbols[j].text == (text & 0xff))
                return (int)j;
    return -1;
}

static void count_string(sp_fsst_maker *m, const char *s, size_t len)
{
    int before = -1;
    while (len > 0) {
        uint64_t text = first_bytes(load8(s), (uint32_t)SP_MIN(len, (size_t)8));
        int found = find(m, text, len);
        unsigned code = found < 0 ? (unsigned)(text & 0xff) : 256 + (unsigned)found;
        uint32_t used = found < 0 ? 1 : m->symbols[found].len;
        m->count1[code]++;
        /* What begins with a single byte may grow from it too. */
        if (used > 1)
            m->count1[text & 0xff]++;
        if (before >= 0 && m->count2[before][code] < UINT16_MAX)
            m->count2[before][code]++;
        if (before >= 0 && used > 1 && m->count2[before][text & 0xff] < UINT16_MAX)
            m->count2[before][text & 0xff]++;
        before = (int)code;
        s += used;
        len -= used;
    }
}

static symbol symbol_of(const sp_fsst_maker *m, unsigned code)
{
    return code < 256 ? (symbol){code, 1} : m->symbols[code - 256];
}

static void offer(sp_fsst_maker *m, unsigned *n, symbol s, uint32_t gain)
{
    uint32_t at = (uint32_t)sp_mix64(s.text + s.len) % (CANDIDATES_MAX * 2);
    for (; m->by_text[at]; at = (at + 1) % (CANDIDATES_MAX * 2)) {
        candidate *c = &m->candidates[m->by_text[at] - 1];
        if (c->s.text == s.text && c->s.len == s.len) {
            c->gain += gain;
            return;
        }
    }
    if (*n == CANDIDATES_MAX)
        return;
    m->candidates[(*n)++] = (candidate){s, gain};
    m->by_text[at] = (uint16_t)*n;
}

static int by_gain(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->gain != y->gain)
        return x->gain < y->gain ? 1 : -1;
    return x->s.text < y->s.text ? -1 : x->s.text > y->s.text;
}

static void choose(sp_fsst_maker *m, bool last)
{
    unsigned n = 0;
    memset(m->by_text, 0, sizeof m->by_text);
    for (unsigned a = 0; a < 256 + m->n; a++) {
        if (m->count1[a] == 0)
            continue;
        symbol sa = symbol_of(m, a);
        /* A byte without a symbol costs two. */
        offer(m, &n, sa, m->count1[a] * (sa.len == 1 ? 8 : sa.len));
        for (unsigned b = 0; sa.len < 8 && !last && b < 256 + m->n; b++) {
            if (m->count2[a][b] < 3)
                continue;
            symbol sb = symbol_of(m, b), both = {sa.text | sb.text << (8 * sa.len), SP_MIN(sa.len + sb.len, 8u)};
            both.text = first_bytes(both.text, both.len);
            offer(m, &n, both, (uint32_t)m->count2[a][b] * both.len);
        }
    }
    qsort(m->candidates, n, sizeof *m->candidates, by_gain);
    m->n = SP_MIN(n, (unsigned)SP_FSST_SYMBOLS);
    for (unsigned i = 0; i < m->n; i++)
        m->symbols[i] = m->candidates[i].s;
    index_symbols(m);
}

sp_fsst_maker *sp_fsst_maker_new(void)
{
    return sp_alloc_zero(1, sizeof(sp_fsst_maker));
}

void sp_fsst_maker_free(sp_fsst_maker *m)
{
    sp_free(m);
}

/* Strings from all over, until there are enough bytes. */
static void count_sample(sp_fsst_maker *m, const char *bytes, const int32_t *offsets, uint32_t n)
{
    size_t total = (size_t)(offsets[n] - offsets[0]);
    uint32_t step = 1 + (uint32_t)(total / SAMPLE_BYTES);
    size_t seen = 0;
    for (uint32_t i = step / 2 < n ? step / 2 : 0; i < n && seen < SAMPLE_BYTES; i += step) {
        size_t len = SP_MIN((size_t)(offsets[i + 1] - offsets[i]), (size_t)SAMPLE_BYTES - seen);
        count_string(m, bytes + offsets[i], len);
        seen += len;
    }
}

void sp_fsst_learn(sp_fsst_maker *m, const char *bytes, const int32_t *offsets, uint32_t n)
{
    m->n = 0;
    index_symbols(m);
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        memset(m->count1, 0, sizeof m->count1);
        memset(m->count2, 0, sizeof m->count2);
        count_sample(m, bytes, offsets, n);
        choose(m, false);
    }
}

char *sp_fsst_put(const sp_fsst_maker *m, const char *s, size_t len, char *out)
{
    while (len > 0) {
        uint64_t text = load8(s);
        if (len < 8)
            text = first_bytes(text, (uint32_t)len);
        int found = find(m, text, len);
        uint32_t used = 1;
        if (found < 0) {
            *out++ = (char)SP_FSST_ESCAPE;
            *out++ = *s;
        } else {
            *out++ = (char)found;
            used = m->symbols[found].len;
        }
        s += used;
        len -= used;
    }
    return out;
}

size_t sp_fsst_put_table(const sp_fsst_maker *m, char *out)
{
    char *p = out;
    *p++ = (char)m->n;
    for (unsigned i = 0; i < m->n; i++)
        *p++ = (char)m->symbols[i].len;
    for (unsigned i = 0; i < m->n; i++) {
        memcpy(p, &m->symbols[i].text, m->symbols[i].len);
        p += m->symbols[i].len;
    }
    return (size_t)(p - out);
}

bool sp_fsst_parse(const char *p, size_t len, sp_fsst *t, size_t *used)
{
    if (len < 1)
        return false;
    memset(t, 0, sizeof *t);
    t->n = (uint8_t)*p;
    size_t at = 1 + t->n;
    if (t->n > SP_FSST_SYMBOLS || len < at)
        return false;
    for (unsigned i = 0; i < t->n; i++) {
        t->len[i] = (uint8_t)p[1 + i];
        if (t->len[i] < 1 || t->len[i] > 8 || len - at < t->len[i])
            return false;
        memcpy(&t->symbol[i], p + at, t->len[i]);
        at += t->len[i];
    }
    *used = at;
    return true;
}

static bool has_escape(uint64_t codes)
{
    _Static_assert(SP_FSST_ESCAPE == 0xff, "a byte of ones");
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return ((~codes - ones) & codes & ones << 7) != 0;
}

/* Eight codes at a time, however short the strings are: a loop for each of them would be left at a place that no processor foretells. */
uint32_t sp_fsst_get(const sp_fsst *t, const char *codes, uint32_t n, char *out, uint32_t *at)
{
    const uint8_t *p = (const uint8_t *)codes;
    uint32_t k = 0, to = 0;
    at[0] = 0;
    while (k < n) {
        uint32_t stop = SP_MIN(n, k + 8);
        uint64_t eight = UINT64_MAX;
        if (stop - k == 8)
            memcpy(&eight, p + k, 8);
        if (SP_LIKELY(!has_escape(eight))) {
            for (int i = 1; i <= 8; i++, eight >>= 8) {
                unsigned code = eight & 0xff;
                memcpy(out + to, &t->symbol[code], 8);
                to += t->len[code];
                at[k + i] = to;
            }
            k = stop;
            continue;
        }
        while (k < stop) {
            unsigned code = p[k];
            if (code != SP_FSST_ESCAPE) {
                memcpy(out + to, &t->symbol[code], 8);
                to += t->len[code];
            } else {
                if (k + 1 == n)
                    return k;
                at[++k] = SP_FSST_INSIDE;
                out[to++] = (char)p[k];
            }
            at[++k] = to;
        }
    }
    return k;
}
