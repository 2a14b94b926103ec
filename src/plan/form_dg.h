/* form_dg.h - private to the dg form: a column on its way, and what its files share.
 *
 * form_dg.c has the form and dg's own processors, form_dg_fork.c and form_dg_fk.c those of its fork, form_dg_expr.c and form_dg_calls.c
 * the fork's expressions, form_dg_faker.c the fork's templates and the names that gofakeit gives its functions. */
#ifndef SP_PLAN_FORM_DG_H
#define SP_PLAN_FORM_DG_H

#include "plan/document.h"

enum {
    P_VALUE,
    P_PATTERN,
    P_NULLS,
    P_FORMAT,
    P_VALUES,
    P_WEIGHTS,
    P_START,
    P_TABLE,
    P_COLUMN,
    P_TYPE,
    P_FROM,
    P_TO,
    P_STEP,
    P_SOURCE_TABLE,
    P_SOURCE_COLUMN,
    P_SOURCE_VALUE,
    P_MATCH_COLUMN,
    /* of the fork */
    P_TEMPLATE,
    P_LENGTH,
    P_LOW,
    P_HIGH,
    P_DATE,
    P_UNIT,
    P_AFTER,
    P_BEFORE,
    P_EXPRESSION,
    P_REPEAT,
    P_FILTER,
    P_REFERENCE_AS,
    P_SKIPPED_AS,
    P_REFERENCE,
    P_UNIQUE,
    P_EXACTLY,
    P_TABLES,
    P_IGNORE_MISSING,
    P_CMD,
    P_COUNT
};

/* A column on its way, and what its processor says. */
typedef struct dg_column {
    sp_plan_reader *r;
    sp_plan_table *table;
    bool fork;              /* the configuration is one of the fork's */
    uint64_t count;         /* the table's, 0: none */
    uint64_t current;       /* the longest column so far */
    uint64_t length;        /* out: how long this one gets */
    sp_mark mark;           /* of the processor */
    const sp_node *list;    /* a processor that is a list */
    const sp_node *columns; /* of the table, as they stand in the file */
    const sp_node *v[P_COUNT];
} dg_column;

typedef void dg_processor(dg_column *d, sp_plan_column *c);

/* ---- parts (form_dg.c) ---- */

bool sp_dg_whole(dg_column *d, int key, int64_t least, int64_t *v);
bool sp_dg_need(dg_column *d, int key, sp_str *text);
void sp_dg_format(dg_column *d, sp_plan_column *c);
/* table.column as one text; false when the processor lacks one of them. */
bool sp_dg_place(dg_column *d, int table_key, int column_key, sp_plan_column *c);
/* A table or an input before this one. */
sp_plan_table *sp_dg_earlier(const dg_column *d, sp_str name);
/* How many values the column of an earlier table, or of an input, has; fewer at last, if its rows are distinct. */
bool sp_dg_source_length(dg_column *d, sp_str table, sp_str column, uint64_t *n, bool *distinct);
/* The table's count or else the longest column; the other way round. Of a table whose rows are not known yet: 1. */
uint64_t sp_dg_count_first(const dg_column *d);
uint64_t sp_dg_current_first(const dg_column *d);
/* Puts a column behind those that the table has. False: too many, or no memory. */
bool sp_dg_add_column(sp_plan_reader *r, sp_plan_table *t, const sp_plan_column *c);
/* Puts a hidden one there, with a name of its own, which is given back. */
sp_str sp_dg_hide(sp_plan_reader *r, sp_plan_table *t, const char *of, sp_plan_column *c);

/* ---- processors of the fork (form_dg_fork.c, form_dg_fk.c) ---- */

dg_processor sp_dg_cuid2, sp_dg_rand, sp_dg_relative_date, sp_dg_expr_column, sp_dg_case, sp_dg_fk, sp_dg_map,
    sp_dg_pick, sp_dg_lookup, sp_dg_dist, sp_dg_template, sp_dg_range_on;
/* Does an fk column make as many rows as other cells say, so that their number is known only when these are made? */
bool sp_dg_fk_counts(const dg_column *d);

/* ---- expressions (form_dg_expr.c, form_dg_calls.c) ---- */

/* What is known of a value before it is made. All columns are texts to the fork; here they have types of their own. */
typedef enum dg_kind {
    DG_ANY,
    DG_TEXT,
    DG_NUMBER,
    DG_TRUTH,
    DG_TIME,
    DG_SPAN,
    DG_NIL,
    DG_LIST,
    DG_MAP,
    DG_RECORD
} dg_kind;
typedef struct dg_value dg_value;
struct dg_value {
    dg_kind kind;
    bool column; /* a cell as it is */
    sp_expr *e;
    dg_value *items; /* LIST, MAP: n of them; of a map with names */
    uint32_t n;
    sp_expr *when; /* of an item: the condition on which it is there; NULL: always */
    sp_str name;
    sp_plan_table *table; /* RECORD: the row of it that e says, from 0 */
};

typedef struct dg_variable {
    const char *name;
    dg_value value;
} dg_variable;

/* Where an expression stands. */
typedef struct dg_scope {
    sp_plan_reader *r;
    sp_plan_table *table; /* whose row it is about; hidden columns go there */
    const char *column;   /* that it is for */
    sp_str format;        /* of that column: how dates are written */
    sp_str parent;        /* a name for the row itself; empty: none. Then its columns are known by that alone */
    const dg_variable *variables;
    uint32_t n_variables;
    const sp_plan_table *tables; /* where other tables are looked for, n_tables of them */
    uint32_t n_tables;
    uint32_t *draws; /* how many calls of gofakeit's the column has so far */
} dg_scope;

/* Where the column's own expressions stand. */
dg_scope sp_dg_scope_of(dg_column *d, const sp_plan_column *c, uint32_t *draws);
/* The expression that the processor has at the key. False: a mistake was noted. */
bool sp_dg_read_expression(dg_column *d, int key, const dg_scope *s, dg_value *v);
/* False: a mistake was noted. */
bool sp_dg_read_expr(const dg_scope *s, sp_str text, sp_mark at, dg_value *v);
/* Is the text an expression? Nothing is noted. */
bool sp_dg_is_expr(const dg_scope *s, sp_str text);
/* A value as what is wanted of it. */
sp_expr *sp_dg_as_text(const dg_scope *s, const dg_value *v, sp_mark at);
sp_expr *sp_dg_as_number(const dg_scope *s, const dg_value *v, sp_mark at);
sp_expr *sp_dg_as_truth(const dg_scope *s, const dg_value *v, sp_mark at);
sp_expr *sp_dg_as_time(const dg_scope *s, const dg_value *v, sp_str layout, sp_mark at);
/* How the fork writes it: numbers by the format, moments by a layout. What is left of the format to the column is in *format. */
sp_expr *sp_dg_written(const dg_scope *s, const dg_value *v, sp_mark at, sp_str *format);
/* Makes c a column of that expression. */
void sp_dg_set_expr(sp_plan_column *c, sp_expr *e, sp_mark at);

/* Parts of expressions; NULL where an argument is. */
sp_expr *sp_dg_call(sp_plan_reader *r, sp_mark at, const char *name, sp_expr *a, sp_expr *b, sp_expr *c);
sp_expr *sp_dg_leaf(sp_plan_reader *r, sp_mark at, sp_expr_kind kind, const char *fmt, ...) SP_PRINTF(4, 5);

/* ---- gofakeit (form_dg_faker.c) ---- */

/* A function of gofakeit's by its name, with arguments in their order, or by name. False: a mistake was noted. */
bool sp_dg_faker(const dg_scope *s, sp_mark at, sp_str name, const dg_value *args, uint32_t n, dg_value *v);
/* A text with {{Function arguments}} in it. NULL: a mistake was noted. */
sp_expr *sp_dg_go_template(const dg_scope *s, sp_str text, sp_mark at);

#endif
