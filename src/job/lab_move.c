/* lab_move.c - spate_lab_reshard while others write: the order of the steps, and what is done where one before was interrupted.
 *
 *     copying --> following --> switching --> switched --> committing --> committed
 *         \____________\____________\____________\--> rolling back --> rolled back
 *
 * The ledger says which phase it is and which steps of copying are done; the shards' fences say which placement holds; lab.yaml has
 * both from the beginning to the end, and says which of them holds a moment after it does. */
#include "job/lab_reshard.h"

#include "job/lab.h"
#include "lab/home.h"
#include "lab/move.h"
#include "lab/steps.h"

#include <stdio.h>

typedef struct online {
    sp_resharding *r;
    sp_lab *lab;
    sp_steps *steps;
    sp_lab_move move;
} online;

/* ---- telling ---- */

static void tell(const online *o, const char *fmt, ...) SP_PRINTF(2, 3);
static void tell(const online *o, const char *fmt, ...)
{
    char text[256];
    va_list args;
    if (!o->r->options->told)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    o->r->options->told(o->r->options->arg, text);
}

static int enter(online *o, sp_phase phase, spate_error *err)
{
    tell(o, "%s", sp_phase_name(phase));
    return sp_steps_enter(o->steps, phase, err);
}

/* ---- what forbids it ---- */

typedef struct notes {
    sp_resharding *r;
    const char *texts[1 + 6 * SP_SHARDS_MAX];
    size_t n;
} notes;

static void note(void *arg, const char *what)
{
    notes *all = arg;
    const char *kept = sp_arena_strndup(all->r->arena, what, strlen(what));
    if (kept && all->n < SP_COUNT(all->texts))
        all->texts[all->n++] = kept;
}

static int list_objections(sp_resharding *r, notes *all, spate_error *err)
{
    char text[256];
    *all = (notes){.r = r};
    int rc = sp_lab_move_check(&r->moves, note, all, err);
    for (uint32_t t = 0; t < r->layout.n && rc == SPATE_OK; t++)
        if (r->layout.placements[t] && r->layout.schemas[t]->n_primary_key == 0) {
            snprintf(text, sizeof(text), "table \"%.160s\" has no primary key: changed rows could not be told apart",
                     r->layout.schemas[t]->table);
            note(all, text);
        }
    return rc;
}

/* Where the lab's own servers are: rows and indexes, and the log that has them, too. */
static int object_to_disk(sp_resharding *r, notes *all, spate_error *err)
{
    uint64_t need = 0, left = 0;
    char text[128];
    if (r->lab->servers[0].attached)
        return SPATE_OK;
    for (uint32_t i = 0; i < r->moves.n_pairs; i++)
        need += 2 * r->moves.pairs[i].disk;
    int rc = sp_os_free_bytes(r->lab->directory, &left, err);
    snprintf(text, sizeof(text), "the disk has %llu MB left, and about %llu MB are needed",
             (unsigned long long)left / 1000000, (unsigned long long)need / 1000000);
    if (rc == SPATE_OK && left < need)
        note(all, text);
    return rc;
}

int sp_resharding_objections(sp_resharding *r, spate_error *err)
{
    notes all;
    int rc = list_objections(r, &all, err);
    if (rc == SPATE_OK)
        rc = object_to_disk(r, &all, err);
    const char **kept = sp_arena_alloc(r->arena, all.n + 1, sizeof(*kept));
    if (rc == SPATE_OK && !kept)
        rc = sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    memcpy(kept, all.texts, all.n * sizeof(*kept));
    r->report->notes = kept;
    r->report->n_notes = all.n;
    return SPATE_OK;
}

static int refuse_objections(sp_resharding *r, spate_error *err)
{
    notes all;
    int rc = list_objections(r, &all, err);
    if (rc != SPATE_OK || all.n == 0)
        return rc;
    sp_fail(err, SPATE_E_CONFIG, "rows cannot move while others write: %s", all.texts[0]);
    sp_error_hint(err, "--plan tells all that forbids it; --offline moves them while nobody writes");
    return SPATE_E_CONFIG;
}

/* ---- beginning ---- */

static void take_places(online *o)
{
    sp_lab *lab = o->lab;
    const sp_placement now = sp_lab_places(lab);
    o->r->moves = (sp_reshard){.lab = lab,
                               .layout = &o->r->layout,
                               .before = lab->turned ? *lab->other : now,
                               .after = lab->turned ? now : *lab->other};
}

/* The move is open from the moment that lab.yaml has both placements. */
static int begin(online *o, const sp_placement *after, spate_error *err)
{
    sp_resharding *r = o->r;
    sp_lab *lab = o->lab;
    r->moves = (sp_reshard){.lab = lab, .layout = &r->layout, .before = sp_lab_places(lab), .after = *after};
    int rc = sp_reshard_pairs(&r->moves, err);
    if (rc == SPATE_OK && lab->unswept) {
        rc = sp_fail(err, SPATE_E_USAGE,
                     "a move while nobody wrote was interrupted, and rows are still at their old places, too");
        sp_error_hint(err, "the same command as then finishes it, with --offline");
    }
    if (rc == SPATE_OK)
        rc = refuse_objections(r, err);
    if (rc == SPATE_OK)
        rc = sp_steps_begin(&o->steps, lab->directory, err);
    if (rc == SPATE_OK)
        rc = sp_resharding_add(r, r->shards, err);
    if (rc != SPATE_OK)
        return rc;
    sp_placement *other = sp_arena_alloc(&lab->arena, 1, sizeof(*other));
    if (!other)
        return sp_fail_nomem(err);
    *other = *after;
    other->map.shards = lab->n_servers - 1;
    lab->other = other;
    lab->turned = false;
    rc = sp_lab_save(lab, err);
    return rc == SPATE_OK ? enter(o, SP_PHASE_COPYING, err) : rc;
}

/* That an open move leads to what is asked for. */
static int check_aim(const online *o, const sp_placement *wanted, spate_error *err)
{
    const sp_placement now = sp_lab_places(o->lab), *after = o->lab->turned ? &now : o->lab->other;
    unsigned open = sp_slot_map_end(&after->map);
    if (after->placing != wanted->placing)
        return sp_fail(err, SPATE_E_USAGE, "a move to placement by %s is open: --commit or --rollback ends it",
                       sp_placing_name(after->placing));
    if (open != o->r->shards)
        return sp_fail(err, SPATE_E_USAGE, "a move to %u shards is open: --commit or --rollback ends it", open);
    sp_placement same = *wanted; /* whose servers are counted when they have come */
    same.map.shards = after->map.shards;
    if (!sp_placement_is_same(&same, after))
        return sp_fail(err, SPATE_E_USAGE, "another move is open: --commit or --rollback ends it");
    return SPATE_OK;
}

static int check_resumed(online *o, const sp_placement *wanted, spate_error *err)
{
    sp_phase phase = sp_steps_phase(o->steps);
    int rc = o->r->options->how == SPATE_RESHARD_ONLINE ? check_aim(o, wanted, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return rc;
    if (o->r->options->how != SPATE_RESHARD_ROLLBACK && phase == SP_PHASE_ROLLING_BACK)
        return sp_fail(err, SPATE_E_USAGE, "the move is being rolled back: --rollback finishes that");
    if (o->r->options->how != SPATE_RESHARD_COMMIT && !o->r->options->commit && phase == SP_PHASE_COMMITTING)
        return sp_fail(err, SPATE_E_USAGE, "the move is being committed: --commit finishes that");
    if (sp_phase_is_open(phase))
        return SPATE_OK;
    return sp_steps_enter(o->steps, o->lab->turned ? SP_PHASE_SWITCHED : SP_PHASE_COPYING,
                          err); /* killed on its first step, or its ledger is lost */
}

static int copied(void *arg, const sp_lab_move_pair *p, spate_error *err)
{
    online *o = arg;
    return sp_steps_done(o->steps, p->name, "copied", p->rows, err);
}

static int connect(online *o, spate_error *err)
{
    take_places(o);
    o->move = (sp_lab_move){.cancel = o->r->options->cancel, .copied = copied, .arg = o};
    int rc = sp_resharding_start(o->r, err);
    if (rc == SPATE_OK)
        rc = sp_reshard_pairs(&o->r->moves, err);
    return rc == SPATE_OK ? sp_lab_move_open(&o->move, &o->r->moves, err) : rc;
}

/* ---- copying ---- */

static bool is_new(const online *o, unsigned shard)
{
    return !sp_slot_map_owns(&o->r->moves.before.map, shard);
}

static bool shard_is(const online *o, unsigned shard, const char *step)
{
    char name[16];
    snprintf(name, sizeof(name), "shard%u", shard);
    return sp_steps_is_done(o->steps, name, step, NULL);
}

static int shard_done(online *o, unsigned shard, const char *step, spate_error *err)
{
    char name[16];
    snprintf(name, sizeof(name), "shard%u", shard);
    tell(o, "%s %s", name, step);
    return sp_steps_done(o->steps, name, step, 0, err);
}

/* Those that have rows first: tables that are copied to every shard rest before a new shard copies them. */
static int raise_fences(online *o, bool new_ones, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < o->move.shards && rc == SPATE_OK; s++) {
        if (is_new(o, s) != new_ones || shard_is(o, s, "fenced"))
            continue;
        if (new_ones && !shard_is(o, s, "has tables"))
            rc = sp_resharding_tables(o->r, s, err);
        if (rc == SPATE_OK && new_ones)
            rc = shard_done(o, s, "has tables", err);
        if (rc == SPATE_OK)
            rc = sp_fence_raise(&o->r->moves, s, o->move.conns[s], err);
        if (rc == SPATE_OK)
            rc = sp_home_keep(&o->r->layout, o->lab, s, &o->r->moves.before, &o->r->moves.after, err);
        if (rc == SPATE_OK)
            rc = shard_done(o, s, "fenced", err);
    }
    return rc;
}

static int copy_rows(online *o, spate_error *err)
{
    const sp_reshard *moves = &o->r->moves;
    bool *done = sp_alloc_zero(moves->n_pairs + 1, sizeof(*done));
    int rc = done ? SPATE_OK : sp_fail_nomem(err);
    for (unsigned s = 0; s < o->move.shards && rc == SPATE_OK; s++)
        if (is_new(o, s) && !shard_is(o, s, "indexed"))
            rc = sp_lab_move_strip(&o->move, s, err);
    for (uint32_t i = 0; i < moves->n_pairs && rc == SPATE_OK; i++)
        done[i] = sp_steps_is_done(o->steps, o->move.pairs[i].name, "copied", NULL);
    if (rc == SPATE_OK)
        rc = sp_lab_move_copy(&o->move, done, err);
    sp_free(done);
    return rc;
}

static int make_indexes(online *o, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < o->move.shards && rc == SPATE_OK; s++) {
        if (!is_new(o, s) || shard_is(o, s, "indexed"))
            continue;
        rc = sp_lab_move_index(&o->move, s, o->move.pairs[0].pair->from, err);
        if (rc == SPATE_OK)
            rc = shard_done(o, s, "indexed", err);
    }
    return rc;
}

static int copy(online *o, spate_error *err)
{
    int rc = raise_fences(o, false, err);
    if (rc == SPATE_OK)
        rc = raise_fences(o, true, err);
    if (rc == SPATE_OK)
        rc = copy_rows(o, err);
    if (rc == SPATE_OK)
        rc = make_indexes(o, err);
    if (rc == SPATE_OK)
        rc = sp_lab_move_stream(&o->move, err);
    return rc == SPATE_OK ? enter(o, SP_PHASE_FOLLOWING, err) : rc;
}

/* ---- comparing and switching ---- */

static int compare(online *o, bool back, const char *step, spate_error *err)
{
    uint64_t rows = 0;
    double seconds = 0;
    int rc = sp_lab_move_compare(&o->move, back, &rows, &seconds, err);
    if (rc == SPATE_E_DATA)
        sp_error_hint(err, "'spate lab reshard --rollback' puts everything back");
    if (rc != SPATE_OK)
        return rc;
    o->r->report->rows_checked += rows;
    o->r->report->check_seconds += seconds;
    tell(o, "%s: %llu rows in %.2f s", step, (unsigned long long)rows, seconds);
    return sp_steps_done(o->steps, "all", step, rows, err);
}

static int follow(online *o, spate_error *err)
{
    int rc = compare(o, false, "compared", err);
    return rc == SPATE_OK ? enter(o, SP_PHASE_SWITCHING, err) : rc;
}

/* lab.yaml is told of what the fences say already. */
static int hold(online *o, bool after, spate_error *err)
{
    sp_lab *lab = o->lab;
    const sp_placement kept = sp_lab_places(lab);
    if (lab->turned == after)
        return SPATE_OK;
    sp_lab_set_places(lab, lab->other);
    *lab->other = kept;
    lab->turned = after;
    return sp_lab_save(lab, err);
}

static int turn(online *o, spate_error *err)
{
    bool turned;
    int rc = sp_lab_move_settle(&o->move, &turned, err);
    if (rc == SPATE_OK && !turned)
        rc = sp_lab_move_turn(&o->move, err);
    if (rc == SPATE_OK)
        rc = hold(o, true, err);
    return rc == SPATE_OK ? enter(o, SP_PHASE_SWITCHED, err) : rc;
}

static int make_reversible(online *o, spate_error *err)
{
    int rc = sp_lab_move_stream_back(&o->move, err);
    if (rc == SPATE_OK && !sp_steps_is_done(o->steps, "all", "compared again", NULL))
        rc = compare(o, true, "compared again", err);
    return rc;
}

/* ---- ends ---- */

static int drop_fences(online *o, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < o->move.shards && rc == SPATE_OK; s++)
        rc = sp_fence_drop(sp_lab_shard(o->lab, s), o->move.conns[s], err);
    return rc;
}

/* Streams and fences go, rows that the placement does not give to a shard go, and then the servers that own nothing. */
static int clear_up(online *o, const sp_placement *places, spate_error *err)
{
    unsigned keep = sp_slot_map_end(&places->map);
    int rc = sp_lab_move_unstream(&o->move, err);
    if (rc == SPATE_OK)
        rc = sp_resharding_sweep(o->r, places, keep, err);
    if (rc == SPATE_OK)
        rc = sp_reshard_analyse(&o->r->moves, keep, err);
    if (rc == SPATE_OK)
        rc = sp_home_keep_all(&o->r->layout, o->lab, o->move.shards, places, NULL, err);
    if (rc == SPATE_OK)
        rc = drop_fences(o, err);
    sp_lab_move_done(&o->move);
    return rc;
}

/* From here on lab.yaml has one placement, and nothing is open. */
static int leave(online *o, sp_phase end, spate_error *err)
{
    unsigned keep = sp_slot_map_end(&o->lab->map);
    o->lab->other = NULL;
    o->lab->turned = false;
    int rc = sp_lab_save(o->lab, err);
    if (rc == SPATE_OK)
        rc = sp_resharding_drop(o->r, keep, err);
    return rc == SPATE_OK ? enter(o, end, err) : rc;
}

static int commit(online *o, spate_error *err)
{
    int rc = enter(o, SP_PHASE_COMMITTING, err);
    if (rc == SPATE_OK)
        rc = clear_up(o, &o->r->moves.after, err);
    return rc == SPATE_OK ? leave(o, SP_PHASE_COMMITTED, err) : rc;
}

static int turn_back(online *o, spate_error *err)
{
    int rc = sp_lab_move_stream_back(&o->move, err);
    if (rc == SPATE_OK)
        rc = sp_lab_move_turn_back(&o->move, err);
    return rc == SPATE_OK ? hold(o, false, err) : rc;
}

static int roll_back(online *o, spate_error *err)
{
    bool turned = false;
    int rc = sp_steps_phase(o->steps) == SP_PHASE_SWITCHING ? sp_lab_move_settle(&o->move, &turned, err) : SPATE_OK;
    if (rc == SPATE_OK && turned)
        rc = hold(o, true, err);
    if (rc == SPATE_OK)
        rc = enter(o, SP_PHASE_ROLLING_BACK, err);
    if (rc == SPATE_OK && o->lab->turned)
        rc = turn_back(o, err);
    if (rc == SPATE_OK)
        rc = clear_up(o, &o->r->moves.before, err);
    return rc == SPATE_OK ? leave(o, SP_PHASE_ROLLED_BACK, err) : rc;
}

/* ---- all of it ---- */

static int go_on(online *o, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK) {
        sp_phase phase = sp_steps_phase(o->steps);
        rc = sp_lab_move_interrupted(&o->move, err);
        if (rc != SPATE_OK || phase >= SP_PHASE_SWITCHED)
            break;
        rc = phase == SP_PHASE_COPYING ? copy(o, err) : phase == SP_PHASE_FOLLOWING ? follow(o, err) : turn(o, err);
    }
    return rc == SPATE_OK ? make_reversible(o, err) : rc;
}

static int take_rows(online *o, spate_error *err)
{
    for (uint32_t i = 0; i < o->r->moves.n_pairs; i++)
        (void)sp_steps_is_done(o->steps, o->move.pairs[i].name, "copied", &o->r->moves.pairs[i].rows);
    return sp_resharding_tell(o->r, err);
}

static int run_open(online *o, spate_error *err)
{
    int rc = connect(o, err);
    if (rc == SPATE_OK && o->r->options->how == SPATE_RESHARD_ROLLBACK)
        return roll_back(o, err);
    if (rc == SPATE_OK && sp_steps_phase(o->steps) != SP_PHASE_COMMITTING)
        rc = go_on(o, err);
    if (rc == SPATE_OK)
        rc = take_rows(o, err);
    if (rc == SPATE_OK && (o->r->options->how == SPATE_RESHARD_COMMIT || o->r->options->commit))
        rc = commit(o, err);
    return rc;
}

/* Killed behind its last step but one. */
static int finish_end(online *o, spate_error *err)
{
    sp_phase phase = sp_steps_phase(o->steps);
    sp_phase end = phase == SP_PHASE_COMMITTING ? SP_PHASE_COMMITTED : SP_PHASE_ROLLED_BACK;
    return phase == SP_PHASE_COMMITTING || phase == SP_PHASE_ROLLING_BACK ? leave(o, end, err) : SPATE_OK;
}

static bool is_so(const online *o, const sp_placement *wanted)
{
    const sp_placement now = sp_lab_places(o->lab);
    unsigned shards = o->r->shards;
    bool same = o->r->options->placement ? sp_placement_is_same(&now, wanted) : sp_slot_map_end(&now.map) == shards;
    return same && o->lab->n_servers - 1 == shards && !o->lab->unswept;
}

static int run(online *o, spate_error *err)
{
    bool moves = o->r->options->how == SPATE_RESHARD_ONLINE;
    int rc = o->lab->other ? SPATE_OK : finish_end(o, err);
    if (rc != SPATE_OK)
        return rc;
    if (!o->lab->other && !moves)
        return sp_steps_phase(o->steps) == SP_PHASE_NONE ? sp_fail(err, SPATE_E_USAGE, "no move is open in this lab")
                                                         : SPATE_OK;
    rc = sp_lab_layout(o->lab, &o->r->source, &o->r->layout, err);
    sp_placement wanted = sp_lab_places(o->lab);
    if (rc == SPATE_OK && moves)
        rc = sp_resharding_aim(o->r, &wanted, err);
    if (rc == SPATE_OK && !o->lab->other && is_so(o, &wanted))
        return SPATE_OK;
    if (rc == SPATE_OK)
        rc = o->lab->other ? check_resumed(o, &wanted, err) : begin(o, &wanted, err);
    return rc == SPATE_OK ? run_open(o, err) : rc;
}

int sp_resharding_online(sp_resharding *r, spate_error *err)
{
    online o = {.r = r, .lab = r->lab};
    int rc = sp_steps_open(r->lab->directory, false, &o.steps, err);
    if (rc == SPATE_OK)
        rc = run(&o, err);
    r->report->pause_ms = (double)o.move.pause_us / 1e3;
    sp_lab_move_done(&o.move);
    int closed = sp_steps_close(o.steps, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? closed : rc;
}

int spate_lab_reshard_steps(spate_lab *lab, spate_lab_step_fn *fn, void *arg, char phase[32], spate_error *err)
{
    sp_steps *steps = NULL;
    int rc = sp_steps_open(lab->lab.directory, true, &steps, err);
    if (rc == SPATE_OK) {
        snprintf(phase, 32, "%s", sp_phase_name(sp_steps_phase(steps)));
        rc = sp_steps_each(steps, fn, arg, err);
    }
    (void)sp_steps_close(steps, NULL);
    return rc;
}
