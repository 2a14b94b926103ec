/* turn.c - the moments of a move at which nobody writes what moves; see move.h.
 *
 *     sources: gates closed, markers behind the last that was written, to NEITHER --> markers have come --> the others to AFTER
 *              --> sources to AFTER, gates open
 *
 * An arrow is one message to each shard: on a busy machine its way there and back is what a moment is made of. A source is a shard at
 * which a stream begins in this direction: only there rows that move can be written before. The others refuse them until they are
 * turned, so their writers need not wait, nor are they waited for. A shard may be a source and take rows, too: none goes to AFTER before
 * all sources have left BEFORE, so whatever dies on the way, no row is taken by two.
 * Gates and sides are for the session that has the right to them, taken before: a server ends it when it has not heard of it for a
 * second. So a mover that was stopped opens its gates, and turns nothing any more; and who has the right knows that no order of another
 * is still on its way. */
#include "lab/move.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 60, TRY_PAUSE_US = 50000, LOOK_US = 200, STATEMENT_MAX = 160 };

/* How long a try may keep writers waiting until the markers have come: politely at first. What is done then takes a millisecond or two. */
static int64_t limit_of(int attempt)
{
    return attempt < 8 ? 8000 : attempt < 16 ? 18000 : attempt < 24 ? 38000 : attempt < 40 ? 200000 : 1000000;
}

/* ---- the gates ---- */

/* The same statement for all shards at once. */
static int say_to_all(const sp_lab_move *m, PGconn *const *conns, const char *sql, spate_error *err, const char *what)
{
    sp_lab_question all[SP_SHARDS_MAX];
    for (unsigned s = 0; s < m->shards; s++)
        all[s] = (sp_lab_question){sp_lab_shard(m->r->lab, s), conns[s], sql};
    return sp_lab_ask_all(all, m->shards, NULL, err, what);
}

/* A session's first statements take longer than all others: these are what the gate is going to be, but that they leave nothing. The log says
 * where it is, or a turn to AFTER would be the first to ask. */
static const char rehearsal[] =
    "BEGIN; INSERT INTO spate_lab.marker VALUES ('', 0); SELECT setval('spate_lab.side', last_value), (pg_current_wal_insert_lsn() - '0/0')::bigint FROM spate_lab.side; ROLLBACK";

/* One shard after the other, as everybody does who takes rights: so that nobody waits in a circle. A session that a server ends when it
 * is silent has to have something to say soon. */
static int take_gate(sp_lab_move *m, unsigned shard, int attempt, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->r->lab, shard);
    const char *what = "preparing the gate";
    char sql[2 * STATEMENT_MAX];
    int rc = sp_lab_connect(server, &m->gates[shard], err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, m->gates[shard], "SET lock_timeout = '300ms'; SET idle_session_timeout = '1s'", NULL,
                        err, what);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, m->gates[shard], sp_right_take, NULL, err, what);
    if (rc == SPATE_OK)
        rc = sp_fence_side(server, m->gates[shard], &m->sides[shard], err);
    snprintf(sql, sizeof(sql), "%s; SET lock_timeout = %lld", rehearsal, (long long)limit_of(attempt) / 1000 / 2);
    return rc == SPATE_OK ? sp_lab_run(server, m->gates[shard], sql, NULL, err, what) : rc;
}

static int take_gates(sp_lab_move *m, int attempt, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < m->shards && rc == SPATE_OK; s++)
        rc = take_gate(m, s, attempt, err);
    return rc;
}

/* Whoever is gone has opened his gate, and has no right. */
static void leave_gates(sp_lab_move *m)
{
    for (unsigned s = 0; s < m->shards; s++) {
        if (m->gates[s])
            sp_pq.finish(m->gates[s]);
        m->gates[s] = NULL;
    }
}

/* ---- markers ---- */

static const sp_stream *stream_of(const sp_lab_move_pair *p, bool back)
{
    return back ? &p->back : &p->forth;
}

static bool begins_at(const sp_lab_move_pair *p, bool back, unsigned shard)
{
    return (back ? p->pair->to : p->pair->from) == shard;
}

static bool is_source(const sp_lab_move *m, bool back, unsigned shard)
{
    return back ? sp_lab_move_takes(m, shard) : sp_lab_move_gives(m, shard);
}

/* INSERT of the markers of all streams that begin at the shard. */
static int add_markers(const sp_lab_move *m, bool back, unsigned shard, int64_t number, sp_buf *sql)
{
    const char *between = "INSERT INTO spate_lab.marker VALUES ";
    int built = SPATE_OK;
    for (uint32_t i = 0; i < m->r->n_pairs && !built; i++) {
        if (!begins_at(&m->pairs[i], back, shard))
            continue;
        built = sp_buf_printf(sql, "%s('%s', %lld)", between, stream_of(&m->pairs[i], back)->name, (long long)number);
        between = ", ";
    }
    return built;
}

/* How many markers of that number are to come to the shard, and the question how many have. */
static int add_look(const sp_lab_move *m, bool back, unsigned shard, int64_t number, uint32_t *n, sp_buf *sql)
{
    const char *between = "SELECT count(*) FROM spate_lab.marker WHERE pair IN (";
    int built = SPATE_OK;
    *n = 0;
    for (uint32_t i = 0; i < m->r->n_pairs && !built; i++) {
        if (!begins_at(&m->pairs[i], !back, shard))
            continue;
        built = sp_buf_printf(sql, "%s'%s'", between, stream_of(&m->pairs[i], back)->name);
        between = ", ";
        ++*n;
    }
    return built || (*n && sp_buf_printf(sql, ") AND n = %lld", (long long)number));
}

static int await_at(const sp_lab_move *m, bool back, unsigned shard, int64_t number, int64_t limit_us, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->r->lab, shard);
    sp_buf sql = {0};
    PGresult *res = NULL;
    uint32_t expected;
    int rc = add_look(m, back, shard, number, &expected, &sql) ? sp_fail_nomem(err) : SPATE_OK;
    for (bool there = expected == 0; !there && rc == SPATE_OK;) {
        rc = sp_lab_run(server, m->conns[shard], sp_pg_string(&sql), &res, err, "looking for markers");
        if (rc != SPATE_OK)
            break;
        there = strtoul(sp_pq.getvalue(res, 0, 0), NULL, 10) == expected;
        sp_pq.clear(res);
        if (!there && sp_os_monotonic_us() > limit_us)
            rc = sp_fail(err, SPATE_E_RETRY, "a stream to %s is behind", server->name);
        else if (!there)
            sp_os_sleep_us(LOOK_US);
    }
    sp_buf_done(&sql);
    return rc;
}

static int await_markers(const sp_lab_move *m, bool back, int64_t number, int64_t limit_us, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < m->shards && rc == SPATE_OK; s++)
        rc = await_at(m, back, s, number, limit_us, err);
    return rc;
}

/* What a source is told at a gate: to close it, to write the markers of its streams and, turning, to take no rows that move. */
static int add_closing(bool turning, sp_buf *markers, sp_buf *sql)
{
    return sp_buf_adds(sql, sp_gate_close) || sp_buf_adds(sql, ";") || sp_buf_adds(sql, sp_pg_string(markers)) ||
           (turning && (sp_buf_adds(sql, ";") || sp_buf_adds(sql, sp_fence_turn(SP_SIDE_NEITHER))));
}

/* Markers of that number behind all that was written: at closed gates, or as the streams go. */
typedef enum when { AS_THEY_GO, AT_GATES, TURNING } when;

static int write_markers(const sp_lab_move *m, when w, bool back, int64_t number, spate_error *err)
{
    sp_lab_question all[SP_SHARDS_MAX];
    sp_buf texts[SP_SHARDS_MAX] = {{0}};
    uint32_t n = 0;
    int built = SPATE_OK;
    for (unsigned s = 0; s < m->shards && !built; s++) {
        sp_buf markers = {0};
        if (!is_source(m, back, s))
            continue;
        built = add_markers(m, back, s, number, &markers) ||
                (w == AS_THEY_GO ? sp_buf_adds(&texts[s], sp_pg_string(&markers))
                                 : add_closing(w == TURNING, &markers, &texts[s]));
        sp_buf_done(&markers);
        all[n++] = (sp_lab_question){sp_lab_shard(m->r->lab, s), w == AS_THEY_GO ? m->conns[s] : m->gates[s],
                                     sp_pg_string(&texts[s])};
    }
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_ask_all(all, n, NULL, err, w == AS_THEY_GO ? "writing markers" : "waiting for writers");
    for (unsigned s = 0; s < m->shards; s++)
        sp_buf_done(&texts[s]);
    return rc;
}

/* Everything that was committed at the streams' sources before this call has come when it returns. */
static int pass_markers(const sp_lab_move *m, when w, bool back, int64_t limit_us, spate_error *err)
{
    int64_t number = sp_os_wall_us();
    int rc = write_markers(m, w, back, number, err);
    return rc == SPATE_OK ? await_markers(m, back, number, limit_us, err) : rc;
}

/* ---- catching up ---- */

enum { NEAR_US = 8000, PATIENCE_US = 1000000, STUCK_US = 60000000, PASSES_MAX = 10 };

typedef struct progress { /* of a stream */
    uint64_t confirmed;   /* what its slot's reader has told that it has, as a hash */
    int64_t since_us;
} progress;

/* A stream that an error holds begins again and again; only that it does not move shows. */
static int look_at(const sp_lab_move_pair *p, bool back, progress *seen, spate_error *err)
{
    const sp_stream *s = stream_of(p, back);
    char sql[STATEMENT_MAX];
    PGresult *res = NULL;
    snprintf(sql, sizeof(sql), "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '%s'", s->name);
    int rc = sp_lab_run(sp_stream_source(s), back ? p->to : p->from, sql, &res, err, "asking for a slot");
    if (rc != SPATE_OK)
        return rc;
    const char *lsn = sp_pq.ntuples(res) ? sp_pq.getvalue(res, 0, 0) : "";
    uint64_t now = sp_hash64(lsn, strlen(lsn), 1);
    if (now != seen->confirmed)
        *seen = (progress){now, sp_os_monotonic_us()};
    if (!*lsn)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "%s has lost the replication slot %s", sp_stream_source(s)->name,
                     s->name);
    else if (sp_os_monotonic_us() - seen->since_us > STUCK_US) {
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "the stream from %s to %s does not move", sp_stream_source(s)->name,
                     sp_stream_target(s)->name);
        sp_error_hint(err, "their logs say why: spate lab logs");
    }
    sp_pq.clear(res);
    return rc;
}

static int wait_until_near(sp_lab_move *m, bool back, progress *seen, spate_error *err)
{
    for (int passes = 0;;) {
        int64_t start = sp_os_monotonic_us();
        int rc = pass_markers(m, AS_THEY_GO, back, start + PATIENCE_US, err);
        if (rc == SPATE_OK && (sp_os_monotonic_us() - start < NEAR_US || ++passes == PASSES_MAX))
            return SPATE_OK; /* or as near as it comes on this machine: the gate has the last word */
        if (rc == SPATE_OK || rc == SPATE_E_RETRY)
            rc = sp_lab_move_interrupted(m, err);
        for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++)
            rc = look_at(&m->pairs[i], back, &seen[i], err);
        if (rc != SPATE_OK)
            return rc;
    }
}

int sp_lab_move_catch_up(sp_lab_move *m, bool back, spate_error *err)
{
    progress *seen = sp_alloc_zero(m->r->n_pairs + 1, sizeof(*seen));
    int rc = seen ? wait_until_near(m, back, seen, err) : sp_fail_nomem(err);
    sp_free(seen);
    return rc;
}

/* ---- behind closed gates ---- */

/* A lock, an answer or a word of ours that did not come in time: others were kept waiting long enough. */
static bool was_too_slow(const spate_error *err)
{
    return err->status == SPATE_E_RETRY || strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "57P05") == 0;
}

/* To the sources, or to all others. */
static int say_to(const sp_lab_move *m, bool back, bool sources, const char *sql, spate_error *err, const char *what)
{
    sp_lab_question all[SP_SHARDS_MAX];
    uint32_t n = 0;
    for (unsigned s = 0; s < m->shards; s++)
        if (is_source(m, back, s) == sources)
            all[n++] = (sp_lab_question){sp_lab_shard(m->r->lab, s), m->gates[s], sql};
    return sp_lab_ask_all(all, n, NULL, err, what);
}

/* fn closes the gates, does what is to be done while nobody writes, and opens them; prepare, unless it is NULL, is called before. Tried
 * until that is short enough. */
typedef int gated(sp_lab_move *m, bool back, const sp_lab_move_rest *rest, spate_error *err);

static int try_once(sp_lab_move *m, bool back, int attempt, gated *fn, const sp_lab_move_rest *rest, spate_error *err)
{
    int rc = take_gates(m, attempt, err);
    m->closed_us = sp_os_monotonic_us();
    m->limit_us = m->closed_us + limit_of(attempt);
    if (rc == SPATE_OK)
        rc = fn(m, back, rest, err);
    if (rc != SPATE_OK)
        leave_gates(m);
    m->pause_us = SP_MAX(m->pause_us, sp_os_monotonic_us() - m->closed_us);
    leave_gates(m);
    return rc;
}

static int behind_gates(sp_lab_move *m, bool back, gated *fn, const sp_lab_move_rest *rest, spate_error *err)
{
    spate_error why = {0};
    int rc = SPATE_OK;
    for (int attempt = 0; attempt < TRIES && rc == SPATE_OK; attempt++) {
        rc = sp_lab_move_catch_up(m, back, err);
        if (rc == SPATE_OK && rest)
            rc = rest->prepare(rest->arg, err);
        if (rc != SPATE_OK)
            return rc;
        why = (spate_error){0};
        int tried = try_once(m, back, attempt, fn, rest, &why);
        if (tried == SPATE_OK)
            return SPATE_OK;
        if (!was_too_slow(&why))
            rc = tried;
        sp_os_sleep_us(TRY_PAUSE_US);
        if (rc == SPATE_OK)
            rc = sp_lab_move_interrupted(m, &why);
    }
    if (err)
        *err = why;
    return rc == SPATE_OK ? SPATE_E_UNREACHABLE : rc;
}

/* ---- at rest ---- */

static int be_at_rest(sp_lab_move *m, bool back, const sp_lab_move_rest *rest, spate_error *err)
{
    int rc = pass_markers(m, AT_GATES, back, m->limit_us, err);
    if (rc == SPATE_OK)
        rc = rest->fn(m, rest->arg, err);
    return rc == SPATE_OK ? say_to(m, back, true, sp_gate_open, err, "opening the gate") : rc;
}

int sp_lab_move_at_rest(sp_lab_move *m, bool back, const sp_lab_move_rest *rest, spate_error *err)
{
    return behind_gates(m, back, be_at_rest, rest, err);
}

/* ---- turning ---- */

/* Sources last: whoever is refused there, once the gate is open, is taken by the shard that he asks next. A source that is turned may open
 * its gate before others are: those keep theirs closed. */
static int turn_to(const sp_lab_move *m, bool back, sp_side side, spate_error *err)
{
    char sql[2 * STATEMENT_MAX], opening[3 * STATEMENT_MAX];
    snprintf(sql, sizeof(sql), "%s;%s", sp_fence_lazily, sp_fence_turn(side));
    snprintf(opening, sizeof(opening), "%s;%s", sql, sp_gate_open);
    int rc = say_to(m, back, false, sql, err, "turning");
    return rc == SPATE_OK ? say_to(m, back, true, opening, err, "turning") : rc;
}

/* To what they were before: NEITHER stays, for it tells that an earlier turn may have come as far as to others, who have taken rows since. */
static int unturn(const sp_lab_move *m, bool back)
{
    sp_lab_question all[SP_SHARDS_MAX];
    uint32_t n = 0;
    for (unsigned s = 0; s < m->shards; s++)
        if (is_source(m, back, s) && m->sides[s] != SP_SIDE_NEITHER)
            all[n++] = (sp_lab_question){sp_lab_shard(m->r->lab, s), m->conns[s], sp_fence_turn(m->sides[s])};
    return sp_lab_ask_all(all, n, NULL, NULL, "turning");
}

/* From the first step on no shard takes writes of rows that move; each is turned by the session that has the right to. The second one need
 * not reach the disk behind the gate: see keep. */
static int turn(sp_lab_move *m, bool back, const sp_lab_move_rest *unused, spate_error *err)
{
    (void)unused;
    sp_side side = back ? SP_SIDE_BEFORE : SP_SIDE_AFTER;
    spate_error why = {0};
    int rc = pass_markers(m, TURNING, back, m->limit_us, err);
    if (rc == SPATE_OK && turn_to(m, back, side, &why) == SPATE_OK)
        return SPATE_OK;
    if (rc == SPATE_OK) /* some may be turned: there is no way back from here but to settle it */
        return sp_fail(err, SPATE_E_UNREACHABLE, "a turn was interrupted: %s", why.message);
    if (unturn(m, back) != SPATE_OK)
        return sp_fail(err, SPATE_E_UNREACHABLE, "a turn was interrupted and could not be undone yet");
    return rc;
}

/* On disk, before anybody is told of it. */
static int keep(const sp_lab_move *m, spate_error *err)
{
    return say_to_all(m, m->conns, sp_fence_keep, err, "turning");
}

int sp_lab_move_turn(sp_lab_move *m, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++)
        rc = sp_stream_keep(&m->pairs[i].back, m->pairs[i].to, err);
    if (rc == SPATE_OK)
        rc = behind_gates(m, false, turn, NULL, err);
    return rc == SPATE_OK ? keep(m, err) : rc;
}

int sp_lab_move_turn_back(sp_lab_move *m, spate_error *err)
{
    int rc = behind_gates(m, true, turn, NULL, err);
    return rc == SPATE_OK ? keep(m, err) : rc;
}

/* ---- after an interruption ---- */

static int settle(const sp_lab_move *m, bool *turned, spate_error *err)
{
    int rc = SPATE_OK;
    *turned = false;
    for (unsigned s = 0; s < m->shards && rc == SPATE_OK; s++) {
        sp_side side;
        rc = sp_fence_side(sp_lab_shard(m->r->lab, s), m->conns[s], &side, err);
        *turned |= rc == SPATE_OK && side == SP_SIDE_AFTER;
    }
    if (rc == SPATE_OK)
        rc = say_to_all(m, m->conns, sp_fence_turn(*turned ? SP_SIDE_AFTER : SP_SIDE_BEFORE), err, "turning");
    return rc == SPATE_OK ? keep(m, err) : rc;
}

/* A session of a mover that was killed may still be waiting at a gate, to tell its shard then what it was sent with: so its turn comes first. */
int sp_lab_move_settle(sp_lab_move *m, bool *turned, spate_error *err)
{
    int rc = SPATE_OK;
    unsigned taken = 0;
    for (; taken < m->shards && rc == SPATE_OK; taken += rc == SPATE_OK)
        rc =
            sp_lab_run(sp_lab_shard(m->r->lab, taken), m->conns[taken], sp_right_take, NULL, err, "waiting for a turn");
    if (rc == SPATE_OK)
        rc = settle(m, turned, err);
    while (taken-- > 0) {
        int left = sp_lab_run(sp_lab_shard(m->r->lab, taken), m->conns[taken], sp_right_leave, NULL,
                              rc == SPATE_OK ? err : NULL, "settling a turn");
        rc = rc == SPATE_OK ? left : rc;
    }
    return rc;
}
