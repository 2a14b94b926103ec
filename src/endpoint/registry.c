/* registry.c - which endpoint a URI means. */
#include "endpoint/catalog.h"
#include "endpoint/endpoints.h"
#include "endpoint/filtered.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const sp_endpoint *const endpoints[] = {
    &sp_endpoint_file, &sp_endpoint_duckdb, &sp_endpoint_sqlite,   &sp_endpoint_store,   &sp_endpoint_parquet,
    &sp_endpoint_plan, &sp_endpoint_adbc,   &sp_endpoint_postgres, &sp_endpoint_mariadb,
};

static const sp_endpoint *find_endpoint(const char *scheme)
{
    for (size_t i = 0; i < SP_COUNT(endpoints); i++)
        for (size_t j = 0; endpoints[i]->schemes[j]; j++)
            if (strcmp(endpoints[i]->schemes[j], scheme) == 0)
                return endpoints[i];
    return NULL;
}

/* What every sink needs, whatever its kind, is checked here once. */
static int open_sink(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    const sp_endpoint *e = find_endpoint(uri->scheme);
    if (!e || !e->sink_open)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no endpoint that rows can go to", uri->scheme);
    int rc = e->sink_open(uri, options, sink, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_uri_check_params(uri, e->params, err);
    if (rc == SPATE_OK && options->job && !(*sink)->ops->forget)
        rc = sp_fail(err, SPATE_E_USAGE, "%s cannot remember which rows of a job it has", (*sink)->shown);
    if (rc != SPATE_OK) {
        sp_sink_close(*sink);
        *sink = NULL;
    }
    return rc;
}

int sp_sink_open(const char *text, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    sp_arena arena;
    sp_arena_init(&arena);
    sp_uri uri;
    int rc = sp_uri_parse(text, &arena, &uri, err);
    if (rc == SPATE_OK)
        rc = open_sink(&uri, options, sink, err);
    sp_arena_done(&arena);
    return rc;
}

/* ---- names of tables ---- */

/* Passes *name over text, as it stands there or in SQL's quotes. */
static bool pass(const char **name, sp_str text)
{
    const char *p = *name;
    char quote = 0;
    if (*p == '"' || *p == '`')
        quote = *p++;
    for (size_t i = 0; i < text.len; i++) {
        if (*p++ != text.p[i])
            return false;
        if (quote && text.p[i] == quote && *p++ != quote)
            return false;
    }
    if (quote && *p++ != quote)
        return false;
    *name = p;
    return true;
}

/* space.table, or without a space table alone. */
static bool is_path(const char *name, sp_str space, sp_str table)
{
    if (space.len && !(pass(&name, space) && *name++ == '.'))
        return false;
    return pass(&name, table) && !*name;
}

bool sp_names_table(const char *name, const char *home, const char *shown)
{
    const char *dot = strchr(shown, '.');
    sp_str whole = sp_str_of(shown), none = {0};
    size_t len = strlen(name);
    bool quoted = len && strchr("\"`", name[len - 1]); /* a dot belongs to a table's name only there */
    return strcmp(name, shown) == 0 || is_path(name, none, whole) ||
           (home && *home && (!dot || quoted) && is_path(name, sp_str_of(home), whole)) ||
           (dot && is_path(name, (sp_str){shown, (size_t)(dot - shown)}, sp_str_of(dot + 1)));
}

/* Which of the names means the table; -1: none. As written first: there may be thousands, of as many tables. */
static int64_t find_name(const char *const *names, uint32_t n, const char *home, const char *shown)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], shown) == 0)
            return i;
    for (uint32_t i = 0; i < n; i++)
        if (sp_names_table(names[i], home, shown))
            return i;
    return -1;
}

const char *sp_source_where(const sp_source_options *options, const char *table)
{
    if (options->n_tables == 0 && options->wheres)
        return options->wheres[0];
    int64_t at = options->wheres ? find_name(options->tables, options->n_tables, options->home, table) : -1;
    return at < 0 ? NULL : options->wheres[at];
}

/* The name without a space in front of it and without quotes. */
static sp_str bare_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    sp_str bare = sp_str_of(dot ? dot + 1 : name);
    if (bare.len > 1 && strchr("\"`", *bare.p) && bare.p[bare.len - 1] == *bare.p)
        bare = (sp_str){bare.p + 1, bare.len - 2};
    return bare;
}

/* Tables that are called so in another space, or in letters of another case, where the endpoint can tell. */
static void hint_elsewhere(const sp_endpoint *e, sp_uri *uri, const char *name, spate_error *err)
{
    enum { MOST = 4 };
    sp_arena arena;
    sp_catalog c;
    sp_buf list = {0};
    uint32_t n = 0;
    sp_str bare = bare_name(name);
    sp_arena_init(&arena);
    sp_catalog_init(&c, &arena);
    bool told = e->describe && e->describe(uri, &(sp_describe_options){0}, &c, NULL) == SPATE_OK && sp_catalog_link(&c);
    for (uint32_t i = 0; told && i < c.n_tables && n < MOST; i++)
        if (sp_str_ieq(bare, c.tables[i].name))
            told = sp_buf_printf(&list, "%s\"%s\"", n++ ? " and " : "", c.tables[i].shown) == SPATE_OK;
    if (told && n)
        sp_error_hint(err, "there %s %.*s", n == 1 ? "is" : "are", (int)list.len, list.data);
    sp_buf_done(&list);
    sp_arena_done(&arena);
}

/* Every table that was named must be there. */
static int check_tables(const sp_endpoint *e, sp_uri *uri, const sp_source *s, const sp_source_options *options,
                        spate_error *err)
{
    for (uint32_t i = 0; i < options->n_tables; i++) {
        bool found = false;
        for (uint32_t t = 0; t < s->n_tables && !found; t++)
            found = strcmp(options->tables[i], s->tables[t]->table) == 0;
        for (uint32_t t = 0; t < s->n_tables && !found; t++)
            found = sp_names_table(options->tables[i], s->home, s->tables[t]->table);
        if (found)
            continue;
        sp_fail(err, SPATE_E_USAGE, "there is no table \"%s\" in %s", options->tables[i], s->shown);
        hint_elsewhere(e, uri, options->tables[i], err);
        return SPATE_E_USAGE;
    }
    return SPATE_OK;
}

/* So must every column. */
static int check_columns(const sp_source *s, const sp_source_options *options, spate_error *err)
{
    for (uint32_t i = 0; i < options->n_columns && s->n_tables; i++)
        if (sp_schema_find(s->tables[0], options->columns[i]) < 0)
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no column \"%s\" that could be read", s->tables[0]->table,
                           options->columns[i]);
    return SPATE_OK;
}

/* Schemas are the source's, but it was given the casts for them: nobody reads them before they are in. */
static int apply_casts(const sp_source *s, const sp_source_options *options, spate_error *err)
{
    for (uint32_t i = 0; i < options->n_casts; i++) {
        const sp_cast *cast = &options->casts[i];
        int at = -1;
        for (uint32_t t = 0; t < s->n_tables && at < 0; t++)
            if (sp_names_table(cast->table, s->home, s->tables[t]->table) &&
                (at = sp_schema_find(s->tables[t], cast->column)) >= 0)
                ((sp_field *)s->tables[t]->fields)[at].cast = cast->type;
        if (at < 0)
            return sp_fail(err, SPATE_E_USAGE, "there is no column \"%s\" of a table \"%s\" that is copied",
                           cast->column, cast->table);
    }
    return SPATE_OK;
}

static int refuse_several(const sp_source *s, spate_error *err)
{
    enum { MOST = 4 };
    sp_buf list = {0};
    bool told = true;
    for (uint32_t i = 0; i < s->n_tables && i < MOST && told; i++)
        told = sp_buf_printf(&list, "%s\"%s\"", i ? ", " : "", s->tables[i]->table) == SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "columns and a condition are of one table: name it");
    if (told && s->n_tables)
        sp_error_hint(err, "%s has %.*s%s", s->shown, (int)list.len, list.data, s->n_tables > MOST ? ", ..." : "");
    sp_buf_done(&list);
    return SPATE_E_USAGE;
}

/* Columns or a condition without a table are of the only one that there is. *name: which; NULL: there is never another. */
static int find_only_table(const sp_endpoint *e, sp_uri *uri, const sp_source_options *options, const char **name, spate_error *err)
{
    static const char *const single[] = {"csv", "ndjson", "arrow", "-"};
    sp_source_options o = {.readers = 1, .called = options->called};
    sp_source *s = NULL;
    *name = NULL;
    for (size_t i = 0; i < SP_COUNT(single); i++)
        if (strcmp(uri->scheme, single[i]) == 0)
            return SPATE_OK;
    int rc = e->source_open(uri, &o, &s, err);
    if (rc != SPATE_OK)
        return rc;
    if (s->n_tables != 1)
        rc = refuse_several(s, err);
    else if (!(*name = strdup(s->tables[0]->table)))
        rc = sp_fail_nomem(err);
    sp_source_close(s);
    return rc;
}

static int open_tables(const sp_endpoint *e, sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    sp_source *s = NULL;
    bool filter = options->wheres && !e->conditions;
    sp_source_options all = *options;
    all.wheres = filter ? NULL : options->wheres;
    all.asked = filter && options->n_columns ? options->wheres[0] : NULL;
    if (e->whole_rows && options->n_columns && !options->more_columns)
        return sp_fail(err, SPATE_E_USAGE, "a %s is asked for whole rows: columns are chosen of databases and files", uri->scheme);
    all.n_columns = e->whole_rows ? 0 : options->n_columns;
    int rc = e->source_open(uri, &all, &s, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_uri_check_params(uri, e->params, err);
    if (rc == SPATE_OK)
        rc = check_tables(e, uri, s, options, err);
    if (rc == SPATE_OK)
        rc = check_columns(s, options, err);
    if (rc == SPATE_OK && filter) {
        sp_source *whole = s;
        s = NULL;
        rc = sp_filtered_open(whole, options, &s, err);
    }
    if (rc == SPATE_OK)
        rc = apply_casts(s, options, err);
    if (rc == SPATE_OK)
        *out = s;
    else
        sp_source_close(s);
    return rc;
}

static int open_source(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    const sp_endpoint *e = find_endpoint(uri->scheme);
    if (!e || !e->source_open)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no endpoint that rows can come from", uri->scheme);
    if (options->n_tables || (!options->n_columns && !options->wheres))
        return open_tables(e, uri, options, out, err);
    sp_source_options of_one = *options;
    const char *name = NULL;
    int rc = find_only_table(e, uri, options, &name, err);
    of_one.tables = &name;
    of_one.n_tables = name ? 1 : 0;
    if (rc == SPATE_OK)
        rc = open_tables(e, uri, &of_one, out, err);
    free((char *)name);
    return rc;
}

uint64_t sp_extent_units(const sp_extent *e, uint64_t rows)
{
    double units = (double)rows * e->units_a_row;
    return units < 1 ? 1 : units < 0x1p63 ? (uint64_t)units : UINT64_C(1) << 63;
}

double sp_extent_rows(const sp_extent *e)
{
    return e->end == UINT64_MAX || e->units_a_row <= 0 ? 0 : (double)e->end / e->units_a_row;
}

const sp_schema *sp_source_like(const sp_source_options *options, const char *table)
{
    for (uint32_t i = 0; i < options->n_like; i++)
        if (strcmp(options->like[i]->table, table) == 0)
            return options->like[i];
    return NULL;
}

bool sp_source_wants_table(const sp_source_options *options, const char *name)
{
    return options->n_tables == 0 || find_name(options->tables, options->n_tables, options->home, name) >= 0;
}

bool sp_source_keeps_column(const sp_source_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->n_columns; i++)
        if (strcmp(options->columns[i], name) == 0)
            return true;
    return options->n_columns == 0;
}

/* A condition that does not have a column's name in its text does not ask for it. A name with a quote is written in another way. */
bool sp_source_wants_column(const sp_source_options *options, const char *name)
{
    return sp_source_keeps_column(options, name) ||
           (options->asked && (strcasestr(options->asked, name) || strchr(name, '"')));
}

int sp_source_open(const char *text, const sp_source_options *options, sp_source **source, spate_error *err)
{
    sp_arena arena;
    sp_arena_init(&arena);
    sp_uri uri;
    int rc = sp_uri_parse(text, &arena, &uri, err);
    if (rc == SPATE_OK)
        rc = open_source(&uri, options, source, err);
    sp_arena_done(&arena);
    return rc;
}

/* *place: NULL where nothing is emptied before all has been read. */
static int find_place(const char *text, sp_arena *arena, const sp_endpoint **e, const char **place, spate_error *err)
{
    sp_uri uri;
    *place = NULL;
    int rc = sp_uri_parse(text, arena, &uri, err);
    *e = rc == SPATE_OK ? find_endpoint(uri.scheme) : NULL;
    return *e && (*e)->place ? (*e)->place(&uri, arena, place, err) : rc;
}

int sp_refuse_itself(const char *from, const char *to, spate_error *err)
{
    sp_arena arena;
    sp_arena_init(&arena);
    const sp_endpoint *a, *b;
    const char *here = NULL, *there = NULL;
    int rc = find_place(from, &arena, &a, &here, err);
    if (rc == SPATE_OK && here)
        rc = find_place(to, &arena, &b, &there, err);
    if (rc == SPATE_OK && here && there && a == b && strcmp(here, there) == 0) {
        rc = sp_fail(err, SPATE_E_USAGE, "source and target are the same database: its tables would be emptied before they are read");
        sp_error_hint(err, "name another database as the target, or leave --truncate out");
    }
    sp_arena_done(&arena);
    return rc;
}

/* A file is the same by whichever way one comes to it. */
int sp_place_of_file(sp_uri *uri, sp_arena *arena, const char **place, spate_error *err)
{
    char real[PATH_MAX];
    if (!realpath(uri->path, real)) /* there is none yet */
        return SPATE_OK;
    *place = sp_arena_strndup(arena, real, strlen(real));
    return *place ? SPATE_OK : sp_fail_nomem(err);
}

int sp_source_refuse_job(const sp_source *s, spate_error *err)
{
    return sp_fail(err, SPATE_E_USAGE,
                   "whether rows of %s have changed since cannot be told: what comes from there cannot be a job",
                   s->shown);
}

int sp_source_note(sp_source *s, sp_arena *arena, spate_error *err, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    bool full = (s->n_notes & (s->n_notes - 1)) == 0; /* rooms of 1, 2, 4, 8 ... */
    const char **notes = full ? sp_arena_alloc(arena, SP_MAX(2 * (size_t)s->n_notes, 1), sizeof(*notes)) : s->notes;
    char *kept = sp_arena_strndup(arena, line, strlen(line));
    if (!notes || !kept)
        return sp_fail_nomem(err);
    if (full && s->n_notes)
        memcpy(notes, s->notes, s->n_notes * sizeof(*notes));
    notes[s->n_notes++] = kept;
    s->notes = notes;
    return SPATE_OK;
}

/* NULL: nothing keeps its rows from being read and written elsewhere. */
static const char *why_not(const sp_cat_table *t)
{
    if (strchr(t->space, '.') || strchr(t->name, '.'))
        return "there is a dot in its name";
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (!t->columns[i].generated_sql)
            return NULL;
    return "it has no column that could be read";
}

int sp_source_takes(sp_source *s, sp_arena *arena, const sp_source_options *options, const sp_cat_table *t, bool *takes,
                    spate_error *err)
{
    bool wanted = sp_source_wants_table(options, t->shown);
    const char *why = wanted ? why_not(t) : NULL;
    *takes = wanted && !why;
    if (!why)
        return SPATE_OK;
    if (options->n_tables)
        return sp_fail(err, SPATE_E_USAGE, "table \"%s\": %s", t->shown, why);
    return sp_source_note(s, arena, err, "table \"%s\": %s", t->shown, why);
}

void sp_source_close(sp_source *source)
{
    if (source)
        source->ops->close(source);
}

static bool is_word_of(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ',' || at[n] == ';' || !at[n]))
            return true;
    return false;
}

/* What tables are says nothing of how their rows are read, for which most of the keys are: they are checked where rows are. */
static void pass_over_params(sp_uri *uri, const char *known)
{
    for (uint32_t i = 0; known && i < uri->n_params; i++)
        uri->params[i].used |= is_word_of(known, uri->params[i].key);
}

int sp_describe(const char *text, const sp_describe_options *options, sp_arena *arena, sp_catalog *c, spate_error *err)
{
    sp_uri uri;
    int rc = sp_uri_parse(text, arena, &uri, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_endpoint *e = find_endpoint(uri.scheme);
    if (!e || !e->describe)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no tables that could be described", uri.scheme);
    sp_catalog_init(c, arena);
    rc = e->describe(&uri, options, c, err);
    pass_over_params(&uri, e->params);
    if (rc == SPATE_OK)
        rc = sp_uri_check_params(&uri, e->params, err);
    return rc == SPATE_OK && !sp_catalog_link(c) ? sp_fail_nomem(err) : rc;
}

bool sp_is_described(const char *text)
{
    sp_arena arena;
    sp_arena_init(&arena);
    sp_uri uri;
    const sp_endpoint *e = sp_uri_parse(text, &arena, &uri, NULL) == SPATE_OK ? find_endpoint(uri.scheme) : NULL;
    sp_arena_done(&arena);
    return e && e->described;
}

int sp_sink_refuse_parts(const sp_sink_options *o, spate_error *err)
{
    if (o->parts <= 1 || (!o->truncate && !o->create))
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "--%s does not go with --part: the other parts' rows may be there already",
            o->truncate ? "truncate" : "create");
    sp_error_hint(err, "make the empty tables first, then load the parts");
    return SPATE_E_USAGE;
}

void sp_sink_close(sp_sink *sink)
{
    if (sink)
        sink->ops->close(sink);
}

bool sp_sink_make_room(sp_sink *sink, sp_arena *arena, uint32_t n)
{
    sink->chunk_rows = sp_arena_alloc(arena, (size_t)n + 1, sizeof(*sink->chunk_rows));
    sink->bytes_written = sp_arena_alloc(arena, (size_t)n + 1, sizeof(*sink->bytes_written));
    sink->left_out = sp_arena_alloc(arena, (size_t)n + 1, sizeof(*sink->left_out));
    sink->deps = sp_arena_alloc(arena, (size_t)n + 1, sizeof(*sink->deps));
    return sink->chunk_rows && sink->bytes_written && sink->left_out && sink->deps;
}

void sp_sink_wrote(sp_sink *sink, uint32_t table, uint64_t bytes)
{
    __atomic_fetch_add(&sink->bytes_written[table], bytes, __ATOMIC_RELAXED);
}

/* Each transaction costs a server some milliseconds of its own, beside which 8 MiB of rows take fifty; in small tables they still give all
 * lanes work. */
uint64_t sp_sink_server_rows(const sp_schema *schema)
{
    enum { PARTS = 8, BYTES_LEAST = 8 << 20, BYTES_MOST = 32 << 20 };
    uint64_t row_bytes = SP_MAX(sp_schema_row_bytes(schema), 1u), rows = schema->rows / PARTS;
    return sp_whole_batches(SP_MIN(SP_MAX(rows, BYTES_LEAST / row_bytes), BYTES_MOST / row_bytes));
}
