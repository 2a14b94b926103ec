/* wrap.c - cells made of another cell: nulls, lists, text that is cut, and text that is made unique. */
#include "gen/build.h"

/* ---- null ---- */

typedef struct null_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint64_t below; /* null when the draw is below this: rate * 2^64 */
} null_cell;

static int null_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const null_cell *c = (const null_cell *)cell;
    int rc = c->inner->ops->fill(c->inner, rows, n, out, scratch);
    if (rc != SPATE_OK)
        return rc;
    uint8_t *validity = sp_column_validity(out, n);
    uint64_t *draws = sp_scratch_push(scratch);
    sp_draw_many(cell->key, rows, n, 0, draws);
    memset(draws + n, 0, (-n & 7) * sizeof *draws); /* null behind the last row */
    for (uint32_t i = 0; i < n; i += 8) {
        unsigned present = 0;
        for (unsigned j = 0; j < 8; j++)
            present |= (unsigned)(draws[i + j] >= c->below) << j;
        validity[i >> 3] &= (uint8_t)present;
    }
    sp_scratch_pop(scratch);
    return SPATE_OK;
}

static const sp_cell_ops null_ops = {null_fill, NULL};

sp_cell *sp_null_cell(const sp_build *b, sp_cell *inner)
{
    null_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &null_ops;
    c->cell.key = sp_mix64(b->key ^ UINT64_C(0x6e756c6c)); /* apart from the value's own draws */
    c->cell.depth = SP_MAX(inner->depth, 1u);              /* its own draws come after the inner fill */
    c->cell.nullable = true;
    c->inner = inner;
    double scaled = b->column->null_rate * 0x1p64;
    c->below = scaled >= 0x1p64 ? UINT64_MAX : (uint64_t)scaled;
    return &c->cell;
}

/* ---- stop ---- */

typedef struct stop_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint64_t stop;
} stop_cell;

static int stop_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const stop_cell *c = (const stop_cell *)cell;
    int rc = c->inner->ops->fill(c->inner, rows, n, out, scratch);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        if (rows[i] >= c->stop)
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
    return rc;
}

static const sp_cell_ops stop_ops = {stop_fill, NULL};

sp_cell *sp_stop_cell(const sp_build *b, sp_cell *inner)
{
    stop_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &stop_ops;
    c->cell.nullable = true;
    c->inner = inner;
    c->stop = b->column->stop;
    return &c->cell;
}

/* ---- kept ---- */

typedef struct kept_cell {
    sp_cell cell;
    const sp_cell *inner;
    const uint64_t *kept;
} kept_cell;

static int kept_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const kept_cell *c = (const kept_cell *)cell;
    uint64_t *inner = sp_scratch_push(scratch);
    for (uint32_t i = 0; i < n; i++)
        inner[i] = c->kept[rows[i]];
    int rc = c->inner->ops->fill(c->inner, inner, n, out, scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops kept_ops = {kept_fill, NULL};

sp_cell *sp_kept_cell(sp_arena *arena, const sp_cell *inner, const uint64_t *kept)
{
    kept_cell *c = sp_arena_alloc(arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &kept_ops;
    c->cell.depth = inner->depth + 1;
    c->inner = inner;
    c->kept = kept;
    return &c->cell;
}

/* ---- list ---- */

typedef struct array_cell {
    sp_cell cell;
    const sp_cell *item;
    uint64_t len_min, len_max;
    sp_pick length;    /* above len_min */
    sp_word_room room; /* of words whose letters are the item's values */
    sp_type item_type;
} array_cell;

/* Item j of row r is the item cell's row r * len_max + j: a row of its own for every item. A batch has few enough rows that all
 * its items fit one scratch (see batch_rows in gen.c). */
static int array_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const array_cell *c = (const array_cell *)cell;
    uint64_t *items = sp_scratch_push(scratch);
    uint32_t total = 0;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t len = c->len_min + sp_pick_one(&c->length, rows[i]);
        SP_ASSERT(total + len <= SP_BATCH_ROWS_MAX);
        for (uint64_t j = 0; j < len; j++)
            items[total++] = rows[i] * c->len_max + j;
        out->offsets[i + 1] = (int32_t)total;
    }
    out->child->validity = NULL;
    int rc = sp_column_reserve_rows(out->child, total);
    if (rc == SPATE_OK)
        rc = c->item->ops->fill(c->item, items, total, out->child, scratch);
    sp_scratch_pop(scratch);
    return rc;
}

/* Of an item, all its values can be made, so those of the domain are asked for. */
static int array_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    const array_cell *c = (const array_cell *)cell;
    sp_apart items = {.of = sp_cell_domain(c->item)};
    uint64_t *numbers = sp_scratch_push(scratch);
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        uint64_t len = sp_lot_length(&lot, &c->room);
        SP_ASSERT(items.n + len <= SP_BATCH_ROWS_MAX);
        for (uint64_t j = 0; j < len; j++)
            numbers[items.n++] = sp_lot_even(&lot, items.of);
        out->offsets[i + 1] = (int32_t)items.n;
    }
    items.numbers = numbers;
    out->child->validity = NULL;
    int rc = sp_column_reserve_rows(out->child, items.n);
    if (rc == SPATE_OK)
        rc = c->item->ops->apart(c->item, &items, out->child, scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops array_ops = {array_fill, NULL, array_apart};

sp_cell *sp_array_cell(const sp_build *b, sp_cell *item)
{
    array_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    const sp_plan_column *col = b->column;
    c->item = item;
    c->item_type = item->type;
    c->len_min = (uint64_t)col->min_i;
    uint64_t lengths = col->max_i > col->min_i ? (uint64_t)(col->max_i - col->min_i) : 1;
    if (!sp_build_length(b, lengths, &c->length))
        return NULL;
    c->len_max = c->len_min + lengths - 1;
    if (c->len_max > SP_BATCH_ROWS_MAX) {
        sp_mistake(b->mistakes, col->mode_mark, col->text, "arrays have at most %d items", SP_BATCH_ROWS_MAX);
        return NULL;
    }
    c->cell = (sp_cell){.ops = &array_ops, .key = b->key, .type = {.kind = SP_LIST, .item = &c->item_type}};
    c->cell.bounds.text_max = (uint32_t)SP_MAX(c->len_max * (item->text_max + 4), (uint64_t)1);
    c->cell.text_max = c->cell.bounds.text_max;
    c->cell.items_max = (uint32_t)c->len_max;
    c->cell.depth = item->depth + 1;
    c->cell.unique = item->unique && c->len_min > 0;
    if (sp_cell_domain(item))
        c->cell.domain = sp_word_room_of(&c->room, sp_cell_domain(item), c->len_min, lengths);
    return &c->cell;
}

/* ---- text that is cut ---- */

typedef struct cut_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint32_t characters;
} cut_cell;

/* The bytes of so many characters, or of all of them. */
static size_t cut_at(sp_str text, uint32_t characters)
{
    size_t i = 0;
    if (text.len <= characters)
        return text.len;
    for (; i < text.len; i++)
        if (((unsigned char)text.p[i] & 0xc0) != 0x80 && characters-- == 0)
            break;
    while (i > 0 && text.p[i - 1] == ' ') /* a type of fixed width would not keep them */
        i--;
    return i;
}

/* Where nothing is too long, as most often, nothing moves. */
static int cut_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const cut_cell *c = (const cut_cell *)cell;
    int rc = c->inner->ops->fill(c->inner, rows, n, out, scratch);
    int32_t from = 0, to = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++) {
        sp_str text = {out->bytes + from, (size_t)(out->offsets[i + 1] - from)};
        size_t len = cut_at(text, c->characters);
        if (to != from)
            memmove(out->bytes + to, text.p, len);
        from = out->offsets[i + 1];
        to += (int32_t)len;
        out->offsets[i + 1] = to;
    }
    return rc;
}

static const sp_cell_ops cut_ops = {cut_fill, NULL};

sp_cell *sp_cut_cell(const sp_build *b, sp_cell *inner, uint32_t characters)
{
    cut_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &cut_ops;
    c->cell.unique = false;
    c->cell.work_text = SP_MAX(inner->work_text, inner->text_max);
    c->cell.text_max = (uint32_t)SP_MIN((uint64_t)inner->text_max, (uint64_t)characters * 4);
    c->cell.bounds.text_max = c->cell.text_max;
    c->inner = inner;
    c->characters = characters;
    return &c->cell;
}

/* ---- text made unique ---- */

typedef struct unique_cell {
    sp_cell cell;
    const sp_cell *inner;
    sp_pick number;
    uint32_t digits;
    uint32_t temp; /* the texts before */
} unique_cell;

/* Where a number goes into a text: in front of the last @, or at the end. */
static size_t number_place(sp_str text)
{
    for (size_t i = text.len; i > 0; i--)
        if (text.p[i - 1] == '@')
            return i - 1;
    return text.len;
}

/* A number of fixed width that no other row has: two equal texts would have equal digits in the same place, and so be the same row. */
static char *put_unique(const unique_cell *c, uint64_t row, sp_str text, char *p)
{
    size_t at = number_place(text);
    memcpy(p, text.p, at);
    uint64_t number = sp_pick_one(&c->number, row);
    for (uint32_t i = c->digits; i-- > 0; number /= 10)
        p[at + i] = (char)('0' + number % 10);
    memcpy(p + at + c->digits, text.p + at, text.len - at);
    return p + text.len + c->digits;
}

static int unique_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const unique_cell *c = (const unique_cell *)cell;
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    if (!temp)
        return SPATE_E_NOMEM;
    temp->validity = NULL;
    if (c->inner->ops->fill(c->inner, rows, n, temp, scratch) != SPATE_OK ||
        sp_column_reserve_bytes(out, (size_t)n * cell->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (temp->validity)
        memcpy(sp_column_validity(out, n), temp->validity, (n + 7) / 8);
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = put_unique(c, rows[i], sp_column_str(temp, i), p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

static const sp_cell_ops unique_ops = {unique_fill, NULL};

uint32_t sp_unique_digits(const sp_build *b)
{
    uint32_t digits = 0;
    for (uint64_t left = SP_MAX(b->table->rows, (uint64_t)1) - 1; left || !digits; left /= 10)
        digits++;
    return digits;
}

sp_cell *sp_unique_text_cell(const sp_build *b, sp_cell *inner)
{
    unique_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    int temp = sp_build_temp(b, inner->type, false);
    if (temp < 0)
        return NULL;
    c->temp = (uint32_t)temp;
    c->digits = sp_unique_digits(b);
    c->inner = inner;
    c->number = sp_pick_permutation(sp_mix64(b->key), SP_MAX(b->table->rows, (uint64_t)1));
    c->cell = *inner;
    c->cell.ops = &unique_ops;
    c->cell.text_max += c->digits;
    c->cell.bounds.text_max = c->cell.text_max;
    c->cell.unique = true;
    return &c->cell;
}

/* ---- so many different values ---- */

/* Rows that are looked at for values that differ, but as many as there are to be of these. */
enum { FEW_LOOKED_AT = 1 << 20 };

typedef struct few_cell {
    sp_cell cell;
    const sp_cell *inner;
    sp_pick number;       /* of the value, below n */
    const uint64_t *kept; /* rows of the inner cell that differ */
    uint64_t n_kept, n;
    uint32_t room; /* bytes of the longest text, with its number */
    uint32_t temp;
} few_cell;

/* What the inner cell has too few different texts for has a number more than the text that it repeats. */
static char *put_numbered(const few_cell *c, uint64_t number, sp_str text, char *p)
{
    char digits[SP_I64_TEXT_MAX + SP_SLACK];
    size_t len = number ? (size_t)(sp_put_u64(digits, number + 1) - digits) : 0;
    size_t at = number_place(text), front = at;
    if (len && text.len + len > c->room)
        front -= SP_MIN(front, text.len + len - c->room);
    while (front < at && front > 0 && ((unsigned char)text.p[front] & 0xc0) == 0x80)
        front--;
    memcpy(p, text.p, front);
    memcpy(p + front, digits, len);
    memcpy(p + front + len, text.p + at, text.len - at);
    return p + front + len + (text.len - at);
}

static int few_texts(const few_cell *c, const uint64_t *inner, const uint64_t *values, uint32_t n, sp_column *out,
                     sp_gen_scratch *scratch)
{
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    if (!temp)
        return SPATE_E_NOMEM;
    temp->validity = NULL;
    if (c->inner->ops->fill(c->inner, inner, n, temp, scratch) != SPATE_OK ||
        sp_column_reserve_bytes(out, (size_t)n * c->cell.text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (temp->validity)
        memcpy(sp_column_validity(out, n), temp->validity, (n + 7) / 8);
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = put_numbered(c, values[i] / c->n_kept, sp_column_str(temp, i), p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

static int few_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const few_cell *c = (const few_cell *)cell;
    uint64_t *values = sp_scratch_push(scratch), *inner = sp_scratch_push(scratch);
    sp_pick_many(&c->number, rows, n, values);
    for (uint32_t i = 0; i < n; i++)
        inner[i] = c->kept[values[i] % c->n_kept];
    int rc = c->n_kept < c->n && cell->type.kind == SP_TEXT ? few_texts(c, inner, values, n, out, scratch)
                                                            : c->inner->ops->fill(c->inner, inner, n, out, scratch);
    sp_scratch_pop(scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops few_ops = {few_fill, NULL};

/* The first rows of the inner cell that differ are the values. */
sp_cell *sp_few_cell(const sp_build *b, const sp_cell *inner)
{
    const sp_plan_column *col = b->column;
    few_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    int temp = sp_build_temp(b, inner->type, false);
    const sp_cell *looked_at = inner;
    uint64_t *kept, n = col->n_values, most = SP_MAX(n, (uint64_t)FEW_LOOKED_AT);
    sp_build own = *b;
    own.key = sp_mix64(b->key ^ UINT64_C(0x666577));
    if (!c || temp < 0 || !sp_build_distinct(b, &looked_at, 1, SP_MIN(4 * n + 64, most), &kept, &c->n_kept) ||
        !sp_build_pick(&own, (sp_domain){.n = n, .unit = 1, .scattered = true}, &c->number))
        return NULL;
    c->cell = *inner;
    c->cell.ops = &few_ops;
    c->cell.depth = inner->depth + 2;
    c->cell.unique = false;
    c->inner = inner;
    c->n = n;
    c->n_kept = SP_MIN(c->n_kept, n);
    c->kept = kept;
    c->temp = (uint32_t)temp;
    uint32_t length = col->type && col->type->kind == SP_TEXT ? col->type->length : 0;
    c->room = length && (col->cut || inner->text_max <= length) ? length : UINT32_MAX;
    if (c->n_kept < n && inner->type.kind == SP_TEXT) {
        uint64_t numbered = SP_MIN(inner->text_max + (uint64_t)SP_I64_TEXT_MAX, (uint64_t)c->room);
        c->cell.text_max = SP_MAX((uint32_t)numbered, inner->text_max);
        c->cell.bounds.text_max = c->cell.text_max;
    }
    return &c->cell;
}
