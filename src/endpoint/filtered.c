/* filtered.c - a source around a source: rows for which a condition does not hold are left out.
 *
 * The condition is DuckDB's to understand and to evaluate, with all its functions and types: a batch is a table to it, in memory that it
 * reads where it lies, and its answer is the numbers of the rows that stay. Only columns that the condition names are shown to it.
 * Each reader has a connection to one empty database, and a table function that gives the batch at hand. Positions are those of the source
 * around which it is; how many rows there are is not known. */
#include "endpoint/filtered.h"

#include "endpoint/duckdb_column.h"
#include "os/os.h"

#include <stdio.h>

#define NUMBER "spate row" /* the column of row numbers: no name that a condition would have by chance */

typedef struct table {
    const char *where;         /* NULL: all rows */
    sp_duckdb_column *columns; /* of the whole, as DuckDB is shown them */
    uint32_t *kept;            /* a field: which column of the whole it is; others were read for the condition alone */
} table;

typedef struct filtered {
    sp_source source;
    sp_arena arena;
    sp_source *whole;
    table *tables;
    duckdb_database db;
    pthread_mutex_t lock; /* on what changes the database, which is what it knows of functions */
    unsigned n_functions;
} filtered;

typedef struct question {
    const table *table;
    const sp_schema *schema; /* of the whole */
    sp_batch batch;          /* as it was read */
    sp_batch kept;           /* its columns that are kept */
    duckdb_prepared_statement statement;
    idx_t *shown; /* which columns the statement wants, from the time it has begun */
    idx_t n_shown;
    bool given; /* the batch, in this run of the statement */
} question;

typedef struct filtered_reader {
    sp_reader reader;
    sp_reader *whole;
    duckdb_connection conn;
    question **questions; /* a table; NULL until it is first asked */
    question *at;         /* NULL: all rows of the table at hand */
} filtered_reader;

/* ---- what DuckDB calls ---------------------------------------------------------------------------- */

static void on_bind(duckdb_bind_info info)
{
    question *q = sp_duckdb.bind_get_extra_info(info);
    duckdb_logical_type number = sp_duckdb.create_logical_type(DUCKDB_TYPE_UINTEGER);
    for (uint32_t i = 0; i < q->schema->n_fields; i++)
        sp_duckdb.bind_add_result_column(info, q->schema->fields[i].name, q->table->columns[i].type);
    sp_duckdb.bind_add_result_column(info, NUMBER, number);
    sp_duckdb.destroy_logical_type(&number);
}

static void on_init(duckdb_init_info info)
{
    question *q = sp_duckdb.init_get_extra_info(info);
    q->n_shown = sp_duckdb.init_get_column_count(info);
    for (idx_t i = 0; i < q->n_shown; i++)
        q->shown[i] = sp_duckdb.init_get_column_index(info, i);
    q->given = false;
}

static void show_numbers(duckdb_vector v, uint32_t rows)
{
    uint32_t *out = sp_duckdb.vector_get_data(v);
    for (uint32_t i = 0; i < rows; i++)
        out[i] = i;
}

static void on_rows(duckdb_function_info info, duckdb_data_chunk out)
{
    question *q = sp_duckdb.function_get_extra_info(info);
    spate_error err = {0};
    int rc = SPATE_OK;
    for (idx_t i = 0; i < q->n_shown && rc == SPATE_OK && !q->given; i++) {
        duckdb_vector v = sp_duckdb.data_chunk_get_vector(out, i);
        if (q->shown[i] < q->schema->n_fields)
            rc =
                sp_duckdb_fill(&q->table->columns[q->shown[i]], &q->batch.columns[q->shown[i]], q->batch.rows, v, &err);
        else
            show_numbers(v, q->batch.rows);
    }
    if (rc != SPATE_OK)
        sp_duckdb.function_set_error(info, err.message);
    sp_duckdb.data_chunk_set_size(out, q->given || rc != SPATE_OK ? 0 : q->batch.rows);
    q->given = true;
}

/* ---- asking --------------------------------------------------------------------------------------- */

static void question_free(question *q)
{
    if (!q)
        return;
    sp_duckdb.destroy_prepare(&q->statement);
    sp_batch_done(&q->batch);
    sp_free(q->kept.columns);
    sp_free(q->shown);
    sp_free(q);
}

static int fail_condition(const question *q, const char *words, spate_error *err)
{
    sp_duckdb_fail(err, DUCKDB_ERROR_BINDER, words ? words : "no reason given");
    return sp_fail_context(err, SPATE_E_USAGE, "the condition on table \"%s\"", q->schema->table);
}

/* The table function of this question: the name is its own, for the batch is. */
static int make_function(filtered *f, duckdb_connection conn, question *q, const char *name, spate_error *err)
{
    sp_duckdb_function fn = {.name = name, .extra = q, .bind = on_bind, .init = on_init, .rows = on_rows, .narrow = true};
    pthread_mutex_lock(&f->lock);
    int rc = sp_duckdb_add_function(conn, &fn, err);
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static int prepare(filtered *f, duckdb_connection conn, question *q, spate_error *err)
{
    char name[40];
    sp_buf sql = {0};
    pthread_mutex_lock(&f->lock);
    snprintf(name, sizeof(name), "spate_rows_%u", f->n_functions++);
    pthread_mutex_unlock(&f->lock);
    int rc = make_function(f, conn, q, name, err);
    /* The line's end is for a condition that ends in a comment. */
    if (rc == SPATE_OK &&
        (sp_buf_printf(&sql, "SELECT \"" NUMBER "\" FROM %s() AS ", name) || sp_sql_name(&sql, q->schema->table) ||
         sp_buf_printf(&sql, " WHERE (%s\n)", q->table->where) || sp_buf_add(&sql, "", 1)))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK && sp_duckdb.prepare(conn, sql.data, &q->statement) == DuckDBError)
        rc = fail_condition(q, sp_duckdb.prepare_error(q->statement), err);
    sp_buf_done(&sql);
    return rc;
}

static int question_new(filtered *f, duckdb_connection conn, uint32_t t, question **out, spate_error *err)
{
    question *q = sp_alloc_zero(1, sizeof(*q));
    if (!q)
        return sp_fail_nomem(err);
    q->table = &f->tables[t];
    q->schema = f->whole->tables[t];
    q->shown = sp_alloc_zero(q->schema->n_fields + 1, sizeof(*q->shown));
    q->kept.schema = f->source.tables[t];
    q->kept.columns = sp_alloc_zero(q->kept.schema->n_fields + 1, sizeof(*q->kept.columns));
    int rc = q->shown && q->kept.columns ? sp_batch_init(&q->batch, q->schema, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = prepare(f, conn, q, err);
    if (rc == SPATE_OK)
        *out = q;
    else
        question_free(q);
    return rc;
}

/* The columns, where they lie. */
static void keep_columns(question *q)
{
    for (uint32_t i = 0; i < q->kept.schema->n_fields; i++)
        q->kept.columns[i] = q->batch.columns[q->table->kept[i]];
    q->kept.rows = q->batch.rows;
}

/* Puts the rows with these numbers, which rise, behind those of to: neighbours together. */
static int keep_rows(const question *q, const uint32_t *numbers, idx_t n, sp_batch *to, spate_error *err)
{
    for (idx_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && numbers[k] == numbers[k - 1] + 1;)
            k++;
        if (sp_batch_append(to, &q->kept, numbers[i], (uint32_t)(k - i)))
            return sp_fail_nomem(err);
    }
    return SPATE_OK;
}

static int ask(question *q, sp_batch *to, spate_error *err)
{
    duckdb_result answer;
    if (sp_duckdb.execute_prepared(q->statement, &answer) == DuckDBError) {
        int rc = fail_condition(q, sp_duckdb.result_error(&answer), err);
        sp_duckdb.destroy_result(&answer);
        return rc;
    }
    int rc = SPATE_OK;
    keep_columns(q);
    to->first_row = q->batch.first_row;
    for (duckdb_data_chunk chunk; rc == SPATE_OK && (chunk = sp_duckdb.fetch_chunk(answer));) {
        rc = keep_rows(q, sp_duckdb.vector_get_data(sp_duckdb.data_chunk_get_vector(chunk, 0)),
                       sp_duckdb.data_chunk_get_size(chunk), to, err);
        sp_duckdb.destroy_data_chunk(&chunk);
    }
    sp_duckdb.destroy_result(&answer);
    return rc;
}

/* ---- readers -------------------------------------------------------------------------------------- */

static void reader_close(sp_reader *reader)
{
    filtered_reader *r = (filtered_reader *)reader;
    const filtered *f = (const filtered *)reader->source;
    for (uint32_t t = 0; r->questions && t < f->source.n_tables; t++)
        question_free(r->questions[t]);
    if (r->conn)
        sp_duckdb.disconnect(&r->conn);
    if (r->whole)
        f->whole->ops->reader_close(r->whole);
    sp_free(r->questions);
    sp_free(r);
}

static int connect(const filtered *f, duckdb_connection *conn, spate_error *err)
{
    if (sp_duckdb.connect(f->db, conn) == DuckDBError)
        return sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to a database in memory");
    return sp_duckdb_run(*conn, "SET TimeZone = 'UTC'", err);
}

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    filtered *f = (filtered *)s;
    filtered_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    r->questions = sp_alloc_zero(s->n_tables, sizeof(*r->questions));
    int rc = r->questions ? connect(f, &r->conn, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = f->whole->ops->reader_open(f->whole, &r->whole, err);
    if (rc == SPATE_OK)
        *out = &r->reader;
    else
        reader_close(&r->reader);
    return rc;
}

static int seek(sp_reader *reader, uint32_t t, uint64_t first, uint64_t last, spate_error *err)
{
    filtered_reader *r = (filtered_reader *)reader;
    filtered *f = (filtered *)reader->source;
    int rc = SPATE_OK;
    if (f->tables[t].where && !r->questions[t])
        rc = question_new(f, r->conn, t, &r->questions[t], err);
    r->at = r->questions[t];
    return rc == SPATE_OK ? f->whole->ops->seek(r->whole, t, first, last, err) : rc;
}

/* Until some rows stay, or there are none left. */
static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    filtered_reader *r = (filtered_reader *)reader;
    const sp_source_ops *whole = ((const filtered *)reader->source)->whole->ops;
    sp_batch *from = r->at ? &r->at->batch : batch;
    int rc;
    do {
        if (r->at)
            sp_batch_reset(from);
        rc = whole->next(r->whole, from, err);
        if (rc == SPATE_OK && r->at && from->rows)
            rc = ask(r->at, batch, err);
    } while (rc == SPATE_OK && from->rows && !batch->rows);
    reader->position = r->whole->position;
    reader->at_end = r->whole->at_end;
    return rc;
}

static int pass_over(sp_reader *reader, sp_unread *row, spate_error *err)
{
    const filtered *f = (const filtered *)reader->source;
    sp_reader *whole = ((filtered_reader *)reader)->whole;
    return f->whole->ops->pass_over ? f->whole->ops->pass_over(whole, row, err) : SPATE_E_DATA;
}

static int mark(sp_source *s, uint32_t t, sp_buf *text, spate_error *err)
{
    sp_source *whole = ((filtered *)s)->whole;
    return whole->ops->mark ? whole->ops->mark(whole, t, text, err) : sp_source_refuse_job(whole, err);
}

static int unchanged(sp_source *s, uint32_t t, const char *text, const sp_landed *landed, spate_error *err)
{
    sp_source *whole = ((filtered *)s)->whole;
    return whole->ops->unchanged(whole, t, text, landed, err);
}

static void source_close(sp_source *s)
{
    filtered *f = (filtered *)s;
    for (uint32_t t = 0; f->tables && t < s->n_tables; t++)
        for (uint32_t i = 0; f->tables[t].columns && i < f->whole->tables[t]->n_fields; i++)
            sp_duckdb_column_done(&f->tables[t].columns[i]);
    if (f->db)
        sp_duckdb.close(&f->db);
    sp_source_close(f->whole);
    pthread_mutex_destroy(&f->lock);
    sp_arena_done(&f->arena);
    sp_free(f);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close, mark, unchanged, pass_over};

/* ---- opening -------------------------------------------------------------------------------------- */

/* The table without the columns that only its condition asks for. Keys that those belong to are left out by whoever reads some columns. */
static int keep_fields(filtered *f, uint32_t t, const sp_source_options *options, spate_error *err)
{
    const sp_schema *whole = f->whole->tables[t];
    sp_schema *s = sp_arena_alloc(&f->arena, 1, sizeof(*s));
    sp_field *fields = sp_arena_alloc(&f->arena, whole->n_fields + 1, sizeof(*fields));
    uint32_t *kept = sp_arena_alloc(&f->arena, whole->n_fields + 1, sizeof(*kept)), n = 0;
    if (!s || !fields || !kept)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < whole->n_fields; i++)
        if (options->more_columns || sp_source_keeps_column(options, whole->fields[i].name)) {
            fields[n] = whole->fields[i];
            kept[n++] = i;
        }
    *s = *whole;
    s->fields = fields;
    s->n_fields = n;
    s->rows = UINT64_MAX;
    f->tables[t].kept = kept;
    ((const sp_schema **)f->source.tables)[t] = s;
    return SPATE_OK;
}

static int add_condition(filtered *f, uint32_t t, const char *where, spate_error *err)
{
    const sp_schema *s = f->whole->tables[t];
    table *own = &f->tables[t];
    own->where = sp_arena_strndup(&f->arena, where, strlen(where));
    own->columns = sp_arena_alloc(&f->arena, s->n_fields + 1, sizeof(*own->columns));
    if (!own->where || !own->columns)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (!sp_duckdb_column_natural(&own->columns[i], &s->fields[i].type, &f->arena))
            return sp_fail(err, SPATE_E_USAGE,
                           "table \"%s\": DuckDB, which looks at its rows, has no type for column \"%s\"", s->table,
                           s->fields[i].name);
    return SPATE_OK;
}

/* A condition that is none is told before anything is changed in the target. */
static int try_condition(filtered *f, uint32_t t, spate_error *err)
{
    duckdb_connection conn = NULL;
    question *q = NULL;
    int rc = connect(f, &conn, err);
    if (rc == SPATE_OK)
        rc = question_new(f, conn, t, &q, err);
    question_free(q);
    if (conn)
        sp_duckdb.disconnect(&conn);
    return rc;
}

static int open_tables(filtered *f, const sp_source_options *options, spate_error *err)
{
    const sp_source *whole = f->whole;
    const sp_schema **tables = sp_arena_alloc(&f->arena, whole->n_tables + 1, sizeof(*tables));
    f->tables = sp_arena_alloc(&f->arena, whole->n_tables + 1, sizeof(*f->tables));
    if (!tables || !f->tables)
        return sp_fail_nomem(err);
    memcpy(tables, whole->tables, whole->n_tables * sizeof(*tables));
    f->source.tables = tables;
    f->source.n_tables = whole->n_tables;
    int rc = sp_duckdb_open(":memory:", false, 1, &f->db, err);
    for (uint32_t t = 0; t < whole->n_tables && rc == SPATE_OK; t++) {
        const char *where = sp_source_where(options, whole->tables[t]->table);
        if (!where)
            continue;
        rc = add_condition(f, t, where, err);
        if (rc == SPATE_OK)
            rc = keep_fields(f, t, options, err);
        if (rc == SPATE_OK)
            rc = try_condition(f, t, err);
    }
    return rc;
}

int sp_filtered_open(sp_source *whole, const sp_source_options *options, sp_source **out, spate_error *err)
{
    filtered *f = sp_alloc_zero(1, sizeof(*f));
    if (!f) {
        sp_source_close(whole);
        return sp_fail_nomem(err);
    }
    sp_arena_init(&f->arena);
    pthread_mutex_init(&f->lock, NULL);
    f->whole = whole;
    f->source = *whole;
    f->source.ops = &ops;
    f->source.n_tables = 0;
    int rc = open_tables(f, options, err);
    if (rc == SPATE_OK)
        *out = &f->source;
    else
        source_close(&f->source);
    return rc;
}
