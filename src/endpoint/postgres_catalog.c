/* postgres_catalog.c - the live catalogue, as far as the plan's tables are in it.
 *
 * Reads tables, columns, enumerations, keys and foreign keys in one query each, whatever the
 * number of tables. Types are the target's, domains resolved; what the plan calls them does not
 * matter here. What all that means for the plan is postgres_check.c's. */
#include "endpoint/postgres.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- reading results ------------------------------------------------------------------------- */

static const char *text_at(const PGresult *res, int row, int column)
{
    return sp_pq.getvalue(res, row, column);
}

static uint32_t oid_at(const PGresult *res, int row, int column)
{
    return (uint32_t)strtoul(text_at(res, row, column), NULL, 10);
}

static bool true_at(const PGresult *res, int row, int column)
{
    return *text_at(res, row, column) == 't';
}

static const char *kept_at(sp_pg_sink *s, const PGresult *res, int row, int column)
{
    const char *text = text_at(res, row, column);
    return sp_arena_strndup(&s->arena, text, strlen(text));
}

static const char *kept_qualified(sp_pg_sink *s, const char *space, const char *name)
{
    sp_buf b;
    sp_buf_init(&b);
    const char *kept = sp_pg_qualified(&b, space, name) ? NULL : sp_arena_strndup(&s->arena, b.data, b.len);
    sp_buf_done(&b);
    return kept;
}

static int table_of_oid(const sp_pg_sink *s, uint32_t oid)
{
    for (uint32_t i = 0; oid && i < s->n_tables; i++)
        if (s->tables[i].oid == oid)
            return (int)i;
    return -1;
}

/* "(1,2,3)" of the tables that were found; "(0)" for none. */
static int add_oids(const sp_pg_sink *s, sp_buf *sql)
{
    int status = sp_buf_adds(sql, "(0");
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (s->tables[i].oid)
            status = sp_buf_printf(sql, ",%u", s->tables[i].oid);
    return status ? status : sp_buf_adds(sql, ")");
}

/* Runs head (oids of the tables) tail. */
static int query_tables(const sp_pg_sink *s, PGconn *conn, const char *head, const char *tail, PGresult **res,
                        spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int status = SPATE_E_NOMEM;
    if (sp_buf_adds(&sql, head) || add_oids(s, &sql) || sp_buf_adds(&sql, tail))
        sp_fail_nomem(err);
    else
        status = sp_pg_run(conn, sp_pg_string(&sql), res, err, "reading the catalogue");
    sp_buf_done(&sql);
    return status;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* A schema and a name for every dot that may stand between them, and the whole as a name: dots may be part of either. */
static int add_wanted(const sp_pg_sink *s, sp_buf *sql)
{
    const char *comma = "";
    for (uint32_t i = 0; i < s->n_tables; i++) {
        const char *name = s->tables[i].schema->table, *dot = name;
        for (const char *at = name; dot; at = dot + 1) {
            sp_str space = {name, at == name ? 0 : (size_t)(at - 1 - name)};
            if (sp_buf_printf(sql, "%s(%u,", comma, i) || sp_sql_literal(sql, space) || sp_buf_adds(sql, ",") ||
                sp_sql_literal(sql, sp_str_of(at)) || sp_buf_adds(sql, ")"))
                return SPATE_E_NOMEM;
            comma = ",";
            dot = strchr(at, '.');
        }
    }
    return SPATE_OK;
}

/* A name as it is written wins over its lower case, which is what SQL without quotes would have
 * meant. */
static int query_wanted(const sp_pg_sink *s, PGconn *conn, PGresult **res, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int status = SPATE_E_NOMEM;
    if (sp_buf_adds(&sql, "WITH wanted (i, s, n) AS (VALUES ") || add_wanted(s, &sql) ||
        sp_buf_adds(&sql, ") SELECT w.i, c.oid, ns.nspname, c.relname, c.relkind,"
                          " has_schema_privilege(ns.oid, 'USAGE')"
                          " AND (has_table_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, "
                          "'INSERT')),"
                          " has_table_privilege(c.oid, 'TRUNCATE'),"
                          " has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'SELECT')"
                          " FROM wanted w JOIN pg_catalog.pg_class c ON c.relname::text IN (w.n, lower(w.n))"
                          " JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace"
                          " WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND CASE w.s WHEN ''"
                          " THEN pg_catalog.pg_table_is_visible(c.oid) ELSE ns.nspname::text IN (w.s, "
                          "lower(w.s)) END"
                          " ORDER BY w.i, c.relname::text = w.n DESC, ns.nspname::text = w.s DESC"))
        sp_fail_nomem(err);
    else
        status = sp_pg_run(conn, sp_pg_string(&sql), res, err, "looking for the tables");
    sp_buf_done(&sql);
    return status;
}

static int keep_table(sp_pg_sink *s, const PGresult *res, int row)
{
    sp_pg_table *t = &s->tables[oid_at(res, row, 0)];
    if (t->oid)
        return SPATE_OK; /* a better match came first */
    t->space = kept_at(s, res, row, 2);
    t->name = kept_at(s, res, row, 3);
    t->kind = *text_at(res, row, 4);
    t->may_insert = true_at(res, row, 5);
    t->may_truncate = true_at(res, row, 6);
    t->may_upsert = true_at(res, row, 7);
    if (!t->space || !t->name || !(t->quoted = kept_qualified(s, t->space, t->name)))
        return SPATE_E_NOMEM;
    t->oid = oid_at(res, row, 1);
    return SPATE_OK;
}

int sp_pg_find_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = query_wanted(s, conn, &res, err);
    if (status)
        return status;
    for (uint32_t i = 0; i < s->n_tables; i++)
        s->tables[i].oid = 0;
    for (int row = 0; row < sp_pq.ntuples(res) && status == SPATE_OK; row++)
        if (keep_table(s, res, row))
            status = sp_fail_nomem(err);
    sp_pq.clear(res);
    return status;
}

/* ---- columns --------------------------------------------------------------------------------- */

static const char columns_head[] =
    "WITH RECURSIVE col (rel, num, typ, mod, strict, def) AS ("
    "SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef"
    " FROM pg_catalog.pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ";
static const char columns_tail[] =
    " UNION ALL SELECT c.rel, c.num, t.typbasetype, CASE c.mod WHEN -1 THEN t.typtypmod ELSE c.mod "
    "END,"
    " c.strict OR t.typnotnull, c.def OR t.typdefault IS NOT NULL"
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype = 'd')"
    " SELECT c.rel, a.attname, c.num, c.typ, c.mod, t.typcategory, CASE t.typcategory WHEN 'A' "
    "THEN t.typelem ELSE 0 END,"
    " COALESCE(e.typtype, t.typtype) = 'e', pg_catalog.format_type(c.typ, c.mod), c.strict, c.def "
    "OR a.attidentity <> '',"
    " a.attgenerated <> '', a.attidentity = 'a'"
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ AND t.typtype <> 'd'"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.rel AND a.attnum = c.num"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " ORDER BY c.rel, c.num";

static int keep_column(sp_pg_sink *s, const PGresult *res, int row)
{
    int table = table_of_oid(s, oid_at(res, row, 0));
    if (table < 0)
        return SPATE_OK;
    sp_pg_column *c = &s->tables[table].columns[s->tables[table].n_columns++];
    c->name = kept_at(s, res, row, 1);
    c->number = atoi(text_at(res, row, 2));
    c->type = (sp_pg_type){
        .oid = oid_at(res, row, 3),
        .typmod = atoi(text_at(res, row, 4)),
        .category = *text_at(res, row, 5),
        .item_oid = oid_at(res, row, 6),
        .is_enum = true_at(res, row, 7),
        .name = kept_at(s, res, row, 8),
    };
    c->not_null = true_at(res, row, 9);
    c->has_default = true_at(res, row, 10);
    c->generated = true_at(res, row, 11);
    c->identity_always = true_at(res, row, 12);
    return c->name && c->type.name ? SPATE_OK : SPATE_E_NOMEM;
}

static int room_for_columns(sp_pg_sink *s, const PGresult *res)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        sp_pg_table *t = &s->tables[i];
        size_t n = 0;
        for (int row = 0; row < sp_pq.ntuples(res); row++)
            n += oid_at(res, row, 0) == t->oid;
        t->n_columns = 0;
        t->columns = sp_arena_alloc(&s->arena, n + 1, sizeof(*t->columns));
        if (!t->columns)
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int read_only_columns(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = query_tables(s, conn, columns_head, columns_tail, &res, err);
    if (status)
        return status;
    if (room_for_columns(s, res))
        status = sp_fail_nomem(err);
    for (int row = 0; row < sp_pq.ntuples(res) && status == SPATE_OK; row++)
        if (keep_column(s, res, row))
            status = sp_fail_nomem(err);
    sp_pq.clear(res);
    return status;
}

/* ---- enumerations ---------------------------------------------------------------------------- */

static bool label_belongs(const sp_pg_type *type, uint32_t oid)
{
    return type->is_enum && (type->item_oid ? type->item_oid : type->oid) == oid;
}

/* Rows [from, to) are the labels of one type. */
static int keep_labels(sp_pg_sink *s, const PGresult *res, int from, int to)
{
    uint32_t oid = oid_at(res, from, 0), n = (uint32_t)(to - from);
    sp_str *labels = sp_arena_alloc(&s->arena, n, sizeof(*labels));
    for (uint32_t i = 0; labels && i < n; i++) {
        const char *text = kept_at(s, res, from + (int)i, 1);
        if (!text)
            return SPATE_E_NOMEM;
        labels[i] = sp_str_of(text);
    }
    if (!labels)
        return SPATE_E_NOMEM;
    for (uint32_t t = 0; t < s->n_tables; t++)
        for (uint32_t i = 0; i < s->tables[t].n_columns; i++) {
            sp_pg_type *type = &s->tables[t].columns[i].type;
            if (label_belongs(type, oid)) {
                type->labels = labels;
                type->n_labels = n;
            }
        }
    return SPATE_OK;
}

static bool any_enum(const sp_pg_sink *s)
{
    for (uint32_t t = 0; t < s->n_tables; t++)
        for (uint32_t i = 0; i < s->tables[t].n_columns; i++)
            if (s->tables[t].columns[i].type.is_enum)
                return true;
    return false;
}

static int read_labels(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    if (!any_enum(s))
        return SPATE_OK;
    PGresult *res;
    int status =
        sp_pg_run(conn, "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder", &res,
                  err, "reading the catalogue");
    if (status)
        return status;
    int n = sp_pq.ntuples(res);
    for (int from = 0, to; from < n && status == SPATE_OK; from = to) {
        for (to = from + 1; to < n && oid_at(res, to, 0) == oid_at(res, from, 0); to++)
            ;
        if (keep_labels(s, res, from, to))
            status = sp_fail_nomem(err);
    }
    sp_pq.clear(res);
    return status;
}

int sp_pg_read_columns(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = read_only_columns(s, conn, err);
    return status ? status : read_labels(s, conn, err);
}

/* ---- foreign keys ---------------------------------------------------------------------------- */

static int keep_foreign_key(sp_pg_sink *s, const PGresult *res, int row)
{
    sp_pg_foreign_key *f = &s->foreign_keys[s->n_foreign_keys++];
    *f = (sp_pg_foreign_key){
        .name = kept_at(s, res, row, 0),
        .definition = kept_at(s, res, row, 1),
        .child = oid_at(res, row, 2),
        .child_quoted = kept_qualified(s, text_at(res, row, 3), text_at(res, row, 4)),
        .parent = oid_at(res, row, 5),
        .parent_quoted = kept_qualified(s, text_at(res, row, 6), text_at(res, row, 7)),
        .inherited = true_at(res, row, 8),
    };
    f->child_table = table_of_oid(s, f->child);
    if (f->child_table < 0) /* a partition's own */
        f->child_table = table_of_oid(s, oid_at(res, row, 9));
    f->parent_table = table_of_oid(s, f->parent);
    return f->name && f->definition && f->child_quoted && f->parent_quoted ? SPATE_OK : SPATE_E_NOMEM;
}

int sp_pg_read_foreign_keys(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    static const char head[] = "SELECT f.conname, pg_catalog.pg_get_constraintdef(f.oid), f.conrelid, cn.nspname, "
                               "c.relname, f.confrelid,"
                               " pn.nspname, p.relname, f.conparentid <> 0, ";
    static const char from[] =
        " FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.conrelid"
        " JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace JOIN pg_catalog.pg_class p ON "
        "p.oid = f.confrelid"
        " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
        " WHERE f.contype = 'f' AND (EXISTS (SELECT 1 FROM pg_catalog.pg_class x WHERE x.oid IN "
        "(f.conrelid, f.confrelid)"
        " AND x.oid IN ";
    /* CockroachDB has no partitions that are tables */
    const char *root =
        s->server.dialect->sql == SP_SQL_COCKROACH ? "0" : "pg_catalog.pg_partition_root(f.conrelid)::oid";
    const char *start = sp_arena_printf(&s->arena, "%s%s%s", head, root, from);
    PGresult *res;
    if (!start)
        return sp_fail_nomem(err);
    int status = query_tables(s, conn, start, ")) ORDER BY f.conrelid, f.conname", &res, err);
    if (status)
        return status;
    s->n_foreign_keys = 0;
    s->foreign_keys = sp_arena_alloc(&s->arena, (size_t)sp_pq.ntuples(res) + 1, sizeof(*s->foreign_keys));
    if (!s->foreign_keys)
        status = sp_fail_nomem(err);
    for (int row = 0; row < sp_pq.ntuples(res) && status == SPATE_OK; row++)
        if (keep_foreign_key(s, res, row))
            status = sp_fail_nomem(err);
    sp_pq.clear(res);
    return status;
}

/* ---- keys for upsert ------------------------------------------------------------------------- */

static int field_of_number(const sp_pg_table *t, int32_t number)
{
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        if (t->live[i] >= 0 && t->columns[t->live[i]].number == number)
            return (int)i;
    return -1;
}

/* Takes the key "{1,2}" when the plan makes all its columns. */
static int keep_key(sp_pg_sink *s, sp_pg_table *t, const char *numbers)
{
    uint32_t *key = sp_arena_alloc(&s->arena, strlen(numbers) + 1, sizeof(*key));
    uint32_t n = 0;
    if (!key)
        return SPATE_E_NOMEM;
    for (const char *at = numbers + 1; *at && *at != '}'; at += *at == ',') {
        int field = field_of_number(t, (int32_t)strtol(at, (char **)&at, 10));
        if (field < 0)
            return SPATE_OK;
        key[n++] = (uint32_t)field;
    }
    t->key = key;
    t->n_key = n;
    return SPATE_OK;
}

/* Primary keys come first, so that another unique key is taken only where there is none. */
int sp_pg_read_keys(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = query_tables(s, conn,
                              "SELECT conrelid, conkey FROM pg_catalog.pg_constraint WHERE contype IN ('p', 'u')"
                              " AND NOT condeferrable AND conrelid IN ",
                              " ORDER BY conrelid, contype, conname", &res, err);
    if (status)
        return status;
    for (int row = 0; row < sp_pq.ntuples(res) && status == SPATE_OK; row++) {
        int table = table_of_oid(s, oid_at(res, row, 0));
        if (table >= 0 && !s->tables[table].key && keep_key(s, &s->tables[table], text_at(res, row, 1)))
            status = sp_fail_nomem(err);
    }
    sp_pq.clear(res);
    return status;
}
