/* postgres_after.c - what follows the rows of tables that the run has created: indexes, keys, statistics, foreign keys.
 *
 * A table's statements run as soon as it has its rows, while others still get theirs, on connections of their own: at most as many as
 * the run has lanes, and each opened when there is something for it to do.
 *
 *      rows -> INDEX, at once -> KEY -> ANALYZE -> REFER, when its parents have come so far -> VALIDATE
 *
 * What would only wait for a lock of what is running is not begun, so that no connection waits where another table could use it. With a
 * job a statement is remembered in its own transaction; a run that goes on leaves it out. The first failure is the last thing begun. */
#include "endpoint/postgres.h"

#include "os/os.h"

#include <stdio.h>

typedef enum stage {
    INDEX,    /* of keys and others: locks the table against all but its like */
    KEY,      /* made of those indexes */
    ANALYZE,  /* for whoever asks, and for VALIDATE first: that is a join */
    REFER,    /* foreign keys, unchecked: locks the parents as well */
    VALIDATE, /* all of the table in one statement: its lock lets no two be checked at once */
    STAGES,
} stage;

typedef struct task {
    stage stage;
    uint32_t table;
    const char *sql, *what;
    enum { WAITS, RUNS, OVER } state;
} task;

typedef struct table_state {
    bool has_rows;
    uint32_t left[STAGES]; /* tasks that are not over */
    unsigned indexing;     /* INDEX tasks that run */
    bool taken;            /* by another one that runs */
} table_state;

typedef struct builder {
    struct sp_pg_after *all;
    pthread_t thread;
    PGconn *conn; /* NULL: none yet, or none any more */
} builder;

struct sp_pg_after {
    sp_pg_sink *sink;
    task *tasks;
    uint32_t n_tasks, n_over;
    table_state *tables;
    builder builders[16];
    unsigned n_builders, n_idle;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a task is over, a table has its rows, or it stops */
    bool stop;
    bool told;  /* the failure */
    int status; /* of the first failure, which is err's */
    spate_error err;
};

/* ---- which is next (under the lock) ------------------------------------------------------------- */

static bool is_behind(const table_state *t, stage s)
{
    for (stage i = INDEX; i < s; i++)
        if (t->left[i])
            return false;
    return t->has_rows;
}

static bool is_ending(const sp_pg_after *a)
{
    return a->stop || a->status || a->n_over == a->n_tasks;
}

static bool is_free(const table_state *t)
{
    return !t->taken && !t->indexing;
}

/* Whether f holds for every table that the statements of a REFER task name, beside its own. */
static bool parents_can(const sp_pg_after *a, uint32_t table)
{
    const sp_ddl *d = &a->sink->ddl;
    for (uint32_t i = 0; i < d->n; i++) {
        const sp_ddl_statement *s = &d->statements[i];
        const table_state *parent = &a->tables[s->parent];
        bool ours = s->step == SP_DDL_FOREIGN_KEYS && s->table == table && s->parent != table;
        if (ours && !(is_behind(parent, REFER) && is_free(parent)))
            return false;
    }
    return true;
}

static void mark_parents(sp_pg_after *a, uint32_t table, bool taken)
{
    const sp_ddl *d = &a->sink->ddl;
    for (uint32_t i = 0; i < d->n; i++)
        if (d->statements[i].step == SP_DDL_FOREIGN_KEYS && d->statements[i].table == table)
            a->tables[d->statements[i].parent].taken = taken;
}

static bool can_run(const sp_pg_after *a, const task *t)
{
    const table_state *own = &a->tables[t->table];
    if (t->state != WAITS || !is_behind(own, t->stage) || own->taken)
        return false;
    if (t->stage == INDEX)
        return true;
    return !own->indexing && (t->stage != REFER || parents_can(a, t->table));
}

static uint64_t bytes_of(const sp_pg_after *a, uint32_t table)
{
    return __atomic_load_n(&a->sink->base.bytes_written[table], __ATOMIC_RELAXED);
}

/* Short statements before long ones, which others may wait for; then what belongs to the largest table. *ready: how many could run. */
static task *choose(sp_pg_after *a, unsigned *ready)
{
    task *best = NULL;
    *ready = 0;
    for (uint32_t i = 0; i < a->n_tasks; i++) {
        task *t = &a->tasks[i];
        if (!can_run(a, t))
            continue;
        bool brief = t->stage == KEY || t->stage == REFER,
             best_brief = best && (best->stage == KEY || best->stage == REFER);
        ++*ready;
        if (!best || (brief && !best_brief) ||
            (brief == best_brief && bytes_of(a, t->table) > bytes_of(a, best->table)))
            best = t;
    }
    return best;
}

static void *build(void *arg);

static unsigned builders_max(const sp_pg_after *a)
{
    return SP_MIN(SP_MAX(a->sink->base.options.lanes, 1u), (unsigned)SP_COUNT(a->builders));
}

/* As many threads as there are things to do, and lanes. */
static void start_builders(sp_pg_after *a)
{
    unsigned ready, most = builders_max(a);
    if (is_ending(a))
        return;
    choose(a, &ready);
    for (; a->n_builders < most && ready > a->n_idle; ready--) {
        builder *b = &a->builders[a->n_builders];
        b->all = a;
        if (sp_os_thread_start(&b->thread, build, b, NULL) != SPATE_OK)
            return;
        a->n_builders++;
    }
}

static void begin(sp_pg_after *a, task *t)
{
    t->state = RUNS;
    if (t->stage == INDEX)
        a->tables[t->table].indexing++;
    else
        a->tables[t->table].taken = true;
    if (t->stage == REFER)
        mark_parents(a, t->table, true);
}

static void end(sp_pg_after *a, task *t, int status, const spate_error *err)
{
    t->state = OVER;
    a->n_over++;
    a->tables[t->table].left[t->stage]--;
    if (t->stage == INDEX)
        a->tables[t->table].indexing--;
    else
        a->tables[t->table].taken = false;
    if (t->stage == REFER)
        mark_parents(a, t->table, false);
    if (status && !a->status) {
        a->status = status;
        a->err = *err;
    }
    start_builders(a);
    pthread_cond_broadcast(&a->changed);
}

/* NULL: there is none left for this thread. */
static task *take(sp_pg_after *a)
{
    unsigned ready;
    task *t = NULL;
    while (!is_ending(a) && !(t = choose(a, &ready))) {
        a->n_idle++;
        pthread_cond_wait(&a->changed, &a->lock);
        a->n_idle--;
    }
    if (t)
        begin(a, t);
    return t;
}

/* ---- running one -------------------------------------------------------------------------------- */

/* Sorts and hashes may take what the server gives to such work, or a lane's share of a quarter of its buffers: who set those knows
 * how much memory there is. In kB. */
static int set_memory(const sp_pg_after *a, PGconn *conn, spate_error *err)
{
    char sql[400];
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_catalog.set_config(m.name, greatest(m.setting::bigint, least(b.setting::bigint * 8 / 4 / %u, 1048576))::text, false)"
        " FROM pg_catalog.pg_settings m, pg_catalog.pg_settings b WHERE m.name = 'maintenance_work_mem' AND b.name = 'shared_buffers'",
        builders_max(a));
    return sp_pg_run(conn, sql, NULL, err, "setting up the session");
}

/* What was just added unchecked, under the names that the server chose. *sql stays NULL where there is nothing to check. */
static int ask_validation(const sp_pg_table *t, PGconn *conn, sp_buf *sql, spate_error *err)
{
    sp_buf ask = {0};
    PGresult *res = NULL;
    int built =
        sp_buf_printf(&ask,
                      "SELECT string_agg(' VALIDATE CONSTRAINT ' || quote_ident(conname), ',' ORDER BY oid) FROM"
                      " pg_catalog.pg_constraint WHERE contype = 'f' AND NOT convalidated AND conrelid = %u",
                      t->oid);
    int status =
        built ? sp_fail_nomem(err) : sp_pg_run(conn, sp_pg_string(&ask), &res, err, "looking for new foreign keys");
    sp_buf_done(&ask);
    if (status)
        return status;
    if (!sp_pq.getisnull(res, 0, 0) && sp_buf_printf(sql, "ALTER TABLE %s%s", t->quoted, sp_pq.getvalue(res, 0, 0)))
        status = sp_fail_nomem(err);
    sp_pq.clear(res);
    return status;
}

/* One message, and so one transaction, with the memory of it in front: a run that another has taken over comes no further. */
static int run_task(sp_pg_after *a, PGconn *conn, const task *t, spate_error *err)
{
    const sp_job_memory *m = &a->sink->memory;
    sp_buf sql = {0};
    int built = m->job && (sp_job_step_sql(m, t->sql, &sql) || sp_buf_adds(&sql, "; ")), status = SPATE_OK;
    if (t->stage == VALIDATE)
        status = ask_validation(&a->sink->tables[t->table], conn, &sql, err);
    else
        built = built || sp_buf_adds(&sql, t->sql);
    if (built)
        status = sp_fail_nomem(err);
    else if (status == SPATE_OK && sql.len)
        status = sp_pg_run(conn, sp_pg_string(&sql), NULL, err, t->what);
    sp_buf_done(&sql);
    return status && sp_pg_is_fenced(a->sink, err) ? sp_pg_fail_fenced(a->sink, err) : status;
}

/* Kept where a stop finds it. */
static int connect_builder(builder *b, spate_error *err)
{
    PGconn *conn = NULL;
    int status = sp_pg_connect(&b->all->sink->server, true, &conn, err);
    if (status == SPATE_OK)
        status = set_memory(b->all, conn, err);
    pthread_mutex_lock(&b->all->lock);
    b->conn = conn;
    bool stop = b->all->stop;
    pthread_mutex_unlock(&b->all->lock);
    return status == SPATE_OK && stop ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted") : status;
}

static void *build(void *arg)
{
    builder *b = arg;
    sp_pg_after *a = b->all;
    pthread_mutex_lock(&a->lock);
    for (task *t; (t = take(a));) {
        spate_error err = {0};
        pthread_mutex_unlock(&a->lock);
        int status = b->conn ? SPATE_OK : connect_builder(b, &err);
        if (status == SPATE_OK)
            status = run_task(a, b->conn, t, &err);
        pthread_mutex_lock(&a->lock);
        end(a, t, status, &err);
    }
    PGconn *conn = b->conn;
    b->conn = NULL;
    pthread_mutex_unlock(&a->lock);
    if (conn)
        sp_pq.finish(conn);
    return NULL;
}

/* ---- its life --------------------------------------------------------------------------------- */

static const struct {
    sp_ddl_step step;
    stage stage;
} stages[] = {{SP_DDL_INDEXES, INDEX}, {SP_DDL_KEYS, KEY}};

static const char *what_of(sp_pg_sink *s, uint32_t table, const char *what)
{
    return sp_arena_printf(&s->arena, "table \"%s\": %s", s->tables[table].schema->table, what);
}

/* Unless a run before has done it. */
static int add_task(sp_pg_after *a, stage stage, uint32_t table, const char *sql, const char *what)
{
    task t = {stage, table, sql, what ? what_of(a->sink, table, what) : NULL, WAITS};
    if (!t.sql || !t.what)
        return SPATE_E_NOMEM;
    if (a->sink->memory.job && sp_job_has_step(&a->sink->memory, sql))
        return SPATE_OK;
    a->tasks[a->n_tasks++] = t;
    a->tables[table].left[stage]++;
    return SPATE_OK;
}

/* A table's foreign keys together, each NOT VALID. */
static int add_references(sp_pg_after *a, uint32_t table)
{
    sp_pg_sink *s = a->sink;
    const char *what = NULL;
    sp_buf sql = {0};
    uint32_t n = 0;
    int built = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && !built; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        if (d->step != SP_DDL_FOREIGN_KEYS || d->table != table)
            continue;
        built = sp_buf_printf(&sql, "%s%s NOT VALID", n ? "; " : "", d->sql);
        what = n++ ? "adding its foreign keys" : d->what;
    }
    if (n && !built)
        built = add_task(a, REFER, table, sp_arena_strndup(&s->arena, sql.data, sql.len), what) ||
                add_task(a, VALIDATE, table, sp_arena_printf(&s->arena, "VALIDATE %s", s->tables[table].quoted),
                         "checking its foreign keys");
    sp_buf_done(&sql);
    return built;
}

static int add_tasks(sp_pg_after *a)
{
    sp_pg_sink *s = a->sink;
    int built = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && !built; i++)
        for (size_t k = 0; k < SP_COUNT(stages) && !built && !s->base.options.indexes_before; k++)
            if (s->ddl.statements[i].step == stages[k].step)
                built = add_task(a, stages[k].stage, s->ddl.statements[i].table, s->ddl.statements[i].sql,
                                 s->ddl.statements[i].what);
    for (uint32_t i = 0; i < s->n_tables && !built; i++)
        built = add_task(a, ANALYZE, i, sp_arena_printf(&s->arena, "ANALYZE %s", s->tables[i].quoted), "analysing") ||
                add_references(a, i);
    return built;
}

int sp_pg_after_plan(sp_pg_sink *s, spate_error *err)
{
    if (!s->base.options.create || s->memory.complete)
        return SPATE_OK;
    sp_pg_after *a = sp_arena_alloc(&s->arena, 1, sizeof(*a));
    if (!a)
        return sp_fail_nomem(err);
    *a = (sp_pg_after){.sink = s};
    a->tables = sp_arena_alloc(&s->arena, s->n_tables, sizeof(*a->tables));
    a->tasks = sp_arena_alloc(&s->arena, s->ddl.n + 3 * s->n_tables + 1, sizeof(*a->tasks));
    if (!a->tables || !a->tasks || add_tasks(a))
        return sp_fail_nomem(err);
    pthread_mutex_init(&a->lock, NULL);
    sp_os_cond_init(&a->changed);
    s->after = a;
    s->base.builds_meanwhile = true;
    return SPATE_OK;
}

int sp_pg_table_done(sp_sink *sink, uint32_t table, spate_error *err)
{
    sp_pg_after *a = ((sp_pg_sink *)sink)->after;
    if (!a)
        return SPATE_OK;
    pthread_mutex_lock(&a->lock);
    a->tables[table].has_rows = true;
    start_builders(a);
    pthread_cond_broadcast(&a->changed);
    int status = a->status;
    a->told = status != SPATE_OK;
    if (status && err)
        *err = a->err;
    pthread_mutex_unlock(&a->lock);
    return status;
}

/* Asks the server to give up what it is doing for us. */
static void cancel(const builder *b)
{
    char ignored[256];
    PGcancel *c = b->conn ? sp_pq.get_cancel(b->conn) : NULL;
    if (!c)
        return;
    (void)!sp_pq.cancel(c, ignored, sizeof(ignored));
    sp_pq.free_cancel(c);
}

static void wait_a_little(sp_pg_after *a)
{
    enum { A_LITTLE_US = 100000 };
    (void)sp_os_cond_wait_until(&a->changed, &a->lock, sp_os_monotonic_us() + A_LITTLE_US);
}

/* Again and again: a statement may have been sent just behind the word to cancel it. */
static void stop_builders(sp_pg_after *a)
{
    a->stop = true;
    pthread_cond_broadcast(&a->changed);
    for (unsigned connected = 1; connected;) {
        connected = 0;
        for (unsigned i = 0; i < a->n_builders; i++) {
            connected += a->builders[i].conn != NULL;
            cancel(&a->builders[i]);
        }
        if (connected)
            wait_a_little(a);
    }
}

int sp_pg_after_end(sp_pg_sink *s, bool complete, spate_error *err)
{
    sp_pg_after *a = s->after;
    if (!a)
        return SPATE_OK;
    const int *cancelled = s->base.options.cancel;
    builder own = {.all = a};
    pthread_mutex_lock(&a->lock);
    for (uint32_t t = 0; t < s->n_tables && complete; t++)
        a->tables[t].has_rows = true; /* whether or not table_done, which is optional, was called */
    start_builders(a);
    bool alone = complete && a->n_builders == 0;
    while (complete && !alone && !is_ending(a) && !(cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED)))
        wait_a_little(a);
    bool given_up = !complete || (!alone && !is_ending(a));
    if (given_up)
        stop_builders(a);
    pthread_mutex_unlock(&a->lock);
    if (alone)
        build(&own);
    for (unsigned i = 0; i < a->n_builders; i++)
        pthread_join(a->builders[i].thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    s->after = NULL;
    if (complete && given_up)
        return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
    if (!complete || !a->status || a->told)
        return SPATE_OK;
    if (err)
        *err = a->err;
    return a->status;
}

int sp_pg_end_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && status == SPATE_OK; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        const char *what = d->step == SP_DDL_END ? what_of(s, d->table, d->what) : "";
        if (d->step == SP_DDL_END)
            status = what ? sp_pg_run(conn, d->sql, NULL, err, what) : sp_fail_nomem(err);
    }
    return status;
}
