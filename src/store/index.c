/* index.c - field indexes: sorted pairs of a cell's key and its row, in runs of a million rows, each a block. So building takes
 * the memory of one run however many rows there are, and what is appended later is found by looking. */
#include "store/keys.h"
#include "store/scan.h"

#include <stdlib.h>

enum { RUN_ROWS = 1 << 20 };

typedef struct pair {
    uint64_t key, row;
} pair;

bool sp_key_of(const spate_value *v, uint64_t *key)
{
    const uint64_t sign = UINT64_C(1) << 63;
    double d;
    switch ((sp_kind)v->kind) {
    case SP_BOOL: *key = (uint64_t)v->as.b ^ sign; return true;
    case SP_U64: *key = v->as.u; return true;
    case SP_F32:
    case SP_F64:
        d = v->kind == SP_F32 ? (double)v->as.f32 : v->as.f;
        d = d == 0 ? 0 : d;
        memcpy(key, &d, 8);
        *key = *key & sign ? ~*key : *key ^ sign;
        return d == d;
    case SP_UUID:
    case SP_INTERVAL: *key = sp_hash64(v->as.p, 16, 0); return true;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: *key = sp_hash64(v->as.p, v->len, 0); return true;
    case SP_LIST: return false;
    default: *key = v->as.u ^ sign; return true;
    }
}

static int by_key(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

typedef struct builder {
    sp_store *store;
    uint32_t table;
    uint16_t name;
    pair *pairs;
    uint32_t n;
    sp_buf payload, block;
} builder;

static int write_run(builder *b, uint64_t rows, spate_error *err)
{
    uint32_t head[2] = {b->n, 0};
    if (b->n)
        qsort(b->pairs, b->n, sizeof *b->pairs, by_key);
    b->payload.len = 0;
    if (sp_buf_add(&b->payload, head, sizeof head) != SPATE_OK ||
        sp_buf_add(&b->payload, b->pairs, b->n * sizeof *b->pairs) != SPATE_OK ||
        sp_block_wrap(b->store->k, SP_BLOCK_FIELD, b->payload.data, b->payload.len, b->name, &b->block) != SPATE_OK)
        return sp_fail_nomem(err);
    b->n = 0;
    return sp_store_append(b->store, b->table, rows, &b->block, err);
}

static int build(builder *b, spate_cursor *c, spate_error *err)
{
    const spate_value *v;
    size_t n;
    uint64_t row, all = b->store->catalog.tables[b->table].rows;
    for (;;) {
        int rc = spate_cursor_next(c, &v, &n, &row, err);
        if (rc != SPATE_OK)
            return rc;
        if (!v)
            return write_run(b, all, err);
        if (n && v[0].kind == SP_LIST)
            return sp_fail(err, SPATE_E_USAGE, "lists cannot be indexed");
        if (n && sp_key_of(&v[0], &b->pairs[b->n].key))
            b->pairs[b->n++].row = row;
        if (b->n == RUN_ROWS) {
            rc = write_run(b, row + 1, err);
            if (rc != SPATE_OK)
                return rc;
        }
    }
}

/* The run of keys in a field's block. */
static int open_run(sp_store *s, const sp_block_ref *b, sp_buf *aside, const pair **pairs, uint32_t *n,
                    spate_error *err)
{
    const char *p;
    int rc = sp_store_check_block(s, b->at, b->size, aside, err);
    if (rc == SPATE_OK)
        rc = sp_store_view(s, b->at, b->size, aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_block_header *h = sp_block_header_of(p);
    *n = 0;
    memcpy(n, p + h->payload_at, h->payload_bytes >= 8 ? 4 : 0);
    if (h->payload_bytes < 8 || *n > (h->payload_bytes - 8) / sizeof(pair))
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the field index at byte %llu is not sound", s->path,
                       (unsigned long long)b->at);
    *pairs = (const pair *)(p + h->payload_at + 8);
    return SPATE_OK;
}

static bool is_of(const sp_block_ref *b, uint32_t table, uint16_t name)
{
    return b->type == SP_BLOCK_FIELD && b->table == table && b->extra == name;
}

/* Rows of the table that the field's index covers; its runs' rows are not handed out here. */
static int covered_rows(sp_store *s, uint32_t table, uint16_t name, uint64_t *rows, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = sp_store_list(s, err);
    *rows = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_blocks; i++)
        if (is_of(&s->blocks[i], table, name))
            *rows = SP_MAX(*rows, s->blocks[i].first_row);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int spate_store_index(spate_store *s, uint32_t table, const char *field, spate_error *err)
{
    builder b = {.store = s, .table = table};
    if (!s->writable)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is open for reading only", s->path);
    spate_scan_options o = {.table = table, .fields = &field, .n_fields = 1};
    spate_cursor *c = NULL;
    int found = sp_lexicon_find_name(&s->catalog, sp_str_of(field));
    if (found < 0)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no field \"%s\"", s->path, field);
    b.name = (uint16_t)found;
    int rc = covered_rows(s, table, b.name, &o.first_row, err); /* what is indexed already stays so */
    if (rc == SPATE_OK && table < s->catalog.n_tables && o.first_row >= s->catalog.tables[table].rows &&
        o.first_row > 0)
        return SPATE_OK;
    if (rc == SPATE_OK)
        rc = spate_cursor_open(s, &o, &c, err);
    b.pairs = rc == SPATE_OK ? sp_alloc((size_t)RUN_ROWS * sizeof *b.pairs) : NULL;
    if (rc == SPATE_OK)
        rc = b.pairs ? build(&b, c, err) : sp_fail_nomem(err);
    spate_cursor_close(c);
    sp_free(b.pairs);
    sp_buf_done(&b.payload);
    sp_buf_done(&b.block);
    return rc;
}

/* ---- finding ----------------------------------------------------------------------------------- */

static uint32_t first_with(const pair *pairs, uint32_t n, uint64_t key)
{
    uint32_t low = 0;
    while (n > 0) {
        uint32_t half = n / 2;
        if (pairs[low + half].key < key) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

static int take_candidates(sp_store *s, uint32_t table, uint16_t name, uint64_t key, sp_buf *rows, spate_error *err)
{
    sp_buf aside = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_blocks; i++) {
        const pair *pairs = NULL;
        uint32_t n = 0;
        if (!is_of(&s->blocks[i], table, name))
            continue;
        rc = open_run(s, &s->blocks[i], &aside, &pairs, &n, err);
        for (uint32_t at = n ? first_with(pairs, n, key) : 0; rc == SPATE_OK && at < n && pairs[at].key == key; at++)
            rc = sp_buf_add(rows, &pairs[at].row, 8) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    }
    sp_buf_done(&aside);
    return rc;
}

static int by_row(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Rows among the candidates, in order and each once, whose cell is what is looked for: keys may be alike. */
static int keep_matching(spate_cursor *c, sp_buf *rows, spate_error *err)
{
    uint64_t *row = (uint64_t *)rows->data;
    size_t n = rows->len / 8, kept = 0;
    if (n)
        qsort(row, n, 8, by_row);
    for (size_t i = 0; i < n; i++) {
        const spate_value *v;
        size_t fields;
        uint64_t at = 0;
        if (kept && row[kept - 1] == row[i])
            continue;
        int rc = spate_cursor_seek(c, row[i], err);
        if (rc == SPATE_OK)
            rc = spate_cursor_next(c, &v, &fields, &at, err);
        if (rc != SPATE_OK)
            return rc;
        if (v && at == row[i])
            row[kept++] = row[i];
    }
    rows->len = kept * 8;
    return SPATE_OK;
}

static int look_behind(spate_cursor *c, uint64_t from, sp_buf *rows, spate_error *err)
{
    const spate_value *v;
    size_t fields;
    uint64_t at;
    int rc = spate_cursor_seek(c, from, err);
    while (rc == SPATE_OK) {
        rc = spate_cursor_next(c, &v, &fields, &at, err);
        if (rc != SPATE_OK || !v)
            return rc;
        rc = sp_buf_add(rows, &at, 8) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    }
    return rc;
}

int spate_store_find(spate_store *s, uint32_t table, const char *field, const spate_value *value, uint64_t **rows,
                     size_t *n, bool *indexed, spate_error *err)
{
    spate_condition where = {field, SPATE_EQ, *value};
    spate_scan_options o = {.table = table, .fields = &field, .n_fields = 1, .conditions = &where, .n_conditions = 1};
    spate_cursor *c = NULL;
    sp_buf found = {0};
    uint64_t key, covered = 0;
    int rc = spate_cursor_open(s, &o, &c, err);
    int name = sp_lexicon_find_name(&s->catalog, sp_str_of(field));
    if (rc == SPATE_OK)
        rc = covered_rows(s, table, (uint16_t)name, &covered, err);
    if (rc == SPATE_OK && covered && sp_key_of(value, &key))
        rc = take_candidates(s, table, (uint16_t)name, key, &found, err);
    if (rc == SPATE_OK)
        rc = keep_matching(c, &found, err);
    if (rc == SPATE_OK)
        rc = look_behind(c, covered, &found, err);
    spate_cursor_close(c);
    if (rc != SPATE_OK) {
        sp_buf_done(&found);
        return rc;
    }
    *indexed = covered > 0;
    *rows = (uint64_t *)found.data;
    *n = found.len / 8;
    return SPATE_OK;
}

bool spate_store_has_index(spate_store *s, uint32_t table, const char *field)
{
    uint64_t rows = 0;
    int name = sp_lexicon_find_name(&s->catalog, sp_str_of(field));
    return name >= 0 && covered_rows(s, table, (uint16_t)name, &rows, NULL) == SPATE_OK && rows > 0;
}
