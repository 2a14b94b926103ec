/* postgres_source.c - rows out of PostgreSQL: COPY (SELECT ...) TO STDOUT in binary, by ranges of a table's pages.
 *
 * One connection holds a snapshot for as long as the source is open; every reader's transaction takes it over, so that all of them
 * see the database at one moment, whatever is written meanwhile. Positions are pages of the heap: a range is what the server's
 * TID range scan reads without looking at the rest, and reads again the same. A partitioned table is its partitions' pages one
 * behind the other. A column of a type without a binary reader here is cast to text by the server. */
#include "endpoint/order.h"
#include "endpoint/postgres_source.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct pg_reader {
    sp_reader base;
    PGconn *conn;
    sp_pg_relation *table;
    uint64_t next, last;  /* pages still to be asked for */
    bool copying, headed; /* a COPY runs; its header has been read */
    char *message;        /* of libpq, NULL: none; bytes [at, len) of it are not decoded yet */
    size_t at, len;
    uint64_t row;
} pg_reader;

static const char *text_at(const PGresult *res, int row, int column)
{
    return sp_pq.getvalue(res, row, column);
}

/* ---- connections --------------------------------------------------------------------------------- */

static const char begin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static int reader_open(sp_source *base, sp_reader **out, spate_error *err)
{
    sp_pg_source *s = (sp_pg_source *)base;
    pg_reader *r = sp_alloc_zero(1, sizeof(*r));
    char sql[200];
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = base;
    int rc = sp_pg_connect(&s->server, false, &r->conn, err);
    snprintf(sql, sizeof(sql), "%s; SET TRANSACTION SNAPSHOT '%s'", begin, s->snapshot);
    if (rc == SPATE_OK)
        rc = sp_pg_run(r->conn, sql, NULL, err, "taking over the snapshot");
    if (rc == SPATE_E_DATA) /* there is none of that name any more */
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "the connection that held the snapshot is lost");
    if (rc == SPATE_OK)
        *out = &r->base;
    else
        base->ops->reader_close(&r->base);
    return rc;
}

static void drop_message(pg_reader *r)
{
    if (r->message)
        sp_pq.freemem(r->message);
    r->message = NULL;
}

static void reader_close(sp_reader *base)
{
    pg_reader *r = (pg_reader *)base;
    drop_message(r);
    if (r->conn)
        sp_pq.finish(r->conn);
    sp_free(r);
}

/* A range given up in the middle: the rest of the answer is read and forgotten. */
static int end_copy(pg_reader *r, spate_error *err)
{
    drop_message(r);
    for (int len = 0; r->copying && len >= 0; drop_message(r))
        len = sp_pq.get_copy_data(r->conn, &r->message, 0);
    int status = SPATE_OK;
    for (PGresult *res; r->copying && (res = sp_pq.get_result(r->conn)) != NULL; sp_pq.clear(res))
        if (sp_pq.result_status(res) != PGRES_COMMAND_OK && status == SPATE_OK)
            status = sp_pg_fail(err, r->conn, res, "reading");
    r->copying = false;
    return status;
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    pg_reader *r = (pg_reader *)base;
    int status = r->copying ? end_copy(r, err) : SPATE_OK;
    r->table = &((sp_pg_source *)base->source)->tables[table];
    r->next = first;
    r->last = last;
    r->row = 0;
    return status;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

/* The heap that page is in. */
static const sp_pg_heap *leaf_of(const sp_pg_relation *t, uint64_t page)
{
    uint32_t low = 0, high = t->n_leaves;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (t->leaves[middle].first <= page)
            low = middle;
        else
            high = middle;
    }
    return &t->leaves[low];
}

/* Asks for the pages of the range that lie in the heap where it goes on. */
static int start_copy(pg_reader *r, spate_error *err)
{
    const sp_pg_heap *l = leaf_of(r->table, r->next);
    uint64_t from = r->next - l->first, to = SP_MIN(r->last, l->last) - l->first;
    sp_buf sql = {0};
    int status = SPATE_OK;
    if (sp_buf_printf(
            &sql,
            "COPY (SELECT %s FROM ONLY %s WHERE ctid >= '(%llu,0)' AND ctid < '(%llu,0)'%s) TO STDOUT (FORMAT binary)",
            r->table->columns, l->quoted, (unsigned long long)from, (unsigned long long)to, r->table->where))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK) {
        PGresult *res = sp_pq.exec(r->conn, sp_pg_string(&sql));
        if (sp_pq.result_status(res) != PGRES_COPY_OUT)
            status = sp_pg_fail(err, r->conn, res, "reading table \"%s\"", r->table->schema.table);
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    r->copying = status == SPATE_OK;
    r->headed = false;
    r->next = l->first + to;
    return status;
}

/* The next message; none is left when r->copying has turned false. */
static int next_message(pg_reader *r, spate_error *err)
{
    drop_message(r);
    int len = sp_pq.get_copy_data(r->conn, &r->message, 0);
    if (len == -2)
        return sp_pg_fail(err, r->conn, NULL, "reading table \"%s\"", r->table->schema.table);
    if (len == -1)
        return end_copy(r, err);
    r->len = (size_t)len;
    r->at = 0;
    if (r->headed)
        return SPATE_OK;
    r->headed = true;
    return sp_pgread_header((sp_str){r->message, r->len}, &r->at, err);
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    pg_reader *r = (pg_reader *)base;
    int status = SPATE_OK;
    batch->first_row = r->row;
    while (status == SPATE_OK && !sp_rowread_full(batch)) {
        size_t used = 0;
        if (r->message && r->at < r->len) {
            status =
                sp_pgread_tuple(r->table->decoder, (sp_str){r->message + r->at, r->len - r->at}, batch, &used, err);
            r->at += used;
        } else if (r->copying) {
            status = next_message(r, err);
        } else if (r->next < r->last) {
            status = start_copy(r, err);
        } else {
            break;
        }
    }
    r->row += batch->rows;
    return status == SPATE_OK ? sp_batch_check_text(batch, err) : status;
}

static void source_close(sp_source *base)
{
    sp_pg_source *s = (sp_pg_source *)base;
    for (uint32_t i = 0; s->tables && i < s->base.n_tables; i++)
        sp_pgread_free(s->tables[i].decoder);
    if (s->keeper)
        sp_pq.finish(s->keeper);
    sp_arena_done(&s->arena);
    sp_free(s);
}

/* In the snapshot; the server may do it on several processors. */
static int count(sp_source *base, uint32_t table, uint64_t *rows, spate_error *err)
{
    sp_pg_source *s = (sp_pg_source *)base;
    const sp_pg_relation *t = &s->tables[table];
    int status = SPATE_OK;
    *rows = 0;
    for (uint32_t i = 0; i < t->n_leaves && status == SPATE_OK; i++) {
        PGresult *res;
        sp_buf sql = {0};
        status = sp_buf_printf(&sql, "SELECT count(*) FROM ONLY %s WHERE true%s", t->leaves[i].quoted, t->where)
                     ? sp_fail_nomem(err)
                     : sp_pg_run(s->keeper, sp_pg_string(&sql), &res, err, "counting rows");
        sp_buf_done(&sql);
        if (status)
            break;
        *rows += strtoull(text_at(res, 0, 0), NULL, 10);
        sp_pq.clear(res);
    }
    return status;
}

static const sp_source_ops ops = {.reader_open = reader_open,
                                  .seek = seek,
                                  .next = next,
                                  .reader_close = reader_close,
                                  .close = source_close,
                                  .mark = sp_pg_mark,
                                  .unchanged = sp_pg_unchanged,
                                  .count = count};

/* ---- the tables ------------------------------------------------------------------------------------- */

/* Runs WITH RECURSIVE w (oid) AS (the table) and what comes behind. */
static int ask(sp_pg_source *s, const char *quoted, const char *tail, PGresult **res, spate_error *err)
{
    sp_buf b = {0};
    int status = SPATE_OK;
    if (sp_buf_adds(&b, "WITH RECURSIVE w (oid) AS (SELECT ") || sp_sql_literal(&b, sp_str_of(quoted)) ||
        sp_buf_adds(&b, "::regclass::oid)") || sp_buf_adds(&b, tail))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pg_run(s->keeper, sp_pg_string(&b), res, err, "reading the catalogue");
    sp_buf_done(&b);
    return status;
}

/* Arrays are types with an underscore in front; other types of that category count from 0. */
static const char columns_sql[] =
    ", col (num, typ, mod) AS ("
    " SELECT a.attnum, a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a JOIN w ON a.attrelid = w.oid"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
    " UNION ALL SELECT c.num, t.typbasetype, CASE c.mod WHEN -1 THEN t.typtypmod ELSE c.mod END"
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype = 'd')"
    " SELECT a.attname, c.typ, c.mod, CASE WHEN left(t.typname, 1) = '_' AND a.attndims < 2 THEN t.typcategory ELSE 'X' END,"
    " t.typelem, COALESCE(e.typtype, t.typtype) = 'e', pg_catalog.format_type(c.typ, c.mod), a.attnotnull"
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ AND t.typtype <> 'd'"
    " JOIN w ON true JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum = c.num"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " ORDER BY c.num";

static const char leaves_sql[] =
    " SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int,"
    " c.reltuples, c.relpages"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind <> 'p' AND c.oid IN (SELECT oid FROM w UNION"
    " SELECT p.relid FROM w, pg_catalog.pg_partition_tree(w.oid) p WHERE p.isleaf) ORDER BY c.oid";

static const char *kept(sp_pg_source *s, const char *text)
{
    return sp_arena_strndup(&s->arena, text, strlen(text));
}

static const sp_cat_column *catalog_column(const sp_cat_table *t, const char *name)
{
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* One column: its type, how it comes, how it is asked for. */
static int add_column(sp_pg_source *s, sp_pg_relation *t, const sp_cat_table *from, const PGresult *res, int row,
                      sp_buf *list, spate_error *err)
{
    uint32_t i = t->schema.n_fields++;
    sp_field *field = (sp_field *)&t->schema.fields[i];
    sp_pg_type *type = &t->types[i];
    *type = (sp_pg_type){.oid = (uint32_t)strtoul(text_at(res, row, 1), NULL, 10),
                         .typmod = atoi(text_at(res, row, 2)),
                         .category = *text_at(res, row, 3),
                         .item_oid = (uint32_t)strtoul(text_at(res, row, 4), NULL, 10),
                         .is_enum = *text_at(res, row, 5) == 't',
                         .name = kept(s, text_at(res, row, 6))};
    *field = (sp_field){.name = kept(s, text_at(res, row, 0)), .nullable = *text_at(res, row, 7) != 't'};
    if (!field->name || !type->name)
        return sp_fail_nomem(err);
    bool binary = sp_pgread_type(type, &s->arena, &field->type);
    if (!binary) {
        field->type = (sp_type){.kind = SP_TEXT};
        type->category = 'X';
    }
    field->sql_type = type->name;
    const sp_cat_column *known = catalog_column(from, field->name);
    if (known && type->is_enum && type->category != 'A') {
        field->labels = known->type.labels;
        field->n_labels = known->type.n_labels;
    }
    /* A host's address cast to text gets a mask that was not there: inet has a cast that is not its output. */
    bool host = strcmp(type->name, "inet") == 0;
    int built = (i && sp_buf_adds(list, ", ")) ||
                (host && sp_buf_adds(list, "pg_catalog.textin(pg_catalog.inet_out(")) ||
                sp_sql_name(list, field->name) || (!binary && sp_buf_adds(list, host ? "))" : "::text"));
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

static int read_columns(sp_pg_source *s, sp_pg_relation *t, const sp_cat_table *from, const char *quoted,
                        const sp_source_options *options, spate_error *err)
{
    PGresult *res;
    sp_buf list = {0};
    int status = ask(s, quoted, columns_sql, &res, err);
    if (status)
        return status;
    int n = sp_pq.ntuples(res);
    t->schema.fields = sp_arena_alloc(&s->arena, (size_t)n + 1, sizeof(*t->schema.fields));
    t->types = sp_arena_alloc(&s->arena, (size_t)n + 1, sizeof(*t->types));
    if (!t->schema.fields || !t->types)
        status = sp_fail_nomem(err);
    for (int row = 0; row < n && status == SPATE_OK; row++)
        if (sp_source_wants_column(options, text_at(res, row, 0)))
            status = add_column(s, t, from, res, row, &list, err);
    sp_pq.clear(res);
    if (status == SPATE_OK && t->schema.n_fields == 0)
        status = sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column that could be read", t->schema.table);
    if (status == SPATE_OK && !(t->columns = sp_arena_strndup(&s->arena, list.data, list.len)))
        status = sp_fail_nomem(err);
    sp_buf_done(&list);
    return status;
}

static int add_leaf(sp_pg_source *s, sp_pg_relation *t, const PGresult *res, int row, uint64_t *pages, spate_error *err)
{
    sp_pg_heap *l = &t->leaves[t->n_leaves++];
    sp_buf quoted = {0};
    if (!strchr("rm", *text_at(res, row, 2)))
        return sp_fail(err, SPATE_E_CONFIG, "\"%s\" is no table that stores rows: it cannot be read by ranges",
                       text_at(res, row, 1));
    l->first = *pages;
    l->last = *pages += strtoull(text_at(res, row, 3), NULL, 10);
    if (!sp_pg_qualified(&quoted, text_at(res, row, 0), text_at(res, row, 1)))
        l->quoted = sp_arena_strndup(&s->arena, quoted.data, quoted.len);
    sp_buf_done(&quoted);
    return l->quoted ? SPATE_OK : sp_fail_nomem(err);
}

/* The heaps and how many pages they have now: rows of the snapshot are in no later one. */
static int read_leaves(sp_pg_source *s, sp_pg_relation *t, const char *quoted, sp_extent *extent, spate_error *err)
{
    enum { PAGE_BYTES = 8192, TUPLE_BYTES = 28 };
    PGresult *res;
    uint64_t pages = 0;
    double rows = 0, seen = 0;
    int status = ask(s, quoted, leaves_sql, &res, err);
    if (status)
        return status;
    int n = sp_pq.ntuples(res);
    t->leaves = sp_arena_alloc(&s->arena, (size_t)n + 1, sizeof(*t->leaves));
    if (!t->leaves)
        status = sp_fail_nomem(err);
    for (int row = 0; row < n && status == SPATE_OK; row++) {
        status = add_leaf(s, t, res, row, &pages, err);
        rows += SP_MAX(atof(text_at(res, row, 4)), 0);
        seen += atof(text_at(res, row, 5));
    }
    sp_pq.clear(res);
    double a_row =
        rows >= 1 && seen >= 1 ? seen / rows : (sp_schema_row_bytes(&t->schema) + TUPLE_BYTES) / (double)PAGE_BYTES;
    *extent = (sp_extent){.end = pages, .units_a_row = a_row};
    t->schema.rows = UINT64_MAX;
    return status;
}

/* Before anybody changes anything for its sake. */
static int check_where(sp_pg_source *s, const sp_pg_relation *t, const char *quoted, spate_error *err)
{
    sp_buf sql = {0};
    if (!*t->where)
        return SPATE_OK;
    int status = sp_buf_printf(&sql, "SELECT 1 FROM %s WHERE true%s LIMIT 0", quoted, t->where)
                     ? sp_fail_nomem(err)
                     : sp_pg_run(s->keeper, sp_pg_string(&sql), NULL, err, "the condition");
    sp_buf_done(&sql);
    return status;
}

/* ---- opening --------------------------------------------------------------------------------------------- */

static int open_table(sp_pg_source *s, const sp_catalog *c, const sp_cat_table *from, const sp_source_options *options,
                      spate_error *err)
{
    uint32_t i = s->base.n_tables;
    sp_pg_relation *t = &s->tables[i];
    sp_buf name = {0};
    const char *quoted =
        sp_pg_qualified(&name, from->space, from->name) ? NULL : sp_arena_strndup(&s->arena, name.data, name.len);
    const char *where = sp_source_where(options, from->shown);
    sp_buf_done(&name);
    t->where = where ? sp_arena_printf(&s->arena, " AND (%s\n)", where) : "";
    if (!quoted || !t->where)
        return sp_fail_nomem(err);
    t->schema.table = from->shown;
    int status = read_columns(s, t, from, quoted, options, err);
    if (status == SPATE_OK)
        status = check_where(s, t, quoted, err);
    if (status == SPATE_OK)
        status = read_leaves(s, t, quoted, &s->extents[i], err);
    if (status == SPATE_OK && !sp_catalog_add_schema_keys(&s->arena, c, from, &t->schema))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pgread_new(&t->schema, t->types, &t->decoder, err);
    s->schemas[i] = &t->schema;
    s->base.n_tables += status == SPATE_OK;
    return status;
}

static int open_tables(sp_pg_source *s, const sp_catalog *c, const sp_source_options *options, spate_error *err)
{
    s->tables = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->extents));
    if (!s->tables || !s->schemas || !s->extents)
        return sp_fail_nomem(err);
    s->base.tables = s->schemas;
    s->base.extents = s->extents;
    int status = SPATE_OK;
    for (uint32_t i = 0; i < c->n_tables && status == SPATE_OK; i++) {
        bool takes;
        status = sp_source_takes(&s->base, &s->arena, options, &c->tables[i], &takes, err);
        if (status == SPATE_OK && takes)
            status = open_table(s, c, &c->tables[i], options, err);
    }
    return status == SPATE_OK
               ? sp_source_in_order(&s->base, &s->arena, &s->tables, sizeof(*s->tables), s->schemas, s->extents, err)
               : status;
}

/* The transaction whose snapshot everybody reads. */
static int take_snapshot(sp_pg_source *s, spate_error *err)
{
    PGresult *res;
    int status = sp_pg_connect(&s->server, false, &s->keeper, err);
    if (status == SPATE_OK)
        status = sp_pg_run(s->keeper, begin, NULL, err, "beginning");
    if (status == SPATE_OK)
        status = sp_pg_run(s->keeper, "SELECT pg_catalog.pg_export_snapshot()", &res, err, "taking a snapshot");
    if (status)
        return status;
    s->snapshot = kept(s, text_at(res, 0, 0));
    sp_pq.clear(res);
    return s->snapshot ? SPATE_OK : sp_fail_nomem(err);
}

static int open_all(sp_pg_source *s, sp_uri *uri, const sp_source_options *options, spate_error *err)
{
    sp_catalog catalog;
    sp_catalog_init(&catalog, &s->arena);
    s->server = (sp_pg_server){.uri = kept(s, uri->text), .shown = sp_uri_shown(uri->text, &s->arena)};
    s->base.shown = s->server.shown;
    if (!s->server.uri || !s->server.shown)
        return sp_fail_nomem(err);
    int status = take_snapshot(s, err);
    if (status == SPATE_OK)
        status = sp_pg_describe(uri, &(sp_describe_options){0}, &catalog, err);
    if (status == SPATE_OK && !sp_catalog_link(&catalog))
        status = sp_fail_nomem(err);
    sp_source_options own = *options;
    own.home = s->base.home = catalog.default_space;
    if (status == SPATE_OK)
        status = open_tables(s, &catalog, &own, err);
    return status;
}

int sp_pg_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    int status = sp_libpq_load(err);
    if (status)
        return status;
    sp_pg_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.unit = "pages";
    status = open_all(s, uri, options, err);
    if (status == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return status;
}
