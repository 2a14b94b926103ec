/* postgres_describe.c - the tables of a PostgreSQL database as a catalog.
 *
 * One query for each kind of thing, whatever the number of tables, all in one read-only transaction: what is seen is of one
 * moment. With nothing in the search path every name in a type, default or condition comes with its schema. Partitions are
 * their parent's, and tables of extensions nobody's. */
#include "endpoint/postgres.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct reader {
    PGconn *conn;
    sp_catalog *c;
    const sp_describe_options *options;
    uint32_t *oids;    /* of the tables, ascending */
    int32_t **numbers; /* of each table: its columns' numbers */
    spate_error *err;
} reader;

/* ---- results --------------------------------------------------------------------------------- */

typedef struct row {
    const PGresult *res;
    int at;
} row;

static const char *text(row r, int column)
{
    return sp_pq.getvalue(r.res, r.at, column);
}

static bool is_true(row r, int column)
{
    return *text(r, column) == 't';
}

/* Kept, or NULL where the server said NULL; *ok turns false for want of memory. */
static const char *kept(const reader *d, row r, int column, bool *ok)
{
    if (sp_pq.getisnull(r.res, r.at, column))
        return NULL;
    const char *s = sp_arena_strndup(d->c->arena, text(r, column), strlen(text(r, column)));
    *ok = *ok && s;
    return s;
}

static int compare_oids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int table_number(const reader *d, const char *oid)
{
    uint32_t key = (uint32_t)strtoul(oid, NULL, 10);
    const uint32_t *found = bsearch(&key, d->oids, d->c->n_tables, sizeof(key), compare_oids);
    return found ? (int)(found - d->oids) : -1;
}

static int column_number(const reader *d, int table, long number)
{
    for (uint32_t i = 0; i < d->c->tables[table].n_columns; i++)
        if (d->numbers[table][i] == number)
            return (int)i;
    return -1;
}

/* The column that a row begins with: its table's oid, its number. */
static sp_cat_column *column_at(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    int column = table < 0 ? -1 : column_number(d, table, strtol(text(r, 1), NULL, 10));
    return column < 0 ? NULL : &d->c->tables[table].columns[column];
}

/* "{1,2}" or "1 2": columns of a table by number. NULL with *n 0: not all are columns. */
static const uint32_t *columns_of(const reader *d, int table, const char *list, uint32_t *n, bool *ok)
{
    uint32_t *columns = sp_arena_alloc(d->c->arena, strlen(list) + 1, sizeof(*columns));
    *n = 0;
    *ok = *ok && columns;
    for (const char *p = list; columns && *p;) {
        if (*p < '0' || *p > '9') {
            p++;
            continue;
        }
        int at = column_number(d, table, strtol(p, (char **)&p, 10));
        if (at < 0) {
            *n = 0;
            return NULL;
        }
        columns[(*n)++] = (uint32_t)at;
    }
    return columns;
}

/* Runs sql and hands each row to keep, which is false for want of memory. */
static int each(reader *d, const char *sql, bool (*keep)(reader *d, row r))
{
    PGresult *res;
    int status = sp_pg_run(d->conn, sql, &res, d->err, "reading the catalogue");
    if (status)
        return status;
    for (row r = {res, 0}; r.at < sp_pq.ntuples(res) && status == SPATE_OK; r.at++)
        if (!keep(d, r))
            status = sp_fail_nomem(d->err);
    sp_pq.clear(res);
    return status;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static bool keep_server(reader *d, row r)
{
    bool ok = true;
    d->c->server = kept(d, r, 0, &ok);
    d->c->default_space = *text(r, 1) ? kept(d, r, 1, &ok) : "";
    return ok;
}

static bool keep_table(reader *d, row r)
{
    bool ok = true;
    const char *space = kept(d, r, 1, &ok), *name = kept(d, r, 2, &ok);
    sp_cat_table *t = ok ? sp_catalog_add_table(d->c, space, name) : NULL;
    if (!t)
        return false;
    d->oids[d->c->n_tables - 1] = (uint32_t)strtoul(text(r, 0), NULL, 10);
    t->rows = strtod(text(r, 3), NULL);
    t->comment = kept(d, r, 4, &ok);
    return ok;
}

static int add_spaces(const reader *d, sp_buf *sql)
{
    int built = d->options->n_spaces ? sp_buf_adds(sql, " AND n.nspname IN (") : SPATE_OK;
    for (uint32_t i = 0; i < d->options->n_spaces && !built; i++)
        built = (i && sp_buf_adds(sql, ", ")) || sp_sql_literal(sql, sp_str_of(d->options->spaces[i]));
    return built || (d->options->n_spaces && sp_buf_adds(sql, ")"));
}

#define SYSTEM_SPACES "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crdb_internal')"

static int read_tables(reader *d)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built =
        sp_buf_adds(
            &sql,
            "SELECT c.oid, n.nspname, c.relname, c.reltuples, pg_catalog.obj_description(c.oid, 'pg_class')"
            " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND " SYSTEM_SPACES
            " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x"
            " WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = c.oid AND x.deptype = 'e')") ||
        add_spaces(d, &sql) || sp_buf_adds(&sql, " ORDER BY c.oid");
    PGresult *res = NULL;
    int status =
        built ? sp_fail_nomem(d->err) : sp_pg_run(d->conn, sp_pg_string(&sql), &res, d->err, "reading the catalogue");
    sp_buf_done(&sql);
    if (status)
        return status;
    size_t n = (size_t)sp_pq.ntuples(res);
    d->oids = sp_arena_alloc(d->c->arena, n + 1, sizeof(*d->oids));
    d->numbers = sp_arena_alloc(d->c->arena, n + 1, sizeof(*d->numbers));
    bool ok = d->oids && d->numbers;
    for (row r = {res, 0}; ok && r.at < (int)n; r.at++)
        ok = keep_table(d, r);
    sp_pq.clear(res);
    return ok ? SPATE_OK : sp_fail_nomem(d->err);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Every column once, with its domains (there may be one on another) resolved. */
#define COLUMNS \
    "WITH RECURSIVE col (rel, num, typ, mod, strict, def, domain) AS (" \
    "SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, NULL::text, NULL::oid" \
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid" \
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition" \
    " UNION ALL SELECT c.rel, c.num, t.typbasetype, CASE c.mod WHEN -1 THEN t.typtypmod ELSE c.mod END," \
    " c.strict OR t.typnotnull, COALESCE(c.def, t.typdefault COLLATE \"default\"), t.oid" \
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype = 'd') "

static const char columns_sql[] = COLUMNS
    "SELECT c.rel, a.attname, c.num, pg_catalog.format_type(c.typ, c.mod) || CASE WHEN t.typcategory = 'A' THEN"
    " pg_catalog.repeat('[]', a.attndims - 1) ELSE '' END, c.strict,"
    " COALESCE(pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), c.def), a.attidentity, a.attgenerated,"
    " pg_catalog.col_description(c.rel, c.num), pg_catalog.format_type(c.domain, NULL),"
    " CASE WHEN t.typtype = 'e' THEN t.oid WHEN e.typtype = 'e' THEN e.oid END, t.typtype,"
    " (SELECT CASE l.collnamespace WHEN 11 THEN '' ELSE pg_catalog.quote_ident(ln.nspname) || '.' END || pg_catalog.quote_ident(l.collname)"
    " FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace"
    " WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation)"
    " FROM col c JOIN pg_catalog.pg_type t ON t.oid = c.typ AND t.typtype <> 'd'"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.rel AND a.attnum = c.num"
    " LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = c.rel AND ad.adnum = c.num"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " ORDER BY c.rel, c.num";

static bool keep_number(reader *d, int table, int32_t number)
{
    const sp_cat_table *t = &d->c->tables[table];
    int32_t *grown = d->numbers[table];
    if ((t->n_columns & (t->n_columns - 1)) == 0) { /* a power of two of them: it was full */
        grown = sp_arena_alloc(d->c->arena, t->n_columns * 2, sizeof(*grown));
        if (!grown)
            return false;
        if (d->numbers[table])
            memcpy(grown, d->numbers[table], (t->n_columns - 1) * sizeof(*grown));
        d->numbers[table] = grown;
    }
    grown[t->n_columns - 1] = number;
    return true;
}

/* The labels come with a query of their own; until then an enumeration's oid stands in length. */
static void mark_enum(sp_cat_type *type, row r)
{
    sp_cat_type *at = type->class == SP_CAT_LIST ? (sp_cat_type *)type->item : type;
    if (*text(r, 10)) {
        at->class = SP_CAT_ENUM;
        at->length = (uint32_t)strtoul(text(r, 10), NULL, 10);
    } else if (*text(r, 11) == 'c') {
        at->class = SP_CAT_OTHER;
    }
}

static bool keep_column(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    if (table < 0)
        return true;
    bool ok = true;
    const char *name = kept(d, r, 1, &ok);
    sp_cat_column *c = ok ? sp_catalog_add_column(d->c, &d->c->tables[table], name) : NULL;
    if (!c || !keep_number(d, table, atoi(text(r, 2))) ||
        !sp_cat_type_parse(sp_str_of(text(r, 3)), d->c->arena, &c->type))
        return false;
    mark_enum(&c->type, r);
    c->not_null = is_true(r, 4);
    const char *value = kept(d, r, 5, &ok);
    if (*text(r, 7))
        c->generated_sql = value ? value : "";
    else
        c->default_sql = value;
    c->identity = *text(r, 6) == 'a' ? SP_CAT_ALWAYS : *text(r, 6) == 'd' ? SP_CAT_BY_DEFAULT : SP_CAT_NO_IDENTITY;
    c->auto_number = !c->generated_sql && value && strncmp(value, "nextval(", 8) == 0;
    c->comment = kept(d, r, 8, &ok);
    c->collation = kept(d, r, 12, &ok);
    c->type.domain = kept(d, r, 9, &ok);
    return ok;
}

/* ---- sequences: of defaults, and of identities ------------------------------------------------- */

static const char sequences_sql[] =
    "SELECT x.rel, x.num, n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,"
    " s.seqcache, s.seqcycle, EXISTS (SELECT 1 FROM pg_catalog.pg_depend o WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " AND o.objid = s.seqrelid AND o.deptype = 'a' AND o.refobjid = x.rel AND o.refobjsubid = x.num),"
    " CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT') THEN pg_catalog.pg_sequence_last_value(s.seqrelid) END"
    " FROM (SELECT ad.adrelid, ad.adnum, d.refobjid FROM pg_catalog.pg_attrdef ad JOIN pg_catalog.pg_depend d"
    " ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = ad.oid"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " UNION SELECT d.refobjid, d.refobjsubid, d.objid FROM pg_catalog.pg_depend d"
    " WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i' AND d.refobjsubid > 0) AS x (rel, num, seq)"
    " JOIN pg_catalog.pg_sequence s ON s.seqrelid = x.seq JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY x.rel, x.num, s.seqrelid";

static bool keep_sequence(reader *d, row r)
{
    sp_cat_column *c = column_at(d, r);
    if (!c || c->sequence)
        return true;
    bool ok = true;
    sp_cat_sequence *s = sp_arena_alloc(d->c->arena, 1, sizeof(*s));
    if (!s)
        return false;
    *s = (sp_cat_sequence){.space = kept(d, r, 2, &ok),
                           .name = kept(d, r, 3, &ok),
                           .type = kept(d, r, 4, &ok),
                           .cycles = is_true(r, 10),
                           .owned = is_true(r, 11),
                           .called = !sp_pq.getisnull(r.res, r.at, 12)};
    int64_t *const numbers[] = {&s->start, &s->step, &s->min, &s->max, &s->cache};
    for (int i = 0; i < (int)SP_COUNT(numbers); i++)
        *numbers[i] = strtoll(text(r, 5 + i), NULL, 10);
    s->last = s->called ? strtoll(text(r, 12), NULL, 10) : 0;
    c->sequence = s;
    return ok;
}

/* ---- enumerations ---------------------------------------------------------------------------- */

static sp_cat_type *enum_of(sp_cat_column *c)
{
    sp_cat_type *t = c->type.class == SP_CAT_LIST ? (sp_cat_type *)c->type.item : &c->type;
    return t->class == SP_CAT_ENUM ? t : NULL;
}

static void give_labels(reader *d, uint32_t oid, const sp_str *labels, uint32_t n)
{
    for (uint32_t t = 0; t < d->c->n_tables; t++)
        for (uint32_t i = 0; i < d->c->tables[t].n_columns; i++) {
            sp_cat_type *type = enum_of(&d->c->tables[t].columns[i]);
            if (!type || type->labels || type->length != oid)
                continue;
            type->labels = labels;
            type->n_labels = n;
        }
}

static int read_labels(reader *d)
{
    PGresult *res;
    int status =
        sp_pg_run(d->conn, "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder",
                  &res, d->err, "reading the catalogue");
    if (status)
        return status;
    int n = sp_pq.ntuples(res);
    bool ok = true;
    for (row from = {res, 0}, to; from.at < n && ok; from = to) {
        sp_str *labels = sp_arena_alloc(d->c->arena, (size_t)(n - from.at), sizeof(*labels));
        ok = labels != NULL;
        for (to = from; ok && to.at < n && strcmp(text(to, 0), text(from, 0)) == 0; to.at++) {
            const char *label = kept(d, to, 1, &ok);
            labels[to.at - from.at] = label ? sp_str_of(label) : (sp_str){0};
        }
        if (ok)
            give_labels(d, (uint32_t)strtoul(text(from, 0), NULL, 10), labels, (uint32_t)(to.at - from.at));
    }
    sp_pq.clear(res);
    for (uint32_t t = 0; t < d->c->n_tables; t++)
        for (uint32_t i = 0; i < d->c->tables[t].n_columns; i++)
            if (enum_of(&d->c->tables[t].columns[i]))
                enum_of(&d->c->tables[t].columns[i])->length = 0;
    return ok ? SPATE_OK : sp_fail_nomem(d->err);
}

/* ---- keys, indexes, foreign keys, checks ------------------------------------------------------- */

/* Of an index on expressions: all the columns it needs. Values that differ in one are taken to differ under it. */
#define WHEN(k) \
    "CASE WHEN " k ".condeferred THEN 'DEFERRABLE INITIALLY DEFERRED' WHEN " k ".condeferrable THEN 'DEFERRABLE' END"

static const char indexes_sql[] =
    "SELECT i.indrelid, c.relname, i.indisunique, i.indisprimary, pg_catalog.pg_get_expr(i.indpred, i.indrelid),"
    " CASE WHEN i.indexprs IS NULL THEN (SELECT pg_catalog.string_agg(k::text, ' ' ORDER BY o) FROM"
    " pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS x (k, o) WHERE o <= i.indnkeyatts)"
    " ELSE (SELECT pg_catalog.string_agg(DISTINCT x.refobjsubid::text, ' ') FROM pg_catalog.pg_depend x WHERE x.objid = i.indexrelid"
    " AND x.refobjid = i.indrelid AND x.refobjsubid > 0) END, pg_catalog.pg_get_indexdef(i.indexrelid), i.indexprs IS NOT NULL,"
    " k.contype, " WHEN(
        "k") ", CASE k.contype WHEN 'x' THEN pg_catalog.pg_get_constraintdef(k.oid) END,"
             " am.amname = 'btree' AND i.indexprs IS NULL, (SELECT pg_catalog.string_agg((k & 1)::text, '' ORDER BY o) FROM"
             " pg_catalog.unnest(i.indoption::int2[]) WITH ORDINALITY AS x (k, o)),"
             " pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct' = 'true'"
             " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = c.relam"
             " LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')"
             " WHERE i.indisvalid ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid";

/* Behind "... ON [ONLY] table": from USING. */
static const char *index_body(const char *definition)
{
    const char *using = definition ? strstr(definition, " USING ") : NULL;
    return using ? using + 1 : NULL;
}

/* "01": the second of two columns is descending. */
static const sp_cat_part *parts_of(reader *d, row r, uint32_t n, bool *ok)
{
    const char *downs = text(r, 12);
    sp_cat_part *parts = strchr(downs, '1') ? sp_arena_alloc(d->c->arena, n + 1, sizeof(*parts)) : NULL;
    *ok = *ok && (parts || !strchr(downs, '1'));
    for (uint32_t i = 0; parts && i < n && downs[i]; i++)
        parts[i] = (sp_cat_part){.descending = downs[i] == '1'};
    return parts;
}

static bool keep_plain_index(reader *d, sp_cat_table *t, row r, const uint32_t *columns, uint32_t n, bool *ok)
{
    sp_cat_index *index = sp_catalog_add_index(d->c, t);
    const char **names = sp_arena_alloc(d->c->arena, n + 1, sizeof(*names));
    if (!index || !names)
        return false;
    bool exclusion = *text(r, 8) == 'x', translatable = is_true(r, 11);
    for (uint32_t i = 0; i < n; i++)
        names[i] = t->columns[columns[i]].name;
    *index = (sp_cat_index){.name = kept(d, r, 1, ok),
                            .sql = kept(d, r, exclusion ? 10 : 6, ok),
                            .where = kept(d, r, 4, ok),
                            .columns = names,
                            .parts = parts_of(d, r, n, ok),
                            .n = translatable && !exclusion ? n : 0};
    index->body = exclusion ? NULL : index_body(index->sql);
    return *ok;
}

static bool keep_index(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    if (table < 0)
        return true;
    sp_cat_table *t = &d->c->tables[table];
    bool ok = true;
    uint32_t n;
    const uint32_t *columns = columns_of(d, table, text(r, 5), &n, &ok);
    if (ok && !is_true(r, 2))
        return keep_plain_index(d, t, r, columns, n, &ok);
    sp_cat_key *key = ok && n ? sp_catalog_add_key(d->c, t) : NULL;
    if (key)
        *key = (sp_cat_key){.name = kept(d, r, 1, &ok),
                            .columns = columns,
                            .parts = parts_of(d, r, n, &ok),
                            .n = n,
                            .primary = is_true(r, 3),
                            .where = kept(d, r, 4, &ok),
                            .computed = is_true(r, 7),
                            .nulls_alike = is_true(r, 13),
                            .constraint = *text(r, 8) != '\0',
                            .body = index_body(kept(d, r, 6, &ok)),
                            .when = kept(d, r, 9, &ok)};
    return ok && (key || !n);
}

/* What a partition refers to, its table does: rows that go there must. Where not all of them do, rows that are there may break it. */
#define OWN_KEYS \
    "(SELECT DISTINCT ON (r.root, m.key, k.confrelid, k.confkey) k.*, r.root, m.key, k.conrelid = r.root" \
    " OR pg_catalog.count(*) OVER (PARTITION BY r.root, m.key, k.confrelid, k.confkey)" \
    " >= (SELECT pg_catalog.count(*) FROM pg_catalog.pg_partition_tree(r.root) l WHERE l.isleaf) AS everywhere" \
    " FROM pg_catalog.pg_constraint k" \
    " CROSS JOIN LATERAL (SELECT COALESCE(pg_catalog.pg_partition_root(k.conrelid)::oid, k.conrelid)) AS r (root)" \
    " CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(b.attnum ORDER BY u.o) FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (c, o)" \
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.c" \
    " JOIN pg_catalog.pg_attribute b ON b.attrelid = r.root AND b.attname = a.attname) AS m (key)" \
    " WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY r.root, m.key, k.confrelid, k.confkey, k.conrelid <> r.root, k.oid)"

static const char foreign_keys_sql[] =
    "SELECT f.root, f.conname, f.key, f.confrelid, f.confkey, n.nspname, p.relname, f.confdeltype, f.confupdtype, " WHEN(
        "f") ", (SELECT '(' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'"
             " FROM pg_catalog.pg_attribute a WHERE a.attrelid = f.conrelid"
             " AND pg_catalog.to_jsonb(f) -> 'confdelsetcols' @> pg_catalog.to_jsonb(a.attnum)), f.confmatchtype = 'f',"
             " f.convalidated AND f.everywhere"
             " FROM " OWN_KEYS " f JOIN pg_catalog.pg_class p ON p.oid = f.confrelid"
             " JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace ORDER BY f.root, f.oid";

static const char *action_of(char letter)
{
    return letter == 'c'   ? "CASCADE"
           : letter == 'n' ? "SET NULL"
           : letter == 'd' ? "SET DEFAULT"
           : letter == 'r' ? "RESTRICT"
                           : NULL;
}

static bool keep_foreign_key(reader *d, row r)
{
    int table = table_number(d, text(r, 0)), parent = table_number(d, text(r, 3));
    bool ok = true;
    sp_cat_foreign_key *key = table < 0 ? NULL : sp_catalog_add_foreign_key(d->c, &d->c->tables[table]);
    if (!key)
        return table < 0;
    key->name = kept(d, r, 1, &ok);
    key->columns = columns_of(d, table, text(r, 2), &key->n, &ok);
    key->parent_space = kept(d, r, 5, &ok);
    key->parent = kept(d, r, 6, &ok);
    key->on_delete = action_of(*text(r, 7));
    key->on_update = action_of(*text(r, 8));
    key->when = kept(d, r, 9, &ok);
    key->delete_columns = kept(d, r, 10, &ok);
    key->full = is_true(r, 11);
    key->unchecked = !is_true(r, 12);
    uint32_t n = 0;
    const uint32_t *columns = parent < 0 ? NULL : columns_of(d, parent, text(r, 4), &n, &ok);
    const char **names = sp_arena_alloc(d->c->arena, n + 1, sizeof(*names));
    if (!ok || !names)
        return false;
    for (uint32_t i = 0; i < n; i++)
        names[i] = d->c->tables[parent].columns[columns[i]].name;
    key->parent_names = names;
    return true;
}

/* Those of tables, and those of the domains of their columns. */
static const char checks_sql[] = COLUMNS
    "SELECT k.conrelid, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid), 0, k.contype, k.oid, k.convalidated"
    " FROM pg_catalog.pg_constraint k WHERE k.contype = 'c' AND k.conrelid <> 0"
    " UNION ALL SELECT c.rel, k.conname, pg_catalog.pg_get_expr(k.conbin, 0), c.num, k.contype, k.oid, k.convalidated"
    " FROM col c JOIN pg_catalog.pg_constraint k ON k.contypid = c.typ AND k.contype = 'c' ORDER BY 1, 6, 4";

static bool keep_check(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    if (table < 0)
        return true;
    sp_cat_table *t = &d->c->tables[table];
    sp_cat_check *check = sp_catalog_add_check(d->c, t);
    bool ok = check != NULL;
    if (!ok)
        return false;
    long number = strtol(text(r, 3), NULL, 10);
    *check = (sp_cat_check){
        .name = kept(d, r, 1, &ok), .sql = kept(d, r, 2, &ok), .column = -1, .unchecked = !is_true(r, 6)};
    if (number)
        check->column = column_number(d, table, number);
    return ok;
}

/* ---- partitions ------------------------------------------------------------------------------ */

/* What the partitions take that have none of their own, unless there is one for all the rest. */
static const char partitions_sql[] =
    "SELECT c.oid, pg_catalog.string_agg('(' || pg_catalog.pg_get_partition_constraintdef(p.relid) || ')', ' OR ' ORDER BY p.relid)"
    " FROM pg_catalog.pg_partitioned_table t JOIN pg_catalog.pg_class c ON c.oid = t.partrelid AND NOT c.relispartition"
    " CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) p WHERE p.isleaf AND p.level > 0 AND t.partdefid = 0"
    " GROUP BY c.oid";

static bool keep_partitions(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    bool ok = true;
    if (table >= 0)
        d->c->tables[table].partitions = kept(d, r, 1, &ok);
    return ok;
}

/* ---- what only PostgreSQL has words for ---------------------------------------------------------- */

static bool keep_setting(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    bool ok = true;
    sp_cat_setting *s = table < 0 ? NULL : sp_catalog_add_setting(d->c, &d->c->tables[table]);
    if (!s)
        return table < 0;
    long number = strtol(text(r, 1), NULL, 10);
    *s = (sp_cat_setting){.what = kept(d, r, 2, &ok),
                          .sql = kept(d, r, 3, &ok),
                          .index = kept(d, r, 4, &ok),
                          .space = kept(d, r, 5, &ok),
                          .statistics = kept(d, r, 6, &ok),
                          .column = number ? column_number(d, table, number) : -1};
    return ok;
}

/* ---- what is no table, nor of one that can be read from it -------------------------------------- */

#define NO_EXTENSIONS(class, oid) \
    " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog." class \
        "'::pg_catalog.regclass AND x.objid = " oid " AND x.deptype = 'e')"

static const char others_sql[] =
    "SELECT t.tgrelid, pg_catalog.count(*) || ' triggers' FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal GROUP BY 1"
    " UNION ALL SELECT p.polrelid, pg_catalog.count(*) || ' row security policies' FROM pg_catalog.pg_policy p GROUP BY 1"
    " UNION ALL SELECT c.oid, 'its partitions: it becomes one table' FROM pg_catalog.pg_class c WHERE c.relkind = 'p'"
    " UNION ALL SELECT i.inhrelid, 'that it inherits from ' || p.relname FROM pg_catalog.pg_inherits i"
    " JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition JOIN pg_catalog.pg_class p ON p.oid = i.inhparent"
    " UNION ALL SELECT c.oid, 'that it is unlogged' FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND c.relpersistence = 'u'"
    " UNION ALL SELECT c.oid, 'that row security is on' FROM pg_catalog.pg_class c WHERE c.relrowsecurity"
    " UNION ALL SELECT r.ev_class, pg_catalog.count(*) || ' rules' FROM pg_catalog.pg_rewrite r WHERE r.rulename <> '_RETURN' GROUP BY 1"
    " UNION ALL SELECT c.oid, 'what others may do with it: ' || (SELECT pg_catalog.string_agg(DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC'"
    " ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END, ', ') FROM (SELECT c.relacl AS acl UNION ALL SELECT a.attacl"
    " FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped) x CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) g"
    " WHERE g.grantee <> c.relowner) FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384"
    " UNION ALL SELECT p.prrelid, 'that it is published: ' || pg_catalog.string_agg(x.pubname, ', ' ORDER BY x.pubname)"
    " FROM pg_catalog.pg_publication_rel p JOIN pg_catalog.pg_publication x ON x.oid = p.prpubid GROUP BY 1"
    " UNION ALL SELECT 0, pg_catalog.count(*) || ' views' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('v', 'm') AND " SYSTEM_SPACES NO_EXTENSIONS(
        "pg_class",
        "c.oid") " HAVING pg_catalog.count(*) > 0"
                 " UNION ALL SELECT 0, pg_catalog.count(*) || ' functions' FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
                 " WHERE " SYSTEM_SPACES NO_EXTENSIONS("pg_proc", "p.oid") " HAVING pg_catalog.count(*) > 0";

static bool keep_other(reader *d, row r)
{
    int table = table_number(d, text(r, 0));
    if ((table < 0 && strcmp(text(r, 0), "0") != 0) || !*text(r, 1))
        return true;
    bool ok = true;
    sp_cat_other *other = sp_catalog_add_other(d->c);
    if (other)
        *other = (sp_cat_other){table, kept(d, r, 1, &ok)};
    return other && ok;
}

/* ---- statistics ------------------------------------------------------------------------------ */

static const char stats_sql[] =
    "SELECT c.oid, a.attnum, s.null_frac, s.n_distinct, c.reltuples, COALESCE(s.correlation, 0)"
    " FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename AND s.inherited = (c.relkind = 'p')"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname"
    " WHERE " SYSTEM_SPACES;

/* A negative number of values is a share of the rows. */
static bool keep_stats(reader *d, row r)
{
    sp_cat_column *c = column_at(d, r);
    if (!c)
        return true;
    sp_cat_stats *s = sp_arena_alloc(d->c->arena, 1, sizeof(*s));
    if (!s)
        return false;
    double distinct = strtod(text(r, 3), NULL), rows = strtod(text(r, 4), NULL);
    s->null_rate = strtod(text(r, 2), NULL);
    s->grows = distinct < 0;
    s->distinct = distinct >= 0 ? distinct : -distinct * SP_MAX(rows, 0.0);
    s->correlation = strtod(text(r, 5), NULL);
    c->stats = s;
    return true;
}

static const char values_sql[] =
    "SELECT c.oid, a.attnum, v.kind, v.text, v.rate"
    " FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename AND s.inherited = (c.relkind = 'p')"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname"
    " JOIN LATERAL (SELECT 'c', m.v, m.f, m.o FROM ROWS FROM (pg_catalog.unnest(s.most_common_vals::text::text[]),"
    " pg_catalog.unnest(s.most_common_freqs)) WITH ORDINALITY AS m (v, f, o) UNION ALL SELECT 'h', h.v, 0, h.o"
    " FROM pg_catalog.unnest(s.histogram_bounds::text::text[]) WITH ORDINALITY AS h (v, o) UNION ALL SELECT 'e', e.v, e.f, e.o"
    " FROM ROWS FROM (pg_catalog.unnest(s.most_common_elems::text::text[]), pg_catalog.unnest(s.most_common_elem_freqs))"
    " WITH ORDINALITY AS e (v, f, o) WHERE e.v IS NOT NULL UNION ALL SELECT 'n', '', l.v, l.o"
    " FROM pg_catalog.unnest(s.elem_count_histogram) WITH ORDINALITY AS l (v, o)) AS v (kind, text, rate, o) ON true"
    " WHERE " SYSTEM_SPACES " AND c.relkind IN ('r', 'p') ORDER BY c.oid, a.attnum, v.kind, v.o";

/* Rows [from, to) are the common values, the bounds, the common items or the lengths of one column. */
static bool keep_values(reader *d, row from, int to)
{
    sp_cat_column *c = column_at(d, from);
    sp_cat_stats *s = c ? (sp_cat_stats *)c->stats : NULL;
    if (!s)
        return true;
    uint32_t n = (uint32_t)(to - from.at);
    sp_str *values = sp_arena_alloc(d->c->arena, n, sizeof(*values));
    double *rates = sp_arena_alloc(d->c->arena, n, sizeof(*rates));
    bool ok = values && rates;
    for (row r = from; ok && r.at < to; r.at++) {
        const char *value = kept(d, r, 3, &ok);
        values[r.at - from.at] = value ? sp_str_of(value) : (sp_str){0};
        rates[r.at - from.at] = strtod(text(r, 4), NULL);
    }
    switch (*text(from, 2)) {
    case 'c':
        s->common = values;
        s->common_rates = rates;
        s->n_common = n;
        break;
    case 'e':
        s->items = values;
        s->item_rates = rates;
        s->n_items = n;
        break;
    case 'n': /* the last one is the mean */
        s->lengths = rates;
        s->n_lengths = n - 1;
        s->mean_length = ok ? rates[n - 1] : 0;
        break;
    default: s->bounds = values; s->n_bounds = n;
    }
    return ok;
}

static int read_values(reader *d)
{
    PGresult *res;
    int status = sp_pg_run(d->conn, values_sql, &res, d->err, "reading the statistics");
    if (status)
        return status;
    int n = sp_pq.ntuples(res), to;
    bool ok = true;
    for (row from = {res, 0}; ok && from.at < n; from.at = to) {
        for (to = from.at + 1; to < n; to++)
            if (strcmp(text((row){res, to}, 0), text(from, 0)) || strcmp(text((row){res, to}, 1), text(from, 1)) ||
                *text((row){res, to}, 2) != *text(from, 2))
                break;
        ok = keep_values(d, from, to);
    }
    sp_pq.clear(res);
    return ok ? SPATE_OK : sp_fail_nomem(d->err);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int read_all(reader *d)
{
    static const struct {
        const char *sql;
        bool (*keep)(reader *d, row r);
    } steps[] = {{columns_sql, keep_column},         {sequences_sql, keep_sequence},
                 {indexes_sql, keep_index},          {foreign_keys_sql, keep_foreign_key},
                 {checks_sql, keep_check},           {partitions_sql, keep_partitions},
                 {sp_pg_settings_sql, keep_setting}, {others_sql, keep_other}};
    d->c->dialect = SP_SQL_POSTGRES;
    int status = sp_pg_run(d->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, d->err, "beginning");
    if (status == SPATE_OK)
        status =
            each(d,
                 "SELECT 'PostgreSQL ' || pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),"
                 " COALESCE((pg_catalog.current_schemas(false))[1], '')",
                 keep_server);
    if (status == SPATE_OK)
        status = sp_pg_run(d->conn, "SET LOCAL search_path = pg_catalog", NULL, d->err, "beginning");
    if (status == SPATE_OK)
        status = read_tables(d);
    for (size_t i = 0; i < SP_COUNT(steps) && status == SPATE_OK; i++)
        status = each(d, steps[i].sql, steps[i].keep);
    if (status == SPATE_OK)
        status = read_labels(d);
    if (status == SPATE_OK && d->options->stats)
        status = each(d, stats_sql, keep_stats);
    if (status == SPATE_OK && d->options->stats)
        status = read_values(d);
    return status;
}

int sp_pg_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    sp_pg_server server = {.uri = uri->text, .shown = sp_uri_shown(uri->text, c->arena)};
    reader d = {.c = c, .options = options, .err = err};
    int status = server.shown ? sp_libpq_load(err) : sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pg_connect(&server, false, &d.conn, err);
    if (status)
        return status;
    status = read_all(&d);
    sp_pq.finish(d.conn);
    return status;
}
