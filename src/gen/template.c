/* template.c - cells made of other cells' text: words, recipes and the user's templates.
 *
 * All three compile to the same thing, a list of parts, each a literal followed by something drawn. Recipes inside recipes
 * are spliced in when the outer one is compiled, so that the usual result (names, e-mail addresses, products) is literals and
 * words only, and runs without a call a part. Equal braces have equal values. The words and numbers of a recipe share draws:
 * each takes its choice off the top of what those before it have left (sp_take), as long as enough is left; the key of a draw
 * comes from the recipe's key and the braces that opened it. So adding a part at the end changes no other part, and a
 * function alone has the value it has at the start of a text. */
#include "gen/chain.h"
#include "gen/locale.h"
#include "base/digits.h"

/* ---- the generic fill ---------------------------------------------------------------------------------------------- */

/* Room for n cells of the longest text, and the first offset written. NULL: no memory, or more than offsets can count. */
static char *text_room(const sp_cell *cell, uint32_t n, sp_column *out)
{
    if (sp_column_reserve_bytes(out, (size_t)n * cell->text_max) != 0)
        return NULL;
    out->offsets[0] = 0;
    return out->bytes;
}

int sp_cell_fill_text(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    char *base = text_room(cell, n, out);
    if (!base)
        return SPATE_E_NOMEM;
    char *(*text)(const sp_cell *, uint64_t, char *) = cell->ops->text;
    int32_t *offsets = out->offsets;
    char *p = base;
    for (uint32_t i = 0; i < n; i++) {
        p = text(cell, rows[i], p);
        offsets[i + 1] = (int32_t)(p - base);
    }
    return 0;
}

/* ---- recipes --------------------------------------------------------------------------------------------------------- */

typedef enum part_kind { PART_WORD, PART_INT, PART_HEX, PART_CELL } part_kind;

typedef struct part {
    const char *literal; /* SP_SLACK readable bytes behind it */
    uint32_t literal_len;
    part_kind kind;
    uint64_t key;          /* of the braces */
    sp_share share;        /* PART_WORD, PART_INT */
    const sp_words *words; /* PART_WORD */
    const sp_cell *cell;   /* PART_CELL */
    int64_t min;           /* PART_INT: this and the choice */
    uint32_t digits;       /* PART_HEX: how many; PART_INT: always so many, padded with zeros; 0: as many as it takes */
    uint32_t text_max;
    sp_care care;
    bool unique;
} part;

typedef struct recipe_cell {
    sp_cell cell;
    part *parts;
    uint32_t n_parts;
    uint32_t tail_len;
    const char *tail;      /* the literal behind the last part */
    const sp_chain *chain; /* the parts again, if they are all words; NULL: not possible */
} recipe_cell;

static inline char *put_int(const part *a, uint64_t row, char *p)
{
    int64_t v = a->min + (int64_t)sp_share_choose(&a->share, row);
    if (a->digits)
        return sp_put_padded(p, (uint64_t)v, a->digits);
    return a->text_max > 3 ? sp_put_i64(p, v) : sp_put_below_1000(p, (uint32_t)v, 0);
}

/* Eight hexadecimal digits of v, the highest first. */
static inline void put_hex8(char *p, uint32_t v)
{
    uint64_t x = v;
    x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
    x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    sp_store_chars(p, __builtin_bswap64(x));
}

static inline char *put_hex(const part *a, uint64_t row, char *p)
{
    uint64_t z = sp_draw(a->key, row);
    for (uint32_t done = 0; done < a->digits; done += 16) {
        put_hex8(p + done, (uint32_t)(z >> 32));
        put_hex8(p + done + 8, (uint32_t)z);
        z = sp_draw_next(z);
    }
    return p + a->digits;
}

static char *parts_text(const sp_cell *cell, uint64_t row, char *p)
{
    const recipe_cell *c = (const recipe_cell *)cell;
    const part *end = c->parts + c->n_parts;
    sp_str word;
    for (const part *a = c->parts; a < end; a++) {
        if (a->literal_len)
            p = sp_copy_short(p, a->literal, a->literal_len);
        switch (a->kind) {
        case PART_WORD:
            word = sp_word(a->words, sp_share_choose(&a->share, row));
            p = sp_copy_short(p, word.p, word.len);
            break;
        case PART_INT: p = put_int(a, row, p); break;
        case PART_HEX: p = put_hex(a, row, p); break;
        case PART_CELL: p = a->cell->ops->text(a->cell, row, p); break;
        }
    }
    return sp_copy_short(p, c->tail, c->tail_len);
}

static int chain_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    char *base = text_room(cell, n, out);
    if (!base)
        return SPATE_E_NOMEM;
    sp_chain_fill(((const recipe_cell *)cell)->chain, rows, n, base, out->offsets);
    return 0;
}

static char *chain_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_chain_put(((const recipe_cell *)cell)->chain, row, p);
}

static const sp_cell_ops parts_ops = {sp_cell_fill_text, parts_text};
static const sp_cell_ops chain_ops = {chain_fill, chain_text};
/* One word, which may yet take a share of a draw: as a chain, and in slots that chains do not have. */
static const sp_cell_ops words_ops = {chain_fill, chain_text};
static const sp_cell_ops long_words_ops = {sp_cell_fill_text, parts_text};

/* ---- building a list of parts ------------------------------------------------------------------------------------------ */

typedef struct builder {
    const sp_func_env *env;
    part *parts;
    uint32_t n, cap;
    sp_share open;       /* the draw that parts may still take from: n is what has been taken */
    const char *pending; /* literal text that no part has yet */
    uint32_t pending_len;
    bool failed; /* no memory */
} builder;

static void builder_init(builder *b, const sp_func_env *env)
{
    *b = (builder){.env = env};
    b->pending = sp_arena_alloc(env->arena, 1, SP_SLACK);
    b->failed = !b->pending;
}

static void add_literal(builder *b, const char *p, size_t len)
{
    if (b->failed || len == 0)
        return;
    SP_ASSERT(b->pending_len + len <= UINT32_MAX);
    char *joined = sp_arena_alloc(b->env->arena, 1, b->pending_len + len + SP_SLACK);
    if (!joined) {
        b->failed = true;
        return;
    }
    memcpy(joined, b->pending, b->pending_len);
    memcpy(joined + b->pending_len, p, len);
    b->pending = joined;
    b->pending_len += (uint32_t)len;
}

/* Adds a part behind the pending literal. What the part says of its own literal is added to that. */
static void add_part(builder *b, part a)
{
    add_literal(b, a.literal, a.literal_len);
    if (!b->failed && b->n == b->cap) {
        uint32_t cap = b->cap ? b->cap * 2 : 8;
        part *grown = sp_arena_alloc(b->env->arena, cap, sizeof *grown);
        if (grown && b->n)
            memcpy(grown, b->parts, b->n * sizeof *grown);
        b->failed = !grown;
        b->parts = grown;
        b->cap = cap;
    }
    if (b->failed)
        return;
    a.literal = b->pending;
    a.literal_len = b->pending_len;
    b->parts[b->n++] = a;
    b->pending += b->pending_len;
    b->pending_len = 0;
}

/* What a draw's choices may come to together, so that none of them is biased by more than 2^-22. */
#define TAKEN_MAX (UINT64_C(1) << 42)

/* Adds a part that chooses one of n; equal keys choose alike. */
static void add_choice(builder *b, part a, uint64_t n)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (b->parts[i].key == a.key && b->parts[i].kind == a.kind) {
            a.share = b->parts[i].share;
            add_part(b, a);
            return;
        }
    if (b->open.n == 0 || n > TAKEN_MAX / b->open.n)
        b->open = (sp_share){.key = a.key, .n = 1};
    a.share = (sp_share){b->open.key, b->open.n, n};
    b->open.n = n > TAKEN_MAX ? TAKEN_MAX : b->open.n * n;
    add_part(b, a);
}

static void add_cell(builder *b, const sp_cell *cell)
{
    if (!cell) {
        b->failed = true;
    } else if (cell->ops == &words_ops || cell->ops == &long_words_ops) {
        part a = ((const recipe_cell *)cell)->parts[0];
        add_choice(b, a, a.words->count);
    } else if (cell->ops == &chain_ops || cell->ops == &parts_ops) {
        const recipe_cell *c = (const recipe_cell *)cell;
        for (uint32_t i = 0; i < c->n_parts; i++)
            add_part(b, c->parts[i]);
        add_literal(b, c->tail, c->tail_len);
    } else {
        bool text = sp_kind_is_text(cell->type.kind);
        bool hard = cell->type.kind == SP_LIST || cell->type.kind == SP_BYTES;
        add_part(b, (part){.kind = PART_CELL,
                           .cell = cell,
                           .text_max = cell->text_max,
                           .care = text   ? cell->bounds.care
                                   : hard ? SP_CARE_ESCAPES
                                          : SP_CARE_NOTHING,
                           .unique = cell->unique});
    }
}

/* The care of fixed text, of which there need be none if something stands beside it. */
static sp_care care_of_literal(const char *p, size_t len, bool beside)
{
    return len || !beside ? sp_care_of((sp_str){p, len}) : SP_CARE_NOTHING;
}

/* ---- numbers as words ---- */

static uint32_t decimal_digits(uint64_t v)
{
    uint32_t n = 1;
    while (v >= 10) {
        v /= 10;
        n++;
    }
    return n;
}

enum {
    NUMBERS_MAX = 256, /* in a list of them */
    SPLITS_MAX = 16,
};

/* The numbers from min on as a list of words, of so many digits. NULL: no memory. */
static const sp_words *numbers_from(sp_arena *arena, uint64_t min, uint32_t n, uint32_t digits)
{
    const uint32_t stride = 16;
    sp_words *w = sp_arena_alloc(arena, 1, sizeof *w);
    char *slots = sp_arena_alloc(arena, (size_t)n * stride + SP_SLACK, 1);
    for (uint32_t i = 0; w && slots && i < n; i++) {
        char *slot = slots + (size_t)i * stride;
        char *end = digits ? sp_put_padded(slot, min + i, digits) : sp_put_u64(slot, min + i);
        slot[stride - 1] = (char)(end - slot);
    }
    if (w && slots)
        *w = (sp_words){.slots = slots,
                        .stride = stride,
                        .count = n,
                        .len_max = digits ? digits : decimal_digits(min + n - 1),
                        .care = SP_CARE_NOTHING};
    return slots ? w : NULL;
}

/* How many digits of a number of n are a list of their own, at its end; 0: all, or it cannot be cut. */
static uint32_t digits_apart(const part *a, uint64_t min, uint64_t n)
{
    if (n <= NUMBERS_MAX || !a->digits)
        return 0;
    return min % 100 == 0 && n % 100 == 0 ? 2 : min % 10 == 0 && n % 10 == 0 ? 1 : 0;
}

/* A number as words: its first digits, then two or one at a time. A choice of a * b is one of a, and one of b out of what that has left.
 * How many links; 0: it is no number for this, or there is no memory (*nomem). */
static uint32_t split_number(sp_arena *arena, const part *a, sp_link *links, bool *nomem)
{
    uint64_t min = (uint64_t)a->min, n = a->share.n;
    uint32_t cut[SPLITS_MAX], n_cut = 0, digits = a->digits, apart;
    while (n_cut + 1 < SPLITS_MAX && (apart = digits_apart(a, min, n))) {
        cut[n_cut++] = apart;
        digits -= apart;
        min /= apart == 2 ? 100 : 10;
        n /= apart == 2 ? 100 : 10;
    }
    if (n > NUMBERS_MAX || min + n > 1000000000)
        return 0;
    sp_share share = {a->share.key, a->share.behind, n};
    for (uint32_t i = 0; i <= n_cut; i++) {
        uint32_t of = i ? (cut[n_cut - i] == 2 ? 100 : 10) : (uint32_t)n;
        links[i] = (sp_link){.share = {share.key, share.behind, of}, .before = {"", 0}, .behind = {"", 0}};
        links[i].words = i ? numbers_from(arena, 0, of, cut[n_cut - i]) : numbers_from(arena, min, of, digits);
        share.behind *= of;
        *nomem = *nomem || !links[i].words;
    }
    return *nomem ? 0 : n_cut + 1;
}

/* The links of a part; 0: as above. */
static uint32_t links_of(sp_arena *arena, const part *a, sp_link *links, bool *nomem)
{
    if (a->kind == PART_INT)
        return split_number(arena, a, links, nomem);
    if (a->kind != PART_WORD || a->words->stride > SP_CHAIN_STRIDE_MAX)
        return 0;
    links[0] = (sp_link){.share = a->share, .words = a->words, .before = {"", 0}, .behind = {"", 0}};
    return 1;
}

/* Gives a recipe of words and small numbers its chain, if one is possible. False: no memory. */
static bool make_chain(sp_arena *arena, recipe_cell *c)
{
    sp_link *links = sp_arena_alloc(arena, (size_t)c->n_parts * SPLITS_MAX, sizeof *links);
    uint32_t n = 0;
    bool nomem = !links;
    for (uint32_t i = 0; i < c->n_parts && !nomem; i++) {
        uint32_t more = links_of(arena, &c->parts[i], links + n, &nomem);
        if (!more)
            return !nomem;
        links[n].before = (sp_str){c->parts[i].literal, c->parts[i].literal_len};
        n += more;
    }
    if (!nomem && n)
        links[n - 1].behind = (sp_str){c->tail, c->tail_len};
    if (nomem || sp_chain_new(arena, links, n, &c->chain) != SPATE_OK)
        return false;
    if (c->chain)
        c->cell.ops = &chain_ops;
    return true;
}

/* The cell of all that was added, one part behind the other. A single part with nothing but fixed text around it is as unique as the
 * part. */
static sp_cell *parts_cell(builder *b, uint64_t key)
{
    if (b->failed)
        return NULL;
    recipe_cell *c = sp_arena_alloc(b->env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    c->parts = b->parts;
    c->n_parts = b->n;
    c->tail = b->pending;
    c->tail_len = b->pending_len;
    uint64_t text_max = c->tail_len;
    sp_care care = care_of_literal(c->tail, c->tail_len, c->n_parts > 0);
    for (uint32_t i = 0; i < c->n_parts; i++) {
        const part *a = &c->parts[i];
        text_max += (uint64_t)a->literal_len + a->text_max;
        care = SP_MIN(care, SP_MIN(a->care, care_of_literal(a->literal, a->literal_len, true)));
    }
    uint32_t bound = (uint32_t)SP_MIN(text_max, UINT32_MAX);
    c->cell = (sp_cell){.ops = &parts_ops,
                        .key = key,
                        .type = {.kind = SP_TEXT},
                        .text_max = bound,
                        .unique = c->n_parts == 1 && c->parts[0].unique,
                        .bounds = {.text_max = bound, .care = care}};
    return make_chain(b->env->arena, c) ? &c->cell : NULL;
}

/* ---- one of several -------------------------------------------------------------------------------------------------------- */

typedef struct choice_cell {
    sp_cell cell;
    sp_cell **of;
    uint32_t n;
    const sp_fork *fork; /* all of it as chains; NULL: not possible */
} choice_cell;

static char *choice_text(const sp_cell *cell, uint64_t row, char *p)
{
    const choice_cell *c = (const choice_cell *)cell;
    const sp_cell *chosen = c->of[sp_bounded(sp_draw(cell->key, row), c->n)];
    return chosen->ops->text(chosen, row, p);
}

static int fork_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    char *base = text_room(cell, n, out);
    if (!base)
        return SPATE_E_NOMEM;
    sp_fork_fill(((const choice_cell *)cell)->fork, rows, n, base, out->offsets);
    return 0;
}

static const sp_cell_ops choice_ops = {sp_cell_fill_text, choice_text};
static const sp_cell_ops fork_ops = {fork_fill, choice_text};

/* What a recipe's text is made of, if that is one chain or one choice of chains. */
static sp_way way_of(const sp_cell *cell)
{
    const recipe_cell *r = (const recipe_cell *)cell;
    if (cell->ops == &chain_ops || cell->ops == &words_ops)
        return (sp_way){.chain = r->chain};
    bool alone = cell->ops == &parts_ops && r->n_parts == 1 && r->parts[0].kind == PART_CELL &&
                 !r->parts[0].literal_len && !r->tail_len;
    const sp_cell *only = alone ? r->parts[0].cell : cell;
    return (sp_way){.fork = only->ops == &fork_ops ? ((const choice_cell *)only)->fork : NULL};
}

/* A choice of cells that are filled in, as a fork if that is possible. NULL: no memory. */
static sp_cell *finish_choice(sp_arena *arena, choice_cell *c)
{
    sp_way *ways = sp_arena_alloc(arena, c->n, sizeof *ways);
    for (uint32_t i = 0; ways && i < c->n; i++) {
        ways[i] = way_of(c->of[i]);
        c->cell.text_max = SP_MAX(c->cell.text_max, c->of[i]->text_max);
        c->cell.bounds.care = SP_MIN(c->cell.bounds.care, c->of[i]->bounds.care);
    }
    c->cell.bounds.text_max = c->cell.text_max;
    if (!ways || sp_fork_new(arena, c->cell.key, ways, c->n, &c->fork) != SPATE_OK)
        return NULL;
    if (c->fork)
        c->cell.ops = &fork_ops;
    return &c->cell;
}

/* A new choice of n cells, yet to be filled in. NULL: no memory. */
static choice_cell *new_choice(sp_arena *arena, uint64_t key, uint32_t n)
{
    choice_cell *c = sp_arena_alloc(arena, 1, sizeof *c);
    sp_cell **of = sp_arena_alloc(arena, n, sizeof *of);
    if (!c || !of)
        return NULL;
    *c = (choice_cell){.of = of, .n = n};
    c->cell = (sp_cell){.ops = &choice_ops, .key = key, .type = {.kind = SP_TEXT}, .bounds = {.care = SP_CARE_NOTHING}};
    return c;
}

/* The part of b that is a choice of chains, if it is the only part that is no word and no number. */
static const part *only_choice(const builder *b)
{
    const part *found = NULL;
    for (uint32_t i = 0; i < b->n; i++) {
        const part *a = &b->parts[i];
        if (a->kind == PART_CELL && (found || a->cell->ops != &fork_ops))
            return NULL;
        if (a->kind == PART_CELL)
            found = a;
    }
    for (uint32_t i = 0; found && i < ((const choice_cell *)found->cell)->n; i++)
        if (((const choice_cell *)found->cell)->of[i]->ops != &chain_ops)
            return NULL;
    return found;
}

/* What b has, with the cell in place of that part. */
static sp_cell *with_way(const builder *b, uint64_t key, const part *instead, sp_cell *way)
{
    builder one;
    builder_init(&one, b->env);
    for (uint32_t i = 0; i < b->n; i++)
        if (&b->parts[i] == instead) {
            add_literal(&one, instead->literal, instead->literal_len);
            add_cell(&one, way);
        } else {
            add_part(&one, b->parts[i]);
        }
    add_literal(&one, b->pending, b->pending_len);
    return parts_cell(&one, key);
}

/* The cell of all that was added. A text with a choice in it is made a choice of texts, which need no call a part. */
static sp_cell *builder_cell(builder *b, uint64_t key)
{
    const part *instead =
        b->failed || (b->n == 1 && !b->parts[0].literal_len && !b->pending_len) ? NULL : only_choice(b);
    if (!instead)
        return parts_cell(b, key);
    const choice_cell *from = (const choice_cell *)instead->cell;
    choice_cell *c = new_choice(b->env->arena, from->cell.key, from->n);
    if (!c)
        return NULL;
    for (uint32_t i = 0; i < c->n; i++)
        if (!(c->of[i] = with_way(b, key, instead, from->of[i])))
            return NULL;
    return finish_choice(b->env->arena, c);
}

/* ---- cells of a single function ---- */

sp_cell *sp_words_cell(const sp_func_env *env, uint64_t key, const sp_words *words)
{
    builder b;
    builder_init(&b, env);
    part a = {.key = key, .kind = PART_WORD, .words = words, .text_max = words->len_max, .care = words->care};
    add_choice(&b, a, words->count);
    sp_cell *cell = builder_cell(&b, key);
    if (cell)
        cell->ops = cell->ops == &chain_ops ? &words_ops : &long_words_ops;
    return cell;
}

sp_cell *sp_ipv4_cell(const sp_func_env *env, uint64_t key)
{
    builder b;
    builder_init(&b, env);
    part a = {.kind = PART_INT, .share = {key, 1, 256}, .text_max = 3, .care = SP_CARE_NOTHING};
    for (uint32_t i = 0; i < 4; i++, a.share.behind *= 256) {
        a.key = sp_mix64(key + i);
        if (i)
            add_literal(&b, ".", 1);
        add_part(&b, a);
    }
    return builder_cell(&b, key);
}

static uint64_t part_key(uint64_t key, sp_str name)
{
    return sp_mix64(key ^ sp_hash64(name.p, name.len, 0));
}

/* ---- compiling recipes --------------------------------------------------------------------------------------------------- */

/* 7..42, 007..042; false when it is not one. */
static bool int_part(sp_str in, part *a, uint64_t *n)
{
    const char *dots = in.len ? memchr(in.p, '.', in.len) : NULL;
    if (!dots || dots + 1 >= in.p + in.len || dots[1] != '.')
        return false;
    uint64_t ends[2] = {0, 0};
    const char *stop[2] = {dots, in.p + in.len};
    const char *at = in.p;
    for (int side = 0; side < 2; side++, at = dots + 2)
        for (; at < stop[side] && *at >= '0' && *at <= '9'; at++)
            ends[side] = ends[side] * 10 + (uint64_t)(*at - '0');
    size_t len = (size_t)(dots - in.p);
    bool padded = len > 1 && in.p[0] == '0';
    a->kind = PART_INT;
    a->min = (int64_t)ends[0];
    *n = ends[1] - ends[0] + 1;
    a->text_max = padded ? (uint32_t)len : decimal_digits(ends[1]);
    a->digits = padded || decimal_digits(ends[0]) == a->text_max ? a->text_max : 0;
    a->care = SP_CARE_NOTHING;
    return true;
}

static bool hex_part(sp_str in, part *a)
{
    if (in.len < 2 || in.p[0] != 'x' || in.p[1] < '1' || in.p[1] > '9')
        return false;
    a->kind = PART_HEX;
    a->digits = 0;
    for (size_t i = 1; i < in.len && in.p[i] >= '0' && in.p[i] <= '9'; i++)
        a->digits = a->digits * 10 + (uint32_t)(in.p[i] - '0');
    a->text_max = a->digits;
    a->care = SP_CARE_NOTHING;
    a->unique = a->digits >= 16; /* a whole draw, which is a bijection of the row */
    return true;
}

bool sp_recipe_draws(sp_str in)
{
    part a = {0};
    uint64_t n;
    bool fits = in.len <= 20 && int_part(in, &a, &n) && n - 1 < UINT64_C(1000000000000000000) &&
                decimal_digits((uint64_t)a.min + n - 1) <= a.text_max;
    return fits || (in.len < 4 && hex_part(in, &a));
}

static void add_braces(builder *b, uint64_t key, sp_str in)
{
    part a = {.key = part_key(key, in)};
    uint64_t n;
    const char *number = memchr(in.p, '#', in.len);
    sp_str name = {in.p, number ? (size_t)(number - in.p) : in.len};
    if (int_part(name, &a, &n)) {
        add_choice(b, a, n);
        return;
    }
    if (hex_part(name, &a)) {
        add_part(b, a);
        return;
    }
    sp_cell *own;
    if (sp_local_cell(b->env, a.key, name, &own)) {
        add_cell(b, own);
        return;
    }
    const sp_func *f = sp_func_find(name);
    if (!f)
        f = sp_func_find_part(name);
    if (f) {
        add_cell(b, sp_func_cell(f, b->env, a.key));
        return;
    }
    const sp_words *words = sp_words_find(name);
    SP_ASSERT(words);
    add_cell(b, sp_words_cell(b->env, a.key, words));
}

static sp_cell *one_recipe(const sp_func_env *env, uint64_t key, sp_str recipe)
{
    builder b;
    builder_init(&b, env);
    const char *p = recipe.p, *end = recipe.p + recipe.len;
    while (p < end) {
        const char *open = memchr(p, '{', (size_t)(end - p));
        if (!open)
            break;
        const char *close = memchr(open, '}', (size_t)(end - open));
        SP_ASSERT(close);
        add_literal(&b, p, (size_t)(open - p));
        add_braces(&b, key, (sp_str){open + 1, (size_t)(close - open - 1)});
        p = close + 1;
    }
    add_literal(&b, p, (size_t)(end - p));
    return builder_cell(&b, key);
}

/* ---- one of several recipes ---- */

sp_cell *sp_recipe_cell(const sp_func_env *env, uint64_t key, sp_str recipe)
{
    uint32_t n = 1;
    for (size_t i = 0; i < recipe.len; i++)
        n += recipe.p[i] == '\n';
    if (n == 1)
        return one_recipe(env, key, recipe);
    choice_cell *c = new_choice(env->arena, part_key(key, sp_str_of("|")), n);
    if (!c)
        return NULL;
    const char *p = recipe.p, *end = recipe.p + recipe.len;
    for (uint32_t i = 0; i < n; i++) {
        const char *stop = i + 1 < n ? memchr(p, '\n', (size_t)(end - p)) : end;
        if (!(c->of[i] = one_recipe(env, key, (sp_str){p, (size_t)(stop - p)})))
            return NULL;
        p = stop + 1;
    }
    return finish_choice(env->arena, c);
}

bool sp_local_cell(const sp_func_env *env, uint64_t key, sp_str name, sp_cell **cell)
{
    if (!env->locale)
        return false;
    const sp_words *words = sp_locale_words(env->locale, name);
    sp_str recipe = sp_locale_recipe(env->locale, name);
    if (words)
        *cell = sp_words_cell(env, key, words);
    else if (recipe.len)
        *cell = sp_recipe_cell(env, key, recipe);
    else
        return false;
    if (env->local)
        *env->local = true;
    return true;
}

/* ---- the user's templates ---------------------------------------------------------------------------------------------------- */

/* The next ${name} of [p, end): false when there is none. An inner one counts, so that ${a${name}} has ${name} replaced. */
static bool next_call(const char *p, const char *end, const char **open, const char **close)
{
    *open = NULL;
    for (; p + 1 < end; p++) {
        if (p[0] == '$' && p[1] == '{')
            *open = p++;
        else if (p[0] == '}' && *open)
            break;
    }
    if (*open && p < end && *p == '}') {
        *close = p;
        return true;
    }
    return false;
}

/* The cell of a function as the template's format writes it. NULL: no memory, or reported. */
static sp_cell *formatted(const sp_func_env *env, sp_cell *cell, const sp_template *t, sp_str name)
{
    const char *why = NULL;
    if (!cell || t->format.len == 0)
        return cell;
    sp_cell *made = sp_printf_cell(env->arena, cell, t->format, &why);
    if (!made && why)
        t->bad_format(t->arg, name, why);
    return made;
}

sp_cell *sp_template_cell(const sp_func_env *env, uint64_t key, const sp_template *t)
{
    builder b;
    builder_init(&b, env);
    const char *end = t->text.p + t->text.len;
    const char *literal = t->text.p, *p = t->text.p;
    const char *open, *close;
    while (next_call(p, end, &open, &close)) {
        sp_str name = {open + 2, (size_t)(close - open - 2)};
        const sp_func *f = sp_func_find(name);
        p = close + 1;
        if (!f) {
            if (t->unknown)
                t->unknown(t->arg, name);
            continue;
        }
        sp_cell *cell = formatted(env, sp_func_cell(f, env, part_key(key, name)), t, name);
        if (!cell || (open == t->text.p && p == end))
            return cell;
        add_literal(&b, literal, (size_t)(open - literal));
        add_cell(&b, cell);
        literal = p;
    }
    add_literal(&b, literal, (size_t)(end - literal));
    return builder_cell(&b, key);
}
