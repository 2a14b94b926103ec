/* pgbinary.c - rows as PostgreSQL's COPY BINARY tuples, and the table of which cells go into
 * which column types.
 *
 * The routes below are both answers at once: a route that exists is a fit, and its function
 * (pgcell.h) writes the cell. Row-major, one indirect call a cell. Cells that could break a promise
 * of the type (an int64 without known range into an int4) are looked over a column at a time before
 * the first store. COPY's frame is in PostgreSQL's manual under "Binary Format". */
#include "codec/pgcell.h"

#include <stdio.h>

/* ---- which cells go where -------------------------------------------------------------------- */

typedef enum target {
    TO_OTHER,
    TO_BOOL,
    TO_INT2,
    TO_INT4,
    TO_INT8,
    TO_FLOAT4,
    TO_FLOAT8,
    TO_NUMERIC,
    TO_TEXT, /* text, varchar, char(n), name, citext */
    TO_ENUM,
    TO_JSON,
    TO_JSONB,
    TO_BYTEA,
    TO_UUID,
    TO_DATE,
    TO_TIME,
    TO_TIMETZ,
    TO_TIMESTAMP, /* with or without time zone: the same eight bytes */
    TO_INTERVAL,
    TO_ARRAY,
    TARGETS
} target;

/* The oids of built-in types never change: src/include/catalog/pg_type.dat. */
static target target_of_oid(uint32_t oid)
{
    switch (oid) {
    case 16: return TO_BOOL;
    case 17: return TO_BYTEA;
    case 20: return TO_INT8;
    case 21: return TO_INT2;
    case 23: return TO_INT4;
    case 19:
    case 25:
    case 1042:
    case 1043: return TO_TEXT;
    case 114: return TO_JSON;
    case 700: return TO_FLOAT4;
    case 701: return TO_FLOAT8;
    case 1082: return TO_DATE;
    case 1083: return TO_TIME;
    case 1114:
    case 1184: return TO_TIMESTAMP;
    case 1186: return TO_INTERVAL;
    case 1266: return TO_TIMETZ;
    case 1700: return TO_NUMERIC;
    case 2950: return TO_UUID;
    case 3802: return TO_JSONB;
    default: return TO_OTHER;
    }
}

static bool is_citext(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len >= 6 && strcmp(name + len - 6, "citext") == 0 && (len == 6 || name[len - 7] == '.');
}

static target target_of(const sp_pg_type *type)
{
    if (type->category == 'A')
        return TO_ARRAY;
    if (type->is_enum)
        return TO_ENUM;
    return is_citext(type->name) ? TO_TEXT : target_of_oid(type->oid);
}

/* room: bytes of a field at most, the bytes of text and of list elements aside. */
typedef struct route {
    put_fn put;
    uint32_t room;
} route;

#define NUMBER_ROUTES(kind) \
    [TO_FLOAT4] = {kind##_float4, 8}, [TO_FLOAT8] = {kind##_float8, 12}, [TO_NUMERIC] = {kind##_numeric, NUMERIC_ROOM}
#define INTEGERS(kind) \
    [TO_INT2] = {kind##_int2, 6}, [TO_INT4] = {kind##_int4, 8}, [TO_INT8] = {kind##_int8, 12}, \
    NUMBER_ROUTES(kind), [TO_TEXT] = {kind##_text, 4 + SP_I64_TEXT_MAX}
#define INSTANTS \
    [TO_TIMESTAMP] = {timestamp_timestamp, 12}, [TO_DATE] = {timestamp_date, 8}, [TO_TIME] = {timestamp_time, 12}

static const route routes[SP_KINDS][TARGETS] = {
    [SP_BOOL] = {[TO_BOOL] = {bool_bool, 5}, [TO_TEXT] = {bool_text, 9}},
    [SP_I16] = {INTEGERS(i16)},
    [SP_I32] = {INTEGERS(i32)},
    [SP_I64] = {INTEGERS(i64)},
    [SP_U64] = {INTEGERS(u64)},
    [SP_F32] = {NUMBER_ROUTES(f32), [TO_TEXT] = {f32_text, 4 + SP_F64_TEXT_MAX}},
    [SP_F64] = {NUMBER_ROUTES(f64), [TO_TEXT] = {f64_text, 4 + SP_F64_TEXT_MAX}},
    [SP_DECIMAL] = {NUMBER_ROUTES(decimal), [TO_TEXT] = {decimal_text, 4 + SP_DECIMAL_TEXT_MAX}},
    [SP_DATE] = {[TO_DATE] = {date_date, 8},
                 [TO_TIMESTAMP] = {date_timestamp, 12},
                 [TO_TEXT] = {date_text, 4 + SP_TIMESTAMP_TEXT_MAX}},
    [SP_TIME] = {[TO_TIME] = {time_time, 12},
                 [TO_TIMETZ] = {time_timetz, 16},
                 [TO_INTERVAL] = {time_interval, 20},
                 [TO_TEXT] = {time_text, 4 + SP_TIMESTAMP_TEXT_MAX}},
    [SP_TIMESTAMP] = {INSTANTS, [TO_TEXT] = {timestamp_text, 4 + SP_TIMESTAMP_TEXT_MAX}},
    [SP_TIMESTAMPTZ] = {INSTANTS, [TO_TEXT] = {timestamptz_text, 7 + SP_TIMESTAMP_TEXT_MAX}},
    [SP_INTERVAL] = {[TO_INTERVAL] = {interval_interval, 20}},
    [SP_UUID] = {[TO_UUID] = {uuid_uuid, 20}, [TO_TEXT] = {uuid_text, 4 + SP_UUID_TEXT}},
    [SP_TEXT] = {[TO_TEXT] = {bytes_bytes, 4},
                 [TO_ENUM] = {bytes_bytes, 4},
                 [TO_JSON] = {bytes_bytes, 4},
                 [TO_JSONB] = {text_jsonb, 5}},
    [SP_JSON] = {[TO_TEXT] = {bytes_bytes, 4}, [TO_JSON] = {bytes_bytes, 4}, [TO_JSONB] = {text_jsonb, 5}},
    [SP_BYTES] = {[TO_BYTEA] = {bytes_bytes, 4}},
    [SP_LIST] = {[TO_ARRAY] = {list_array, ARRAY_ROOM}},
};

/* ---- ranges ---------------------------------------------------------------------------------- */

/* A decimal without digits behind the point is an integer. */
static sp_kind kind_of(sp_type type)
{
    return type.kind == SP_DECIMAL && type.scale == 0 ? SP_I64 : type.kind;
}

static bool is_number(sp_kind kind)
{
    return sp_kind_is_integer(kind) || kind == SP_F32 || kind == SP_F64 || kind == SP_DECIMAL;
}

/* What an integer column holds; false when to is none. */
static bool target_range(target to, int64_t *min, int64_t *max)
{
    switch (to) {
    case TO_INT2:
        *min = INT16_MIN;
        *max = INT16_MAX;
        return true;
    case TO_INT4:
        *min = INT32_MIN;
        *max = INT32_MAX;
        return true;
    case TO_INT8:
        *min = INT64_MIN;
        *max = INT64_MAX;
        return true;
    default: return false;
    }
}

static bool kind_within(sp_kind kind, int64_t max)
{
    switch (kind) {
    case SP_I16: return true;
    case SP_I32: return max >= INT32_MAX;
    case SP_I64: return max == INT64_MAX;
    default: return false;
    }
}

/* ---- fits ------------------------------------------------------------------------------------ */

static sp_pg_fit fit_labels(const sp_str *wanted, uint32_t n, const sp_pg_type *type, char why[160])
{
    for (uint32_t i = 0; type->labels && i < n; i++) {
        if (sp_str_among(wanted[i], type->labels, type->n_labels))
            continue;
        snprintf(why, 160, "\"%.*s\" is not a label of %.60s", (int)SP_MIN(wanted[i].len, 40), wanted[i].p, type->name);
        return SP_PG_NEVER;
    }
    return SP_PG_BINARY;
}

/* How many characters a text column takes, or 0: any number. */
static uint32_t length_of(const sp_pg_type *type)
{
    bool counted = type->oid == 1042 || type->oid == 1043; /* char, varchar */
    return counted && type->typmod >= 4 ? (uint32_t)type->typmod - 4 : 0;
}

/* The server cuts spaces at the end, and nothing else. */
static uint32_t characters_of(sp_str text)
{
    uint32_t n = 0;
    while (text.len && text.p[text.len - 1] == ' ')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        n += ((uint8_t)text.p[i] & 0xc0) != 0x80;
    return n;
}

static sp_pg_fit fit_length(const sp_field *field, const sp_pg_type *type, char why[160])
{
    uint32_t most = length_of(type);
    for (uint32_t i = 0; most && i < field->n_values; i++) {
        uint32_t n = characters_of(field->values[i]);
        if (n <= most)
            continue;
        snprintf(why, 160, "\"%.*s\" has %u characters, too long for %.60s", (int)SP_MIN(field->values[i].len, 40),
                 field->values[i].p, n, type->name);
        return SP_PG_NEVER;
    }
    return SP_PG_BINARY;
}

/* The whole numbers of a numeric with a precision that is not without bound for them. */
static bool numeric_range(const sp_pg_type *type, int64_t *min, int64_t *max)
{
    enum { HEADER = 4, SCALE_BITS = 0x7ff, SCALE_SIGN = 0x400, DIGITS_MAX = 18 };
    int32_t packed = type->typmod - HEADER, scale = ((packed & SCALE_BITS) ^ SCALE_SIGN) - SCALE_SIGN;
    int32_t whole = ((packed >> 16) & 0xffff) - scale;
    if (type->typmod < HEADER || scale < 0 || whole < 0 || whole > DIGITS_MAX)
        return false;
    *max = (int64_t)sp_pow10[whole] - 1;
    *min = -*max;
    return true;
}

static sp_pg_fit fit_range(const sp_field *field, const sp_pg_type *type, target to, char why[160])
{
    int64_t min, max;
    if (!sp_kind_is_integer(kind_of(field->type)) || !field->bounds.has_range ||
        !(to == TO_NUMERIC ? numeric_range(type, &min, &max) : target_range(to, &min, &max)))
        return SP_PG_BINARY;
    if (field->bounds.min >= min && field->bounds.max <= max)
        return SP_PG_BINARY;
    int64_t far = field->bounds.max > max ? field->bounds.max : field->bounds.min;
    snprintf(why, 160, "its cells reach %lld, which %.60s cannot hold", (long long)far, type->name);
    return SP_PG_NEVER;
}

static sp_pg_type item_type(const sp_pg_type *type)
{
    return (sp_pg_type){.oid = type->item_oid,
                        .typmod = type->typmod,
                        .is_enum = type->is_enum,
                        .name = type->name,
                        .labels = type->labels,
                        .n_labels = type->n_labels};
}

static sp_pg_fit fit_list(const sp_field *field, const sp_pg_type *type, char why[160])
{
    sp_pg_type item = item_type(type);
    sp_field cell = {.name = field->name,
                     .labels = field->labels,
                     .n_labels = field->n_labels,
                     .type = field->type.item ? *field->type.item : (sp_type){.kind = SP_LIST}};
    if (cell.type.kind != SP_LIST)
        return sp_pg_fit_of(&cell, &item, why);
    snprintf(why, 160, "lists of lists cannot be written");
    return SP_PG_NEVER;
}

/* What has no binary route, but a text that the server can make sense of. */
static bool readable_as_text(sp_kind kind, const sp_pg_type *type, target to)
{
    if (kind == SP_TEXT)
        return true;
    if (to == TO_TEXT || (to == TO_OTHER && type->category == 'S'))
        return true;
    return to == TO_OTHER && type->category == 'N' && is_number(kind); /* money, oid */
}

sp_pg_fit sp_pg_fit_of(const sp_field *field, const sp_pg_type *type, char why[160])
{
    sp_kind kind = kind_of(field->type);
    target to = target_of(type);
    if (kind == SP_LIST && to == TO_ARRAY)
        return fit_list(field, type, why);
    if (to == TO_ENUM && kind == SP_TEXT)
        return field->n_labels ? fit_labels(field->labels, field->n_labels, type, why)
                               : fit_labels(field->values, field->n_values, type, why);
    if (to == TO_TEXT && kind == SP_TEXT)
        return fit_length(field, type, why);
    if (routes[kind][to].put)
        return fit_range(field, type, to, why);
    if (readable_as_text(kind, type, to))
        return SP_PG_TEXT;
    snprintf(why, 160, "its cells are %s, the column is %.60s", sp_kind_name(kind), type->name);
    return SP_PG_NEVER;
}

/* ---- the encoder ----------------------------------------------------------------------------- */

typedef enum check { CHECK_NONE, CHECK_RANGE, CHECK_FLOAT4 } check;

typedef struct column_plan {
    route route, item; /* item: lists */
    check check;       /* of the cells, or of the list's elements */
    int64_t min, max;
    uint32_t item_oid;
} column_plan;

struct sp_pgbinary {
    const sp_schema *schema;
    const sp_pg_type *types; /* their names, for messages */
    column_plan *columns;
};

static void plan_check(column_plan *c, sp_type type, const sp_bounds *bounds, target to)
{
    sp_kind kind = kind_of(type);
    if (sp_kind_is_integer(kind) && !bounds->has_range && target_range(to, &c->min, &c->max)) {
        if (!kind_within(kind, c->max))
            c->check = CHECK_RANGE;
    } else if (kind == SP_F64 && to == TO_FLOAT4) {
        c->check = CHECK_FLOAT4;
    }
}

static void plan_column(column_plan *c, const sp_field *field, const sp_pg_type *type)
{
    target to = target_of(type);
    c->route = routes[kind_of(field->type)][to];
    if (field->type.kind != SP_LIST) {
        plan_check(c, field->type, &field->bounds, to);
        return;
    }
    sp_pg_type item = item_type(type);
    c->item_oid = type->item_oid;
    c->item = routes[kind_of(*field->type.item)][target_of(&item)];
    plan_check(c, *field->type.item, &(sp_bounds){0}, target_of(&item));
}

int sp_pgbinary_new(const sp_schema *schema, const sp_pg_type *types, sp_pgbinary **out, spate_error *err)
{
    char why[160];
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (sp_pg_fit_of(&schema->fields[i], &types[i], why) != SP_PG_BINARY)
            return sp_fail(err, SPATE_E_BUG, "column \"%s\" of \"%s\" has no binary form", schema->fields[i].name,
                           schema->table);
    sp_pgbinary *e = sp_alloc_zero(1, sizeof(*e) + schema->n_fields * sizeof(column_plan));
    if (!e)
        return sp_fail_nomem(err);
    e->schema = schema;
    e->types = types;
    e->columns = (column_plan *)(e + 1);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        plan_column(&e->columns[i], &schema->fields[i], &types[i]);
    *out = e;
    return SPATE_OK;
}

void sp_pgbinary_free(sp_pgbinary *e)
{
    sp_free(e);
}

int sp_pgbinary_header(sp_buf *out)
{
    return sp_buf_add(out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
}

int sp_pgbinary_trailer(sp_buf *out)
{
    return sp_buf_add(out, "\377\377", 2);
}

/* ---- looking cells over ---------------------------------------------------------------------- */

static bool integer_breaks(const column_plan *plan, const sp_column *c, uint32_t row)
{
    int64_t v;
    switch (c->type.kind) {
    case SP_I32: v = ((const int32_t *)c->data)[row]; break;
    case SP_U64:
        if (((const uint64_t *)c->data)[row] > INT64_MAX)
            return true;
        /* fall through */
    default: v = ((const int64_t *)c->data)[row]; break;
    }
    return v < plan->min || v > plan->max;
}

static bool cell_breaks(const column_plan *plan, const sp_column *c, uint32_t row)
{
    if (plan->check == CHECK_RANGE)
        return integer_breaks(plan, c, row);
    double v = ((const double *)c->data)[row];
    return isfinite(v) && !isfinite((float)v);
}

static int check_column(const sp_pgbinary *e, uint32_t i, const sp_batch *batch, uint32_t from, uint32_t to,
                        spate_error *err)
{
    const column_plan *plan = &e->columns[i];
    const sp_column *c = &batch->columns[i];
    for (uint32_t row = from; row < to; row++) {
        bool list = c->type.kind == SP_LIST;
        const sp_column *cells = list ? c->child : c;
        uint32_t at = list ? (uint32_t)c->offsets[row] : row, end = list ? (uint32_t)c->offsets[row + 1] : row + 1;
        if (sp_column_null(c, row))
            continue;
        for (; at < end; at++)
            if (!sp_column_null(cells, at) && cell_breaks(plan, cells, at))
                return sp_fail(err, SPATE_E_DATA, "row %llu: column \"%s\": the number is out of range for %s",
                               (unsigned long long)(batch->first_row + row + 1), e->schema->fields[i].name,
                               e->types[i].name);
    }
    return SPATE_OK;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static size_t text_bytes(const sp_column *c, uint32_t from, uint32_t to)
{
    return c->bytes && c->offsets ? (size_t)(c->offsets[to] - c->offsets[from]) : 0;
}

static size_t room_of(const column_plan *plan, const sp_column *c, uint32_t from, uint32_t to)
{
    size_t room = (size_t)(to - from) * plan->route.room;
    if (c->type.kind != SP_LIST)
        return room + text_bytes(c, from, to);
    uint32_t first = (uint32_t)c->offsets[from], last = (uint32_t)c->offsets[to];
    return room + (size_t)(last - first) * plan->item.room + text_bytes(c->child, first, last);
}

/* Texts, uuids and instants are most of all cells: written here, without the call. */
static hot hot_of(put_fn put)
{
    return put == bytes_bytes           ? HOT_BYTES
           : put == uuid_uuid           ? HOT_UUID
           : put == timestamp_timestamp ? HOT_INSTANT
                                        : HOT_NOT;
}

static void point(cursor *at, const sp_column *c, put_fn put)
{
    *at = (cursor){.put = put,
                   .validity = c->validity,
                   .data = c->data,
                   .offsets = c->offsets,
                   .bytes = c->bytes,
                   .scale = c->type.scale,
                   .hot = hot_of(put)};
}

static inline uint8_t *put_cell(const cursor *c, uint32_t row, uint8_t *p)
{
    switch (c->hot) {
    case HOT_BYTES: return bytes_bytes(c, row, p);
    case HOT_UUID: return uuid_uuid(c, row, p);
    case HOT_INSTANT: return timestamp_timestamp(c, row, p);
    default: return c->put(c, row, p);
    }
}

static uint8_t *put_rows(const cursor *cursors, uint32_t n, uint32_t from, uint32_t to, uint8_t *p)
{
    for (uint32_t row = from; row < to; row++) {
        p = put16(p, (uint16_t)n);
        for (const cursor *c = cursors, *end = cursors + n; c < end; c++)
            p = c->validity && !sp_bit(c->validity, row) ? put_null(p) : put_cell(c, row, p);
    }
    return p;
}

int sp_pgbinary_encode(const sp_pgbinary *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out,
                       spate_error *err)
{
    uint32_t n = e->schema->n_fields;
    size_t room = (size_t)(to - from) * 2;
    for (uint32_t i = 0; i < n; i++) {
        room += room_of(&e->columns[i], &batch->columns[i], from, to);
        if (e->columns[i].check != CHECK_NONE) {
            int status = check_column(e, i, batch, from, to, err);
            if (status)
                return status;
        }
    }
    /* The cursors stand behind the rows' room (and its slack) in the same buffer: no allocation,
     * and no limit on columns. */
    size_t behind = room + SP_SLACK;
    if (sp_buf_reserve(out, behind + alignof(cursor) + 2 * n * sizeof(cursor)))
        return sp_fail_nomem(err);
    uint8_t *start = (uint8_t *)out->data + out->len;
    cursor *cursors =
        (cursor *)(((uintptr_t)(start + behind) + alignof(cursor) - 1) & ~(uintptr_t)(alignof(cursor) - 1));
    for (uint32_t i = 0; i < n; i++) {
        const column_plan *plan = &e->columns[i];
        point(&cursors[i], &batch->columns[i], plan->route.put);
        if (!plan->item.put)
            continue;
        point(&cursors[n + i], batch->columns[i].child, plan->item.put);
        cursors[i].item = &cursors[n + i];
        cursors[i].item_oid = plan->item_oid;
    }
    out->len += (size_t)(put_rows(cursors, n, from, to, start) - start);
    return SPATE_OK;
}
