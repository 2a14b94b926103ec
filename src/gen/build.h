/* build.h - private to gen: what the files that make cells share while a plan is compiled. */
#ifndef SP_GEN_BUILD_H
#define SP_GEN_BUILD_H

#include "gen/cell.h"
#include "gen/pick.h"

/* One column on its way to a cell. */
typedef struct sp_build {
    sp_arena *arena; /* the generator's: cells live in it */
    sp_mistakes *mistakes;
    const spate_plan *plan;
    const sp_plan_table *table;
    const sp_plan_column *column;
    uint64_t key; /* hash of seed, table name and column name */
    sp_func_env env;
    sp_gen *gen;
    struct compiler *compiler; /* gen.c's */
} sp_build;

/* Each makes the cell of b->column, or NULL: no memory, or a mistake was noted (then *b->mistakes has grown). */
sp_cell *sp_range_cell(const sp_build *b);    /* range.c */
sp_cell *sp_set_cell(const sp_build *b);      /* set.c: set, and value without a function */
sp_cell *sp_document_cell(const sp_build *b); /* document.c: a value with functions that is JSON */
/* set.c for the items of an array: if these are to differ, values do */
sp_cell *sp_set_items_cell(const sp_build *b);
/* lists.c: a set whose values are lists; differ: equal ones are a mistake. */
sp_cell *sp_lists_cell(const sp_build *b, const sp_plan_item *items, uint32_t n, bool differ);
/* Which of the values, as a set's column says it. False: no memory, or a mistake was noted. */
bool sp_set_pick(const sp_build *b, const sp_plan_item *items, uint32_t n, sp_pick *pick);
/* What tells one value of a set from another: the value itself, or 128 bits of hash. */
typedef struct sp_value_key {
    uint64_t a, b;
    uint32_t item;
} sp_value_key;
/* Sorts them. False: two are equal, which is a mistake. */
bool sp_values_differ(const sp_build *b, const sp_plan_item *items, sp_value_key *keys, uint32_t n);
sp_cell *sp_inc_cell(const sp_build *b); /* key.c */
sp_cell *sp_sorted_uuid_cell(const sp_build *b);
sp_cell *sp_ref_cell(const sp_build *b, const sp_cell *parent);
sp_cell *sp_array_cell(const sp_build *b, sp_cell *item); /* wrap.c */
sp_cell *sp_null_cell(const sp_build *b, sp_cell *inner); /* null_rate of the cells are null */
sp_cell *sp_stop_cell(const sp_build *b, sp_cell *inner); /* null from the column's stop on */
/* The rows whose cells together are equal to those of no row before. False: no memory, or a mistake was noted. */
bool sp_build_distinct(const sp_build *b, const sp_cell **cells, uint32_t n_cells, uint64_t rows, uint64_t **kept,
                       uint64_t *n_kept);
sp_cell *sp_kept_cell(sp_arena *arena, const sp_cell *inner, const uint64_t *kept); /* inner's cell of row kept[row] */
/* Has a cell that sp_printf_cell made work where the inner one is only filled. False: no memory. */
bool sp_printf_fill(const sp_build *b, sp_cell *made);
sp_cell *sp_pattern_cell(const sp_build *b); /* pattern.c */
/* The value of the row of a table of so many rows where by is equal to key. */
sp_cell *sp_lookup_cell(const sp_build *b, const sp_cell *value, const sp_cell *key, const sp_cell *by,
                        uint64_t rows); /* lookup.c */
/* Has a table of so many rows few enough that something may be kept of each? Else a mistake was noted. */
bool sp_build_can_look_into(const sp_build *b, sp_mark at, sp_str found, uint64_t rows);
/* Of each row below the table's: the how manieth with that value of the cell it is, from 1; or how many there are. e: the column. */
const uint32_t *sp_build_occurrences(const sp_build *b, const sp_expr *e, const sp_cell *cell, bool all);
sp_cell *sp_unique_text_cell(const sp_build *b, sp_cell *inner); /* puts a number that no other row has into the text */
/* No value twice: inner's, of its domain. NULL: no memory, or the table has more rows than that. */
sp_cell *sp_apart_cell(const sp_build *b, const sp_cell *inner);              /* domain.c */
sp_cell *sp_cut_cell(const sp_build *b, sp_cell *inner, uint32_t characters); /* longer text ends there */
/* Of inner's values, the column's n_values different ones. */
sp_cell *sp_few_cell(const sp_build *b, const sp_cell *inner);
/* How long the number is that sp_unique_text_cell puts in. */
uint32_t sp_unique_digits(const sp_build *b);
sp_cell *sp_cast_cell(const sp_build *b, sp_cell *inner, const sp_type *to); /* cast.c */

sp_cell *sp_expr_cell(const sp_build *b, const sp_expr *e); /* expr.c */

sp_cell *sp_cases_cell(const sp_build *b);                   /* cases.c */
sp_cell *sp_common_cell(const sp_build *b, sp_cell *others); /* some common values among the others */
/* In one of several locales. NULL also if there is no mistake, but it would be the same in all of them: then *local is false. */
sp_cell *sp_locales_cell(const sp_build *b, bool *local);
sp_cell *sp_person_cell(const sp_build *b); /* entity.c */
sp_cell *sp_place_cell(const sp_build *b);
/* The cell of one of the ways in which b->column is made. */
const sp_cell *sp_build_way(const sp_build *b, const sp_plan_column *way);

/* Has b make cells in one of the locales of its column. False: as NULL above. */
bool sp_build_locale(sp_build *b, uint32_t which);
/* The cell of b->column in one of its locales; *local becomes true if that is not what it is in English. */
const sp_cell *sp_build_local(const sp_build *b, uint32_t which, bool *local);

/* Is there a function in the text of a value? */
bool sp_build_has_function(sp_str text);
/* How many rows the column's ref can lead to. */
uint64_t sp_build_parent_rows(const sp_build *b);
/* The seed that the keys of all columns are made of. */
uint64_t sp_build_seed(const sp_build *b);
/* The cell of another column of the same table, which is made once a batch however many ask (shared.c), and the cell of a column in the row that a ref of this table leads to. NULL: as
 * above, or what is wrong there has been noted. */
const sp_cell *sp_shared_cell(const sp_build *b, const sp_cell *inner); /* NULL: no memory */
const sp_cell *sp_build_sibling(const sp_build *b, uint32_t column);
const sp_cell *sp_build_follow(const sp_build *b, uint32_t ref, uint32_t field);

/* What the choices of a column stand for: choice k for min + k * unit, in the units that its distribution is in. */
typedef struct sp_domain {
    uint64_t n;
    double min, unit;
    double shift;   /* what is added before a value is rounded down to a choice */
    bool scattered; /* with zipf, frequent choices lie anywhere, not first */
} sp_domain;
/* The way this column spreads its choices over the rows. False: as NULL above. */
bool sp_build_pick(const sp_build *b, sp_domain domain, sp_pick *pick);
/* The same for the lengths of its texts or lists: so many, above the least. */
bool sp_build_length(const sp_build *b, uint64_t lengths, sp_pick *pick);
/* The distribution of this column's values, doubles in [min, max), as what is above min. NULL: as above. */
const sp_quantile *sp_build_quantile(const sp_build *b, double min, double max);

/* ---- tables (schema.c) ---- */

typedef struct sp_gen_table {
    sp_schema schema;
    const sp_cell **cells; /* a column of the plan */
    const sp_cell **shared; /* a column of the plan: as others of the table are given it; NULL: none has asked */
    bool *referred;        /* a column of the plan: some column is a ref to it */
    uint32_t *shown;       /* a field: the column it is */
    uint32_t *field;       /* a column: the field it is, or SP_PLAN_NO_REF: hidden */
    uint64_t *kept;        /* of a table with distinct columns: the rows that are made, n_kept of them; else NULL */
    uint64_t n_kept;
    /* a column: its children, where a column of the parent says how many; NULL: no column has any */
    const struct sp_counted **counted;
    uint32_t batch_rows;
    bool hidden, masked;
} sp_gen_table;

/* A column that cells may have of every scratch. */
typedef struct sp_temp {
    sp_type type;
    bool keep; /* from one of the plan's columns to the next, and from batch to batch */
    struct sp_temp *next;
} sp_temp;

struct sp_gen {
    sp_arena arena;
    sp_gen_table *tables;
    uint32_t n_tables;
    uint32_t depth; /* the deepest cell's: how many scratch arrays a fill can need */
    sp_temp *temps; /* newest first */
    uint32_t n_temps;
    uint32_t n_shared; /* cells of shared.c */
    sp_locale *locales; /* that have been read */
};

/* Makes the schemas of all tables, whose cells are there. False: no memory. */
bool sp_gen_schemas(sp_arena *arena, const spate_plan *plan, sp_gen_table *tables);
/* What lives as long as the generator. */
sp_arena *sp_gen_arena(sp_gen *gen);

/* ---- scratch (fill.c) ---- */

/* SP_BATCH_ROWS_MAX numbers that belong to the caller until it pops them, in reverse order. */
uint64_t *sp_scratch_push(sp_gen_scratch *s);
void sp_scratch_pop(sp_gen_scratch *s);
/* A scratch for what is made while compiling, by cells no deeper than that. */
int sp_build_scratch(const sp_build *b, uint32_t depth, sp_gen_scratch **scratch) SP_MUST_CHECK;
/* Asks, while compiling, for a column of that type in every scratch; the number to get it by, or -1: no memory. keep: what is in it
 * stays there; else only as long as one of the plan's columns is filled, and what others have left is in it at first. */
int sp_build_temp(const sp_build *b, sp_type type, bool keep);
/* The rows that are made now: of a batch, or, until they are left again, those that the batch's rows refer to. */
typedef struct sp_frame {
    const uint64_t *rows;
    uint32_t n;
    uint64_t number; /* of all frames, from 1; 0: there is none, nothing is shared */
} sp_frame;
/* rows stay as they are until the frame is left; the answer is the one before, to go back to. */
sp_frame sp_scratch_enter(sp_gen_scratch *s, const uint64_t *rows, uint32_t n);
void sp_scratch_leave(sp_gen_scratch *s, sp_frame before);
/* Has the shared cell of that number been made for these rows? Not: they are none that anything is shared of. */
typedef enum sp_shared { SP_SHARED_NOT, SP_SHARED_EMPTY, SP_SHARED_FILLED } sp_shared;
sp_shared sp_scratch_shared(const sp_gen_scratch *s, uint32_t number, const uint64_t *rows, uint32_t n);
void sp_scratch_set_shared(sp_gen_scratch *s, uint32_t number); /* it has, in the frame that there is */
/* NULL: no memory, which cannot be where the same column has been asked for since it was last given back. */
sp_column *sp_scratch_temp(sp_gen_scratch *s, uint32_t temp);

/* ---- one fixed-width value (value.c) ---- */

/* Reads text as a value of a fixed-width type (SP_BOOL: a byte) into *to. Intervals are written as durations, 1h30m, or as PostgreSQL
 * writes them, 1 day 02:00:00. */
bool sp_parse_value(sp_str s, sp_type type, void *to);
char *sp_put_value(char *p, sp_type type, const void *from);
sp_bounds sp_value_bounds(sp_type type, const void *values, uint32_t n);

/* The kind that a layout spells out in ISO 8601, so that the value can travel as what it is: SP_DATE, SP_TIME, SP_TIMESTAMP or
 * SP_TIMESTAMPTZ; SP_TEXT for any other layout. An empty layout is SP_TIMESTAMPTZ. */
sp_kind sp_layout_kind(sp_str layout);

#endif
