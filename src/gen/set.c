/* set.c - one of a list of values. A value without a function is a list of one.
 *
 * Values are text in the plan. With a "type:" they are read as that type once, here, and a value that is not one is a mistake
 * with its place; so what a set puts into a typed column cannot fail at row ten million. Lists are lists.c's. */
#include "gen/build.h"

#include "codec/codec.h"

#include <math.h>
#include <stdlib.h>

typedef struct set_cell {
    sp_cell cell;
    sp_pick pick;
    const char *bytes; /* text kinds: the values one after the other, SP_SLACK readable behind them */
    const uint32_t *offsets;
    const void *values;   /* fixed-width kinds; SP_BOOL: a byte each */
    const uint8_t *nulls; /* a bit for each value that is none; NULL: there are none such */
} set_cell;

static void fill_nulls(const set_cell *c, const uint64_t *choice, uint32_t n, sp_column *out)
{
    for (uint32_t i = 0; c->nulls && i < n; i++)
        if (sp_bit(c->nulls, (uint32_t)choice[i]))
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

/* ---- text, JSON, bytes ---- */

static int write_text(const set_cell *c, const uint64_t *choice, uint32_t n, sp_column *out)
{
    if (sp_column_reserve_bytes(out, (size_t)n * c->cell.bounds.text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = c->offsets[choice[i]];
        p = sp_copy_short(p, c->bytes + from, c->offsets[choice[i] + 1] - from);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    fill_nulls(c, choice, n, out);
    return SPATE_OK;
}

static char *text_text(const sp_cell *cell, uint64_t row, char *p)
{
    const set_cell *c = (const set_cell *)cell;
    uint64_t i = sp_pick_one(&c->pick, row);
    return sp_copy_short(p, c->bytes + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
}

static char *bytes_text(const sp_cell *cell, uint64_t row, char *p)
{
    const set_cell *c = (const set_cell *)cell;
    uint64_t i = sp_pick_one(&c->pick, row);
    memcpy(p, "\\x", 2);
    return sp_put_hex(p + 2, (const uint8_t *)c->bytes + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
}

/* ---- fixed width ---- */

#define GATHER(type) \
    for (uint32_t i = 0; i < n; i++) \
        ((type *)out->data)[i] = ((const type *)c->values)[choice[i]];

typedef struct sixteen {
    uint64_t a, b;
} sixteen;

static void gather_bits(const set_cell *c, const uint64_t *choice, uint32_t n, uint8_t *bits)
{
    memset(bits, 0, (n + 7) / 8);
    for (uint32_t i = 0; i < n; i++)
        bits[i >> 3] |= (uint8_t)(((const uint8_t *)c->values)[choice[i]] << (i & 7));
}

static void write_fixed(const set_cell *c, const uint64_t *choice, uint32_t n, sp_column *out)
{
    switch (sp_kind_width(c->cell.type.kind)) {
    case 2: GATHER(uint16_t) break;
    case 4: GATHER(uint32_t) break;
    case 8: GATHER(uint64_t) break;
    case 16: GATHER(sixteen) break;
    default: gather_bits(c, choice, n, out->data);
    }
    fill_nulls(c, choice, n, out);
}

/* The value as text is written from the one it was read into, so that both ways of asking agree: 007 as an integer is 7. */
static char *fixed_text(const sp_cell *cell, uint64_t row, char *p)
{
    const set_cell *c = (const set_cell *)cell;
    uint64_t i = sp_pick_one(&c->pick, row);
    uint32_t width = SP_MAX(sp_kind_width(cell->type.kind), 1u);
    return sp_put_value(p, cell->type, (const char *)c->values + i * width);
}

/* ---- which of them ---- */

static int write_chosen(const set_cell *c, const uint64_t *choice, uint32_t n, sp_column *out)
{
    if (c->bytes)
        return write_text(c, choice, n, out);
    write_fixed(c, choice, n, out);
    return SPATE_OK;
}

static int set_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const set_cell *c = (const set_cell *)cell;
    uint64_t *choice = sp_scratch_push(scratch);
    sp_pick_many(&c->pick, rows, n, choice);
    int rc = write_chosen(c, choice, n, out);
    sp_scratch_pop(scratch);
    return rc;
}

static int set_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    uint64_t *choice = sp_scratch_push(scratch);
    for (uint32_t i = 0; i < a->n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        choice[i] = sp_lot_even(&lot, cell->domain);
    }
    int rc = write_chosen((const set_cell *)cell, choice, a->n, out);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops text_ops = {set_fill, text_text, set_apart};
static const sp_cell_ops bytes_ops = {set_fill, bytes_text, set_apart};
static const sp_cell_ops fixed_ops = {set_fill, fixed_text, set_apart};

/* ---- building ---- */

static int compare_keys(const void *p, const void *q)
{
    const sp_value_key *x = p, *y = q;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static sp_value_key key_of(const set_cell *c, uint32_t i)
{
    sp_value_key key = {.item = i};
    uint32_t width = SP_MAX(sp_kind_width(c->cell.type.kind), 1u);
    const char *value = c->values ? (const char *)c->values + (size_t)i * width : NULL;
    double d;
    float f;
    switch (c->values ? c->cell.type.kind : SP_BYTES) {
    case SP_BYTES:
    case SP_TEXT:
    case SP_JSON:
        key.a = sp_hash64(c->bytes + c->offsets[i], c->offsets[i + 1] - c->offsets[i], 1);
        key.b = sp_hash64(c->bytes + c->offsets[i], c->offsets[i + 1] - c->offsets[i], 2);
        break;
    case SP_F32: /* 0 is -0 */
        memcpy(&f, value, sizeof(f));
        f += 0.0f;
        memcpy(&key.a, &f, sizeof(f));
        break;
    case SP_F64:
        memcpy(&d, value, sizeof(d));
        d += 0.0;
        memcpy(&key.a, &d, sizeof(d));
        break;
    default: memcpy(&key.a, value, width);
    }
    return key;
}

bool sp_values_differ(const sp_build *b, const sp_plan_item *items, sp_value_key *keys, uint32_t n)
{
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (uint32_t i = 1; i < n; i++)
        if (keys[i].a == keys[i - 1].a && keys[i].b == keys[i - 1].b) {
            const sp_plan_item *first = &items[keys[i - 1].item], *again = &items[keys[i].item];
            sp_mistake(b->mistakes, again->mark, again->text,
                       "is equal to the value in line %u, column %u; those of a unique set differ", first->mark.line,
                       first->mark.column);
            return false;
        }
    return true;
}

/* Different texts may be the same value of a type: 7 and 007. */
static bool all_differ(const sp_build *b, const set_cell *c, const sp_plan_item *items, uint32_t n)
{
    sp_value_key *keys = sp_arena_alloc(b->arena, n, sizeof(*keys));
    for (uint32_t i = 0; keys && i < n; i++)
        keys[i] = key_of(c, i);
    return keys && sp_values_differ(b, items, keys, n);
}

static sp_plan_item only_item(const sp_build *b)
{
    return (sp_plan_item){.text = b->column->text, .mark = b->column->mode_mark, .weight = 1};
}

static void bad_item(const sp_build *b, const sp_plan_item *item, const sp_type *type)
{
    sp_mistake(b->mistakes, item->mark, item->text, "is no %s",
               b->column->sql_type ? b->column->sql_type : sp_kind_name(type->kind));
}

static size_t characters(sp_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* Is the item a text of the type that was asked for? */
static bool check_text(const sp_build *b, const sp_plan_item *item, const sp_type *type)
{
    if (type->kind == SP_JSON && item->text.p && !sp_json_valid(item->text)) {
        bad_item(b, item, type);
        return false;
    }
    if (type->length && characters(item->text) > type->length) {
        sp_mistake(b->mistakes, item->mark, item->text, "is longer than %s allows", b->column->sql_type);
        return false;
    }
    return true;
}

static bool build_text(const sp_build *b, set_cell *c, const sp_plan_item *items, uint32_t n)
{
    bool hex = c->cell.type.kind == SP_BYTES;
    size_t total = 0, longest = 0;
    sp_care care = SP_CARE_NOTHING;
    for (uint32_t i = 0; i < n; i++) {
        total += items[i].text.len;
        longest = SP_MAX(longest, items[i].text.len);
        care = SP_MIN(care, sp_care_of(items[i].text));
    }
    if (total > UINT32_MAX / 2 || longest > SP_CELL_TEXT_MAX / 2) {
        sp_mistake(b->mistakes, b->column->mode_mark, sp_str_of(""), "the values of this column are too long");
        return false;
    }
    char *bytes = sp_arena_alloc(b->arena, total + SP_SLACK, 1);
    uint32_t *offsets = sp_arena_alloc(b->arena, n + 1, sizeof(*offsets));
    if (!bytes || !offsets)
        return false;
    uint32_t at = 0;
    bool good = true;
    for (uint32_t i = 0; i < n; i++) {
        sp_str s = items[i].text;
        good = check_text(b, &items[i], &c->cell.type) && good;
        size_t len = s.len;
        bool is_hex = hex && len >= 2 && s.p[0] == '\\' && s.p[1] == 'x';
        if (is_hex && !sp_parse_hex((sp_str){s.p + 2, s.len - 2}, (uint8_t *)bytes + at, &len)) {
            bad_item(b, &items[i], &c->cell.type);
            return false;
        }
        if (!is_hex && len)
            memcpy(bytes + at, s.p, len);
        at += (uint32_t)len;
        offsets[i + 1] = at;
    }
    c->bytes = bytes;
    c->offsets = offsets;
    c->cell.ops = hex ? &bytes_ops : &text_ops;
    c->cell.text_max = (uint32_t)longest * (hex ? 2 : 1) + (hex ? 2 : 0);
    c->cell.bounds =
        (sp_bounds){.text_max = (uint32_t)SP_MAX(longest, (size_t)1), .care = hex ? SP_CARE_ESCAPES : care};
    return good;
}

static void float_range(sp_cell *cell, const void *values, uint32_t n)
{
    sp_kind kind = cell->type.kind;
    cell->has_float_range = kind == SP_F32 || kind == SP_F64;
    cell->min_f = INFINITY;
    cell->max_f = -INFINITY;
    for (uint32_t i = 0; cell->has_float_range && i < n; i++) {
        double v = kind == SP_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
        cell->has_float_range = isfinite(v);
        cell->min_f = SP_MIN(cell->min_f, v);
        cell->max_f = SP_MAX(cell->max_f, v);
    }
}

static bool build_fixed(const sp_build *b, set_cell *c, const sp_plan_item *items, uint32_t n)
{
    uint32_t width = SP_MAX(sp_kind_width(c->cell.type.kind), 1u);
    char *values = sp_arena_alloc(b->arena, n, width);
    if (!values)
        return false;
    bool good = true;
    for (uint32_t i = 0; i < n; i++)
        if (items[i].text.p && !sp_parse_value(items[i].text, c->cell.type, values + (size_t)i * width)) {
            bad_item(b, &items[i], &c->cell.type);
            good = false;
        }
    c->values = values;
    c->cell.ops = &fixed_ops;
    c->cell.text_max = sp_kind_text_max(c->cell.type.kind);
    c->cell.bounds = sp_value_bounds(c->cell.type, values, n);
    float_range(&c->cell, values, n);
    return good;
}

bool sp_set_pick(const sp_build *b, const sp_plan_item *items, uint32_t n, sp_pick *pick)
{
    bool exact = b->column->distribution.spread == SP_SPREAD_EXACT, weighted = exact;
    for (uint32_t i = 0; i < n; i++)
        weighted = weighted || items[i].weight != 1;
    if (!weighted)
        return sp_build_pick(b, (sp_domain){.n = n, .unit = 1}, pick);
    double *weights = sp_arena_alloc(b->arena, n, sizeof(*weights));
    for (uint32_t i = 0; weights && i < n; i++)
        weights[i] = items[i].weight;
    if (weights && exact)
        return sp_pick_exact(pick, b->arena, b->key, weights, n, b->table->rows);
    return weights && sp_pick_weighted(pick, b->arena, b->key, weights, n);
}

/* Samples of tables have nulls among their values. */
static bool build_nulls(const sp_build *b, set_cell *c, const sp_plan_item *items, uint32_t n)
{
    uint8_t *nulls = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].text.p)
            continue;
        nulls = nulls ? nulls : sp_arena_alloc(b->arena, n / 8 + 1, 1);
        if (!nulls)
            return false;
        nulls[i >> 3] |= (uint8_t)(1u << (i & 7));
    }
    c->nulls = nulls;
    c->cell.nullable = nulls != NULL;
    return true;
}

/* differ: values that are equal are a mistake. */
static sp_cell *build_set(const sp_build *b, bool differ)
{
    sp_plan_item one = only_item(b);
    bool is_set = b->column->mode == SP_MODE_SET;
    const sp_plan_item *items = is_set && b->column->n_items ? b->column->items : &one;
    uint32_t n = is_set && b->column->n_items ? b->column->n_items : 1;
    sp_type type = b->column->type ? *b->column->type : (sp_type){.kind = SP_TEXT};
    if (type.kind == SP_LIST)
        return sp_lists_cell(b, items, n, differ);
    set_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = (sp_cell){.key = b->key, .type = type, .depth = 1, .unique = b->column->unique};
    bool by_bytes = type.kind == SP_TEXT || type.kind == SP_JSON || type.kind == SP_BYTES;
    bool good = by_bytes ? build_text(b, c, items, n) : build_fixed(b, c, items, n);
    good = build_nulls(b, c, items, n) && good && (!differ || all_differ(b, c, items, n));
    c->cell.domain = differ ? n : 0;
    return good && sp_set_pick(b, items, n, &c->pick) ? &c->cell : NULL;
}

sp_cell *sp_set_cell(const sp_build *b)
{
    return build_set(b, b->column->unique);
}

sp_cell *sp_set_items_cell(const sp_build *b)
{
    sp_plan_column *plain = sp_arena_alloc(b->arena, 1, sizeof(*plain));
    sp_build own = *b;
    if (!plain)
        return NULL;
    *plain = *b->column;
    plain->unique = false; /* which is said of the arrays */
    own.column = plain;
    return build_set(&own, b->column->unique);
}
