/* ddl_build.h - private to the files of ddl.h: what a statement is put together with.
 *
 *   ddl.c        the whole, and what a schema alone gives
 *   ddl_words.c  statements, notes, names, what is copied
 *   ddl_types.c  schemas, types, sequences: before the tables
 *   ddl_table.c  tables: before the rows
 *   ddl_after.c  indexes, keys, foreign keys, numbering, comments: behind them
 *
 * A builder stands on one table at a time. What fails for want of memory is remembered in it and seen once, at the end. */
#ifndef SP_DDL_BUILD_H
#define SP_DDL_BUILD_H

#include "endpoint/ddl.h"

typedef struct sp_ddl_builder {
    sp_ddl *d;
    const sp_schema *const *tables;
    uint32_t n_tables;
    const sp_catalog *c; /* NULL: schemas only */
    bool same;           /* the catalog's dialect is the target's */
    const sp_schema *schema;
    const sp_cat_table *t; /* of the schema, or NULL */
    uint32_t number;
    bool whole;      /* every column that can be written is copied */
    bool *made;      /* of t's columns: the generated ones that the target makes itself, which takes all that they are made of */
    int32_t counter; /* MariaDB's AUTO_INCREMENT column; -1: none */
    sp_buf sql;
    sp_buf clauses[2]; /* MariaDB: of the statement that gives the table its indexes, and its foreign keys */
    bool nomem;
} sp_ddl_builder;

/* ---- ddl_words.c ---- */

static inline bool sp_ddl_is_mariadb(const sp_ddl_builder *b)
{
    return sp_sql_is_mariadb(b->d->dialect);
}
/* Keeps what the buffer holds as a statement, and empties it. */
void sp_ddl_add(sp_ddl_builder *b, sp_ddl_step step, const char *ask, const char *fmt, ...) SP_PRINTF(4, 5);
/* ALTER TABLE t ADD, in front of what is added by sp_ddl_add_clause: MariaDB goes through a table's rows once for all that one statement
 * adds, so there each is a clause, and sp_ddl_end_clauses makes the statements. */
void sp_ddl_put_alter(sp_ddl_builder *b);
void sp_ddl_add_clause(sp_ddl_builder *b, sp_ddl_step step, const char *fmt, ...) SP_PRINTF(3, 4);
void sp_ddl_end_clauses(sp_ddl_builder *b);
/* The last statement kept makes a foreign key to the table. */
void sp_ddl_refers_to(sp_ddl_builder *b, const char *parent);
void sp_ddl_note(sp_ddl_builder *b, const char *fmt, ...) SP_PRINTF(2, 3);
void sp_ddl_put(sp_ddl_builder *b, const char *text);
void sp_ddl_put_name(sp_ddl_builder *b, const char *name);
void sp_ddl_put_table(sp_ddl_builder *b);
void sp_ddl_put_literal(sp_ddl_builder *b, const char *text);
void sp_ddl_put_number(sp_ddl_builder *b, const char *before, int64_t v);
/* A name in a schema, which is left out where it is the source's default; and a type with one in front. */
void sp_ddl_put_place(sp_ddl_builder *b, const char *space, const char *name);
const char *sp_ddl_local_type(const sp_ddl_builder *b, const char *spelled);
/* The type that a column gets. */
void sp_ddl_put_type(sp_ddl_builder *b, uint32_t field);
/* (a, b), by their numbers in the catalog. */
void sp_ddl_put_columns(sp_ddl_builder *b, const uint32_t *columns, uint32_t n);
/* The names of columns. NULL: no memory. */
const char *const *sp_ddl_names_of(sp_ddl_builder *b, const uint32_t *columns, uint32_t n);
/* (a, b(20) DESC): as much of each as an index of the target holds; a unique one holds all. parts may be NULL. */
void sp_ddl_put_parts(sp_ddl_builder *b, const char *const *columns, const sp_cat_part *parts, uint32_t n, bool unique);
void sp_ddl_put_constraint_name(sp_ddl_builder *b, const char *name);
/* Appends the expression, or leaves the statement as it was. */
bool sp_ddl_put_expr(sp_ddl_builder *b, const char *sql, const char *value);
const sp_cat_column *sp_ddl_column_of(const sp_ddl_builder *b, const char *name);
bool sp_ddl_is_copied(const sp_ddl_builder *b, uint32_t column);
bool sp_ddl_has_all(const sp_ddl_builder *b, const uint32_t *columns, uint32_t n);
bool sp_ddl_uses_missing(const sp_ddl_builder *b, const char *sql);
/* MariaDB makes neither columns nor conditions of what it numbers itself. */
bool sp_ddl_needs_counter(const sp_ddl_builder *b, const char *sql);
/* Takes the generated columns out of made that cannot be said in the target's words. */
void sp_ddl_drop_unmade(sp_ddl_builder *b);
/* The column's type can be said as the source says it. */
bool sp_ddl_is_said_again(const sp_ddl_builder *b, const sp_field *f, const sp_cat_column *c);
/* Only of columns, for all rows: what any dialect can say. */
bool sp_ddl_is_plain_key(const sp_cat_key *key);

/* ---- ddl_types.c ---- */

void sp_ddl_add_schema(sp_ddl_builder *b);        /* that the catalogue says the table is in */
void sp_ddl_add_space_of_name(sp_ddl_builder *b); /* that a plan's name of the table says it is in: PostgreSQL's */
void sp_ddl_add_column_types(sp_ddl_builder *b);
void sp_ddl_add_sequences(sp_ddl_builder *b);
/* What PostgreSQL numbers a column by: the source's sequence, or NULL where it has none of its own; but one of ours, with a name, where
 * the column cannot be an identity: it may be null, or its numbers have no sign and it is numeric. */
const sp_cat_sequence *sp_ddl_sequence_of(sp_ddl_builder *b, const sp_cat_column *c);
/* INCREMENT BY, MINVALUE and the others, each with a space in front. */
void sp_ddl_put_sequence_options(sp_ddl_builder *b, const sp_cat_sequence *s);

/* ---- ddl_table.c ---- */

/* The column that MariaDB can number itself, by ones, for a key or an index of the table begins with it; -1: there is none. */
int32_t sp_ddl_find_counter(const sp_ddl_builder *b);
/* The index that this takes where no key begins with the column; NULL: a key does, or there is no such column. */
const sp_cat_index *sp_ddl_counting_index(const sp_ddl_builder *b);
/* The target can number the column. */
bool sp_ddl_is_numbered(const sp_ddl_builder *b, const sp_cat_column *c);
/* The key is made with the table, not after the rows. */
bool sp_ddl_is_inside(const sp_ddl_builder *b, const sp_cat_key *key);
bool sp_ddl_is_whole(const sp_ddl_builder *b);
void sp_ddl_add_table(sp_ddl_builder *b);
/* The statement that made it in the source can make it here. */
bool sp_ddl_is_made_again(sp_ddl_builder *b);
bool sp_ddl_can_refer(sp_ddl_builder *b, const sp_cat_foreign_key *f);
/* MariaDB wants the columns on both sides to be of one type, and an index behind those of the parent. */
bool sp_ddl_matches(sp_ddl_builder *b, const sp_cat_foreign_key *f);
void sp_ddl_put_foreign_key(sp_ddl_builder *b, const sp_cat_foreign_key *f);

/* ---- ddl_after.c ---- */

void sp_ddl_add_numbering(sp_ddl_builder *b);
void sp_ddl_add_keys(sp_ddl_builder *b);
void sp_ddl_add_indexes(sp_ddl_builder *b);
void sp_ddl_add_foreign_keys(sp_ddl_builder *b);
void sp_ddl_add_unchecked(sp_ddl_builder *b);
void sp_ddl_add_comments(sp_ddl_builder *b);
/* What only one server has words for: there; elsewhere it is named. */
void sp_ddl_add_settings(sp_ddl_builder *b);

#endif
