/* compare.c - whether the rows that move are the same on both sides; see move.h.
 *
 * Both sides begin their transactions at one moment at which nobody writes, and count while everybody does again. */
#include "lab/each.h"
#include "lab/move.h"

#include <stdio.h>
#include <stdlib.h>

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

static int build(const sp_lab_move *m, const sp_lab_move_pair *p, uint32_t table, sp_buf *sql, spate_error *err)
{
    const sp_schema *s = m->r->layout->schemas[table];
    const sp_field *key = &s->fields[m->r->layout->placements[table]->key[0]];
    bool own = has_row_hash(s);
    sp_buf column = {0};
    int built = sp_sql_name(&column, key->name) || sp_buf_adds(sql, own ? "SELECT slot, count(*), sum(hash_record_extended(ROW("
                                                                        : "SELECT slot, count(*), sum(hashtextextended(ROW(") ||
                sp_reshard_columns(s, sql) || sp_buf_adds(sql, own ? "), 0)) FROM (SELECT " : ")::text, 0)) FROM (SELECT ");
    int rc = built ? sp_fail_nomem(err) : sp_placement_slot_sql(key, sp_pg_string(&column), sql, err);
    if (rc == SPATE_OK && (sp_buf_adds(sql, " AS slot, ") || sp_reshard_columns(s, sql) || sp_buf_adds(sql, " FROM ") ||
                           sp_sql_ident(sql, s->table) || sp_buf_adds(sql, " WHERE ")))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_reshard_condition(m->r, p->pair, table, "", sql, err);
    if (rc == SPATE_OK && sp_buf_adds(sql, ") moving GROUP BY 1 ORDER BY 1"))
        rc = sp_fail_nomem(err);
    sp_buf_done(&column);
    return rc;
}

/* ---- the answers ---- */

typedef struct comparison {
    const sp_lab_move *m;
    const sp_lab_move_pair *p;
    uint64_t rows;
} comparison;

static const char *cell(PGresult *res, int row, int column)
{
    return row < sp_pq.ntuples(res) ? sp_pq.getvalue(res, row, column) : "no";
}

static int compare_slots(comparison *c, uint32_t table, PGresult *given, PGresult *taken, spate_error *err)
{
    int n = SP_MAX(sp_pq.ntuples(given), sp_pq.ntuples(taken));
    for (int i = 0; i < n; i++) {
        for (int column = 0; column < 3; column++)
            if (strcmp(cell(given, i, column), cell(taken, i, column)) != 0)
                return sp_fail(err, SPATE_E_DATA, "table \"%s\", slot %s: %s has %s rows and %s has %s, or others",
                               c->m->r->layout->schemas[table]->table, cell(given, i, 0), sp_stream_source(&c->p->forth)->name,
                               cell(given, i, 1), sp_stream_target(&c->p->forth)->name, cell(taken, i, 1));
        c->rows += 2 * strtoull(cell(given, i, 1), NULL, 10);
    }
    return SPATE_OK;
}

static int compare_table(comparison *c, uint32_t table, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res[2] = {NULL, NULL};
    int rc = build(c->m, c->p, table, &sql, err);
    if (rc == SPATE_OK) {
        const sp_lab_question both[] = {{sp_stream_source(&c->p->forth), c->p->from, sp_pg_string(&sql)},
                                        {sp_stream_target(&c->p->forth), c->p->to, sp_pg_string(&sql)}};
        rc = sp_lab_ask_all(both, 2, res, err, "counting rows");
    }
    if (rc == SPATE_OK)
        rc = compare_slots(c, table, res[0], res[1], err);
    sp_pq.clear(res[0]);
    sp_pq.clear(res[1]);
    sp_buf_done(&sql);
    return rc;
}

static int compare_pair(void *item, spate_error *err)
{
    comparison *c = item;
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < c->m->r->layout->n && rc == SPATE_OK; t++)
        rc = c->m->r->layout->placements[t] ? compare_table(c, t, err) : SPATE_OK;
    return rc;
}

/* ---- one moment ---- */

static int tell_pairs(sp_lab_move *m, const char *sql, spate_error *err)
{
    uint32_t n = 0;
    sp_lab_question *all = sp_alloc_zero(2 * m->r->n_pairs + 1, sizeof(*all));
    if (!all)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < m->r->n_pairs; i++) {
        all[n++] = (sp_lab_question){sp_stream_source(&m->pairs[i].forth), m->pairs[i].from, sql};
        all[n++] = (sp_lab_question){sp_stream_target(&m->pairs[i].forth), m->pairs[i].to, sql};
    }
    int rc = sp_lab_ask_all(all, n, NULL, err, "taking a snapshot");
    sp_free(all);
    return rc;
}

/* The first statement of a transaction takes its snapshot. */
static int take_snapshots(sp_lab_move *m, void *unused, spate_error *err)
{
    (void)unused;
    int rc = tell_pairs(m, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    if (rc == SPATE_OK)
        rc = tell_pairs(m, "SELECT 1", err);
    if (rc != SPATE_OK)
        (void)!tell_pairs(m, "ROLLBACK", NULL);
    return rc;
}

int sp_lab_move_compare(sp_lab_move *m, bool back, uint64_t *rows, double *seconds, spate_error *err)
{
    comparison *all = sp_alloc_zero(m->r->n_pairs + 1, sizeof(*all));
    *rows = 0;
    *seconds = 0;
    if (!all)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < m->r->n_pairs; i++)
        all[i] = (comparison){.m = m, .p = &m->pairs[i]};
    int rc = sp_lab_move_at_rest(m, back, take_snapshots, NULL, err);
    int64_t start = sp_os_monotonic_us();
    if (rc == SPATE_OK)
        rc = sp_lab_each(all, sizeof(*all), m->r->n_pairs, compare_pair, err);
    *seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    int ended = tell_pairs(m, "ROLLBACK", rc == SPATE_OK ? err : NULL);
    for (uint32_t i = 0; i < m->r->n_pairs; i++)
        *rows += all[i].rows;
    sp_free(all);
    return rc == SPATE_OK ? ended : rc;
}
