/* ddl.h - how tables come to be in a target: the statements, and when each can run.
 *
 * Made of what a source's catalog says of its tables where it has one, of the schemas of the rows where not. In the source's own
 * dialect everything is said again as it was; in another one, what means the same there. What cannot be said is in the notes, each
 * once. All of it lives in the arena of whoever builds it. */
#ifndef SP_DDL_H
#define SP_DDL_H

#include "codec/codec.h"
#include "endpoint/catalog.h"

typedef enum sp_ddl_step {
    SP_DDL_TABLES,       /* before the rows, in this order: schemas, types, sequences, tables */
    SP_DDL_DEFAULTS,     /* what DuckDB cannot change once there are indexes */
    SP_DDL_INDEXES,      /* of keys and others: in any order, at once */
    SP_DDL_KEYS,         /* keys that are made of those indexes; checks that need them */
    SP_DDL_FOREIGN_KEYS, /* when all keys are there */
    SP_DDL_END,          /* sequences go on behind the rows; comments */
} sp_ddl_step;

typedef struct sp_ddl_statement {
    sp_ddl_step step;
    uint32_t table;   /* its number in the schemas */
    uint32_t parent;  /* of a foreign key: that of the table it refers to; else, or if that is none of these: table */
    const char *sql;  /* without a semicolon */
    const char *what; /* for a message: building index "x" */
    const char *ask;  /* NULL, or a query whose only answer takes the place of %s in sql */
} sp_ddl_statement;

typedef enum sp_ddl_keys {
    SP_DDL_KEYS_AFTER,  /* statements of their own */
    SP_DDL_KEYS_INSIDE, /* in CREATE TABLE */
    SP_DDL_KEYS_NONE,
} sp_ddl_keys;

typedef struct sp_ddl {
    sp_arena *arena;
    sp_sql_dialect dialect;
    sp_ddl_keys keys;
    const char *home;             /* the database of tables whose names say none; NULL: the target need not be told */
    sp_ddl_statement *statements; /* in the order of steps, and of tables in each */
    uint32_t n, cap;
    const char **notes;
    uint32_t n_notes, cap_notes;
} sp_ddl;

/* Sets all of d but home, which is the caller's to set before. catalog: NULL when the source has none. 0 or SPATE_E_NOMEM. */
int sp_ddl_build(sp_ddl *d, sp_arena *arena, sp_sql_dialect dialect, sp_ddl_keys keys, const sp_schema *const *tables,
                 uint32_t n, const sp_catalog *catalog, spate_error *err) SP_MUST_CHECK;
/* Appends the statements of one step for tables [first, last), each ended by ";\n", as a script. */
int sp_ddl_script(const sp_ddl *d, sp_ddl_step step, uint32_t first, uint32_t last, sp_buf *out) SP_MUST_CHECK;

/* ---- expressions (ddl_expr.c) ---------------------------------------------------------------- */

/* Appends a condition or value over columns of t as another dialect writes it. False: it cannot be said there, or there is no memory.
 * value: the column that VALUE means, or NULL. */
bool sp_ddl_expr(sp_buf *out, const sp_cat_table *t, const char *sql, int from, sp_sql_dialect to, const char *value);
/* A default: a constant, or one of the moments and random numbers that both know. */
bool sp_ddl_default(sp_buf *out, const char *sql, int from, sp_sql_dialect to);
/* Whether the expression names the column. */
bool sp_ddl_mentions(const char *sql, const char *column);
/* Whether a function or operator in it is not the server's own. */
bool sp_ddl_calls_own(const char *sql);

#endif
