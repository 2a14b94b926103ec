/* file.c - rows into files: CSV, NDJSON, Arrow IPC and SQL scripts, one file, a file a table, or standard output.
 *
 * Commits come in order (SP_ORDER_TABLE for a file a table, SP_ORDER_ALL for one file of several), so the bytes do not
 * depend on how many workers there are. */
#include "endpoint/endpoints.h"
#include "endpoint/file_sink.h"

#include <stdio.h>

static const struct {
    const char *name, *ending;
    sp_text_dialect dialect;
} formats[] = {
    [SP_FILE_CSV] = {"csv", "csv", SP_TEXT_CSV},          [SP_FILE_NDJSON] = {"ndjson", "ndjson", SP_TEXT_NDJSON},
    [SP_FILE_INSERT] = {"insert", "sql", SP_TEXT_INSERT}, [SP_FILE_COPY] = {"copy", "sql", SP_TEXT_COPY},
    [SP_FILE_ARROW] = {"arrow", "arrows", SP_TEXT_CSV}, /* which has an encoder of its own */
};

enum {
    /* A chunk's text, about. Into a pipe or device it should still be in the L2 cache when it is written; into a file the disk is
     * the limit, and few large writes keep it busier than many small ones, between which one worker wakes the next. */
    CHUNK_BYTES_DIRECT = 384 << 10,
    CHUNK_BYTES_FILE = 1 << 20,
    STATEMENT_ROWS = 1000,       /* rows of an INSERT statement unless options.batch_rows says otherwise */
    STATEMENT_ROWS_MAX = 100000, /* a statement is held in memory, here and by who runs it */
    STATEMENT_BYTES = 1 << 20,   /* so it has fewer rows where they are long */
};

/* ---- prepare: names and refusals ------------------------------------------------------------ */

static const char *table_path(sp_file_sink *f, const char *table)
{
    size_t len = strlen(f->path);
    const char *slash = len > 0 && f->path[len - 1] == '/' ? "" : "/";
    char *path = sp_arena_printf(&f->arena, "%s%s%s.%s%s", f->path, slash, table, formats[f->format].ending,
                                 sp_pack_ending(f->pack));
    for (char *p = path ? path + len + strlen(slash) : NULL; p && *p; p++) {
        if (*p == '/') /* a table's name is no path */
            *p = '_';
    }
    return path;
}

static int output_init(sp_file_sink *f, sp_file_output *o, const char *path, uint32_t first, uint32_t last,
                       spate_error *err)
{
    o->table = SP_FILE_NO_TABLE;
    o->first = first;
    o->last = last;
    pthread_mutex_init(&o->lock, NULL);
    int rc = sp_output_init(&o->file, &f->arena, path, f->memory.job, err);
    if (rc == SPATE_OK)
        rc = sp_file_output_recall(f, o, err);
    if (rc != SPATE_OK || o->state != SP_FILE_OUTPUT_NEW || o->file.direct || !sp_os_exists(path) ||
        f->base.options.truncate)
        return rc;
    sp_fail(err, SPATE_E_USAGE, "file \"%s\" exists already", path);
    sp_error_hint(err, "--truncate replaces it");
    return SPATE_E_USAGE;
}

/* Names that differ in a slash alone give one file. */
static int refuse_shared_outputs(const sp_file_sink *f, spate_error *err)
{
    for (uint32_t i = 1; i < f->n_outputs; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(f->outputs[i].file.path, f->outputs[j].file.path) == 0)
                return sp_fail(err, SPATE_E_USAGE, "tables \"%s\" and \"%s\" would both be written to \"%s\"",
                               f->tables[j]->table, f->tables[i]->table, f->outputs[i].file.path);
    return SPATE_OK;
}

static int name_outputs(sp_file_sink *f, spate_error *err)
{
    bool directory = strcmp(f->scheme, "dir") == 0;
    f->base.order = directory || f->n_tables == 1 ? SP_ORDER_TABLE : SP_ORDER_ALL;
    uint32_t n = directory ? f->n_tables : 1;
    f->outputs = sp_arena_alloc(&f->arena, n, sizeof(*f->outputs));
    if (!f->outputs)
        return sp_fail_nomem(err);
    for (; f->n_outputs < n; f->n_outputs++) {
        uint32_t i = f->n_outputs;
        const char *path = directory ? sp_output_name(&f->arena, table_path(f, f->tables[i]->table), &f->base.options) : f->path;
        int rc = output_init(f, &f->outputs[i], path, directory ? i : 0, directory ? i + 1 : f->n_tables, err);
        if (rc != SPATE_OK) {
            f->n_outputs++; /* its lock is there to be destroyed */
            return rc;
        }
    }
    return refuse_shared_outputs(f, err);
}

static int refuse_several_tables(const sp_file_sink *f, spate_error *err)
{
    if (sp_file_is_sql(f) || strcmp(f->scheme, "dir") == 0 || f->n_tables == 1)
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "one %s file takes one table, and there are %u", formats[f->format].name, f->n_tables);
    sp_error_hint(err, "choose one with --table, name a directory (path/), or add ?format=insert");
    return SPATE_E_USAGE;
}

/* Options about tables and statements mean nothing where there are none. */
static int refuse_table_options(const sp_file_sink *f, spate_error *err)
{
    const sp_sink_options *options = &f->base.options;
    const char *word = options->create ? "--create" : options->mode != SP_INSERT_DEFAULT ? "--insert-mode" : NULL;
    return word ? sp_fail(err, SPATE_E_USAGE, "%s means nothing for %s", word, formats[f->format].name) : SPATE_OK;
}

/* What a script cannot do right is refused rather than left out. */
static int refuse_script(const sp_file_sink *f, spate_error *err)
{
    const sp_sink_options *options = &f->base.options;
    if (!sp_file_is_sql(f))
        return refuse_table_options(f, err);
    if ((options->mode == SP_INSERT_UPSERT || options->mode == SP_INSERT_SKIP) && f->format == SP_FILE_COPY) {
        sp_fail(err, SPATE_E_USAGE, "COPY cannot look for keys that are there");
        sp_error_hint(err, "use format=insert");
        return SPATE_E_USAGE;
    }
    if (options->batch_rows > STATEMENT_ROWS_MAX && f->format == SP_FILE_INSERT)
        return sp_fail(err, SPATE_E_USAGE, "an INSERT statement takes at most %d rows", STATEMENT_ROWS_MAX);
    if (options->create && options->parts > 1) {
        sp_fail(err, SPATE_E_USAGE, "cannot create the tables in each of %u parts", options->parts);
        sp_error_hint(err, "create them first, then load the parts");
        return SPATE_E_USAGE;
    }
    for (uint32_t t = 0; options->create && strcmp(f->scheme, "dir") == 0 && t < f->n_tables; t++) {
        if (f->tables[t]->n_foreign_keys == 0)
            continue;
        sp_fail(err, SPATE_E_USAGE, "cannot create the foreign keys of table \"%s\" in a script of its own",
                f->tables[t]->table);
        sp_error_hint(err, "write all tables into one .sql file");
        return SPATE_E_USAGE;
    }
    return SPATE_OK;
}

/* Of the schema alone, so that the bytes of a script depend on nothing else. */
static uint64_t rows_of_statement(const sp_file_sink *f, uint32_t t)
{
    uint64_t most = f->base.options.batch_rows ? f->base.options.batch_rows : STATEMENT_ROWS;
    uint64_t fit = STATEMENT_BYTES / sp_schema_row_bytes(f->tables[t]);
    return SP_MAX(SP_MIN(most, fit), (uint64_t)1);
}

/* Rows of about a chunk's bytes of text (text is a quarter longer than the compact form, about): whole batches, and whole
 * statements. */
static uint64_t rows_of_chunk(sp_file_sink *f, uint32_t t)
{
    const sp_schema *schema = f->tables[t];
    uint64_t bytes = sp_file_output_of(f, t)->file.direct ? CHUNK_BYTES_DIRECT : CHUNK_BYTES_FILE;
    uint64_t rows = SP_MAX(bytes / (sp_schema_row_bytes(schema) * (uint64_t)5 / 4), (uint64_t)1);
    uint64_t statement = f->statement_rows[t];
    return f->format == SP_FILE_INSERT ? SP_MAX(rows / statement, (uint64_t)1) * statement : sp_whole_batches(rows);
}

static int prepare_table(sp_file_sink *f, uint32_t t, spate_error *err)
{
    const sp_schema *schema = f->tables[t];
    if (f->base.options.mode == SP_INSERT_UPSERT && schema->n_primary_key == 0) {
        sp_fail(err, SPATE_E_CONFIG, "table \"%s\" has no primary key: upsert cannot tell which rows are the same",
                schema->table);
        sp_error_hint(err, "mark its key with primary_key in the plan, or use --insert-mode insert");
        return SPATE_E_CONFIG;
    }
    f->statement_rows[t] = rows_of_statement(f, t);
    f->base.chunk_rows[t] = rows_of_chunk(f, t);
    int rc = sp_rowtext_new(schema, formats[f->format].dialect, &f->encoders[t], err);
    if (rc != SPATE_OK)
        return rc;
    bool failed = false;
    if (f->format == SP_FILE_COPY)
        failed = sp_sql_copy_head(&f->heads[t], schema) || sp_buf_adds(&f->heads[t], ";\n");
    if (f->format == SP_FILE_INSERT)
        failed = sp_sql_insert_head(&f->heads[t], schema) || sp_buf_adds(&f->heads[t], "\n") ||
                 (f->base.options.mode == SP_INSERT_UPSERT &&
                  (sp_buf_adds(&f->tails[t], "\n") || sp_sql_on_conflict(&f->tails[t], schema))) ||
                 (f->base.options.mode == SP_INSERT_SKIP && sp_buf_adds(&f->tails[t], "\nON CONFLICT DO NOTHING")) ||
                 sp_buf_adds(&f->tails[t], ";\n");
    return failed ? sp_fail_nomem(err) : SPATE_OK;
}

static int allocate_tables(sp_file_sink *f, spate_error *err)
{
    uint32_t n = f->n_tables;
    f->encoders = sp_arena_alloc(&f->arena, n, sizeof(*f->encoders));
    f->heads = sp_arena_alloc(&f->arena, n, sizeof(*f->heads));
    f->statement_rows = sp_arena_alloc(&f->arena, n, sizeof(*f->statement_rows));
    f->tails = sp_arena_alloc(&f->arena, n, sizeof(*f->tails));
    f->written = sp_arena_alloc(&f->arena, n, sizeof(*f->written));
    if (!sp_sink_make_room(&f->base, &f->arena, n) || !f->statement_rows || !f->encoders || !f->heads || !f->tails ||
        !f->written)
        return sp_fail_nomem(err);
    return SPATE_OK;
}

static int file_prepare(sp_sink *s, const sp_schema *const *tables, uint32_t n_tables, spate_error *err)
{
    sp_file_sink *f = sp_file_of(s);
    f->tables = tables;
    f->n_tables = n_tables;
    int rc = refuse_several_tables(f, err);
    if (rc == SPATE_OK)
        rc = refuse_script(f, err);
    if (rc == SPATE_OK)
        rc = allocate_tables(f, err);
    if (rc == SPATE_OK)
        rc = sp_job_memory_init(&f->memory, &f->arena, &s->options, tables, n_tables, err);
    if (rc == SPATE_OK && s->options.create) {
        rc = sp_ddl_build(&f->ddl, &f->arena, SP_SQL_POSTGRES, SP_DDL_KEYS_AFTER, tables, n_tables, s->options.catalog,
                          err);
        s->ddl = &f->ddl;
    }
    if (rc == SPATE_OK)
        rc = name_outputs(f, err);
    if (rc == SPATE_OK && f->memory.job && !(s->landed = sp_job_landed(&f->memory)))
        rc = sp_fail_nomem(err);
    for (uint32_t t = 0; rc == SPATE_OK && t < n_tables; t++)
        rc = prepare_table(f, t, err);
    if (rc != SPATE_OK || s->options.dry_run)
        return rc;
    if (strcmp(f->scheme, "dir") == 0)
        return sp_os_make_dirs(f->path, err);
    return sp_file_output_open(f, &f->outputs[0], err);
}

/* ---- the end -------------------------------------------------------------------------------- */

static int file_table_done(sp_sink *s, uint32_t table, spate_error *err)
{
    sp_file_sink *f = sp_file_of(s);
    sp_file_output *o = sp_file_output_of(f, table);
    pthread_mutex_lock(&o->lock);
    int rc = SPATE_OK;
    if (o->last - o->first == 1)
        rc = sp_file_output_publish(f, o, err);
    else if (o->table == table)
        rc = sp_file_output_change_table(f, o, SP_FILE_NO_TABLE, err);
    pthread_mutex_unlock(&o->lock);
    return rc;
}

static int file_finish(sp_sink *s, bool complete, spate_error *err)
{
    sp_file_sink *f = sp_file_of(s);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < f->n_outputs && rc == SPATE_OK; i++)
        rc = complete ? sp_file_output_publish(f, &f->outputs[i], err) : sp_file_output_stop(f, &f->outputs[i], err);
    return rc;
}

static int file_forget(sp_sink *s, spate_error *err)
{
    sp_file_sink *f = sp_file_of(s);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < f->n_outputs && rc == SPATE_OK; i++)
        rc = sp_output_forget(&f->outputs[i].file, err);
    return rc;
}

static int file_abandon(sp_sink *s, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err)
{
    sp_file_sink *f = sp_file_of(s);
    if (strcmp(f->scheme, "dir") != 0)
        return sp_file_output_abandon(f, f->path, remove, err);
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < n_tables && rc == SPATE_OK; t++)
        rc = sp_file_output_abandon(f, sp_output_name(&f->arena, table_path(f, tables[t]->table), &s->options), remove, err);
    return rc;
}

static void file_close(sp_sink *s)
{
    sp_file_sink *f = sp_file_of(s);
    for (uint32_t i = 0; i < f->n_outputs; i++) {
        (void)!sp_output_close(&f->outputs[i].file, NULL);
        pthread_mutex_destroy(&f->outputs[i].lock);
    }
    for (uint32_t t = 0; f->tails && t < f->n_tables; t++) {
        sp_rowtext_free(f->encoders[t]);
        sp_buf_done(&f->heads[t]);
        sp_buf_done(&f->tails[t]);
    }
    sp_arena_done(&f->arena);
    sp_free(f);
}

static const sp_sink_ops file_ops = {
    .prepare = file_prepare,
    .lane_open = sp_file_lane_open,
    .begin = sp_file_begin,
    .write = sp_file_write,
    .commit = sp_file_commit,
    .rollback = sp_file_rollback,
    .lane_close = sp_file_lane_close,
    .table_done = file_table_done,
    .finish = file_finish,
    .forget = file_forget,
    .abandon = file_abandon,
    .close = file_close,
};

/* ---- opening -------------------------------------------------------------------------------- */

static sp_file_format default_format(const char *scheme, sp_insert_mode mode)
{
    if (strcmp(scheme, "ndjson") == 0)
        return SP_FILE_NDJSON;
    if (strcmp(scheme, "arrow") == 0)
        return SP_FILE_ARROW;
    if (strcmp(scheme, "sql") == 0)
        return mode == SP_INSERT_COPY ? SP_FILE_COPY : SP_FILE_INSERT;
    return SP_FILE_CSV;
}

/* By the query, or by the name's ending. */
static int read_pack(sp_file_sink *f, sp_uri *uri, spate_error *err)
{
    const char *word = sp_uri_param_value(uri, "pack");
    size_t stem;
    f->pack = sp_pack_of_name(uri->path, &stem);
    if (!word)
        return SPATE_OK;
    f->pack = strcmp(word, "gzip") == 0 ? SP_PACK_GZIP : strcmp(word, "zstd") == 0 ? SP_PACK_ZSTD : SP_PACK_NONE;
    if (f->pack != SP_PACK_NONE || strcmp(word, "none") == 0)
        return SPATE_OK;
    return sp_fail(err, SPATE_E_USAGE, "pack cannot be \"%s\"; it is gzip, zstd or none", word);
}

static bool is_arrow_file(const char *path)
{
    size_t len;
    sp_pack_of_name(path, &len);
    return len > 6 && sp_str_ieq((sp_str){path + len - 6, 6}, ".arrow");
}

static int read_params(sp_file_sink *f, sp_uri *uri, spate_error *err)
{
    f->format = default_format(uri->scheme, f->base.options.mode);
    const char *name = sp_uri_param_value(uri, "format"), *header = sp_uri_param_value(uri, "header");
    if (name) {
        size_t i = 0;
        while (i < SP_COUNT(formats) && strcmp(formats[i].name, name) != 0)
            i++;
        if (i == SP_COUNT(formats))
            return sp_fail(err, SPATE_E_USAGE, "unknown format \"%s\": it is csv, ndjson, arrow, insert or copy", name);
        f->format = (sp_file_format)i;
    }
    int rc = read_pack(f, uri, err);
    f->form = sp_text_form_of(SP_TEXT_CSV);
    if (rc == SPATE_OK)
        rc = sp_text_form_params(uri, &f->form, &f->plain_csv, err);
    if (rc != SPATE_OK)
        return rc;
    if (!f->plain_csv && f->format != SP_FILE_CSV)
        return sp_fail(err, SPATE_E_USAGE, "only csv has a dialect, not %s", formats[f->format].name);
    const char *null_word = sp_arena_strndup(&f->arena, f->form.null_word, strlen(f->form.null_word));
    f->form.null_word = null_word;
    if (!null_word)
        return sp_fail_nomem(err);
    f->arrow_file = f->format == SP_FILE_ARROW && strcmp(uri->scheme, "arrow") == 0 && is_arrow_file(uri->path);
    if (f->arrow_file && f->base.options.job)
        return sp_fail(err, SPATE_E_USAGE,
                       "an Arrow file with a footer cannot be gone on with: a stream (.arrows) can");
    if (f->arrow_file && f->pack != SP_PACK_NONE)
        return sp_fail(err, SPATE_E_USAGE, "an Arrow file with a footer cannot be packed: a stream (.arrows.gz) can");
    const char *database = sp_uri_param_value(uri, "database");
    if (database && (!sp_file_is_sql(f) || !*database))
        return sp_fail(err, SPATE_E_USAGE, "database is the name of one, for scripts of SQL");
    f->database = database ? sp_arena_strndup(&f->arena, database, strlen(database)) : NULL;
    if (database && !f->database)
        return sp_fail_nomem(err);
    f->header = true;
    if (header && f->format != SP_FILE_CSV)
        return sp_fail(err, SPATE_E_USAGE, "only csv has a header, not %s", formats[f->format].name);
    if (header && !sp_parse_bool(sp_str_of(header), &f->header))
        return sp_fail(err, SPATE_E_USAGE, "header is true or false, not \"%s\"", header);
    return SPATE_OK;
}

/* What the report says; of one file, the file that is written. */
static int name_target(sp_file_sink *f, spate_error *err)
{
    sp_os_kind kind = SP_OS_OTHER;
    bool directory = strcmp(f->scheme, "dir") == 0;
    f->base.to_stdout = !directory && sp_output_is_standard(f->path);
    int rc = directory || f->base.to_stdout ? SPATE_OK : sp_os_kind_of(f->path, &kind, err);
    if (rc != SPATE_OK)
        return rc;
    bool file = kind != SP_OS_OTHER;
    if (file && kind != SP_OS_DIR)
        f->path = sp_output_name(&f->arena, f->path, &f->base.options);
    f->base.shown = !f->path ? NULL : f->base.to_stdout ? "standard output" : sp_uri_shown(f->path, &f->arena);
    if (!f->base.shown)
        return sp_fail_nomem(err);
    if (!file)
        return SPATE_OK;
    f->base.shown_partial = sp_arena_printf(&f->arena, "%s.partial", f->base.shown);
    if (sp_file_is_sql(f))
        f->base.how_to_query = sp_arena_printf(&f->arena, "psql -d DATABASE -f %s", f->base.shown);
    return f->base.shown_partial && (f->base.how_to_query || !sp_file_is_sql(f)) ? SPATE_OK : sp_fail_nomem(err);
}

static int file_sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    if (strcmp(uri->scheme, "rejects") == 0)
        return sp_fail(err, SPATE_E_USAGE,
                       "a file of rejected rows is written by copy --on-error, and only read otherwise");
    sp_file_sink *f = sp_alloc_zero(1, sizeof(*f));
    if (!f)
        return sp_fail_nomem(err);
    sp_arena_init(&f->arena);
    f->base.ops = &file_ops;
    f->base.options = *options;
    int rc = read_params(f, uri, err);
    f->scheme = sp_arena_strndup(&f->arena, uri->scheme, strlen(uri->scheme));
    f->path = sp_arena_strndup(&f->arena, uri->path, strlen(uri->path));
    if (rc == SPATE_OK)
        rc = f->scheme && f->path ? name_target(f, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK) {
        file_close(&f->base);
        return rc;
    }
    *sink = &f->base;
    return SPATE_OK;
}

const sp_endpoint sp_endpoint_file = {
    .schemes = {"csv", "ndjson", "arrow", "sql", "rejects", "dir", "-"},
    .params = "format, header, delimiter, quote, escape, null; written: pack, database; read: table, types",
    .sink_open = file_sink_open,
    .source_open = sp_file_source_open,
    .describe = sp_file_describe,
};
