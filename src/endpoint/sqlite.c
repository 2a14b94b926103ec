/* sqlite.c - the sink of SQLite files: one lane, a transaction a chunk, a hundred rows a statement.
 *
 * What SQLite has no type for is written as its documentation advises, and as its functions read
 * it:
 *
 * - booleans: 0 and 1
 * - decimals: a number, REAL where it has places, refused where it is not exact; text in a column declared TEXT
 * - dates and times: ISO 8601 text (timestamptz with Z); seconds since 1970 in a column with INTEGER
 *   affinity
 * - uuid: 36 characters; 16 bytes in a column declared BLOB
 * - lists: JSON text
 * - NaN: refused, SQLite would store NULL
 *
 * Durability: SQLite's rollback journal with synchronous=NORMAL, so a commit survives the death of
 * this process, and after a power failure the file is whole. New pages need no journal: measured,
 * it loads a quarter faster than a WAL, which writes every page twice. A file that is in WAL mode
 * stays in it. Foreign keys are enforced, parents are loaded before children; with
 * --defer-constraints they are checked once, in finish. */
#include "endpoint/ddl.h"
#include "endpoint/endpoints.h"
#include "endpoint/landed.h"
#include "endpoint/problems.h"
#include "endpoint/sqlite_cells.h"
#include "endpoint/order.h"
#include "os/os.h"

#include <stdio.h>
#include <strings.h>

enum {
    CHUNK_BYTES = 8 << 20, /* of a transaction */
    CHUNK_ROWS_MIN = 1000,
    STATEMENT_ROWS_MAX = 128, /* a power of two: a full batch divides into statements */
    STATEMENT_SIZES = 8,      /* 1, 2, 4 ... 128 */
    PARENTS_SHOWN = 5,        /* foreign key violations told */
};

typedef struct sqlite_table {
    const sp_schema *schema;
    sp_sqlite_target *targets; /* one a field */
    uint32_t statement_rows;
} sqlite_table;

typedef struct sqlite_sink {
    sp_sink base;
    sp_arena arena;
    const char *path;
    sqlite3 *db;
    bool made_file, prepared;
    bool wal; /* the file's journal mode */
    sqlite_table *tables;
    uint32_t n_tables;
    sp_job_memory memory;
    sp_ddl ddl;
} sqlite_sink;

typedef struct sqlite_lane {
    sp_lane base;
    const sqlite_table *table; /* whose statements these are */
    uint32_t table_number;
    sqlite3_stmt *statements[STATEMENT_SIZES]; /* of 2^i rows, prepared when first needed */
    sp_buf made;                               /* text made for the cells of one statement */
    sp_buf list;
    bool in_chunk;
} sqlite_lane;

static sqlite_sink *self_of(sp_sink *s)
{
    return (sqlite_sink *)s;
}

static int run(sqlite_sink *s, const char *sql, spate_error *err)
{
    return sp_sqlite_run(s->db, sql, s->path, err);
}

/* ---- looking at the target ------------------------------------------------------------------- */

/* SELECT columns FROM pragma_x('table'), as a statement at its first row or end. */
static int ask_pragma(sqlite_sink *s, const char *select, const char *table, sqlite3_stmt **out,
                      spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_buf_adds(&sql, select) || sp_buf_adds(&sql, "(") ||
                     sp_sql_literal(&sql, sp_str_of(table)) || sp_buf_add(&sql, ")", 2)
                 ? sp_fail_nomem(err)
                 : SPATE_OK;
    if (rc == SPATE_OK && sp_sqlite.prepare_v2(s->db, sql.data, -1, out, NULL) != SQLITE_OK)
        rc = sp_sqlite_fail(err, s->db, s->path);
    sp_buf_done(&sql);
    return rc;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sp_sqlite.column_text(row, column);
    return text ? text : "";
}

/* The fields of table that the row's column is for, or -1. */
static int field_of(const sp_schema *schema, const char *name)
{
    for (uint32_t f = 0; f < schema->n_fields; f++)
        if (strcasecmp(schema->fields[f].name, name) == 0)
            return (int)f;
    return -1;
}

enum { COLUMN_NAME, COLUMN_TYPE, COLUMN_NOT_NULL, COLUMN_DEFAULT, COLUMN_KEY, COLUMN_HIDDEN };

static int look_at_column(sqlite_table *t, sqlite3_stmt *row, int n_keys, sp_problems *p)
{
    const char *name = text_at(row, COLUMN_NAME), *type = text_at(row, COLUMN_TYPE);
    int f = field_of(t->schema, name);
    bool generated = sp_sqlite.column_int64(row, COLUMN_HIDDEN) > 1;
    bool rowid = n_keys == 1 && sp_sqlite.column_int64(row, COLUMN_KEY) == 1 &&
                 strcasecmp(type, "INTEGER") == 0;
    char what[400] = "";
    if (f < 0) {
        if (sp_sqlite.column_int64(row, COLUMN_NOT_NULL) && !generated && !rowid &&
            sp_sqlite.column_type(row, COLUMN_DEFAULT) == SQLITE_NULL)
            snprintf(what, sizeof(what),
                     "column \"%.150s\" is NOT NULL without a default, and nothing fills it", name);
        return *what ? sp_problems_add(p, t->schema, what) : SPATE_OK;
    }
    sp_kind kind = t->schema->fields[f].type.kind;
    t->targets[f] = (sp_sqlite_target){
        .found = true, .affinity = sp_sqlite_affinity(type), .blob = strcasecmp(type, "BLOB") == 0};
    if (generated)
        snprintf(what, sizeof(what), "column \"%.150s\" is generated by SQLite", name);
    else if (rowid && !(kind == SP_I16 || kind == SP_I32 || kind == SP_I64 || kind == SP_U64))
        snprintf(
            what, sizeof(what),
            "column \"%.150s\" is INTEGER PRIMARY KEY, which takes integers only, its cells are %s",
            name, sp_kind_name(kind));
    return *what ? sp_problems_add(p, t->schema, what) : SPATE_OK;
}

static int count_keys(sqlite_sink *s, const char *table, int *keys, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    int rc = ask_pragma(s, "SELECT pk FROM pragma_table_xinfo", table, &row, err);
    *keys = 0;
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW)
        *keys += sp_sqlite.column_int64(row, 0) > 0;
    sp_sqlite.finalize(row);
    return rc;
}

static int look_at(sqlite_sink *s, sqlite_table *t, sp_problems *p, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    int keys, rc = count_keys(s, t->schema->table, &keys, err);
    if (rc == SPATE_OK)
        rc = ask_pragma(
            s, "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo",
            t->schema->table, &row, err);
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW)
        rc = look_at_column(t, row, keys, p) ? sp_fail_nomem(err) : SPATE_OK;
    sp_sqlite.finalize(row);
    for (uint32_t f = 0; f < t->schema->n_fields && rc == SPATE_OK; f++) {
        char what[300];
        snprintf(what, sizeof(what), "has no column \"%.200s\"", t->schema->fields[f].name);
        if (!t->targets[f].found)
            rc = sp_problems_add(p, t->schema, what) ? sp_fail_nomem(err) : SPATE_OK;
    }
    return rc;
}

static bool table_exists(sqlite_sink *s, const char *table)
{
    sqlite3_stmt *row = NULL;
    bool there = ask_pragma(s, "SELECT 1 FROM pragma_table_xinfo", table, &row, NULL) == SPATE_OK &&
                 sp_sqlite.step(row) == SQLITE_ROW;
    sp_sqlite.finalize(row);
    return there;
}

static int check_presence(sqlite_sink *s, sp_problems *p)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++) {
        const sp_schema *schema = s->tables[i].schema;
        unsigned before = p->n;
        rc = sp_problems_presence(p, schema, table_exists(s, schema->table), &s->base.options);
        if (rc == SPATE_OK && p->n == before && strchr(schema->table, '.'))
            rc = sp_problems_add(p, schema, "SQLite has no schemas: name the table without one");
    }
    return rc;
}

/* ---- dependencies ---------------------------------------------------------------------------- */

static void add_dep(sqlite_sink *s, uint32_t child, const char *parent)
{
    sp_sink_deps *deps = &s->base.deps[child];
    for (uint32_t t = 0; t < s->n_tables; t++) {
        if (t != child && strcasecmp(s->tables[t].schema->table, parent) == 0)
            sp_deps_add(deps, t);
    }
}

static int check_cycles(sqlite_sink *s, spate_error *err)
{
    uint32_t table;
    if (!sp_deps_find_circle(&s->arena, s->base.deps, s->n_tables, &table))
        return sp_fail_nomem(err);
    return table < s->n_tables ? sp_fail_circle(err, s->tables[table].schema->table) : SPATE_OK;
}

/* The foreign keys that the file has, whoever made them. */
static int find_deps(sqlite_sink *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < s->n_tables && rc == SPATE_OK; t++) {
        sqlite3_stmt *row = NULL;
        rc = ask_pragma(s, "SELECT \"table\" FROM pragma_foreign_key_list",
                        s->tables[t].schema->table, &row, err);
        while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW)
            add_dep(s, t, text_at(row, 0));
        sp_sqlite.finalize(row);
    }
    return rc == SPATE_OK ? check_cycles(s, err) : rc;
}

/* ---- prepare --------------------------------------------------------------------------------- */

static uint32_t power_of_two_below(uint32_t n)
{
    uint32_t power = 1;
    while (2 * power <= n)
        power *= 2;
    return power;
}

static int allocate(sqlite_sink *s, const sp_schema *const *tables, uint32_t n)
{
    sp_arena *a = &s->arena;
    const sp_sink_options *o = &s->base.options;
    s->tables = sp_arena_alloc(a, n, sizeof(*s->tables));
    s->base.chunk_rows = sp_arena_alloc(a, n, sizeof(*s->base.chunk_rows));
    s->base.deps = sp_arena_alloc(a, n, sizeof(*s->base.deps));
    s->base.bytes_written = sp_arena_alloc(a, n, sizeof(*s->base.bytes_written));
    if (!s->tables || !s->base.chunk_rows || !s->base.deps || !s->base.bytes_written)
        return SPATE_E_NOMEM;
    s->n_tables = n;
    uint32_t variables = (uint32_t)sp_sqlite.limit(s->db, SQLITE_LIMIT_VARIABLE_NUMBER, -1);
    for (uint32_t i = 0; i < n; i++) {
        sqlite_table *t = &s->tables[i];
        t->schema = tables[i];
        t->targets = sp_arena_alloc(a, tables[i]->n_fields, sizeof(*t->targets));
        s->base.deps[i].tables = sp_arena_alloc(a, n, sizeof(uint32_t));
        if (!t->targets || !s->base.deps[i].tables)
            return SPATE_E_NOMEM;
        uint32_t rows = SP_MAX(
            SP_MIN(variables / SP_MAX(tables[i]->n_fields, 1u), (uint32_t)STATEMENT_ROWS_MAX), 1u);
        bool statement_size =
            o->batch_rows && o->mode != SP_INSERT_DEFAULT && o->mode != SP_INSERT_COPY;
        t->statement_rows = power_of_two_below(
            statement_size ? (uint32_t)SP_MIN(o->batch_rows, (uint64_t)rows) : rows);
        uint64_t fit = CHUNK_BYTES / SP_MAX(sp_schema_row_bytes(tables[i]), 1u);
        s->base.chunk_rows[i] = o->batch_rows && !statement_size
                                    ? o->batch_rows
                                    : SP_MAX(fit, (uint64_t)CHUNK_ROWS_MIN);
    }
    return SPATE_OK;
}

/* Runs head "table". */
static int run_for(sqlite_sink *s, const char *head, const char *table, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_buf_adds(&sql, head) || sp_sql_ident(&sql, table) || sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : run(s, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

/* Children are behind their parents in the list, so they go first. */
static int drop_or_empty(sqlite_sink *s, const char *head, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = s->n_tables; i-- > 0 && rc == SPATE_OK;)
        rc = run_for(s, head, s->tables[i].schema->table, err);
    return rc;
}

static int run_step(sqlite_sink *s, sp_ddl_step step, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && rc == SPATE_OK; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        if (d->step != step)
            continue;
        rc = run(s, d->sql, err);
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "table \"%s\": %s", s->tables[d->table].schema->table, d->what);
    }
    return rc;
}

static int check_upsert(sqlite_sink *s, spate_error *err)
{
    for (uint32_t i = 0; i < s->n_tables && s->base.options.mode == SP_INSERT_UPSERT; i++)
        if (s->tables[i].schema->n_primary_key == 0)
            return sp_fail(err, SPATE_E_CONFIG,
                           "cannot upsert into table \"%s\": it has no primary key in the plan",
                           s->tables[i].schema->table);
    return SPATE_OK;
}

/* ---- jobs ---- */

/* Runs what a builder of landed.h has built, handing rows, if there are any, to each. */
static int run_built(sqlite_sink *s, sp_buf *sql, int built, int (*each)(sqlite_sink *, sqlite3_stmt *, spate_error *),
                     spate_error *err)
{
    sqlite3_stmt *row = NULL;
    int rc = built ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK && !each)
        rc = run(s, sql->data, err);
    else if (rc == SPATE_OK && sp_sqlite.prepare_v2(s->db, sql->data, -1, &row, NULL) != SQLITE_OK)
        rc = sp_sqlite_fail(err, s->db, s->path);
    int step = SQLITE_DONE;
    while (rc == SPATE_OK && row && (step = sp_sqlite.step(row)) == SQLITE_ROW)
        rc = each(s, row, err);
    if (rc == SPATE_OK && step != SQLITE_DONE)
        rc = sp_sqlite_fail(err, s->db, s->path);
    sp_sqlite.finalize(row);
    sp_buf_done(sql);
    return rc;
}

static int read_claim(sqlite_sink *s, sqlite3_stmt *row, spate_error *err)
{
    return sp_job_claimed(&s->memory, (uint64_t)sp_sqlite.column_int64(row, 0), sp_sqlite.column_int64(row, 1) != 0,
                          text_at(row, 2), err);
}

static int read_chunk(sqlite_sink *s, sqlite3_stmt *row, spate_error *err)
{
    return sp_job_add(&s->memory, text_at(row, 0), (uint64_t)sp_sqlite.column_int64(row, 1),
                      (uint64_t)sp_sqlite.column_int64(row, 2), (uint64_t)sp_sqlite.column_int64(row, 3))
               ? sp_fail_nomem(err)
               : SPATE_OK;
}

static int claim_job(sqlite_sink *s, spate_error *err)
{
    if (!s->memory.job || s->base.options.dry_run)
        return SPATE_OK;
    sp_buf sql = {0};
    int rc = run(s, sp_job_tables_sql, err);
    if (rc == SPATE_OK)
        rc = run_built(s, &sql, sp_job_claim_sql(&s->memory, &sql), read_claim, err);
    if (rc == SPATE_OK)
        rc = run_built(s, &sql, sp_job_chunks_sql(&s->memory, &sql), read_chunk, err);
    if (rc == SPATE_OK && !(s->base.landed = sp_job_landed(&s->memory)))
        rc = sp_fail_nomem(err);
    return rc;
}

static int forget(sp_sink *sink, spate_error *err)
{
    sqlite_sink *s = self_of(sink);
    sp_buf sql = {0};
    int rc = run_built(s, &sql, sp_job_forget_sql(&s->memory, &sql), NULL, err);
    sqlite3_stmt *row = NULL;
    if (rc == SPATE_OK && sp_sqlite.prepare_v2(s->db, "SELECT 1 FROM spate_job", -1, &row, NULL) != SQLITE_OK)
        rc = sp_sqlite_fail(err, s->db, s->path);
    bool last = rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_DONE;
    sp_sqlite.finalize(row);
    return last ? run(s, "DROP TABLE spate_chunk; DROP TABLE spate_job", err) : rc;
}

static int abandon(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err)
{
    sqlite_sink *s = self_of(sink);
    int rc = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    return rc == SPATE_OK && table_exists(s, "spate_job") ? forget(sink, err) : rc;
}

/* Inside a transaction, which the caller ends: everything that prepare changes, changes at once. */
static int make_and_look(sqlite_sink *s, sp_problems *p, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    int rc = claim_job(s, err);
    bool fresh = !s->memory.resumed;
    if (rc == SPATE_OK && fresh)
        rc = check_presence(s, p) ? sp_fail_nomem(err) : p->n ? sp_problems_tell(p, s->base.shown, err) : SPATE_OK;
    if (rc == SPATE_OK && fresh && o->create && o->truncate)
        rc = drop_or_empty(s, "DROP TABLE IF EXISTS ", err);
    if (rc == SPATE_OK && fresh && o->create)
        rc = run_step(s, SP_DDL_TABLES, err);
    if (rc == SPATE_OK && fresh && o->create && o->indexes_before)
        rc = run_step(s, SP_DDL_INDEXES, err);
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++)
        rc = look_at(s, &s->tables[i], p, err);
    if (rc == SPATE_OK && p->n)
        return sp_problems_tell(p, s->base.shown, err);
    if (rc == SPATE_OK && fresh && o->truncate && !o->create)
        rc = drop_or_empty(s, "DELETE FROM ", err);
    if (rc == SPATE_OK)
        rc = check_upsert(s, err);
    return rc == SPATE_OK && !o->defer_constraints ? find_deps(s, err) : rc;
}

/* Deferred, so that the order in which tables are emptied does not matter; what is wrong at the end
 * fails the COMMIT. */
static int in_transaction(sqlite_sink *s, sp_problems *p, spate_error *err)
{
    int rc = run(s, "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON", err);
    if (rc != SPATE_OK)
        return rc;
    rc = make_and_look(s, p, err);
    if (rc == SPATE_OK && !s->base.options.dry_run)
        rc = run(s, "COMMIT", err);
    if (rc != SPATE_OK || s->base.options.dry_run)
        (void)!run(s, "ROLLBACK", NULL);
    return rc;
}

/* locking_mode=EXCLUSIVE saves the locks of every transaction, and keeps a WAL's index in memory.
 * cache_size is in KiB. */
static int set_up(sqlite_sink *s, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    if (sp_sqlite.prepare_v2(s->db, "PRAGMA journal_mode", -1, &row, NULL) != SQLITE_OK ||
        sp_sqlite.step(row) != SQLITE_ROW) {
        sp_sqlite.finalize(row);
        return sp_sqlite_fail(err, s->db, s->path);
    }
    s->wal = strcmp(text_at(row, 0), "wal") == 0;
    sp_sqlite.finalize(row);
    int rc = run(s, "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY", err);
    if (rc == SPATE_OK)
        rc = run(s,
                 s->base.options.defer_constraints ? "PRAGMA foreign_keys = OFF"
                                                   : "PRAGMA foreign_keys = ON",
                 err);
    if (rc != SPATE_OK || s->base.options.dry_run)
        return rc;
    rc = run(s,
             "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL; PRAGMA "
             "wal_autocheckpoint = 8192",
             err);
    return rc == SPATE_OK && !s->wal ? run(s, "PRAGMA journal_mode = TRUNCATE", err) : rc;
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables,
                   spate_error *err)
{
    sqlite_sink *s = self_of(sink);
    sp_problems p = {0};
    sp_buf_init(&p.text);
    int rc = sp_sink_refuse_parts(&sink->options, err);
    if (rc == SPATE_OK && allocate(s, tables, n_tables))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    if (rc == SPATE_OK && sink->options.create) {
        rc = sp_ddl_build(&s->ddl, &s->arena, SP_SQL_SQLITE, SP_DDL_KEYS_INSIDE, tables, n_tables, sink->options.catalog, err);
        sink->ddl = &s->ddl;
    }
    if (rc == SPATE_OK)
        rc = set_up(s, err);
    if (rc == SPATE_OK)
        rc = in_transaction(s, &p, err);
    s->prepared = rc == SPATE_OK && !sink->options.dry_run;
    sp_buf_done(&p.text);
    return rc;
}

/* ---- the lane -------------------------------------------------------------------------------- */

static void close_statements(sqlite_lane *l)
{
    for (int i = 0; i < STATEMENT_SIZES; i++) {
        sp_sqlite.finalize(l->statements[i]);
        l->statements[i] = NULL;
    }
}

static int add_tuples(sp_buf *sql, uint32_t columns, uint32_t rows)
{
    int rc = SPATE_OK;
    for (uint32_t r = 0; r < rows && rc == SPATE_OK; r++) {
        rc = sp_buf_adds(sql, r ? ",(?" : " (?");
        for (uint32_t c = 1; c < columns && rc == SPATE_OK; c++)
            rc = sp_buf_adds(sql, ",?");
        if (rc == SPATE_OK)
            rc = sp_buf_adds(sql, ")");
    }
    return rc;
}

static int prepare_statement(sqlite_lane *l, int size, spate_error *err)
{
    const sp_schema *schema = l->table->schema;
    sqlite_sink *s = self_of(l->base.sink);
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_sql_insert_head(&sql, schema) || add_tuples(&sql, schema->n_fields, 1u << size) ||
             (s->base.options.mode == SP_INSERT_UPSERT && sp_sql_on_conflict(&sql, schema)) ||
             (s->base.options.mode == SP_INSERT_SKIP && sp_buf_adds(&sql, "ON CONFLICT DO NOTHING")) ||
             sp_buf_add(&sql, "", 1);
    if (rc)
        rc = sp_fail_nomem(err);
    else if (sp_sqlite.prepare_v2(s->db, sql.data, -1, &l->statements[size], NULL) != SQLITE_OK)
        rc = sp_sqlite_fail(err, s->db, s->path);
    sp_buf_done(&sql);
    return rc;
}

static int lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    sqlite_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    sp_buf_init(&l->made);
    sp_buf_init(&l->list);
    *lane = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    sqlite_sink *s = self_of(lane->sink);
    const sqlite_table *t = &s->tables[chunk->table];
    SP_ASSERT(!l->in_chunk);
    if (l->table != t)
        close_statements(l);
    l->table = t;
    l->table_number = chunk->table;
    /* Deferred to the COMMIT: rows of a table may refer to later rows of the same chunk. */
    int rc = run(s, "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON", err);
    l->in_chunk = rc == SPATE_OK;
    return rc;
}

/* Inserts rows [from, from + 2^size) in one statement. */
static int write_statement(sqlite_lane *l, const sp_batch *batch, uint32_t from, int size,
                           spate_error *err)
{
    if (!l->statements[size]) {
        int rc = prepare_statement(l, size, err);
        if (rc != SPATE_OK)
            return rc;
    }
    sqlite3_stmt *statement = l->statements[size];
    uint32_t rows = 1u << size, columns = batch->schema->n_fields;
    if (sp_buf_reserve(&l->made, (size_t)rows * columns *
                                     SP_SQLITE_SCRATCH)) /* all at once: it must not move */
        return sp_fail_nomem(err);
    char *made = l->made.data;
    for (uint32_t c = 0; c < columns; c++) {
        sp_sqlite_cells cells = {
            statement, &batch->columns[c], l->table->targets[c], from, rows, c + 1, columns};
        int rc = sp_sqlite_bind(&cells, &made, &l->list, err);
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "column \"%s\"", batch->schema->fields[c].name);
    }
    int step = sp_sqlite.step(statement);
    int rc = step == SQLITE_DONE
                 ? SPATE_OK
                 : sp_sqlite_fail(err, self_of(l->base.sink)->db, self_of(l->base.sink)->path);
    sp_sqlite.reset(statement);
    return rc;
}

static int write_batch(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    uint32_t most = l->table->statement_rows;
    for (uint32_t at = 0; at < batch->rows;) {
        uint32_t rows = power_of_two_below(SP_MIN(batch->rows - at, most));
        int rc = write_statement(l, batch, at, __builtin_ctz(rows), err);
        if (rc != SPATE_OK)
            return rc;
        at += rows;
    }
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        bytes +=
            batch->columns[c].offsets
                ? (uint64_t)batch->columns[c].offsets[batch->rows]
                : (uint64_t)batch->rows * SP_MAX(sp_kind_width(batch->columns[c].type.kind), 1u);
    __atomic_fetch_add(&lane->sink->bytes_written[l->table_number], bytes, __ATOMIC_RELAXED);
    return SPATE_OK;
}

static void rollback(sp_lane *lane)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    close_statements(l);
    if (l->in_chunk) /* fails when SQLite has rolled back by itself: full disk, no memory */
        (void)!run(self_of(lane->sink), "ROLLBACK", NULL);
    l->in_chunk = false;
}

static int commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    sqlite_sink *s = self_of(lane->sink);
    sp_buf sql = {0};
    int rc = s->memory.job ? run_built(s, &sql, sp_job_chunk_sql(&s->memory, chunk, rows, false, &sql), NULL, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = run(s, "COMMIT", err);
    if (rc != SPATE_OK)
        rollback(lane);
    l->in_chunk = false;
    return rc;
}

static void lane_close(sp_lane *lane)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    if (!l)
        return;
    rollback(lane);
    sp_buf_done(&l->made);
    sp_buf_done(&l->list);
    sp_free(l);
}

/* ---- finish ---------------------------------------------------------------------------------- */

/* Tells the first violations with table and rowid, and how many there are. */
static int check_foreign_keys(sqlite_sink *s, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    char list[600] = "", first[200] = "";
    int n = 0;
    size_t len = 0;
    if (sp_sqlite.prepare_v2(s->db, "PRAGMA foreign_key_check", -1, &row, NULL) != SQLITE_OK)
        return sp_sqlite_fail(err, s->db, s->path);
    while (sp_sqlite.step(row) == SQLITE_ROW) {
        if (n == 0)
            snprintf(first, sizeof(first), "%.90s\" refer to no row of table \"%.90s",
                     text_at(row, 0), text_at(row, 2));
        if (n++ < PARENTS_SHOWN && len < sizeof(list))
            len += (size_t)snprintf(list + len, sizeof(list) - len,
                                    "%stable \"%.40s\", rowid %lld, parent \"%.40s\"",
                                    len ? "\n" : "", text_at(row, 0),
                                    (long long)sp_sqlite.column_int64(row, 1), text_at(row, 2));
    }
    sp_sqlite.finalize(row);
    if (n == 0)
        return SPATE_OK;
    sp_fail(err, SPATE_E_DATA, "foreign keys: %d rows, first of table \"%s\"", n, first);
    sp_error_detail(err, "%s", list);
    return SPATE_E_DATA;
}

/* Leaves one file: the WAL goes into it, or the empty journal away. */
static int fold_journal(sqlite_sink *s, spate_error *err)
{
    return run(s, s->wal ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA journal_mode = DELETE", err);
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    sqlite_sink *s = self_of(sink);
    if (!s->prepared)
        return SPATE_OK;
    int rc = complete && sink->options.defer_constraints && sink->options.parts <= 1
                 ? check_foreign_keys(s, err)
                 : SPATE_OK;
    if (rc == SPATE_OK && complete && sink->options.create)
        rc = run_step(s, SP_DDL_INDEXES, err); /* those that are there already stay */
    sp_buf sql = {0};
    if (rc == SPATE_OK && complete && s->memory.job)
        rc = run_built(s, &sql, sp_job_complete_sql(&s->memory, &sql), NULL, err);
    int folded = fold_journal(s, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK && complete ? folded : rc;
}

static void sink_close(sp_sink *sink)
{
    sqlite_sink *s = self_of(sink);
    if (!s)
        return;
    if (s->db)
        sp_sqlite.close_v2(s->db);
    if (s->made_file && !s->prepared)
        (void)!sp_os_unlink(s->path, NULL);
    sp_arena_done(&s->arena);
    sp_free(s);
}

/* ---- open ------------------------------------------------------------------------------------ */

static const sp_sink_ops sqlite_ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = write_batch,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .finish = finish,
    .forget = forget,
    .abandon = abandon,
    .close = sink_close,
};

static int check_options(const sp_uri *uri, const sp_sink_options *o, spate_error *err)
{
    if (!*uri->path || strcmp(uri->path, ":memory:") == 0)
        return sp_fail(err, SPATE_E_USAGE, "an SQLite sink needs the name of a file");
    if (!o->create && !sp_os_exists(uri->path)) {
        sp_fail(err, SPATE_E_UNREACHABLE, "there is no file \"%s\"", uri->path);
        sp_error_hint(err, "--create makes the file and its tables");
        return SPATE_E_UNREACHABLE;
    }
    return SPATE_OK;
}

static int open_file(sqlite_sink *s, const sp_uri *uri, spate_error *err)
{
    s->path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    s->base.shown = sp_arena_printf(&s->arena, "sqlite:%s", uri->path);
    s->base.how_to_query = sp_arena_printf(&s->arena, "sqlite3 %s 'select …'", uri->path);
    if (!s->path || !s->base.shown || !s->base.how_to_query)
        return sp_fail_nomem(err);
    bool missing = !sp_os_exists(s->path), pretend = missing && s->base.options.dry_run;
    int rc = sp_sqlite_open(pretend ? ":memory:" : s->path,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s->db, err);
    s->made_file = rc == SPATE_OK && missing && !pretend;
    /* Opening reads nothing yet; this tells a file that is no database, or one that is locked. */
    return rc == SPATE_OK ? run(s, "SELECT count(*) FROM sqlite_master", err) : rc;
}

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    int rc = check_options(uri, options, err);
    if (rc != SPATE_OK)
        return rc;
    sqlite_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &sqlite_ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_NONE;
    s->base.lanes_max = 1;
    rc = open_file(s, uri, err);
    if (rc != SPATE_OK) {
        sink_close(&s->base);
        return rc;
    }
    *sink = &s->base;
    return SPATE_OK;
}

const sp_endpoint sp_endpoint_sqlite = {
    .schemes = {"sqlite"},
    .params = "",
    .sink_open = sink_open,
    .source_open = sp_sqlite_source_open,
    .describe = sp_sqlite_describe,
    .described = true,
};
