/* job_source.c - whether the source of a job still is what it was when rows of it landed.
 *
 * For each table that is read, not made, the ledger has a mark: of a file, its size and times; of anything else what the source says of
 * itself. A run looks at the marks when it knows what has landed before, and writes them down before it moves anything: what lands
 * from then on is of the moment of its marks, and what had landed has been found to be. */
#include "job/job.h"

#include "os/os.h"

static const char *const beside[] = {"", "-wal", ".wal"}; /* where databases put what has not come into the file yet */

static int mark_of_file(const char *path, sp_buf *text, spate_error *err)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < SP_COUNT(beside) && rc == SPATE_OK; i++) {
        char *file = NULL;
        sp_buf name = {0};
        uint64_t size = 0;
        int64_t modified = 0;
        rc = sp_buf_adds(&name, path) || sp_buf_adds(&name, beside[i]) || sp_buf_add(&name, "", 1) ? sp_fail_nomem(err)
                                                                                                   : SPATE_OK;
        file = name.data;
        if (rc == SPATE_OK)
            rc = sp_os_stamp(file, &size, &modified, err);
        if (rc == SPATE_OK &&
            sp_buf_printf(text, "%s%llu %lld", i ? ", " : "", (unsigned long long)size, (long long)modified))
            rc = sp_fail_nomem(err);
        sp_buf_done(&name);
    }
    return rc == SPATE_OK && sp_buf_add(text, "", 1) ? sp_fail_nomem(err) : rc;
}

static int mark_of(sp_source *s, uint32_t table, sp_buf *text, spate_error *err)
{
    const char *file = s->extents[table].file;
    text->len = 0;
    if (file)
        return mark_of_file(file, text, err);
    return s->ops->mark ? s->ops->mark(s, table, text, err) : sp_source_refuse_job(s, err);
}

static int compare(sp_source *s, uint32_t table, const char *then, const char *now, const sp_landed *landed,
                   spate_error *err)
{
    const char *file = s->extents[table].file;
    if (!file)
        return s->ops->unchanged(s, table, then, landed, err);
    if (strcmp(then, now) == 0)
        return SPATE_OK;
    sp_fail(err, SPATE_E_DATA, "\"%s\" has changed since rows of it were copied", file);
    sp_error_hint(err, "what has landed and what is left are of two files: cancel the job, and copy anew");
    return SPATE_E_DATA;
}

static int refuse_unknown(const sp_source *s, uint32_t table, spate_error *err)
{
    sp_fail(err, SPATE_E_USAGE, "rows of table \"%s\" have landed, and nothing here tells whether it has changed since",
            s->tables[table]->table);
    sp_error_hint(err, "--ledger names the folder that the job is listed in; or cancel it, and copy anew");
    return SPATE_E_USAGE;
}

static int check_table(sp_job *j, sp_source *s, uint32_t table, const sp_landed *landed, sp_buf *then, sp_buf *now,
                       spate_error *err)
{
    const char *name = s->tables[table]->table;
    bool known = false;
    int rc = mark_of(s, table, now, err);
    if (rc == SPATE_OK && j)
        rc = sp_job_recall_mark(j, name, then, &known, err);
    if (rc == SPATE_OK && landed->n && !known)
        rc = refuse_unknown(s, table, err);
    if (rc == SPATE_OK && landed->n)
        rc = compare(s, table, then->data, now->data, landed, err);
    return rc == SPATE_OK && j ? sp_job_remember_mark(j, name, now->data, err) : rc;
}

/* Nothing of it is read any more: the target says that the table is done, not how many rows it had. */
static bool is_whole(const sp_landed *landed)
{
    return landed->n == 1 && landed->ranges[0].first == 0 && landed->ranges[0].last == UINT64_MAX;
}

/* Rows that were rejected are in the source all the same. */
int sp_job_check_source(sp_job *j, sp_source *s, const sp_sink *sink, sp_rejects *rejects, spate_error *err)
{
    sp_buf then = {0}, now = {0};
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < s->n_tables && rc == SPATE_OK; t++) {
        sp_landed landed = sink->landed ? sink->landed[t] : (sp_landed){0};
        landed.rows += rejects ? sp_rejects_of(rejects, t) : 0;
        if (!s->extents[t].constant && !is_whole(&landed))
            rc = check_table(j, s, t, &landed, &then, &now, err);
    }
    sp_buf_done(&then);
    sp_buf_done(&now);
    return rc == SPATE_OK && j ? sp_job_sync(j, err) : rc;
}
