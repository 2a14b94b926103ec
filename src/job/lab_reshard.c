/* lab_reshard.c - spate_lab_reshard: another number of shards, and no more rows moved than that needs, or another placement; while nobody
 * writes, here.
 *
 *     servers added --> tables there --> swept --> copied and checked --> placement in lab.yaml, unswept --> swept --> servers taken away
 *
 * Every step finds out by itself what of it is done already: a server without slots is new or about to go, and what the placement does
 * not give to a shard is litter. So the same call again finishes what one before began. */
#include "job/lab_reshard.h"

#include "flow/flow.h"
#include "job/lab.h"
#include "job/lab_work.h"
#include "lab/frame.h"
#include "lab/home.h"
#include "lab/numbers.h"

#include <stdio.h>

/* ---- servers added ---- */

static int add_attached(sp_resharding *r, unsigned missing, spate_error *err)
{
    const spate_lab_reshard_options *o = r->options;
    if (o->n_uris != missing)
        return sp_fail(err, SPATE_E_USAGE,
                       "%u more servers are needed, and %zu are named: the lab's servers are attached ones", missing,
                       o->n_uris);
    int rc = SPATE_OK;
    for (unsigned i = 0; i < missing && rc == SPATE_OK; i++)
        rc = sp_lab_add_server(r->lab, 0, o->uris[i], err);
    return rc;
}

static int add_own(sp_resharding *r, unsigned missing, spate_error *err)
{
    unsigned ports[SP_SHARDS_MAX];
    if (r->options->n_uris)
        return sp_fail(err, SPATE_E_USAGE, "this lab makes its servers itself: none can be attached to it");
    int rc = sp_lab_find_ports(r->lab, missing, ports, err);
    for (unsigned i = 0; i < missing && rc == SPATE_OK; i++)
        rc = sp_lab_add_server(r->lab, ports[i], NULL, err);
    return rc;
}

int sp_resharding_add(sp_resharding *r, unsigned want, spate_error *err)
{
    sp_lab *lab = r->lab;
    unsigned have = lab->n_servers - 1;
    if (have >= want)
        return SPATE_OK;
    int rc = lab->servers[0].attached ? add_attached(r, want - have, err) : add_own(r, want - have, err);
    if (rc != SPATE_OK)
        return rc;
    lab->map.shards = lab->n_servers - 1;
    return sp_lab_save(lab, err);
}

/* The template has a password of its own; the lab's is in its file. */
static int set_password(sp_resharding *r, const sp_lab_server *s, spate_error *err)
{
    const char *path = sp_lab_path(r->lab, "pgpass");
    sp_buf file = {0}, sql = {0};
    int rc = path ? sp_os_read_file(path, 1 << 16, &file, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK) {
        file.data[strcspn(file.data, "\n")] = '\0';
        const char *colon = strrchr(file.data, ':');
        if (sp_buf_adds(&sql, "SET log_statement = 'none'; ALTER ROLE postgres PASSWORD ") ||
            sp_sql_literal(&sql, sp_str_of(colon ? colon + 1 : "")))
            rc = sp_fail_nomem(err);
    }
    if (rc == SPATE_OK)
        rc = sp_lab_run_alone(s, sp_pg_string(&sql), NULL, err, "setting the password");
    sp_buf_done(&file);
    sp_buf_done(&sql);
    return rc;
}

int sp_resharding_start(sp_resharding *r, spate_error *err)
{
    sp_lab *lab = r->lab;
    sp_lab_server *all[1 + SP_SHARDS_MAX];
    if (lab->servers[0].attached)
        return SPATE_OK;
    for (uint32_t i = 0; i < lab->n_servers; i++)
        all[i] = &lab->servers[i];
    int rc = sp_lab_make_clusters(lab, r->options->cache, err);
    if (rc == SPATE_OK)
        rc = sp_lab_start(lab, all, lab->n_servers, err);
    for (uint32_t s = 0; s + 1 < lab->n_servers && rc == SPATE_OK; s++)
        rc = sp_slot_map_owns(&lab->map, s) ? SPATE_OK : set_password(r, sp_lab_shard(lab, s), err);
    return rc;
}

/* ---- tables on new shards ---- */

int sp_resharding_tables(sp_resharding *r, unsigned shard, spate_error *err)
{
    const sp_layout *l = &r->layout;
    const char **names = sp_arena_alloc(r->arena, l->n + 1, sizeof(*names)),
               **wheres = sp_arena_alloc(r->arena, l->n + 1, sizeof(*wheres));
    sp_flow_table *tables = sp_arena_alloc(r->arena, l->n + 1, sizeof(*tables));
    sp_source *source = NULL;
    sp_sink *sink = NULL;
    if (!names || !wheres || !tables)
        return sp_fail_nomem(err);
    for (uint32_t t = 0; t < l->n; t++) {
        names[t] = l->schemas[t]->table;
        wheres[t] = l->placements[t] ? "false" : NULL;
    }
    sp_source_options from = {.tables = names, .n_tables = l->n, .wheres = wheres};
    sp_catalog frame;
    sp_sink_options to = {.create = true, .catalog = &frame, .truncate = true, .parts = 1, .lanes = 1};
    sp_flow_options flow = {.workers = 1, .parts = 1, .cancel = r->options->cancel};
    int rc = sp_frame_read(l, sp_lab_shard(r->lab, 0), r->arena, &frame, err);
    if (rc == SPATE_OK)
        rc = sp_source_open(sp_lab_shard(r->lab, 0)->uri, &from, &source, err);
    if (rc == SPATE_OK)
        rc = sp_sink_open(sp_lab_shard(r->lab, shard)->uri, &to, &sink, err);
    if (rc == SPATE_OK)
        rc = sp_flow_run(source, sink, &flow, tables, err);
    sp_sink_close(sink);
    sp_source_close(source);
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "%s", sp_lab_shard(r->lab, shard)->name);
    return sp_numbers_share(r->lab, l, &frame, 0, shard, shard + 1, err);
}

static int make_all_tables(sp_resharding *r, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < r->shards && rc == SPATE_OK; s++)
        if (!sp_slot_map_owns(&r->lab->map, s))
            rc = sp_resharding_tables(r, s, err);
    return rc;
}

/* ---- the move ---- */

int sp_resharding_tell(sp_resharding *r, spate_error *err)
{
    r->report->moves = sp_arena_alloc(r->arena, r->moves.n_pairs + 1, sizeof(*r->report->moves));
    if (!r->report->moves)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < r->moves.n_pairs; i++) {
        const sp_reshard_pair *p = &r->moves.pairs[i];
        r->report->moves[r->report->n_moves++] = (spate_lab_move){p->from, p->to, p->slots, p->rows, p->bytes, p->disk};
        r->report->slots += p->slots;
        r->report->rows_moved += p->rows;
    }
    return SPATE_OK;
}

int sp_resharding_aim(sp_resharding *r, sp_placement *after, spate_error *err)
{
    sp_lab *lab = r->lab;
    if (!r->options->placement) {
        *after = sp_lab_places(lab);
        sp_slot_map_resize(&lab->map, r->shards, &after->map);
        return SPATE_OK;
    }
    int rc = sp_lab_make_places(lab, r->options->placement, after, err);
    for (uint32_t t = 0; t < r->layout.n && rc == SPATE_OK; t++) {
        sp_placement p = *after;
        if (!r->layout.placements[t])
            continue;
        p.key = r->layout.placements[t]->key;
        p.n_key = 1;
        rc = sp_placement_check(&p, r->layout.schemas[t], err);
    }
    return rc;
}

static int find_moves(sp_resharding *r, spate_error *err)
{
    r->moves = (sp_reshard){.lab = r->lab, .layout = &r->layout, .before = sp_lab_places(r->lab)};
    int rc = sp_resharding_aim(r, &r->moves.after, err);
    if (rc == SPATE_OK)
        rc = sp_reshard_plan(&r->moves, err);
    return rc == SPATE_OK ? sp_resharding_tell(r, err) : rc;
}

/* Shards that are to go have nothing to lose once the new placement is in place. */
int sp_resharding_sweep(sp_resharding *r, const sp_placement *places, unsigned shards, spate_error *err)
{
    unsigned end = shards;
    for (unsigned s = end; s + 1 < r->lab->n_servers; s++)
        end = sp_slot_map_owns(&places->map, s) ? s + 1 : end;
    return sp_reshard_sweep(&r->moves, places, end, err);
}

/* With the new placement lab.yaml says that the givers' rows are still there: whoever is asked to add a shard knows by that what has begun. */
static int put_in_place(sp_resharding *r, spate_error *err)
{
    sp_lab *lab = r->lab;
    const sp_placement old = sp_lab_places(lab);
    sp_placement next = r->moves.after;
    next.map.shards = old.map.shards;
    sp_lab_set_places(lab, &next);
    lab->unswept = true;
    int rc = sp_lab_save(lab, err);
    if (rc == SPATE_OK)
        return SPATE_OK;
    sp_lab_set_places(lab, &old);
    lab->unswept = false;
    return rc;
}

static int sweep(sp_resharding *r, spate_error *err)
{
    const sp_placement now = sp_lab_places(r->lab);
    return sp_resharding_sweep(r, &now, r->shards, err);
}

static int move_rows(sp_resharding *r, spate_error *err)
{
    int rc = sweep(r, err);
    if (rc == SPATE_OK)
        rc = sp_reshard_copy(&r->moves, err);
    if (rc != SPATE_OK) {
        (void)!sweep(r, NULL); /* or the next one does */
        return rc;
    }
    rc = put_in_place(r, err);
    if (rc == SPATE_OK)
        rc = sp_home_keep_all(&r->layout, r->lab, r->shards, &r->moves.after, NULL, err);
    if (rc == SPATE_OK)
        rc = sweep(r, err);
    if (rc == SPATE_OK)
        rc = sp_reshard_analyse(&r->moves, r->shards, err);
    if (rc != SPATE_OK)
        return rc;
    r->lab->unswept = false;
    return sp_lab_save(r->lab, err);
}

int sp_resharding_drop(sp_resharding *r, unsigned shards, spate_error *err)
{
    sp_lab *lab = r->lab;
    unsigned keep = 1 + shards;
    int rc = SPATE_OK;
    bool needed = false;
    for (unsigned s = shards; s + 1 < lab->n_servers; s++)
        needed |= sp_slot_map_owns(&lab->map, s);
    if (lab->n_servers <= keep || needed)
        return SPATE_OK;
    for (unsigned i = keep; i < lab->n_servers && rc == SPATE_OK; i++) {
        sp_lab_server *s = &lab->servers[i];
        if (s->attached)
            continue;
        rc = sp_lab_stop(lab, &s, 1, err);
        if (rc == SPATE_OK)
            rc = sp_lab_remove_cluster(lab, s, err);
    }
    if (rc != SPATE_OK)
        return rc;
    lab->n_servers = keep;
    lab->map.shards = keep - 1;
    return sp_lab_save(lab, err);
}

/* A shard that goes would leave its replica behind. */
static int check_replicas(const sp_lab *lab, unsigned shards, spate_error *err)
{
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        for (uint32_t s = 1 + shards; s < lab->n_servers; s++)
            if (strcmp(lab->replicas[i].of, lab->servers[s].name) == 0)
                return sp_fail(err, SPATE_E_USAGE, "%s follows %s, which is to go: drop it first",
                               lab->replicas[i].name, lab->replicas[i].of);
    return SPATE_OK;
}

static int check_wish(const sp_resharding *r, spate_error *err)
{
    const sp_lab *lab = r->lab;
    if (r->options->placement && (r->shards != lab->n_servers - 1 || sp_slot_map_end(&lab->map) != r->shards))
        return sp_fail(
            err, SPATE_E_USAGE,
            "another placement is for the shards that there are: another number of them is a move of its own");
    if (r->shards == 0 || r->shards > SP_SHARDS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a lab has 1 to %d shards, not %u", SP_SHARDS_MAX, r->shards);
    if (lab->placing == SP_PLACE_HASH || r->options->placement)
        return check_replicas(lab, r->shards, err);
    int rc = sp_fail(err, SPATE_E_USAGE, "placement by %s has no slots to move", sp_placing_name(lab->placing));
    sp_error_hint(err, "'spate lab reshard --placement hash' gives it some");
    return rc;
}

static int plan(sp_resharding *r, spate_error *err)
{
    int rc = sp_lab_layout(r->lab, &r->source, &r->layout, err);
    if (rc == SPATE_OK)
        rc = find_moves(r, err);
    return rc == SPATE_OK ? sp_resharding_objections(r, err) : rc;
}

static int offline(sp_resharding *r, spate_error *err)
{
    int rc = sp_resharding_drop(r, r->shards, err); /* which an interrupted run has left */
    if (rc == SPATE_OK)
        rc = sp_lab_layout(r->lab, &r->source, &r->layout, err);
    if (rc == SPATE_OK)
        rc = sp_resharding_add(r, r->shards, err);
    if (rc == SPATE_OK)
        rc = sp_resharding_start(r, err);
    if (rc == SPATE_OK)
        rc = find_moves(r, err);
    if (rc == SPATE_OK)
        rc = make_all_tables(r, err);
    if (rc == SPATE_OK)
        rc = move_rows(r, err);
    return rc == SPATE_OK ? sp_resharding_drop(r, r->shards, err) : rc;
}

static int run(sp_resharding *r, spate_error *err)
{
    spate_reshard_how how = r->options->how;
    bool alone = how == SPATE_RESHARD_PLAN || how == SPATE_RESHARD_OFFLINE;
    int rc = alone || how == SPATE_RESHARD_ONLINE ? check_wish(r, err) : SPATE_OK;
    if (rc == SPATE_OK && alone)
        rc = sp_lab_refuse_moving(r->lab, err);
    if (rc != SPATE_OK)
        return rc;
    return how == SPATE_RESHARD_PLAN      ? plan(r, err)
           : how == SPATE_RESHARD_OFFLINE ? offline(r, err)
                                          : sp_resharding_online(r, err);
}

static const char *const works[] = {
    [SPATE_RESHARD_ONLINE] = "reshard",
    [SPATE_RESHARD_OFFLINE] = "reshard, nobody writing",
    [SPATE_RESHARD_COMMIT] = "reshard: commit",
    [SPATE_RESHARD_ROLLBACK] = "reshard: rollback",
};

int spate_lab_reshard(spate_lab *lab, const spate_lab_reshard_options *options, spate_lab_reshard_report *report,
                      spate_error *err)
{
    sp_resharding r = {.lab = &lab->lab,
                       .options = options,
                       .report = report,
                       .shards = options->placement && !options->shards ? lab->lab.n_servers - 1 : options->shards};
    int64_t start = sp_os_monotonic_us();
    int lock = -1;
    sp_work work = {0};
    *report = (spate_lab_reshard_report){0};
    report->memory = r.arena = sp_alloc_zero(1, sizeof(*r.arena));
    int rc = r.arena ? sp_lab_lock(lab->lab.directory, &lock, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK && options->how != SPATE_RESHARD_PLAN)
        sp_work_begin(&work, &lab->lab, works[options->how]);
    if (rc == SPATE_OK)
        rc = run(&r, err);
    sp_work_end(&work, rc, err);
    sp_source_close(r.source);
    sp_lab_unlock(lock);
    report->seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    return rc;
}

void spate_lab_reshard_report_done(spate_lab_reshard_report *report)
{
    if (report->memory) {
        sp_arena_done(report->memory);
        sp_free(report->memory);
    }
    *report = (spate_lab_reshard_report){0};
}

unsigned spate_lab_shards_in_use(const spate_lab *lab)
{
    return sp_slot_map_end(&lab->lab.map);
}

unsigned spate_lab_shards_aimed(const spate_lab *lab)
{
    const sp_lab *l = &lab->lab;
    return l->other ? sp_slot_map_end(l->turned ? &l->map : &l->other->map) : l->unswept ? sp_slot_map_end(&l->map) : 0;
}
