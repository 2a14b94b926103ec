/* catalog_script.h - private to the readers of CREATE statements: a script as a row of words (catalog_script.c), its statements
 * (catalog_sql.c), tables (catalog_table.c) and their columns (catalog_columns.c), and the tables that have rows of others
 * (catalog_parts.c). */
#ifndef SP_CATALOG_SCRIPT_H
#define SP_CATALOG_SCRIPT_H

#include "endpoint/catalog.h"

typedef enum token_kind { T_END, T_WORD, T_NAME, T_TEXT, T_NUMBER, T_MARK } token_kind;

typedef struct token {
    token_kind kind;
    sp_str raw;  /* as it stands there */
    sp_str text; /* names and texts: without their quotes */
} token;

typedef struct named_type { /* CREATE TYPE ... AS ENUM, CREATE DOMAIN */
    const char *space, *name;
    sp_cat_type type;
    const char *check; /* or NULL */
    bool not_null;
} named_type;

typedef struct sp_part { /* a table that is a partition of another */
    uint32_t table, parent;
    const char *bound; /* a condition: of the rows that it takes of its parent's; NULL: any */
} sp_part;

typedef struct sp_parted { /* PARTITION BY */
    uint32_t table;
    bool range, list; /* neither: by a hash */
    const char **keys;
    uint32_t n_keys;
} sp_parted;

typedef struct script {
    sp_catalog *c;
    sp_arena *arena;
    const char *begin, *p, *end;
    token at;
    named_type *types;
    uint32_t n_types, cap_types;
    sp_part *parts;
    uint32_t n_parts, cap_parts;
    sp_parted *parted;
    uint32_t n_parted, cap_parted;
    const char **virtuals; /* names of SQLite's virtual tables */
    uint32_t n_virtuals, cap_virtuals;
    bool nomem, bad; /* bad: this statement makes no sense */
    /* Of the column list that was read last: */
    bool computed;           /* it had an expression in it */
    sp_cat_part *list_parts; /* how each column stands in it */
} script;

/* The next item of a list that grows, zeroed; NULL and nomem: there is no memory. */
void *sp_script_add(script *s, void **items, uint32_t *n, uint32_t *cap, size_t bytes);
#define SP_SCRIPT_ADD(s, list) \
    sp_script_add(s, (void **)&(s)->list, &(s)->n_##list, &(s)->cap_##list, sizeof(*(s)->list))

void sp_script_advance(script *s);
bool sp_script_is_mark(const script *s, char mark);
bool sp_script_is_word(const script *s, const char *word);
bool sp_script_take_mark(script *s, char mark);
/* Takes one or more words, all or none of them: "primary key". */
bool sp_script_take(script *s, const char *words);
const char *sp_script_keep(script *s, sp_str text);
/* A name, "" when there is none. */
const char *sp_script_take_name(script *s);
/* name, schema.name or database.schema.name. */
const char *sp_script_take_qualified(script *s, const char **space);
/* Passes over what stands between parentheses; the text of it without them. */
sp_str sp_script_take_inside(script *s);
sp_cat_table *sp_script_find_table(script *s, const char *space, const char *name);

/* ---- catalog_columns.c ----------------------------------------------------------------------------------------------------- */

bool sp_script_ends_item(const script *s);
/* The text up to where a clause begins or the item ends: a type, or a default. */
sp_str sp_script_take_until_clause(script *s);
/* (a, b DESC, c(10)): the names; how each stands there is list_parts. */
uint32_t sp_script_take_columns(script *s, const char ***names);
void sp_script_take_column(script *s, sp_cat_table *t);
void sp_script_take_default(script *s, sp_cat_column *c);
void sp_script_take_generated(script *s, sp_cat_column *c);
/* Where two schemas have a type of that name, the schema says which. NULL: there is none that the script has made. */
const named_type *sp_script_find_type(const script *s, const char *spelled);
/* NULL: no memory, or one of the columns is none of the table's. */
sp_cat_key *sp_script_add_key(script *s, sp_cat_table *t, const char *name, const char *const *names,
                              const sp_cat_part *parts, uint32_t n, bool primary);
/* column: whose it is, or -1 for the table's. */
void sp_script_add_check(script *s, sp_cat_table *t, const char *name, sp_str sql, int32_t column);
/* Behind REFERENCES. */
void sp_script_take_reference(script *s, sp_cat_table *t, const char *name, const char *const *names, uint32_t n);
/* EXCLUDE USING ...: not a column with that name; and what stands behind the word. */
bool sp_script_begins_exclusion(const script *s);
void sp_script_add_exclusion(script *s, sp_cat_table *t, const char *name);
bool sp_script_take_nulls_alike(script *s);

/* ---- catalog_table.c ------------------------------------------------------------------------------------------------------- */

/* Behind CREATE TABLE, and CREATE VIRTUAL TABLE. from: where the statement begins. */
void sp_script_create_table(script *s, const char *from);
void sp_script_create_virtual(script *s);
/* PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK, an index of MariaDB's. False: it is none of them. */
bool sp_script_take_table_clause(script *s, sp_cat_table *t);
/* KEY name (columns), PERIOD FOR SYSTEM_TIME ...: no columns, and no keys. */
bool sp_script_is_passed_over(const script *s);
void sp_script_skip_item(script *s);

/* ---- catalog_parts.c ------------------------------------------------------------------------------------------------------- */

/* INHERITS (parents), behind a table's columns: those of the parents come too. */
void sp_script_take_inherits(script *s, uint32_t table);
/* PARTITION BY ..., and MariaDB's partitions behind it. */
void sp_script_take_partitions(script *s, uint32_t table);
/* PARTITION OF parent FOR VALUES ...: a table of the parent's columns; and ATTACH PARTITION child FOR VALUES ... */
void sp_script_take_partition_of(script *s, const char *space, const char *name);
void sp_script_take_attached(script *s, uint32_t parent);
/* Partitions are no tables: what they take becomes a condition of the table that they are of, and their keys its own. */
void sp_script_fold(script *s);

#endif
