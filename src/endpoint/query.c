/* query.c - one statement on a DuckDB or SQLite file, opened for reading, or on the tables of any other source, its rows handed on
 * as text.
 *
 * DuckDB's C interface gives typed vectors; text of every type there is comes from letting DuckDB
 * cast: a SELECT is wrapped in another one that casts all columns. What cannot be wrapped (EXPLAIN,
 * PRAGMA, CALL) answers with plain columns. */
#include "spate/query.h"

#include "endpoint/endpoint.h"
#include "endpoint/virtual.h"
#include "client/libduckdb.h"
#include "client/libsqlite.h"
#include "os/os.h"

typedef struct listener {
    spate_query_fn fn;
    void *arg;
    spate_cell *cells;
    bool *numbers; /* a column: its values are numbers or booleans */
    size_t n;
} listener;

static int make_cells(listener *l, size_t n, spate_error *err)
{
    l->n = n;
    l->cells = sp_alloc_zero(SP_MAX(n, (size_t)1), sizeof(*l->cells));
    l->numbers = sp_alloc_zero(SP_MAX(n, (size_t)1), sizeof(*l->numbers));
    return l->cells && l->numbers ? SPATE_OK : sp_fail_nomem(err);
}

static int tell(listener *l)
{
    return l->fn(l->arg, l->cells, l->n);
}

/* The end of the quoted text or comment that starts at p, or p when none does. */
static const char *skip_opaque(const char *p)
{
    const char *end = p;
    if (*p == '\'' || *p == '"')
        end = strchr(p + 1, *p);
    else if (p[0] == '-' && p[1] == '-')
        end = strchr(p, '\n');
    else if (p[0] == '/' && p[1] == '*')
        end = strstr(p + 2, "*/") ? strstr(p + 2, "*/") + 1 : NULL;
    else
        return p;
    return end ? end + 1 : p + strlen(p);
}

/* Without the white space, semicolons and comments at the end. */
static size_t statement_length(const char *sql)
{
    const char *end = sql;
    for (const char *p = sql; *p;) {
        const char *next = skip_opaque(p);
        bool comment = next > p && (*p == '-' || *p == '/');
        if (next == p)
            next++;
        if (!comment && !strchr("; \t\r\n", *p))
            end = next;
        p = next;
    }
    return (size_t)(end - sql);
}

/* ---- DuckDB ---------------------------------------------------------------------------------- */

static bool is_number(duckdb_type type)
{
    static const duckdb_type numbers[] = {
        DUCKDB_TYPE_BOOLEAN,  DUCKDB_TYPE_TINYINT,   DUCKDB_TYPE_SMALLINT, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_BIGINT,
        DUCKDB_TYPE_UTINYINT, DUCKDB_TYPE_USMALLINT, DUCKDB_TYPE_UINTEGER, DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_FLOAT,
        DUCKDB_TYPE_DOUBLE,   DUCKDB_TYPE_HUGEINT,   DUCKDB_TYPE_UHUGEINT, DUCKDB_TYPE_DECIMAL,
    };
    for (size_t i = 0; i < SP_COUNT(numbers); i++)
        if (numbers[i] == type)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Of a number or a boolean: can it stand in JSON? Not inf and nan, and not .5, as DuckDB writes a decimal that has nothing but a
 * fraction. */
static bool is_bare(const spate_cell *c)
{
    if (!c->len)
        return false;
    char first = c->text[*c->text == '-' && c->len > 1];
    return (is_digit(first) && is_digit(c->text[c->len - 1])) || first == 't' || first == 'f';
}

static int duckdb_names(listener *l, duckdb_prepared_statement statement, spate_error *err)
{
    size_t n = sp_duckdb.prepared_statement_column_count(statement);
    int rc = make_cells(l, n, err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        const char *name = sp_duckdb.prepared_statement_column_name(statement, i);
        l->cells[i] = (spate_cell){.text = name ? name : "", .len = name ? strlen(name) : 0};
        l->numbers[i] = is_number(sp_duckdb.prepared_statement_column_type(statement, i));
    }
    if (rc == SPATE_OK && n)
        rc = tell(l);
    for (size_t i = 0; l->cells && i < n; i++)
        if (l->cells[i].len)
            sp_duckdb.free((void *)l->cells[i].text);
    return rc;
}

static int duckdb_chunk(listener *l, duckdb_data_chunk chunk)
{
    idx_t rows = sp_duckdb.data_chunk_get_size(chunk);
    int rc = SPATE_OK;
    for (idx_t r = 0; r < rows && rc == SPATE_OK; r++) {
        for (size_t c = 0; c < l->n; c++) {
            duckdb_vector vector = sp_duckdb.data_chunk_get_vector(chunk, c);
            const uint64_t *valid = sp_duckdb.vector_get_validity(vector);
            duckdb_string_t *s = (duckdb_string_t *)sp_duckdb.vector_get_data(vector) + r;
            uint32_t len = s->value.inlined.length;
            l->cells[c] = (spate_cell){.text = len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, .len = len};
            if (valid && !(valid[r / 64] >> (r % 64) & 1))
                l->cells[c] = (spate_cell){0};
            l->cells[c].bare = l->numbers[c] && is_bare(&l->cells[c]);
        }
        rc = tell(l);
    }
    return rc;
}

/* Every column is text. */
static int duckdb_stream(listener *l, duckdb_result *result)
{
    int rc = SPATE_OK;
    duckdb_data_chunk chunk;
    while (rc == SPATE_OK && (chunk = sp_duckdb.fetch_chunk(*result)) != NULL) {
        rc = duckdb_chunk(l, chunk);
        sp_duckdb.destroy_data_chunk(&chunk);
    }
    return rc;
}

static int fail_statement(spate_error *err, const char *text)
{
    sp_duckdb_fail(err, DUCKDB_ERROR_BINDER, text);
    return SPATE_E_USAGE;
}

static int duckdb_wrapped(duckdb_connection conn, listener *l, const char *sql, size_t len, spate_error *err)
{
    sp_buf wrapped;
    duckdb_prepared_statement statement = NULL;
    duckdb_result result;
    sp_buf_init(&wrapped);
    if (sp_buf_printf(&wrapped, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%.*s)", (int)len, sql) ||
        sp_buf_add(&wrapped, "", 1)) {
        sp_buf_done(&wrapped);
        return sp_fail_nomem(err);
    }
    int rc = SPATE_OK;
    if (sp_duckdb.prepare(conn, wrapped.data, &statement) == DuckDBError)
        rc = fail_statement(err, sp_duckdb.prepare_error(statement));
    if (rc == SPATE_OK) {
        if (sp_duckdb.execute_prepared_streaming(statement, &result) == DuckDBError)
            rc = fail_statement(err, sp_duckdb.result_error(&result));
        else
            rc = duckdb_stream(l, &result);
        const char *late = rc == SPATE_OK ? sp_duckdb.result_error(&result) : NULL; /* found while rows were made */
        if (late && *late)
            rc = fail_statement(err, late);
        sp_duckdb.destroy_result(&result);
    }
    sp_duckdb.destroy_prepare(&statement);
    sp_buf_done(&wrapped);
    return rc;
}

static int duckdb_plain(duckdb_connection conn, listener *l, const char *sql, spate_error *err)
{
    duckdb_result result;
    int rc = sp_duckdb_ask(conn, sql, &result, err);
    if (rc != SPATE_OK)
        return SPATE_E_USAGE;
    idx_t rows = sp_duckdb.row_count(&result);
    for (idx_t r = 0; r < rows && rc == SPATE_OK; r++) {
        for (size_t c = 0; c < l->n; c++) {
            char *text = sp_duckdb.value_varchar(&result, c, r);
            l->cells[c] = (spate_cell){.text = text, .len = text ? strlen(text) : 0};
        }
        rc = tell(l);
        for (size_t c = 0; c < l->n; c++)
            sp_duckdb.free((void *)l->cells[c].text);
    }
    sp_duckdb.destroy_result(&result);
    return rc;
}

static int duckdb_statement(duckdb_connection conn, listener *l, const char *sql, spate_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int rc = sp_duckdb_run(conn, "SET TimeZone = 'UTC'", err);
    if (rc != SPATE_OK)
        return rc;
    if (sp_duckdb.prepare(conn, sql, &statement) == DuckDBError)
        rc = fail_statement(err, sp_duckdb.prepare_error(statement));
    bool select = rc == SPATE_OK && sp_duckdb.prepared_statement_type(statement) == DUCKDB_STATEMENT_TYPE_SELECT;
    if (rc == SPATE_OK)
        rc = duckdb_names(l, statement, err);
    sp_duckdb.destroy_prepare(&statement);
    if (rc != SPATE_OK)
        return rc;
    return select ? duckdb_wrapped(conn, l, sql, statement_length(sql), err) : duckdb_plain(conn, l, sql, err);
}

static int query_duckdb(const char *path, const char *sql, listener *l, spate_error *err)
{
    duckdb_database db = NULL;
    duckdb_connection conn = NULL;
    int rc = sp_duckdb_open(path, true, 0, &db, err);
    if (rc != SPATE_OK)
        return rc;
    if (sp_duckdb.connect(db, &conn) == DuckDBError)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to \"%s\"", path);
    else
        rc = duckdb_statement(conn, l, sql, err);
    if (conn)
        sp_duckdb.disconnect(&conn);
    sp_duckdb.close(&db);
    return rc;
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

/* Blobs are shown as hexadecimal digits, kept in hex until the next row. */
static int sqlite_row(listener *l, sqlite3_stmt *statement, sp_buf *hex)
{
    size_t digits = 0;
    for (size_t c = 0; c < l->n; c++)
        if (sp_sqlite.column_type(statement, (int)c) == SQLITE_BLOB)
            digits += 2 * (size_t)sp_sqlite.column_bytes(statement, (int)c);
    hex->len = 0;
    if (digits && sp_buf_reserve(hex, digits))
        return SPATE_E_NOMEM;
    char *p = hex->data;
    for (size_t c = 0; c < l->n; c++) {
        int type = sp_sqlite.column_type(statement, (int)c);
        l->cells[c] = (spate_cell){0};
        if (type == SQLITE_BLOB) {
            size_t len = (size_t)sp_sqlite.column_bytes(statement, (int)c);
            l->cells[c] = (spate_cell){.text = len ? p : "", .len = 2 * len};
            p = len ? sp_put_hex(p, sp_sqlite.column_blob(statement, (int)c), len) : p;
        } else if (type != SQLITE_NULL) {
            const char *text = (const char *)sp_sqlite.column_text(statement, (int)c);
            l->cells[c] = (spate_cell){.text = text, .len = (size_t)sp_sqlite.column_bytes(statement, (int)c)};
            l->cells[c].bare = type != SQLITE_TEXT && is_bare(&l->cells[c]);
        }
    }
    return tell(l);
}

static int sqlite_names(listener *l, sqlite3_stmt *statement, spate_error *err)
{
    size_t n = (size_t)sp_sqlite.column_count(statement);
    int rc = make_cells(l, n, err);
    for (size_t c = 0; c < n && rc == SPATE_OK; c++) {
        const char *name = sp_sqlite.column_name(statement, (int)c);
        l->cells[c] = (spate_cell){.text = name, .len = strlen(name)};
    }
    return rc == SPATE_OK && n ? tell(l) : rc;
}

static int sqlite_statement(sqlite3 *db, const char *path, const char *sql, listener *l, spate_error *err)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    sp_buf hex;
    if (sp_sqlite.prepare_v2(db, sql, -1, &statement, &rest) != SQLITE_OK)
        return sp_sqlite_fail(err, db, path);
    if (!statement || statement_length(rest) > 0) {
        sp_sqlite.finalize(statement);
        return sp_fail(err, SPATE_E_USAGE, "expected one SQL statement");
    }
    sp_buf_init(&hex);
    int rc = sqlite_names(l, statement, err), step = SQLITE_DONE;
    while (rc == SPATE_OK && (step = sp_sqlite.step(statement)) == SQLITE_ROW) {
        rc = sqlite_row(l, statement, &hex);
        if (rc == SPATE_E_NOMEM)
            sp_fail_nomem(err);
    }
    if (rc == SPATE_OK && step != SQLITE_DONE)
        rc = sp_sqlite_fail(err, db, path);
    sp_buf_done(&hex);
    sp_sqlite.finalize(statement);
    return rc;
}

static int query_sqlite(const char *path, const char *sql, listener *l, spate_error *err)
{
    sqlite3 *db = NULL;
    int rc = sp_sqlite_open(path, SQLITE_OPEN_READONLY, &db, err);
    if (rc == SPATE_OK)
        rc = sqlite_statement(db, path, sql, l, err);
    if (db)
        sp_sqlite.close_v2(db);
    return rc;
}

/* ---- any of them ----------------------------------------------------------------------------- */

/* What a source says about its rows is better than what DuckDB makes of it. */
static int query_source(const char *text, const char *sql, listener *l, spate_error *err)
{
    sp_virtual *v = NULL;
    int rc = sp_virtual_open(text, &v, err);
    if (rc != SPATE_OK)
        return rc;
    rc = duckdb_statement(sp_virtual_connection(v), l, sql, err);
    if (rc != SPATE_OK && sp_virtual_why(v, err) != SPATE_OK)
        rc = sp_virtual_why(v, err);
    sp_virtual_close(v);
    return rc;
}

static int query_uri(sp_uri *uri, const char *sql, listener *l, spate_error *err)
{
    bool duckdb = strcmp(uri->scheme, "duckdb") == 0;
    if (!duckdb && strcmp(uri->scheme, "sqlite") != 0)
        return query_source(uri->text, sql, l, err);
    int rc = sp_uri_check_params(uri, "", err);
    if (rc != SPATE_OK)
        return rc;
    if (!sp_os_exists(uri->path))
        return sp_fail(err, SPATE_E_UNREACHABLE, "there is no file \"%s\"", uri->path);
    return duckdb ? query_duckdb(uri->path, sql, l, err) : query_sqlite(uri->path, sql, l, err);
}

int spate_query(const char *text, const char *sql, spate_query_fn fn, void *arg, spate_error *err)
{
    sp_arena arena;
    sp_uri uri;
    listener l = {.fn = fn, .arg = arg};
    sp_arena_init(&arena);
    int rc = sp_uri_parse(text, &arena, &uri, err);
    if (rc == SPATE_OK)
        rc = query_uri(&uri, sql, &l, err);
    sp_free(l.cells);
    sp_free(l.numbers);
    sp_arena_done(&arena);
    return rc;
}
