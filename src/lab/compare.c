/* compare.c - whether the rows that move are the same on both sides; see move.h.
 *
 * A look is one shard's way to count what it gives, or what it takes: one question a table, whatever the number of pairs. All looks begin
 * their transactions at one moment at which nobody writes, and count while everybody does again. What the givers have together has to be
 * what the takers have. Slots are not counted apart, which costs a server as much as the hashes do, until a table is not the same: then
 * the same transactions say which of them. */
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
    slot_sum *sums;   /* of layout->n tables */
    uint32_t differs; /* the table that is counted by slots, and its counts: SP_SLOTS */
    slot_sum *slots;
} look;

typedef struct looks {
    look *all;
    uint32_t n;
} looks;

/* ---- the question: SELECT slot, rows, sum of hashes ---- */

/* Types that PostgreSQL has a hash function of, which is the same on every server: an enum's is of its number there. */
static bool has_hash(const sp_field *f)
{
    static const char *const texts[] = {"text", "character", "varchar", "bpchar", "jsonb"};
    const char *type = f->sql_type ? f->sql_type : "";
    if (f->type.kind == SP_LIST || f->n_labels > 0)
        return false;
    if (f->type.kind != SP_TEXT && f->type.kind != SP_JSON)
        return true;
    for (size_t i = 0; i < SP_COUNT(texts); i++)
        if (sp_str_ieq((sp_str){type, strcspn(type, " (")}, texts[i]))
            return true;
    return false;
}

/* Of all cells of a row; those without a hash as their text. */
static int add_hash(const sp_schema *s, sp_buf *sql)
{
    int built = sp_buf_adds(sql, "hash_record_extended(ROW(");
    for (uint32_t i = 0; i < s->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : "") || sp_sql_name(sql, s->fields[i].name) ||
                (!has_hash(&s->fields[i]) && sp_buf_adds(sql, "::text"));
    return built || sp_buf_adds(sql, "), 0)");
}

static int add_slot(const look *l, uint32_t table, sp_buf *sql, spate_error *err)
{
    const sp_layout *layout = l->m->r->layout;
    const sp_field *key = &layout->schemas[table]->fields[layout->placements[table]->key[0]];
    sp_buf column = {0};
    int rc = sp_sql_name(&column, key->name) ? sp_fail_nomem(err)
                                             : sp_placement_slot_sql(key, sp_pg_string(&column), sql, err);
    sp_buf_done(&column);
    return rc;
}

/* by_slot: a line for each; else all are in one, which is called 0. */
static int build(const look *l, uint32_t table, bool by_slot, sp_buf *sql, spate_error *err)
{
    const sp_schema *s = l->m->r->layout->schemas[table];
    int rc = sp_buf_adds(sql, by_slot ? "SELECT " : "SELECT 0") ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK && by_slot)
        rc = add_slot(l, table, sql, err);
    if (rc == SPATE_OK && (sp_buf_adds(sql, ", count(*), sum(") || add_hash(s, sql) || sp_buf_adds(sql, ") FROM ") ||
                           sp_sql_ident(sql, s->table) || sp_buf_adds(sql, " WHERE ")))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_reshard_leaving(l->m->r, l->shard, l->gives, table, sql, err);
    return rc == SPATE_OK && by_slot && sp_buf_adds(sql, " GROUP BY 1") ? sp_fail_nomem(err) : rc;
}

/* ---- the answers ---- */

static int count_table(look *l, uint32_t table, bool by_slot, slot_sum *sums, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res = NULL;
    int rc = build(l, table, by_slot, &sql, err);
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
        rc = layout->placements[t] ? count_table(l, t, false, &l->sums[t], err) : SPATE_OK;
    return rc;
}

static int count_slots(void *item, spate_error *err)
{
    look *l = item;
    memset(l->slots, 0, SP_SLOTS * sizeof(*l->slots));
    return count_table(l, l->differs, true, l->slots, err);
}

static bool is_same(slot_sum a, slot_sum b)
{
    return a.rows == b.rows && a.sum == b.sum;
}

static void add_to(slot_sum *all, slot_sum one)
{
    all->rows += one.rows;
    all->sum += one.sum;
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

/* Each slot's rows at the same moment: which of them are not the same. */
static int find_difference(const looks *l, uint32_t table, spate_error *err)
{
    slot_sum given[SP_SLOTS] = {0}, taken[SP_SLOTS] = {0};
    unsigned slot = 0;
    for (uint32_t i = 0; i < l->n; i++)
        l->all[i].differs = table;
    int rc = sp_lab_each(l->all, sizeof(*l->all), l->n, count_slots, err);
    for (uint32_t i = 0; i < l->n; i++)
        for (unsigned s = 0; s < SP_SLOTS; s++)
            add_to(l->all[i].gives ? &given[s] : &taken[s], l->all[i].slots[s]);
    while (slot < SP_SLOTS - 1 && is_same(given[slot], taken[slot]))
        slot++;
    return rc == SPATE_OK ? tell_difference(l->all->m->r, table, slot, given[slot].rows, taken[slot].rows, err) : rc;
}

static int compare_sums(const looks *l, const sp_layout *layout, uint64_t *rows, spate_error *err)
{
    for (uint32_t t = 0; t < layout->n; t++) {
        slot_sum given = {0}, taken = {0};
        for (uint32_t i = 0; i < l->n; i++)
            add_to(l->all[i].gives ? &given : &taken, l->all[i].sums[t]);
        if (!is_same(given, taken))
            return find_difference(l, t, err);
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
    l->sums = sp_alloc_zero(l->m->r->layout->n + 1, sizeof(*l->sums));
    l->slots = sp_alloc_zero(SP_SLOTS, sizeof(*l->slots));
    int rc = l->sums && l->slots ? sp_lab_connect(server, &l->conn, err) : sp_fail_nomem(err);
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
        sp_free(l->all[i].slots);
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
        rc = compare_sums(&l, m->r->layout, rows, err);
    *seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    close_looks(&l);
    return rc;
}
