/* compare.c - whether the rows that move are the same on both sides; see move.h.
 *
 * A look is one shard's way to count what it gives, or what it takes: one question a table, whatever the number of pairs. All looks begin
 * their transactions at one moment at which nobody writes, and count while everybody does again. What the givers have of a slot together
 * has to be what the takers have of it. */
#include "lab/check.h"
#include "lab/each.h"
#include "lab/move.h"

#include <stdlib.h>

typedef struct slot_sum {
    uint64_t rows;
    __int128 sum;
} slot_sum;

typedef struct look {
    const sp_lab_move *m;
    unsigned shard;
    bool gives;
    PGconn *conn;
    slot_sum *sums; /* layout->n tables of SP_SLOTS */
} look;

typedef struct looks {
    look *all;
    uint32_t n;
} looks;

/* ---- the question: SELECT slot, rows, sum of hashes ---- */

/* Types whose own hash functions PostgreSQL takes for a row's; others are hashed as text. */
static bool has_hash(const sp_field *f)
{
    static const char *const texts[] = {"text", "character", "varchar", "bpchar", "char"};
    if (f->type.kind == SP_JSON || f->type.kind == SP_LIST || f->type.kind == SP_BYTES)
        return false;
    if (f->type.kind != SP_TEXT)
        return true;
    for (size_t i = 0; f->sql_type && i < SP_COUNT(texts); i++)
        if (strncmp(f->sql_type, texts[i], strlen(texts[i])) == 0)
            return true;
    return false;
}

static bool has_row_hash(const sp_schema *s)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (!has_hash(&s->fields[i]))
            return false;
    return true;
}

static int build(const look *l, uint32_t table, sp_buf *sql, spate_error *err)
{
    const sp_reshard *r = l->m->r;
    const sp_schema *s = r->layout->schemas[table];
    const sp_field *key = &s->fields[r->layout->placements[table]->key[0]];
    bool own = has_row_hash(s);
    sp_buf column = {0};
    int built = sp_sql_name(&column, key->name) ||
                sp_buf_adds(sql, own ? "SELECT slot, count(*), sum(hash_record_extended(ROW("
                                     : "SELECT slot, count(*), sum(hashtextextended(ROW(") ||
                sp_reshard_columns(s, sql) ||
                sp_buf_adds(sql, own ? "), 0)) FROM (SELECT " : ")::text, 0)) FROM (SELECT ");
    int rc = built ? sp_fail_nomem(err) : sp_placement_slot_sql(key, sp_pg_string(&column), sql, err);
    if (rc == SPATE_OK && (sp_buf_adds(sql, " AS slot, ") || sp_reshard_columns(s, sql) || sp_buf_adds(sql, " FROM ") ||
                           sp_sql_ident(sql, s->table) || sp_buf_adds(sql, " WHERE ")))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_reshard_leaving(r, l->shard, l->gives, table, sql, err);
    if (rc == SPATE_OK && sp_buf_adds(sql, ") moving GROUP BY 1"))
        rc = sp_fail_nomem(err);
    sp_buf_done(&column);
    return rc;
}

/* ---- the answers ---- */

static int count_table(look *l, uint32_t table, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res = NULL;
    slot_sum *sums = l->sums + (size_t)table * SP_SLOTS;
    int rc = build(l, table, &sql, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_lab_shard(l->m->r->lab, l->shard), l->conn, sp_pg_string(&sql), &res, err, "counting rows");
    for (int i = 0; rc == SPATE_OK && i < sp_pq.ntuples(res); i++) {
        unsigned long slot = strtoul(sp_pq.getvalue(res, i, 0), NULL, 10);
        if (slot < SP_SLOTS)
            sums[slot] =
                (slot_sum){strtoull(sp_pq.getvalue(res, i, 1), NULL, 10), sp_read_sum(sp_pq.getvalue(res, i, 2))};
    }
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc;
}

static int count_all(void *item, spate_error *err)
{
    look *l = item;
    const sp_layout *layout = l->m->r->layout;
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++)
        rc = layout->placements[t] ? count_table(l, t, err) : SPATE_OK;
    return rc;
}

static slot_sum add_up(const looks *l, bool gives, uint32_t table, unsigned slot)
{
    slot_sum all = {0};
    for (uint32_t i = 0; i < l->n; i++) {
        const slot_sum *one = &l->all[i].sums[(size_t)table * SP_SLOTS + slot];
        if (l->all[i].gives != gives)
            continue;
        all.rows += one->rows;
        all.sum += one->sum;
    }
    return all;
}

static int tell_difference(const sp_reshard *r, uint32_t table, unsigned slot, uint64_t given, uint64_t taken,
                           spate_error *err)
{
    bool by_slots = r->before.placing == SP_PLACE_HASH && r->after.placing == SP_PLACE_HASH;
    const char *giver = by_slots ? sp_lab_shard(r->lab, r->before.map.owner[slot])->name : "those before";
    const char *taker = by_slots ? sp_lab_shard(r->lab, r->after.map.owner[slot])->name : "those after";
    const char *has = by_slots ? "has" : "have";
    return sp_fail(err, SPATE_E_DATA, "table \"%s\", slot %u: %s %s %llu rows and %s %s %llu, or others",
                   r->layout->schemas[table]->table, slot, giver, has, (unsigned long long)given, taker, has,
                   (unsigned long long)taken);
}

static int compare_sums(const sp_reshard *r, const looks *l, uint64_t *rows, spate_error *err)
{
    for (uint32_t t = 0; t < r->layout->n; t++)
        for (unsigned slot = 0; r->layout->placements[t] && slot < SP_SLOTS; slot++) {
            slot_sum given = add_up(l, true, t, slot), taken = add_up(l, false, t, slot);
            if (given.rows != taken.rows || given.sum != taken.sum)
                return tell_difference(r, t, slot, given.rows, taken.rows, err);
            *rows += given.rows + taken.rows;
        }
    return SPATE_OK;
}

/* ---- one moment ---- */

static int say_to_looks(const looks *l, const char *sql, spate_error *err)
{
    sp_lab_question all[2 * SP_SHARDS_MAX];
    for (uint32_t i = 0; i < l->n; i++)
        all[i] = (sp_lab_question){sp_lab_shard(l->all[i].m->r->lab, l->all[i].shard), l->all[i].conn, sql};
    return sp_lab_ask_all(all, l->n, NULL, err, "taking a snapshot");
}

/* The first question of a transaction takes its snapshot; whoever tries again begins anew. */
static int take_snapshots(sp_lab_move *m, void *arg, spate_error *err)
{
    (void)m;
    return say_to_looks(arg, "SELECT 1", err);
}

static int begin_anew(void *arg, spate_error *err)
{
    int rc = say_to_looks(arg, "ROLLBACK", err);
    return rc == SPATE_OK ? say_to_looks(arg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) : rc;
}

/* Compiling a question takes longer than asking it. */
static int open_look(look *l, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(l->m->r->lab, l->shard);
    l->sums = sp_alloc_zero((size_t)l->m->r->layout->n * SP_SLOTS, sizeof(*l->sums));
    int rc = l->sums ? sp_lab_connect(server, &l->conn, err) : sp_fail_nomem(err);
    return rc == SPATE_OK ? sp_lab_run(server, l->conn, "SET client_min_messages = error; SET jit = off", NULL, err,
                                       "preparing to count")
                          : rc;
}

static int open_looks(const sp_lab_move *m, looks *l, spate_error *err)
{
    int rc = SPATE_OK;
    l->all = sp_alloc_zero(2 * m->shards, sizeof(*l->all));
    if (!l->all)
        return sp_fail_nomem(err);
    for (unsigned i = 0; i < 2 * m->shards && rc == SPATE_OK; i++) {
        unsigned shard = i / 2;
        bool gives = i % 2 == 0;
        if (!(gives ? sp_lab_move_gives(m, shard) : sp_lab_move_takes(m, shard)))
            continue;
        l->all[l->n] = (look){.m = m, .shard = shard, .gives = gives};
        rc = open_look(&l->all[l->n++], err);
    }
    return rc;
}

static void close_looks(looks *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->all[i].conn)
            sp_pq.finish(l->all[i].conn);
        sp_free(l->all[i].sums);
    }
    sp_free(l->all);
}

int sp_lab_move_compare(sp_lab_move *m, bool back, uint64_t *rows, double *seconds, spate_error *err)
{
    looks l = {0};
    *rows = 0;
    *seconds = 0;
    int rc = open_looks(m, &l, err);
    if (rc == SPATE_OK)
        rc = sp_lab_move_at_rest(m, back, &(sp_lab_move_rest){begin_anew, take_snapshots, &l}, err);
    int64_t start = sp_os_monotonic_us();
    if (rc == SPATE_OK)
        rc = sp_lab_each(l.all, sizeof(*l.all), l.n, count_all, err);
    if (rc == SPATE_OK)
        rc = compare_sums(m->r, &l, rows, err);
    *seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    close_looks(&l);
    return rc;
}
