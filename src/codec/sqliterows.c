/* sqliterows.c - batches as records of SQLite's: for each row the types of its cells, then their values without a gap.
 *
 * What a cell is as a parameter of an INSERT (its form) is decided once a column, and so is what its column's affinity makes of
 * that. Text that has to be made is made a column at a time, which the processor can overlap; the rest goes row by row, values
 * straight to where they stand if the head is as long as the row's before. */
#include "codec/codec.h"
#include "codec/sqlitefile.h"

#include <math.h>
#include <strings.h>

/* ---- affinities and forms -------------------------------------------------------------------- */

static bool contains(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

/* The five rules, in SQLite's order. */
sp_sqlite_affine sp_sqlite_affinity(const char *type)
{
    if (contains(type, "INT"))
        return SP_SQLITE_INTEGER;
    if (contains(type, "CHAR") || contains(type, "CLOB") || contains(type, "TEXT"))
        return SP_SQLITE_TEXT;
    if (!*type || contains(type, "BLOB"))
        return SP_SQLITE_NONE;
    if (contains(type, "REAL") || contains(type, "FLOA") || contains(type, "DOUB"))
        return SP_SQLITE_REAL;
    return SP_SQLITE_NUMERIC;
}

sp_sqlite_form sp_sqlite_form_of(const sp_type *type, const sp_sqlite_target *target)
{
    bool text = target->affinity == SP_SQLITE_TEXT;
    switch (type->kind) {
    case SP_BOOL:
    case SP_I16:
    case SP_I32:
    case SP_I64: return SP_SQLITE_AS_INTEGER;
    case SP_U64: return text ? SP_SQLITE_AS_MADE : SP_SQLITE_AS_UNSIGNED;
    case SP_F32:
    case SP_F64: return SP_SQLITE_AS_REAL;
    case SP_DECIMAL: return text ? SP_SQLITE_AS_MADE : type->scale == 0 ? SP_SQLITE_AS_INTEGER : SP_SQLITE_AS_DECIMAL;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return target->affinity == SP_SQLITE_INTEGER ? SP_SQLITE_AS_EPOCH : SP_SQLITE_AS_MADE;
    case SP_UUID: return target->blob ? SP_SQLITE_AS_UUID : SP_SQLITE_AS_MADE;
    case SP_TEXT:
    case SP_JSON: return SP_SQLITE_AS_TEXT;
    case SP_BYTES: return SP_SQLITE_AS_BLOB;
    case SP_LIST: return SP_SQLITE_AS_LIST;
    default: return SP_SQLITE_AS_MADE;
    }
}

/* STRICT tables: the type has to be the declared one. What is declared ANY looks numeric here, and is left to SQLite. */
static bool is_of_strict_type(sp_sqlite_form form, const sp_sqlite_target *target)
{
    switch (form) {
    case SP_SQLITE_AS_INTEGER:
    case SP_SQLITE_AS_UNSIGNED:
    case SP_SQLITE_AS_EPOCH: return target->affinity == SP_SQLITE_INTEGER || target->affinity == SP_SQLITE_REAL;
    case SP_SQLITE_AS_REAL:
    case SP_SQLITE_AS_DECIMAL: return target->affinity == SP_SQLITE_REAL;
    case SP_SQLITE_AS_BLOB:
    case SP_SQLITE_AS_UUID: return target->blob;
    default: return target->affinity == SP_SQLITE_TEXT;
    }
}

bool sp_sqlite_can_keep(const sp_type *type, const sp_sqlite_target *target, bool strict)
{
    sp_sqlite_form form = sp_sqlite_form_of(type, target);
    if (strict && !is_of_strict_type(form, target))
        return false;
    switch (form) {
    case SP_SQLITE_AS_INTEGER:
    case SP_SQLITE_AS_UNSIGNED:
    case SP_SQLITE_AS_EPOCH:
    case SP_SQLITE_AS_REAL:
    case SP_SQLITE_AS_DECIMAL: return target->affinity != SP_SQLITE_TEXT;
    case SP_SQLITE_AS_TEXT: return target->affinity == SP_SQLITE_TEXT || target->affinity == SP_SQLITE_NONE;
    default: return true; /* blobs stay blobs, and text of dates, uuids and lists is nowhere a number */
    }
}

/* ---- numbers ----------------------------------------------------------------------------------- */

int sp_sqlite_check_unsigned(uint64_t v, spate_error *err)
{
    return v <= INT64_MAX ? SPATE_OK
                          : sp_fail(err, SPATE_E_DATA, "SQLite has no integer as large as %llu", (unsigned long long)v);
}

int sp_sqlite_real(const sp_column *c, uint32_t row, double *real, spate_error *err)
{
    *real = c->type.kind == SP_F32 ? (double)((const float *)c->data)[row] : ((const double *)c->data)[row];
    return isnan(*real) ? sp_fail(err, SPATE_E_DATA, "SQLite has no NaN: it would store NULL") : SPATE_OK;
}

/* The double nearest to v / 10^scale: one rounding as long as v has 53 bits, else by way of its
 * digits. */
static double decimal_real(int64_t v, unsigned scale)
{
    double real = (double)v / (double)sp_pow10[scale];
    if (v > -(INT64_C(1) << 53) && v < INT64_C(1) << 53)
        return real;
    char text[SP_DECIMAL_TEXT_MAX + SP_SLACK];
    char *end = sp_put_decimal(text, v, scale);
    (void)sp_parse_f64((sp_str){text, (size_t)(end - text)}, &real);
    return real;
}

/* Fifteen digits always come back from a double; of more, some do. */
static bool is_exact(int64_t v, unsigned scale, double real)
{
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    int64_t back;
    if (v > -INT64_C(1000000000000000) && v < INT64_C(1000000000000000))
        return true;
    return sp_parse_decimal((sp_str){text, (size_t)(sp_put_f64(text, real) - text)}, scale, &back) && back == v;
}

int sp_sqlite_decimal(const sp_column *c, uint32_t row, double *real, spate_error *err)
{
    int64_t v = ((const int64_t *)c->data)[row];
    *real = decimal_real(v, c->type.scale);
    if (is_exact(v, c->type.scale, *real))
        return SPATE_OK;
    char text[SP_DECIMAL_TEXT_MAX + SP_SLACK];
    sp_fail(err, SPATE_E_DATA, "SQLite's numbers cannot hold %.*s exactly",
            (int)(sp_put_decimal(text, v, c->type.scale) - text), text);
    sp_error_hint(err, "a column declared TEXT keeps every digit");
    return SPATE_E_DATA;
}

int64_t sp_sqlite_epoch(const sp_column *c, uint32_t row)
{
    int64_t us = ((const int64_t *)c->data)[row];
    return us / SP_US_PER_SECOND - (us % SP_US_PER_SECOND < 0);
}

/* ---- values and their serial types --------------------------------------------------------------- */

enum { TYPE_NULL = 0, TYPE_I64 = 6, TYPE_REAL = 7, TYPE_ZERO = 8, TYPE_ONE = 9, TYPE_BLOB = 12, TYPE_TEXT = 13 };
enum { TYPE_BYTES_MAX = 5, NUMBER_BYTES = 8, HEAD_SIZE_BYTES = 3 };

static char *put_big_endian(char *p, uint64_t bits, unsigned bytes)
{
    bits = __builtin_bswap64(bits << (64 - 8 * bytes));
    memcpy(p, &bits, sizeof(bits));
    return p + bytes;
}

/* The shortest of 0, 1, 2, 3, 4, 6 and 8 bytes. */
static char *put_integer(char *p, int64_t v, char *type)
{
    static const char bytes_of[9] = {0, 1, 2, 3, 4, 6, 6, 8, 8}, types[9] = {0, 1, 2, 3, 4, 5, 5, 6, 6};
    if (v == 0 || v == 1) {
        *type = v ? TYPE_ONE : TYPE_ZERO;
        return p;
    }
    unsigned bits = 65 - (unsigned)__builtin_clzll((uint64_t)(v < 0 ? ~v : v) | 1), n = (bits + 7) / 8;
    *type = types[n];
    return put_big_endian(p, (uint64_t)v, (unsigned)bytes_of[n]);
}

static char *put_real(char *p, double v, char *type)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    *type = TYPE_REAL;
    return put_big_endian(p, bits, NUMBER_BYTES);
}

/* In a column of REAL affinity whole numbers are stored as integers, unless those are as long. */
static char *put_whole(char *p, int64_t v, sp_sqlite_affine affinity, char *type)
{
    bool longest = v < -(INT64_C(1) << 47) || v >= INT64_C(1) << 47;
    return affinity == SP_SQLITE_REAL && longest ? put_real(p, (double)v, type) : put_integer(p, v, type);
}

static char *put_number(char *p, double v, sp_sqlite_affine affinity, char *type)
{
    bool in_range = v > -9223372036854775808.0 && v < 9223372036854775807.0;
    int64_t whole = in_range ? (int64_t)v : 0;
    if (affinity == SP_SQLITE_NONE || !in_range || (double)whole != v)
        return put_real(p, v, type);
    return put_whole(p, whole, affinity, type);
}

static char *put_varint32(char *p, uint32_t v)
{
    for (int shift = 28; shift > 0; shift -= 7)
        if (v >> shift)
            *p++ = (char)(v >> shift | 0x80);
    *p++ = (char)(v & 0x7f);
    return p;
}

static char *put_string(char *p, const char *bytes, size_t len, unsigned type, char **head)
{
    *head = put_varint32(*head, (uint32_t)(2 * len + type));
    memcpy(p, bytes, len);
    return p + len;
}

/* ---- the encoder --------------------------------------------------------------------------------- */

typedef struct cell {
    sp_sqlite_form form;
    sp_sqlite_affine affinity;
    sp_put_many_fn *put_many; /* of text that is made a column at a time; NULL: none for the kind */
    uint32_t run;             /* which of those it is; lists are too */
    char suffix;              /* behind the text, or 0 */
} cell;

struct sp_sqliterows {
    const sp_schema *schema;
    const sp_sqlite_column *columns;
    cell *cells;
    uint32_t n, n_runs;
    int32_t key; /* the column that is the rowid, or -1 */
};

/* Text of a column of a batch: cell i ends at ends[i + 1]. Both are places in made, which may move while it grows. */
typedef struct run {
    size_t text, ends;
} run;

static sp_put_many_fn *const put_manys[SP_KINDS] = {
    [SP_I16] = sp_put_i16_many,
    [SP_I32] = sp_put_i32_many,
    [SP_I64] = sp_put_i64_many,
    [SP_U64] = sp_put_u64_many,
    [SP_DECIMAL] = sp_put_decimal_many,
    [SP_DATE] = sp_put_date_many,
    [SP_UUID] = sp_put_uuid_many,
    [SP_TIMESTAMP] = sp_put_timestamp_many,
    [SP_TIMESTAMPTZ] = sp_put_timestamp_many,
};

int sp_sqliterows_new(const sp_schema *schema, const sp_sqlite_column *columns, uint32_t n, sp_sqliterows **out,
                      spate_error *err)
{
    sp_sqliterows *e = sp_alloc_zero(1, sizeof(*e));
    if (e)
        *e = (sp_sqliterows){schema, columns, sp_alloc_zero(n, sizeof(cell)), n, 0, -1};
    if (!e || !e->cells) {
        sp_sqliterows_free(e);
        return sp_fail_nomem(err);
    }
    for (uint32_t i = 0; i < n; i++) {
        const sp_type *type = &schema->fields[columns[i].field].type;
        cell *c = &e->cells[i];
        *c = (cell){sp_sqlite_form_of(type, &columns[i].target), columns[i].target.affinity, NULL, e->n_runs, 0};
        if (columns[i].is_rowid)
            e->key = (int32_t)i;
        if (c->form == SP_SQLITE_AS_MADE) {
            c->put_many = put_manys[type->kind];
            c->suffix = type->kind == SP_TIMESTAMPTZ ? 'Z' : 0;
        }
        e->n_runs += c->put_many != NULL || c->form == SP_SQLITE_AS_LIST;
    }
    *out = e;
    return SPATE_OK;
}

void sp_sqliterows_free(sp_sqliterows *e)
{
    if (!e)
        return;
    sp_free(e->cells);
    sp_free(e);
}

void sp_sqlite_rows_clear(sp_sqlite_rows *r)
{
    r->records.len = r->lengths.len = r->keys.len = 0;
    r->n = 0;
}

void sp_sqlite_rows_done(sp_sqlite_rows *r)
{
    sp_buf *const all[] = {&r->records, &r->lengths, &r->keys, &r->runs, &r->made, &r->head};
    for (size_t i = 0; i < SP_COUNT(all); i++)
        sp_buf_done(all[i]);
    *r = (sp_sqlite_rows){0};
}

/* ---- text, a column at a time ---- */

static int make_list_run(const sp_column *c, uint32_t rows, sp_buf *made, const run *r)
{
    for (uint32_t row = 0; row < rows; row++) {
        if (!sp_column_null(c, row) && sp_cell_json(made, c, row))
            return SPATE_E_NOMEM;
        if (made->len - r->text > SP_SQLITE_RECORD_MAX)
            return SPATE_E_DATA;
        ((int32_t *)(void *)(made->data + r->ends))[row + 1] = (int32_t)(made->len - r->text);
    }
    return SPATE_OK;
}

static int make_run(const cell *cell, const sp_column *c, uint32_t rows, sp_buf *made, run *r)
{
    size_t ends = (rows + 1) * sizeof(int32_t), text = cell->put_many ? (size_t)rows * SP_CELL_TEXT_BYTES : 0;
    made->len = (made->len + sizeof(int32_t) - 1) / sizeof(int32_t) * sizeof(int32_t);
    if (sp_buf_reserve(made, ends + text))
        return SPATE_E_NOMEM;
    *r = (run){made->len + ends, made->len};
    made->len += ends;
    int32_t *end = (int32_t *)(void *)(made->data + r->ends);
    end[0] = 0;
    if (!cell->put_many)
        return make_list_run(c, rows, made, r);
    made->len = (size_t)(cell->put_many(made->data + r->text, c->data, rows, c->type.scale, end + 1) - made->data);
    return SPATE_OK;
}

/* Makes all text that is made by columns, and makes room for the records, whose bytes are at most those of their parts. */
static int make_room(const sp_sqliterows *e, const sp_batch *b, sp_sqlite_rows *out)
{
    size_t fixed = HEAD_SIZE_BYTES, strings = 0;
    out->made.len = out->runs.len = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        const cell *cell = &e->cells[i];
        const sp_column *c = &b->columns[e->columns[i].field];
        size_t before = out->made.len;
        run r;
        fixed += TYPE_BYTES_MAX;
        if (cell->put_many || cell->form == SP_SQLITE_AS_LIST) {
            int rc = make_run(cell, c, b->rows, &out->made, &r);
            if (rc != SPATE_OK || sp_buf_add(&out->runs, &r, sizeof(r)))
                return rc == SPATE_E_DATA ? rc : SPATE_E_NOMEM;
            strings += out->made.len - before + (cell->suffix ? b->rows : 0);
        } else if (cell->form == SP_SQLITE_AS_TEXT || cell->form == SP_SQLITE_AS_BLOB) {
            strings += (size_t)c->offsets[b->rows];
        } else {
            fixed += cell->form == SP_SQLITE_AS_MADE   ? SP_CELL_TEXT_BYTES
                     : cell->form == SP_SQLITE_AS_UUID ? 16
                                                       : NUMBER_BYTES;
        }
    }
    return sp_buf_reserve(&out->records, fixed * b->rows + strings) ||
                   sp_buf_reserve(&out->lengths, b->rows * sizeof(uint32_t)) ||
                   sp_buf_reserve(&out->keys, b->rows * sizeof(int64_t)) ||
                   sp_buf_reserve(&out->head, (size_t)e->n * TYPE_BYTES_MAX + HEAD_SIZE_BYTES)
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

/* ---- a row ---- */

static int64_t integer_at(const sp_column *c, uint32_t row)
{
    switch (c->type.kind) {
    case SP_BOOL: return sp_bit(c->data, row);
    case SP_I16: return ((const int16_t *)c->data)[row];
    case SP_I32: return ((const int32_t *)c->data)[row];
    default: return ((const int64_t *)c->data)[row];
    }
}

typedef struct place { /* where the next cell of a row goes */
    char *head, *body;
    const sp_sqlite_rows *out; /* of whose runs */
    uint32_t row;
} place;

static void put_run(place *p, const cell *cell)
{
    const run *r = &((const run *)(const void *)p->out->runs.data)[cell->run];
    const int32_t *ends = (const int32_t *)(const void *)(p->out->made.data + r->ends) + p->row;
    size_t len = (size_t)(ends[1] - ends[0]);
    const char *text = p->out->made.data + r->text + ends[0];
    if (cell->form == SP_SQLITE_AS_LIST || len > 32) {
        memcpy(p->body, text, len);
        p->body += len;
    } else {
        p->body = sp_copy_short(p->body, text, len);
    }
    if (cell->suffix)
        *p->body++ = cell->suffix;
    p->head = put_varint32(p->head, (uint32_t)(2 * (len + (cell->suffix != 0)) + TYPE_TEXT));
}

static void put_fixed_text(place *p, const sp_column *c)
{
    char *end = sp_cell_put_fixed(p->body, c, p->row);
    p->head = put_varint32(p->head, (uint32_t)(2 * (end - p->body) + TYPE_TEXT));
    p->body = end;
}

static int put_cell(place *p, const cell *cell, const sp_column *c, spate_error *err)
{
    double real;
    int rc = SPATE_OK;
    switch (cell->form) {
    case SP_SQLITE_AS_UNSIGNED:
        rc = sp_sqlite_check_unsigned(((const uint64_t *)c->data)[p->row], err);
        __attribute__((fallthrough));
    case SP_SQLITE_AS_INTEGER: p->body = put_whole(p->body, integer_at(c, p->row), cell->affinity, p->head++); break;
    case SP_SQLITE_AS_EPOCH: p->body = put_whole(p->body, sp_sqlite_epoch(c, p->row), cell->affinity, p->head++); break;
    case SP_SQLITE_AS_REAL:
    case SP_SQLITE_AS_DECIMAL:
        rc = cell->form == SP_SQLITE_AS_REAL ? sp_sqlite_real(c, p->row, &real, err)
                                             : sp_sqlite_decimal(c, p->row, &real, err);
        p->body = put_number(p->body, real, cell->affinity, p->head++);
        break;
    case SP_SQLITE_AS_TEXT:
    case SP_SQLITE_AS_BLOB: {
        sp_str s = sp_column_str(c, p->row);
        p->body = put_string(p->body, s.p, s.len, cell->form == SP_SQLITE_AS_TEXT ? TYPE_TEXT : TYPE_BLOB, &p->head);
        break;
    }
    case SP_SQLITE_AS_UUID:
        p->body = put_string(p->body, (const char *)c->data + (size_t)p->row * 16, 16, TYPE_BLOB, &p->head);
        break;
    case SP_SQLITE_AS_MADE:
        if (!cell->put_many) {
            put_fixed_text(p, c);
            break;
        }
        __attribute__((fallthrough));
    case SP_SQLITE_AS_LIST: put_run(p, cell); break;
    }
    return rc;
}

static int fail_null(const sp_sqliterows *e, uint32_t column, spate_error *err)
{
    return sp_fail(err, SPATE_E_DATA, "SQLite: NOT NULL constraint failed: %s.%s", e->schema->table,
                   e->schema->fields[e->columns[column].field].name);
}

/* The types to head, the values to body. */
static int put_cells(const sp_sqliterows *e, const sp_batch *b, place *p, spate_error *err)
{
    for (uint32_t i = 0; i < e->n; i++) {
        const sp_column *c = &b->columns[e->columns[i].field];
        if ((int32_t)i == e->key) {
            *p->head++ = TYPE_NULL;
        } else if (SP_LIKELY(!sp_column_null(c, p->row))) {
            int rc = put_cell(p, &e->cells[i], c, err);
            if (rc != SPATE_OK)
                return sp_fail_context(err, rc, "column \"%s\"", e->schema->fields[e->columns[i].field].name);
        } else if (e->columns[i].not_null) {
            return fail_null(e, i, err);
        } else {
            *p->head++ = TYPE_NULL;
        }
    }
    return SPATE_OK;
}

/* How long a head with so many bytes of types is, its own length included. */
static size_t head_bytes(size_t types)
{
    return types + (types <= 126 ? 1 : types <= 16381 ? 2 : 3);
}

/* *head: how long the head of the row before is, and then this row's; the values are moved where they differ. */
static int put_row(const sp_sqliterows *e, const sp_batch *b, uint32_t row, size_t *head, sp_sqlite_rows *out,
                   spate_error *err)
{
    char *record = out->records.data + out->records.len;
    place p = {out->head.data, record + *head, out, row};
    int rc = put_cells(e, b, &p, err);
    if (rc != SPATE_OK)
        return rc;
    size_t types = (size_t)(p.head - out->head.data), values = (size_t)(p.body - record) - *head,
           needed = head_bytes(types);
    if (needed + values > SP_SQLITE_RECORD_MAX)
        return sp_fail(err, SPATE_E_DATA, "a row is too long for SQLite");
    if (needed != *head)
        memmove(record + needed, record + *head, values);
    memcpy(put_varint32(record, (uint32_t)needed), out->head.data, types);
    *head = needed;
    ((uint32_t *)(void *)(out->lengths.data + out->lengths.len))[0] = (uint32_t)(needed + values);
    out->lengths.len += sizeof(uint32_t);
    out->records.len += needed + values;
    out->n++;
    return SPATE_OK;
}

/* ---- the keys ---- */

static int put_keys(const sp_sqliterows *e, const sp_batch *b, sp_sqlite_rows *out, spate_error *err)
{
    const sp_column *c = &b->columns[e->columns[e->key].field];
    int64_t *keys = (int64_t *)(void *)(out->keys.data + out->keys.len);
    for (uint32_t row = 0; row < b->rows; row++) {
        if (sp_column_null(c, row))
            return fail_null(e, (uint32_t)e->key, err);
        keys[row] = integer_at(c, row);
        int rc = c->type.kind == SP_U64 ? sp_sqlite_check_unsigned((uint64_t)keys[row], err) : SPATE_OK;
        if (rc != SPATE_OK)
            return rc;
    }
    out->keys.len += b->rows * sizeof(int64_t);
    return SPATE_OK;
}

int sp_sqliterows_encode(const sp_sqliterows *e, const sp_batch *batch, sp_sqlite_rows *rows, spate_error *err)
{
    size_t head = head_bytes(e->n);
    int rc = make_room(e, batch, rows);
    if (rc != SPATE_OK)
        return rc == SPATE_E_NOMEM ? sp_fail_nomem(err) : sp_fail(err, rc, "a row is too long for SQLite");
    if (e->key >= 0)
        rc = put_keys(e, batch, rows, err);
    for (uint32_t row = 0; row < batch->rows && rc == SPATE_OK; row++)
        rc = put_row(e, batch, row, &head, rows, err);
    return rc;
}

/* ---- once more with the key ---- */

static const char *get_varint32(const char *p, uint32_t *v)
{
    *v = 0;
    do
        *v = *v << 7 | ((uint8_t)*p & 0x7f);
    while (*p++ & 0x80);
    return p;
}

static size_t bytes_of_type(uint32_t type)
{
    static const uint8_t sizes[TYPE_BLOB] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < TYPE_BLOB ? sizes[type] : (type - TYPE_BLOB) / 2;
}

int sp_sqliterows_with_key(const sp_sqliterows *e, sp_str record, int64_t key, sp_buf *out)
{
    uint32_t head, type;
    const char *types = get_varint32(record.p, &head), *at = types, *body = record.p + head;
    for (int32_t i = 0; i < e->key; i++) {
        at = get_varint32(at, &type);
        body += bytes_of_type(type);
    }
    size_t n_types = (size_t)(record.p + head - types), before = (size_t)(at - types);
    if (sp_buf_reserve(out, record.len + NUMBER_BYTES))
        return SPATE_E_NOMEM;
    char *p = put_varint32(out->data + out->len, head);
    memcpy(p, types, n_types);
    p[before] = TYPE_I64;
    p += n_types;
    memcpy(p, record.p + head, (size_t)(body - record.p) - head);
    p = put_big_endian(p + (size_t)(body - record.p) - head, (uint64_t)key, NUMBER_BYTES);
    memcpy(p, body, (size_t)(record.p + record.len - body));
    out->len += record.len + NUMBER_BYTES;
    return SPATE_OK;
}
