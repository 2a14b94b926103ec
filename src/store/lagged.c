/* lagged.c - columns of rows that come round again: sensors of which each tells of itself in turn. What a cell differs by from
 * that of the row before with the same key, so many rows back (its lag), takes fewer bits than the cell.
 *
 * Which column is the key only decides what the lags are. They lie in every segment that is packed so, as runs of rows of the
 * same lag, so a segment is read by itself and the key may be damaged or changed. docs/formats/spate.md has the bytes. */
#include "store/segment.h"

enum {
    KEYS_MAX = 4,       /* columns that are looked at */
    SAMPLE_ROWS = 4096, /* of each, before all of it is */
    ROWS_MIN = 64,
    FIRSTS = 4,    /* at most one row in so many has none before it */
    RUN_MEAN = 6,  /* rows of a run, at least */
    RUN_MAX = 255, /* rows */
    CHANGE_0 = 128,
    WORTH = 16, /* of what the segment would be otherwise, a part that must be saved */
};

/* ---- which row came before --------------------------------------------------------------------- */

static bool may_be_key(const sp_column *c)
{
    sp_kind kind = c->type.kind;
    return !c->validity && (kind == SP_I16 || kind == SP_I32 || kind == SP_I64 || kind == SP_U64);
}

static uint64_t key_of(const sp_column *c, uint32_t row)
{
    uint32_t width = sp_kind_width(c->type.kind);
    uint64_t key = 0;
    memcpy(&key, (const char *)c->data + (size_t)row * width, width);
    return key;
}

/* The lag of each row, 0 where its key has not come yet; false when too many have not. */
static bool find_lags(sp_lags *l, const sp_column *c, uint32_t rows)
{
    uint32_t slots = 64, firsts = 0;
    while (slots < rows)
        slots *= 2;
    l->lags.len = l->last.len = 0;
    if (sp_buf_reserve(&l->lags, (size_t)rows * 4) != SPATE_OK ||
        sp_buf_reserve(&l->last, (size_t)slots * 4) != SPATE_OK)
        return false;
    uint32_t *lags = (uint32_t *)l->lags.data, *last = (uint32_t *)l->last.data; /* 1 + the last row of a key */
    memset(last, 0, (size_t)slots * 4);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t key = key_of(c, i);
        uint32_t at = (uint32_t)sp_mix64(key) & (slots - 1);
        while (last[at] && key_of(c, last[at] - 1) != key)
            at = (at + 1) & (slots - 1);
        lags[i] = last[at] ? i + 1 - last[at] : 0;
        firsts += !last[at];
        if (firsts > rows / FIRSTS)
            return false;
        last[at] = i + 1;
    }
    return true;
}

static bool add_run(sp_lags *l, uint32_t rows, uint8_t change)
{
    for (; rows; rows -= SP_MIN(rows, (uint32_t)RUN_MAX)) {
        const char run[2] = {(char)SP_MIN(rows, (uint32_t)RUN_MAX), (char)change};
        if (sp_buf_add(&l->runs, run, sizeof run) != SPATE_OK)
            return false;
        change = change ? CHANGE_0 : 0;
    }
    return true;
}

/* Rows of the same lag become runs. A lag that is too far from the one before is as good as none. */
static bool find_runs(sp_lags *l, uint32_t rows)
{
    const uint32_t *lags = (const uint32_t *)l->lags.data;
    uint32_t n, ones = 0, first = 0;
    while (first < rows && (lags[first] == 0 || lags[first] > SP_LAG_MAX))
        first++;
    uint32_t lag = l->lag = first < rows ? lags[first] : 1;
    l->runs.len = 0;
    l->firsts = 0;
    for (uint32_t i = 0; i < rows; i += n) {
        int64_t change = (int64_t)lags[i] - lag;
        bool is_first = lags[i] == 0 || change <= -CHANGE_0 || change >= CHANGE_0 || lags[i] > SP_LAG_MAX;
        for (n = 1; i + n < rows && lags[i + n] == lags[i];)
            n++;
        if (!add_run(l, n, is_first ? 0 : (uint8_t)(change + CHANGE_0)))
            return false;
        lag = is_first ? lag : lags[i];
        ones += lags[i] == 1 ? n : 0;
        l->firsts += is_first ? n : 0;
    }
    l->n_runs = (uint32_t)l->runs.len / 2;
    return l->n_runs <= rows / RUN_MEAN && l->firsts <= rows / FIRSTS && ones < rows / 2;
}

void sp_lags_find(sp_lags *l, const sp_group *group)
{
    uint32_t looked_at = 0, rows = group->rows, some = SP_MIN(rows, (uint32_t)SAMPLE_ROWS);
    l->rows = 0;
    for (uint32_t i = 0; rows >= ROWS_MIN && i < group->n_columns && looked_at < KEYS_MAX; i++) {
        const sp_column *c = group->columns[i].cells;
        if (!may_be_key(c))
            continue;
        looked_at++;
        if (find_lags(l, c, some) && find_runs(l, some) &&
            (some == rows || (find_lags(l, c, rows) && find_runs(l, rows)))) {
            l->rows = rows;
            return;
        }
    }
}

void sp_lags_done(sp_lags *l)
{
    sp_buf_done(&l->lags);
    sp_buf_done(&l->last);
    sp_buf_done(&l->runs);
}

/* ---- writing ----------------------------------------------------------------------------------- */

static int put_head(const sp_lags *l, bool narrow, sp_buf *out)
{
    sp_lagged_head head = {.runs = l->n_runs, .lag = l->lag, .narrow = narrow};
    static const char zeros[8];
    size_t pad = sp_round_up(l->runs.len, 8) - l->runs.len;
    return sp_buf_add(out, &head, sizeof head) == SPATE_OK && sp_buf_add(out, l->runs.data, l->runs.len) == SPATE_OK &&
                   sp_buf_add(out, zeros, pad) == SPATE_OK
               ? SPATE_OK
               : SPATE_E_NOMEM;
}

/* What is absent differs from nothing. */
static void fill(const sp_lags *l, const uint8_t *validity, int64_t *v)
{
    const uint32_t *lags = (const uint32_t *)l->lags.data;
    for (uint32_t i = 0; i < l->rows; i++)
        if (!sp_bit(validity, i))
            v[i] = v[i - lags[i]];
}

int sp_lagged_encode(sp_encoder *e, const sp_ints_source *source, const uint8_t *filled, sp_segment_plan *plan,
                     sp_buf *out, bool *done)
{
    const sp_lags *l = &e->lags;
    uint32_t n = source->count, others = n - l->firsts;
    int64_t low, high;
    *done = false;
    if (l->rows != n)
        return SPATE_OK;
    e->whole.len = e->codes.len = 0;
    if (sp_buf_reserve(&e->whole, (size_t)n * 8) != SPATE_OK || sp_buf_reserve(&e->codes, (size_t)n * 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    int64_t *v = (int64_t *)e->whole.data;
    if (!sp_ints_load(e->k, source, v, &low, &high))
        return SPATE_OK;
    if (filled)
        fill(l, filled, v);
    bool narrow = low >= INT32_MIN && high <= INT32_MAX;
    const uint8_t *runs = (const uint8_t *)l->runs.data;
    char *firsts = e->codes.data, *differences = firsts + (size_t)l->firsts * (narrow ? 4 : 8);
    if (narrow)
        e->k->unlag32(runs, l->n_runs, l->lag, v, (uint32_t *)firsts, (uint32_t *)differences);
    else
        e->k->unlag64(runs, l->n_runs, l->lag, (const uint64_t *)v, (uint64_t *)firsts, (uint64_t *)differences);
    sp_ints_source first = {.as = narrow ? SP_AS_32 : SP_AS_64, .data = firsts, .count = l->firsts},
                   other = {.as = first.as, .data = differences, .count = others};
    int rc = put_head(l, narrow, out);
    if (rc == SPATE_OK)
        rc = sp_ints_encode(e->k, &first, &plan->parts[0], out, NULL);
    if (rc == SPATE_OK)
        rc = sp_ints_encode(e->k, &other, &plan->parts[1], out, NULL);
    *done = rc == SPATE_OK;
    return rc;
}

bool sp_lagged_pays(size_t bytes, size_t otherwise)
{
    return bytes + otherwise / WORTH < otherwise;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Runs reach back to rows that are there, and there are as many as of rows. */
static bool runs_sound(sp_lagged *x, uint32_t rows, uint32_t *firsts)
{
    uint64_t at = 0, lag = x->first_lag;
    *firsts = 0;
    for (uint32_t i = 0; i < x->n_runs; i++) {
        uint32_t n = x->runs[2 * i], change = x->runs[2 * i + 1];
        if (change)
            lag += change - (uint64_t)CHANGE_0;
        if (n == 0 || (change && (lag == 0 || lag > at || lag > SP_LAG_MAX)))
            return false;
        at += n;
        *firsts += change ? 0 : n;
        x->most = change ? SP_MAX(x->most, (uint32_t)lag) : x->most;
    }
    return at == rows;
}

static void rewind_to_first(sp_lagged *x)
{
    x->at = x->run = x->in_run = x->firsts = x->differences = x->kept = 0;
    x->lag = x->first_lag;
}

bool sp_lagged_open(sp_segment *s)
{
    sp_lagged_head head;
    unsigned width = sp_kind_width(s->type.kind);
    uint32_t firsts;
    if (s->body_bytes < sizeof head)
        return false;
    memcpy(&head, s->body, sizeof head);
    size_t runs = sp_round_up((size_t)head.runs * 2, 8), left = s->body_bytes - sizeof head;
    if (head.narrow > 1 || (width < 8 && !head.narrow) || head.lag == 0 || runs > left)
        return false;
    s->lagged = (sp_lagged){.runs = (const uint8_t *)s->body + sizeof head,
                            .n_runs = head.runs,
                            .first_lag = head.lag,
                            .narrow = head.narrow};
    rewind_to_first(&s->lagged);
    const char *p = s->body + sizeof head + runs;
    unsigned bits = head.narrow ? 32 : 64;
    return runs_sound(&s->lagged, s->values, &firsts) && sp_ints_parse(p, left - runs, bits, &s->parts[0]) &&
           sp_ints_parse(p + s->parts[0].size, left - runs - s->parts[0].size, bits, &s->ints) &&
           s->parts[0].count == firsts && s->ints.count == s->values - firsts;
}

enum { PIECE = 2 * SP_VECTOR }; /* rows */

/* The next runs, up to so many rows or the end of a vector of differences. */
typedef struct piece {
    uint8_t runs[2 * PIECE];
    uint32_t n_runs, lag, rows, firsts, differences;
} piece;

static void take_runs(sp_lagged *x, uint32_t most, piece *p)
{
    uint32_t left = SP_VECTOR - x->differences % SP_VECTOR;
    p->n_runs = p->rows = p->firsts = p->differences = 0;
    p->lag = x->lag;
    while (p->rows < most && p->differences < left && x->run < x->n_runs) {
        uint32_t of = x->runs[2 * x->run], change = x->runs[2 * x->run + 1], n = SP_MIN(of - x->in_run, most - p->rows);
        if (change) {
            n = SP_MIN(n, left - p->differences);
            change = x->in_run ? CHANGE_0 : change;
            x->lag += change - (uint32_t)CHANGE_0;
        }
        p->runs[2 * p->n_runs] = (uint8_t)n;
        p->runs[2 * p->n_runs++ + 1] = (uint8_t)change;
        p->rows += n;
        *(change ? &p->differences : &p->firsts) += n;
        x->in_run += n;
        if (x->in_run == of) {
            x->in_run = 0;
            x->run++;
        }
    }
}

/* Integers of a piece behind those that are kept of the rows before it. Differences are read from a whole place of their vector on: from
 * elsewhere they would be copied once more. */
static void make_piece(const sp_segment *s, const piece *p, char *window)
{
    alignas(64) uint64_t firsts[PIECE + SP_LANES_32], differences[SP_VECTOR + SP_LANES_32];
    const sp_lagged *x = &s->lagged;
    sp_as as = x->narrow ? SP_AS_32 : SP_AS_64;
    uint32_t back = x->differences % SP_LANES_32;
    if (p->firsts)
        sp_ints_read(s->k, &s->parts[0], x->firsts, p->firsts, as, 0, firsts);
    if (p->differences)
        sp_ints_read(s->k, &s->ints, x->differences - back, p->differences + back, as, 0, differences);
    if (x->narrow)
        s->k->lag32(p->runs, p->n_runs, p->lag, (uint32_t *)firsts, (uint32_t *)differences + back,
                    (uint32_t *)window + x->kept);
    else
        s->k->lag64(p->runs, p->n_runs, p->lag, firsts, differences + back, (uint64_t *)window + x->kept);
}

/* Integers of 32 bits, as cells. */
static void from_narrow(const sp_kernels *k, const int32_t *v, uint32_t n, sp_as as, unsigned param, void *out)
{
    int64_t wide[SP_VECTOR];
    if (as == SP_AS_DECIMAL) {
        k->decimals32(v, n, param, out);
    } else if (sp_as_width(as) < 8 && as != SP_AS_DECIMAL_F32) {
        sp_ints_finish32(k, (const uint32_t *)v, n, as, param, out);
    } else {
        k->widen32(v, n, wide);
        sp_ints_finish64(k, (const uint64_t *)wide, n, as, param, out);
    }
}

static void to_cells(const sp_segment *s, const char *from, uint32_t n, sp_as as, char *out)
{
    unsigned width = s->lagged.narrow ? 4 : 8;
    for (uint32_t some; n > 0; n -= some, from += (size_t)some * width, out += (size_t)some * sp_as_width(as)) {
        some = SP_MIN(n, (uint32_t)SP_VECTOR);
        if (s->lagged.narrow)
            from_narrow(s->k, (const int32_t *)from, some, as, s->param, out);
        else
            sp_ints_finish64(s->k, (const uint64_t *)from, some, as, s->param, out);
    }
}

/* From where reading left off, or else from the first row on: each row needs those before it, as far back as lags go. They are
 * kept for whoever reads on. */
int sp_lagged_read(sp_segment *s, uint32_t from, uint32_t n, sp_as as, char *out)
{
    alignas(64) uint64_t memory[SP_LAG_MAX + PIECE + SP_LANES_32];
    char *window = (char *)memory;
    sp_lagged *x = &s->lagged;
    unsigned width = x->narrow ? 4 : 8;
    piece p;
    s->whole.len = 0;
    if (sp_buf_reserve(&s->whole, (size_t)x->most * width + 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (from < x->at)
        rewind_to_first(x);
    memcpy(window, s->whole.data, (size_t)x->kept * width);
    const char *last = window;
    for (uint32_t end = from + n; x->at < end;) {
        take_runs(x, SP_MIN(end - x->at, (uint32_t)PIECE), &p);
        make_piece(s, &p, window);
        uint32_t skip = from > x->at ? SP_MIN(from - x->at, p.rows) : 0, all = x->kept + p.rows;
        to_cells(s, window + (size_t)(x->kept + skip) * width, p.rows - skip, as, out);
        out += (size_t)(p.rows - skip) * sp_as_width(as);
        x->at += p.rows;
        x->firsts += p.firsts;
        x->differences += p.differences;
        x->kept = SP_MIN(all, x->most);
        last = window + (size_t)(all - x->kept) * width;
        if (x->at < end) {
            memmove(window, last, (size_t)x->kept * width);
            last = window;
        }
    }
    if (x->at == s->values)
        rewind_to_first(x);
    memcpy(s->whole.data, last, (size_t)x->kept * width);
    return SPATE_OK;
}
