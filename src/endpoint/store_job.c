/* store_job.c - see store_sink.h.
 *
 * The memory is text: "job", "of", "length" (of the partial file), then "rows TABLE FIRST LAST ROWS" for each table that has some, or
 * "complete" when all are there. It is written after the store has been synced to that length. */
#include "endpoint/store_sink.h"

#include <stdio.h>

enum { REMEMBER_BYTES = 64 << 20 }; /* that are made again at most */

static int remember(sp_store_sink *s, bool complete, spate_error *err)
{
    sp_buf text = {0};
    uint64_t length = s->store->end;
    int built = sp_buf_printf(&text, "job %s\nof %s\nlength %llu\n%s", s->memory.job, s->memory.of,
                              (unsigned long long)length, complete ? "complete\n" : "");
    for (uint32_t t = 0; t < s->n_tables && !built; t++)
        if (s->written[t].last)
            built = sp_buf_printf(&text, "rows %u %llu %llu %llu\n", t, (unsigned long long)s->written[t].first,
                                  (unsigned long long)s->written[t].last, (unsigned long long)s->written[t].rows);
    s->output.fd = s->store->fd;
    s->output.length = length;
    int rc = built ? sp_fail_nomem(err) : sp_output_remember(&s->output, &text, err);
    s->output.fd = -1;
    sp_buf_done(&text);
    return rc;
}

/* Other lanes write nothing meanwhile. */
int sp_store_job_commit(sp_store_sink *s, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    sp_store_written *w = &s->written[chunk->table];
    w->first = w->last ? w->first : chunk->first;
    w->last = chunk->last;
    w->rows += rows;
    return s->store->end - s->output.remembered >= REMEMBER_BYTES ? remember(s, false, err) : SPATE_OK;
}

int sp_store_job_stop(sp_store_sink *s, bool complete, spate_error *err)
{
    return remember(s, complete, err);
}

/* ---- the next run ------------------------------------------------------------------------------------------------ */

static void take_line(sp_store_sink *s, const char *line, uint64_t *length)
{
    unsigned t;
    unsigned long long a, b, rows;
    if (sscanf(line, "length %llu", &a) == 1)
        *length = a;
    if (strncmp(line, "complete\n", 9) == 0)
        s->whole = true;
    if (sscanf(line, "rows %u %llu %llu %llu", &t, &a, &b, &rows) == 4 && t < s->n_tables)
        s->written[t] = (sp_store_written){a, b, rows};
}

static int add_landed(sp_store_sink *s)
{
    int built = SPATE_OK;
    for (uint32_t t = 0; t < s->n_tables && !built; t++) {
        const sp_store_written *w = &s->written[t];
        if (s->whole || w->last)
            built = sp_job_add(&s->memory, s->tables[t]->table, s->whole ? 0 : w->first,
                               s->whole ? UINT64_MAX : w->last, w->rows);
    }
    return built;
}

/* What lies behind the remembered length goes: its rows are in nobody's memory. Of a store that was complete the index may be there. */
static int open_at(sp_store_sink *s, uint64_t length, spate_error *err)
{
    int fd = -1;
    uint64_t size = 0;
    bool got = false;
    s->written_as = s->output.written_as;
    int rc = sp_os_open(s->written_as, SP_OS_OPEN_UPDATE, &fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_lock_byte(fd, SP_LOCK_WRITER, SP_OS_LOCK_ALONE, false, &got, s->written_as, err);
    if (rc == SPATE_OK && !got)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "another process is writing to \"%s\"", s->written_as);
    if (rc == SPATE_OK)
        rc = sp_os_size(fd, s->written_as, &size, err);
    if (rc == SPATE_OK && size < length)
        rc = sp_fail(err, SPATE_E_CORRUPT, "file \"%s\" has lost its end: %llu bytes of %llu are left", s->written_as,
                     (unsigned long long)size, (unsigned long long)length);
    if (rc == SPATE_OK && !s->whole)
        rc = sp_os_truncate(fd, length, s->written_as, err);
    int closed = sp_os_close(&fd, s->written_as, rc == SPATE_OK ? err : NULL);
    rc = rc == SPATE_OK ? closed : rc;
    s->output.remembered = length;
    return rc == SPATE_OK ? sp_store_open(s->written_as, true, &s->store, err) : rc;
}

static int take_text(sp_store_sink *s, const char *line, sp_output_found found, spate_error *err)
{
    uint64_t length = 0;
    s->whole = found == SP_OUTPUT_WHOLE;
    line = strchr(line, '\n') + 1;
    if (!sp_output_is_line(line, "of ", s->memory.of))
        return sp_job_refuse_other(s->memory.job, err);
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
        take_line(s, line, &length);
    if (add_landed(s))
        return sp_fail_nomem(err);
    if (found == SP_OUTPUT_WHOLE || s->base.options.dry_run)
        return SPATE_OK;
    return open_at(s, length, err);
}

int sp_store_job_recall(sp_store_sink *s, spate_error *err)
{
    sp_buf text = {0};
    sp_output_found found = SP_OUTPUT_NEW;
    int rc = sp_output_init(&s->output, &s->arena, s->path, true, err);
    if (rc == SPATE_OK)
        rc = sp_output_recall(&s->output, &found, &text, err);
    if (rc == SPATE_OK && found != SP_OUTPUT_NEW && sp_output_is_line(text.data, "job ", s->memory.job))
        rc = take_text(s, text.data, found, err);
    sp_buf_done(&text);
    s->base.landed = rc == SPATE_OK ? sp_job_landed(&s->memory) : NULL;
    return rc == SPATE_OK && !s->base.landed ? sp_fail_nomem(err) : rc;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

int sp_store_job_forget(sp_sink *sink, spate_error *err)
{
    return sp_output_forget(&((sp_store_sink *)sink)->output, err);
}

int sp_store_job_abandon(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                         spate_error *err)
{
    sp_store_sink *s = (sp_store_sink *)sink;
    sp_buf text = {0};
    sp_output_found found = SP_OUTPUT_NEW;
    int rc = sp_output_init(&s->output, &s->arena, s->path, true, err);
    if (rc == SPATE_OK)
        rc = sp_output_recall(&s->output, &found, &text, err);
    bool ours = rc == SPATE_OK && found != SP_OUTPUT_NEW && sp_output_is_line(text.data, "job ", sink->options.job);
    sp_buf_done(&text);
    if (ours && remove && found == SP_OUTPUT_PARTIAL)
        rc = sp_os_unlink(s->output.written_as, err);
    return ours && rc == SPATE_OK ? sp_output_forget(&s->output, err) : rc;
}
