/* file.c - rows into files: CSV, NDJSON, Arrow IPC and SQL scripts, one file, a file a table, or standard output.
 *
 * What a file is on disk while it is written is output.h's; here is what stands in it. A lane encodes a chunk into its own
 * memory, commit appends it in one piece.
 *
 * Commits come in order (SP_ORDER_TABLE for a file a table, SP_ORDER_ALL for one file of several), so the bytes do not
 * depend on how many workers there are. INSERT statements begin at row numbers divisible by their size, wherever chunks
 * begin. */
#include "codec/arrow.h"
#include "endpoint/ddl.h"
#include "endpoint/endpoints.h"
#include "endpoint/landed.h"
#include "endpoint/output.h"
#include "endpoint/pack.h"
#include "endpoint/text_form.h"

#include <stdio.h>

typedef enum format { FORMAT_CSV, FORMAT_NDJSON, FORMAT_INSERT, FORMAT_COPY, FORMAT_ARROW } format;

static const struct {
    const char *name, *ending;
    sp_text_dialect dialect;
} formats[] = {
    [FORMAT_CSV] = {"csv", "csv", SP_TEXT_CSV},          [FORMAT_NDJSON] = {"ndjson", "ndjson", SP_TEXT_NDJSON},
    [FORMAT_INSERT] = {"insert", "sql", SP_TEXT_INSERT}, [FORMAT_COPY] = {"copy", "sql", SP_TEXT_COPY},
    [FORMAT_ARROW] = {"arrow", "arrows", SP_TEXT_CSV}, /* which has an encoder of its own */
};

enum {
    /* A chunk's text, about. Into a pipe or device it should still be in the L2 cache when it is written; into a file the disk is
     * the limit, and few large writes keep it busier than many small ones, between which one worker wakes the next. */
    CHUNK_BYTES_DIRECT = 384 << 10,
    CHUNK_BYTES_FILE = 1 << 20,
    STATEMENT_ROWS = 1000,       /* rows of an INSERT statement unless options.batch_rows says otherwise */
    STATEMENT_ROWS_MAX = 100000, /* a statement is held in memory, here and by who runs it */
    STATEMENT_BYTES = 1 << 20,   /* so it has fewer rows where they are long */
    REMEMBER_BYTES = 64 << 20,   /* of a file, that a job makes again at most */
    NO_TABLE = UINT32_MAX,
};

typedef enum output_state { OUTPUT_NEW, OUTPUT_OPEN, OUTPUT_DONE } output_state;

/* One file. In the order ALL there is one for every table, and the lock keeps table_done and commits of the next table
 * apart. */
typedef struct output {
    sp_output file;
    uint32_t first, last; /* its tables: [first, last) */
    output_state state;
    sp_arrow_block *blocks; /* of an Arrow file: its record batches, for the footer */
    uint32_t n_blocks, cap_blocks;
    uint32_t table; /* whose rows are being written, or NO_TABLE */
    pthread_mutex_t lock;
} output;

/* The rows of a table that are in its file, counted for the memory of a job. */
typedef struct written {
    uint64_t first, last, rows;
} written;

typedef struct file_sink {
    sp_sink base;
    sp_arena arena;
    const char *scheme, *path;
    format format;
    bool header;
    const char *database; /* made and entered first; NULL: none */
    sp_pack pack;
    sp_text_form form;        /* of CSV */
    bool plain_csv;           /* it is the form that files have by default */
    bool arrow_file;          /* with a footer; else a stream */
    uint64_t *statement_rows; /* a table */
    const sp_schema *const *tables;
    uint32_t n_tables;
    sp_rowtext **encoders; /* a table */
    sp_buf *heads;         /* a table: what starts its statements, or its COPY data */
    sp_buf *tails;         /* a table: what ends a statement */
    output *outputs;
    uint32_t n_outputs;
    written *written; /* a table */
    sp_job_memory memory;
    sp_ddl ddl; /* of all its tables: a script that creates them is one file */
} file_sink;

typedef struct file_lane {
    sp_lane base;
    sp_chunk chunk;
    sp_buf buf;
    sp_packer *packer; /* NULL: buf goes as it is */
    sp_buf packed;     /* what is in it no more */
    bool in_statement;
} file_lane;

static file_sink *file_of(sp_sink *s)
{
    return (file_sink *)s;
}

static bool is_sql(const file_sink *f)
{
    return f->format == FORMAT_INSERT || f->format == FORMAT_COPY;
}

static output *output_of(file_sink *f, uint32_t table)
{
    return &f->outputs[f->n_outputs == 1 ? 0 : table];
}

/* ---- one output ----------------------------------------------------------------------------- */

/* Appends a whole piece, counted to the table being written, or to the output's first while there is none. */
static int output_append(file_sink *f, output *o, const sp_buf *buf, spate_error *err)
{
    int rc = sp_output_append(&o->file, buf, err);
    uint32_t table = o->table == NO_TABLE ? o->first : o->table;
    if (rc == SPATE_OK && table < f->n_tables) /* a script without tables has a preamble all the same */
        __atomic_fetch_add(&f->base.bytes_written[table], buf->len, __ATOMIC_RELAXED);
    return rc;
}

/* The same of text that is not packed yet: what stands between chunks. */
static int output_write(file_sink *f, output *o, const sp_buf *buf, spate_error *err)
{
    if (f->pack == SP_PACK_NONE || buf->len == 0)
        return output_append(f, o, buf, err);
    sp_packer *packer;
    sp_buf packed = {0};
    int rc = sp_packer_new(f->pack, &packer, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_packer_add(packer, buf->data, buf->len, true, &packed) ? sp_fail_nomem(err)
                                                                   : output_append(f, o, &packed, err);
    sp_packer_free(packer);
    sp_buf_done(&packed);
    return rc;
}

static const char sql_title[] =
    "-- Made by spate for psql: psql -d DATABASE -f FILE. One transaction: all of it is loaded, or nothing.\n"
    "\\set ON_ERROR_STOP on\n";
static const char sql_preamble[] = "SET client_encoding = 'UTF8';\n"
                                   "SET standard_conforming_strings = on;\n"
                                   "BEGIN;\n";

/* What no transaction may hold. */
static int add_database(const file_sink *f, sp_buf *buf)
{
    if (!f->database)
        return SPATE_OK;
    return sp_buf_adds(buf, "CREATE DATABASE ") || sp_sql_name(buf, f->database) ||
                   sp_buf_adds(buf, " WITH ENCODING = 'UTF8' TEMPLATE = template0;\n\\connect ") ||
                   sp_sql_name(buf, f->database) || sp_buf_adds(buf, "\n")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_truncate(const file_sink *f, const output *o, sp_buf *buf)
{
    for (uint32_t t = o->first; t < o->last; t++) {
        if (sp_buf_adds(buf, t == o->first ? "TRUNCATE " : ", ") || sp_sql_ident(buf, f->tables[t]->table))
            return SPATE_E_NOMEM;
    }
    return o->first < o->last ? sp_buf_adds(buf, ";\n") : SPATE_OK;
}

static int add_steps(const file_sink *f, const output *o, const sp_ddl_step *steps, size_t n, sp_buf *buf)
{
    for (size_t i = 0; i < n; i++)
        if (sp_ddl_script(&f->ddl, steps[i], o->first, o->last, buf))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

/* What stands in front of the first row. */
static int add_preamble(const file_sink *f, const output *o, sp_buf *buf)
{
    if (f->format == FORMAT_CSV && f->header)
        return f->plain_csv ? sp_rowtext_header(f->encoders[o->first], buf)
                            : sp_csvtext_header(f->tables[o->first], &f->form, buf);
    if (f->format == FORMAT_ARROW)
        return (f->arrow_file && sp_buf_add(buf, sp_arrow_magic, sizeof(sp_arrow_magic))) ||
               sp_arrow_schema(f->tables[o->first], buf);
    if (!is_sql(f))
        return SPATE_OK;
    if (sp_buf_adds(buf, sql_title) || add_database(f, buf) || sp_buf_adds(buf, sql_preamble))
        return SPATE_E_NOMEM;
    const sp_sink_options *options = &f->base.options;
    if (!options->create) /* other parts' rows must survive this one's beginning */
        return options->truncate && options->parts <= 1 ? add_truncate(f, o, buf) : SPATE_OK;
    static const sp_ddl_step steps[] = {SP_DDL_TABLES, SP_DDL_INDEXES, SP_DDL_KEYS};
    return add_steps(f, o, steps, options->indexes_before ? SP_COUNT(steps) : 1, buf);
}

/* What stands behind the last row: keys, then foreign keys, when every table has its keys. */
static int add_postamble(const file_sink *f, const output *o, sp_buf *buf)
{
    if (f->format == FORMAT_ARROW)
        return sp_arrow_end(buf) ||
               (f->arrow_file && sp_arrow_footer(f->tables[o->first], o->blocks, o->n_blocks, buf));
    if (!is_sql(f))
        return SPATE_OK;
    static const sp_ddl_step steps[] = {SP_DDL_INDEXES, SP_DDL_KEYS, SP_DDL_FOREIGN_KEYS, SP_DDL_END};
    size_t done = f->base.options.indexes_before ? 2 : 0;
    if (f->base.options.create && add_steps(f, o, steps + done, SP_COUNT(steps) - done, buf))
        return SPATE_E_NOMEM;
    return sp_buf_adds(buf, "COMMIT;\n");
}

/* Ends the table being written and begins another (or none). */
static int add_table_change(const file_sink *f, const output *o, uint32_t table, sp_buf *buf)
{
    if (f->format != FORMAT_COPY || table == o->table)
        return SPATE_OK;
    if (o->table != NO_TABLE && sp_buf_adds(buf, "\\.\n"))
        return SPATE_E_NOMEM;
    return table == NO_TABLE ? SPATE_OK : sp_buf_add(buf, f->heads[table].data, f->heads[table].len);
}

/* Creates the file, unless it is open, with its preamble. */
static int output_open(file_sink *f, output *o, spate_error *err)
{
    if (o->state != OUTPUT_NEW)
        return SPATE_OK;
    int rc = sp_output_create(&o->file, err);
    if (rc != SPATE_OK)
        return rc;
    sp_buf buf = {0};
    rc = add_preamble(f, o, &buf) ? sp_fail_nomem(err) : output_write(f, o, &buf, err);
    sp_buf_done(&buf);
    if (rc == SPATE_OK)
        o->state = OUTPUT_OPEN;
    else
        (void)!sp_output_close(&o->file, NULL); /* without its preamble it is not begun */
    return rc;
}

/* Moves on to table; what the change needs in the file is a piece of its own. */
static int output_change_table(file_sink *f, output *o, uint32_t table, spate_error *err)
{
    if (o->table == table)
        return SPATE_OK;
    sp_buf buf = {0};
    int rc = add_table_change(f, o, table, &buf) ? sp_fail_nomem(err) : output_write(f, o, &buf, err);
    sp_buf_done(&buf);
    if (rc == SPATE_OK)
        o->table = table;
    return rc;
}

/* ---- the memory of a job: how long the file is, what table is being written, and of each table which rows are in it ---- */

static int output_remember(file_sink *f, output *o, spate_error *err)
{
    sp_buf text = {0};
    int built = sp_buf_printf(&text, "job %s\nof %s\nlength %llu\ntable %u\n", f->memory.job, f->memory.of,
                              (unsigned long long)o->file.length, o->table);
    for (uint32_t t = o->first; t < o->last && !built; t++)
        if (f->written[t].last)
            built = sp_buf_printf(&text, "rows %u %llu %llu %llu\n", t, (unsigned long long)f->written[t].first,
                                  (unsigned long long)f->written[t].last, (unsigned long long)f->written[t].rows);
    int rc = built ? sp_fail_nomem(err) : sp_output_remember(&o->file, &text, err);
    sp_buf_done(&text);
    return rc;
}

static int recall_rows(file_sink *f, const output *o, const char *line, bool whole)
{
    unsigned t;
    unsigned long long first, last, rows;
    if (sscanf(line, "rows %u %llu %llu %llu", &t, &first, &last, &rows) != 4 || t < o->first || t >= o->last)
        return SPATE_OK;
    f->written[t] = (written){first, last, rows};
    return sp_job_add(&f->memory, f->tables[t]->table, whole ? 0 : first, whole ? UINT64_MAX : last, rows);
}

/* Reads what a run before has left of the job, and opens its file where that run's memory ends. */
static int output_recall(file_sink *f, output *o, spate_error *err)
{
    sp_buf text = {0};
    sp_output_found found;
    unsigned long long length = 0;
    int rc = sp_output_recall(&o->file, &found, &text, err), built = SPATE_OK;
    char *line = rc == SPATE_OK && found != SP_OUTPUT_NEW ? text.data : NULL;
    if (!line || !sp_output_is_line(line, "job ", f->memory.job)) {
        sp_buf_done(&text);
        return rc; /* another job's, or nobody's */
    }
    line = strchr(line, '\n') + 1;
    if (!sp_output_is_line(line, "of ", f->memory.of)) {
        sp_buf_done(&text);
        return sp_job_refuse_other(f->memory.job, err);
    }
    for (char *next; *line && !built; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (sscanf(line, "length %llu", &length) != 1 && sscanf(line, "table %u", &o->table) != 1)
            built = recall_rows(f, o, line, found == SP_OUTPUT_WHOLE);
    }
    sp_buf_done(&text);
    o->state = found == SP_OUTPUT_WHOLE ? OUTPUT_DONE : OUTPUT_OPEN;
    if (built)
        return sp_fail_nomem(err);
    return found == SP_OUTPUT_WHOLE || f->base.options.dry_run ? SPATE_OK : sp_output_reopen(&o->file, length, err);
}

/* Everything is in it: the end, the sync, the name. */
static int output_publish(file_sink *f, output *o, spate_error *err)
{
    if (o->state == OUTPUT_DONE)
        return SPATE_OK;
    int rc = output_open(f, o, err);
    if (rc == SPATE_OK)
        rc = output_change_table(f, o, NO_TABLE, err);
    if (rc != SPATE_OK)
        return rc;
    /* The memory ends before the postamble: a run that is killed before the name writes it again. */
    rc = f->memory.job ? output_remember(f, o, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return rc;
    sp_buf buf = {0};
    rc = add_postamble(f, o, &buf) ? sp_fail_nomem(err) : output_write(f, o, &buf, err);
    sp_buf_done(&buf);
    if (rc == SPATE_OK)
        rc = sp_output_publish(&o->file, err);
    if (rc == SPATE_OK)
        o->state = OUTPUT_DONE;
    return rc;
}

/* ---- prepare: names and refusals ------------------------------------------------------------ */

/* "dir/stem.ext" of part 0 of 3 is "dir/stem.0-of-3.ext". */
static const char *part_name(file_sink *f, const char *path)
{
    const sp_sink_options *options = &f->base.options;
    if (options->parts <= 1 || !path)
        return path;
    size_t len;
    sp_pack_of_name(path, &len);
    const char *slash = strrchr(path, '/'), *begin = slash ? slash : path,
               *dot = memrchr(begin, '.', (size_t)(path + len - begin));
    int stem = (int)(dot ? (size_t)(dot - path) : strlen(path));
    return sp_arena_printf(&f->arena, "%.*s.%u-of-%u%s", stem, path, options->part, options->parts, dot ? dot : "");
}

static const char *table_path(file_sink *f, const char *table)
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

static int output_init(file_sink *f, output *o, const char *path, uint32_t first, uint32_t last, spate_error *err)
{
    o->table = NO_TABLE;
    o->first = first;
    o->last = last;
    pthread_mutex_init(&o->lock, NULL);
    int rc = sp_output_init(&o->file, &f->arena, path, f->memory.job, err);
    if (rc == SPATE_OK)
        rc = output_recall(f, o, err);
    if (rc != SPATE_OK || o->state != OUTPUT_NEW || o->file.direct || !sp_os_exists(path) || f->base.options.truncate)
        return rc;
    sp_fail(err, SPATE_E_USAGE, "file \"%s\" exists already", path);
    sp_error_hint(err, "--truncate replaces it");
    return SPATE_E_USAGE;
}

/* Names that differ in a slash alone give one file. */
static int refuse_shared_outputs(const file_sink *f, spate_error *err)
{
    for (uint32_t i = 1; i < f->n_outputs; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(f->outputs[i].file.path, f->outputs[j].file.path) == 0)
                return sp_fail(err, SPATE_E_USAGE, "tables \"%s\" and \"%s\" would both be written to \"%s\"",
                               f->tables[j]->table, f->tables[i]->table, f->outputs[i].file.path);
    return SPATE_OK;
}

static int name_outputs(file_sink *f, spate_error *err)
{
    bool directory = strcmp(f->scheme, "dir") == 0;
    f->base.order = directory || f->n_tables == 1 ? SP_ORDER_TABLE : SP_ORDER_ALL;
    uint32_t n = directory ? f->n_tables : 1;
    f->outputs = sp_arena_alloc(&f->arena, n, sizeof(*f->outputs));
    if (!f->outputs)
        return sp_fail_nomem(err);
    for (; f->n_outputs < n; f->n_outputs++) {
        uint32_t i = f->n_outputs;
        const char *path = directory ? part_name(f, table_path(f, f->tables[i]->table)) : f->path;
        int rc = output_init(f, &f->outputs[i], path, directory ? i : 0, directory ? i + 1 : f->n_tables, err);
        if (rc != SPATE_OK) {
            f->n_outputs++; /* its lock is there to be destroyed */
            return rc;
        }
    }
    return refuse_shared_outputs(f, err);
}

static int refuse_several_tables(const file_sink *f, spate_error *err)
{
    if (is_sql(f) || strcmp(f->scheme, "dir") == 0 || f->n_tables == 1)
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "one %s file takes one table, and there are %u", formats[f->format].name, f->n_tables);
    sp_error_hint(err, "choose one with --table, name a directory (path/), or add ?format=insert");
    return SPATE_E_USAGE;
}

/* Options about tables and statements mean nothing where there are none. */
static int refuse_table_options(const file_sink *f, spate_error *err)
{
    const sp_sink_options *options = &f->base.options;
    const char *word = options->create ? "--create" : options->mode != SP_INSERT_DEFAULT ? "--insert-mode" : NULL;
    return word ? sp_fail(err, SPATE_E_USAGE, "%s means nothing for %s", word, formats[f->format].name) : SPATE_OK;
}

/* What a script cannot do right is refused rather than left out. */
static int refuse_script(const file_sink *f, spate_error *err)
{
    const sp_sink_options *options = &f->base.options;
    if (!is_sql(f))
        return refuse_table_options(f, err);
    if ((options->mode == SP_INSERT_UPSERT || options->mode == SP_INSERT_SKIP) && f->format == FORMAT_COPY) {
        sp_fail(err, SPATE_E_USAGE, "COPY cannot look for keys that are there");
        sp_error_hint(err, "use format=insert");
        return SPATE_E_USAGE;
    }
    if (options->batch_rows > STATEMENT_ROWS_MAX && f->format == FORMAT_INSERT)
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
static uint64_t rows_of_statement(const file_sink *f, uint32_t t)
{
    uint64_t most = f->base.options.batch_rows ? f->base.options.batch_rows : STATEMENT_ROWS;
    uint64_t fit = STATEMENT_BYTES / sp_schema_row_bytes(f->tables[t]);
    return SP_MAX(SP_MIN(most, fit), (uint64_t)1);
}

/* Rows of about a chunk's bytes of text (text is a quarter longer than the compact form, about): whole batches, and whole
 * statements. */
static uint64_t rows_of_chunk(file_sink *f, uint32_t t)
{
    const sp_schema *schema = f->tables[t];
    uint64_t bytes = output_of(f, t)->file.direct ? CHUNK_BYTES_DIRECT : CHUNK_BYTES_FILE;
    uint64_t rows = SP_MAX(bytes / (sp_schema_row_bytes(schema) * (uint64_t)5 / 4), (uint64_t)1);
    uint64_t statement = f->statement_rows[t];
    return f->format == FORMAT_INSERT ? SP_MAX(rows / statement, (uint64_t)1) * statement : sp_whole_batches(rows);
}

static int prepare_table(file_sink *f, uint32_t t, spate_error *err)
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
    if (f->format == FORMAT_COPY)
        failed = sp_sql_copy_head(&f->heads[t], schema) || sp_buf_adds(&f->heads[t], ";\n");
    if (f->format == FORMAT_INSERT)
        failed = sp_sql_insert_head(&f->heads[t], schema) || sp_buf_adds(&f->heads[t], "\n") ||
                 (f->base.options.mode == SP_INSERT_UPSERT &&
                  (sp_buf_adds(&f->tails[t], "\n") || sp_sql_on_conflict(&f->tails[t], schema))) ||
                 (f->base.options.mode == SP_INSERT_SKIP && sp_buf_adds(&f->tails[t], "\nON CONFLICT DO NOTHING")) ||
                 sp_buf_adds(&f->tails[t], ";\n");
    return failed ? sp_fail_nomem(err) : SPATE_OK;
}

static int allocate_tables(file_sink *f, spate_error *err)
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
    file_sink *f = file_of(s);
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
    return output_open(f, &f->outputs[0], err);
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static int file_lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    file_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    int rc = file_of(s)->pack == SP_PACK_NONE ? SPATE_OK : sp_packer_new(file_of(s)->pack, &l->packer, err);
    if (rc == SPATE_OK)
        *lane = &l->base;
    else
        sp_free(l);
    return rc;
}

/* Packs what the buffer has, but for its last bytes where the next row decides over them. */
static int pack_some(file_lane *l, bool last)
{
    size_t keep = last || !l->in_statement ? 0 : 2, n = l->buf.len > keep ? l->buf.len - keep : 0;
    if (!l->packer || (!last && n == 0))
        return SPATE_OK;
    int rc = sp_packer_add(l->packer, l->buf.data, n, last, &l->packed);
    memmove(l->buf.data, l->buf.data + n, l->buf.len - n);
    l->buf.len -= n;
    return rc;
}

static int file_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    l->chunk = *chunk;
    l->buf.len = l->packed.len = 0;
    l->in_statement = false;
    return SPATE_OK;
}

/* Rows end in ",\n"; the last one of a statement in the statement's tail. */
static int end_statement(file_sink *f, file_lane *l)
{
    if (!l->in_statement)
        return SPATE_OK;
    l->in_statement = false;
    l->buf.len -= 2;
    const sp_buf *tail = &f->tails[l->chunk.table];
    return sp_buf_add(&l->buf, tail->data, tail->len);
}

static int write_statements(file_sink *f, file_lane *l, const sp_batch *batch)
{
    const sp_buf *head = &f->heads[l->chunk.table];
    uint64_t rows = f->statement_rows[l->chunk.table];
    for (uint32_t from = 0, to; from < batch->rows; from = to) {
        uint64_t left = rows - (batch->first_row + from) % rows;
        to = from + (uint32_t)SP_MIN(left, (uint64_t)(batch->rows - from));
        if (!l->in_statement && sp_buf_add(&l->buf, head->data, head->len))
            return SPATE_E_NOMEM;
        l->in_statement = true;
        if (sp_rowtext_encode(f->encoders[l->chunk.table], batch, from, to, &l->buf))
            return SPATE_E_NOMEM;
        if (to - from == left && end_statement(f, l))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int file_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    file_sink *f = file_of(lane->sink);
    if ((f->format == FORMAT_CSV && !f->plain_csv) || f->format == FORMAT_ARROW) {
        size_t before = l->buf.len;
        int rc = f->format == FORMAT_ARROW ? sp_arrow_batch(batch, &l->buf, err)
                                           : sp_csvtext_encode(&f->form, batch, &l->buf, err);
        l->buf.len = rc == SPATE_OK ? l->buf.len : before;
        return rc == SPATE_OK && pack_some(l, false) ? sp_fail_nomem(err) : rc;
    }
    int rc = f->format == FORMAT_INSERT
                 ? write_statements(f, l, batch)
                 : sp_rowtext_encode(f->encoders[l->chunk.table], batch, 0, batch->rows, &l->buf);
    return rc == SPATE_OK && !pack_some(l, false) ? rc : sp_fail_nomem(err);
}

/* Where the messages of a chunk will be. */
static int note_blocks(file_sink *f, output *o, const sp_buf *buf)
{
    for (size_t at = 0; f->arrow_file && at < buf->len;) {
        sp_arrow_block block = {.offset = o->file.length + at};
        if (o->n_blocks == o->cap_blocks) {
            uint32_t cap = o->cap_blocks ? 2 * o->cap_blocks : 256;
            sp_arrow_block *grown = sp_arena_alloc(&f->arena, cap, sizeof(*grown));
            if (!grown)
                return SPATE_E_NOMEM;
            if (o->n_blocks)
                memcpy(grown, o->blocks, o->n_blocks * sizeof(*grown));
            o->blocks = grown;
            o->cap_blocks = cap;
        }
        SP_ASSERT(sp_arrow_measure((sp_str){buf->data + at, buf->len - at}, &block));
        o->blocks[o->n_blocks++] = block;
        at += block.metadata + block.body;
    }
    return SPATE_OK;
}

static void count_written(written *w, const sp_chunk *chunk, uint64_t rows)
{
    w->first = w->last ? w->first : chunk->first;
    w->last = chunk->last;
    w->rows += rows;
}

static int commit_locked(file_sink *f, file_lane *l, output *o, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    int rc = output_open(f, o, err);
    if (rc == SPATE_OK)
        rc = output_change_table(f, o, chunk->table, err);
    if (rc == SPATE_OK && note_blocks(f, o, &l->buf))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = output_append(f, o, l->packer ? &l->packed : &l->buf, err);
    if (rc != SPATE_OK)
        return rc;
    count_written(&f->written[chunk->table], chunk, rows);
    bool due = f->memory.job && o->file.length - o->file.remembered >= REMEMBER_BYTES;
    return due ? output_remember(f, o, err) : SPATE_OK;
}

static int file_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    file_sink *f = file_of(lane->sink);
    output *o = output_of(f, chunk->table);
    if (end_statement(f, l) != SPATE_OK || (rows && pack_some(l, true)))
        return sp_fail_nomem(err);
    pthread_mutex_lock(&o->lock);
    int rc = commit_locked(f, l, o, chunk, rows, err);
    pthread_mutex_unlock(&o->lock);
    l->buf.len = l->packed.len = 0;
    return rc;
}

static void file_rollback(sp_lane *lane)
{
    file_lane *l = (file_lane *)lane;
    l->buf.len = l->packed.len = 0;
    if (l->packer)
        sp_packer_reset(l->packer);
    l->in_statement = false;
}

static void file_lane_close(sp_lane *lane)
{
    file_lane *l = (file_lane *)lane;
    sp_buf_done(&l->buf);
    sp_buf_done(&l->packed);
    sp_packer_free(l->packer);
    sp_free(l);
}

/* ---- the end -------------------------------------------------------------------------------- */

static int file_table_done(sp_sink *s, uint32_t table, spate_error *err)
{
    file_sink *f = file_of(s);
    output *o = output_of(f, table);
    pthread_mutex_lock(&o->lock);
    int rc = SPATE_OK;
    if (o->last - o->first == 1)
        rc = output_publish(f, o, err);
    else if (o->table == table)
        rc = output_change_table(f, o, NO_TABLE, err);
    pthread_mutex_unlock(&o->lock);
    return rc;
}

/* Stopped: with a job, whole chunks stay as far as they came. */
static int output_stop(file_sink *f, output *o, spate_error *err)
{
    int rc = f->memory.job && o->state == OUTPUT_OPEN ? output_remember(f, o, err) : SPATE_OK;
    int closed = sp_output_close(&o->file, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? closed : rc;
}

static int file_finish(sp_sink *s, bool complete, spate_error *err)
{
    file_sink *f = file_of(s);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < f->n_outputs && rc == SPATE_OK; i++)
        rc = complete ? output_publish(f, &f->outputs[i], err) : output_stop(f, &f->outputs[i], err);
    return rc;
}

static int file_forget(sp_sink *s, spate_error *err)
{
    file_sink *f = file_of(s);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < f->n_outputs && rc == SPATE_OK; i++)
        rc = sp_output_forget(&f->outputs[i].file, err);
    return rc;
}

/* What another job has left is not ours to take. */
static int output_abandon(file_sink *f, const char *path, bool remove, spate_error *err)
{
    sp_output o;
    sp_output_found found;
    sp_buf text = {0};
    int rc = sp_output_init(&o, &f->arena, path, true, err);
    if (rc == SPATE_OK)
        rc = sp_output_recall(&o, &found, &text, err);
    bool ours = rc == SPATE_OK && found != SP_OUTPUT_NEW && sp_output_is_line(text.data, "job ", f->base.options.job);
    sp_buf_done(&text);
    if (ours && remove && found == SP_OUTPUT_PARTIAL)
        rc = sp_os_unlink(o.written_as, err);
    return ours && rc == SPATE_OK ? sp_output_forget(&o, err) : rc;
}

static int file_abandon(sp_sink *s, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err)
{
    file_sink *f = file_of(s);
    if (strcmp(f->scheme, "dir") != 0)
        return output_abandon(f, f->path, remove, err);
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < n_tables && rc == SPATE_OK; t++)
        rc = output_abandon(f, part_name(f, table_path(f, tables[t]->table)), remove, err);
    return rc;
}

static void file_close(sp_sink *s)
{
    file_sink *f = file_of(s);
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
    .lane_open = file_lane_open,
    .begin = file_begin,
    .write = file_write,
    .commit = file_commit,
    .rollback = file_rollback,
    .lane_close = file_lane_close,
    .table_done = file_table_done,
    .finish = file_finish,
    .forget = file_forget,
    .abandon = file_abandon,
    .close = file_close,
};

/* ---- opening -------------------------------------------------------------------------------- */

static format default_format(const char *scheme, sp_insert_mode mode)
{
    if (strcmp(scheme, "ndjson") == 0)
        return FORMAT_NDJSON;
    if (strcmp(scheme, "arrow") == 0)
        return FORMAT_ARROW;
    if (strcmp(scheme, "sql") == 0)
        return mode == SP_INSERT_COPY ? FORMAT_COPY : FORMAT_INSERT;
    return FORMAT_CSV;
}

/* By the query, or by the name's ending. */
static int read_pack(file_sink *f, sp_uri *uri, spate_error *err)
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

static int read_params(file_sink *f, sp_uri *uri, spate_error *err)
{
    f->format = default_format(uri->scheme, f->base.options.mode);
    const char *name = sp_uri_param_value(uri, "format"), *header = sp_uri_param_value(uri, "header");
    if (name) {
        size_t i = 0;
        while (i < SP_COUNT(formats) && strcmp(formats[i].name, name) != 0)
            i++;
        if (i == SP_COUNT(formats))
            return sp_fail(err, SPATE_E_USAGE, "unknown format \"%s\": it is csv, ndjson, arrow, insert or copy", name);
        f->format = (format)i;
    }
    int rc = read_pack(f, uri, err);
    f->form = sp_text_form_of(SP_TEXT_CSV);
    if (rc == SPATE_OK)
        rc = sp_text_form_params(uri, &f->form, &f->plain_csv, err);
    if (rc != SPATE_OK)
        return rc;
    if (!f->plain_csv && f->format != FORMAT_CSV)
        return sp_fail(err, SPATE_E_USAGE, "only csv has a dialect, not %s", formats[f->format].name);
    const char *null_word = sp_arena_strndup(&f->arena, f->form.null_word, strlen(f->form.null_word));
    f->form.null_word = null_word;
    if (!null_word)
        return sp_fail_nomem(err);
    f->arrow_file = f->format == FORMAT_ARROW && strcmp(uri->scheme, "arrow") == 0 && is_arrow_file(uri->path);
    if (f->arrow_file && f->base.options.job)
        return sp_fail(err, SPATE_E_USAGE,
                       "an Arrow file with a footer cannot be gone on with: a stream (.arrows) can");
    if (f->arrow_file && f->pack != SP_PACK_NONE)
        return sp_fail(err, SPATE_E_USAGE, "an Arrow file with a footer cannot be packed: a stream (.arrows.gz) can");
    const char *database = sp_uri_param_value(uri, "database");
    if (database && (!is_sql(f) || !*database))
        return sp_fail(err, SPATE_E_USAGE, "database is the name of one, for scripts of SQL");
    f->database = database ? sp_arena_strndup(&f->arena, database, strlen(database)) : NULL;
    if (database && !f->database)
        return sp_fail_nomem(err);
    f->header = true;
    if (header && f->format != FORMAT_CSV)
        return sp_fail(err, SPATE_E_USAGE, "only csv has a header, not %s", formats[f->format].name);
    if (header && !sp_parse_bool(sp_str_of(header), &f->header))
        return sp_fail(err, SPATE_E_USAGE, "header is true or false, not \"%s\"", header);
    return SPATE_OK;
}

/* What the report says; of one file, the file that is written. */
static int name_target(file_sink *f, spate_error *err)
{
    sp_os_kind kind = SP_OS_OTHER;
    bool directory = strcmp(f->scheme, "dir") == 0;
    f->base.to_stdout = !directory && sp_output_is_standard(f->path);
    int rc = directory || f->base.to_stdout ? SPATE_OK : sp_os_kind_of(f->path, &kind, err);
    if (rc != SPATE_OK)
        return rc;
    bool file = kind != SP_OS_OTHER;
    if (file && kind != SP_OS_DIR)
        f->path = part_name(f, f->path);
    f->base.shown = !f->path ? NULL : f->base.to_stdout ? "standard output" : sp_uri_shown(f->path, &f->arena);
    if (!f->base.shown)
        return sp_fail_nomem(err);
    if (!file)
        return SPATE_OK;
    f->base.shown_partial = sp_arena_printf(&f->arena, "%s.partial", f->base.shown);
    if (is_sql(f))
        f->base.how_to_query = sp_arena_printf(&f->arena, "psql -d DATABASE -f %s", f->base.shown);
    return f->base.shown_partial && (f->base.how_to_query || !is_sql(f)) ? SPATE_OK : sp_fail_nomem(err);
}

static int file_sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    if (strcmp(uri->scheme, "rejects") == 0)
        return sp_fail(err, SPATE_E_USAGE,
                       "a file of rejected rows is written by copy --on-error, and only read otherwise");
    file_sink *f = sp_alloc_zero(1, sizeof(*f));
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
