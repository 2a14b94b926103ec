/* records.c - rows as they lie in memory, in: turned into columns a strip at a time, so that whole cache lines of each are written. Single
 * ones wait until there is a strip of them. */
#include "store/appender.h"

enum {
    STRIP = 8,
    STRIP_MAX = 1024, /* records turned at once: a cache line of every column, or as many as the cache holds */
    STRIP_BYTES = 16 << 10,
};

/* ---- records become cells ---------------------------------------------------------------------- */

/* n cells of a width that is known when this is compiled, four at a time. */
static inline void put_cells(char *to, const char *from, size_t stride, uint32_t n, size_t width)
{
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4, from += 4 * stride, to += 4 * width)
        for (unsigned k = 0; k < 4; k++)
            memcpy(to + k * width, from + k * stride, width);
    for (; i < n; i++, from += stride, to += width)
        memcpy(to, from, width);
}

static int put_column(sp_column *c, uint32_t at, const record_column *f, const char *records, size_t stride, uint32_t n,
                      size_t *bytes)
{
    const char *from = records + f->offset;
    switch (f->width) {
    case 8: put_cells((char *)c->data + (size_t)at * 8, from, stride, n, 8); break;
    case 4: put_cells((char *)c->data + (size_t)at * 4, from, stride, n, 4); break;
    case 2: put_cells((char *)c->data + (size_t)at * 2, from, stride, n, 2); break;
    case 0:
        for (uint32_t i = 0; i < n; i++, from += stride) {
            spate_text t;
            uint8_t *bits = c->data;
            if (c->type.kind == SP_BOOL) {
                bits[(at + i) >> 3] = (uint8_t)((bits[(at + i) >> 3] & ~(1u << ((at + i) & 7))) |
                                                (unsigned)(*from != 0) << ((at + i) & 7));
                continue;
            }
            memcpy(&t, from, sizeof t);
            if (t.len > SP_ROW_BYTES_MAX)
                return SPATE_E_DATA;
            if (sp_cells_append_text(c, at + i, t.p, t.len) != SPATE_OK)
                return SPATE_E_NOMEM;
            *bytes += t.len;
        }
        break;
    default: put_cells((char *)c->data + (size_t)at * f->width, from, stride, n, f->width);
    }
    return SPATE_OK;
}

/* Takes back what a null bit says is not there: numbers, records of texts that may be null come row by row. */
static void put_nulls(sp_shape *s, uint32_t at, const struct spate_record *r, const char *bits)
{
    for (uint32_t base = 0; base < r->n; base += 64) {
        uint32_t some = SP_MIN(r->n - base, 64u);
        uint64_t word = 0, all = some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1;
        memcpy(&word, bits + base / 8, (some + 7) / 8);
        for (uint64_t absent = ~word & all; absent; absent &= absent - 1) {
            sp_column *c = &s->cells[r->columns[base + (uint32_t)__builtin_ctzll(absent)].column];
            sp_column_validity(c, c->rows_cap)[at >> 3] &= (uint8_t) ~(1u << (at & 7));
        }
    }
}

/* The same of eight records whose cells begin a byte of each column's bits, for eight fields. */
static void put_eight_nulls(sp_shape *s, uint32_t at, const struct spate_record *r, uint32_t base, const char *bits,
                            size_t stride)
{
    uint64_t square = 0, most = r->n - base < 8 ? (UINT64_C(1) << (r->n - base)) - 1 : 0xff;
    for (unsigned i = 0; i < 8; i++)
        square |= (uint64_t)(uint8_t)bits[i * stride + base / 8] << 8 * i;
    uint64_t absent = sp_turn_bits(~square & most * UINT64_C(0x0101010101010101));
    for (unsigned f = 0; absent; f++, absent >>= 8) {
        uint8_t gone = (uint8_t)absent;
        if (!gone)
            continue;
        sp_column *c = &s->cells[r->columns[base + f].column];
        sp_column_validity(c, c->rows_cap)[at >> 3] &= (uint8_t)~gone;
    }
}

/* Of all fields: sixty-four at a time, unless all of them are there. */
static void put_strip_nulls(sp_shape *s, uint32_t at, const struct spate_record *r, const char *bits, size_t stride)
{
    for (uint32_t base = 0; base < r->n; base += 64) {
        uint32_t some = SP_MIN(r->n - base, 64u);
        uint64_t there = UINT64_MAX, all = some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = 0;
            if (some == 64)
                memcpy(&word, bits + i * stride + base / 8, 8);
            else
                memcpy(&word, bits + i * stride + base / 8, (some + 7) / 8);
            there &= word;
        }
        if ((there & all) == all)
            continue;
        for (uint32_t eight = base; eight < base + some; eight += 8)
            put_eight_nulls(s, at, r, eight, bits, stride);
    }
}

static void put_all_nulls(sp_shape *s, const struct spate_record *r, const char *records, size_t stride, uint32_t n)
{
    const char *bits = records + r->null_bits;
    uint32_t i = 0;
    if (s->rows % 8 == 0)
        for (; i + 8 <= n; i += 8)
            put_strip_nulls(s, s->rows + i, r, bits + i * stride, stride);
    for (; i < n; i++)
        put_nulls(s, s->rows + i, r, bits + i * stride);
}

static int put_record(sp_appender *a, sp_shape *s, const struct spate_record *r, const char *record)
{
    const uint8_t *bits = (const uint8_t *)record + r->null_bits;
    for (uint32_t i = 0; i < r->n; i++) {
        const record_column *f = &r->columns[i];
        int rc = SPATE_OK;
        if (r->null_bits == SPATE_NO_NULLS || sp_bit(bits, f->field))
            rc = put_column(&s->cells[f->column], s->rows, f, record, 0, 1, &a->stage_bytes);
        else
            sp_cells_append_nulls(&s->cells[f->column], s->rows, 1);
        if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}

/* Columns that lie together, all at once. */
static void put_together(sp_appender *a, const sp_shape *s, const record_column *f, const char *records, size_t stride,
                         uint32_t n)
{
    const sp_column *c = &s->cells[f->column];
    size_t pitch = f->together > 1 ? (size_t)((char *)c[1].data - (char *)c[0].data) : 0;
    a->store->k->columns(records + f->offset, stride, n, f->together, (uint64_t *)c->data + s->rows, pitch);
}

static int put_strip(sp_appender *a, sp_shape *s, const struct spate_record *r, const char *records, size_t stride,
                     uint32_t n)
{
    for (uint32_t i = 0; i < r->n; i += SP_MAX(r->columns[i].together, 1u)) {
        const record_column *f = &r->columns[i];
        int rc = SPATE_OK;
        if (f->together)
            put_together(a, s, f, records, stride, n);
        else
            rc = put_column(&s->cells[f->column], s->rows, f, records, stride, n, &a->stage_bytes);
        if (rc != SPATE_OK)
            return rc;
    }
    if (r->null_bits != SPATE_NO_NULLS)
        put_all_nulls(s, r, records, stride, n);
    return SPATE_OK;
}

/* Columns of the table that the record does not have. */
static void put_missing(sp_shape *s, const struct spate_record *r, uint32_t n)
{
    for (uint32_t c = 0; r->n < s->n && c < s->n; c++) {
        uint32_t i = 0;
        while (i < r->n && r->columns[i].column != c)
            i++;
        if (i == r->n)
            sp_cells_append_nulls(&s->cells[c], s->rows, n);
    }
}

/* Records become cells of their shape. */
static int put_records(sp_appender *a, const struct spate_record *r, const char *records, size_t stride, uint32_t n)
{
    sp_shape *s = a->shapes[r->shape];
    if (sp_shape_reserve(s, s->rows + n) != SPATE_OK)
        return SPATE_E_NOMEM;
    put_missing(s, r, n);
    int rc = r->by_row ? put_record(a, s, r, records) : put_strip(a, s, r, records, stride, n);
    s->rows += rc == SPATE_OK ? n : 0;
    return rc;
}

static int put_waiting(sp_appender *a, struct spate_record *r)
{
    uint32_t n = r->n_waiting;
    r->n_waiting = 0;
    return n ? put_records(a, r, r->waiting, r->stride, n) : SPATE_OK;
}

/* Rows of a shape that came before go first. */
int sp_appender_settle(sp_appender *a, uint32_t shape)
{
    int rc = SPATE_OK;
    for (struct spate_record *r = a->records; rc == SPATE_OK && r; r = r->next)
        if (r->n_waiting && r->shape == shape)
            rc = put_waiting(a, r);
    return rc;
}

int sp_appender_settle_all(sp_appender *a)
{
    int rc = SPATE_OK;
    for (struct spate_record *r = a->records; rc == SPATE_OK && r; r = r->next)
        rc = put_waiting(a, r);
    return rc;
}

/* ---- records ----------------------------------------------------------------------------------- */

static int check_record(const spate_record_field *fields, size_t n, spate_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].type.kind >= SPATE_LIST || fields[i].offset > UINT32_MAX)
            return sp_fail(err, SPATE_E_USAGE, "field \"%s\" cannot be in a record", fields[i].name);
    return n > 0 && n <= SP_NAMES_MAX ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "a record needs fields");
}

static int record_shape(sp_appender *a, const uint64_t *keys, const sp_type *types, uint32_t n, uint32_t *shape,
                        spate_error *err)
{
    if (a->schema->n_fields == 0)
        return sp_appender_find_shape(a, keys, types, n, shape, err);
    *shape = 0;
    return sp_appender_refuse_twice(a, keys, n, err);
}

/* Fields from i on whose 8 bytes lie one behind the other, and whose columns are neighbours. */
static uint32_t count_together(const struct spate_record *r, uint32_t i)
{
    const record_column *first = r->columns + i, *f = first;
    while (f < r->columns + r->n && f->width == 8 && f->column == first->column + (f - first) &&
           f->offset == first->offset + 8 * (f - first))
        f++;
    return (uint32_t)(f - first);
}

static bool has_text(const struct spate_record *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->columns[i].text)
            return true;
    return false;
}

static int place_fields(sp_appender *a, struct spate_record *r, const spate_record_field *fields, const uint64_t *keys,
                        spate_error *err)
{
    const sp_shape *s = a->shapes[r->shape];
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t c = 0;
        while (c < s->n && s->keys[(i + c) % s->n] != keys[i])
            c++;
        if (c == s->n)
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column \"%s\" of that type", a->schema->table,
                           fields[i].name);
        r->columns[i] = (record_column){.column = (i + c) % s->n,
                                        .offset = (uint32_t)fields[i].offset,
                                        .field = i,
                                        .width = sp_kind_width((sp_kind)fields[i].type.kind),
                                        .text = fields[i].type.kind >= SPATE_TEXT};
    }
    for (uint32_t i = 0; i < r->n; i += SP_MAX(r->columns[i].together, 1u))
        r->columns[i].together = count_together(r, i);
    r->may_wait = !has_text(r);
    r->by_row =
        !r->may_wait &&
        r->null_bits != SPATE_NO_NULLS; /* text of a null must not be read: its pointer need not lead anywhere */
    for (const struct spate_record *o = a->records; o; o = o->next)
        a->shared_shapes |= o->shape == r->shape;
    return SPATE_OK;
}

int spate_record_define(sp_appender *a, const spate_record_field *fields, size_t n, size_t null_bits,
                        spate_record **record, spate_error *err)
{
    int rc = check_record(fields, n, err);
    if (rc != SPATE_OK)
        return rc;
    struct spate_record *r = sp_arena_alloc(&a->arena, 1, sizeof *r);
    uint64_t *keys = sp_arena_alloc(&a->arena, n, sizeof *keys);
    sp_type *types = sp_arena_alloc(&a->arena, n, sizeof *types);
    record_column *columns = sp_arena_alloc(&a->arena, n, sizeof *columns);
    if (!r || !keys || !types || !columns)
        return sp_fail_nomem(err);
    for (size_t i = 0; rc == SPATE_OK && i < n; i++) {
        uint16_t name;
        types[i] = (sp_type){
            .kind = (sp_kind)fields[i].type.kind, .precision = fields[i].type.precision, .scale = fields[i].type.scale};
        rc = sp_store_name(a->store, sp_str_of(fields[i].name), &name, err);
        if (rc == SPATE_OK)
            keys[i] = sp_field_key(name, &types[i]);
    }
    *r = (struct spate_record){.next = a->records, .null_bits = null_bits, .n = (uint32_t)n, .columns = columns};
    if (rc == SPATE_OK)
        rc = record_shape(a, keys, types, r->n, &r->shape, err);
    if (rc == SPATE_OK)
        rc = place_fields(a, r, fields, keys, err);
    if (rc != SPATE_OK)
        return rc;
    a->records = r;
    *record = r;
    return SPATE_OK;
}

/* A record waits until there is a strip of them. */
static int wait_for_more(sp_appender *a, struct spate_record *r, const char *records, size_t stride, uint32_t n)
{
    if (r->stride != stride) {
        char *waiting = put_waiting(a, r) == SPATE_OK ? sp_arena_alloc(&a->arena, STRIP, stride) : NULL;
        if (!waiting)
            return SPATE_E_NOMEM;
        r->waiting = waiting;
        r->stride = stride;
    }
    memcpy(r->waiting + r->n_waiting * stride, records, n * stride);
    r->n_waiting += n;
    return r->n_waiting == STRIP ? put_waiting(a, r) : SPATE_OK;
}

/* Another record of the same shape may have rows that wait. */
static int settle_others(sp_appender *a, const struct spate_record *r)
{
    int rc = SPATE_OK;
    for (struct spate_record *o = a->records; rc == SPATE_OK && a->shared_shapes && o; o = o->next)
        if (o != r && o->shape == r->shape)
            rc = put_waiting(a, o);
    return rc;
}

static int take_records(sp_appender *a, struct spate_record *r, const char *records, size_t stride, uint32_t n)
{
    int rc = settle_others(a, r);
    bool waits = n < STRIP && r->may_wait && stride <= STRIP_BYTES && stride > 0;
    if (rc == SPATE_OK && (!waits || r->n_waiting + n > STRIP))
        rc = put_waiting(a, r);
    if (rc != SPATE_OK)
        return rc;
    return waits ? wait_for_more(a, r, records, stride, n) : put_records(a, r, records, stride, n);
}

/* One record, as programs without batches have them, where others of its kind wait already: no strip, block or order becomes full. */
static bool joins_others(const sp_appender *a, const struct spate_record *r, size_t stride)
{
    return r->n_waiting > 0 && r->n_waiting + 1 < STRIP && r->stride == stride && !a->shared_shapes &&
           a->rows + 1 < a->block_rows && (a->schema->n_fields || a->rows < a->order_cap);
}

static int join_others(sp_appender *a, struct spate_record *r, const void *record, spate_error *err)
{
    memcpy(r->waiting + r->n_waiting++ * r->stride, record, r->stride);
    if (!a->schema->n_fields)
        a->order[a->rows] = (int32_t)r->shape;
    a->rows++;
    a->stage_bytes += (size_t)r->n * 8;
    return sp_appender_rows_came(a, err);
}

int spate_append_records(spate_appender *a, const spate_record *record, const void *records, size_t stride, size_t rows,
                         spate_error *err)
{
    const char *p = records;
    struct spate_record *r = (struct spate_record *)(uintptr_t)record;
    if (rows == 1 && joins_others(a, r, stride))
        return join_others(a, r, records, err);
    size_t most =
        SP_MIN(SP_MAX(STRIP_BYTES / SP_MAX(stride, (size_t)1) / STRIP * STRIP, (size_t)STRIP), (size_t)STRIP_MAX);
    while (rows > 0) {
        uint32_t n = r->by_row ? 1 : (uint32_t)SP_MIN(rows, most);
        n = SP_MIN(n, a->block_rows - a->rows);
        int rc = take_records(a, r, p, stride, n);
        if (rc == SPATE_OK)
            rc = sp_appender_note_rows(a, r->shape, n);
        if (rc == SPATE_E_DATA)
            return sp_fail(err, rc, "a row has more than %d bytes", SP_ROW_BYTES_MAX);
        if (rc != SPATE_OK)
            return sp_fail_nomem(err);
        a->stage_bytes += (size_t)n * r->n * 8;
        p += n * stride;
        rows -= n;
        rc = sp_appender_rows_came(a, err);
        if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}
