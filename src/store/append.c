/* append.c - rows in: single ones of any fields, and columns; records are taken in records.c. Each becomes cells of its shape's columns
 * at once; when there are enough for a block they are encoded and written. */
#include "store/appender.h"

#include <math.h>
#include <stdlib.h>

enum {
    STAGE_BYTES = 12 << 20, /* of cells, before they are encoded */
    BLOCK_ROWS = 256 << 10,
    SHAPE_SLOTS = 8192, /* twice the shapes that a block can have */
    SHAPE_IDLE_MAX = 64,
};

/* ---- shapes ------------------------------------------------------------------------------------ */

static int add_shape(sp_appender *a, const uint64_t *keys, const sp_type *types, uint32_t n, uint32_t *shape)
{
    if (a->n_shapes == a->shapes_cap) {
        uint32_t cap = a->shapes_cap ? a->shapes_cap * 2 : 8;
        sp_shape **shapes = sp_realloc(a->shapes, cap * sizeof *shapes);
        if (!shapes)
            return SPATE_E_NOMEM;
        a->shapes = shapes;
        a->shapes_cap = cap;
    }
    sp_shape *s = sp_alloc(sizeof *s);
    if (!s)
        return SPATE_E_NOMEM;
    sp_shape_init(s);
    if (sp_shape_make(s, keys, types, n) != SPATE_OK) {
        sp_shape_done(s);
        sp_free(s);
        return SPATE_E_NOMEM;
    }
    a->shapes[a->n_shapes] = s;
    *shape = a->n_shapes++;
    return SPATE_OK;
}

static uint32_t *slot_of(const sp_appender *a, const uint64_t *keys, uint32_t n)
{
    uint32_t at = (uint32_t)a->store->k->hash(keys, n * sizeof *keys, 0) % SHAPE_SLOTS;
    for (; a->slots[at]; at = (at + 1) % SHAPE_SLOTS) {
        const sp_shape *s = a->shapes[a->slots[at] - 1];
        if (s->n == n && memcmp(s->keys, keys, n * sizeof *keys) == 0)
            break;
    }
    return &a->slots[at];
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int sp_appender_refuse_twice(sp_appender *a, const uint64_t *keys, uint32_t n, spate_error *err)
{
    uint64_t *sorted = sp_alloc_zero(n, sizeof *sorted);
    int rc = SPATE_OK;
    if (!sorted)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = keys[i] & 0xffff;
    qsort(sorted, n, sizeof *sorted, by_key);
    for (uint32_t i = 1; rc == SPATE_OK && i < n; i++)
        if (sorted[i] == sorted[i - 1])
            rc = sp_fail(err, SPATE_E_USAGE, "a row has the field \"%s\" twice", a->store->catalog.names[sorted[i]].p);
    sp_free(sorted);
    return rc;
}

int sp_appender_find_shape(sp_appender *a, const uint64_t *keys, const sp_type *types, uint32_t n, uint32_t *shape,
                           spate_error *err)
{
    uint32_t *slot = slot_of(a, keys, n);
    if (*slot) {
        *shape = *slot - 1;
        return SPATE_OK;
    }
    int rc = sp_appender_refuse_twice(a, keys, n, err);
    if (rc != SPATE_OK)
        return rc;
    if (add_shape(a, keys, types, n, shape) != SPATE_OK)
        return sp_fail_nomem(err);
    *slot = *shape + 1;
    return SPATE_OK;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

void sp_appender_drop(sp_appender *a)
{
    for (uint32_t i = 0; i < a->n_shapes; i++)
        sp_shape_clear(a->shapes[i]);
    for (struct spate_record *r = a->records; r; r = r->next)
        r->n_waiting = 0;
    a->rows = a->n_held = 0;
    a->stage_bytes = 0;
}

/* Shapes that have not come for long are forgotten, unless a record is tied to them. */
static void forget_idle(sp_appender *a)
{
    if (a->schema->n_fields || a->records)
        return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        if (a->shapes[i]->idle > SHAPE_IDLE_MAX || a->n_shapes > SHAPE_SLOTS / 4) {
            sp_shape_done(a->shapes[i]);
            sp_free(a->shapes[i]);
        } else {
            a->shapes[kept++] = a->shapes[i];
        }
    }
    if (kept == a->n_shapes)
        return;
    a->n_shapes = kept;
    memset(a->slots, 0, SHAPE_SLOTS * sizeof *a->slots);
    for (uint32_t i = 0; i < kept; i++)
        *slot_of(a, a->shapes[i]->keys, a->shapes[i]->n) = i + 1;
}

/* Whole numbers of the last decimal up to 2^51: there a double has all of them and a bit to spare. */
static void round_cells(double *v, uint32_t n, unsigned decimals)
{
    const double ten = sp_ten_to[decimals], limit = (double)SP_DECIMAL_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        double whole = nearbyint(v[i] * ten);
        if (fabs(whole) < limit)
            v[i] = whole / ten;
    }
}

static void round_off(sp_appender *a, sp_shape *const *shapes, uint32_t n)
{
    for (uint32_t g = 0; a->rounds && g < n; g++)
        for (uint32_t c = 0; c < shapes[g]->n; c++)
            if (shapes[g]->types[c].kind == SP_F64)
                round_cells(shapes[g]->cells[c].data, shapes[g]->rows, a->decimals);
}

int spate_appender_round_off(sp_appender *a, unsigned decimals, spate_error *err)
{
    if (decimals > SPATE_DECIMALS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "floats can be rounded to at most %d decimals", SPATE_DECIMALS_MAX);
    a->rounds = true;
    a->decimals = decimals;
    sp_store_note_features(a->store, SP_COMPAT_ROUNDED, 0);
    return SPATE_OK;
}

int spate_appender_pack(sp_appender *a, spate_packing with, spate_error *err)
{
    int rc = sp_encoder_pack(a->encoder, with, err);
    if (rc == SPATE_OK && with != SPATE_PACKED_NOT)
        sp_store_note_features(a->store, 0, SP_INCOMPAT_PACKED);
    return rc;
}

static int build(sp_appender *a, sp_shape *const *shapes, uint32_t n, spate_error *err)
{
    uint32_t columns = 0;
    for (uint32_t g = 0; g < n; g++)
        columns += shapes[g]->n;
    sp_group *groups = sp_alloc_zero(n, sizeof *groups);
    sp_group_column *all = sp_alloc_zero(columns, sizeof *all), *next = all;
    int rc = groups && all ? SPATE_OK : sp_fail_nomem(err);
    round_off(a, shapes, n);
    for (uint32_t g = 0; rc == SPATE_OK && g < n; g++) {
        groups[g] = (sp_group){next, shapes[g]->n, shapes[g]->rows};
        for (uint32_t c = 0; c < shapes[g]->n; c++)
            *next++ = (sp_group_column){(uint16_t)shapes[g]->keys[c], &shapes[g]->cells[c], &shapes[g]->plans[c]};
    }
    if (rc == SPATE_OK)
        rc = sp_block_build(a->encoder, groups, n, a->order, a->rows, sp_mix64(a->salts++), &a->block, err);
    if (rc == SPATE_OK && sp_encoder_has_lagged(a->encoder) && !a->lagged) {
        sp_store_note_features(a->store, 0, SP_INCOMPAT_LAGGED);
        a->lagged = true;
    }
    sp_free(groups);
    sp_free(all);
    return rc;
}

/* Shapes that have rows, in the order they first came, and order in their numbers. */
static uint32_t used_shapes(sp_appender *a, sp_shape **used)
{
    uint32_t n = 0;
    int32_t *number = (int32_t *)a->keys.data;
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        number[i] = (int32_t)n;
        if (a->shapes[i]->rows)
            used[n++] = a->shapes[i];
    }
    for (uint32_t i = 0; n > 1 && i < a->rows; i++)
        a->order[i] = number[a->order[i]];
    return n;
}

/* What is gathered, as a block that has no place yet. */
static int encode_block(sp_appender *a, spate_error *err)
{
    sp_shape **used = sp_alloc_zero(a->n_shapes + 1, sizeof *used);
    a->keys.len = 0;
    if (!used || sp_appender_settle_all(a) != SPATE_OK ||
        sp_buf_reserve(&a->keys, a->n_shapes * sizeof(int32_t)) != SPATE_OK) {
        sp_free(used);
        return sp_fail_nomem(err);
    }
    uint32_t n = used_shapes(a, used);
    int rc = sp_stage_merge(used, &n, &a->all, a->order, a->rows) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = build(a, used, n, err);
    sp_free(used);
    return rc;
}

static void clear_rows(sp_appender *a)
{
    for (uint32_t i = 0; i < a->n_shapes; i++)
        sp_shape_clear(a->shapes[i]);
    a->rows = 0;
    a->stage_bytes = 0;
    forget_idle(a);
}

static int hold_block(sp_appender *a, spate_error *err)
{
    if (a->n_held == a->held_cap) {
        uint32_t cap = a->held_cap ? a->held_cap * 2 : 2;
        sp_buf *held = sp_realloc(a->held, cap * sizeof *held);
        if (!held)
            return sp_fail_nomem(err);
        memset(held + a->held_cap, 0, (cap - a->held_cap) * sizeof *held);
        a->held = held;
        a->held_cap = cap;
    }
    int rc = encode_block(a, err);
    if (rc != SPATE_OK)
        return rc;
    sp_buf built = a->block;
    a->block = a->held[a->n_held];
    a->held[a->n_held++] = built;
    clear_rows(a);
    return SPATE_OK;
}

static int write_block(sp_appender *a, sp_buf *block, spate_error *err)
{
    a->bytes += block->len;
    return sp_store_append(a->store, a->table, UINT64_MAX, block, err);
}

static int write_all(sp_appender *a, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < a->n_held; i++)
        rc = write_block(a, &a->held[i], err);
    if (rc == SPATE_OK && a->rows)
        rc = encode_block(a, err);
    return rc == SPATE_OK && a->rows ? write_block(a, &a->block, err) : rc;
}

int spate_appender_flush(sp_appender *a, spate_error *err)
{
    int rc = write_all(a, err);
    a->n_held = 0;
    clear_rows(a);
    return rc;
}

/* A block is full: it is written, or kept for the flush. */
static int finish_block(sp_appender *a, spate_error *err)
{
    return a->hold ? hold_block(a, err) : spate_appender_flush(a, err);
}

void sp_appender_hold(sp_appender *a)
{
    a->hold = true;
}

int sp_appender_rows_came(sp_appender *a, spate_error *err)
{
    return a->rows >= a->block_rows || a->stage_bytes >= STAGE_BYTES ? finish_block(a, err) : SPATE_OK;
}

/* Room for n more rows in order. */
static int reserve_order(sp_appender *a, uint32_t n)
{
    if (a->rows + n <= a->order_cap)
        return SPATE_OK;
    uint32_t cap = SP_MAX(a->order_cap * 2, a->rows + n);
    int32_t *order = sp_realloc(a->order, cap * sizeof *order);
    if (!order)
        return SPATE_E_NOMEM;
    a->order = order;
    a->order_cap = cap;
    return SPATE_OK;
}

/* The next n rows are of that shape. Of a declared table all are. */
int sp_appender_note_rows(sp_appender *a, uint32_t shape, uint32_t n)
{
    if (a->schema->n_fields == 0) {
        if (reserve_order(a, n) != SPATE_OK)
            return SPATE_E_NOMEM;
        for (uint32_t i = 0; i < n; i++)
            a->order[a->rows + i] = (int32_t)shape;
    }
    a->rows += n;
    return SPATE_OK;
}

/* ---- opening ----------------------------------------------------------------------------------- */

uint32_t sp_appender_block_rows(const sp_schema *schema)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        uint32_t width = sp_kind_width(schema->fields[i].type.kind);
        bytes += width ? width : schema->fields[i].type.kind == SP_BOOL ? 1 : 24;
    }
    uint64_t rows = STAGE_BYTES / SP_MAX(bytes, (uint64_t)1) / SP_VECTOR * SP_VECTOR;
    return (uint32_t)SP_MAX(SP_MIN(rows, (uint64_t)BLOCK_ROWS), (uint64_t)SP_VECTOR);
}

static int declare_shape(sp_appender *a, spate_error *err)
{
    const sp_table *t = &a->store->catalog.tables[a->table];
    uint32_t n = t->schema->n_fields, shape;
    uint64_t *keys = sp_arena_alloc(&a->arena, n, sizeof *keys);
    sp_type *types = sp_arena_alloc(&a->arena, n, sizeof *types);
    if (!keys || !types)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        types[i] = t->schema->fields[i].type;
        keys[i] = sp_field_key(t->names[i], &types[i]);
    }
    return add_shape(a, keys, types, n, &shape) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
}

int spate_appender_open(sp_store *store, uint32_t table, sp_appender **appender, spate_error *err)
{
    if (!store->writable)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is open for reading only", store->path);
    if (table >= store->catalog.n_tables)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table number %u", store->path, table);
    sp_appender *a = sp_alloc_zero(1, sizeof *a);
    if (!a)
        return sp_fail_nomem(err);
    sp_arena_init(&a->arena);
    a->store = store;
    a->table = table;
    a->schema = store->catalog.tables[table].schema;
    a->block_rows = sp_appender_block_rows(a->schema);
    a->salts = sp_mix64((uint64_t)sp_os_monotonic_us() ^ store->super.file_id) + (uint64_t)(uintptr_t)a;
    a->encoder = sp_encoder_new();
    a->slots = sp_alloc_zero(SHAPE_SLOTS, sizeof *a->slots);
    int rc = a->encoder && a->slots ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK && a->schema->n_fields)
        rc = declare_shape(a, err);
    if (rc != SPATE_OK) {
        spate_appender_close(a);
        return rc;
    }
    *appender = a;
    return SPATE_OK;
}

void spate_appender_close(sp_appender *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        sp_shape_done(a->shapes[i]);
        sp_free(a->shapes[i]);
    }
    sp_shape_done(&a->all);
    sp_encoder_free(a->encoder);
    sp_arena_done(&a->arena);
    sp_buf_done(&a->block);
    sp_buf_done(&a->keys);
    for (uint32_t i = 0; i < a->held_cap; i++)
        sp_buf_done(&a->held[i]);
    sp_free(a->held);
    sp_free(a->shapes);
    sp_free(a->slots);
    sp_free(a->order);
    sp_free(a);
}

uint64_t sp_appender_bytes(const sp_appender *a)
{
    return a->bytes;
}

/* ---- columns ----------------------------------------------------------------------------------- */

static size_t bytes_of(const sp_column *c, uint32_t from, uint32_t n)
{
    uint32_t width = sp_kind_width(c->type.kind);
    if (width || !c->offsets)
        return (size_t)n * (width ? width : 1);
    size_t within = (size_t)(c->offsets[from + n] - c->offsets[from]);
    return (size_t)n * 4 + (c->child ? bytes_of(c->child, (uint32_t)c->offsets[from], (uint32_t)within) : within);
}

int sp_append_columns(sp_appender *a, const sp_column *columns, uint32_t from, uint32_t n, spate_error *err)
{
    sp_shape *s = a->shapes[0];
    int settled = sp_appender_settle(a, 0);
    if (settled != SPATE_OK)
        return sp_fail_nomem(err);
    while (n > 0) {
        uint32_t take = SP_MIN(n, a->block_rows - a->rows);
        if (sp_shape_reserve(s, s->rows + take) != SPATE_OK)
            return sp_fail_nomem(err);
        for (uint32_t c = 0; c < s->n; c++) {
            if (sp_cells_append(&s->cells[c], s->rows, &columns[c], from, take) != SPATE_OK)
                return sp_fail_nomem(err);
            a->stage_bytes += bytes_of(&columns[c], from, take);
        }
        s->rows += take;
        if (sp_appender_note_rows(a, 0, take) != SPATE_OK)
            return sp_fail_nomem(err);
        int rc = sp_appender_rows_came(a, err);
        if (rc != SPATE_OK)
            return rc;
        from += take;
        n -= take;
    }
    return SPATE_OK;
}

/* A view as the room's own column; children come from an arena. */
static int to_column(const spate_column *c, sp_column *out, sp_type type, sp_arena *arena, spate_error *err)
{
    *out = (sp_column){.type = type,
                       .validity = (uint8_t *)(uintptr_t)c->validity,
                       .data = (void *)(uintptr_t)c->data,
                       .offsets = (int32_t *)(uintptr_t)c->offsets,
                       .bytes = (char *)(uintptr_t)c->bytes};
    if (type.kind != SP_LIST)
        return SPATE_OK;
    if (!c->child)
        return sp_fail(err, SPATE_E_USAGE, "a column of lists has no column of items");
    out->child = sp_arena_alloc(arena, 1, sizeof *out->child);
    return out->child ? to_column(c->child, out->child, *type.item, arena, err) : sp_fail_nomem(err);
}

int spate_append_columns(sp_appender *a, const spate_column *columns, size_t rows, spate_error *err)
{
    if (a->schema->n_fields == 0)
        return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no declared columns", a->schema->table);
    if (rows > INT32_MAX)
        return sp_fail(err, SPATE_E_USAGE, "at most %d rows can be appended at once", INT32_MAX);
    sp_arena arena;
    sp_arena_init(&arena);
    sp_column *own = sp_arena_alloc(&arena, a->schema->n_fields, sizeof *own);
    int rc = own ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; rc == SPATE_OK && i < a->schema->n_fields; i++) {
        if (columns[i].type.kind != (spate_kind)a->schema->fields[i].type.kind)
            rc = sp_fail(err, SPATE_E_USAGE, "column \"%s\" is of another type", a->schema->fields[i].name);
        else
            rc = to_column(&columns[i], &own[i], a->schema->fields[i].type, &arena, err);
    }
    if (rc == SPATE_OK)
        rc = sp_append_columns(a, own, 0, (uint32_t)rows, err);
    sp_arena_done(&arena);
    return rc;
}

/* ---- single rows ------------------------------------------------------------------------------- */

static sp_type type_of(const spate_value *v)
{
    return (sp_type){.kind = (sp_kind)v->kind, .precision = v->precision, .scale = v->scale};
}

static int check_value(const sp_appender *a, const spate_value *v, spate_error *err)
{
    if (v->name >= a->store->catalog.n_names)
        return sp_fail(err, SPATE_E_USAGE, "no field has the number %u", v->name);
    if (v->kind >= SP_LIST)
        return sp_fail(err, SPATE_E_USAGE, "field \"%s\": a row can hold no value of kind %u",
                       a->store->catalog.names[v->name].p, v->kind);
    return SPATE_OK;
}

static int put_value(sp_column *c, uint32_t at, const spate_value *v)
{
    char *data = c->data;
    switch ((sp_kind)v->kind) {
    case SP_BOOL: data[at >> 3] = (char)((data[at >> 3] & ~(1u << (at & 7))) | (unsigned)v->as.b << (at & 7)); break;
    case SP_I16: ((int16_t *)c->data)[at] = (int16_t)v->as.i; break;
    case SP_I32:
    case SP_DATE: ((int32_t *)c->data)[at] = (int32_t)v->as.i; break;
    case SP_F32: ((float *)c->data)[at] = v->as.f32; break;
    case SP_F64: ((double *)c->data)[at] = v->as.f; break;
    case SP_I64:
    case SP_U64:
    case SP_DECIMAL:
    case SP_TIME:
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: ((uint64_t *)c->data)[at] = v->as.u; break;
    case SP_INTERVAL:
    case SP_UUID: memcpy(data + (size_t)at * 16, v->as.p, 16); break;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: return sp_cells_append_text(c, at, v->as.p, v->len);
    case SP_LIST: break;
    }
    if (c->validity)
        c->validity[at >> 3] |= (uint8_t)(1u << (at & 7));
    return SPATE_OK;
}

/* The shape of a row of any fields. */
static int shape_of(sp_appender *a, const spate_value *values, uint32_t n, uint32_t *shape, spate_error *err)
{
    a->keys.len = 0;
    if (sp_buf_reserve(&a->keys, n * (sizeof(uint64_t) + sizeof(sp_type))) != SPATE_OK)
        return sp_fail_nomem(err);
    uint64_t *keys = (uint64_t *)a->keys.data;
    for (uint32_t i = 0; i < n; i++) {
        sp_type type = type_of(&values[i]);
        keys[i] = sp_field_key(values[i].name, &type);
    }
    uint32_t *slot = slot_of(a, keys, n);
    if (*slot) {
        *shape = *slot - 1;
        return SPATE_OK;
    }
    sp_type *types = (sp_type *)(keys + n);
    for (uint32_t i = 0; i < n; i++) {
        int rc = check_value(a, &values[i], err);
        if (rc != SPATE_OK)
            return rc;
        types[i] = type_of(&values[i]);
    }
    return sp_appender_find_shape(a, keys, types, n, shape, err);
}

static int append_free(sp_appender *a, const spate_value *values, uint32_t n, spate_error *err)
{
    uint32_t shape;
    int rc = shape_of(a, values, n, &shape, err);
    if (rc != SPATE_OK)
        return rc;
    sp_shape *s = a->shapes[shape];
    if (sp_appender_settle(a, shape) != SPATE_OK || sp_shape_reserve(s, s->rows + 1) != SPATE_OK)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        if (put_value(&s->cells[i], s->rows, &values[i]) != SPATE_OK)
            return sp_fail_nomem(err);
    s->rows++;
    return sp_appender_note_rows(a, shape, 1) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
}

static int append_declared(sp_appender *a, const spate_value *values, uint32_t n, spate_error *err)
{
    sp_shape *s = a->shapes[0];
    if (sp_appender_settle(a, 0) != SPATE_OK || sp_shape_reserve(s, s->rows + 1) != SPATE_OK)
        return sp_fail_nomem(err);
    for (uint32_t c = 0; c < s->n; c++)
        sp_cells_append_nulls(&s->cells[c], s->rows, 1);
    for (uint32_t i = 0; i < n; i++) {
        sp_type type = type_of(&values[i]);
        uint64_t key = sp_field_key(values[i].name, &type);
        uint32_t c = 0;
        while (c < s->n && s->keys[c] != key)
            c++;
        if (c == s->n)
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column number %u of that type", a->schema->table,
                           values[i].name);
        if (put_value(&s->cells[c], s->rows, &values[i]) != SPATE_OK)
            return sp_fail_nomem(err);
        if (s->cells[c].validity)
            s->cells[c].validity[s->rows >> 3] |= (uint8_t)(1u << (s->rows & 7));
    }
    s->rows++;
    return sp_appender_note_rows(a, 0, 1) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
}

int spate_append_row(sp_appender *a, const spate_value *values, size_t n, spate_error *err)
{
    size_t bytes = n * 8;
    for (size_t i = 0; i < n; i++)
        bytes += sp_kind_has_bytes((sp_kind)values[i].kind) ? values[i].len : 0;
    if (bytes > SP_ROW_BYTES_MAX + n * 8 || n > SP_NAMES_MAX)
        return sp_fail(err, SPATE_E_DATA, "a row has more than %d bytes", SP_ROW_BYTES_MAX);
    int rc =
        a->schema->n_fields ? append_declared(a, values, (uint32_t)n, err) : append_free(a, values, (uint32_t)n, err);
    a->stage_bytes += bytes;
    return rc == SPATE_OK ? sp_appender_rows_came(a, err) : rc;
}
