/* postgres_catalog.c - the plan held against the live catalogue.
 *
 * Reads tables, columns, enumerations, keys and foreign keys in one query each, whatever the
 * number of tables. Everything that keeps the plan from being loaded is collected and told at
 * once, before anything is changed. Types are the target's, domains resolved; what the plan
 * calls them does not matter here. */
#include "endpoint/postgres.h"
#include "endpoint/problems.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- problems -------------------------------------------------------------------------------- */

typedef struct problems {
    sp_buf lines;
    uint32_t n;
    int status;
    char first[256], hint[256];
} problems;

static void problem(problems *p, int status, const char *hint, const char *fmt, ...)
    SP_PRINTF(4, 5);
static void problem(problems *p, int status, const char *hint, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (p->n++ == 0) {
        memcpy(p->first, line, sizeof(line));
        snprintf(p->hint, sizeof(p->hint), "%s", hint ? hint : "");
        p->status = status;
    }
    if (p->lines.len < SPATE_DETAIL_MAX &&
        sp_buf_printf(&p->lines, "%s%s", p->n > 1 ? "\n" : "", line))
        p->status = SPATE_E_NOMEM;
}

/* Frees p. */
static int problems_told(problems *p, spate_error *err)
{
    int status = p->n ? p->status : SPATE_OK;
    if (p->n == 1)
        sp_fail(err, status, "%s", p->first);
    else if (p->n > 1)
        sp_fail(err, status, "%s (and %u more)", p->first, p->n - 1);
    if (p->n > 1)
        sp_error_detail(err, "%s", sp_pg_string(&p->lines));
    if (p->n && *p->hint)
        sp_error_hint(err, "%s", p->hint);
    sp_buf_done(&p->lines);
    return status;
}

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
    const char *kept =
        sp_pg_qualified(&b, space, name) ? NULL : sp_arena_strndup(&s->arena, b.data, b.len);
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
static int query_tables(const sp_pg_sink *s, PGconn *conn, const char *head, const char *tail,
                        PGresult **res, spate_error *err)
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

/* ---- names ----------------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 63 }; /* NAMEDATALEN - 1 */

static void check_name(problems *p, const char *what, const char *table, const char *column,
                       size_t len)
{
    if (len > NAME_MAX_BYTES)
        problem(p, SPATE_E_CONFIG, "give it a shorter name in the plan",
                "%s \"%.80s%s%.80s\" has a name of %zu bytes: PostgreSQL's names have at most %d",
                what, table, *column ? "." : "", column, len, NAME_MAX_BYTES);
}

int sp_pg_check_names(const sp_pg_sink *s, spate_error *err)
{
    problems p = {0};
    sp_buf_init(&p.lines);
    for (uint32_t i = 0; i < s->n_tables && s->server.dialect->sql == SP_SQL_POSTGRES; i++) {
        const sp_schema *schema = s->tables[i].schema;
        const char *dot = strchr(schema->table, '.');
        if (dot)
            check_name(&p, "schema of table", schema->table, "", (size_t)(dot - schema->table));
        check_name(&p, "table", schema->table, "", strlen(dot ? dot + 1 : schema->table));
        for (uint32_t f = 0; f < schema->n_fields; f++)
            check_name(&p, "column", schema->table, schema->fields[f].name,
                       strlen(schema->fields[f].name));
    }
    return problems_told(&p, err);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static int add_wanted(const sp_pg_sink *s, sp_buf *sql)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        const char *name = s->tables[i].schema->table, *dot = strchr(name, '.');
        sp_str space = {name, dot ? (size_t)(dot - name) : 0};
        if (sp_buf_printf(sql, "%s(%u,", i ? "," : "", i) || sp_sql_literal(sql, space) ||
            sp_buf_adds(sql, ",") || sp_sql_literal(sql, sp_str_of(dot ? dot + 1 : name)) ||
            sp_buf_adds(sql, ")"))
            return SPATE_E_NOMEM;
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
        sp_buf_adds(
            &sql,
            ") SELECT w.i, c.oid, ns.nspname, c.relname, c.relkind,"
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

static int read_columns(sp_pg_sink *s, PGconn *conn, spate_error *err)
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
    int status = sp_pg_run(
        conn,
        "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder",
        &res, err, "reading the catalogue");
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
    f->parent_table = table_of_oid(s, f->parent);
    return f->name && f->definition && f->child_quoted && f->parent_quoted ? SPATE_OK
                                                                           : SPATE_E_NOMEM;
}

int sp_pg_read_foreign_keys(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    static const char head[] =
        "SELECT f.conname, pg_catalog.pg_get_constraintdef(f.oid), f.conrelid, cn.nspname, "
        "c.relname, f.confrelid,"
        " pn.nspname, p.relname, f.conparentid <> 0"
        " FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.conrelid"
        " JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace JOIN pg_catalog.pg_class p ON "
        "p.oid = f.confrelid"
        " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
        " WHERE f.contype = 'f' AND (EXISTS (SELECT 1 FROM pg_catalog.pg_class x WHERE x.oid IN "
        "(f.conrelid, f.confrelid)"
        " AND x.oid IN ";
    PGresult *res;
    int status = query_tables(s, conn, head, ")) ORDER BY f.conrelid, f.conname", &res, err);
    if (status)
        return status;
    s->n_foreign_keys = 0;
    s->foreign_keys =
        sp_arena_alloc(&s->arena, (size_t)sp_pq.ntuples(res) + 1, sizeof(*s->foreign_keys));
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
static int read_keys(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = query_tables(
        s, conn,
        "SELECT conrelid, conkey FROM pg_catalog.pg_constraint WHERE contype IN ('p', 'u')"
        " AND NOT condeferrable AND conrelid IN ",
        " ORDER BY conrelid, contype, conname", &res, err);
    if (status)
        return status;
    for (int row = 0; row < sp_pq.ntuples(res) && status == SPATE_OK; row++) {
        int table = table_of_oid(s, oid_at(res, row, 0));
        if (table >= 0 && !s->tables[table].key &&
            keep_key(s, &s->tables[table], text_at(res, row, 1)))
            status = sp_fail_nomem(err);
    }
    sp_pq.clear(res);
    return status;
}

/* ---- the plan against the tables ------------------------------------------------------------- */

static int find_column(const sp_pg_table *t, const char *name, bool folded)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const char *live = t->columns[i].name;
        sp_str wanted = sp_str_of(name);
        bool lower = true; /* only a name in lower case is what an unquoted one means */
        for (const char *at = live; *at; at++)
            lower = lower && !(*at >= 'A' && *at <= 'Z');
        if (folded ? lower && sp_str_ieq(wanted, live) : strcmp(live, name) == 0)
            return (int)i;
    }
    return -1;
}

static const char *nearest_column(const sp_pg_table *t, const char *name)
{
    const char *names[256];
    uint32_t n = SP_MIN(t->n_columns, (uint32_t)SP_COUNT(names));
    for (uint32_t i = 0; i < n; i++)
        names[i] = t->columns[i].name;
    return sp_nearest(sp_str_of(name), names, n);
}

static void check_field(sp_pg_table *t, uint32_t i, problems *p)
{
    const sp_field *f = &t->schema->fields[i];
    int at = find_column(t, f->name, false);
    if (at < 0)
        at = find_column(t, f->name, true);
    t->live[i] = at;
    if (at < 0) {
        const char *near = nearest_column(t, f->name);
        problem(p, SPATE_E_CONFIG, NULL, "table \"%s\" has no column \"%s\"%s%s%s",
                t->schema->table, f->name, near ? ": did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
        return;
    }
    sp_pg_column *c = &t->columns[at];
    t->types[i] = c->type;
    if (c->generated) {
        problem(p, SPATE_E_CONFIG, "take the column out of the plan",
                "table \"%s\" column \"%s\" is generated by the server and cannot be written",
                t->schema->table, c->name);
        return;
    }
    char why[160] = "";
    sp_pg_fit fit = sp_pg_fit_of(f, &c->type, why);
    t->as_text |= fit == SP_PG_TEXT;
    if (fit == SP_PG_NEVER)
        problem(p, SPATE_E_CONFIG, NULL, "table \"%s\" column \"%s\": %s", t->schema->table,
                c->name, why);
}

static bool is_made(const sp_pg_table *t, uint32_t column)
{
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        if (t->live[i] == (int32_t)column)
            return true;
    return false;
}

static void check_unmade(const sp_pg_table *t, problems *p)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_pg_column *c = &t->columns[i];
        if (c->not_null && !c->has_default && !c->generated && !is_made(t, i))
            problem(p, SPATE_E_CONFIG, "add the column to the plan, or give it a default",
                    "table \"%s\" column \"%s\" must not be null and has no default, and the plan "
                    "does not make it",
                    t->schema->table, c->name);
    }
}

static int check_table(sp_pg_sink *s, sp_pg_table *t, problems *p)
{
    t->live = sp_arena_alloc(&s->arena, t->schema->n_fields, sizeof(*t->live));
    t->types = sp_arena_alloc(&s->arena, t->schema->n_fields, sizeof(*t->types));
    if (!t->live || !t->types)
        return SPATE_E_NOMEM;
    const char *name = t->schema->table;
    t->as_text = false;
    if (t->kind == 'v' || t->kind == 'm') {
        problem(p, SPATE_E_CONFIG, NULL, "\"%s\" is a view, not a table", name);
        return SPATE_OK;
    }
    if (!t->may_insert)
        problem(p, SPATE_E_UNREACHABLE, "GRANT INSERT ON it, or connect as its owner",
                "table \"%s\": this role may not insert into it", name);
    if (s->base.options.truncate && !t->may_truncate)
        problem(p, SPATE_E_UNREACHABLE, "GRANT TRUNCATE ON it, or connect as its owner",
                "table \"%s\": this role may not empty it", name);
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        check_field(t, i, p);
    check_unmade(t, p);
    return SPATE_OK;
}

static void check_missing(const sp_pg_sink *s, problems *p)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (!s->tables[i].oid)
            problem(p, SPATE_E_CONFIG, "--create makes the tables of the plan",
                    "there is no table \"%s\"", s->tables[i].schema->table);
}

static void check_upserts(const sp_pg_sink *s, problems *p)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        const sp_pg_table *t = &s->tables[i];
        if (!t->oid)
            continue;
        if (!t->may_upsert)
            problem(p, SPATE_E_UNREACHABLE, "upserting needs SELECT and UPDATE as well as INSERT",
                    "table \"%s\": this role may not update it", t->schema->table);
        if (!t->key)
            problem(p, SPATE_E_CONFIG, "add one to the table, or use --insert-mode copy",
                    "table \"%s\" has no primary or unique key that the plan makes: upsert cannot "
                    "tell which rows are the same",
                    t->schema->table);
    }
}

/* TRUNCATE would refuse, even where the other table is empty. */
static void check_truncates(const sp_pg_sink *s, problems *p)
{
    for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
        const sp_pg_foreign_key *f = &s->foreign_keys[i];
        if (f->parent_table >= 0 && f->child_table < 0 && !f->inherited)
            problem(p, SPATE_E_CONFIG,
                    "add that table to the plan, or empty both by hand with TRUNCATE ... CASCADE",
                    "table \"%s\" cannot be emptied: %s refers to it (%s)",
                    s->tables[f->parent_table].schema->table, f->child_quoted, f->name);
    }
}

static int check_writable(PGconn *conn, problems *p, spate_error *err)
{
    PGresult *res;
    int status = sp_pg_run(conn, "SHOW transaction_read_only", &res, err,
                           "asking whether the server takes writes");
    if (status)
        return status;
    if (strcmp(text_at(res, 0, 0), "on") == 0)
        problem(p, SPATE_E_UNREACHABLE,
                "it may be a replica, or default_transaction_read_only is on for this role",
                "the server takes no writes from this connection: its transactions are read only");
    sp_pq.clear(res);
    return SPATE_OK;
}

static int check_all(sp_pg_sink *s, PGconn *conn, problems *p, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    int status = check_writable(conn, p, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (s->tables[i].oid && check_table(s, &s->tables[i], p))
            status = sp_fail_nomem(err);
    if (status == SPATE_OK && o->mode == SP_INSERT_UPSERT && !s->server.dialect->upsert_word) {
        status = read_keys(s, conn, err);
        if (status == SPATE_OK)
            check_upserts(s, p);
    }
    if (o->truncate)
        check_truncates(s, p);
    return status;
}

int sp_pg_check_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    problems p = {0};
    sp_buf_init(&p.lines);
    check_missing(s, &p);
    int status = read_columns(s, conn, err);
    if (status == SPATE_OK)
        status = read_labels(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_read_foreign_keys(s, conn, err);
    if (status == SPATE_OK)
        status = check_all(s, conn, &p, err);
    if (status) {
        sp_buf_done(&p.lines);
        return status;
    }
    return problems_told(&p, err);
}

/* ---- order ----------------------------------------------------------------------------------- */

static bool orders(const sp_pg_foreign_key *f)
{
    return f->child_table >= 0 && f->parent_table >= 0 && f->child_table != f->parent_table;
}

int sp_pg_refuse_parts(const sp_pg_sink *s, spate_error *err)
{
    for (uint32_t i = 0; i < s->n_foreign_keys && s->base.options.parts > 1; i++) {
        const sp_pg_foreign_key *f = &s->foreign_keys[i];
        if (!orders(f))
            continue;
        sp_fail(err, SPATE_E_CONFIG,
                "table \"%s\" refers to \"%s\" (%s): its rows may need parents that another part makes",
                s->tables[f->child_table].schema->table, s->tables[f->parent_table].schema->table,
                f->name);
        sp_error_hint(err, "--defer-constraints takes the foreign keys away for each part and gives "
                           "them back unchecked: after the last part, ALTER TABLE ... VALIDATE "
                           "CONSTRAINT ...");
        return SPATE_E_CONFIG;
    }
    return SPATE_OK;
}

/* Says the path from table back to itself. state: 1 = on the path, in the order of path. */
static int fail_cycle(const sp_pg_sink *s, const uint32_t *path, uint32_t len, uint32_t table,
                      spate_error *err)
{
    sp_buf b;
    sp_buf_init(&b);
    uint32_t from = 0;
    while (path[from] != table)
        from++;
    int status = SPATE_OK;
    for (uint32_t i = from; i < len && status == SPATE_OK; i++)
        status = sp_buf_printf(&b, "\"%s\" -> ", s->tables[path[i]].schema->table);
    if (status == SPATE_OK)
        status = sp_buf_printf(&b, "\"%s\"", s->tables[table].schema->table);
    if (status)
        sp_fail_nomem(err);
    else
        status = sp_fail(err, SPATE_E_CONFIG,
                         "the tables' foreign keys go in a circle, so none can be loaded first: %s",
                         sp_pg_string(&b));
    sp_error_hint(err, "--defer-constraints takes the foreign keys away for the load and adds and "
                       "checks them after it");
    sp_buf_done(&b);
    return status;
}

typedef struct walk {
    uint8_t *seen; /* 0: not yet, 1: on the path, 2: done */
    uint32_t *path, len;
    uint32_t *next; /* of each table: the parent to look at next */
} walk;

/* Depth first without recursion: a plan may have thousands of tables in a chain. */
static int walk_from(const sp_pg_sink *s, walk *w, uint32_t table, spate_error *err)
{
    w->path[0] = table;
    w->len = 1;
    w->seen[table] = 1;
    while (w->len) {
        uint32_t at = w->path[w->len - 1];
        if (w->next[at] == s->base.deps[at].n) {
            w->seen[at] = 2;
            w->len--;
            continue;
        }
        uint32_t parent = s->base.deps[at].tables[w->next[at]++];
        if (w->seen[parent] == 1)
            return fail_cycle(s, w->path, w->len, parent, err);
        if (w->seen[parent] == 0) {
            w->seen[parent] = 1;
            w->path[w->len++] = parent;
        }
    }
    return SPATE_OK;
}

static int refuse_cycle(sp_pg_sink *s, spate_error *err)
{
    walk w = {.seen = sp_arena_alloc(&s->arena, s->n_tables, 1),
              .path = sp_arena_alloc(&s->arena, s->n_tables + 1, sizeof(uint32_t)),
              .next = sp_arena_alloc(&s->arena, s->n_tables, sizeof(uint32_t))};
    if (!w.seen || !w.path || !w.next)
        return sp_fail_nomem(err);
    int status = SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (!w.seen[i])
            status = walk_from(s, &w, i, err);
    return status;
}

static size_t count_children(const sp_pg_sink *s, uint32_t table)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->n_foreign_keys; i++)
        n += s->foreign_keys[i].child_table == (int32_t)table;
    return n;
}

int sp_pg_order_tables(sp_pg_sink *s, spate_error *err)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        s->base.deps[i].n = 0;
        s->base.deps[i].tables =
            sp_arena_alloc(&s->arena, count_children(s, i) + 1, sizeof(uint32_t));
        if (!s->base.deps[i].tables)
            return sp_fail_nomem(err);
        s->tables[i].self_reference = false;
    }
    for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
        const sp_pg_foreign_key *f = &s->foreign_keys[i];
        if (orders(f))
            sp_deps_add(&s->base.deps[f->child_table], (uint32_t)f->parent_table);
        else if (f->child_table >= 0 && f->child_table == f->parent_table)
            s->tables[f->child_table].self_reference = true;
    }
    return refuse_cycle(s, err);
}
