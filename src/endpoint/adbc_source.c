/* adbc_source.c - rows out of a database behind an ADBC driver.
 *
 * Its tables are those that information_schema tells of, or those that are asked for by name where the database has no such schema. A
 * table is one query, read from front to back; a position is a row, and whoever reads the next range takes over the running
 * answer. A transaction of several connections has no one moment here: the driver says what its queries see. */
#include "codec/codec.h"
#include "endpoint/adbc.h"
#include "endpoint/order.h"
#include "os/os.h"

#include <stdatomic.h>

typedef struct answer {
    struct AdbcConnection conn;
    sp_adbc_answer rows;
    uint64_t position; /* of the next row */
    bool connected;
} answer;

typedef struct adbc_table {
    sp_schema schema;
    const char *sql;
    uint32_t *columns; /* 0, 1, 2 ... */
    answer *_Atomic parked;
} adbc_table;

typedef struct adbc_source {
    sp_source base;
    sp_arena arena;
    sp_adbc link;
    adbc_table *tables;
    const sp_schema **schemas;
    sp_extent *extents;
} adbc_source;

typedef struct adbc_reader {
    sp_reader base;
    adbc_table *table;
    answer *answer;
    uint64_t left;
} adbc_reader;

static adbc_source *source_of(const sp_reader *r)
{
    return (adbc_source *)r->source;
}

/* ---- answers ---------------------------------------------------------------------------------------- */

static void answer_close(adbc_source *s, answer *a)
{
    if (!a)
        return;
    sp_adbc_answer_done(&s->link, &a->rows);
    if (a->connected)
        sp_adbc_disconnect(&s->link, &a->conn);
    sp_free(a);
}

static int answer_open(adbc_source *s, const char *sql, answer **out, spate_error *err)
{
    answer *a = sp_alloc_zero(1, sizeof(*a));
    if (!a)
        return sp_fail_nomem(err);
    int rc = sp_adbc_connect(&s->link, &a->conn, err);
    a->connected = rc == SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_adbc_ask(&s->link, &a->conn, sql, &a->rows, err);
    if (rc == SPATE_OK)
        *out = a;
    else
        answer_close(s, a);
    return rc;
}

/* Text that is read as what it stands for. */
static void read_as(const adbc_table *t, const answer *a)
{
    for (uint32_t i = 0; i < t->schema.n_fields; i++)
        (void)sp_arrowread_as(a->rows.reader, i, t->schema.fields[i].type.kind);
}

/* Up to most rows that are there, passed over or taken. */
static uint64_t rows_at_hand(const answer *a, uint64_t most)
{
    return SP_MIN(a->rows.rows - a->rows.at, most);
}

static int answer_skip(answer *a, uint64_t position, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && a->position < position && !a->rows.end) {
        rc = sp_adbc_fetch(&a->rows, err);
        uint64_t n = rows_at_hand(a, position - a->position);
        a->rows.at += n;
        a->position += n;
    }
    return rc;
}

/* ---- a reader ------------------------------------------------------------------------------------------ */

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    adbc_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = s;
    *out = &r->base;
    return SPATE_OK;
}

static void reader_close(sp_reader *base)
{
    answer_close(source_of(base), ((adbc_reader *)base)->answer);
    sp_free(base);
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    adbc_reader *r = (adbc_reader *)base;
    adbc_source *s = source_of(base);
    answer_close(s, r->answer);
    r->table = &s->tables[table];
    r->left = last - first;
    r->answer = atomic_exchange(&r->table->parked, NULL);
    if (r->answer && r->answer->position == first)
        return SPATE_OK;
    answer_close(s, r->answer);
    r->answer = NULL;
    int rc = answer_open(s, r->table->sql, &r->answer, err);
    if (rc != SPATE_OK)
        return rc;
    read_as(r->table, r->answer);
    return answer_skip(r->answer, first, err);
}

static void end_range(adbc_reader *r)
{
    r->base.position = r->answer->position;
    r->base.at_end = r->answer->rows.end;
    answer_close(source_of(&r->base), atomic_exchange(&r->table->parked, r->answer));
    r->answer = NULL;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    adbc_reader *r = (adbc_reader *)base;
    answer *a = r->answer;
    if (!a)
        return SPATE_OK;
    batch->first_row = a->position;
    int rc = r->left ? sp_adbc_fetch(&a->rows, err) : SPATE_OK;
    uint64_t n = rows_at_hand(a, SP_MIN(r->left, (uint64_t)SP_BATCH_ROWS_MAX));
    if (rc == SPATE_OK && n)
        rc = sp_arrowread_rows(a->rows.reader, r->table->columns, a->rows.at, a->rows.at + n, batch, err);
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "table \"%s\"", r->table->schema.table);
    a->rows.at += n;
    a->position += n;
    r->left -= n;
    if (n)
        return sp_batch_check_text(batch, err);
    end_range(r);
    return SPATE_OK;
}

static void source_close(sp_source *base)
{
    adbc_source *s = (adbc_source *)base;
    for (uint32_t i = 0; i < s->base.n_tables; i++) {
        answer_close(s, s->tables[i].parked);
    }
    sp_adbc_close(&s->link);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

/* ---- which tables --------------------------------------------------------------------------------------- */

static const char tables_sql[] =
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
    " AND table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY table_schema, table_name";

/* Two columns of text, kept as "schema.table", or the table alone where the schema is one that names go without. */
static int keep_names(adbc_source *s, answer *a, const char ***names, uint32_t *n, spate_error *err)
{
    static const char *const plain[] = {"main", "public", "dbo"};
    static const uint32_t columns[] = {0, 1};
    sp_schema schema = {.table = "tables", .fields = a->rows.fields, .n_fields = 2};
    sp_batch batch;
    int rc = a->rows.n_fields == 2 ? sp_batch_init(&batch, &schema, err)
                                   : sp_fail(err, SPATE_E_DATA, "information_schema is none");
    if (rc != SPATE_OK)
        return rc;
    *names = sp_arena_alloc(&s->arena, SP_TABLES_MAX, sizeof(**names));
    for (*n = 0; rc == SPATE_OK && *names && (rc = sp_adbc_fetch(&a->rows, err)) == SPATE_OK && !a->rows.end;
         a->rows.at++) {
        sp_batch_reset(&batch);
        rc = sp_arrowread_rows(a->rows.reader, columns, a->rows.at, a->rows.at + 1, &batch, err);
        sp_str space = rc == SPATE_OK ? sp_column_str(&batch.columns[0], 0) : (sp_str){0},
               name = rc == SPATE_OK ? sp_column_str(&batch.columns[1], 0) : space;
        bool bare = false;
        for (size_t i = 0; i < SP_COUNT(plain); i++)
            bare = bare || sp_str_is(space, plain[i]);
        if (rc == SPATE_OK && *n < SP_TABLES_MAX)
            (*names)[*n] =
                bare ? sp_arena_strndup(&s->arena, name.p, name.len)
                     : sp_arena_printf(&s->arena, "%.*s.%.*s", (int)space.len, space.p, (int)name.len, name.p);
        if (rc == SPATE_OK && (*n == SP_TABLES_MAX || !(*names)[(*n)++]))
            rc = sp_fail_nomem(err);
    }
    sp_batch_done(&batch);
    return rc == SPATE_OK && !*names ? sp_fail_nomem(err) : rc;
}

static int find_names(adbc_source *s, const sp_source_options *o, const char ***names, uint32_t *n, spate_error *err)
{
    answer *a;
    int rc = SPATE_OK;
    if (o->n_tables) {
        *names = sp_arena_alloc(&s->arena, o->n_tables, sizeof(**names));
        *n = o->n_tables;
        for (uint32_t i = 0; *names && i < o->n_tables; i++)
            if (!((*names)[i] = sp_arena_strndup(&s->arena, o->tables[i], strlen(o->tables[i]))))
                *names = NULL;
        return *names ? SPATE_OK : sp_fail_nomem(err);
    }
    rc = answer_open(s, tables_sql, &a, err);
    if (rc != SPATE_OK) {
        sp_error_hint(err, "--table names the tables, where the database has no information_schema");
        return rc;
    }
    rc = keep_names(s, a, names, n, err);
    answer_close(s, a);
    return rc;
}

static int build_select(adbc_source *s, const char *table, const sp_source_options *o, uint32_t number,
                        const char **sql, spate_error *err)
{
    const char *where = o->wheres ? o->wheres[number] : NULL;
    sp_buf b = {0};
    int built = sp_buf_adds(&b, "SELECT ");
    for (uint32_t i = 0; i < o->n_columns && !built; i++)
        built = sp_buf_adds(&b, i ? ", " : "") || sp_sql_name(&b, o->columns[i]);
    built = built || sp_buf_adds(&b, o->n_columns ? " FROM " : "* FROM ") || sp_sql_ident(&b, table) ||
            (where && sp_buf_printf(&b, " WHERE (%s)", where));
    *sql = built ? NULL : sp_arena_strndup(&s->arena, b.data, b.len);
    sp_buf_done(&b);
    return *sql ? SPATE_OK : sp_fail_nomem(err);
}

static const sp_field *like_of(const sp_source_options *o, const char *table, const char *column)
{
    for (uint32_t i = 0; i < o->n_like; i++) {
        int at = strcmp(o->like[i]->table, table) == 0 ? sp_schema_find(o->like[i], column) : -1;
        if (at >= 0)
            return &o->like[i]->fields[at];
    }
    return NULL;
}

/* Drivers give uuids and JSON as text: it is what the other side knows it to be. */
static int keep_fields(adbc_source *s, adbc_table *t, const answer *a, const sp_source_options *o, spate_error *err)
{
    sp_field *fields = sp_arena_alloc(&s->arena, a->rows.n_fields + 1, sizeof(*fields));
    t->columns = sp_arena_alloc(&s->arena, a->rows.n_fields + 1, sizeof(*t->columns));
    if (!fields || !t->columns)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < a->rows.n_fields; i++) {
        const sp_field *from = &a->rows.fields[i];
        fields[i] = (sp_field){.nullable = from->nullable};
        if (sp_field_copy_type(&s->arena, from, &fields[i]) ||
            !(fields[i].name = sp_arena_strndup(&s->arena, from->name, strlen(from->name))))
            return sp_fail_nomem(err);
        t->columns[i] = i;
        const sp_field *like = like_of(o, t->schema.table, from->name);
        if (like && sp_arrowread_as(a->rows.reader, i, like->type.kind))
            fields[i].type.kind = like->type.kind;
    }
    t->schema.fields = fields;
    t->schema.n_fields = a->rows.n_fields;
    t->schema.rows = UINT64_MAX;
    return SPATE_OK;
}

/* The answer that told the schema is the one whose rows come first. */
static int open_table(adbc_source *s, const char *name, const sp_source_options *o, uint32_t i, spate_error *err)
{
    adbc_table *t = &s->tables[i];
    t->schema.table = name;
    int rc = build_select(s, name, o, i, &t->sql, err);
    answer *a = NULL;
    if (rc == SPATE_OK)
        rc = answer_open(s, t->sql, &a, err);
    if (rc == SPATE_OK)
        rc = keep_fields(s, t, a, o, err);
    if (rc != SPATE_OK) {
        answer_close(s, a);
        return sp_fail_context(err, rc, "table \"%s\"", name);
    }
    answer_close(s, a); /* drivers may hold what an open answer needs: one at a time */
    s->schemas[i] = &t->schema;
    s->extents[i] = (sp_extent){.end = UINT64_MAX, .units_a_row = 1, .sequential = true};
    s->base.n_tables++;
    return SPATE_OK;
}

static int open_all(adbc_source *s, sp_uri *uri, const sp_source_options *o, spate_error *err)
{
    const char **names = NULL;
    uint32_t n = 0;
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    int rc = s->base.shown ? sp_adbc_open(&s->link, uri, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = find_names(s, o, &names, &n, err);
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->extents));
    if (rc == SPATE_OK && (!s->tables || !s->schemas || !s->extents))
        rc = sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = open_table(s, names[i], o, i, err);
    s->base.tables = s->schemas;
    s->base.extents = s->extents;
    return rc;
}

int sp_adbc_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    adbc_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.unit = "rows";
    int rc = open_all(s, uri, options, err);
    if (rc == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return rc;
}
