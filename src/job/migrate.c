/* migrate.c - spate_migrate_*: binds two trees, a ledger and the passes over them; and what a person wants to see of a plan. */
#include "spate/migrate.h"

#include "os/os.h"
#include "tree/engine.h"

#include <stdio.h>
#include <stdlib.h>

struct spate_migrate {
    spate_migrate_options options;
    sp_engine engine;
    bool resumed;
    uint64_t deleted;
    int64_t start_us;
    const char *phase;
    pthread_t ticker;
    pthread_mutex_t tick_lock;
    pthread_cond_t tick_stop;
    bool ticking;
};

const char *spate_migrate_outcome_name(spate_migrate_outcome outcome)
{
    static const char *const names[] = {"same",     "missing",  "differs", "skipped",
                                        "conflict", "excluded", "failed",  "extra"};
    return (unsigned)outcome < SP_COUNT(names) ? names[outcome] : "unknown";
}

/* ---- opening ---- */

static int read_filter(spate_migrate *m, spate_error *err)
{
    sp_filter *f = &m->engine.filter;
    const spate_migrate_options *o = &m->options;
    int rc = SPATE_OK;
    for (size_t i = 0; i < o->n_patterns && rc == SPATE_OK; i++)
        rc = o->patterns[i].is_file ? sp_filter_add_file(f, o->patterns[i].text, err)
                                    : sp_filter_add(f, o->patterns[i].text, o->patterns[i].include, err);
    f->size_min = o->size_min;
    f->size_max = o->size_max ? o->size_max : UINT64_MAX;
    f->modified_from_ns = o->modified_from_ns ? o->modified_from_ns : INT64_MIN;
    f->modified_to_ns = o->modified_to_ns ? o->modified_to_ns : INT64_MAX;
    return rc;
}

/* What makes a plan: with other settings the ledger's would be another one. Ages are moments by now, and kept from the first run. */
static int settings_of(const spate_migrate *m, sp_buf *text)
{
    const spate_migrate_options *o = &m->options;
    int rc = sp_buf_printf(text, "conflict %d owner %d attributes %d size %llu %llu age %d %d", o->conflict,
                           !o->no_owner, !o->no_attributes, (unsigned long long)o->size_min,
                           (unsigned long long)o->size_max, o->modified_from_ns != 0, o->modified_to_ns != 0);
    const sp_filter *f = &m->engine.filter;
    for (size_t i = 0; i < f->n_patterns && rc == SPATE_OK; i++)
        rc = sp_buf_printf(text, "\n%s%s", f->patterns[i].takes_back ? "!" : "", f->patterns[i].reason);
    return rc == SPATE_OK ? sp_buf_add(text, "", 1) : rc;
}

/* 0: the ledger says the same, or nothing yet and now it does; 1: something else. */
static int agree(spate_ledger *l, const char *key, const char *value, spate_error *err)
{
    size_t cap = strlen(value) + 2;
    char *known = sp_alloc(cap);
    if (!known)
        return sp_fail_nomem(err);
    int64_t len = spate_ledger_recall(l, key, known, cap);
    int rc = len < 0 ? spate_ledger_remember(l, key, value, err) : strcmp(known, value) != 0;
    sp_free(known);
    return rc;
}

static int check_ledger(spate_migrate *m, spate_error *err)
{
    spate_ledger *l = m->engine.ledger;
    sp_buf settings;
    sp_buf_init(&settings);
    int rc = settings_of(m, &settings) ? sp_fail_nomem(err) : SPATE_OK;
    const char *const facts[][2] = {
        {"source", m->engine.src->shown}, {"destination", m->engine.dst->shown}, {"settings", settings.data}};
    for (size_t i = 0; i < SP_COUNT(facts) && rc == SPATE_OK; i++) {
        rc = agree(l, facts[i][0], facts[i][1], err);
        if (rc > 0) {
            rc = sp_fail(err, SPATE_E_USAGE, "the ledger \"%s\" is of a migration with another %s",
                         spate_ledger_path(l), i == 2 ? "filter or policy" : facts[i][0]);
            sp_error_hint(err, "--fresh forgets what it has; --ledger names another one");
        }
    }
    sp_buf_done(&settings);
    return rc;
}

static int keep_moment(spate_ledger *l, const char *key, int64_t none, int64_t *ns, spate_error *err)
{
    char text[32];
    if (*ns == none)
        return SPATE_OK;
    if (spate_ledger_recall(l, key, text, sizeof text) > 0) {
        *ns = strtoll(text, NULL, 10);
        return SPATE_OK;
    }
    snprintf(text, sizeof text, "%lld", (long long)*ns);
    return spate_ledger_remember(l, key, text, err);
}

static int forget_ledger(const char *path, spate_error *err)
{
    char file[4200];
    static const char *const ends[] = {"", ".wal", ".journal", ".journal.new"};
    int rc = SPATE_OK;
    for (size_t i = 0; i < SP_COUNT(ends) && rc == SPATE_OK; i++) {
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        rc = sp_os_unlink(file, err);
    }
    return rc;
}

static bool phase_is(spate_migrate *m, const char *phase)
{
    char text[32] = "";
    return spate_ledger_recall(m->engine.ledger, "phase", text, sizeof text) >= 0 && strcmp(text, phase) == 0;
}

/* Both roots; that of a destination which is there need not be made. */
static int seed(spate_migrate *m, spate_error *err)
{
    const spate_node root = {.type = SPATE_FOLDER};
    bool there = m->engine.dst->exists;
    int rc = spate_ledger_seed(m->engine.ledger, &root, there ? &root : NULL, err);
    if (rc != SPATE_OK || !there)
        return rc;
    spate_change change = {.kind = SPATE_SET_COPY,
                           .id = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, (spate_bytes){"/", 1}),
                           .value = SPATE_COPY_SUCCESSFUL};
    return spate_ledger_apply(m->engine.ledger, &change, 1, err);
}

static int open_ledger(spate_migrate *m, spate_error *err)
{
    const spate_migrate_options *o = &m->options;
    spate_ledger_options options = {.path = o->ledger, .journal_only = !o->sql};
    int rc = o->fresh && o->ledger ? forget_ledger(o->ledger, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = spate_ledger_open(&options, &m->engine.ledger, err);
    if (rc == SPATE_OK && o->ledger && phase_is(m, "complete")) { /* whatever was done then, trees change */
        rc = spate_ledger_close(m->engine.ledger, err);
        m->engine.ledger = NULL;
        if (rc == SPATE_OK)
            rc = forget_ledger(o->ledger, err);
        if (rc == SPATE_OK)
            rc = spate_ledger_open(&options, &m->engine.ledger, err);
    }
    if (rc == SPATE_OK)
        rc = check_ledger(m, err);
    if (rc == SPATE_OK)
        rc = keep_moment(m->engine.ledger, "modified_from", INT64_MIN, &m->engine.filter.modified_from_ns, err);
    if (rc == SPATE_OK)
        rc = keep_moment(m->engine.ledger, "modified_to", INT64_MAX, &m->engine.filter.modified_to_ns, err);
    if (rc != SPATE_OK)
        return rc;
    spate_ledger_resume state;
    spate_ledger_state(m->engine.ledger, &state);
    m->resumed = state.nodes[SPATE_SRC] > 0;
    return m->resumed ? SPATE_OK : seed(m, err);
}

static int open_all(spate_migrate *m, spate_error *err)
{
    sp_engine *e = &m->engine;
    int rc = sp_tree_open(m->options.source, false, &e->src, err);
    if (rc == SPATE_OK)
        rc = sp_tree_open(m->options.destination, true, &e->dst, err);
    if (rc == SPATE_OK && !sp_trees_apart(e->src, e->dst, err))
        rc = SPATE_E_USAGE;
    if (rc == SPATE_OK)
        rc = read_filter(m, err);
    if (rc != SPATE_OK)
        return rc;
    e->keep = (m->options.no_owner || !e->dst->keeps_owner ? 0 : SP_KEEP_OWNER) |
              (m->options.no_attributes ? 0 : SP_KEEP_ATTRIBUTES);
    e->n_workers = m->options.workers ? SP_MIN(m->options.workers, (unsigned)SP_WORKERS_MAX) : sp_os_processors();
    rc = open_ledger(m, err);
    if (rc == SPATE_OK)
        rc = sp_engine_start(e, err);
    return rc;
}

int spate_migrate_open(const spate_migrate_options *options, spate_migrate **migration, spate_error *err)
{
    spate_migrate *m = sp_alloc_zero(1, sizeof *m);
    if (!m)
        return sp_fail_nomem(err);
    m->options = *options;
    m->engine.options = &m->options;
    m->start_us = sp_os_monotonic_us();
    m->phase = "plan";
    sp_filter_init(&m->engine.filter);
    pthread_mutex_init(&m->tick_lock, NULL);
    sp_os_cond_init(&m->tick_stop);
    int rc = open_all(m, err);
    if (rc != SPATE_OK) {
        (void)spate_migrate_close(m, NULL);
        return rc;
    }
    *migration = m;
    return SPATE_OK;
}

int spate_migrate_close(spate_migrate *m, spate_error *err)
{
    if (!m)
        return SPATE_OK;
    sp_engine_stop(&m->engine);
    int rc = spate_ledger_close(m->engine.ledger, err);
    sp_tree_close(m->engine.src);
    sp_tree_close(m->engine.dst);
    sp_filter_done(&m->engine.filter);
    pthread_cond_destroy(&m->tick_stop);
    pthread_mutex_destroy(&m->tick_lock);
    sp_free(m);
    return rc;
}

/* ---- progress ---- */

static void tell(spate_migrate *m)
{
    const sp_engine *e = &m->engine;
    spate_migrate_progress p = {__atomic_load_n(&m->phase, __ATOMIC_RELAXED),
                                e->listed,
                                e->copied,
                                e->copied_bytes,
                                e->verified,
                                e->failed,
                                (double)(sp_os_monotonic_us() - m->start_us) / 1e6};
    m->options.progress(m->options.arg, &p);
}

enum { TICK_US = 100000 };

static void *tick(void *arg)
{
    spate_migrate *m = arg;
    pthread_mutex_lock(&m->tick_lock);
    while (m->ticking) {
        (void)sp_os_cond_wait_until(&m->tick_stop, &m->tick_lock, sp_os_monotonic_us() + TICK_US);
        tell(m);
    }
    pthread_mutex_unlock(&m->tick_lock);
    return NULL;
}

static int begin(spate_migrate *m, spate_error *err)
{
    m->ticking = m->options.progress != NULL;
    int rc = m->ticking ? sp_os_thread_start(&m->ticker, tick, m, err) : SPATE_OK;
    m->ticking = m->ticking && rc == SPATE_OK;
    return rc;
}

static void end(spate_migrate *m)
{
    if (!m->ticking)
        return;
    pthread_mutex_lock(&m->tick_lock);
    m->ticking = false;
    pthread_cond_signal(&m->tick_stop);
    pthread_mutex_unlock(&m->tick_lock);
    pthread_join(m->ticker, NULL);
}

static void enter_phase(spate_migrate *m, const char *phase)
{
    __atomic_store_n(&m->phase, phase, __ATOMIC_RELAXED);
}

/* ---- the run ---- */

static int plan(spate_migrate *m, spate_error *err)
{
    enter_phase(m, "plan");
    int rc = sp_plan_pass(&m->engine, err);
    return rc == SPATE_OK && !phase_is(m, "planned") ? spate_ledger_remember(m->engine.ledger, "phase", "planned", err)
                                                     : rc;
}

int spate_migrate_plan(spate_migrate *m, spate_error *err)
{
    int rc = begin(m, err);
    if (rc == SPATE_OK)
        rc = plan(m, err);
    end(m);
    return rc;
}

static uint64_t count(spate_migrate *m, spate_filter filter)
{
    filter.depth = -1;
    return spate_ledger_count(m->engine.ledger, &filter);
}

/* Files that were found the same need no second look, unless their content is asked for. */
static bool needs_proof(spate_migrate *m)
{
    char text[8];
    return m->options.verify == SPATE_PROOF_HASH ||
           spate_ledger_recall(m->engine.ledger, "carried", text, sizeof text) >= 0;
}

static int once_over(spate_migrate *m, spate_error *err)
{
    int rc = plan(m, err);
    bool work =
        count(m, (spate_filter){.side = SPATE_SRC, .copy = SPATE_COPY_PENDING, .excluded = SPATE_EXCLUDED_NO}) > 0;
    if (rc == SPATE_OK && work)
        rc = spate_ledger_remember(m->engine.ledger, "carried", "yes", err);
    if (rc == SPATE_OK) {
        enter_phase(m, "copy");
        rc = sp_copy_pass(&m->engine, err);
    }
    if (rc == SPATE_OK && needs_proof(m)) {
        enter_phase(m, "verify");
        rc = sp_verify_pass(&m->engine, err);
    }
    return rc;
}

static int run(spate_migrate *m, spate_error *err)
{
    uint64_t again = 0;
    int rc = m->resumed ? sp_retry_failed(&m->engine, &again, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = once_over(m, err);
    if (rc == SPATE_OK)
        rc = sp_retry_failed(&m->engine, &again, err);
    if (rc == SPATE_OK && again) {
        atomic_store(&m->engine.failed, 0);
        rc = once_over(m, err);
    }
    bool whole = count(m, (spate_filter){.side = SPATE_SRC, .copy = SPATE_COPY_FAILED}) == 0 &&
                 count(m, (spate_filter){.side = SPATE_SRC, .traversal = SPATE_TRAVERSAL_FAILED}) == 0;
    if (rc == SPATE_OK && whole)
        rc = spate_ledger_remember(m->engine.ledger, "phase", "complete", err);
    return rc;
}

int spate_migrate_run(spate_migrate *m, spate_error *err)
{
    int rc = begin(m, err);
    if (rc == SPATE_OK)
        rc = run(m, err);
    end(m);
    return rc;
}

int spate_migrate_delete_extra(spate_migrate *m, spate_error *err)
{
    for (int side = 0; side < 2; side++)
        if (count(m, (spate_filter){.side = (spate_side)side, .traversal = SPATE_TRAVERSAL_FAILED}))
            return sp_fail(err, SPATE_E_DATA, "nothing is deleted: not all folders of the %s could be listed",
                           side ? "destination" : "source");
    if (count(m, (spate_filter){.side = SPATE_SRC}) <= 1)
        return sp_fail(err, SPATE_E_DATA, "nothing is deleted: the source is empty");
    int rc = begin(m, err);
    enter_phase(m, "delete");
    if (rc == SPATE_OK)
        rc = sp_delete_pass(&m->engine, &m->deleted, err);
    if (rc == SPATE_OK)
        rc = sp_copy_pass(&m->engine, err); /* the times of the folders that lost something */
    end(m);
    return rc;
}

/* ---- what a plan says ---- */

static spate_migrate_outcome outcome_of(const spate_node *src, bool on_both)
{
    if (src->excluded || src->traversal == SPATE_TRAVERSAL_EXCLUDED)
        return SPATE_EXCLUDED;
    if (src->traversal == SPATE_TRAVERSAL_FAILED || src->copy == SPATE_COPY_FAILED)
        return SPATE_FAILED;
    switch (src->copy) {
    case SPATE_COPY_SUCCESSFUL: return SPATE_SAME;
    case SPATE_COPY_SKIPPED: return SPATE_SKIPPED;
    case SPATE_COPY_CONFLICT: return SPATE_CONFLICTS;
    default: return on_both ? SPATE_DIFFERS : SPATE_MISSING;
    }
}

typedef int seen_fn(void *arg, const spate_node *node, spate_migrate_outcome outcome);

static int see(const spate_node *nodes, size_t n, const bool *both, spate_side side, seen_fn *fn, void *arg)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (side == SPATE_SRC && nodes[i].depth > 0)
            rc = fn(arg, &nodes[i], outcome_of(&nodes[i], both[i]));
        else if (side == SPATE_DST && nodes[i].traversal == SPATE_TRAVERSAL_NOT_ON_SRC)
            rc = fn(arg, &nodes[i], SPATE_EXTRA);
    }
    return rc;
}

enum { SEEN_AT_ONCE = 1024 };

typedef struct view {
    spate_nodes nodes;
    spate_node_id ids[SEEN_AT_ONCE], others[SEEN_AT_ONCE];
    bool both[SEEN_AT_ONCE];
} view;

/* Only of what waits to be copied nobody knows it by its status. */
static int on_both(spate_migrate *m, view *v, const spate_node *nodes, size_t n, spate_error *err)
{
    size_t at[SEEN_AT_ONCE], asked = 0;
    bool found[SEEN_AT_ONCE];
    for (size_t i = 0; i < n; i++) {
        v->both[i] = false;
        if (nodes[i].copy != SPATE_COPY_PENDING)
            continue;
        v->ids[asked] = nodes[i].id;
        at[asked++] = i;
    }
    if (asked == 0 || count(m, (spate_filter){.side = SPATE_DST}) <= 1)
        return SPATE_OK;
    int rc = spate_ledger_counterparts(m->engine.ledger, SPATE_SRC, v->ids, asked, v->others, found, err);
    for (size_t i = 0; i < asked && rc == SPATE_OK; i++)
        v->both[at[i]] = found[i];
    return rc;
}

static int see_level(spate_migrate *m, view *v, spate_filter filter, seen_fn *fn, void *arg, spate_error *err)
{
    spate_cursor cursor = {0};
    int rc = SPATE_OK;
    do {
        rc = spate_ledger_page(m->engine.ledger, &filter, &cursor, SEEN_AT_ONCE, &v->nodes, err);
        if (rc == SPATE_OK && filter.side == SPATE_SRC)
            rc = on_both(m, v, v->nodes.nodes, v->nodes.n, err);
        if (rc == SPATE_OK)
            rc = see(v->nodes.nodes, v->nodes.n, v->both, filter.side, fn, arg);
    } while (rc == SPATE_OK && v->nodes.n == SEEN_AT_ONCE);
    return rc;
}

/* What fits the filter, at all depths. */
static int see_levels(spate_migrate *m, view *v, spate_filter filter, seen_fn *fn, void *arg, spate_error *err)
{
    size_t n = spate_ledger_levels(m->engine.ledger, filter.side, NULL, 0);
    int32_t *depths = sp_alloc((n + 1) * sizeof *depths);
    if (!depths)
        return sp_fail_nomem(err);
    (void)spate_ledger_levels(m->engine.ledger, filter.side, depths, n);
    int rc = SPATE_OK;
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        filter.depth = depths[i];
        rc = see_level(m, v, filter, fn, arg, err);
    }
    sp_free(depths);
    return rc;
}

static int see_all(spate_migrate *m, seen_fn *fn, void *arg, spate_error *err)
{
    const spate_filter src = {.side = SPATE_SRC}, dst = {.side = SPATE_DST, .traversal = SPATE_TRAVERSAL_NOT_ON_SRC};
    view *v = sp_alloc_zero(1, sizeof *v);
    if (!v)
        return sp_fail_nomem(err);
    int rc = see_levels(m, v, src, fn, arg, err);
    if (rc == SPATE_OK)
        rc = see_levels(m, v, dst, fn, arg, err);
    spate_nodes_done(&v->nodes);
    sp_free(v);
    return rc;
}

static int add_up(spate_migrate_report *report, spate_migrate_outcome outcome, const spate_sum *sum)
{
    spate_migrate_count *c = &report->counts[outcome];
    if (sum->type == SPATE_FOLDER)
        c->folders += sum->nodes;
    else
        c->files += sum->nodes;
    c->bytes += sum->type == SPATE_FILE ? sum->bytes : 0;
    return 0;
}

static int count_source(void *arg, const spate_sum *sum)
{
    const spate_node like = {
        .type = sum->type, .traversal = sum->traversal, .copy = sum->copy, .excluded = sum->excluded};
    return add_up(arg, outcome_of(&like, sum->found), sum);
}

static int count_extra(void *arg, const spate_sum *sum)
{
    return sum->traversal == SPATE_TRAVERSAL_NOT_ON_SRC ? add_up(arg, SPATE_EXTRA, sum) : 0;
}

int spate_migrate_review(spate_migrate *m, spate_migrate_report *report, spate_error *err)
{
    const sp_engine *e = &m->engine;
    *report = (spate_migrate_report){
        .listed = e->listed,
        .copied = e->copied,
        .bytes = e->copied_bytes,
        .mended = e->mended,
        .verified = e->verified,
        .differed = e->differed,
        .deleted = m->deleted,
        .planned = phase_is(m, "planned") || phase_is(m, "complete"),
        .complete = phase_is(m, "complete"),
        .seconds = (double)(sp_os_monotonic_us() - m->start_us) / 1e6,
    };
    int rc = spate_ledger_sums(m->engine.ledger, SPATE_SRC, count_source, report, err);
    return rc == SPATE_OK ? spate_ledger_sums(m->engine.ledger, SPATE_DST, count_extra, report, err) : rc;
}

static spate_migrate_item item_of(const spate_node *node, spate_migrate_outcome outcome)
{
    return (spate_migrate_item){node->path.p, node->path.len,       spate_node_type_name((spate_node_type)node->type),
                                outcome,      (uint64_t)node->size, node->mtime_ns,
                                node->note.p, node->note.len};
}

typedef struct chosen {
    spate_migrate_outcome outcome;
    int (*fn)(void *arg, const spate_migrate_item *item);
    void *arg;
} chosen;

static int choose(void *arg, const spate_node *node, spate_migrate_outcome outcome)
{
    chosen *c = arg;
    spate_migrate_item item = item_of(node, outcome);
    return outcome == c->outcome ? c->fn(c->arg, &item) : 0;
}

int spate_migrate_each(spate_migrate *m, spate_migrate_outcome outcome,
                       int (*fn)(void *arg, const spate_migrate_item *item), void *arg, spate_error *err)
{
    chosen c = {outcome, fn, arg};
    return see_all(m, choose, &c, err);
}

static int by_name(const void *a, const void *b)
{
    const spate_migrate_item *x = a, *y = b;
    bool fx = x->type[0] == 'f' && x->type[1] == 'o', fy = y->type[0] == 'f' && y->type[1] == 'o';
    if (fx != fy)
        return fy - fx;
    int order = memcmp(x->path, y->path, SP_MIN(x->path_len, y->path_len));
    return order ? order : (x->path_len > y->path_len) - (x->path_len < y->path_len);
}

static int list_both(spate_migrate *m, view *v, spate_nodes *extra, spate_bytes path, spate_migrate_item **items,
                     size_t *n, spate_error *err)
{
    int rc = spate_ledger_children_path(m->engine.ledger, SPATE_SRC, path, 0, &v->nodes, err);
    if (rc == SPATE_OK)
        rc = spate_ledger_children_path(m->engine.ledger, SPATE_DST, path, 0, extra, err);
    if (rc != SPATE_OK)
        return rc;
    *n = 0;
    *items = sp_alloc((v->nodes.n + extra->n + 1) * sizeof **items);
    if (!*items)
        return sp_fail_nomem(err);
    for (size_t at = 0; at < v->nodes.n && rc == SPATE_OK; at += SEEN_AT_ONCE) {
        size_t some = SP_MIN(v->nodes.n - at, (size_t)SEEN_AT_ONCE);
        rc = on_both(m, v, v->nodes.nodes + at, some, err);
        for (size_t i = 0; i < some && rc == SPATE_OK; i++)
            (*items)[(*n)++] = item_of(&v->nodes.nodes[at + i], outcome_of(&v->nodes.nodes[at + i], v->both[i]));
    }
    for (size_t i = 0; i < extra->n; i++)
        if (extra->nodes[i].traversal == SPATE_TRAVERSAL_NOT_ON_SRC)
            (*items)[(*n)++] = item_of(&extra->nodes[i], SPATE_EXTRA);
    qsort(*items, *n, sizeof **items, by_name);
    return rc;
}

int spate_migrate_list(spate_migrate *m, const char *path, size_t path_len,
                       int (*fn)(void *arg, const spate_migrate_item *item), void *arg, spate_error *err)
{
    view *v = sp_alloc_zero(1, sizeof *v);
    spate_nodes extra = {0};
    spate_migrate_item *items = NULL;
    size_t n = 0;
    int rc = v ? list_both(m, v, &extra, (spate_bytes){path, path_len}, &items, &n, err) : sp_fail_nomem(err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = fn(arg, &items[i]);
    sp_free(items);
    spate_nodes_done(&extra);
    if (v)
        spate_nodes_done(&v->nodes);
    sp_free(v);
    return rc;
}

int spate_migrate_exclude(spate_migrate *m, const char *path, size_t path_len, bool excluded, spate_error *err)
{
    spate_nodes found = {0};
    int rc =
        spate_ledger_get_path(m->engine.ledger, SPATE_SRC, (spate_bytes){path, path_len}, SPATE_TYPE_ANY, &found, err);
    if (rc == SPATE_OK && found.n == 0)
        rc = sp_fail(err, SPATE_E_USAGE, "the source has no \"%.*s\"", (int)SP_MIN(path_len, (size_t)500), path);
    if (rc == SPATE_OK) {
        spate_change change = {SPATE_SET_EXCLUDED_BELOW, SPATE_SRC, found.nodes->id, excluded, {0}};
        rc = spate_ledger_apply(m->engine.ledger, &change, 1, err);
    }
    spate_nodes_done(&found);
    return rc;
}
