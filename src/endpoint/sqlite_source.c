/* sqlite_source.c - rows out of an SQLite file.
 *
 * A first connection keeps everybody from writing for as long as the source is open (others can read), so that every reader, on a
 * connection of its own, sees the same rows. Where rowids lie close together a position is one of them, and any range is found by
 * a search; other tables are read from front to back, whoever reads next taking over the running statement.
 *
 * SQLite's columns have no types, only its values have. A column comes as the target's kind where there is a target, else as what
 * its declaration and its first rows suggest; a value that is something else is an error with its row. */
#include "client/libsqlite.h"
#include "codec/codec.h"
#include "endpoint/endpoints.h"
#include "endpoint/guess.h"
#include "endpoint/order.h"
#include "endpoint/sqlite_cells.h"
#include "os/os.h"

#include <stdio.h>
#include <strings.h>

enum {
    SAMPLE_ROWS = 1000,
    DENSE = 4, /* rowids a row, at most, for ranges of them to hold about equally many rows */
};

/* A connection and the statement that runs on it. */
typedef struct link {
    sqlite3 *db;
    sqlite3_stmt *rows;
    uint64_t position; /* of the next row, in a table that is read from front to back */
} link;

typedef struct lite_table {
    sp_schema schema;
    const char *sql; /* SELECT, with two parameters where ranges are read */
    int64_t first_rowid;
    bool ranges;
    pthread_mutex_t lock; /* on parked */
    link *parked;
} lite_table;

typedef struct lite_source {
    sp_source base;
    sp_arena arena;
    const char *path;
    sqlite3 *keeper;
    lite_table *tables;
    const sp_schema **schemas;
    sp_extent *extents;
} lite_source;

typedef struct lite_reader {
    sp_reader base;
    link *link;
    lite_table *table;
    uint64_t left; /* rows of a range that is read from front to back */
    uint64_t row;  /* of the range, for messages */
    bool done;
} lite_reader;

static lite_source *source_of(const sp_reader *r)
{
    return (lite_source *)r->source;
}

/* ---- links ----------------------------------------------------------------------------------------- */

static void link_close(link *l)
{
    if (!l)
        return;
    sp_sqlite.finalize(l->rows);
    sp_sqlite.close_v2(l->db);
    sp_free(l);
}

static int link_open(const lite_source *s, link **out, spate_error *err)
{
    link *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    int rc = sp_sqlite_open(s->path, SQLITE_OPEN_READONLY, &l->db, err);
    if (rc == SPATE_OK)
        *out = l;
    else
        sp_free(l);
    return rc;
}

static link *take_parked(lite_table *t)
{
    pthread_mutex_lock(&t->lock);
    link *l = t->parked;
    t->parked = NULL;
    pthread_mutex_unlock(&t->lock);
    return l;
}

static void park(lite_table *t, link *l)
{
    link_close(take_parked(t));
    pthread_mutex_lock(&t->lock);
    t->parked = l;
    pthread_mutex_unlock(&t->lock);
}

static int prepare_rows(const lite_source *s, const lite_table *t, link *l, spate_error *err)
{
    sp_sqlite.finalize(l->rows);
    l->rows = NULL;
    l->position = 0;
    return sp_sqlite.prepare_v2(l->db, t->sql, -1, &l->rows, NULL) == SQLITE_OK ? SPATE_OK
                                                                                : sp_sqlite_fail(err, l->db, s->path);
}

/* ---- cells ------------------------------------------------------------------------------------------ */

static int put_integer(sp_column *c, uint32_t row, int64_t v)
{
    char text[SP_I64_TEXT_MAX + SP_SLACK];
    switch (c->type.kind) {
    case SP_I64: ((int64_t *)c->data)[row] = v; return SPATE_OK;
    case SP_F64:
        if (v > INT64_C(1) << 53 || v < -(INT64_C(1) << 53))
            return SPATE_E_DATA;
        ((double *)c->data)[row] = (double)v;
        return SPATE_OK;
    case SP_JSON:
    case SP_BYTES: return SPATE_E_DATA;
    default: return sp_cell_read(c, row, (sp_str){text, (size_t)(sp_put_i64(text, v) - text)});
    }
}

static int put_real(sp_column *c, uint32_t row, double v)
{
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    switch (c->type.kind) {
    case SP_F64: ((double *)c->data)[row] = v; return SPATE_OK;
    case SP_F32: ((float *)c->data)[row] = (float)v; return (double)(float)v == v || v != v ? SPATE_OK : SPATE_E_DATA;
    case SP_DECIMAL: return sp_cell_read(c, row, (sp_str){text, (size_t)(sp_put_f64(text, v) - text)});
    default: return SPATE_E_DATA;
    }
}

static int put_blob(sp_column *c, uint32_t row, sp_str bytes)
{
    if (c->type.kind == SP_BYTES)
        return sp_cell_add_text(c, row, bytes);
    if (c->type.kind != SP_UUID || bytes.len != 16)
        return SPATE_E_DATA;
    memcpy((uint8_t *)c->data + (size_t)row * 16, bytes.p, 16);
    return SPATE_OK;
}

static int put_value(sqlite3_stmt *rows, int i, sp_column *c, uint32_t row)
{
    switch (sp_sqlite.column_type(rows, i)) {
    case SQLITE_NULL: sp_cell_read_null(c, row); return SPATE_OK;
    case SQLITE_INTEGER: return put_integer(c, row, sp_sqlite.column_int64(rows, i));
    case SQLITE_FLOAT: return put_real(c, row, sp_sqlite.column_double(rows, i));
    case SQLITE_BLOB: {
        const char *bytes = sp_sqlite.column_blob(rows, i);
        return put_blob(c, row, (sp_str){bytes ? bytes : "", (size_t)sp_sqlite.column_bytes(rows, i)});
    }
    default: {
        const char *text = (const char *)sp_sqlite.column_text(rows, i);
        sp_str s = {text, (size_t)sp_sqlite.column_bytes(rows, i)};
        return !text ? SPATE_E_NOMEM : c->type.kind == SP_BYTES ? SPATE_E_DATA : sp_cell_read(c, row, s);
    }
    }
}

static int fail_value(const lite_reader *r, const sp_batch *b, int i, int rc, spate_error *err)
{
    static const char *const classes[] = {"", "integer", "real", "text", "blob", "null"};
    const sp_schema *schema = &r->table->schema;
    int class = sp_sqlite.column_type(r->link->rows, i);
    if (rc != SPATE_E_DATA)
        return sp_fail_nomem(err);
    const char *shown = class == SQLITE_BLOB ? "" : (const char *)sp_sqlite.column_text(r->link->rows, i);
    sp_fail(err, rc, "table \"%s\", column \"%s\", row %llu: the %s \"%.80s\" is no %s", schema->table,
            schema->fields[i].name, (unsigned long long)(b->first_row + b->rows + 1), classes[class],
            shown ? shown : "", sp_kind_name(schema->fields[i].type.kind));
    sp_error_hint(err, "create the table first, with a column that holds all values: columns come as the target's");
    return rc;
}

/* ---- a reader ----------------------------------------------------------------------------------------- */

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    lite_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = s;
    *out = &r->base;
    return SPATE_OK;
}

static void reader_close(sp_reader *base)
{
    link_close(((lite_reader *)base)->link);
    sp_free(base);
}

/* The statement that was parked at first, or a new one that is run up to there. */
static int point_sequential(lite_reader *r, uint64_t first, spate_error *err)
{
    lite_source *s = source_of(&r->base);
    link *parked = take_parked(r->table);
    int rc = SPATE_OK;
    if (parked && parked->position == first) {
        link_close(r->link);
        r->link = parked;
        return rc;
    }
    link_close(parked);
    rc = r->link ? SPATE_OK : link_open(s, &r->link, err);
    if (rc == SPATE_OK)
        rc = prepare_rows(s, r->table, r->link, err);
    while (rc == SPATE_OK && r->link->position < first) {
        if (sp_sqlite.step(r->link->rows) != SQLITE_ROW)
            return sp_sqlite_fail(err, r->link->db, s->path);
        r->link->position++;
    }
    return rc;
}

static int point_range(lite_reader *r, bool another, uint64_t first, uint64_t last, spate_error *err)
{
    lite_source *s = source_of(&r->base);
    int rc = r->link ? SPATE_OK : link_open(s, &r->link, err);
    if (rc == SPATE_OK && (another || !r->link->rows))
        rc = prepare_rows(s, r->table, r->link, err);
    if (rc != SPATE_OK)
        return rc;
    sp_sqlite.reset(r->link->rows);
    sp_sqlite.bind_int64(r->link->rows, 1, (int64_t)((uint64_t)r->table->first_rowid + first));
    sp_sqlite.bind_int64(r->link->rows, 2, (int64_t)((uint64_t)r->table->first_rowid + last - 1));
    return SPATE_OK;
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    lite_reader *r = (lite_reader *)base;
    lite_table *t = &source_of(base)->tables[table];
    bool another = t != r->table;
    r->table = t;
    r->row = t->ranges ? 0 : first;
    r->left = last - first;
    r->done = false;
    return t->ranges ? point_range(r, another, first, last, err) : point_sequential(r, first, err);
}

/* The range is read. */
static void end_range(lite_reader *r)
{
    if (r->table->ranges || !r->link)
        return;
    r->base.position = r->link->position;
    r->base.at_end = r->done;
    park(r->table, r->link);
    r->link = NULL;
}

static int add_row(lite_reader *r, sp_batch *b, spate_error *err)
{
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        int rc = put_value(r->link->rows, (int)i, &b->columns[i], b->rows);
        if (rc != SPATE_OK)
            return fail_value(r, b, (int)i, rc, err);
    }
    b->rows++;
    r->link->position++;
    r->left--;
    return SPATE_OK;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    lite_reader *r = (lite_reader *)base;
    int rc = SPATE_OK;
    batch->first_row = r->row;
    while (rc == SPATE_OK && !r->done && (r->table->ranges || r->left) && !sp_rowread_full(batch)) {
        int step = sp_sqlite.step(r->link->rows);
        r->done = step == SQLITE_DONE;
        if (step == SQLITE_ROW)
            rc = add_row(r, batch, err);
        else if (!r->done)
            rc = sp_sqlite_fail(err, r->link->db, source_of(base)->path);
    }
    if (rc != SPATE_OK)
        return rc;
    r->row += batch->rows;
    if (batch->rows == 0)
        end_range(r);
    return sp_batch_check_text(batch, err);
}

static void source_close(sp_source *base)
{
    lite_source *s = (lite_source *)base;
    for (uint32_t i = 0; i < s->base.n_tables; i++) {
        link_close(s->tables[i].parked);
        pthread_mutex_destroy(&s->tables[i].lock);
    }
    if (s->keeper)
        sp_sqlite.close_v2(s->keeper);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

/* ---- the tables ------------------------------------------------------------------------------------------ */

static const char *kept(lite_source *s, const char *text)
{
    return sp_arena_strndup(&s->arena, text, strlen(text));
}

/* One query about a table, whose name is its parameter. */
static int ask(lite_source *s, const char *sql, const char *table, sqlite3_stmt **row, spate_error *err)
{
    *row = NULL;
    if (sp_sqlite.prepare_v2(s->keeper, sql, -1, row, NULL) != SQLITE_OK)
        return sp_sqlite_fail(err, s->keeper, s->path);
    if (table)
        sp_sqlite.bind_text(*row, 1, table, -1, SQLITE_STATIC);
    return SPATE_OK;
}

/* What is learnt of a column's values in the first rows. */
typedef struct sample {
    uint32_t classes; /* a bit a storage class */
    bool binary;      /* integers other than 0 and 1 have not been seen */
    sp_guess guess;   /* of the texts */
} sample;

static bool has_class(const sample *s, int class)
{
    return s->classes >> class & 1;
}

static bool only_class(const sample *s, int class)
{
    return (s->classes & ~(1u << SQLITE_NULL)) == 1u << class;
}

static bool has_word(const char *type, const char *word)
{
    for (; *type; type++)
        if (strncasecmp(type, word, strlen(word)) == 0)
            return true;
    return false;
}

/* DECIMAL(10,2): true with its numbers. */
static bool is_decimal(const char *type, unsigned *precision, unsigned *scale)
{
    const char *open = strchr(type, '(');
    *scale = 0;
    return (has_word(type, "DEC") || has_word(type, "NUMERIC")) && open &&
           sscanf(open, "(%u,%u)", precision, scale) >= 1 && *precision <= 18 && *scale <= *precision;
}

/* By the declaration, if the first values are what it says; else by these. */
static sp_type kind_of(const char *declared, const sample *s)
{
    unsigned precision, scale;
    bool numbers = !has_class(s, SQLITE_TEXT) && !has_class(s, SQLITE_BLOB);
    sp_sqlite_affine affinity = sp_sqlite_affinity(declared);
    if (only_class(s, SQLITE_BLOB) || (!(s->classes & ~(1u << SQLITE_NULL)) && has_word(declared, "BLOB")))
        return (sp_type){.kind = SP_BYTES};
    if (numbers && has_word(declared, "BOOL") && s->binary && !has_class(s, SQLITE_FLOAT))
        return (sp_type){.kind = SP_BOOL};
    if (numbers && is_decimal(declared, &precision, &scale))
        return (sp_type){.kind = SP_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
    if (numbers && (has_class(s, SQLITE_FLOAT) || affinity == SP_SQLITE_REAL))
        return (sp_type){.kind = SP_F64};
    if (only_class(s, SQLITE_INTEGER) || (numbers && affinity == SP_SQLITE_INTEGER))
        return (sp_type){.kind = SP_I64};
    if (only_class(s, SQLITE_TEXT) &&
        (has_word(declared, "DATE") || has_word(declared, "TIME") || has_word(declared, "UUID")))
        return sp_guess_type(&s->guess);
    return (sp_type){.kind = SP_TEXT};
}

static int sample_table(lite_source *s, const char *select, sample *samples, uint32_t n, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    char *sql = sp_arena_printf(&s->arena, "%s LIMIT %d", select, SAMPLE_ROWS);
    int rc = sql ? ask(s, sql, NULL, &row, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        samples[i].binary = true;
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW)
        for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
            int class = sp_sqlite.column_type(row, (int)i);
            samples[i].classes |= 1u << class;
            if (class == SQLITE_INTEGER)
                samples[i].binary &= (uint64_t)sp_sqlite.column_int64(row, (int)i) <= 1;
            if (class == SQLITE_TEXT && sp_guess_see(&samples[i].guess, sp_str_of(sp_sqlite_text(row, (int)i)), false))
                rc = sp_fail_nomem(err);
        }
    sp_sqlite.finalize(row);
    return rc;
}

/* Columns in the order of the table, the generated ones left out; declared: of each, as it was created. */
static int read_columns(lite_source *s, lite_table *t, const sp_source_options *options, const char ***declared,
                        spate_error *err)
{
    sqlite3_stmt *row;
    uint32_t n = 0;
    int rc =
        ask(s, "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?)", t->schema.table, &row, err);
    if (rc != SPATE_OK)
        return rc;
    while (sp_sqlite.step(row) == SQLITE_ROW)
        n++;
    sp_sqlite.reset(row);
    sp_field *fields = sp_arena_alloc(&s->arena, n + 1, sizeof(*fields));
    uint32_t *key = sp_arena_alloc(&s->arena, n + 1, sizeof(*key));
    *declared = sp_arena_alloc(&s->arena, n + 1, sizeof(**declared));
    bool ok = fields && key && *declared;
    uint32_t key_columns = 0;
    while (ok && sp_sqlite.step(row) == SQLITE_ROW) {
        int64_t pk = sp_sqlite.column_int64(row, 3);
        key_columns += pk > 0;
        if (sp_sqlite.column_int64(row, 4) || !sp_source_wants_column(options, sp_sqlite_text(row, 0)))
            continue;
        uint32_t i = t->schema.n_fields++;
        fields[i] =
            (sp_field){.name = kept(s, sp_sqlite_text(row, 0)), .nullable = !sp_sqlite.column_int64(row, 2) && !pk};
        (*declared)[i] = kept(s, sp_sqlite_text(row, 1));
        if (pk > 0) {
            key[pk - 1] = i;
            t->schema.n_primary_key++;
        }
        ok = fields[i].name && (*declared)[i];
    }
    sp_sqlite.finalize(row);
    if (t->schema.n_primary_key < key_columns) /* not all of it is copied */
        t->schema.n_primary_key = 0;
    t->schema.primary_key = key;
    t->schema.fields = fields;
    if (ok && t->schema.n_fields == 0)
        return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column that could be read", t->schema.table);
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

static int build_select(lite_source *s, const lite_table *t, const sp_source_options *options, const char **select,
                        spate_error *err)
{
    sp_buf sql = {0};
    const char *where = sp_source_where(options, t->schema.table);
    int built = sp_buf_adds(&sql, "SELECT ");
    for (uint32_t i = 0; i < t->schema.n_fields && !built; i++)
        built = (i && sp_buf_adds(&sql, ", ")) || sp_sql_name(&sql, t->schema.fields[i].name);
    built = built || sp_buf_adds(&sql, " FROM ") || sp_sql_name(&sql, t->schema.table);
    if (!built)
        built = where ? sp_buf_printf(&sql, " WHERE (%s\n)", where) : sp_buf_adds(&sql, " WHERE true");
    *select = built ? NULL : sp_arena_strndup(&s->arena, sql.data, sql.len);
    sp_buf_done(&sql);
    return *select ? SPATE_OK : sp_fail_nomem(err);
}

static int choose_kinds(lite_source *s, lite_table *t, const sp_source_options *options, const char *const *declared,
                        const char *select, spate_error *err)
{
    const sp_schema *like = sp_source_like(options, t->schema.table);
    sp_field *fields = (sp_field *)t->schema.fields;
    sample *samples = sp_arena_alloc(&s->arena, t->schema.n_fields + 1, sizeof(*samples));
    int rc = samples ? sample_table(s, select, samples, t->schema.n_fields, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < t->schema.n_fields && rc == SPATE_OK; i++) {
        int at = like ? sp_schema_find(like, fields[i].name) : -1;
        fields[i].type = kind_of(declared[i], &samples[i]);
        if (at >= 0)
            rc = sp_field_copy_type(&s->arena, &like->fields[at], &fields[i]) ? sp_fail_nomem(err) : SPATE_OK;
    }
    return rc;
}

/* ---- how a table is read ------------------------------------------------------------------------------------ */

static bool has_column(const lite_table *t, const char *name)
{
    for (uint32_t i = 0; i < t->schema.n_fields; i++)
        if (strcasecmp(t->schema.fields[i].name, name) == 0)
            return true;
    return false;
}

/* The word that means the rowid, unless columns are called by all of them. */
static const char *rowid_of(const lite_table *t)
{
    static const char *const words[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < SP_COUNT(words); i++)
        if (!has_column(t, words[i]))
            return words[i];
    return NULL;
}

/* The least and the greatest rowid and how many there are. */
static int measure_rowids(lite_source *s, const lite_table *t, const char *rowid, int64_t *low, int64_t *high,
                          uint64_t *rows, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    sp_buf sql = {0};
    int rc = SPATE_OK;
    if (sp_buf_printf(&sql, "SELECT (SELECT min(%s) FROM ", rowid) || sp_sql_name(&sql, t->schema.table) ||
        sp_buf_printf(&sql, "), (SELECT max(%s) FROM ", rowid) || sp_sql_name(&sql, t->schema.table) ||
        sp_buf_adds(&sql, "), (SELECT count(*) FROM ") || sp_sql_name(&sql, t->schema.table) ||
        sp_buf_adds(&sql, ")") || sp_buf_add(&sql, "", 1))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = ask(s, sql.data, NULL, &row, err);
    if (rc == SPATE_OK && sp_sqlite.step(row) != SQLITE_ROW)
        rc = sp_sqlite_fail(err, s->keeper, s->path);
    if (rc == SPATE_OK) {
        *low = sp_sqlite.column_int64(row, 0);
        *high = sp_sqlite.column_int64(row, 1);
        *rows = (uint64_t)sp_sqlite.column_int64(row, 2);
    }
    sp_sqlite.finalize(row);
    sp_buf_done(&sql);
    return rc;
}

static int plan_reading(lite_source *s, lite_table *t, const char *select, bool has_rowid, bool all, sp_extent *extent,
                        spate_error *err)
{
    int64_t low = 0, high = -1;
    uint64_t rows = 0;
    const char *rowid = has_rowid ? rowid_of(t) : NULL;
    int rc = rowid ? measure_rowids(s, t, rowid, &low, &high, &rows, err) : SPATE_OK;
    uint64_t reach = (uint64_t)high - (uint64_t)low; /* one less than the rowids there could be, which may be 2^64 */
    uint64_t span = rows ? reach + 1 : 0;
    t->schema.rows = rowid && all ? rows : UINT64_MAX;
    t->ranges = rowid && rows < UINT64_MAX / DENSE && (rows == 0 || reach < DENSE * rows);
    t->first_rowid = low;
    *extent = (sp_extent){.end = UINT64_MAX, .units_a_row = 1, .file = s->path, .sequential = true};
    if (t->ranges)
        *extent = (sp_extent){.end = span, .units_a_row = rows ? (double)span / (double)rows : 1, .file = s->path};
    t->sql = t->ranges ? sp_arena_printf(&s->arena, "%s AND %s BETWEEN ? AND ?", select, rowid)
             : rowid   ? sp_arena_printf(&s->arena, "%s ORDER BY %s", select, rowid)
                       : select;
    return rc != SPATE_OK || t->sql ? rc : sp_fail_nomem(err);
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static int read_uniques(lite_source *s, lite_table *t, spate_error *err)
{
    sqlite3_stmt *row;
    uint32_t *uniques = sp_arena_alloc(&s->arena, t->schema.n_fields + 1, sizeof(*uniques));
    int rc = ask(s,
                 "SELECT max(c.name) FROM pragma_index_list(?) i JOIN pragma_index_info(i.name) c"
                 " WHERE i.origin = 'u' AND NOT i.partial GROUP BY i.name HAVING count(*) = 1",
                 t->schema.table, &row, err);
    if (rc != SPATE_OK)
        return rc;
    while (uniques && sp_sqlite.step(row) == SQLITE_ROW && t->schema.n_uniques < t->schema.n_fields) {
        int at = sp_schema_find(&t->schema, sp_sqlite_text(row, 0));
        if (at >= 0)
            uniques[t->schema.n_uniques++] = (uint32_t)at;
    }
    sp_sqlite.finalize(row);
    t->schema.uniques = uniques;
    return uniques ? SPATE_OK : sp_fail_nomem(err);
}

/* Starts the key that the row begins, or goes on with it. False: no memory. */
static bool add_key_column(lite_source *s, lite_table *t, sp_foreign_key *keys, sqlite3_stmt *row)
{
    int64_t seq = sp_sqlite.column_int64(row, 1), n = sp_sqlite.column_int64(row, 5);
    sp_foreign_key *key = &keys[t->schema.n_foreign_keys];
    if (seq == 0) {
        *key = (sp_foreign_key){.parent = kept(s, sp_sqlite_text(row, 2))};
        key->columns = sp_arena_alloc(&s->arena, (size_t)n, sizeof(uint32_t));
        key->parent_columns = sp_arena_alloc(&s->arena, (size_t)n, sizeof(char *));
    }
    int at = sp_schema_find(&t->schema, sp_sqlite_text(row, 3));
    if (!key->parent || !key->columns || !key->parent_columns)
        return false;
    if (at >= 0 && *sp_sqlite_text(row, 4)) {
        ((uint32_t *)key->columns)[key->n] = (uint32_t)at;
        ((const char **)key->parent_columns)[key->n] = kept(s, sp_sqlite_text(row, 4));
        if (!key->parent_columns[key->n++])
            return false;
    }
    t->schema.n_foreign_keys += key->n == n; /* whole, with all its columns copied */
    return true;
}

static int read_foreign_keys(lite_source *s, lite_table *t, spate_error *err)
{
    sqlite3_stmt *row;
    uint32_t n = 0;
    int rc = ask(
        s,
        "SELECT f.id, f.seq, f.\"table\", f.\"from\", coalesce(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") p"
        " WHERE p.pk = f.seq + 1)), count(*) OVER (PARTITION BY f.id) FROM pragma_foreign_key_list(?) f ORDER BY f.id, f.seq",
        t->schema.table, &row, err);
    if (rc != SPATE_OK)
        return rc;
    while (sp_sqlite.step(row) == SQLITE_ROW)
        n++;
    sp_sqlite.reset(row);
    sp_foreign_key *keys = sp_arena_alloc(&s->arena, n + 1, sizeof(*keys));
    bool ok = keys != NULL;
    while (ok && sp_sqlite.step(row) == SQLITE_ROW)
        ok = add_key_column(s, t, keys, row);
    sp_sqlite.finalize(row);
    t->schema.foreign_keys = keys;
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static int open_table(lite_source *s, const sp_source_options *options, const char *name, bool has_rowid,
                      spate_error *err)
{
    uint32_t i = s->base.n_tables;
    lite_table *t = &s->tables[i];
    const char **declared, *select;
    t->schema.table = name;
    int rc = read_columns(s, t, options, &declared, err);
    if (rc == SPATE_OK)
        rc = build_select(s, t, options, &select, err);
    if (rc == SPATE_OK)
        rc = choose_kinds(s, t, options, declared, select, err);
    if (rc == SPATE_OK)
        rc = plan_reading(s, t, select, has_rowid, !sp_source_where(options, t->schema.table), &s->extents[i], err);
    if (rc == SPATE_OK)
        rc = read_uniques(s, t, err);
    if (rc == SPATE_OK)
        rc = read_foreign_keys(s, t, err);
    if (rc != SPATE_OK)
        return rc;
    pthread_mutex_init(&t->lock, NULL);
    s->schemas[i] = &t->schema;
    s->base.n_tables++;
    return SPATE_OK;
}

static int open_tables(lite_source *s, const sp_source_options *options, spate_error *err)
{
    sqlite3_stmt *row;
    uint32_t n = 0;
    int rc = ask(
        s,
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND name NOT IN ('spate_job', 'spate_chunk') ORDER BY (SELECT m.rowid FROM sqlite_schema m WHERE m.name ="
        " pragma_table_list.name AND m.type = 'table')",
        NULL, &row, err);
    if (rc != SPATE_OK)
        return rc;
    while (sp_sqlite.step(row) == SQLITE_ROW)
        n++;
    sp_sqlite.reset(row);
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->extents));
    if (!s->tables || !s->schemas || !s->extents)
        rc = sp_fail_nomem(err);
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW) {
        const char *name = kept(s, sp_sqlite_text(row, 0));
        if (!name)
            rc = sp_fail_nomem(err);
        else if (sp_source_wants_table(options, name))
            rc = open_table(s, options, name, !sp_sqlite.column_int64(row, 1), err);
    }
    sp_sqlite.finalize(row);
    return rc == SPATE_OK
               ? sp_source_in_order(&s->base, &s->arena, &s->tables, sizeof(*s->tables), s->schemas, s->extents, err)
               : rc;
}

static bool is_wal(lite_source *s)
{
    sqlite3_stmt *row;
    bool wal = ask(s, "PRAGMA journal_mode", NULL, &row, NULL) == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW &&
               strcmp(sp_sqlite_text(row, 0), "wal") == 0;
    sp_sqlite.finalize(row);
    return wal;
}

/* Keeps the file as it is: others cannot write. A file that we may not write, or that somebody else keeps already, is read all the same,
 * if its journal lets readers keep writers from committing. */
static int keep_still(lite_source *s, spate_error *err)
{
    if (!sp_os_exists(s->path))
        return sp_fail(err, SPATE_E_UNREACHABLE, "there is no file \"%s\"", s->path);
    int rc = sp_sqlite_open(s->path, SQLITE_OPEN_READWRITE, &s->keeper, err);
    if (rc != SPATE_OK)
        return rc;
    bool wal = is_wal(s);
    if (!wal)
        sp_sqlite.busy_timeout(s->keeper, 0); /* there is another way */
    if (sp_sqlite.exec(s->keeper, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK)
        return SPATE_OK;
    int code = sp_sqlite.extended_errcode(s->keeper) & 0xff;
    if ((code != SQLITE_READONLY && code != SQLITE_BUSY) || wal)
        return sp_sqlite_fail(err, s->keeper, s->path);
    return sp_sqlite_run(s->keeper, "BEGIN; SELECT count(*) FROM sqlite_schema", s->path, err);
}

int sp_sqlite_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    lite_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.unit = "rows";
    s->path = kept(s, uri->path);
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    s->base.home = "main";
    sp_source_options own = *options;
    own.home = s->base.home;
    int rc = s->path && s->base.shown ? keep_still(s, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = open_tables(s, &own, err);
    if (rc == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return rc;
}
