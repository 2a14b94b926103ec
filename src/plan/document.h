/* document.h - private to plan: names looked up fast, and the steps of the reader. */
#ifndef SP_PLAN_DOCUMENT_H
#define SP_PLAN_DOCUMENT_H

#include "plan/node.h"

/* ---- names (names.c): a map from (scope, name) to a pointer ---------------------------------- */

typedef struct sp_names {
    struct sp_name_slot *slots;
    size_t cap, n;
} sp_names; /* starts as zeros */
/* Where the value of a name is kept; it is NULL until set. The name is borrowed. NULL: no memory.
 */
const void **sp_names_slot(sp_names *names, uint64_t scope, sp_str name);
const void *sp_names_get(const sp_names *names, uint64_t scope, sp_str name); /* NULL: no such name */
void sp_names_done(sp_names *names);

/* ---- texts as values (scalar.c). Digits may be grouped with "_". False: it is none ----------- */

bool sp_scalar_i64(sp_str s, int64_t *v);                     /* 10_000, 0x1f, 1e6, 5.0 */
bool sp_scalar_u64(sp_str s, uint64_t *v);                    /* and up to 2^64 - 1 */
bool sp_scalar_f64(sp_str s, double *v);                      /* finite */
bool sp_scalar_decimal(sp_str s, unsigned scale, int64_t *v); /* exact, times 10^scale */
bool sp_scalar_rows(sp_str s, int64_t *v); /* 10k, 1.5M, 2G: thousands, millions, milliards; may be negative */
bool sp_scalar_rate(sp_str s, double *v);  /* 0.05 or 5% */

/* ---- the reader (read.c, props.c, distribution.c, expr.c, check.c) --------------------------------------------------- */

typedef struct sp_plan_reader {
    spate_plan *plan;
    sp_mistakes *m;             /* the plan's */
    uint32_t budget;            /* values that may still be read: aliases can make a short text long */
    bool nomem, stop;           /* no use going on */
    sp_plan_locales locales;    /* of what is being read: the plan's, a table's */
    sp_arena *nodes;            /* that the document lives in */
    sp_plan_look *look;         /* NULL: nothing outside can be looked at */
    const sp_plan_there *there; /* of the masked table that is being read; NULL: none is */
    int failed;                 /* a look that ended the reading, and why */
    spate_error *err;
} sp_plan_reader;

/* The keys that a mapping may have, in the order of an enum. */
typedef struct sp_keys {
    const char *of; /* "a table" */
    const char *const *names;
    uint32_t n;
} sp_keys;

/* Sorts a mapping's values into values[keys->n]; a null is as good as no value. Warns about other
 * keys. */
void sp_read_keys(sp_plan_reader *r, const sp_node *map, const sp_keys *keys, const sp_node **values);
/* The text of a node, or a mistake: expected what. */
bool sp_read_text(sp_plan_reader *r, const sp_node *node, const char *what, sp_str *text);
/* Takes n values out of the budget; false when it is used up. */
bool sp_read_spend(sp_plan_reader *r, uint32_t n, sp_mark at);

/* locale: a code, or codes and weights. */
void sp_read_locale(sp_plan_reader *r, const sp_node *node, sp_plan_locales *locales);

/* The delay of a column that is "after" another: an interval. */
void sp_read_delay(sp_plan_reader *r, sp_plan_column *c, const sp_node *props, const sp_node *distribution);
/* The sum of the column called name and the column's own range. */
sp_expr *sp_expr_after(sp_plan_reader *r, sp_str name, sp_mark at);

/* The range called name and the props it needs, and its distribution; the same for the lengths of an array. */
void sp_read_range(sp_plan_reader *r, sp_plan_column *c, sp_str name, const sp_node *props,
                   const sp_node *distribution);
void sp_read_array(sp_plan_reader *r, sp_plan_column *c, const sp_node *props, const sp_node *distribution);

void sp_read_distribution(sp_plan_reader *r, sp_plan_column *c, const sp_node *node); /* NULL: uniform */
/* The bounds of nearly all its values; false: it has none of its own. */
bool sp_distribution_bounds(const sp_distribution *d, double *min, double *max);

/* A mapping of a table's list of columns. */
void sp_read_column(sp_plan_reader *r, sp_plan_column *c, const sp_node *node);
/* A way to make column c without a name of its own: a text, or a mapping; number: which, from 1. Never NULL unless there is no
 * memory. */
sp_plan_column *sp_read_body(sp_plan_reader *r, const sp_plan_column *c, const sp_node *node, uint32_t number);
/* by and otherwise: NULL when not given. */
void sp_read_cases(sp_plan_reader *r, sp_plan_column *c, const sp_node *cases, const sp_node *by,
                   const sp_node *otherwise);
void sp_read_common(sp_plan_reader *r, sp_plan_column *c, const sp_node *node);

void sp_read_pattern_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props);
void sp_read_inc_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props);
void sp_read_lookup_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props);

/* ---- what the readers of all forms share (read.c) ---- */

/* "is not EXPECTED", or "expected EXPECTED, found a list". */
void sp_read_mistake(sp_plan_reader *r, const sp_node *node, const char *expected);
/* Memory of the plan; NULL: none, and the reader stops. */
void *sp_read_make(sp_plan_reader *r, size_t n, size_t bytes);
/* A column with nothing said of it yet; room for the columns of a table, and for the tables. False: too many, or no memory. */
sp_plan_column sp_read_new_column(const sp_plan_reader *r, sp_mark mark);
bool sp_read_make_columns(sp_plan_reader *r, sp_plan_table *t, uint32_t n, sp_mark at);
bool sp_read_make_tables(sp_plan_reader *r, uint32_t n, const sp_node *at);
/* A name that is not empty; node NULL: there is none, and that is a mistake of the thing at that place. */
const char *sp_read_name(sp_plan_reader *r, const sp_node *node, sp_mark at, const char *of, sp_mark *mark);
/* Marks the columns that a list names as distinct; NULL: none. */
void sp_read_distinct(sp_plan_reader *r, sp_plan_table *t, const sp_node *node);
bool sp_read_flag(sp_plan_reader *r, const sp_node *node); /* NULL: false */
void sp_read_template(sp_plan_reader *r, sp_plan_column *c, const sp_node *node);
/* weights may be NULL. */
void sp_read_set(sp_plan_reader *r, sp_plan_column *c, const sp_node *node, const sp_node *weights);

/* ---- nodes that a form makes (make.c) ---- */

enum { SP_NODE_PAIRS = 32 };
/* A mapping in the making, at a place of the file. */
typedef struct sp_node_making {
    sp_plan_reader *r;
    sp_mark at;
    sp_pair pairs[SP_NODE_PAIRS];
    uint32_t n;
} sp_node_making;
void sp_make_pair(sp_node_making *m, const char *key, const sp_node *value); /* value NULL: no such pair */
/* None of these is NULL. */
const sp_node *sp_make_map(const sp_node_making *m);
const sp_node *sp_make_list(sp_plan_reader *r, sp_mark at, const sp_node *const *items, uint32_t n);
const sp_node *sp_make_text(sp_plan_reader *r, sp_mark at, sp_str text);
const sp_node *sp_make_words(sp_plan_reader *r, sp_mark at, const char *fmt, ...)
    SP_PRINTF(3, 4); /* 511 bytes at most */

/* ---- forms: each knows its documents, and makes the same plan of them ---- */

/* inputs.c: files of rows become hidden tables. */
uint32_t sp_inputs_count(const sp_node *inputs);               /* NULL: 0 */
void sp_read_inputs(sp_plan_reader *r, const sp_node *inputs); /* appends so many tables; the room is there */
/* outside.c: where rows of elsewhere are; and what is there. NULL: a mistake, or the reader stops. */
typedef struct sp_from_nodes {
    const sp_node *from, *table, *columns, *where, *sample; /* NULL: not said */
} sp_from_nodes;
sp_plan_from *sp_read_from(sp_plan_reader *r, const sp_from_nodes *nodes, const char *name);
sp_plan_there *sp_read_there(sp_plan_reader *r, const sp_plan_from *from, const sp_node *at);
/* Columns of a masked table: what they replace, and what they may not say. */
void sp_read_mask(sp_plan_reader *r, sp_plan_column *c, const sp_node *by, const sp_node *path);
void sp_check_mask(sp_plan_reader *r, sp_plan_column *c);

/* merge.c: the document with what it extends in it. */
const sp_node *sp_merge_extended(sp_plan_reader *r, const sp_node *root);

bool sp_is_dg_form(const sp_node *root); /* form_dg.c */
void sp_read_dg_form(sp_plan_reader *r, const sp_node *root);

bool sp_is_datagen_form(const sp_node *root); /* form_datagen.c */
void sp_read_datagen_form(sp_plan_reader *r, const sp_node *root);

/* A table as spate's own form has it. */
void sp_read_table(sp_plan_reader *r, sp_plan_table *t, const sp_node *node);

/* The tree of an expression, or NULL: a mistake was noted. */
sp_expr *sp_read_expr(sp_plan_reader *r, const sp_node *node);
/* A part of one that was read elsewhere. NULL: no memory, or an argument is NULL. */
/* Behind the number that begins at text.p[i]. */
size_t sp_expr_number_end(sp_str text, size_t i);
sp_expr *sp_make_expr(sp_plan_reader *r, sp_expr_kind kind, sp_mark at, sp_str text, sp_expr *const *args, uint32_t n);

/* Finds what every ref and name means; reports unknown ones, and circles. names: tables in scope 0
 * (sp_plan_table *), the columns of table number t in scope t + 1 (sp_plan_column *). */
int sp_plan_link(spate_plan *plan, const sp_names *names) SP_MUST_CHECK;

/* What a column says of the rows it refers to; NULL: nothing (relations.c). */
typedef struct sp_relation_nodes {
    const sp_node *children, *tree, *graph, *differs, *within;
} sp_relation_nodes;
void sp_read_relations(sp_plan_reader *r, sp_plan_column *c, const sp_relation_nodes *v);
/* A distribution of counts, among other keys: poisson, binomial, zipf, histogram, percentiles. */
void sp_read_counts(sp_plan_reader *r, sp_plan_column *c, const sp_node *node);
void sp_plan_relate(spate_plan *plan, uint32_t table, sp_plan_column *c); /* finds what the names mean */
bool sp_plan_combines(const spate_plan *plan, const sp_plan_table *t);    /* its primary key is made of digits */
bool sp_plan_is_family(const sp_plan_table *t);                           /* its primary key is that of children */
void sp_plan_count(spate_plan *plan); /* what hangs on numbers of rows, and these themselves */

/* Finds what every column is made from; reports names that mean nothing, circles, and chains that are too long. */
int sp_plan_depend(spate_plan *plan, const sp_names *names) SP_MUST_CHECK;
const char *sp_plan_nearest_column(const sp_plan_table *table, sp_str name); /* "did you mean", or NULL */

/* Sorted or alone, this one value is known here to be unique; what other functions are is known to
 * gen. */
static inline bool sp_column_is_uuid(const sp_plan_column *c)
{
    return c->mode == SP_MODE_VALUE && sp_str_is(c->text, "${uuid}");
}

/* For "%.*s": a text's beginning, long enough for a name in a message. */
#define SP_SHOW(s) (int)SP_MIN((s).len, (size_t)60), (s).p

#endif
