/* home.c - see home.h. */
#include "lab/home.h"

#include "lab/fence.h"

#include <stdio.h>

/* How often a default is asked: a shard that has one slot of all has to be lucky. One that has none need not try. */
enum { TRIES_BY_SLOT = 20000, TRIES = 200 };

static const char call[] = SP_HOME_SPACE ".";

static bool is_ours(const char *sql)
{
    return strncmp(sql, call, sizeof(call) - 1) == 0;
}

/* Between the parentheses behind the function's name, which may stand in quotes. */
const char *sp_home_default(const char *sql, sp_arena *arena)
{
    if (!is_ours(sql))
        return sql;
    const char *p = sql + sizeof(call) - 1;
    for (bool quoted = false; *p && (quoted || *p != '('); p++)
        quoted ^= *p == '"';
    size_t len = strlen(p);
    return len < 2 ? sql : sp_arena_strndup(arena, p + 1, len - 2);
}

typedef struct home {
    const sp_layout *l;
    unsigned shard;
    const sp_placement *now, *next;
    uint32_t table;
    const char *value; /* the default, as it would be without us */
    sp_buf body, sql;
    spate_error *err;
} home;

static const sp_field *key_of(const home *h)
{
    return &h->l->schemas[h->table]->fields[h->l->placements[h->table]->key[0]];
}

static unsigned tries_of(const home *h, const sp_placement *p)
{
    if (p->placing != SP_PLACE_HASH)
        return TRIES;
    return sp_slot_map_owns(&p->map, h->shard) ? TRIES_BY_SLOT : 0;
}

static int add_condition(home *h, const sp_placement *p)
{
    return sp_placement_sql(p, key_of(h), "key", h->shard, &h->body, h->err);
}

/* By the side, both; else the one that there is. */
static int add_conditions(home *h)
{
    if (!h->next)
        return add_condition(h, h->now);
    int rc = sp_buf_adds(&h->body, "(CASE WHEN turned THEN ") ? sp_fail_nomem(h->err) : add_condition(h, h->next);
    if (rc == SPATE_OK && sp_buf_adds(&h->body, " ELSE "))
        rc = sp_fail_nomem(h->err);
    if (rc == SPATE_OK)
        rc = add_condition(h, h->now);
    return rc == SPATE_OK && sp_buf_adds(&h->body, " END)") ? sp_fail_nomem(h->err) : rc;
}

static int add_body(home *h)
{
    const sp_field *key = key_of(h);
    sp_buf words = {0};
    int built = sp_buf_printf(&h->body, "DECLARE key %s := k;%s BEGIN FOR i IN 1..", key->sql_type,
                              h->next ? " turned boolean := (SELECT last_value = 2 FROM spate_lab.side);" : "") ||
                (h->next ? sp_buf_printf(&h->body, "CASE WHEN turned THEN %u ELSE %u END", tries_of(h, h->next),
                                         tries_of(h, h->now))
                         : sp_buf_printf(&h->body, "%u", tries_of(h, h->now))) ||
                sp_buf_adds(&h->body, " LOOP IF ");
    int rc = built ? sp_fail_nomem(h->err) : add_conditions(h);
    if (rc == SPATE_OK &&
        (sp_buf_printf(&words, "the row lives on another shard than shard%u, whatever \"%s\" of \"%s\" gets by default",
                       h->shard, key->name, h->l->schemas[h->table]->table) ||
         sp_buf_printf(
             &h->body,
             " THEN RETURN k; END IF; k := %s; key := k; END LOOP; RAISE EXCEPTION USING ERRCODE = '" SP_FENCE_STATE
             "', MESSAGE = ",
             h->value) ||
         sp_sql_literal(&h->body, (sp_str){words.data, words.len}) || sp_buf_adds(&h->body, "; END")))
        rc = sp_fail_nomem(h->err);
    sp_buf_done(&words);
    return rc;
}

/* Of any type, for what a default is need not be what its column is. */
static int add_function(home *h)
{
    h->body.len = 0;
    int rc = add_body(h);
    if (rc == SPATE_OK && (sp_buf_adds(&h->sql, "CREATE OR REPLACE FUNCTION " SP_HOME_SPACE ".") ||
                           sp_sql_name(&h->sql, h->l->schemas[h->table]->table) ||
                           sp_buf_adds(&h->sql, "(k anyelement) RETURNS anyelement LANGUAGE plpgsql AS ") ||
                           sp_sql_literal(&h->sql, (sp_str){h->body.data, h->body.len}) || sp_buf_adds(&h->sql, ";")))
        rc = sp_fail_nomem(h->err);
    return rc;
}

static int add_default(home *h)
{
    const char *table = h->l->schemas[h->table]->table;
    int built = sp_buf_adds(&h->sql, "ALTER TABLE ") || sp_sql_ident(&h->sql, table) ||
                sp_buf_adds(&h->sql, " ALTER COLUMN ") || sp_sql_name(&h->sql, key_of(h)->name) ||
                sp_buf_adds(&h->sql, " SET DEFAULT " SP_HOME_SPACE ".") || sp_sql_name(&h->sql, table) ||
                sp_buf_printf(&h->sql, "(%s);", h->value);
    return built ? sp_fail_nomem(h->err) : SPATE_OK;
}

static const char *default_of(const home *h, const sp_catalog *c)
{
    const sp_cat_table *t = sp_catalog_shown(c, h->l->schemas[h->table]->table);
    int at = t ? sp_catalog_find_column(t, sp_str_of(key_of(h)->name)) : -1;
    return at < 0 ? NULL : t->columns[at].default_sql;
}

static int add_table(home *h, const sp_catalog *c, sp_arena *arena)
{
    const char *sql = default_of(h, c);
    if (!sql)
        return SPATE_OK;
    h->value = sp_home_default(sql, arena);
    int rc = h->value ? add_function(h) : sp_fail_nomem(h->err);
    return rc == SPATE_OK && !is_ours(sql) ? add_default(h) : rc;
}

static int run_all(const sp_lab_server *server, home *h, spate_error *err)
{
    static const char head[] = "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS " SP_HOME_SPACE
                               "; GRANT USAGE ON SCHEMA " SP_HOME_SPACE " TO PUBLIC;";
    if (!h->sql.len)
        return SPATE_OK;
    h->body.len = 0;
    if (sp_buf_adds(&h->body, head) || sp_buf_add(&h->body, h->sql.data, h->sql.len))
        return sp_fail_nomem(err);
    return sp_lab_run_alone(server, sp_pg_string(&h->body), NULL, err, "saying which keys live there");
}

int sp_home_keep(const sp_layout *l, const sp_lab *lab, unsigned shard, const sp_placement *now,
                 const sp_placement *next, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(lab, shard);
    home h = {.l = l, .shard = shard, .now = now, .next = next, .err = err};
    sp_catalog c;
    sp_arena arena;
    sp_arena_init(&arena);
    int rc = sp_describe(server->uri, &(sp_describe_options){0}, &arena, &c, err);
    for (; h.table < l->n && rc == SPATE_OK; h.table++)
        rc = l->placements[h.table] ? add_table(&h, &c, &arena) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = run_all(server, &h, err);
    sp_buf_done(&h.body);
    sp_buf_done(&h.sql);
    sp_arena_done(&arena);
    return rc;
}

int sp_home_keep_all(const sp_layout *l, const sp_lab *lab, unsigned shards, const sp_placement *now,
                     const sp_placement *next, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < shards && rc == SPATE_OK; s++)
        rc = sp_home_keep(l, lab, s, now, next, err);
    return rc;
}
