/* file_output.c - one file of the sink: what stands in front of its rows, between tables and behind the last row, and the memory
 * of a job, from which another run writes on. Each call appends whole pieces or fails; the caller holds the output's lock. */
#include "endpoint/file_sink.h"

#include <stdio.h>

/* ---- one output ----------------------------------------------------------------------------- */

/* Appends a whole piece, counted to the table being written, or to the output's first while there is none. */
int sp_file_output_append(sp_file_sink *f, sp_file_output *o, const sp_buf *buf, spate_error *err)
{
    int rc = sp_output_append(&o->file, buf, err);
    uint32_t table = o->table == SP_FILE_NO_TABLE ? o->first : o->table;
    if (rc == SPATE_OK && table < f->n_tables) /* a script without tables has a preamble all the same */
        sp_sink_wrote(&f->base, table, buf->len);
    return rc;
}

/* The same of text that is not packed yet: what stands between chunks. */
static int output_write(sp_file_sink *f, sp_file_output *o, const sp_buf *buf, spate_error *err)
{
    if (f->pack == SP_PACK_NONE || buf->len == 0)
        return sp_file_output_append(f, o, buf, err);
    sp_packer *packer;
    sp_buf packed = {0};
    int rc = sp_packer_new(f->pack, &packer, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_packer_add(packer, buf->data, buf->len, true, &packed) ? sp_fail_nomem(err)
                                                                   : sp_file_output_append(f, o, &packed, err);
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
static int add_database(const sp_file_sink *f, sp_buf *buf)
{
    if (!f->database)
        return SPATE_OK;
    return sp_buf_adds(buf, "CREATE DATABASE ") || sp_sql_name(buf, f->database) ||
                   sp_buf_adds(buf, " WITH ENCODING = 'UTF8' TEMPLATE = template0;\n\\connect ") ||
                   sp_sql_name(buf, f->database) || sp_buf_adds(buf, "\n")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_truncate(const sp_file_sink *f, const sp_file_output *o, sp_buf *buf)
{
    for (uint32_t t = o->first; t < o->last; t++) {
        if (sp_buf_adds(buf, t == o->first ? "TRUNCATE " : ", ") || sp_sql_ident(buf, f->tables[t]->table))
            return SPATE_E_NOMEM;
    }
    return o->first < o->last ? sp_buf_adds(buf, ";\n") : SPATE_OK;
}

static int add_steps(const sp_file_sink *f, const sp_file_output *o, const sp_ddl_step *steps, size_t n, sp_buf *buf)
{
    for (size_t i = 0; i < n; i++)
        if (sp_ddl_script(&f->ddl, steps[i], o->first, o->last, buf))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

/* What stands in front of the first row. */
static int add_preamble(const sp_file_sink *f, const sp_file_output *o, sp_buf *buf)
{
    if (f->format == SP_FILE_CSV && f->header)
        return f->plain_csv ? sp_rowtext_header(f->encoders[o->first], buf)
                            : sp_csvtext_header(f->tables[o->first], &f->form, buf);
    if (f->format == SP_FILE_ARROW)
        return (f->arrow_file && sp_buf_add(buf, sp_arrow_magic, sizeof(sp_arrow_magic))) ||
               sp_arrow_schema(f->tables[o->first], buf);
    if (!sp_file_is_sql(f))
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
static int add_postamble(const sp_file_sink *f, const sp_file_output *o, sp_buf *buf)
{
    if (f->format == SP_FILE_ARROW)
        return sp_arrow_end(buf) ||
               (f->arrow_file && sp_arrow_footer(f->tables[o->first], o->blocks, o->n_blocks, buf));
    if (!sp_file_is_sql(f))
        return SPATE_OK;
    static const sp_ddl_step steps[] = {SP_DDL_INDEXES, SP_DDL_KEYS, SP_DDL_FOREIGN_KEYS, SP_DDL_END};
    size_t done = f->base.options.indexes_before ? 2 : 0;
    if (f->base.options.create && add_steps(f, o, steps + done, SP_COUNT(steps) - done, buf))
        return SPATE_E_NOMEM;
    return sp_buf_adds(buf, "COMMIT;\n");
}

/* Ends the table being written and begins another (or none). */
static int add_table_change(const sp_file_sink *f, const sp_file_output *o, uint32_t table, sp_buf *buf)
{
    if (f->format != SP_FILE_COPY || table == o->table)
        return SPATE_OK;
    if (o->table != SP_FILE_NO_TABLE && sp_buf_adds(buf, "\\.\n"))
        return SPATE_E_NOMEM;
    return table == SP_FILE_NO_TABLE ? SPATE_OK : sp_buf_add(buf, f->heads[table].data, f->heads[table].len);
}

/* Creates the file, unless it is open, with its preamble. */
int sp_file_output_open(sp_file_sink *f, sp_file_output *o, spate_error *err)
{
    if (o->state != SP_FILE_OUTPUT_NEW)
        return SPATE_OK;
    int rc = sp_output_create(&o->file, err);
    if (rc != SPATE_OK)
        return rc;
    sp_buf buf = {0};
    rc = add_preamble(f, o, &buf) ? sp_fail_nomem(err) : output_write(f, o, &buf, err);
    sp_buf_done(&buf);
    if (rc == SPATE_OK)
        o->state = SP_FILE_OUTPUT_OPEN;
    else
        (void)!sp_output_close(&o->file, NULL); /* without its preamble it is not begun */
    return rc;
}

/* Moves on to table; what the change needs in the file is a piece of its own. */
int sp_file_output_change_table(sp_file_sink *f, sp_file_output *o, uint32_t table, spate_error *err)
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

int sp_file_output_remember(sp_file_sink *f, sp_file_output *o, spate_error *err)
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

static int recall_rows(sp_file_sink *f, const sp_file_output *o, const char *line, bool whole)
{
    unsigned t;
    unsigned long long first, last, rows;
    if (sscanf(line, "rows %u %llu %llu %llu", &t, &first, &last, &rows) != 4 || t < o->first || t >= o->last)
        return SPATE_OK;
    f->written[t] = (sp_file_written){first, last, rows};
    return sp_job_add(&f->memory, f->tables[t]->table, whole ? 0 : first, whole ? UINT64_MAX : last, rows);
}

/* Reads what a run before has left of the job, and opens its file where that run's memory ends. */
int sp_file_output_recall(sp_file_sink *f, sp_file_output *o, spate_error *err)
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
    o->state = found == SP_OUTPUT_WHOLE ? SP_FILE_OUTPUT_DONE : SP_FILE_OUTPUT_OPEN;
    if (built)
        return sp_fail_nomem(err);
    return found == SP_OUTPUT_WHOLE || f->base.options.dry_run ? SPATE_OK : sp_output_reopen(&o->file, length, err);
}

/* Everything is in it: the end, the sync, the name. */
int sp_file_output_publish(sp_file_sink *f, sp_file_output *o, spate_error *err)
{
    if (o->state == SP_FILE_OUTPUT_DONE)
        return SPATE_OK;
    int rc = sp_file_output_open(f, o, err);
    if (rc == SPATE_OK)
        rc = sp_file_output_change_table(f, o, SP_FILE_NO_TABLE, err);
    if (rc != SPATE_OK)
        return rc;
    /* The memory ends before the postamble: a run that is killed before the name writes it again. */
    rc = f->memory.job ? sp_file_output_remember(f, o, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return rc;
    sp_buf buf = {0};
    rc = add_postamble(f, o, &buf) ? sp_fail_nomem(err) : output_write(f, o, &buf, err);
    sp_buf_done(&buf);
    if (rc == SPATE_OK)
        rc = sp_output_publish(&o->file, err);
    if (rc == SPATE_OK)
        o->state = SP_FILE_OUTPUT_DONE;
    return rc;
}

/* Stopped: with a job, whole chunks stay as far as they came. */
int sp_file_output_stop(sp_file_sink *f, sp_file_output *o, spate_error *err)
{
    int rc = f->memory.job && o->state == SP_FILE_OUTPUT_OPEN ? sp_file_output_remember(f, o, err) : SPATE_OK;
    int closed = sp_output_close(&o->file, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? closed : rc;
}

/* What another job has left is not ours to take. */
int sp_file_output_abandon(sp_file_sink *f, const char *path, bool remove, spate_error *err)
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

/* ---- Arrow: what the footer has to know ---- */

/* Where the messages of a chunk will be. */
int sp_file_note_blocks(sp_file_sink *f, sp_file_output *o, const sp_buf *buf)
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
