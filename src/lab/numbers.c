/* numbers.c - see numbers.h. */
#include "lab/numbers.h"

#include "lab/link.h"

#include <stdlib.h>

/* A column of a placed table, and the sequence that numbers it as it would without shards. */
typedef struct number {
    uint32_t table;
    const char *column;
    sp_cat_sequence s;
    bool reached; /* some have been given, or are in rows: the furthest is */
    int64_t last;
} number;

typedef struct numbers {
    const sp_lab *lab;
    const sp_layout *l;
    int of; /* whose sequences they are: a shard's, or main's */
    sp_arena arena;
    number *all;
    uint32_t n;
    sp_catalog *shards; /* what each has */
} numbers;

static __int128 at(const sp_cat_sequence *s, __int128 i)
{
    return s->start + i * s->step;
}

static bool is_within(const sp_cat_sequence *s, __int128 v)
{
    return v >= s->min && v <= s->max;
}

bool sp_numbers_suffice(const sp_cat_sequence *s)
{
    __int128 step = (__int128)s->step * SP_NUMBERS_WAYS;
    return is_within(s, at(s, SP_NUMBERS_WAYS - 1)) && step >= INT64_MIN && step <= INT64_MAX;
}

/* ---- which there are ---- */

static const sp_cat_column *find_column(const sp_catalog *c, const sp_layout *l, uint32_t table, const char *column)
{
    const sp_cat_table *t = sp_catalog_shown(c, l->schemas[table]->table);
    int i = t ? sp_catalog_find_column(t, sp_str_of(column)) : -1;
    return i < 0 ? NULL : &t->columns[i];
}

/* A shard's own sequence as it would be without shards. False: it is none that was shared. */
static bool make_whole(sp_cat_sequence *s, int shard)
{
    if (shard == SP_NUMBERS_OF_MAIN)
        return true;
    bool shared = s->step % SP_NUMBERS_WAYS == 0;
    s->step /= SP_NUMBERS_WAYS;
    s->start -= shard * s->step;
    return shared;
}

static bool add_column(numbers *m, uint32_t table, const sp_cat_column *c)
{
    if (!c->sequence)
        return true;
    number *grown = sp_arena_alloc(&m->arena, m->n + 1, sizeof(*grown));
    if (!grown)
        return false;
    if (m->n)
        memcpy(grown, m->all, m->n * sizeof(*grown));
    number made = {.table = table,
                   .column = c->name,
                   .s = *c->sequence,
                   .reached = c->sequence->called,
                   .last = c->sequence->last};
    m->all = grown;
    if (make_whole(&made.s, m->of))
        m->all[m->n++] = made;
    return true;
}

static int find_all(numbers *m, const sp_catalog *like, spate_error *err)
{
    bool ok = true;
    for (uint32_t table = 0; table < m->l->n && ok; table++) {
        const sp_cat_table *t = m->l->placements[table] ? sp_catalog_shown(like, m->l->schemas[table]->table) : NULL;
        for (uint32_t i = 0; t && i < t->n_columns && ok; i++)
            ok = add_column(m, table, &t->columns[i]);
    }
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

/* ---- how far they have come ---- */

static void reach(number *n, int64_t value)
{
    bool further = !n->reached || (n->s.step > 0 ? value > n->last : value < n->last);
    n->last = further ? value : n->last;
    n->reached = true;
}

static int ask(number *n, const sp_lab_server *server, PGconn *conn, sp_buf *sql, int built, spate_error *err)
{
    PGresult *res = NULL;
    int rc = built ? sp_fail_nomem(err) : sp_lab_run(server, conn, sp_pg_string(sql), &res, err, "looking for numbers");
    if (rc == SPATE_OK && !sp_pq.getisnull(res, 0, 0))
        reach(n, strtoll(sp_pq.getvalue(res, 0, 0), NULL, 10));
    sp_pq.clear(res);
    sp_buf_done(sql);
    return rc;
}

/* In rows, whoever has numbered them. */
static int look_at_rows(number *n, const numbers *m, const sp_lab_server *server, PGconn *conn, spate_error *err)
{
    sp_buf sql = {0}, name = {0};
    int built =
        sp_sql_name(&name, n->column) ||
        sp_buf_printf(&sql, "SELECT %s(%s)::bigint FROM ", n->s.step > 0 ? "max" : "min", sp_pg_string(&name)) ||
        sp_sql_ident(&sql, m->l->schemas[n->table]->table) ||
        sp_buf_printf(&sql, " WHERE %s BETWEEN %lld AND %lld", sp_pg_string(&name), (long long)n->s.min,
                      (long long)n->s.max);
    sp_buf_done(&name);
    return ask(n, server, conn, &sql, built, err);
}

/* A shard's own is where all have been, even if it has given nothing since. */
static int look_at_sequence(number *n, const sp_cat_sequence *s, const sp_lab_server *server, PGconn *conn,
                            spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "SELECT last_value FROM ") || sp_pg_qualified(&sql, s->space, s->name);
    return ask(n, server, conn, &sql, built, err);
}

static int look_at_shard(numbers *m, unsigned shard, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->lab, shard);
    PGconn *conn = NULL;
    int rc = sp_describe(server->uri, &(sp_describe_options){0}, &m->arena, &m->shards[shard], err);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(server, &conn, err);
    for (uint32_t i = 0; i < m->n && rc == SPATE_OK; i++) {
        const sp_cat_column *c = find_column(&m->shards[shard], m->l, m->all[i].table, m->all[i].column);
        if (c && c->sequence && m->of != SP_NUMBERS_OF_MAIN)
            rc = look_at_sequence(&m->all[i], c->sequence, server, conn, err);
        if (c && c->type.class == SP_CAT_INTEGER && rc == SPATE_OK)
            rc = look_at_rows(&m->all[i], m, server, conn, err);
    }
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

/* A sequence that numbers several columns is behind all of them. */
static void join_columns(numbers *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        for (uint32_t j = 0; j < m->n; j++) {
            const number *other = &m->all[j];
            if (other->reached && strcmp(other->s.name, m->all[i].s.name) == 0 &&
                strcmp(other->s.space, m->all[i].s.space) == 0)
                reach(&m->all[i], other->last);
        }
}

/* ---- setting them ---- */

/* The first number at i or behind it that is the shard's. */
static __int128 own_from(__int128 i, unsigned shard)
{
    __int128 rest = (shard - i) % SP_NUMBERS_WAYS;
    return i + (rest < 0 ? rest + SP_NUMBERS_WAYS : rest);
}

/* Where it goes on; one that has come to its end is left there. */
static int64_t next_of(const number *n, unsigned shard, bool *called)
{
    __int128 i = n->reached ? ((__int128)n->last - n->s.start) / n->s.step + 1 : 0;
    i = own_from(i < 0 ? 0 : i, shard);
    *called = !is_within(&n->s, at(&n->s, i));
    while (!is_within(&n->s, at(&n->s, i)))
        i -= SP_NUMBERS_WAYS;
    return (int64_t)at(&n->s, i);
}

/* Going round it begins with a number of the shard's, too. */
static int add_bound(const number *n, unsigned shard, sp_buf *sql)
{
    bool up = n->s.step > 0;
    __int128 i = own_from(((__int128)(up ? n->s.min : n->s.max) - n->s.start) / n->s.step, shard);
    return n->s.cycles ? sp_buf_printf(sql, up ? " MINVALUE %lld" : " MAXVALUE %lld", (long long)at(&n->s, i))
                       : SPATE_OK;
}

static int add_sequence(const number *n, const sp_cat_sequence *there, unsigned shard, sp_buf *sql)
{
    sp_buf name = {0};
    bool called;
    int64_t next = next_of(n, shard, &called);
    int built = sp_pg_qualified(&name, there->space, there->name) || sp_buf_adds(sql, "SELECT setval(") ||
                sp_sql_literal(sql, (sp_str){name.data, name.len}) ||
                sp_buf_printf(sql, ", %lld, %s); ALTER SEQUENCE ", (long long)next, called ? "true" : "false") ||
                sp_buf_add(sql, name.data, name.len) ||
                sp_buf_printf(sql, " INCREMENT BY %lld START WITH %lld", (long long)n->s.step * SP_NUMBERS_WAYS,
                              (long long)at(&n->s, shard)) ||
                add_bound(n, shard, sql) || sp_buf_adds(sql, ";");
    sp_buf_done(&name);
    return built;
}

static int set_shard(const numbers *m, unsigned shard, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->lab, shard);
    sp_buf sql = {0};
    int built = SPATE_OK;
    for (uint32_t i = 0; i < m->n && !built; i++) {
        const sp_cat_column *c = find_column(&m->shards[shard], m->l, m->all[i].table, m->all[i].column);
        if (c && c->sequence)
            built = add_sequence(&m->all[i], c->sequence, shard, &sql);
    }
    int rc = built ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK && sql.len)
        rc = sp_lab_run_alone(server, sp_pg_string(&sql), NULL, err, "setting sequences");
    sp_buf_done(&sql);
    return rc;
}

int sp_numbers_share(const sp_lab *lab, const sp_layout *l, const sp_catalog *like, int of, unsigned first,
                     unsigned last, spate_error *err)
{
    numbers m = {.lab = lab, .l = l, .of = of};
    unsigned shards = lab->n_servers - 1;
    sp_arena_init(&m.arena);
    m.shards = sp_arena_alloc(&m.arena, shards + 1, sizeof(*m.shards));
    int rc = m.shards ? find_all(&m, like, err) : sp_fail_nomem(err);
    for (unsigned s = 0; s < shards && m.n && rc == SPATE_OK; s++)
        rc = look_at_shard(&m, s, err);
    join_columns(&m);
    for (unsigned s = first; s < last && m.n && rc == SPATE_OK; s++)
        rc = set_shard(&m, s, err);
    sp_arena_done(&m.arena);
    return rc;
}
