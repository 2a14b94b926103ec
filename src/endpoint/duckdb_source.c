/* duckdb_source.c - rows out of a DuckDB file, and out of Parquet, which DuckDB reads.
 *
 * A table is one streaming query, read from front to back: DuckDB runs it on all processors by itself, and whoever reads the next
 * range takes over the running answer. A position is a row. The file is opened for reading only, so nobody writes to it meanwhile. A
 * Parquet file is a view in a database in memory; each file of a directory, or that a pattern means, is one. Types
 * without a kind of ours come as text, cast by DuckDB. */
#include "client/libduckdb.h"
#include "codec/codec.h"
#include "endpoint/duckdb_reading.h"
#include "endpoint/endpoints.h"
#include "endpoint/order.h"
#include "os/os.h"

#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>

/* A running query. */
typedef struct answer {
    duckdb_connection conn;
    duckdb_result result;
    duckdb_data_chunk chunk;
    uint64_t at, size; /* in the chunk */
    uint64_t position; /* of the next row */
    bool running, done;
} answer;

typedef struct duck_table {
    sp_schema schema;
    const char *relation; /* what it is called in SQL */
    const char *sql;
    sp_duckdb_reading *readings;
    answer *_Atomic parked;
} duck_table;

typedef struct duck_source {
    sp_source base;
    sp_arena arena;
    const char *path;
    duckdb_database db;
    duckdb_connection conn;
    duck_table *tables;
    const sp_schema **schemas;
    sp_extent *extents;
} duck_source;

typedef struct duck_reader {
    sp_reader base;
    answer *answer;
    duck_table *table;
    uint64_t left;
} duck_reader;

static duck_source *source_of(const sp_reader *r)
{
    return (duck_source *)r->source;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void answer_stop(answer *a)
{
    if (a->chunk)
        sp_duckdb.destroy_data_chunk(&a->chunk);
    if (a->running)
        sp_duckdb.destroy_result(&a->result);
    a->chunk = NULL;
    a->running = false;
}

static void answer_close(answer *a)
{
    if (!a)
        return;
    answer_stop(a);
    sp_duckdb.disconnect(&a->conn);
    sp_free(a);
}

static int answer_open(duck_source *s, answer **out, spate_error *err)
{
    answer *a = sp_alloc_zero(1, sizeof(*a));
    if (!a)
        return sp_fail_nomem(err);
    if (sp_duckdb.connect(s->db, &a->conn) == DuckDBError) {
        sp_free(a);
        return sp_fail_nomem(err);
    }
    *out = a;
    return sp_duckdb_run(a->conn, "SET TimeZone = 'UTC'", err);
}

static int answer_start(answer *a, const char *sql, spate_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int rc = SPATE_OK;
    answer_stop(a);
    if (sp_duckdb.prepare(a->conn, sql, &statement) == DuckDBError)
        rc = sp_duckdb_fail(err, DUCKDB_ERROR_BINDER, sp_duckdb.prepare_error(statement));
    if (rc == SPATE_OK) {
        a->running = true;
        if (sp_duckdb.execute_prepared_streaming(statement, &a->result) == DuckDBError)
            rc = sp_duckdb_fail(err, sp_duckdb.result_error_type(&a->result), sp_duckdb.result_error(&a->result));
    }
    sp_duckdb.destroy_prepare(&statement);
    a->at = a->size = a->position = 0;
    a->done = false;
    return rc;
}

/* The next chunk; none when a->done has turned true. */
static int answer_fetch(answer *a, spate_error *err)
{
    if (a->chunk)
        sp_duckdb.destroy_data_chunk(&a->chunk);
    a->chunk = sp_duckdb.fetch_chunk(a->result);
    a->at = 0;
    a->size = a->chunk ? sp_duckdb.data_chunk_get_size(a->chunk) : 0;
    if (a->size)
        return SPATE_OK;
    a->done = true;
    const char *late = sp_duckdb.result_error(&a->result); /* found while rows were made */
    return late && *late ? sp_duckdb_fail(err, sp_duckdb.result_error_type(&a->result), late) : SPATE_OK;
}

/* Passes rows over, up to position. */
static int answer_skip(answer *a, uint64_t position, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && a->position < position && !a->done) {
        uint64_t n = SP_MIN(a->size - a->at, position - a->position);
        a->at += n;
        a->position += n;
        if (a->position < position)
            rc = answer_fetch(a, err);
    }
    return rc;
}

/* ---- a reader --------------------------------------------------------------------------------------------------- */

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    duck_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = s;
    *out = &r->base;
    return SPATE_OK;
}

static void reader_close(sp_reader *base)
{
    answer_close(((duck_reader *)base)->answer);
    sp_free(base);
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    duck_reader *r = (duck_reader *)base;
    r->table = &source_of(base)->tables[table];
    r->left = last - first;
    answer *parked = atomic_exchange(&r->table->parked, NULL);
    if (parked && parked->position == first) {
        answer_close(r->answer);
        r->answer = parked;
        return SPATE_OK;
    }
    answer_close(parked);
    int rc = r->answer ? SPATE_OK : answer_open(source_of(base), &r->answer, err);
    if (rc == SPATE_OK)
        rc = answer_start(r->answer, r->table->sql, err);
    return rc == SPATE_OK ? answer_skip(r->answer, first, err) : rc;
}

static int take_column(const duck_table *t, const answer *a, uint32_t i, sp_batch *b, uint32_t n)
{
    const sp_duckdb_reading *how = &t->readings[i];
    duckdb_vector vector = sp_duckdb.data_chunk_get_vector(a->chunk, i);
    const void *data = sp_duckdb.vector_get_data(vector);
    const uint64_t *valid = sp_duckdb.vector_get_validity(vector);
    sp_column *c = &b->columns[i];
    int rc = SPATE_OK;
    for (uint32_t k = 0; k < n && rc == SPATE_OK; k++) {
        uint64_t at = a->at + k;
        if (valid && !(valid[at / 64] >> (at % 64) & 1))
            sp_cell_read_null(c, b->rows + k);
        else
            rc = how->put(how, c, b->rows + k, data, at, vector);
    }
    return rc;
}

/* What is left of the chunk, or a part of it, into the batch. */
static int take_rows(duck_reader *r, sp_batch *b, spate_error *err)
{
    answer *a = r->answer;
    uint64_t left = SP_MIN(a->size - a->at, r->left);
    uint32_t n = (uint32_t)SP_MIN(left, (uint64_t)SP_BATCH_ROWS_MAX - b->rows);
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        int rc = take_column(r->table, a, i, b, n);
        if (rc == SPATE_E_DATA)
            return sp_fail(err, rc, "table \"%s\", column \"%s\": a label that the type does not have",
                           b->schema->table, b->schema->fields[i].name);
        if (rc != SPATE_OK)
            return sp_fail_nomem(err);
    }
    b->rows += n;
    a->at += n;
    a->position += n;
    r->left -= n;
    return SPATE_OK;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    duck_reader *r = (duck_reader *)base;
    answer *a = r->answer;
    int rc = SPATE_OK;
    if (!a)
        return rc;
    batch->first_row = a->position;
    while (rc == SPATE_OK && r->left && !a->done && batch->rows == 0)
        rc = a->at < a->size ? take_rows(r, batch, err) : answer_fetch(a, err);
    if (rc != SPATE_OK)
        return rc;
    if (batch->rows)
        return sp_batch_check_text(batch, err);
    base->position = a->position;
    base->at_end = a->done;
    answer_close(atomic_exchange(&r->table->parked, a));
    r->answer = NULL;
    return SPATE_OK;
}

static void source_close(sp_source *base)
{
    duck_source *s = (duck_source *)base;
    for (uint32_t i = 0; i < s->base.n_tables; i++) {
        answer_close(s->tables[i].parked);
    }
    if (s->conn)
        sp_duckdb.disconnect(&s->conn);
    if (s->db)
        sp_duckdb.close(&s->db);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

/* ---- the tables ---------------------------------------------------------------------------------------------------- */

/* A cell of a small answer, kept; "" for null. */
static const char *kept_at(duck_source *s, duckdb_result *result, idx_t column, idx_t row)
{
    char *text = sp_duckdb.value_varchar(result, column, row);
    const char *kept = sp_arena_strndup(&s->arena, text ? text : "", text ? strlen(text) : 0);
    if (text)
        sp_duckdb.free(text);
    return kept;
}

/* head 'table' tail, where 'table' is "schema.name" or, in main, "name". */
static int ask(duck_source *s, const char *head, const char *table, const char *tail, duckdb_result *result,
               spate_error *err)
{
    sp_buf sql = {0};
    int rc = sp_buf_adds(&sql, head) || (table && sp_sql_literal(&sql, sp_str_of(table))) || sp_buf_adds(&sql, tail) ||
                     sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : sp_duckdb_ask(s->conn, sql.data, result, err);
    sp_buf_done(&sql);
    return rc;
}

#define TABLE_NAME "CASE schema_name WHEN 'main' THEN '' ELSE schema_name || '.' END || table_name"

typedef struct column_of {
    duck_table *t;
    const sp_source_options *options;
    sp_buf select; /* the list of columns */
} column_of;

/* What a type that comes as text is called where it is none of DuckDB's. */
static const char *type_elsewhere(const char *spelled)
{
    static const struct {
        const char *here, *there;
    } map[] = {{"HUGEINT", "numeric(39,0)"},  {"UHUGEINT", "numeric(39,0)"},     {"TIMESTAMP_S", "timestamp"},
               {"TIMESTAMP_MS", "timestamp"}, {"TIME WITH TIME ZONE", "timetz"}, {"BIT", "bit varying"}};
    for (size_t i = 0; i < SP_COUNT(map); i++)
        if (strcmp(map[i].here, spelled) == 0)
            return map[i].there;
    return strncmp(spelled, "DECIMAL(", 8) == 0 ? spelled : NULL;
}

static int add_column(duck_source *s, column_of *c, const char *name, bool nullable, duckdb_logical_type type,
                      const char *spelled, spate_error *err)
{
    duck_table *t = c->t;
    uint32_t i = t->schema.n_fields++;
    sp_field *field = (sp_field *)&t->schema.fields[i];
    bool known;
    *field = (sp_field){.name = name, .nullable = nullable};
    int rc = sp_duckdb_reading_of(&s->arena, type, &field->type, &t->readings[i], &known);
    if (field->type.kind == SP_DECIMAL)
        field->sql_type = spelled;
    if (!known) {
        field->sql_type = type_elsewhere(spelled);
    }
    field->labels = field->type.kind == SP_TEXT ? t->readings[i].labels : NULL;
    field->n_labels = field->labels ? t->readings[i].n_labels : 0;
    if (rc != SPATE_OK || (i && sp_buf_adds(&c->select, ", ")) || (!known && sp_buf_adds(&c->select, "CAST(")) ||
        sp_sql_name(&c->select, name) || (!known && sp_buf_adds(&c->select, " AS VARCHAR)")))
        return sp_fail_nomem(err);
    return SPATE_OK;
}

/* The columns by what a query without rows says of their types. */
static int read_columns(duck_source *s, column_of *c, spate_error *err)
{
    duck_table *t = c->t;
    duckdb_result names, types;
    sp_buf sql = {0};
    int rc = ask(
        s,
        "SELECT column_name, is_nullable, data_type FROM duckdb_columns() WHERE database_name = current_database() AND " TABLE_NAME
        " = ",
        t->relation, " ORDER BY column_index", &names, err);
    if (rc != SPATE_OK)
        return rc;
    if (sp_buf_adds(&sql, "SELECT * FROM ") || sp_sql_ident(&sql, t->relation) || sp_buf_adds(&sql, " LIMIT 0") ||
        sp_buf_add(&sql, "", 1))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_duckdb_ask(s->conn, sql.data, &types, err);
    sp_buf_done(&sql);
    if (rc != SPATE_OK) {
        sp_duckdb.destroy_result(&names);
        return rc;
    }
    idx_t n = SP_MIN(sp_duckdb.row_count(&names), sp_duckdb.column_count(&types));
    t->schema.fields = sp_arena_alloc(&s->arena, n + 1, sizeof(*t->schema.fields));
    t->readings = sp_arena_alloc(&s->arena, n + 1, sizeof(*t->readings));
    if (!t->schema.fields || !t->readings)
        rc = sp_fail_nomem(err);
    for (idx_t i = 0; i < n && rc == SPATE_OK; i++) {
        const char *name = kept_at(s, &names, 0, i), *spelled = kept_at(s, &names, 2, i);
        if (!name || !spelled) {
            rc = sp_fail_nomem(err);
        } else if (sp_source_wants_column(c->options, name)) {
            duckdb_logical_type type = sp_duckdb.column_logical_type(&types, i);
            rc = add_column(s, c, name, sp_duckdb.value_boolean(&names, 1, i), type, spelled, err);
            sp_duckdb.destroy_logical_type(&type);
        }
    }
    sp_duckdb.destroy_result(&names);
    sp_duckdb.destroy_result(&types);
    if (rc == SPATE_OK && t->schema.n_fields == 0)
        rc = sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column that could be read", t->schema.table);
    return rc;
}

/* Before anybody changes anything for its sake. */
static int check_where(duck_source *s, const char *sql, spate_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int rc = SPATE_OK;
    if (sp_duckdb.prepare(s->conn, sql, &statement) == DuckDBError)
        rc = sp_fail_context(err, sp_duckdb_fail(err, DUCKDB_ERROR_BINDER, sp_duckdb.prepare_error(statement)),
                             "the condition");
    sp_duckdb.destroy_prepare(&statement);
    return rc;
}

static int build_query(duck_source *s, column_of *c, spate_error *err)
{
    sp_buf sql = {0};
    const char *where = sp_source_where(c->options, c->t->schema.table);
    int built = sp_buf_adds(&sql, "SELECT ") || sp_buf_add(&sql, c->select.data, c->select.len) ||
                sp_buf_adds(&sql, " FROM ") || sp_sql_ident(&sql, c->t->relation) ||
                (c->t->relation != c->t->schema.table && /* a condition may call it so */
                 (sp_buf_adds(&sql, " AS ") || sp_sql_name(&sql, sp_table_bare(c->t->schema.table)))) ||
                (where && sp_buf_printf(&sql, " WHERE (%s\n)", where));
    c->t->sql = built ? NULL : sp_arena_strndup(&s->arena, sql.data, sql.len);
    sp_buf_done(&sql);
    if (!c->t->sql)
        return sp_fail_nomem(err);
    return where ? check_where(s, c->t->sql, err) : SPATE_OK;
}

/* A constraint's columns come a row each; key: the one being put together. */
static int read_keys(duck_source *s, duck_table *t, spate_error *err)
{
    duckdb_result rows;
    int rc = ask(
        s,
        "SELECT constraint_index, constraint_type, len(constraint_column_names), unnest(constraint_column_names),"
        " referenced_table, unnest(CASE WHEN constraint_type = 'FOREIGN KEY' THEN referenced_column_names ELSE constraint_column_names END)"
        " FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')"
        " AND database_name = current_database() AND " TABLE_NAME " = ",
        t->relation, "", &rows, err);
    if (rc != SPATE_OK)
        return rc;
    idx_t n = sp_duckdb.row_count(&rows);
    uint32_t *primary = sp_arena_alloc(&s->arena, n + 1, sizeof(*primary)),
             *uniques = sp_arena_alloc(&s->arena, n + 1, sizeof(*uniques));
    sp_foreign_key *keys = sp_arena_alloc(&s->arena, n + 1, sizeof(*keys));
    uint32_t *columns = sp_arena_alloc(&s->arena, n + 1, sizeof(*columns));
    const char **parents = sp_arena_alloc(&s->arena, n + 1, sizeof(*parents));
    bool ok = primary && uniques && keys && columns && parents;
    for (idx_t i = 0, size; ok && i < n; i += size) {
        const char *kind = kept_at(s, &rows, 1, i);
        bool whole = true;
        size = SP_MAX((idx_t)sp_duckdb.value_int64(&rows, 2, i), (idx_t)1);
        size = SP_MIN(size, n - i);
        for (idx_t k = i; ok && k < i + size; k++) {
            const char *name = kept_at(s, &rows, 3, k);
            int at = name ? sp_schema_find(&t->schema, name) : -1;
            whole = whole && at >= 0;
            columns[k] = (uint32_t)at;
            parents[k] = kept_at(s, &rows, 5, k);
            ok = name && parents[k];
        }
        ok = ok && kind;
        if (!ok || !whole)
            continue;
        if (strcmp(kind, "PRIMARY KEY") == 0) {
            t->schema.primary_key = columns + i;
            t->schema.n_primary_key = (uint32_t)size;
        } else if (strcmp(kind, "FOREIGN KEY") == 0) {
            const char *parent = kept_at(s, &rows, 4, i);
            keys[t->schema.n_foreign_keys++] = (sp_foreign_key){parent, (uint32_t)size, columns + i, parents + i};
            ok = parent != NULL;
        } else if (size == 1) {
            uniques[t->schema.n_uniques++] = columns[i];
        }
    }
    t->schema.uniques = uniques;
    t->schema.foreign_keys = keys;
    sp_duckdb.destroy_result(&rows);
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

/* relation: what SQL calls it; path: the file that it is in. */
static int open_table(duck_source *s, const sp_source_options *options, const char *name, const char *relation,
                      const char *path, spate_error *err)
{
    uint32_t i = s->base.n_tables;
    column_of c = {.t = &s->tables[i], .options = options};
    c.t->schema.table = name;
    c.t->relation = relation;
    c.t->schema.rows = UINT64_MAX;
    int rc = read_columns(s, &c, err);
    if (rc == SPATE_OK)
        rc = build_query(s, &c, err);
    sp_buf_done(&c.select);
    if (rc == SPATE_OK)
        rc = read_keys(s, c.t, err);
    if (rc != SPATE_OK)
        return rc;
    s->extents[i] = (sp_extent){.end = UINT64_MAX, .units_a_row = 1, .file = path, .sequential = true};
    s->schemas[i] = &c.t->schema;
    s->base.n_tables++;
    return SPATE_OK;
}

static int make_room(duck_source *s, size_t n, spate_error *err)
{
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->extents));
    return s->tables && s->schemas && s->extents ? SPATE_OK : sp_fail_nomem(err);
}

static int open_tables(duck_source *s, const sp_source_options *options, spate_error *err)
{
    duckdb_result list;
    int rc = sp_duckdb_ask(s->conn,
                           "SELECT " TABLE_NAME
                           " FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()"
                           " AND table_name NOT IN ('spate_job', 'spate_chunk') ORDER BY table_oid",
                           &list, err);
    if (rc != SPATE_OK)
        return rc;
    idx_t n = sp_duckdb.row_count(&list);
    rc = make_room(s, n, err);
    for (idx_t i = 0; i < n && rc == SPATE_OK; i++) {
        const char *name = kept_at(s, &list, 0, i);
        if (!name)
            rc = sp_fail_nomem(err);
        else if (sp_source_wants_table(options, name))
            rc = open_table(s, options, name, name, s->path, err);
    }
    sp_duckdb.destroy_result(&list);
    return rc;
}

/* ---- Parquet: a database in memory, with each file as a view ------------------------------------------------------------ */

/* What a table made of a file is called: the file without its folder and ending. */
static const char *table_of_file(duck_source *s, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return sp_arena_strndup(&s->arena, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* Documents and intervals, which may have become text, come as what the other side says. */
static int add_likes(const sp_schema *like, sp_buf *sql)
{
    int rc = SPATE_OK;
    bool any = false;
    for (uint32_t i = 0; like && i < like->n_fields && rc == SPATE_OK; i++) {
        const sp_field *f = &like->fields[i];
        const sp_type *item = f->type.kind == SP_LIST ? f->type.item : &f->type;
        const char *word = item->kind == SP_JSON ? "JSON" : item->kind == SP_INTERVAL ? "INTERVAL" : NULL;
        if (!word)
            continue;
        rc = sp_buf_adds(sql, any ? ", CAST(" : " REPLACE (CAST(") || sp_sql_name(sql, f->name) ||
             sp_buf_printf(sql, " AS %s%s) AS ", word, item == &f->type ? "" : "[]") || sp_sql_name(sql, f->name);
        any = true;
    }
    return rc || (any && sp_buf_adds(sql, ")"));
}

static int make_view(duck_source *s, const char *view, const char *path, const sp_schema *like, spate_error *err)
{
    sp_buf sql = {0};
    int rc = sp_buf_adds(&sql, "CREATE VIEW ") || sp_sql_name(&sql, view) || sp_buf_adds(&sql, " AS SELECT *") ||
                     add_likes(like, &sql) || sp_buf_adds(&sql, " FROM read_parquet(") ||
                     sp_sql_literal(&sql, sp_str_of(path)) || sp_buf_adds(&sql, ")") || sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : sp_duckdb_run(s->conn, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

/* Views have names of our own: those of files may differ in case alone, and have dots. */
static int open_file(duck_source *s, const char *path, const char *name, const sp_source_options *options,
                     spate_error *err)
{
    if (!sp_source_wants_table(options, name))
        return SPATE_OK;
    const char *view = sp_arena_printf(&s->arena, "file_%u", s->base.n_tables);
    int rc = view ? make_view(s, view, path, sp_source_like(options, name), err) : sp_fail_nomem(err);
    return rc == SPATE_OK ? open_table(s, options, name, view, path, err) : sp_fail_context(err, rc, "\"%s\"", path);
}

/* A pattern's last part; NULL: it is none. */
static const char *pattern_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    return strpbrk(last, "*[") && !sp_os_exists(path) ? last : NULL;
}

static bool is_parquet(const char *name)
{
    size_t len = strlen(name), ending = sizeof(".parquet") - 1;
    return len > ending && sp_str_ieq((sp_str){name + len - ending, ending}, ".parquet");
}

/* The files of a directory, or those of one whose names fit a pattern: a table each. */
static int open_files(duck_source *s, const char *folder, const char *pattern, const sp_source_options *options,
                      spate_error *err)
{
    char **names;
    uint32_t n;
    size_t len = strlen(folder);
    int rc = sp_os_list(len ? folder : ".", &s->arena, &names, &n, err);
    if (rc == SPATE_OK)
        rc = make_room(s, n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        if (pattern ? fnmatch(pattern, names[i], FNM_PERIOD) != 0 : !is_parquet(names[i]))
            continue;
        const char *slash = len && folder[len - 1] != '/' ? "/" : "";
        const char *path = sp_arena_printf(&s->arena, "%s%s%s", folder, slash, names[i]);
        const char *name = path ? table_of_file(s, path) : NULL;
        for (uint32_t t = 0; name && t < s->base.n_tables && rc == SPATE_OK; t++)
            if (strcmp(s->schemas[t]->table, name) == 0)
                rc = sp_fail(err, SPATE_E_USAGE, "\"%s\" holds a table \"%s\" too", s->extents[t].file, name);
        if (rc == SPATE_OK)
            rc = name ? open_file(s, path, name, options, err) : sp_fail_nomem(err);
    }
    return rc;
}

static int open_parquet(duck_source *s, sp_uri *uri, const sp_source_options *options, spate_error *err)
{
    const char *called = sp_uri_param_value(uri, "table"), *pattern = pattern_of(s->path);
    bool folder = sp_os_is_dir(s->path);
    if (called && (folder || pattern))
        return sp_fail(err, SPATE_E_USAGE, "the tables of several files are called as the files");
    if (folder)
        return open_files(s, s->path, NULL, options, err);
    if (pattern) {
        const char *in = sp_arena_strndup(&s->arena, s->path, (size_t)(pattern - s->path));
        return in ? open_files(s, in, pattern, options, err) : sp_fail_nomem(err);
    }
    int rc = make_room(s, 1, err);
    called = called ? called : options->called;
    const char *name = called ? sp_arena_strndup(&s->arena, called, strlen(called)) : table_of_file(s, s->path);
    if (rc == SPATE_OK && !name)
        rc = sp_fail_nomem(err);
    return rc == SPATE_OK ? open_file(s, s->path, name, options, err) : rc;
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

int sp_duckdb_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    bool parquet = strcmp(uri->scheme, "duckdb") != 0;
    if (!sp_os_exists(uri->path) && !(parquet && pattern_of(uri->path)))
        return sp_fail(err, SPATE_E_UNREACHABLE, "there is no file \"%s\"", uri->path);
    duck_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.unit = "rows";
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    s->path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    int rc = s->base.shown && s->path ? sp_duckdb_open(parquet ? ":memory:" : uri->path, !parquet, 0, &s->db, err)
                                      : sp_fail_nomem(err);
    if (rc == SPATE_OK && sp_duckdb.connect(s->db, &s->conn) == DuckDBError)
        rc = sp_fail_nomem(err);
    sp_source_options own = *options;
    own.home = s->base.home = parquet ? NULL : "main";
    if (rc == SPATE_OK)
        rc = parquet ? open_parquet(s, uri, &own, err) : open_tables(s, &own, err);
    if (rc == SPATE_OK)
        rc = sp_source_in_order(&s->base, &s->arena, &s->tables, sizeof(*s->tables), s->schemas, s->extents, err);
    if (rc == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return rc;
}
