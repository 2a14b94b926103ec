/* gen.h - the cell functions: value = f(seed, table, column, row), and nothing else.
 *
 * A plan is compiled once into immutable cells; any thread may then fill any rows in any order and gets the same bytes. A
 * reference draws the number of a parent row and computes that row's cell again, so there is no cache of keys. Uniqueness is a
 * permutation of the row number, so there is no set of seen values. Floating-point results come only from + - * / and sqrt,
 * which IEEE 754 rounds the same everywhere (the build forbids contraction), so they too are equal on every machine. */
#ifndef SP_GEN_H
#define SP_GEN_H

#include "plan/plan.h"
#include "spate/measure.h"

typedef struct sp_gen sp_gen;

/* Compiles a plan. What only the generator can find wrong is noted in the plan's mistakes, also when it had some before; a plan
 * with any is SPATE_E_CONFIG. The plan must outlive the generator. */
int sp_gen_new(spate_plan *plan, uint64_t seed, sp_gen **gen, spate_error *err) SP_MUST_CHECK;
void sp_gen_free(sp_gen *gen);

uint32_t sp_gen_tables(const sp_gen *gen);
bool sp_gen_hidden(const sp_gen *gen, uint32_t table); /* there to be referred to, not to be written */
bool sp_gen_masked(const sp_gen *gen,
                   uint32_t table); /* its rows come from elsewhere: only sp_gen_fill_column makes cells of it */
const sp_schema *sp_gen_schema(const sp_gen *gen, uint32_t table);
/* Rows of table that fit one batch: at most SP_BATCH_ROWS_MAX, fewer when cells are huge. */
uint32_t sp_gen_batch_rows(const sp_gen *gen, uint32_t table);
/* Makes the schemas tell texts of their tables' first rows, for targets to look at. Before anybody else has seen them. */
int sp_gen_sample(sp_gen *gen, spate_error *err) SP_MUST_CHECK;

/* Working memory of one thread. */
typedef struct sp_gen_scratch sp_gen_scratch;
int sp_gen_scratch_new(const sp_gen *gen, sp_gen_scratch **scratch, spate_error *err) SP_MUST_CHECK;
void sp_gen_scratch_free(sp_gen_scratch *scratch);

/* Makes rows first..first+rows of table into batch, whose schema is that table's. Respects lent columns. */
int sp_gen_fill(const sp_gen *gen, uint32_t table, uint64_t first, uint32_t rows, sp_gen_scratch *scratch,
                sp_batch *batch, spate_error *err) SP_MUST_CHECK;
/* Makes any n rows, neighbours or not, at most sp_gen_batch_rows of them; of their fields only those named, NULL: all. */
typedef struct sp_gen_wish {
    const uint64_t *rows;
    uint32_t n;
    const uint32_t *fields;
    uint32_t n_fields;
} sp_gen_wish;
int sp_gen_fill_wish(const sp_gen *gen, uint32_t table, const sp_gen_wish *wish, sp_gen_scratch *scratch,
                     sp_batch *batch, spate_error *err) SP_MUST_CHECK;

/* Makes cells of one column of the plan for any numbers, as if they were rows: equal numbers give equal cells. The validity that out
 * has stays. 0 or SPATE_E_NOMEM. */
int sp_gen_fill_column(const sp_gen *gen, uint32_t table, uint32_t column, const uint64_t *rows, uint32_t n,
                       sp_gen_scratch *scratch, sp_column *out) SP_MUST_CHECK;

const sp_type *sp_gen_column_type(const sp_gen *gen, uint32_t table, uint32_t column); /* of those cells */

/* ---- the functions that templates may name (functions.c) ---- */

typedef struct sp_func sp_func;
const sp_func *sp_func_find(sp_str name);        /* NULL: no such function */
const char *const *sp_func_names(size_t *count); /* sorted, for "did you mean" */
const char *sp_func_note(const sp_func *f);      /* what its values are, in a few words */

/* ---- the locales that plans may name (locale.c), sorted by code ---- */

size_t sp_gen_locales(void);
spate_locale sp_gen_locale(size_t i);

#endif
