/* config.h - private to the job: the steps from a catalog to a plan.
 *
 *   config.c         reads the catalog, chooses what to write, checks the plan it has written
 *   config_order.c   parents before children, the circles between tables, which columns have to be made
 *   config_keys.c    what keeps keys of several columns, of generated ones, and exclusion constraints
 *   config_ways.c    the ways that conditions leave open, and which columns differ between them
 *   config_write.c   tables and columns as YAML
 *   config_column.c  one column: its mode and wishes
 *   config_reference.c  the same, where it refers to rows
 *   config_type.c    values of each type
 *   config_nested.c  structs, maps, unions
 *   config_text.c    texts, by their names, lengths and patterns
 *   config_number.c  the ranges of numbers and moments
 *   config_stats.c   the same from the server's statistics */
#ifndef SP_JOB_CONFIG_H
#define SP_JOB_CONFIG_H

#include "endpoint/catalog.h"
#include "plan/demand.h" /* what conditions demand */
#include "plan/emit.h"
#include "plan/words.h" /* what names say of values */

/* ---- the plan in the making --------------------------------------------------------------------------------------------- */

typedef struct sp_choice { /* what is written of a column */
    bool out;              /* not made: the server fills it, or nobody can */
    const char *out_why;
    const char *mode, *text; /* "value", "${email}"; a set's values instead: */
    const sp_str *items;
    const double *weights;
    uint32_t n_items;
    const sp_str *common; /* values that make up these shares, beside all others */
    const double *common_rates;
    uint32_t n_common;
    const char *props;        /* YAML, or NULL */
    const char *type;         /* or NULL */
    const char *distribution; /* YAML, or NULL */
    const char *draw, *tree;  /* or NULL; a tree is YAML */
    const char *differs;      /* the column it differs from, or NULL */
    uint64_t n_values;        /* different ones that the cells are drawn from, or, if in_turn, have in turn; 0: any */
    bool in_turn;
    double null_rate;
    bool unique, primary_key, sorted;
    bool hidden; /* made for comparing rows alone */
    bool absent; /* refers to what is not there: only null will do */
    const char *note;
    const char *helper_name; /* a hidden column that this one is made of, or NULL */
    struct sp_choice *helper;
    uint64_t values;          /* different ones there are, UINT64_MAX: enough */
    uint64_t most;            /* the same where they must differ, else UINT64_MAX */
    uint32_t line, last_line; /* where it was written */
    unsigned tries;           /* what was written before and did not hold */
} sp_choice;

typedef struct sp_config_way { /* one that the conditions of a table leave open */
    sp_demands demands;
    sp_choice *choices;
    unsigned *step, *steps;
} sp_config_way;

typedef struct sp_draft { /* of a table */
    const sp_cat_table *t;
    sp_config_way *ways; /* at least one */
    uint32_t n_ways;
    bool ways_cut;        /* there would be more of them */
    const char *way_name; /* of the hidden column that chooses one */
    sp_demands demands;   /* of the way that is looked at, and so are choices, step and steps */
    sp_choice *choices;
    bool *needed;           /* a column that must be made: something refers to it, or hangs on it */
    bool *apart;            /* a column without a value twice, for the sake of a key of several columns */
    bool *
        spread; /* a column that takes its parent's rows in turn: others look up a row of this table by each value of it */
    const sp_cat_key *turned;          /* a key that is a reference of several columns: */
    const sp_cat_foreign_key *turn;    /* each row there is referred to once, in turn */
    bool *narrow;                      /* a number that a server computes others of, which have to fit */
    const sp_cat_key *distinct; /* a key that is kept by comparing rows, or NULL */
    bool has_slot;              /* no two rows overlap in what lies between these columns */
    uint32_t slot_low, slot_high;
    bool combined;          /* the primary key has no combination twice: the generator sees to it */
    unsigned *step, *steps; /* of moments and numbers that come one after the other: which, of how many */
    bool afters; /* moments that come one after the other are so by a delay, not by lying in different spans */
    uint64_t rows;
    const char *rows_note;
    bool rows_given;
    bool alike;  /* another table is called the same, and it is that one which is made */
    bool chosen; /* how its columns are made */
} sp_draft;

typedef struct sp_config {
    sp_arena *arena;
    const sp_catalog *c;
    sp_draft *drafts; /* one for each table */
    uint32_t *order;  /* tables, parents first */
    bool circles;     /* of foreign keys between tables */
    bool defaults;    /* make columns with a default, too */
    bool counted;     /* the catalog has statistics */
    bool nomem;
} sp_config;

/* config_order.c */
bool sp_config_order(sp_config *k); /* order, circles; false: no memory */
void sp_config_needs(sp_config *k); /* which columns have to be made, and which keep keys of several columns apart */
/* The foreign key that a column's values come from, NULL: none. at: its place in it; lead: the column of the key that chooses the
 * row, from which the others take theirs. */
const sp_cat_foreign_key *sp_config_reference(const sp_cat_table *t, uint32_t column, uint32_t *at, uint32_t *lead);
/* Of a key of several columns the one that always has the same value here, but one of *kinds in the parent (a car is a vehicle of the kind
 * 'car'): its place; -1: there is none. */
int sp_config_kind(const sp_config *k, const sp_draft *d, const sp_cat_foreign_key *f, uint32_t *kinds);

/* config_keys.c */
bool sp_config_unfold(sp_catalog *c); /* keys of generated columns become keys of what these are made of; false: no memory */
void sp_config_keys(const sp_config *k, sp_draft *d); /* which columns keep keys apart; again after a choice that did not hold */
/* Numbers that generated columns of few digits multiply, or that have few themselves. */
bool sp_config_narrow(sp_config *k, sp_draft *d); /* false: no memory */
/* Two columns between which no two rows may overlap; false: there are none. */
bool sp_config_slot(sp_config *k, const sp_cat_table *t, uint32_t *low, uint32_t *high);

/* config.c: the column that comes right before this one in every row, -1: none that it could follow. */
int sp_config_follows(const sp_draft *d, uint32_t column);
/* Whether one column's moments or numbers come before the other's. */
bool sp_config_before(const sp_draft *d, uint32_t a, uint32_t b);
bool sp_config_has_made(const sp_draft *d); /* a column, at least */

/* config_ways.c */
bool sp_config_ways(sp_config *k, sp_draft *d); /* finds them; false: no memory */
void sp_config_enter(sp_draft *d, uint32_t way);
/* After the choices of each way: leaves out ways that are as others, and all but one where columns cannot be made in several. */
void sp_config_unite(sp_config *k, sp_draft *d);
bool sp_config_differs(const sp_draft *d, uint32_t column); /* from way to way */
bool sp_config_same(const sp_choice *a, const sp_choice *b);
/* The way that most ways are like in this column; n_ways: it is null in some. */
uint32_t sp_config_commonest(const sp_draft *d, uint32_t column);

/* config_write.c: the plan of what was chosen. */
int sp_config_write(sp_config *k, const char *shown, sp_emit *e, spate_error *err);

/* config_column.c */
/* Has columns, and, where the table is there, none without a value that must have one. */
bool sp_config_is_made(const sp_config *k, const sp_draft *d);
void sp_config_choose(sp_config *k, sp_draft *d, uint32_t column);

/* PostgreSQL's "2024-01-01 00:00:00+00" as seconds since 1970; false: it is no moment. And back, as plans have it. */
bool sp_config_moment(sp_str text, double *seconds);
const char *sp_config_shown_moment(sp_config *k, double seconds, bool date);

/* config_stats.c: false or NULL when the statistics say nothing of use. Sets mode, items, weights, props, distribution, type. */
bool sp_config_from_stats(sp_config *k, const sp_cat_table *t, const sp_cat_column *c, sp_choice *out);
/* A column of whole numbers that count the rows, perhaps in steps, as the statistics say: false, or as above. */
bool sp_config_counts(sp_config *k, const sp_cat_table *t, const sp_cat_column *c, sp_choice *out);
/* How long lists are: a distribution; NULL: nothing is known. */
const char *sp_config_lengths(sp_config *k, const sp_cat_stats *s);
/* How often the parent's rows are referred to: a distribution, NULL: about evenly. counted: their key is their number, from 1. */
const char *sp_config_shares(sp_config *k, const sp_draft *d, const sp_cat_stats *s, const sp_draft *parent,
                             bool counted);
/* The commonest texts become those of the choice. */
void sp_config_common(sp_config *k, const sp_cat_stats *s, sp_choice *out);

#define IN_ORDER 0.99 /* rows with such a correlation lie in the column's order */

/* ---- one column on its way to a choice --------------------------------------------------------------------------------- */

/* Everything a choice is made from. */
typedef struct sp_making {
    sp_config *k;
    sp_draft *d;
    uint32_t column;
    const sp_cat_column *c;
    const sp_cat_type *type;
    const sp_demand *demand;
    sp_choice *out;
    bool unique;     /* no value twice: a key of one column */
    uint32_t prefix; /* in its first letters or bytes, so many; 0: all */
} sp_making;

static inline void sp_making_mode(sp_making *m, const char *name, const char *text)
{
    m->out->mode = name;
    m->out->text = text;
}

/* config_stats.c: from how many values the rows are to draw, common ones aside, for as many of them to come as there are; 0: nothing is known.
 * each: nearly every row has one of its own, so they are not drawn but come in turn. */
uint64_t sp_config_few(const sp_making *m, bool *each);

/* config_column.c */
void sp_making_leave_out(sp_making *m, const char *why);

/* config_reference.c: false: it refers to nothing that could be referred to. */
bool sp_making_reference(sp_making *m);
void sp_making_note_absent_parent(sp_making *m);
/* Do both columns refer to the same one of another table, each by itself? */
bool sp_config_is_pair(const sp_config *k, const sp_draft *d, uint32_t a, uint32_t b);

/* config_type.c: a column that says where a row's own part of time begins or ends; by the type alone; one of these values; the same, of
 * truths. */
bool sp_making_slot(sp_making *m);
void sp_making_by_class(sp_making *m);
void sp_making_values(sp_making *m, const sp_str *values, uint32_t n);
void sp_making_truths(sp_making *m, const sp_str *values, uint32_t n);

/* config_nested.c: DuckDB's structs, maps, unions, and lists of them. False: they are not understood. */
bool sp_making_nested(sp_making *m);

/* config_text.c */
void sp_making_text(sp_making *m);
void sp_making_alternatives(sp_making *m, const char *text); /* with "|" between: a set */

/* config_number.c: each sets the mode and its props, and how many different values there are. */
void sp_making_integer(sp_making *m);
void sp_making_decimal(sp_making *m, unsigned precision, unsigned scale);
void sp_making_float(sp_making *m);
void sp_making_moment(sp_making *m);
void sp_making_time(sp_making *m);

char *sp_config_printf(sp_config *k, const char *fmt, ...)
    SP_PRINTF(2, 3); /* in the arena; "" and nomem for want of it */

#endif
