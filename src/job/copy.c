/* copy.c - spate_copy: binds a source, a sink and the flow between them, and reads the target again to compare both.
 *
 * What has no types of its own, such as a CSV file, is read as the target's columns are: so the target is looked at first, as a
 * source, where it can be one. */
#include "spate/copy.h"

#include "endpoint/ddl.h"
#include "job/copyplan.h"
#include "job/move.h"
#include "job/sum.h"
#include "os/os.h"

typedef struct copy {
    const spate_copy_options *options;
    sp_move move;
    spate_copy_report *report;
    sp_catalog catalog; /* of the source, when tables are created */
    bool described;
    const char *job, *job_of; /* NULL: none */
    sp_cast *casts;
} copy;

/* ---- opening ---- */

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

/* Tables of a database may hold rows already; other files are new, or replaced. */
static bool may_hold_rows(const char *scheme)
{
    static const char *const replaced[] = {"csv", "ndjson", "arrow", "parquet", "sql", "dir", "-", NULL};
    return !is_one_of(scheme, replaced);
}

static bool is_new_file(const sp_uri *to)
{
    static const char *const databases[] = {"spate", "duckdb", "sqlite", NULL};
    return is_one_of(to->scheme, databases) && !sp_os_exists(to->path);
}

static int check_options(const spate_copy_options *o, const sp_uri *to, spate_error *err)
{
    int rc = sp_move_check_workers(o->workers, err);
    if (rc != SPATE_OK)
        return rc;
    if (o->verify != SPATE_VERIFY_NONE && !o->create && !o->truncate && may_hold_rows(to->scheme) &&
        !is_new_file(to))
        return sp_fail(
            err, SPATE_E_USAGE,
            "rows that were there before cannot be told from those that came: verify needs tables that were created or emptied");
    if (o->append && (o->create || o->truncate || !may_hold_rows(to->scheme)))
        return sp_fail(err, SPATE_E_USAGE,
                       o->create || o->truncate ? "append goes with neither create nor truncate"
                                                : "a file is new, or replaced: it cannot be appended to");
    if (!o->create && (o->n_casts || o->indexes_before))
        return sp_fail(err, SPATE_E_USAGE, "%s of tables that are created",
                       o->n_casts ? "a cast is for columns" : "indexes before the rows are those");
    if (o->verify != SPATE_VERIFY_NONE && strcmp(o->from, "-") == 0)
        return sp_fail(err, SPATE_E_USAGE, "standard input cannot be read again to be verified");
    if (o->max_rejects && !o->rejects)
        return sp_fail(err, SPATE_E_USAGE, "a number of rejected rows means nothing where the first one ends the copy");
    return SPATE_OK;
}

/* table.column=TYPE; a table's name may have a dot in it. */
static int read_casts(copy *c, spate_error *err)
{
    const spate_copy_options *o = c->options;
    c->casts = sp_arena_alloc(c->move.arena, o->n_casts + 1, sizeof(*c->casts));
    if (!c->casts)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < o->n_casts; i++) {
        const char *text = o->casts[i], *equals = strchr(text, '=');
        const char *dot = equals ? memrchr(text, '.', (size_t)(equals - text)) : NULL;
        if (!dot || dot == text || dot + 1 == equals || !equals[1])
            return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no cast: it is written table.column=TYPE", text);
        c->casts[i] = (sp_cast){sp_arena_strndup(c->move.arena, text, (size_t)(dot - text)),
                                sp_arena_strndup(c->move.arena, dot + 1, (size_t)(equals - dot) - 1), equals + 1};
        if (!c->casts[i].table || !c->casts[i].column)
            return sp_fail_nomem(err);
    }
    return SPATE_OK;
}

/* What there is to know of the tables, when they are to be made again. */
static int describe_source(copy *c, spate_error *err)
{
    if (!c->options->create || !sp_is_described(c->options->from))
        return SPATE_OK;
    c->described = true;
    return sp_describe(c->options->from, &(sp_describe_options){0}, c->move.arena, &c->catalog, err);
}

/* The target as a source, for the types of its tables. NULL: it is to be made, is not there yet, or cannot be read. */
static sp_source *look_at_target(const copy *c)
{
    spate_error ignored;
    sp_source_options options = {.readers = 1};
    sp_source *s = NULL;
    if (c->options->create || c->move.report->to_stdout ||
        sp_source_open(c->options->to, &options, &s, &ignored) != SPATE_OK)
        return NULL;
    return s;
}

static int open_source(copy *c, spate_error *err)
{
    const spate_copy_options *o = c->options;
    sp_source *like = look_at_target(c);
    sp_source_options options = {
        .tables = o->tables,
        .n_tables = (uint32_t)o->n_tables,
        .columns = o->columns,
        .n_columns = (uint32_t)o->n_columns,
        .wheres = o->where ? &o->where : NULL,
        .like = like ? like->tables : NULL,
        .n_like = like ? like->n_tables : 0,
        .casts = c->casts,
        .n_casts = (uint32_t)o->n_casts,
        .readers = sp_move_workers(o->workers),
        .job = c->job != NULL,
        .emptied = o->truncate ? o->to : NULL,
    };
    int rc = sp_source_open(o->from, &options, &c->move.source, err);
    sp_source_close(like);
    if (rc == SPATE_OK && c->move.source->n_tables == 0)
        return sp_fail(err, SPATE_E_USAGE, "there is no table in %s", c->move.source->shown);
    return rc;
}

static int open_target(copy *c, spate_error *err)
{
    const spate_copy_options *o = c->options;
    sp_sink_options options = {
        .mode = sp_move_mode(o->insert_mode),
        .create = o->create,
        .catalog = c->described ? &c->catalog : NULL,
        .indexes_before = o->indexes_before,
        .truncate = o->truncate,
        .defer_constraints = o->defer_constraints,
        .rejects = o->rejects,
        .batch_rows = o->batch_rows,
        .parts = 1,
        .lanes = sp_move_workers(o->workers),
        .dry_run = o->dry_run,
        .cancel = o->cancel,
        .job = c->job,
        .job_of = c->job_of,
    };
    return sp_move_open_target(&c->move, o->to, &options, err);
}

/* Rows out of a file of rejected rows are not rejected into it. */
static int open_rejects(copy *c, spate_error *err)
{
    const spate_copy_options *o = c->options;
    sp_uri from;
    if (!o->rejects || o->dry_run)
        return SPATE_OK;
    int rc = sp_uri_parse(o->from, c->move.arena, &from, err);
    if (rc == SPATE_OK && strcmp(from.scheme, "rejects") == 0 && strcmp(from.path, o->rejects) == 0)
        return sp_fail(err, SPATE_E_USAGE,
                       "\"%s\" is where the rows come from: name another file for those that are rejected again",
                       o->rejects);
    return rc == SPATE_OK ? sp_rejects_open(o->rejects, o->max_rejects ? *o->max_rejects : UINT64_MAX, c->job,
                                            &c->move.rejects, err)
                          : rc;
}

static char *kept(const copy *c, const char *text)
{
    return sp_arena_strndup(c->move.arena, text, strlen(text));
}

/* What the report says of source and target, while they are there. */
static int tell_travel(copy *c, spate_error *err)
{
    const sp_source *s = c->move.source;
    const sp_ddl *ddl = c->options->create ? c->move.sink->ddl : NULL;
    uint32_t n = c->options->create ? s->n_notes : 0, n_ddl = ddl ? ddl->n_notes : 0;
    char **notes = sp_arena_alloc(c->move.arena, n + n_ddl + 1, sizeof(*notes));
    if (!notes)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n + n_ddl; i++)
        if (!(notes[i] = kept(c, i < n ? s->notes[i] : ddl->notes[i - n])))
            return sp_fail_nomem(err);
    if (c->described && !ddl) { /* a target that makes tables without statements of ddl.h */
        notes[n] = kept(c, "defaults, checks, indexes, sequences and comments: the target gets columns and keys");
        if (!notes[n++])
            return sp_fail_nomem(err);
    }
    c->report->notes = (const char *const *)notes;
    c->report->n_notes = n + n_ddl;
    return c->options->dry_run ? sp_copy_plan(&c->move, ddl, c->report, err) : SPATE_OK;
}

static int tell_source(copy *c, spate_error *err)
{
    c->report->source = kept(c, c->move.source->shown);
    return c->report->source ? SPATE_OK : sp_fail_nomem(err);
}

static int want_sums(copy *c, spate_error *err)
{
    if (c->options->verify != SPATE_VERIFY_CHECKSUM)
        return SPATE_OK;
    c->move.sums = sp_arena_alloc(c->move.arena, c->move.source->n_tables + 1, sizeof(*c->move.sums));
    return c->move.sums ? SPATE_OK : sp_fail_nomem(err);
}

/* ---- verifying ---- */

/* Reads all of a source, but for what cannot be read where rows may be rejected. as: whose fields to sum up. */
static int sum_up(const copy *c, sp_source *s, const sp_schema *const *as, sp_sum *sums, spate_error *err)
{
    bool cells = c->options->verify == SPATE_VERIFY_CHECKSUM;
    sp_sink *sink;
    sp_rejects *passed = NULL;
    sp_flow_table *tables = sp_arena_alloc(c->move.arena, s->n_tables + 1, sizeof(*tables));
    if (!tables)
        return sp_fail_nomem(err);
    int rc = sp_sum_sink_open(as, s->n_tables, cells, sums, &sink, err);
    if (rc != SPATE_OK)
        return rc;
    if (c->move.rejects)
        rc = sp_rejects_open(NULL, UINT64_MAX, NULL, &passed, err);
    sp_flow_options options = {
        .workers = sp_move_workers(c->options->workers), .parts = 1, .rejects = passed, .cancel = c->options->cancel};
    if (rc == SPATE_OK)
        rc = sp_flow_run(s, sink, &options, tables, err);
    sp_rejects_close(passed);
    sp_sink_close(sink);
    return rc;
}

/* The source's schemas in the order of the target's tables, and where each stands in the source. */
static int match_tables(const copy *c, const sp_source *target, const sp_schema **as, uint32_t *from, spate_error *err)
{
    const sp_source *s = c->move.source;
    for (uint32_t t = 0; t < target->n_tables; t++) {
        const char *there = target->tables[t]->table;
        uint32_t i = 0;
        while (i < s->n_tables && strcmp(s->tables[i]->table, there) != 0)
            i++;
        for (uint32_t k = 0; k < s->n_tables && i == s->n_tables; k++) /* its schema may go without saying only there */
            i = sp_names_table(s->tables[k]->table, target->home, there) ? k : i;
        if (i == s->n_tables)
            return sp_fail(err, SPATE_E_BUG, "table \"%s\" was read back, but not copied", there);
        as[t] = s->tables[i];
        from[t] = i;
    }
    return SPATE_OK;
}

static int leave_out(copy *c, sp_source *rejected, sp_sum *here, spate_error *err)
{
    uint32_t n = rejected->n_tables;
    const sp_schema **as = sp_arena_alloc(c->move.arena, n + 1, sizeof(*as));
    uint32_t *from = sp_arena_alloc(c->move.arena, n + 1, sizeof(*from));
    sp_sum *sums = sp_arena_alloc(c->move.arena, n + 1, sizeof(*sums));
    if (!as || !from || !sums)
        return sp_fail_nomem(err);
    int rc = match_tables(c, rejected, as, from, err);
    if (rc == SPATE_OK)
        rc = sum_up(c, rejected, as, sums, err);
    for (uint32_t t = 0; t < n && rc == SPATE_OK; t++) {
        here[from[t]].rows -= sums[t].rows;
        here[from[t]].checksum -= sums[t].checksum;
    }
    return rc;
}

/* What the source has and the target has not, because it was rejected; rows that nobody could read are in neither sum. */
static int leave_rejected_out(copy *c, sp_sum *here, spate_error *err)
{
    const sp_source *s = c->move.source;
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_tables; i++)
        n += c->move.report->tables[i].rejected;
    if (n == 0)
        return SPATE_OK;
    const char *uri = sp_arena_printf(c->move.arena, "rejects:%s", c->options->rejects);
    sp_source_options options = {
        .like = s->tables, .n_like = s->n_tables, .readers = sp_move_workers(c->options->workers)};
    sp_source *rejected = NULL;
    int rc = uri ? sp_source_open(uri, &options, &rejected, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = leave_out(c, rejected, here, err);
    sp_source_close(rejected);
    return rc;
}

/* How many rows the source itself says that the table has. False in *known: it does not say. */
static int own_count(const copy *c, uint32_t t, uint64_t *rows, bool *known, spate_error *err)
{
    sp_source *s = c->move.source;
    *rows = s->tables[t]->rows;
    *known = *rows != UINT64_MAX || s->ops->count;
    return *rows == UINT64_MAX && *known ? s->ops->count(s, t, rows, err) : SPATE_OK;
}

/* The rows as they passed, where all of them were summed up then, and the source's own word for how many there are: what its readers
 * had left out would be missing. False in *known: it has to be read again, for it does not count, or a run before has read some rows,
 * or some were rejected. */
static int sum_of_passed(const copy *c, sp_sum *here, bool *known, spate_error *err)
{
    int rc = SPATE_OK;
    *known = true;
    for (uint32_t t = 0; t < c->move.source->n_tables && rc == SPATE_OK && *known; t++) {
        const spate_table_progress *done = &c->move.report->tables[t];
        *known = c->move.sums[t].rows == done->rows_done && done->rejected == 0;
        here[t].checksum = c->move.sums[t].checksum;
        if (*known)
            rc = own_count(c, t, &here[t].rows, known, err);
    }
    return rc;
}

static int sum_of_source(copy *c, sp_sum *here, spate_error *err)
{
    bool known;
    int rc = sum_of_passed(c, here, &known, err);
    if (rc != SPATE_OK || known)
        return rc;
    rc = sum_up(c, c->move.source, c->move.source->tables, here, err);
    return rc == SPATE_OK ? leave_rejected_out(c, here, err) : rc;
}

static int compare(copy *c, const sp_source *target, const uint32_t *from, const sp_sum *there, spate_error *err)
{
    const sp_source *s = c->move.source;
    uint32_t different = 0, first = 0;
    spate_verified *v = sp_arena_alloc(c->move.arena, s->n_tables + 1, sizeof(*v));
    sp_sum *here = sp_arena_alloc(c->move.arena, s->n_tables + 1, sizeof(*here));
    if (!v || !here)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < s->n_tables; i++)
        here[i].rows = c->move.report->tables[i].rows_done;
    int rc = c->options->verify == SPATE_VERIFY_CHECKSUM ? sum_of_source(c, here, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "reading %s again", s->shown);
    for (uint32_t t = 0; t < target->n_tables; t++) {
        uint32_t i = from[t];
        v[i] = (spate_verified){c->move.report->tables[i].name,
                                here[i].rows,
                                there[t].rows,
                                here[i].checksum,
                                there[t].checksum,
                                here[i].rows == there[t].rows && here[i].checksum == there[t].checksum};
        first = v[i].same || different++ ? first : i;
    }
    c->report->verified = v;
    c->report->n_verified = s->n_tables;
    if (different)
        return sp_fail(
            err, SPATE_E_DATA, "%u of %u tables differ, first \"%s\": %llu rows were copied, %llu are there%s",
            different, s->n_tables, v[first].name, (unsigned long long)v[first].rows_from,
            (unsigned long long)v[first].rows_to, v[first].rows_from == v[first].rows_to ? ", with other values" : "");
    return SPATE_OK;
}

static int verify_with(copy *c, sp_source *target, spate_error *err)
{
    uint32_t n = target->n_tables;
    const sp_schema **as = sp_arena_alloc(c->move.arena, n + 1, sizeof(*as));
    uint32_t *from = sp_arena_alloc(c->move.arena, n + 1, sizeof(*from));
    sp_sum *there = sp_arena_alloc(c->move.arena, n + 1, sizeof(*there));
    if (!as || !from || !there)
        return sp_fail_nomem(err);
    int rc = match_tables(c, target, as, from, err);
    if (rc == SPATE_OK)
        rc = sum_up(c, target, as, there, err);
    return rc == SPATE_OK ? compare(c, target, from, there, err) : rc;
}

/* The target's tables are read with the source's eyes: what has no types of its own is taken for what was copied into it. */
static int verify(copy *c, spate_error *err)
{
    const sp_source *s = c->move.source;
    const char **names = sp_arena_alloc(c->move.arena, s->n_tables + 1, sizeof(*names));
    sp_source *target = NULL;
    if (!names)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < s->n_tables; i++)
        names[i] = s->tables[i]->table;
    sp_sink_close(c->move.sink); /* it lets its files go */
    c->move.sink = NULL;
    sp_source_options options = {.tables = names,
                                 .n_tables = s->n_tables,
                                 .like = s->tables,
                                 .n_like = s->n_tables,
                                 .called = s->n_tables == 1 ? names[0] : NULL,
                                 .readers = sp_move_workers(c->options->workers)};
    int rc = sp_source_open(c->options->to, &options, &target, err);
    if (rc == SPATE_OK)
        rc = verify_with(c, target, err);
    sp_source_close(target);
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "verifying");
}

/* A source that knows how many rows it has must have given as many. */
static int check_rows(const copy *c, spate_error *err)
{
    const sp_source *s = c->move.source;
    for (uint32_t t = 0; t < s->n_tables && !c->options->dry_run; t++) {
        uint64_t rows = s->tables[t]->rows,
                 done = c->move.report->tables[t].rows_done + c->move.report->tables[t].rejected;
        if (rows != UINT64_MAX && rows != done)
            return sp_fail(err, SPATE_E_BUG, "table \"%s\" has %llu rows, but %llu were copied or rejected",
                           s->tables[t]->table, (unsigned long long)rows, (unsigned long long)done);
    }
    return SPATE_OK;
}

/* ---- the call ---- */

/* Whoever prints the report must know whether standard output is taken, even if the run comes no further. */
static int look_at_uri(copy *c, sp_uri *to, spate_error *err)
{
    int rc = sp_uri_parse(c->options->to, c->move.arena, to, err);
    if (rc == SPATE_OK)
        c->move.report->to_stdout = strcmp(to->scheme, "-") == 0;
    return rc;
}

/* Where rows come from, and which of them are copied. */
static int name_job(copy *c, spate_error *err)
{
    const spate_copy_options *o = c->options;
    if (!o->job)
        return SPATE_OK;
    const char *from = sp_uri_place(o->from, c->move.arena);
    if (!from)
        return sp_fail_nomem(err);
    uint64_t digest = sp_hash64(from, strlen(from) + 1, o->n_tables);
    for (size_t i = 0; i < o->n_tables; i++)
        digest = sp_hash64(o->tables[i], strlen(o->tables[i]) + 1, digest);
    for (size_t i = 0; i < o->n_columns; i++)
        digest = sp_hash64(o->columns[i], strlen(o->columns[i]) + 1, digest + 1);
    digest = o->where ? sp_hash64(o->where, strlen(o->where) + 1, digest + 2) : digest;
    return sp_job_name(c->move.arena, o->job, digest, o->to, &c->job, &c->job_of, err);
}

static sp_job_run run_of(const copy *c)
{
    const spate_copy_options *o = c->options;
    return (sp_job_run){.folder = o->dry_run ? NULL : o->jobs,
                        .name = c->job,
                        .of = c->job_of,
                        .kind = "copy",
                        .source = o->from,
                        .to = o->to,
                        .words = o->command,
                        .n_words = o->n_command};
}

static int copy_rows(copy *c, spate_error *err)
{
    int rc = c->options->truncate ? sp_refuse_itself(c->options->from, c->options->to, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = describe_source(c, err);
    if (rc == SPATE_OK)
        rc = open_source(c, err);
    if (rc == SPATE_OK)
        rc = tell_source(c, err);
    if (rc == SPATE_OK)
        rc = want_sums(c, err);
    if (rc == SPATE_OK)
        rc = open_target(c, err);
    if (rc == SPATE_OK)
        rc = open_rejects(c, err);
    if (rc == SPATE_OK) {
        rc = sp_move_rows(&c->move, err);
        c->report->moved.job = c->options->dry_run ? NULL : c->job;
        int told = tell_travel(c, rc == SPATE_OK ? err : NULL);
        rc = rc == SPATE_OK ? told : rc;
    }
    if (rc == SPATE_OK)
        rc = check_rows(c, err);
    if (rc == SPATE_OK && c->options->verify != SPATE_VERIFY_NONE && !c->options->dry_run)
        rc = verify(c, err);
    return rc;
}

static int run(copy *c, spate_error *err)
{
    sp_uri to;
    bool done = false;
    int rc = look_at_uri(c, &to, err);
    if (rc == SPATE_OK)
        rc = check_options(c->options, &to, err);
    if (rc == SPATE_OK)
        rc = read_casts(c, err);
    if (rc == SPATE_OK)
        rc = name_job(c, err);
    sp_job_run job = run_of(c);
    if (rc == SPATE_OK)
        rc = sp_move_enter(&c->move, &job, &done, err);
    if (rc == SPATE_OK && !done)
        rc = copy_rows(c, err);
    return sp_move_leave(&c->move, &job, rc, err);
}

int spate_copy(const spate_copy_options *options, spate_copy_report *report, spate_error *err)
{
    *report = (spate_copy_report){0};
    sp_arena *arena = sp_alloc_zero(1, sizeof(*arena));
    if (!arena)
        return sp_fail_nomem(err);
    report->moved.memory = arena;
    copy c = {.options = options, .report = report};
    c.move = (sp_move){.arena = arena,
                       .report = &report->moved,
                       .workers = options->workers,
                       .cancel = options->cancel,
                       .rate_rows = options->rate_rows,
                       .rate_bytes = options->rate_bytes,
                       .progress = options->progress,
                       .arg = options->arg};
    int rc = run(&c, err);
    sp_move_done(&c.move);
    return rc;
}

void spate_copy_report_done(spate_copy_report *report)
{
    spate_generate_report_done(&report->moved);
    *report = (spate_copy_report){0};
}
