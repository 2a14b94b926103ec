/* form_datagen.h - private to the datagen form: a schema as it is read, before it is a plan.
 *
 *   form_datagen.c         the document: tables, columns, keys
 *   form_datagen_create.c  what it declares, as CREATE statements
 *   form_datagen_column.c  how a column is made, and what is wished of it, as spate's own form would say it
 *   form_datagen_rows.c    columns of composite types
 *   form_datagen_values.c  the generators, distributions and patterns that a column may name */
#ifndef SP_PLAN_FORM_DATAGEN_H
#define SP_PLAN_FORM_DATAGEN_H

#include "plan/demand.h"
#include "plan/document.h"

/* The keys of a column. */
enum {
    D_NAME,
    D_TYPE,
    D_NULLABLE,
    D_DEFAULT,
    D_UNIQUE,
    D_PRIMARY_KEY,
    D_GENERATOR,
    D_CONFIG,
    D_COMMENT,
    D_DISTRIBUTION,
    D_PATTERN,
    D_RULES,
    D_PLAN,
    D_COUNT
};

typedef struct datagen_foreign {
    const sp_node *node;
    sp_str parent;
    sp_mark mark;
    uint32_t n;
    const uint32_t *columns;       /* here */
    const sp_node *const *targets; /* there: names, n of them */
} datagen_foreign;

typedef struct datagen_column {
    sp_str name;
    sp_mark mark;
    const sp_node *v[D_COUNT];
    const sp_type *type;          /* NULL: not known, which was said */
    sp_str sql;                   /* its type as the plan is to have it */
    const sp_node *labels;        /* of an enumeration's type: a list, else NULL */
    const sp_node *sequence;      /* that counts it, or NULL */
    struct datagen_table *fields; /* of a composite type: its columns, or NULL */
    bool nullable, primary, unique;
    bool combines; /* no two rows have it and the table's other such columns alike */
    const datagen_foreign *foreign;
    uint32_t foreign_at; /* its place in it */
    const char *words;   /* a template that the generator or the name asks for, or NULL */
} datagen_column;

typedef struct datagen_table {
    sp_str name;
    sp_mark mark;
    const sp_node *rows;
    int64_t n_rows; /* 0: not known */
    datagen_column *columns;
    uint32_t n;
    uint32_t n_primary;
    datagen_foreign *foreign;
    uint32_t n_foreign;
    const sp_node *distinct; /* columns of a unique key of which none is unique by itself, or NULL */
    const sp_node *unkept;   /* those of one that rows may have twice, or NULL */
    const sp_node *plan;     /* what spate's own form says of it besides, or NULL */
    const sp_node *uniques, *checks, *indexes, *comment; /* as they stand there, or NULL */
    sp_demands demands;
} datagen_table;

enum { DATAGEN_DEPTH_MAX = 8 };
typedef struct datagen {
    sp_plan_reader *r;
    datagen_table *tables;
    uint32_t n;
    const sp_node *sequences; /* by name, or NULL */
    /* composite columns that the one being read or made is a field of, outermost first */
    sp_str within[DATAGEN_DEPTH_MAX];
    uint32_t depth;
} datagen;

/* Columns as spate's own form has them; a column may come with hidden ones that it is made from. */
enum { DATAGEN_HIDDEN_MAX = 8 };
typedef struct datagen_list {
    const sp_node **items;
    uint32_t n;
    uint32_t hidden; /* of the column being made */
} datagen_list;

/* A way to make a column, on its way into a mapping. */
typedef struct datagen_making {
    datagen *d;
    const datagen_table *t;
    const datagen_column *c;
    sp_node_making to;
    bool unique;        /* no value may come twice */
    datagen_list *list; /* for hidden ones: there is room for DATAGEN_HIDDEN_MAX */
} datagen_making;

/* Of a sequence: START, or INCREMENT. */
typedef enum datagen_count { DATAGEN_START, DATAGEN_INCREMENT } datagen_count;
const sp_node *sp_datagen_count(const sp_node *sequence, datagen_count what); /* NULL: not said */

int sp_datagen_find_column(const datagen_table *t, sp_str name); /* -1: none */

/* Adds the column as spate's own form says it, and the hidden ones that it is made from. */
void sp_datagen_column(datagen *d, const datagen_table *t, uint32_t column, datagen_list *list);
/* How many columns the table may become at most, with hidden ones. */
uint32_t sp_datagen_room(const datagen_table *t);
/* Declares all tables, once they are read: the plan's create. */
void sp_datagen_create(const datagen *d, const sp_node *types);
/* What template a column's values are of, NULL: none. */
const char *sp_datagen_words(datagen *d, const datagen_table *t, const datagen_column *c);

const sp_node *sp_datagen_text(datagen_making *m, const char *text); /* a node of that text */

/* Each puts how cells are made into m->to. Numbers between both ends, these included, as the column's type has them. */
void sp_datagen_numbers(datagen_making *m, double min, double max, const sp_node *distribution);
void sp_datagen_moments(datagen_making *m, const char *min, const char *max, const sp_node *distribution);
void sp_datagen_template(datagen_making *m, const char *text); /* ${functions} in it; unique if m is */

/* form_datagen_rows.c: the fields as hidden columns, and the row that they are. */
void sp_datagen_row(datagen_making *m);

/* form_datagen_values.c */
void sp_datagen_pattern(datagen_making *m, const sp_node *pattern);
void sp_datagen_distribution(datagen_making *m, const sp_node *node);
/* False: no such generator, or none with a config. */
bool sp_datagen_generator(datagen_making *m, sp_str name, const sp_node *config);
/* The name of a generator that is the same as a template; NULL: no such one. */
const char *sp_datagen_generator_words(sp_str name);
const char *sp_datagen_nearest_generator(sp_str name);

#endif
