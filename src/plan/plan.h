/* plan.h - a configuration file becomes one checked plan.
 *
 * The only room that reads YAML (JSON is read as the YAML it is). A plan is plain data: what each column should be, with the
 * place in the file where it was said. What a function name means, and so which type a column has, is gen's business.
 * Mistakes do not stop the reader; they are collected, and a plan with any is refused as a whole. */
#ifndef SP_PLAN_H
#define SP_PLAN_H

#include "base/jsonpath.h"
#include "batch/batch.h"
#include "spate/plan.h"

typedef struct sp_mark {
    uint32_t line, column; /* from 1; 0: no place in the file */
    uint32_t file;         /* of those that the plan extends, from 1; 0: the plan itself */
} sp_mark;

/* ---- mistakes (mistake.c) ---------------------------------------------------------------------------------------- */

enum { SP_MISTAKES_MAX = 1000 }; /* kept; more are only counted */
typedef struct sp_mistake_item {
    spate_mistake shown;
    bool about_rows; /* another number of rows may cure it */
} sp_mistake_item;
typedef struct sp_mistakes {
    sp_arena arena;
    const char *file;
    const char **files; /* that the plan extends, n_files of them */
    uint32_t n_files;
    uint32_t reading; /* the file that is read now, as in a mark */
    sp_mistake_item *items;
    uint32_t n, cap;
    uint32_t n_errors;     /* a plan with any is refused; the rest are warnings */
    uint32_t n_row_errors; /* those of them that are about rows */
    uint32_t n_said;       /* errors, those said again included */
    bool about_rows;       /* those noted now are */
    bool nomem;            /* one could not be noted: no memory */
} sp_mistakes;
void sp_mistakes_init(sp_mistakes *m, const char *file); /* the name is borrowed */
void sp_mistakes_done(sp_mistakes *m);
void sp_mistakes_forget_rows(sp_mistakes *m);
bool sp_mistakes_begin_file(sp_mistakes *m,
                            const char *file); /* another one is read now; the name is borrowed. False: no memory */
const char *sp_mistakes_file(const sp_mistakes *m, sp_mark at);
/* Notes one. found: the offending text ("" if something is missing); the message says what was expected. */
void sp_mistake(sp_mistakes *m, sp_mark at, sp_str found, const char *fmt, ...) SP_PRINTF(4, 5);
void sp_warning(sp_mistakes *m, sp_mark at, sp_str found, const char *fmt, ...) SP_PRINTF(4, 5);

/* ---- the plan ------------------------------------------------------------------------------------------------------ */

typedef enum sp_mode {
    SP_MODE_VALUE,
    SP_MODE_RANGE,
    SP_MODE_REF,
    SP_MODE_SET,
    SP_MODE_INC,
    SP_MODE_ARRAY,
    SP_MODE_EXPR,
    SP_MODE_CASES,
    SP_MODE_AFTER,
    SP_MODE_PERSON,
    SP_MODE_PLACE,
    SP_MODE_PATTERN,
    SP_MODE_LOOKUP
} sp_mode;

typedef enum sp_range {
    SP_RANGE_INT,       /* min_i, max_i: [min, max) */
    SP_RANGE_FLOAT,     /* min_f, max_f */
    SP_RANGE_DECIMAL,   /* min_i, max_i, already times 10^scale */
    SP_RANGE_STRING,    /* min_i, max_i: length in characters */
    SP_RANGE_BYTES,     /* min_i, max_i: length in bytes */
    SP_RANGE_TIMESTAMP, /* min_i, max_i: microseconds since the epoch; format: Go layout of a text, or empty */
    SP_RANGE_INTERVAL,  /* min_i, max_i: nanoseconds */
    SP_RANGE_POINT,     /* lat, lon, distance_km */
} sp_range;

typedef enum sp_spread {
    SP_SPREAD_UNIFORM,
    SP_SPREAD_ZIPF,        /* a: exponent > 0 */
    SP_SPREAD_NORMAL,      /* a: mean, b: deviation > 0 */
    SP_SPREAD_LOGNORMAL,   /* a: median > 0, b: deviation of the logarithm > 0 */
    SP_SPREAD_EXPONENTIAL, /* a: mean > 0, above the least value */
    SP_SPREAD_PARETO,      /* a: scale > 0, the least value; b: shape > 0 */
    SP_SPREAD_TRIANGULAR,  /* a: peak */
    SP_SPREAD_POISSON,     /* a: mean > 0 */
    SP_SPREAD_BINOMIAL,    /* a: trials, whole; b: chance, 0..1 */
    SP_SPREAD_CYCLE,       /* choice number row / b * a, and round again; a, b > 0 */
    SP_SPREAD_EVEN,        /* from the first choice to the last over the table's rows */
    SP_SPREAD_EXACT,       /* of sets: each value as often as its weight says, to the row, in any order */
    SP_SPREAD_HISTOGRAM,   /* n bars: weights[n] between edges[n + 1], which ascend */
    SP_SPREAD_RHYTHM,      /* of timestamps; a: growth a year; weights[7 * 24]: of the hours of a week, from Monday */
} sp_spread;

/* How values are spread; its numbers are in the units of min_i, or of min_f. Of choices: of their number, from 0. */
typedef struct sp_distribution {
    sp_spread spread;
    double a, b;
    const double *edges, *weights;
    uint32_t n;
    sp_mark mark;
} sp_distribution;

typedef struct sp_plan_item { /* of a set */
    sp_str text;              /* p NULL: a null, in a sample */
    sp_mark mark;
    double weight; /* 1 unless weights are given */
} sp_plan_item;

/* Where names, words and formats are from: a code and a weight each. None: English. */
typedef struct sp_plan_locales {
    const sp_plan_item *items;
    uint32_t n;
} sp_plan_locales;

typedef enum sp_expr_kind {
    SP_EXPR_NUMBER, /* text: its digits */
    SP_EXPR_TEXT,   /* text: between the quotes */
    SP_EXPR_BOOL,   /* text: true or false */
    SP_EXPR_NULL,
    SP_EXPR_FUNCTION, /* text: the name between ${ and } */
    SP_EXPR_COLUMN,   /* a column of the row, or of the row that it refers to */
    SP_EXPR_OWN,      /* what the column's own range makes */
    SP_EXPR_CALL,     /* text: a function's name, or the sign of an operator; args */
} sp_expr_kind;

typedef struct sp_expr {
    sp_expr_kind kind;
    sp_mark mark;
    sp_str shown, text;    /* as written; what it means */
    sp_str field;          /* COLUMN: the name behind the dot, or nothing */
    uint32_t column;       /* COLUMN: of the same table; resolved, or SP_PLAN_NO_REF */
    uint32_t field_column; /* COLUMN with field: of the table that column refers to */
    struct sp_expr **args;
    uint32_t n_args;
} sp_expr;

/* Which row a lookup takes of those with its key. */
typedef enum sp_lookup_which {
    SP_LOOKUP_LAST,
    SP_LOOKUP_FIRST,
    SP_LOOKUP_CYCLE, /* the first for the first row here with that key, and so on, round again */
    SP_LOOKUP_ONCE,  /* the same, but each once at most */
} sp_lookup_which;

/* What a cell is made from: another column's cells. */
typedef struct sp_plan_dep {
    uint32_t table, column;
    sp_mark mark;
    sp_str text;
} sp_plan_dep;

typedef struct sp_plan_column sp_plan_column;

/* ---- rows of elsewhere ---- */

/* Rows that a plan names and that are not its own: a sample of them for an input, all of them for a table that is masked. */
typedef struct sp_plan_from {
    const char *uri;            /* may hold a password; a relative path is beside the plan */
    const char *table;          /* as it is called there */
    const char *where;          /* in the source's SQL; NULL: all rows */
    const char *const *columns; /* of an input only these, n_columns of them; none: all */
    uint32_t n_columns;
    uint64_t rows; /* to be sampled; 0: only names and types are asked for */
} sp_plan_from;

/* What is there. Lives in the arena it was asked for with. */
typedef struct sp_plan_there {
    const sp_field *fields;
    const bool *unique; /* a field: each of its values is there once */
    uint32_t n_fields;
    sp_str csv; /* the sample, a line a row, nulls unquoted */
    uint64_t rows;
} sp_plan_there;

/* Looks at them for the plan room, which knows no endpoints. path: of the plan. SPATE_E_USAGE, SPATE_E_CONFIG and SPATE_E_DATA
 * become mistakes of the plan; other failures end the reading. */
typedef int sp_plan_look(const char *path, const sp_plan_from *from, sp_arena *arena, sp_plan_there *there,
                         spate_error *err);

/* A ref to the own table that makes trees: so many children for each row, or so many levels. */
typedef struct sp_plan_tree {
    uint64_t roots;   /* 0: no tree */
    uint64_t fan_out; /* 0: depth counts */
    uint32_t depth;
    sp_mark mark;
} sp_plan_tree;

/* Columns whose values never come together twice are digits of one number, which is a permutation of the row's. */
typedef struct sp_plan_digit {
    uint64_t all, unit, base; /* below all; digit = number / unit % base. base 0: none */
} sp_plan_digit;

/* One of the ways in which a column is made. */
typedef struct sp_plan_case {
    sp_str label;  /* CASES by a column: its value */
    sp_expr *when; /* CASES without: the condition */
    sp_mark mark;
    sp_plan_column *column; /* how */
} sp_plan_case;

struct sp_plan_column {
    const char *name;
    sp_mark mark; /* of the column's name */
    sp_mode mode;
    sp_mark mode_mark; /* of the value of the key value, range, ref, set, inc or array */
    bool wrong;        /* has a mistake, so what follows is not to be relied on */

    /* VALUE: the template; ARRAY: the item's template; REF, EXPR: as written; CASES: the column after "by"; AFTER,
     * PERSON, PLACE: the name; * LOOKUP and PATTERN: as written; else nothing */
    sp_str text;
    sp_range range;
    /* RANGE and ARRAY (lengths); ordered, min <= max. PATTERN: max_i: the most that * and + repeat */
    int64_t min_i, max_i;
    double min_f, max_f;
    uint8_t scale; /* RANGE decimal */
    sp_str format; /* RANGE timestamp: a Go layout; otherwise how Go's printf writes a value, or a moment's layout */
    sp_mark format_mark;
    double lat, lon, distance_km;
    uint32_t ref_table, ref_column; /* REF, LOOKUP: resolved, or SP_PLAN_NO_REF in a plan with mistakes */
    sp_str key, by; /* LOOKUP: the column of this table, and of that one, whose values are to be equal */
    sp_lookup_which which;
    uint32_t key_column;       /* key, resolved */
    const sp_plan_item *items; /* SET: at least one */
    uint32_t n_items;
    bool weighted; /* its weights are given */
    int64_t inc_start, inc_step;
    sp_plan_case *cases; /* CASES; the last may be what is done else */
    uint32_t n_cases;
    bool has_else;
    uint32_t by_column;         /* CASES by a column, LOOKUP: resolved; else SP_PLAN_NO_REF */
    uint32_t number;            /* of a case: from 1; of a column: 0 */
    const sp_plan_item *common; /* values that come besides, and their shares of all cells; any mode */
    uint32_t n_common;
    /* REF: a range int, how many rows refer to each row, one behind the other; NULL: not said */
    sp_plan_column *children;
    sp_str children_of;       /* REF with children: the column there that says how many; empty: the range does */
    uint32_t children_column; /* resolved, or SP_PLAN_NO_REF */
    sp_plan_tree tree;        /* REF to the own table */
    bool graph;               /* REF to the own table: any row but this */
    bool any_row;             /* REF to the own table: any row, this one too */
    /* names: a ref that leads to another row than this; the ref whose children this tells apart */
    sp_str differs, within;
    sp_mark differs_mark, within_mark;
    uint32_t differs_column, within_column; /* resolved, or SP_PLAN_NO_REF */
    sp_plan_digit digit;                    /* of the primary key */
    sp_str draw;             /* columns of a table with the same name here share their draws; empty: its own */
    sp_plan_locales locales; /* the column's own, or else its table's, or else the plan's */
    bool cut;                /* text longer than its type is cut to it */
    bool hidden;             /* made for other columns, not for the target */
    uint32_t mask, mask_by;  /* of a masked table: the field it replaces, and the one whose value says by what */
    bool mask_items;         /* the items of that field are replaced, each by what it says */
    const sp_json_path *path; /* of a masked column: what is replaced in its documents; NULL: these themselves */
    bool distinct;           /* rows equal in all such columns of the table are made once: the first of them */
    uint64_t n_values;       /* there are so many different ones, and each row has one of them; 0: any */
    uint64_t stop;           /* cells from this row on are null; SP_PLAN_NO_STOP: none */
    sp_expr *expr;           /* EXPR */
    const sp_plan_dep *deps; /* the columns it is made from */
    uint32_t n_deps;

    double null_rate; /* 0..1 */
    bool unique, sorted, primary_key;
    sp_distribution distribution; /* of range, set, ref, and the lengths of texts and arrays */

    const sp_type *type;  /* asked for with "type:", or NULL */
    const char *sql_type; /* as written there, e.g. varchar(20); NULL with type */
    bool is_enum;         /* type: enum (then type and sql_type are NULL) */
    sp_mark type_mark;
};
#define SP_PLAN_NO_REF  UINT32_MAX
#define SP_PLAN_NO_STOP UINT64_MAX
enum {
    SP_PLAN_DISTINCT_MAX =
        1 << 24, /* rows of a table with distinct columns: 8 bytes of memory each, and 48 more at first */
    SP_PLAN_VALUES_MAX =
        1 << 24, /* different values that a column is to have: 8 bytes of memory each, and 48 more at first */
    SP_PLAN_LOOKUP_MAX = 1 << 22, /* rows of a table that is looked into: 48 bytes each, or up to twice that */
    SP_PLAN_SAMPLE_MAX =
        1 << 22, /* rows of an input that are sampled: 48 bytes and the text for a value while it is read */
    SP_PLAN_SAMPLE_BYTES_MAX = 256 << 20,  /* their text */
    SP_PLAN_SAMPLE = 100000,               /* unless said */
    SP_PLAN_ARRAY_MAX = SP_BATCH_ROWS_MAX, /* items of one array */
    SP_PLAN_HOPS_MAX = 64, /* from a column to those it is made from, and on to those they are made from */
};

typedef struct sp_plan_table {
    const char *name;
    sp_mark mark;
    uint64_t rows;
    bool rows_follow;   /* from the children that its parents have */
    bool rows_counted;  /* as many as columns of its parents say, which gen finds out; rows is then a guess, */
    uint64_t rows_most; /* and no more than this */
    sp_plan_column *columns;
    uint32_t n_columns;
    bool hidden;              /* made for other tables, not for the target */
    bool is_distinct;         /* some column is distinct */
    bool fixed_rows;          /* an input: it has as many rows as it has */
    const sp_plan_from *from; /* masked: its rows come from there, with the columns replaced; NULL: all of it is made */
} sp_plan_table;

struct spate_plan {
    sp_arena arena;
    char *path;
    sp_plan_table *tables; /* in file order */
    uint32_t n_tables;
    uint64_t digest;      /* of its text: the same, the same plan */
    uint64_t seed;        /* top-level "seed:", else 0 */
    const char *database; /* that the form names; NULL: none */
    /* CREATE statements of its tables, for targets that are to have them; NULL: as the columns say */
    const char *create;
    int64_t now_us; /* top-level "now:", else SP_PLAN_NOW_US: what "today" means to the functions */
    sp_mistakes mistakes;
};
#define SP_PLAN_NOW_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

/* Reads text as a plan. The plan is made even when it has mistakes (see spate_plan_mistake); err is for what kept the reader
 * from reading at all (no memory). */
int sp_plan_parse(const char *path, const char *text, size_t len, spate_plan **plan, spate_error *err) SP_MUST_CHECK;
/* The same for plans that name rows of elsewhere; without a look, that is a mistake. */
int sp_plan_parse_with(const char *path, const char *text, size_t len, sp_plan_look *look, spate_plan **plan,
                       spate_error *err) SP_MUST_CHECK;
int sp_plan_refuse(const spate_plan *plan,
                   spate_error *err); /* SPATE_E_CONFIG: how many mistakes it has, and the first */
/* Looks again for the mistakes that hang on the numbers of rows (a unique set too small, a ref to an empty table) and forgets
 * those found before. sp_plan_parse and spate_plan_set_rows have done it. SPATE_E_NOMEM is the only failure. */
int sp_plan_check_rows(spate_plan *plan, spate_error *err) SP_MUST_CHECK;
int sp_plan_find_table(const spate_plan *plan, const char *name); /* table number or -1 */
int sp_plan_find_column(const sp_plan_table *table, sp_str name);
const char *sp_plan_mode_name(sp_mode mode); /* the key that says it: "value", "range" */

/* ---- types (types.c) --------------------------------------------------------------------------------------------------- */

enum { SP_TYPE_WHY_MAX = 256 };
/* What a SQL type name means to spate, whatever its case: integer, varchar(20), "timestamp with time zone", text[]. The type
 * lives in arena. NULL: it means nothing, and why says so; an empty why: no memory. */
const sp_type *sp_type_parse(sp_str sql, sp_arena *arena, char why[SP_TYPE_WHY_MAX]) SP_MUST_CHECK;
bool sp_type_is_timetz(sp_str sql); /* a time of day with a zone, which our own times of day do not have */

#endif
