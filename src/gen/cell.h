/* cell.h - private to gen: a compiled cell function, and the catalogue of named functions.
 *
 * A cell knows two ways to be asked: fill makes a column of cells for a list of rows (the rows need not be neighbours: a
 * reference asks for its parents' rows), text writes one cell as text (templates are made of such cells). Both give the same
 * value for the same row. Cells live in the generator's arena and are immutable. */
#ifndef SP_GEN_CELL_H
#define SP_GEN_CELL_H

#include "gen/gen.h"

typedef struct sp_cell sp_cell;

/* What is asked for of a cell that makes different values: for i below n, value number numbers[i] of so many that
 * all differ. */
typedef struct sp_apart {
    const uint64_t *numbers; /* below of */
    uint32_t n;
    uint64_t of; /* at most the cell's domain */
} sp_apart;

typedef struct sp_cell_ops {
    /* Fills rows 0..n of out. Fixed-width kinds write out->data. Text kinds must reserve bytes and write offsets[0..n]; they
     * never touch validity unless the cell itself can be null. 0 or SPATE_E_NOMEM. */
    int (*fill)(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch);
    /* Writes the cell of row as canonical text (as CSV would have it, unquoted), at most cell->text_max bytes, and may scribble
     * SP_SLACK more. Returns the end. NULL for cells that templates are never made of. */
    char *(*text)(const sp_cell *cell, uint64_t row, char *p);
    /* Fills a column as fill does, with values that differ where their numbers do. NULL: it is not known which
     * values do. */
    int (*apart)(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch);
} sp_cell_ops;

struct sp_cell {
    const sp_cell_ops *ops;
    uint64_t key; /* of the column, mixed with whatever makes this cell differ from its siblings */
    sp_type type;
    uint32_t text_max;  /* longest text, in bytes */
    uint32_t items_max; /* SP_LIST: items of the longest list */
    /* longest text made on the way to a cell, in bytes; 0: none that is longer than the cell's own */
    uint32_t work_text;
    uint32_t depth; /* scratch arrays that a fill holds at once, those of the cells it asks included */
    bool nullable;
    bool unique;     /* no two rows below rows_max have the same value */
    uint64_t domain; /* where ops->apart is: how many different values; UINT64_MAX: that many, or more */
    bool dense;      /* whole numbers, decimals, times: these are all from first to last, in units of the type */
    int64_t first, last;
    sp_bounds bounds;     /* its range: integers and decimals, these times 10^scale */
    bool has_float_range; /* floats: every cell is in [min_f, max_f] */
    double min_f, max_f;
    /* What the ops need; each implementation embeds sp_cell as its first member when it needs more. */
};

/* The generic fill of a text kind: calls ops->text for each row. */
int sp_cell_fill_text(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch);

/* Of numbers of values, of which UINT64_MAX means that many, or more. */
static inline uint64_t sp_count_plus(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static inline uint64_t sp_count_times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* How many different values the cell can be asked for; 0: it is not known. */
static inline uint64_t sp_cell_domain(const sp_cell *cell)
{
    return cell->ops->apart ? cell->domain : 0;
}

/* ---- which of the values that differ (domain.c) ----------------------------------------------------------------- */

/* Value number, below of. What it is made of is chosen part by part, each time among fewer. */
typedef struct sp_lot {
    uint64_t number, of;
    uint64_t z; /* the last draw: parts that nothing depends on any more are drawn */
} sp_lot;
static inline sp_lot sp_lot_of(const sp_cell *cell, const sp_apart *a, uint32_t i)
{
    return (sp_lot){a->numbers[i], a->of, sp_draw(~cell->key, a->numbers[i])};
}
/* One of n parts, each with room for at least lot->of / n values, rounded up; n = 0 stands for 2^64. Ascending with
 * the number. */
uint64_t sp_lot_even(sp_lot *lot, uint64_t n);

/* Words of so many different letters: of any of some lengths. */
typedef struct sp_word_room {
    uint64_t letters, len_min, lengths;
    uint64_t shortest; /* how many words there are of the least length */
} sp_word_room;
uint64_t sp_word_room_of(sp_word_room *room, uint64_t letters, uint64_t len_min,
                         uint64_t lengths); /* how many in all */
/* A word's length; its letters are then chosen one by one, evenly. */
uint64_t sp_lot_length(sp_lot *lot, const sp_word_room *room);

/* Numbers min + i * step below max, i < n, which all differ as floating point numbers of so many binary digits. */
typedef struct sp_lattice {
    double min, step;
    uint64_t n;
} sp_lattice;
sp_lattice sp_lattice_of(double min, double max, int digits, double step_least);

/* The apart of a text kind: calls put for each. */
int sp_cell_apart_text(const sp_cell *cell, const sp_apart *a, sp_column *out,
                       char *(*put)(const sp_cell *, sp_lot *, char *));

typedef struct sp_locale sp_locale;

/* What a function may depend on besides its key and the row. */
typedef struct sp_func_env {
    sp_arena *arena;
    int64_t now_us;
    const sp_locale *locale; /* NULL: English */
    bool *local;             /* set when the locale has something of its own to say; NULL: nobody asks */
} sp_func_env;

/* The text of inner as Go's printf writes it (one verb, such as %05d or %.2f), or for a moment as a Go layout does (printf.c).
 * NULL: no memory; or the format is none for such a value, and *why says so. */
sp_cell *sp_printf_cell(sp_arena *arena, const sp_cell *inner, sp_str format, const char **why);

/* ---- word lists (words.c, made from the data package at build time) -------------------------------------------------- */

/* A list of words, in slots of stride bytes (16, 32 or 64; of a locale also 128 or 256) whose last byte is the word's length. SP_SLACK bytes behind the last
 * are readable. */
typedef struct sp_words {
    const char *name;
    const char *slots;
    uint32_t stride, count;
    uint32_t len_max;
    sp_care care;
} sp_words;
static inline sp_str sp_word(const sp_words *w, uint64_t i)
{
    const char *slot = w->slots + i * w->stride;
    return (sp_str){slot, (uint8_t)slot[w->stride - 1]};
}
sp_care sp_care_of(sp_str text);
const sp_words *sp_words_find(sp_str name); /* NULL: no such list */
/* The list as the locale has it, or else English. It is there. */
const sp_words *sp_words_of(const sp_func_env *env, const char *name);
extern const sp_words sp_words_all[]; /* sorted by name, sp_words_count of them */
extern const uint32_t sp_words_count;

/* A cell that is a word of the list, every word as likely as any other. NULL: no memory. */
sp_cell *sp_words_cell(const sp_func_env *env, uint64_t key, const sp_words *words);

/* ---- the catalogue (functions.c) --------------------------------------------------------------------------------------- */

/* Makes the first character of the text [p, end), which is not empty, a capital one where it lies (eval_text.c). */
void sp_capitalize(char *p, const char *end);

/* Makes the cell of function f, as the locale has it. NULL: no memory. */
sp_cell *sp_func_cell(const sp_func *f, const sp_func_env *env, uint64_t key);
/* What the locale itself says of a function or a list. False: nothing; else *cell NULL: no memory. */
bool sp_local_cell(const sp_func_env *env, uint64_t key, sp_str name, sp_cell **cell);

/* What a template is compiled with: what to do about unknown functions, and how each function's value is written. */
typedef struct sp_template {
    sp_str text;
    sp_str format;                                               /* "": as it is */
    void (*unknown)(void *arg, sp_str name);                     /* may be NULL */
    void (*bad_format)(void *arg, sp_str name, const char *why); /* may be NULL when format is empty */
    void *arg;
} sp_template;

/* Compiles a template: text with ${function} in it. Every function is called once a row, however often it occurs: occurrences
 * share their key. A text that is one function gives that function's own typed cell. Unknown functions stay as text and are
 * reported through unknown(arg, name). NULL: no memory, or a bad format was reported. */
sp_cell *sp_template_cell(const sp_func_env *env, uint64_t key, const sp_template *t);

/* Compiles a recipe, the catalogue's own kind of template. Alternatives, all equally likely, are separated by \n; in braces
 * stands what is drawn:
 *   {name}   a function, a part of functions.c, or a word list
 *   {7..42}  an integer, both ends included; {007..042} with as many digits as the first end has
 *   {x8}     8 hexadecimal digits
 * Equal braces have equal values in a row; {name#2} is a second, independent draw. NULL: no memory. */
sp_cell *sp_recipe_cell(const sp_func_env *env, uint64_t key, sp_str recipe);
/* Four numbers below 256 with dots between them, from one draw. NULL: no memory. */
sp_cell *sp_ipv4_cell(const sp_func_env *env, uint64_t key);
/* Do the braces with this in them draw a number: 7..42, x8? */
bool sp_recipe_draws(sp_str in);
/* Functions that only recipes may name: fragments of others. NULL: no such one. */
const sp_func *sp_func_find_part(sp_str name);

#endif
