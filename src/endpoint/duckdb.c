/* duckdb.c - the sink of DuckDB files: opens one, looks whether its tables can be loaded before anything is changed, and finishes
 * with one checkpoint. Chunks are transactions, so a run that dies leaves the chunks it committed and nothing else. What is changed
 * of the tables themselves is duckdb_schema.c's. */
#include "endpoint/duckdb_sink.h"
#include "endpoint/endpoints.h"
#include "endpoint/problems.h"

#include "os/os.h"

#include <stdio.h>
#include <strings.h>

static sp_duckdb_sink *self_of(sp_sink *s)
{
    return (sp_duckdb_sink *)s;
}

static int add_fields(sp_buf *sql, const sp_schema *schema)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < schema->n_fields && rc == SPATE_OK; i++)
        rc = (i && sp_buf_adds(sql, ", ")) || sp_sql_name(sql, schema->fields[i].name) ? SPATE_E_NOMEM : SPATE_OK;
    return rc;
}

/* ---- looking at the target's columns --------------------------------------------------------- */

typedef struct target {
    duckdb_result columns; /* SELECT * LIMIT 0: names and types */
    duckdb_result facts;   /* name, type in words, must be given */
} target;

static int look_up(sp_duckdb_sink *s, const sp_duckdb_table *t, target *out, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_buf_adds(&sql, "SELECT * FROM ") || sp_buf_adds(&sql, t->sql) || sp_buf_add(&sql, " LIMIT 0", 9)
                 ? sp_fail_nomem(err)
                 : sp_duckdb_ask(s->conn, sql.data, &out->columns, err);
    if (rc != SPATE_OK)
        goto done;
    sql.len = 0;
    rc = sp_buf_adds(&sql, "SELECT column_name, data_type, NOT is_nullable AND column_default IS NULL "
                           "FROM duckdb_columns() "
                           "WHERE database_name = current_database() AND lower(schema_name) = lower(") ||
         (t->space ? sp_sql_literal(&sql, sp_str_of(t->space)) : sp_buf_adds(&sql, "current_schema()")) ||
         sp_buf_adds(&sql, ") AND lower(table_name) = lower(") || sp_sql_literal(&sql, sp_str_of(t->name)) ||
         sp_buf_add(&sql, ") ORDER BY column_index", 24);
    rc = rc ? sp_fail_nomem(err) : sp_duckdb_ask(s->conn, sql.data, &out->facts, err);
    if (rc != SPATE_OK)
        sp_duckdb.destroy_result(&out->columns);
done:
    sp_buf_done(&sql);
    return rc;
}

static int find_column(target *t, const char *name)
{
    idx_t n = sp_duckdb.column_count(&t->columns);
    for (idx_t i = 0; i < n; i++)
        if (strcasecmp(sp_duckdb.column_name(&t->columns, i), name) == 0)
            return (int)i;
    return -1;
}

static int fit_field(sp_duckdb_sink *s, sp_duckdb_table *table, uint32_t f, target *t, sp_problems *p)
{
    const sp_field *field = &table->schema->fields[f];
    char why[160], what[512];
    int at = find_column(t, field->name);
    if (at < 0) {
        snprintf(what, sizeof(what), "has no column \"%s\"", field->name);
        return sp_problems_add(p, table->schema, what);
    }
    duckdb_logical_type type = sp_duckdb.column_logical_type(&t->columns, (idx_t)at);
    bool fits = sp_duckdb_column_init(&table->columns[f], field, type, &s->arena, why);
    sp_duckdb.destroy_logical_type(&type);
    table->types[f] = table->columns[f].type;
    if (fits)
        return SPATE_OK;
    char *words = sp_duckdb.value_varchar(&t->facts, 1, (idx_t)at);
    snprintf(what, sizeof(what), "column \"%s\" is %.100s, its cells are %s: %s", field->name, words ? words : "?",
             sp_kind_name(field->type.kind), why);
    sp_duckdb.free(words);
    return sp_problems_add(p, table->schema, what);
}

/* A value of the field that DuckDB cannot read as the column's type, which is spelled in words. */
static int values_sql(const sp_field *field, const char *words, sp_buf *sql)
{
    int built = sp_buf_adds(sql, "SELECT v FROM (VALUES (");
    for (uint32_t i = 0; i < field->n_values && !built; i++)
        built = sp_buf_adds(sql, i ? "), (" : "") || sp_sql_literal(sql, field->values[i]);
    return built || sp_buf_printf(sql, ")) AS t (v) WHERE TRY_CAST(v AS %s) IS NULL", words) ||
           sp_buf_add(sql, " LIMIT 1", 9);
}

/* Whether the plan's own words can be read as what is neither text nor an enumeration is DuckDB's to say. */
static int check_values(sp_duckdb_sink *s, const sp_duckdb_table *table, uint32_t f, target *t, sp_problems *p,
                        spate_error *err)
{
    const sp_field *field = &table->schema->fields[f];
    int at = find_column(t, field->name);
    duckdb_type id = at < 0 ? DUCKDB_TYPE_VARCHAR : sp_duckdb.column_type(&t->columns, (idx_t)at);
    if (id == DUCKDB_TYPE_VARCHAR || id == DUCKDB_TYPE_ENUM || !field->n_values ||
        field->n_values > SP_FIELD_VALUES_ASKED)
        return SPATE_OK;
    char *words = sp_duckdb.value_varchar(&t->facts, 1, (idx_t)at), what[512];
    duckdb_result refused;
    sp_buf sql;
    sp_buf_init(&sql);
    int rc =
        !words || values_sql(field, words, &sql) ? sp_fail_nomem(err) : sp_duckdb_ask(s->conn, sql.data, &refused, err);
    sp_buf_done(&sql);
    if (rc == SPATE_OK && sp_duckdb.row_count(&refused) > 0) {
        char *value = sp_duckdb.value_varchar(&refused, 0, 0);
        snprintf(what, sizeof(what), "column \"%s\" is %.100s, which cannot be \"%.100s\"", field->name, words,
                 value ? value : "?");
        sp_duckdb.free(value);
        rc = sp_problems_add(p, table->schema, what) ? sp_fail_nomem(err) : SPATE_OK;
    }
    if (rc == SPATE_OK)
        sp_duckdb.destroy_result(&refused);
    sp_duckdb.free(words);
    return rc;
}

/* A column that must have a value and that the plan does not fill. */
static int check_unfilled(const sp_schema *schema, target *t, sp_problems *p)
{
    int rc = SPATE_OK;
    idx_t n = sp_duckdb.row_count(&t->facts);
    for (idx_t i = 0; i < n && rc == SPATE_OK; i++) {
        char *name = sp_duckdb.value_varchar(&t->facts, 0, i), what[512];
        bool filled = false;
        for (uint32_t f = 0; f < schema->n_fields && name; f++)
            filled |= strcasecmp(schema->fields[f].name, name) == 0;
        if (name && !filled && sp_duckdb.value_boolean(&t->facts, 2, i)) {
            snprintf(what, sizeof(what), "column \"%s\" is NOT NULL without a default, and nothing fills it", name);
            rc = sp_problems_add(p, schema, what);
        }
        sp_duckdb.free(name);
    }
    return rc;
}

/* INSERT INTO "t" ("a", "b") with the given end. */
static const char *insert_text(sp_duckdb_sink *s, const sp_duckdb_table *t, const char *end)
{
    sp_buf sql;
    sp_buf_init(&sql);
    const char *text = NULL;
    if (!sp_buf_adds(&sql, "INSERT INTO ") && !sp_buf_adds(&sql, t->sql) && !sp_buf_adds(&sql, " (") &&
        !add_fields(&sql, t->schema) && !sp_buf_adds(&sql, ") ") && !sp_buf_adds(&sql, end))
        text = sp_arena_strndup(&s->arena, sql.data, sql.len);
    sp_buf_done(&sql);
    return text;
}

/* Lets DuckDB read the INSERT: it refuses views, generated columns and the like. */
static int try_insert(sp_duckdb_sink *s, sp_duckdb_table *table, sp_problems *p, spate_error *err)
{
    sp_buf end;
    sp_buf_init(&end);
    int rc = sp_buf_adds(&end, "SELECT NULL");
    for (uint32_t i = 1; i < table->schema->n_fields && rc == SPATE_OK; i++)
        rc = sp_buf_adds(&end, ", NULL");
    const char *sql = rc || sp_buf_add(&end, " LIMIT 0", 9) ? NULL : insert_text(s, table, end.data);
    sp_buf_done(&end);
    if (!sql)
        return sp_fail_nomem(err);
    duckdb_prepared_statement statement = NULL;
    if (sp_duckdb.prepare(s->conn, sql, &statement) == DuckDBError) {
        const char *why = sp_duckdb.prepare_error(statement);
        char what[300];
        snprintf(what, sizeof(what), "%.*s", (int)strcspn(why ? why : "?", "\n"), why ? why : "?");
        rc = sp_problems_add(p, table->schema, what);
    }
    sp_duckdb.destroy_prepare(&statement);
    return rc ? sp_fail_nomem(err) : SPATE_OK;
}

static int look_at(sp_duckdb_sink *s, sp_duckdb_table *table, sp_problems *p, spate_error *err)
{
    target t;
    unsigned before = p->n;
    int rc = look_up(s, table, &t, err);
    if (rc != SPATE_OK)
        return rc;
    for (uint32_t f = 0; f < table->schema->n_fields && rc == SPATE_OK; f++)
        rc = fit_field(s, table, f, &t, p);
    if (rc == SPATE_OK)
        rc = check_unfilled(table->schema, &t, p);
    if (rc != SPATE_OK)
        sp_fail_nomem(err);
    for (uint32_t f = 0; f < table->schema->n_fields && rc == SPATE_OK; f++)
        rc = check_values(s, table, f, &t, p, err);
    sp_duckdb.destroy_result(&t.columns);
    sp_duckdb.destroy_result(&t.facts);
    if (rc != SPATE_OK)
        return rc;
    return p->n == before ? try_insert(s, table, p, err) : SPATE_OK;
}

/* ---- prepare --------------------------------------------------------------------------------- */

/* A name with dots may be that of a schema and a table, of which each may have dots. Which it is the file says, where the table is there; else
 * the schema ends at the first dot. */
static int find_dotted(sp_duckdb_sink *s, sp_duckdb_table *t)
{
    sp_str name = sp_str_of(t->schema->table);
    duckdb_result found;
    sp_buf sql = {0};
    int rc =
        sp_buf_adds(&sql,
                    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND "
                    "(lower(schema_name || '.' || table_name) = lower(") ||
        sp_sql_literal(&sql, name) ||
        sp_buf_adds(&sql, ") OR schema_name = current_schema() AND lower(table_name) = lower(") ||
        sp_sql_literal(&sql, name) ||
        sp_buf_adds(&sql, ")) ORDER BY length(schema_name || table_name), length(schema_name) LIMIT 1") ||
        sp_buf_add(&sql, "", 1);
    if (rc == SPATE_OK && sp_duckdb_ask(s->conn, sql.data, &found, NULL) == SPATE_OK) {
        char *space = sp_duckdb.row_count(&found) ? sp_duckdb.value_varchar(&found, 0, 0) : NULL,
             *table = space ? sp_duckdb.value_varchar(&found, 1, 0) : NULL;
        t->space = table ? sp_arena_strndup(&s->arena, space, strlen(space)) : NULL;
        t->name = table ? sp_arena_strndup(&s->arena, table, strlen(table)) : NULL;
        rc = table && !(t->space && t->name);
        sp_duckdb.free(space);
        sp_duckdb.free(table);
        sp_duckdb.destroy_result(&found);
    }
    sp_buf_done(&sql);
    return rc;
}

static int find_table(sp_duckdb_sink *s, sp_duckdb_table *t)
{
    const char *name = t->schema->table, *dot = strchr(name, '.');
    int rc = dot && !s->base.options.create ? find_dotted(s, t) : SPATE_OK;
    if (rc == SPATE_OK && !t->name) {
        t->space = dot ? sp_arena_strndup(&s->arena, name, (size_t)(dot - name)) : NULL;
        t->name = dot ? dot + 1 : name;
        rc = dot && !t->space;
    }
    sp_buf sql = {0};
    rc = rc || (t->space && (sp_sql_name(&sql, t->space) || sp_buf_adds(&sql, "."))) || sp_sql_name(&sql, t->name) ||
         sp_buf_add(&sql, "", 1) || !(t->sql = sp_arena_strndup(&s->arena, sql.data, sql.len - 1));
    sp_buf_done(&sql);
    return rc;
}

static int allocate(sp_duckdb_sink *s, const sp_schema *const *tables, uint32_t n)
{
    sp_arena *a = &s->arena;
    s->tables = sp_arena_alloc(a, n, sizeof(*s->tables));
    if (!s->tables || !sp_sink_make_room(&s->base, a, n))
        return SPATE_E_NOMEM;
    s->n_tables = n;
    for (uint32_t i = 0; i < n; i++) {
        sp_duckdb_table *t = &s->tables[i];
        t->schema = tables[i];
        t->columns = sp_arena_alloc(a, tables[i]->n_fields, sizeof(*t->columns));
        t->types = sp_arena_alloc(a, tables[i]->n_fields, sizeof(*t->types));
        t->names = sp_arena_alloc(a, tables[i]->n_fields, sizeof(*t->names));
        s->base.deps[i].tables = sp_arena_alloc(a, n, sizeof(uint32_t));
        if (!t->columns || !t->types || !t->names || find_table(s, t) ||
            !(t->insert = insert_text(s, t, "FROM spate_rows")) || !s->base.deps[i].tables)
            return SPATE_E_NOMEM;
        for (uint32_t f = 0; f < tables[i]->n_fields; f++)
            t->names[f] = tables[i]->fields[f].name;
        uint32_t rows = SP_DUCKDB_FLUSH_BYTES / SP_MAX(sp_schema_row_bytes(tables[i]), 1u);
        t->flush_rows = SP_MIN(SP_MAX(rows, (uint32_t)SP_DUCKDB_FLUSH_ROWS_MIN), (uint32_t)SP_DUCKDB_ROW_GROUP);
        s->base.chunk_rows[i] = s->base.options.batch_rows ? s->base.options.batch_rows : SP_DUCKDB_CHUNK_ROWS;
    }
    return SPATE_OK;
}

/* Tables that are there and should not be, and the other way round. */
static int check_presence(sp_duckdb_sink *s, sp_problems *p)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++) {
        const sp_schema *schema = s->tables[i].schema;
        rc = sp_problems_presence(p, schema, sp_duckdb_table_exists(s, &s->tables[i]), &s->base.options);
    }
    return rc;
}

static int table_number(const sp_duckdb_sink *s, const char *in_schema, const char *name)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        const sp_duckdb_table *t = &s->tables[i];
        if (strcasecmp(t->name, name) == 0 && (!t->space || strcasecmp(t->space, in_schema) == 0))
            return (int)i;
    }
    return -1;
}

/* Which tables must be complete before which: the foreign keys that the file has, whoever made
 * them. */
static int find_deps(sp_duckdb_sink *s, spate_error *err)
{
    duckdb_result found;
    int rc = sp_duckdb_ask(s->conn,
                           "SELECT schema_name, table_name, referenced_table FROM duckdb_constraints() "
                           "WHERE constraint_type = 'FOREIGN KEY' AND database_name = current_database()",
                           &found, err);
    if (rc != SPATE_OK)
        return rc;
    idx_t n = sp_duckdb.row_count(&found);
    unsigned keys = 0;
    for (idx_t i = 0; i < n; i++) {
        char *in_schema = sp_duckdb.value_varchar(&found, 0, i), *child = sp_duckdb.value_varchar(&found, 1, i),
             *parent = sp_duckdb.value_varchar(&found, 2, i);
        int c = in_schema && child ? table_number(s, in_schema, child) : -1;
        int p = in_schema && parent ? table_number(s, in_schema, parent) : -1;
        keys += c >= 0;
        if (c >= 0 && p >= 0 && c != p)
            sp_deps_add(&s->base.deps[c], (uint32_t)p);
        sp_duckdb.free(in_schema);
        sp_duckdb.free(child);
        sp_duckdb.free(parent);
    }
    sp_duckdb.destroy_result(&found);
    if (keys && s->base.options.defer_constraints) {
        sp_fail(err, SPATE_E_USAGE, "DuckDB cannot defer foreign keys, and tables in \"%s\" have them", s->base.shown);
        sp_error_hint(err, "leave --defer-constraints away: parents are loaded before children");
        return SPATE_E_USAGE;
    }
    return SPATE_OK;
}

/* What a run before has created is this run's to finish. */
static int create_or_take_over(sp_duckdb_sink *s, sp_problems *p, spate_error *err)
{
    int rc = sp_duckdb_claim_job(s, err);
    for (uint32_t i = 0; s->memory.resumed && i < s->n_tables; i++)
        s->tables[i].created = true;
    if (rc != SPATE_OK || s->memory.resumed)
        return rc;
    rc = check_presence(s, p) ? sp_fail_nomem(err) : p->n ? sp_problems_tell(p, s->base.shown, err) : SPATE_OK;
    return rc == SPATE_OK ? sp_duckdb_create_tables(s, err) : rc;
}

/* Inside a transaction, which the caller ends. */
static int make_and_look(sp_duckdb_sink *s, sp_problems *p, spate_error *err)
{
    int rc = s->base.options.create ? create_or_take_over(s, p, err) : SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++)
        rc = look_at(s, &s->tables[i], p, err);
    if (rc == SPATE_OK && p->n)
        rc = sp_problems_tell(p, s->base.shown, err);
    return rc == SPATE_OK ? find_deps(s, err) : rc;
}

/* DuckDB would keep the blocks it has written until four fifths of the machine's memory are full of
 * them. They are of no use to a load (measured: the same rate from 128 MiB up), so memory stays the
 * same however many rows there are. Indexes must stay in memory, so with keys in place the limit is
 * left alone. A lane's rows wait in memory for their row group to fill. */
static int limit_memory(sp_duckdb_sink *s, spate_error *err)
{
    uint64_t row = 0;
    bool keys = s->ddl.keys == SP_DDL_KEYS_INSIDE;
    for (uint32_t i = 0; i < s->n_tables; i++) {
        keys |= !s->tables[i].created;
        row = SP_MAX(row, (uint64_t)sp_schema_row_bytes(s->tables[i].schema));
    }
    if (keys)
        return SPATE_OK;
    uint64_t lane = SP_MAX((uint64_t)SP_DUCKDB_LANE_MEMORY_MIB, 2 * row * SP_DUCKDB_ROW_GROUP >> 20);
    char sql[80];
    snprintf(sql, sizeof(sql), "SET memory_limit = '%lluMiB'",
             (unsigned long long)(SP_DUCKDB_MEMORY_MIB + SP_MAX(s->base.options.lanes, 1u) * lane));
    return sp_duckdb_run(s->conn, sql, err);
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, spate_error *err)
{
    sp_duckdb_sink *s = self_of(sink);
    sp_problems p = {0};
    sp_buf_init(&p.text);
    static const sp_ddl_keys made[] = {SP_DDL_KEYS_AFTER, SP_DDL_KEYS_INSIDE, SP_DDL_KEYS_NONE};
    sp_ddl_keys keys =
        sink->options.indexes_before && s->keys == SP_DUCKDB_KEYS_PRIMARY ? SP_DDL_KEYS_INSIDE : made[s->keys];
    int rc = sp_sink_refuse_parts(&sink->options, err);
    if (rc == SPATE_OK && sink->options.create)
        rc = sp_ddl_build(&s->ddl, &s->arena, SP_SQL_DUCKDB, keys, tables, n_tables, sink->options.catalog, err);
    sink->ddl = sink->options.create ? &s->ddl : NULL;
    if (rc == SPATE_OK && (allocate(s, tables, n_tables) || (!sink->options.create && check_presence(s, &p))))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    if (rc == SPATE_OK && p.n)
        rc = sp_problems_tell(&p, sink->shown, err);
    if (rc == SPATE_OK)
        rc = sp_duckdb_run(s->conn, "BEGIN TRANSACTION", err);
    if (rc == SPATE_OK) {
        rc = make_and_look(s, &p, err);
        bool keep = rc == SPATE_OK && !sink->options.dry_run;
        int ended = sp_duckdb_run(s->conn, keep ? "COMMIT" : "ROLLBACK", rc == SPATE_OK ? err : NULL);
        rc = rc == SPATE_OK ? ended : rc;
    }
    bool empty = sink->options.truncate && !sink->options.create && !sink->options.dry_run;
    if (rc == SPATE_OK && empty && !(s->memory.job && sp_duckdb_job_is_known(s)))
        rc = sp_duckdb_empty_tables(s, err);
    if (rc ==
        SPATE_OK) /* behind the emptying, which cannot be in its transaction: a run killed between empties again */
        rc = sp_duckdb_claim_job(s, err);
    if (rc == SPATE_OK)
        rc = limit_memory(s, err);
    s->prepared = rc == SPATE_OK && !sink->options.dry_run;
    sp_buf_done(&p.text);
    return rc;
}

/* ---- finish ---------------------------------------------------------------------------------- */

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    sp_duckdb_sink *s = self_of(sink);
    if (!s->prepared)
        return SPATE_OK;
    int rc = complete && sink->options.create && !s->memory.complete ? sp_duckdb_finish_tables(s, err) : SPATE_OK;
    if (rc == SPATE_OK && complete)
        rc = sp_duckdb_complete_job(s, err);
    /* The checkpoint takes the .wal file away; without it the next one to open the file does that.
     */
    int checkpoint = sp_duckdb_run(s->conn, "CHECKPOINT", rc == SPATE_OK && complete ? err : NULL);
    return rc == SPATE_OK && complete ? checkpoint : rc;
}

static void sink_close(sp_sink *sink)
{
    sp_duckdb_sink *s = self_of(sink);
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_tables; i++)
        for (uint32_t f = 0; s->tables[i].columns && f < s->tables[i].schema->n_fields; f++)
            sp_duckdb_column_done(&s->tables[i].columns[f]);
    if (s->conn)
        sp_duckdb.disconnect(&s->conn);
    if (s->db)
        sp_duckdb.close(&s->db);
    if (s->made_file && !s->prepared) /* an empty database that nobody asked for */
        (void)!sp_os_unlink(s->path, NULL);
    sp_arena_done(&s->arena);
    sp_free(s);
}

/* ---- open ------------------------------------------------------------------------------------ */

static const sp_sink_ops duckdb_ops = {
    .prepare = prepare,
    .lane_open = sp_duckdb_lane_open,
    .begin = sp_duckdb_lane_begin,
    .lend = sp_duckdb_lane_lend,
    .write = sp_duckdb_lane_write,
    .check = sp_duckdb_lane_check,
    .commit = sp_duckdb_lane_commit,
    .rollback = sp_duckdb_lane_rollback,
    .lane_close = sp_duckdb_lane_close,
    .finish = finish,
    .forget = sp_duckdb_forget_job,
    .abandon = sp_duckdb_abandon_job,
    .close = sink_close,
};

static int read_keys(sp_uri *uri, sp_duckdb_keys *keys, spate_error *err)
{
    const char *value = sp_uri_param_value(uri, "keys");
    *keys = SP_DUCKDB_KEYS_PRIMARY;
    if (!value || strcmp(value, "primary") == 0)
        return SPATE_OK;
    *keys = strcmp(value, "all") == 0 ? SP_DUCKDB_KEYS_ALL : SP_DUCKDB_KEYS_NONE;
    if (strcmp(value, "all") == 0 || strcmp(value, "none") == 0)
        return SPATE_OK;
    return sp_fail(err, SPATE_E_USAGE, "keys=\"%s\": expected all, primary or none", value);
}

static int check_options(const sp_uri *uri, const sp_sink_options *o, spate_error *err)
{
    if (o->mode != SP_INSERT_DEFAULT && o->mode != SP_INSERT_COPY)
        return sp_fail(err, SPATE_E_USAGE,
                       "DuckDB files are loaded in bulk only: insert, upsert and skip mode do not exist for \"%s\"",
                       uri->path);
    if (!*uri->path || strcmp(uri->path, ":memory:") == 0)
        return sp_fail(err, SPATE_E_USAGE, "a DuckDB sink needs the name of a file");
    if (!o->create && !sp_os_exists(uri->path)) {
        sp_fail(err, SPATE_E_UNREACHABLE, "there is no file \"%s\"", uri->path);
        sp_error_hint(err, "--create makes the file and its tables");
        return SPATE_E_UNREACHABLE;
    }
    return SPATE_OK;
}

static int name_sink(sp_duckdb_sink *s, const sp_uri *uri)
{
    s->path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    s->base.shown = sp_arena_printf(&s->arena, "duckdb:%s", uri->path);
    s->base.how_to_query = sp_arena_printf(&s->arena, "spate query %s 'select …'", uri->path);
    return s->path && s->base.shown && s->base.how_to_query ? SPATE_OK : SPATE_E_NOMEM;
}

/* What is left of a DuckDB file whose maker was killed before its three headers were written: nothing, zeroes, or its magic. */
static bool is_stillborn(const char *path)
{
    enum { HEADERS = 3 * 4096, MAGIC_AT = 8 };
    sp_buf head = {0};
    bool all_zero = true;
    if (sp_os_read_file(path, HEADERS, &head, NULL) != SPATE_OK) {
        sp_buf_done(&head);
        return false;
    }
    for (size_t i = 0; i < head.len; i++)
        all_zero = all_zero && head.data[i] == '\0';
    bool magic = head.len >= MAGIC_AT + 4 && memcmp(head.data + MAGIC_AT, "DUCK", 4) == 0;
    sp_buf_done(&head);
    return all_zero || magic;
}

/* threads = 1: a statement runs in the lane that makes it. More would have each flush wake workers
 * that compete with the lanes for the same processors (measured: 2 lanes 7.1 instead of 8.6 M
 * rows/s). finish_keys gives them back. */
static int open_file(sp_duckdb_sink *s, spate_error *err)
{
    s->made_file = !sp_os_exists(s->path);
    bool pretend = s->made_file && s->base.options.dry_run;
    s->made_file &= !pretend;
    const char *path = pretend ? ":memory:" : s->path;
    int rc = sp_duckdb_open(path, false, 1, &s->db, err);
    bool broken = rc == SPATE_E_CORRUPT || rc == SPATE_E_IO;
    if (broken && s->base.options.create && !s->base.options.dry_run && is_stillborn(path) &&
        sp_os_unlink(path, NULL) == SPATE_OK) {
        s->made_file = true;
        rc = sp_duckdb_open(path, false, 1, &s->db, err);
    }
    if (rc == SPATE_OK && sp_duckdb.connect(s->db, &s->conn) == DuckDBError)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to \"%s\"", s->path);
    return rc;
}

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    sp_duckdb_keys keys;
    int rc = read_keys(uri, &keys, err);
    if (rc == SPATE_OK)
        rc = check_options(uri, options, err);
    if (rc != SPATE_OK)
        return rc;
    sp_duckdb_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &duckdb_ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_NONE;
    s->keys = keys;
    rc = name_sink(s, uri) ? sp_fail_nomem(err) : open_file(s, err);
    if (rc != SPATE_OK) {
        s->made_file = false;
        sink_close(&s->base);
        return rc;
    }
    *sink = &s->base;
    return SPATE_OK;
}

const sp_endpoint sp_endpoint_duckdb = {
    .schemes = {"duckdb"},
    .params = "keys",
    .sink_open = sink_open,
    .source_open = sp_duckdb_source_open,
    .describe = sp_duckdb_describe,
    .place = sp_place_of_file,
    .described = true,
    .conditions = true,
};
