/* virtual.c - a table function of DuckDB for each table of a source.
 *
 * The source is opened once to know its tables, and once more by every scan, with the columns that the statement wants. Ranges of
 * SCAN_ROWS rows are dealt to DuckDB's threads, each of which has a reader and a batch; a table that can only be read from front to
 * back has one thread. Text is lent to DuckDB out of the batch: what it keeps beyond the call it copies. */
#include "endpoint/virtual.h"

#include "endpoint/duckdb_column.h"
#include "endpoint/endpoint.h"
#include "os/os.h"

#include <stdio.h>

enum { SCAN_ROWS = 32 * SP_BATCH_ROWS_MAX };

typedef struct table {
    struct sp_virtual *of;
    const sp_schema *schema;
    const sp_extent *extent;
    sp_duckdb_column *columns;
} table;

struct sp_virtual {
    sp_arena arena;
    const char *uri;
    sp_source *source;
    bool once; /* it cannot be opened again */
    bool read; /* and has been read */
    table *tables;
    duckdb_database db;
    duckdb_connection conn;
    pthread_mutex_t lock; /* on what follows */
    int rc;               /* the first failure of the source */
    spate_error why;
};

enum { NOWHERE = UINT32_MAX };

typedef struct shown { /* a column of the statement */
    uint32_t at;       /* which of the scan's it is, or NOWHERE */
    const sp_duckdb_column *as;
} shown;

/* One reading of a table. DuckDB lets go of it and of its readers in no order it promises: the last one frees it. */
typedef struct scan {
    table *table;
    sp_source *source; /* its own, or the virtual's */
    uint32_t t;        /* the table's number in it */
    shown *shown;
    idx_t n_shown;
    pthread_mutex_t lock; /* on next and holders */
    uint64_t next;
    unsigned holders;
} scan;

typedef struct scanner {
    scan *scan;
    sp_reader *reader;
    sp_batch batch;
    bool in_range;
} scanner;

/* ---- failing --------------------------------------------------------------------------------------- */

static void note_failure(sp_virtual *v, int rc, const spate_error *err)
{
    pthread_mutex_lock(&v->lock);
    if (v->rc == SPATE_OK) {
        v->rc = rc;
        v->why = *err;
    }
    pthread_mutex_unlock(&v->lock);
}

int sp_virtual_why(sp_virtual *v, spate_error *err)
{
    pthread_mutex_lock(&v->lock);
    int rc = v->rc;
    if (rc != SPATE_OK)
        *err = v->why;
    pthread_mutex_unlock(&v->lock);
    return rc;
}

/* ---- one reading ----------------------------------------------------------------------------------- */

static void let_go(scan *s)
{
    pthread_mutex_lock(&s->lock);
    bool last = --s->holders == 0;
    pthread_mutex_unlock(&s->lock);
    if (!last)
        return;
    if (s->source != s->table->of->source)
        sp_source_close(s->source);
    pthread_mutex_destroy(&s->lock);
    sp_free(s->shown);
    sp_free(s);
}

static void on_scan_gone(void *arg)
{
    let_go(arg);
}

static void on_scanner_gone(void *arg)
{
    scanner *r = arg;
    if (r->reader)
        r->scan->source->ops->reader_close(r->reader);
    sp_batch_done(&r->batch);
    if (r->scan)
        let_go(r->scan);
    sp_free(r);
}

/* A source of the columns that are wanted. A statement that only counts wants none: the first one does then. */
static int open_columns(scan *s, const idx_t *wanted, spate_error *err)
{
    const sp_schema *whole = s->table->schema;
    const char **names = sp_alloc((s->n_shown + 1) * sizeof(*names));
    if (!names)
        return sp_fail_nomem(err);
    sp_source_options o = {.tables = &whole->table, .n_tables = 1, .columns = names, .more_columns = true};
    for (idx_t i = 0; i < s->n_shown; i++)
        if (wanted[i] < whole->n_fields)
            names[o.n_columns++] = whole->fields[wanted[i]].name;
    if (!o.n_columns)
        names[o.n_columns++] = whole->fields[0].name;
    int rc = sp_source_open(s->table->of->uri, &o, &s->source, err);
    sp_free(names);
    return rc;
}

/* Where the scan's rows have the column that the statement calls by this number. */
static int find_column(const scan *s, idx_t wanted, shown *out, spate_error *err)
{
    const sp_schema *whole = s->table->schema, *here = s->source->tables[s->t];
    *out = (shown){.at = NOWHERE};
    if (wanted >= whole->n_fields) /* of a statement that only counts */
        return SPATE_OK;
    const sp_field *f = &whole->fields[wanted];
    int at = sp_schema_find(here, f->name);
    if (at < 0 || here->fields[at].type.kind != f->type.kind)
        return sp_fail(err, SPATE_E_DATA, "column \"%s\" of table \"%s\" has changed since the types were read",
                       f->name, whole->table);
    *out = (shown){(uint32_t)at, &s->table->columns[wanted]};
    return SPATE_OK;
}

static int open_scan(scan *s, const idx_t *wanted, spate_error *err)
{
    sp_virtual *v = s->table->of;
    if (v->once && v->read)
        return sp_fail(err, SPATE_E_USAGE, "standard input can be read once only");
    v->read = true;
    s->source = v->source;
    s->t = v->once ? (uint32_t)(s->table - v->tables) : 0;
    int rc = v->once ? SPATE_OK : open_columns(s, wanted, err);
    for (idx_t i = 0; i < s->n_shown && rc == SPATE_OK; i++)
        rc = find_column(s, wanted[i], &s->shown[i], err);
    return rc;
}

static const sp_extent *extent_of(const scan *s)
{
    return &s->source->extents[s->t];
}

/* Points the scanner at the next range that nobody has; false, with SPATE_OK: there is none. */
static bool take_range(scanner *r, int *rc, spate_error *err)
{
    scan *s = r->scan;
    const sp_extent *e = extent_of(s);
    uint64_t step = e->sequential ? UINT64_MAX : sp_extent_units(e, SCAN_ROWS);
    pthread_mutex_lock(&s->lock);
    uint64_t first = s->next, last = e->end - first > step ? first + step : e->end;
    s->next = last;
    pthread_mutex_unlock(&s->lock);
    if (first >= e->end)
        return false;
    *rc = s->source->ops->seek(r->reader, s->t, first, last, err);
    return *rc == SPATE_OK;
}

static int start_scanner(scanner *r, scan *s, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    s->holders++;
    pthread_mutex_unlock(&s->lock);
    r->scan = s;
    int rc = sp_batch_init(&r->batch, s->source->tables[s->t], err);
    return rc == SPATE_OK ? s->source->ops->reader_open(s->source, &r->reader, err) : rc;
}

/* The next rows into the batch: none when all ranges have been dealt. */
static int read_rows(scanner *r, spate_error *err)
{
    int rc = SPATE_OK;
    do {
        sp_batch_reset(&r->batch);
        if (!r->in_range && !(r->in_range = take_range(r, &rc, err)))
            return rc;
        rc = r->scan->source->ops->next(r->reader, &r->batch, err);
        r->in_range = r->batch.rows > 0;
    } while (rc == SPATE_OK && !r->in_range);
    return rc;
}

static int give_rows(scanner *r, duckdb_data_chunk out, spate_error *err)
{
    const scan *s = r->scan;
    const sp_virtual *v = s->table->of;
    int rc = read_rows(r, err);
    for (idx_t i = 0; i < s->n_shown && rc == SPATE_OK && r->batch.rows; i++) {
        const shown *c = &s->shown[i];
        if (c->at == NOWHERE)
            continue;
        rc = sp_duckdb_fill(c->as, &r->batch.columns[c->at], r->batch.rows, sp_duckdb.data_chunk_get_vector(out, i), err);
        if (rc != SPATE_OK)
            rc = sp_fail_context(err, rc, "%s: table \"%s\", column \"%s\"", v->source->shown, s->table->schema->table,
                                 r->batch.schema->fields[c->at].name);
    }
    return rc;
}

/* ---- what DuckDB calls ----------------------------------------------------------------------------- */

static void on_bind(duckdb_bind_info info)
{
    const table *t = sp_duckdb.bind_get_extra_info(info);
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        sp_duckdb.bind_add_result_column(info, t->schema->fields[i].name, t->columns[i].type);
    double rows = sp_extent_rows(t->extent);
    if (rows > 0)
        sp_duckdb.bind_set_cardinality(info, (idx_t)rows, false);
}

static int new_scan(table *t, duckdb_init_info info, scan **out, spate_error *err)
{
    idx_t n = sp_duckdb.init_get_column_count(info), *wanted = sp_alloc((n + 1) * sizeof(*wanted));
    scan *s = wanted ? sp_alloc_zero(1, sizeof(*s)) : NULL;
    int rc = SPATE_E_NOMEM;
    if (s) {
        *s = (scan){.table = t,
                    .source = t->of->source,
                    .shown = sp_alloc((n + 1) * sizeof(*s->shown)),
                    .n_shown = n,
                    .holders = 1};
        pthread_mutex_init(&s->lock, NULL);
        for (idx_t i = 0; i < n; i++)
            wanted[i] = sp_duckdb.init_get_column_index(info, i);
        rc = s->shown ? open_scan(s, wanted, err) : sp_fail_nomem(err);
        if (rc != SPATE_OK)
            let_go(s);
    } else {
        sp_fail_nomem(err);
    }
    sp_free(wanted);
    *out = s;
    return rc;
}

static void on_init(duckdb_init_info info)
{
    table *t = sp_duckdb.init_get_extra_info(info);
    spate_error err = {0};
    scan *s;
    int rc = new_scan(t, info, &s, &err);
    if (rc != SPATE_OK) {
        note_failure(t->of, rc, &err);
        sp_duckdb.init_set_error(info, err.message);
        return;
    }
    sp_duckdb.init_set_init_data(info, s, on_scan_gone);
    sp_duckdb.init_set_max_threads(info, extent_of(s)->sequential ? 1 : sp_os_processors());
}

/* A thread's part of a scan: which scan it is, it learns at its first rows. */
static void on_thread(duckdb_init_info info)
{
    scanner *r = sp_alloc_zero(1, sizeof(*r));
    if (r)
        sp_duckdb.init_set_init_data(info, r, on_scanner_gone);
    else
        sp_duckdb.init_set_error(info, "out of memory");
}

static void on_rows(duckdb_function_info info, duckdb_data_chunk out)
{
    scanner *r = sp_duckdb.function_get_local_init_data(info);
    scan *s = sp_duckdb.function_get_init_data(info);
    spate_error err = {0};
    int rc = r->scan ? SPATE_OK : start_scanner(r, s, &err);
    if (rc == SPATE_OK)
        rc = give_rows(r, out, &err);
    if (rc != SPATE_OK) {
        note_failure(s->table->of, rc, &err);
        sp_duckdb.function_set_error(info, err.message);
    }
    sp_duckdb.data_chunk_set_size(out, rc == SPATE_OK ? r->batch.rows : 0);
}

/* ---- opening --------------------------------------------------------------------------------------- */

/* The space of a table that is in one, and the view that is the table. */
static int make_view(sp_virtual *v, const table *t, const char *function, spate_error *err)
{
    sp_buf sql = {0};
    const char *name = t->schema->table, *dot = strchr(name, '.');
    const char *space = dot ? sp_arena_strndup(&v->arena, name, (size_t)(dot - name)) : NULL;
    bool built = !dot || (space && !sp_buf_adds(&sql, "CREATE SCHEMA IF NOT EXISTS ") && !sp_sql_name(&sql, space) &&
                          !sp_buf_adds(&sql, ";\n"));
    built = built && !sp_buf_adds(&sql, "CREATE VIEW ") && !sp_sql_ident(&sql, name) &&
            !sp_buf_printf(&sql, " AS SELECT * FROM %s()", function) && !sp_buf_add(&sql, "", 1);
    int rc = built ? sp_duckdb_run(v->conn, sql.data, err) : sp_fail_nomem(err);
    sp_buf_done(&sql);
    return rc;
}

static int add_table(sp_virtual *v, uint32_t i, spate_error *err)
{
    char function[40];
    table *t = &v->tables[i];
    *t = (table){.of = v, .schema = v->source->tables[i], .extent = &v->source->extents[i]};
    t->columns = sp_arena_alloc(&v->arena, t->schema->n_fields + 1, sizeof(*t->columns));
    if (!t->columns)
        return sp_fail_nomem(err);
    for (uint32_t c = 0; c < t->schema->n_fields; c++)
        if (!sp_duckdb_column_natural(&t->columns[c], &t->schema->fields[c].type, &v->arena))
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\": DuckDB has no type for column \"%s\"", t->schema->table,
                           t->schema->fields[c].name);
    snprintf(function, sizeof(function), "spate_table_%u", i);
    sp_duckdb_function fn = {.name = function,
                             .extra = t,
                             .bind = on_bind,
                             .init = on_init,
                             .init_thread = on_thread,
                             .rows = on_rows,
                             .narrow = true};
    int rc = sp_duckdb_add_function(v->conn, &fn, err);
    return rc == SPATE_OK ? make_view(v, t, function, err) : rc;
}

static int open_database(sp_virtual *v, spate_error *err)
{
    int rc = sp_duckdb_open(":memory:", false, 0, &v->db, err);
    if (rc == SPATE_OK && sp_duckdb.connect(v->db, &v->conn) == DuckDBError)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to a database in memory");
    for (uint32_t i = 0; rc == SPATE_OK && i < v->source->n_tables; i++)
        if (v->source->tables[i]->n_fields)
            rc = add_table(v, i, err);
    return rc;
}

int sp_virtual_open(const char *uri, sp_virtual **out, spate_error *err)
{
    sp_virtual *v = sp_alloc_zero(1, sizeof(*v));
    if (!v)
        return sp_fail_nomem(err);
    sp_arena_init(&v->arena);
    pthread_mutex_init(&v->lock, NULL);
    v->uri = sp_arena_strndup(&v->arena, uri, strlen(uri));
    sp_uri parsed;
    int rc = v->uri ? sp_uri_parse(uri, &v->arena, &parsed, err) : sp_fail_nomem(err);
    v->once = rc == SPATE_OK && strcmp(parsed.scheme, "-") == 0;
    if (rc == SPATE_OK)
        rc = sp_source_open(uri, &(sp_source_options){0}, &v->source, err);
    if (rc == SPATE_OK) {
        v->tables = sp_arena_alloc(&v->arena, v->source->n_tables + 1, sizeof(*v->tables));
        rc = v->tables ? open_database(v, err) : sp_fail_nomem(err);
    }
    if (rc == SPATE_OK)
        *out = v;
    else
        sp_virtual_close(v);
    return rc;
}

duckdb_connection sp_virtual_connection(sp_virtual *v)
{
    return v->conn;
}

void sp_virtual_close(sp_virtual *v)
{
    if (!v)
        return;
    if (v->conn)
        sp_duckdb.disconnect(&v->conn);
    if (v->db)
        sp_duckdb.close(&v->db);
    for (uint32_t i = 0; v->tables && i < v->source->n_tables; i++)
        for (uint32_t c = 0; v->tables[i].columns && c < v->tables[i].schema->n_fields; c++)
            sp_duckdb_column_done(&v->tables[i].columns[c]);
    sp_source_close(v->source);
    pthread_mutex_destroy(&v->lock);
    sp_arena_done(&v->arena);
    sp_free(v);
}
