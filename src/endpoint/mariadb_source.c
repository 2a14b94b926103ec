/* mariadb_source.c - what is read out of MariaDB and MySQL: the tables, how each is read, and the moment they are seen at.
 *
 * All connections that readers will need are opened with the source and begin a transaction each while nobody can write, so that
 * all see the same moment; the lock is held for no longer than that. Where the first column of the primary key is an integer or a
 * moment, a position is one of its values and any range is found by a search; other tables are read from front to back. */
#include "endpoint/endpoints.h"
#include "endpoint/mariadb_source.h"
#include "endpoint/order.h"
#include "os/os.h"

enum {
    DENSE = 4,             /* values a row, at most, that a key has where its rows need not be counted */
    BATCH_BYTES = 1 << 20, /* of wide rows, a batch of which should stay in the cache */
};

/* Connections first: statements would else be closed over them, and wait for the rest of their answers. */
static void source_close(sp_source *base)
{
    sp_my_source *s = (sp_my_source *)base;
    for (unsigned i = 0; i < s->n_links; i++) {
        sp_maria.close(s->links[i].m);
        if (s->links[i].stmt)
            sp_maria.stmt_close(s->links[i].stmt);
    }
    for (uint32_t i = 0; s->tables && i < s->base.n_tables; i++)
        sp_myread_free(s->tables[i].decoder);
    pthread_mutex_destroy(&s->lock);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {.reader_open = sp_my_reader_open,
                                  .seek = sp_my_seek,
                                  .next = sp_my_next,
                                  .reader_close = sp_my_reader_close,
                                  .close = source_close,
                                  .mark = sp_my_mark,
                                  .unchanged = sp_my_unchanged};

/* ---- columns --------------------------------------------------------------------------------- */

/* What --create writes, where that is more than the kind says: MariaDB's own types, and numbers of more digits than ours. */
static int name_type(sp_my_source *s, const sp_cat_type *from, const sp_my_type *type, sp_field *field,
                     spate_error *err)
{
    if (type->class == SP_MY_INTEGER && field->type.kind != SP_BOOL)
        field->sql_type = sp_arena_printf(&s->arena, "%s%s", from->name, type->is_unsigned ? " unsigned" : "");
    else if (type->class == SP_MY_DECIMAL)
        field->sql_type = sp_arena_printf(&s->arena, "numeric(%u,%u)", type->precision, type->scale);
    else if (type->class == SP_MY_DATETIME)
        field->sql_type = sp_arena_printf(&s->arena, "datetime(%u)", type->scale);
    else if (type->class == SP_MY_TEXT && type->length)
        field->sql_type = sp_arena_printf(&s->arena, "varchar(%u)", type->length);
    else if (type->class == SP_MY_YEAR || type->class == SP_MY_SET)
        field->sql_type = type->class == SP_MY_YEAR ? from->name : from->spelled;
    else
        return SPATE_OK;
    return field->sql_type ? SPATE_OK : sp_fail_nomem(err);
}

static bool becomes(sp_kind kind, sp_kind wanted)
{
    switch (kind) {
    case SP_TEXT:
    case SP_JSON: return wanted == SP_UUID || wanted == SP_INTERVAL || wanted == SP_LIST;
    case SP_BYTES: return wanted == SP_UUID;
    case SP_TIME: return wanted == SP_INTERVAL;
    default: return false;
    }
}

/* What the other side says of a column, or NULL. */
static const sp_field *like_of(const sp_my_relation *t, const sp_source_options *options, const char *column)
{
    for (uint32_t i = 0; i < options->n_like; i++) {
        const sp_schema *like = options->like[i];
        int at = strcmp(like->table, t->schema.table) == 0 ? sp_schema_find(like, column) : -1;
        if (at >= 0)
            return &like->fields[at];
    }
    return NULL;
}

static int add_column(sp_my_source *s, sp_my_relation *t, const sp_cat_column *from, const sp_source_options *options,
                      sp_buf *list, spate_error *err)
{
    uint32_t i = t->schema.n_fields++;
    sp_field *field = (sp_field *)&t->schema.fields[i];
    sp_my_type *type = &t->types[i];
    *type = sp_my_type_of(from);
    const sp_field *like = like_of(t, options, from->name);
    bool small = s->small_tinyints || (like && like->type.kind != SP_BOOL && like->type.kind != SP_TEXT);
    if (small && type->class == SP_MY_INTEGER && type->bits == 1)
        type->bits = 8;
    *field = (sp_field){.name = from->name, .nullable = !from->not_null || s->how.zero_date_null};
    if (!sp_my_kind(type, &field->type)) {
        sp_fail(err, SPATE_E_CONFIG, "table \"%s\", column \"%s\": values of type %s cannot be read", t->schema.table,
                from->name, type->name);
        sp_error_hint(err, "name the columns that can be with --column, or make a table with text of it");
        return SPATE_E_CONFIG;
    }
    if (s->span_times && type->class == SP_MY_TIME)
        field->type.kind = SP_INTERVAL;
    if (type->class == SP_MY_ENUM) {
        field->labels = type->labels;
        field->n_labels = type->n_labels;
    }
    if ((i && sp_buf_adds(list, ", ")) || sp_sql_name(list, from->name))
        return sp_fail_nomem(err);
    int status = name_type(s, &from->type, type, field, err);
    /* What MariaDB has no type for it keeps as text, as bytes or as TIME: where the other side says what these are, they come as that. */
    if (status == SPATE_OK && like && becomes(field->type.kind, like->type.kind) &&
        sp_field_copy_type(&s->arena, like, field))
        status = sp_fail_nomem(err);
    return status;
}

static int read_columns(sp_my_source *s, sp_my_relation *t, const sp_cat_table *from, const sp_source_options *options,
                        sp_buf *list, spate_error *err)
{
    sp_field *fields = sp_arena_alloc(&s->arena, from->n_columns + 1, sizeof(*fields));
    t->types = sp_arena_alloc(&s->arena, from->n_columns + 1, sizeof(*t->types));
    t->schema.fields = fields;
    if (!fields || !t->types)
        return sp_fail_nomem(err);
    int status = SPATE_OK;
    for (uint32_t i = 0; i < from->n_columns && status == SPATE_OK; i++)
        if (!from->columns[i].generated_sql && sp_source_wants_column(options, from->columns[i].name))
            status = add_column(s, t, &from->columns[i], options, list, err);
    if (status == SPATE_OK && t->schema.n_fields == 0)
        status = sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column that could be read", t->schema.table);
    return status;
}

/* ---- how a table is read --------------------------------------------------------------------- */

/* The column whose values are positions, or NULL. */
static const sp_cat_column *range_key(const sp_cat_table *from)
{
    if (!from->n_keys || !from->keys[0].primary)
        return NULL;
    const sp_cat_column *c = &from->columns[from->keys[0].columns[0]];
    sp_my_type type = sp_my_type_of(c);
    bool fits = (type.class == SP_MY_INTEGER) || type.class == SP_MY_DATETIME || type.class == SP_MY_TIMESTAMP;
    return fits ? c : NULL;
}

static int build_select(sp_my_source *s, sp_my_relation *t, const sp_cat_table *from, const sp_cat_column *key,
                        const sp_buf *list, spate_error *err)
{
    sp_buf sql = {0};
    bool primary = from->n_keys && from->keys[0].primary;
    int built = sp_buf_adds(&sql, "SELECT ") || sp_buf_add(&sql, list->data, list->len) ||
                sp_buf_adds(&sql, " FROM ") || sp_my_qualified(&sql, from) ||
                (primary && sp_buf_adds(&sql, " FORCE INDEX (PRIMARY)"));
    if (key)
        built = built || sp_buf_adds(&sql, " WHERE ") || sp_sql_name(&sql, key->name) ||
                sp_buf_adds(&sql, " BETWEEN ? AND ?");
    if (t->where)
        built = built || sp_buf_printf(&sql, " %s (%s\n)", key ? "AND" : "WHERE", t->where);
    t->select = built ? NULL : sp_arena_strndup(&s->arena, sql.data, sql.len);
    sql.len = 0;
    if (key)
        built = built || sp_buf_adds(&sql, "SELECT count(*) FROM ") || sp_my_qualified(&sql, from) ||
                sp_buf_adds(&sql, " WHERE ") || sp_sql_name(&sql, key->name);
    t->count = built ? NULL : sp_arena_strndup(&s->arena, sql.data ? sql.data : "", sql.len);
    sp_buf_done(&sql);
    return t->select && t->count ? SPATE_OK : sp_fail_nomem(err);
}

/* Before anybody changes anything for its sake. */
static int check_where(sp_my_source *s, const sp_my_relation *t, const sp_cat_table *from, spate_error *err)
{
    sp_buf sql = {0};
    MYSQL_RES *rows = NULL;
    if (!t->where)
        return SPATE_OK;
    int built = sp_buf_adds(&sql, "SELECT 1 FROM ") || sp_my_qualified(&sql, from) ||
                sp_buf_printf(&sql, " WHERE (%s\n) LIMIT 0", t->where);
    int status = built ? sp_fail_nomem(err) : sp_my_ask(s->links[0].m, sp_my_string(&sql), &rows, err, "the condition");
    if (status == SPATE_OK)
        sp_maria.free_result(rows);
    sp_buf_done(&sql);
    return status;
}

/* The least and the greatest value of the key, as integers or moments; *any: there are some. */
static int read_ends(sp_my_source *s, sp_my_relation *t, const sp_cat_table *from, const sp_cat_column *key,
                     int64_t *last, bool *any, spate_error *err)
{
    MYSQL_RES *rows;
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "SELECT min(") || sp_sql_name(&sql, key->name) || sp_buf_adds(&sql, "), max(") ||
                sp_sql_name(&sql, key->name) || sp_buf_adds(&sql, ") FROM ") || sp_my_qualified(&sql, from);
    int status = built ? sp_fail_nomem(err)
                       : sp_my_ask(s->links[0].m, sp_my_string(&sql), &rows, err, "looking at the primary key");
    sp_buf_done(&sql);
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    *any = row && row[0] && row[1];
    bool read = !*any;
    if (*any && t->key_moment)
        read = sp_parse_timestamp(sp_str_of(row[0]), &t->first_key) && sp_parse_timestamp(sp_str_of(row[1]), last);
    else if (*any && t->key_unsigned)
        read = sp_parse_u64(sp_str_of(row[0]), (uint64_t *)&t->first_key) &&
               sp_parse_u64(sp_str_of(row[1]), (uint64_t *)last);
    else if (*any)
        read = sp_parse_i64(sp_str_of(row[0]), &t->first_key) && sp_parse_i64(sp_str_of(row[1]), last);
    sp_maria.free_result(rows);
    t->ranges = read;
    return SPATE_OK;
}

static int count_rows(sp_my_source *s, const sp_cat_table *from, uint64_t *rows, spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "SELECT count(*) FROM ") || sp_my_qualified(&sql, from);
    int status =
        built ? sp_fail_nomem(err) : sp_my_ask_number(s->links[0].m, sp_my_string(&sql), rows, err, "counting rows");
    sp_buf_done(&sql);
    return status;
}

/* Where values of the key lie far apart, the rows are counted: statistics may be old, and a range must not be one of thousands of
 * empty ones. */
static int measure(sp_my_source *s, sp_my_relation *t, const sp_cat_table *from, const sp_cat_column *key,
                   sp_extent *extent, spate_error *err)
{
    int64_t last = 0;
    bool any;
    int status = read_ends(s, t, from, key, &last, &any, err);
    if (status || !t->ranges)
        return status;
    uint64_t reach = (uint64_t)last - (uint64_t)t->first_key, rows = from->rows > 1 ? (uint64_t)from->rows : 1;
    *extent = (sp_extent){.end = any ? reach + 1 : 0, .units_a_row = 1};
    if (reach == UINT64_MAX) { /* one value more than there are positions */
        t->ranges = false;
        return SPATE_OK;
    }
    if (any && reach / DENSE >= rows) {
        status = count_rows(s, from, &rows, err);
        t->schema.rows = t->where ? UINT64_MAX : rows;
    }
    extent->units_a_row = SP_MAX((double)reach / (double)SP_MAX(rows, UINT64_C(1)), 1);
    return status;
}

static int plan_reading(sp_my_source *s, sp_my_relation *t, const sp_cat_table *from, const sp_buf *list,
                        sp_extent *extent, spate_error *err)
{
    const sp_cat_column *key = range_key(from);
    int status = SPATE_OK;
    t->schema.rows = UINT64_MAX;
    if (key) {
        sp_my_type type = sp_my_type_of(key);
        t->key_moment = type.class != SP_MY_INTEGER;
        t->key_unsigned = type.is_unsigned;
        status = measure(s, t, from, key, extent, err);
    }
    if (!t->ranges)
        *extent = (sp_extent){.end = UINT64_MAX, .units_a_row = 1, .sequential = true};
    return status ? status : build_select(s, t, from, t->ranges ? key : NULL, list, err);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_table(sp_my_source *s, const sp_catalog *c, const sp_cat_table *from, const sp_source_options *options,
                      spate_error *err)
{
    uint32_t i = s->base.n_tables;
    sp_my_relation *t = &s->tables[i];
    sp_buf list = {0};
    t->schema.table = from->shown;
    t->from = from;
    t->where = sp_source_where(options, from->shown);
    if (s->stamps)
        t->stamp = s->stamps[from - c->tables];
    int status = read_columns(s, t, from, options, &list, err);
    if (status == SPATE_OK)
        status = check_where(s, t, from, err);
    if (status == SPATE_OK)
        status = plan_reading(s, t, from, &list, &s->extents[i], err);
    if (status == SPATE_OK && !sp_catalog_add_schema_keys(&s->arena, c, from, &t->schema))
        status = sp_fail_nomem(err);
    uint32_t rows = BATCH_BYTES / SP_MAX(sp_schema_row_bytes(&t->schema), 1u);
    t->batch_rows = SP_MIN(SP_MAX(rows - rows % 64, 64u), (uint32_t)SP_BATCH_ROWS_MAX);
    if (status == SPATE_OK)
        status = sp_myread_new(&t->schema, t->types, &s->how, &t->decoder, err);
    s->schemas[i] = &t->schema;
    s->base.n_tables += status == SPATE_OK;
    sp_buf_done(&list);
    return status;
}

static int open_tables(sp_my_source *s, const sp_catalog *c, const sp_source_options *options, spate_error *err)
{
    s->tables = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->extents));
    if (!s->tables || !s->schemas || !s->extents)
        return sp_fail_nomem(err);
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

/* ---- the moment ------------------------------------------------------------------------------ */

/* Keeps everybody from writing: the whole server, or, without the right to that, the tables that are read. */
static int lock_out(const sp_catalog *c, const sp_source_options *options, MYSQL *m, spate_error *err)
{
    if (sp_my_run(m, "SET SESSION lock_wait_timeout = 60", NULL, "") == SPATE_OK &&
        sp_my_run(m, "FLUSH TABLES WITH READ LOCK", err, "keeping writers out for a moment") == SPATE_OK)
        return SPATE_OK;
    if (sp_maria.errno(m) == 1205)
        return SPATE_E_UNREACHABLE;
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "LOCK TABLES "), n = 0;
    for (uint32_t i = 0; i < c->n_tables && !built; i++)
        if (sp_source_wants_table(options, c->tables[i].shown))
            built = sp_buf_adds(&sql, n++ ? ", " : "") || sp_my_qualified(&sql, &c->tables[i]) ||
                    sp_buf_adds(&sql, " READ");
    int status = built ? sp_fail_nomem(err)
                 : n   ? sp_my_run(m, sp_my_string(&sql), err, "keeping writers out for a moment")
                       : SPATE_OK;
    sp_buf_done(&sql);
    if (status && !built)
        sp_error_hint(err, "this needs the privilege RELOAD, or LOCK TABLES; with --workers 1 no lock is needed");
    return status;
}

/* Before anything is read. */
static int take_stamps(sp_my_source *s, const sp_catalog *c, const sp_source_options *options, spate_error *err)
{
    if (!options->job)
        return SPATE_OK;
    s->stamps = sp_arena_alloc(&s->arena, c->n_tables + 1, sizeof(*s->stamps));
    int status = s->stamps ? SPATE_OK : sp_fail_nomem(err);
    if (status == SPATE_OK && !s->server.mariadb) /* MySQL would tell of yesterday */
        status =
            sp_my_run(s->links[0].m, "SET SESSION information_schema_stats_expiry = 0", err, "setting up the session");
    for (uint32_t i = 0; i < c->n_tables && status == SPATE_OK; i++)
        if (sp_source_wants_table(options, c->tables[i].shown))
            status = sp_my_stamp_settle(s->links[0].m, c->tables[i].space, c->tables[i].name, &s->stamps[i], err);
    return status;
}

static int begin_all(sp_my_source *s, spate_error *err)
{
    int status = SPATE_OK;
    for (unsigned i = 0; i < s->n_links && status == SPATE_OK; i++)
        status = sp_my_run(
            s->links[i].m,
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            err, "beginning");
    return status;
}

static int take_moment(sp_my_source *s, const sp_catalog *c, const sp_source_options *options, spate_error *err)
{
    unsigned n = options->readers ? options->readers : sp_os_processors();
    MYSQL *locker = NULL;
    s->links = sp_arena_alloc(&s->arena, n, sizeof(*s->links));
    int status = s->links ? SPATE_OK : sp_fail_nomem(err);
    for (; s->n_links < n && status == SPATE_OK; s->n_links += status == SPATE_OK)
        status = sp_my_connect(&s->server, &s->links[s->n_links].m, err);
    if (status == SPATE_OK)
        status = take_stamps(s, c, options, err);
    if (status == SPATE_OK && n > 1)
        status = sp_my_connect(&s->server, &locker, err);
    if (status == SPATE_OK && n > 1)
        status = lock_out(c, options, locker, err);
    if (status == SPATE_OK)
        status = begin_all(s, err);
    if (locker)
        sp_maria.close(locker); /* and its locks go */
    for (unsigned i = 0; i < s->n_links; i++)
        sp_my_give(s, &s->links[i]);
    return status;
}

/* ---- the URI --------------------------------------------------------------------------------- */

/* *set: the key has the one value that it can have. */
static int read_word(sp_uri *uri, const char *key, const char *word, bool *set, spate_error *err)
{
    const char *value = sp_uri_param_value(uri, key);
    *set = value != NULL;
    return !value || strcmp(value, word) == 0 ? SPATE_OK
                                              : sp_fail(err, SPATE_E_USAGE, "%s is %s, not \"%s\"", key, word, value);
}

static int open_all(sp_my_source *s, sp_uri *uri, const sp_source_options *options, spate_error *err)
{
    sp_catalog *c = sp_arena_alloc(&s->arena, 1, sizeof(*c));
    if (!c)
        return sp_fail_nomem(err);
    int status = sp_my_server_init(&s->server, uri, &s->arena, err);
    s->base.shown = s->server.shown;
    if (status == SPATE_OK)
        status = read_word(uri, "zero-dates", "null", &s->how.zero_date_null, err);
    if (status == SPATE_OK)
        status = read_word(uri, "tinyint1", "smallint", &s->small_tinyints, err);
    if (status == SPATE_OK)
        status = read_word(uri, "time", "interval", &s->span_times, err);
    if (status == SPATE_OK)
        status = sp_my_read_catalog(&s->server, &s->arena, options->tables, options->n_tables, c, err);
    sp_source_options own = *options;
    own.home = s->base.home = c->default_space;
    if (status == SPATE_OK)
        status = take_moment(s, c, &own, err);
    return status == SPATE_OK ? open_tables(s, c, &own, err) : status;
}

int sp_my_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    sp_my_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    pthread_mutex_init(&s->lock, NULL);
    s->base.ops = &ops;
    s->base.unit = "positions";
    int status = open_all(s, uri, options, err);
    if (status == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return status;
}
