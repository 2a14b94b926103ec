/* frame.c - see frame.h. */
#include "lab/frame.h"

/* ---- schemas ---- */

static int add_space(const char *table, const char **between, sp_buf *sql)
{
    const char *dot = strchr(table, '.');
    if (!dot)
        return SPATE_OK;
    int built = sp_buf_adds(sql, *between) || sp_sql_literal(sql, (sp_str){table, (size_t)(dot - table)});
    *between = ", ";
    return built;
}

int sp_frame_make_spaces(const sp_layout *l, const sp_lab_server *server, spate_error *err)
{
    const char *between = "";
    sp_buf sql = {0};
    PGconn *conn = NULL;
    int built = sp_buf_adds(&sql, "DO $spaces$ DECLARE space text; BEGIN FOREACH space IN ARRAY ARRAY[");
    for (uint32_t t = 0; t < l->n && !built; t++)
        built = add_space(l->schemas[t]->table, &between, &sql);
    built = built || sp_buf_adds(&sql, "]::text[] LOOP IF to_regnamespace(quote_ident(space)) IS NULL THEN"
                                       " EXECUTE format('CREATE SCHEMA %I', space); END IF; END LOOP; END $spaces$");
    int rc = built ? sp_fail_nomem(err) : *between ? sp_lab_connect(server, &conn, err) : SPATE_OK;
    if (rc == SPATE_OK && conn)
        rc = sp_lab_run(server, conn, sp_pg_string(&sql), NULL, err, "making schemas");
    if (conn)
        sp_pq.finish(conn);
    sp_buf_done(&sql);
    return rc;
}

/* ---- keys and indexes ---- */

/* ('users'::regclass, ...) */
static int add_tables(const sp_layout *l, bool placed, sp_buf *sql)
{
    const char *between = "(";
    int built = SPATE_OK;
    for (uint32_t t = 0; t < l->n && !built; t++) {
        sp_buf name = {0};
        if (placed && !l->placements[t])
            continue;
        built = sp_sql_ident(&name, l->schemas[t]->table) || sp_buf_adds(sql, between) ||
                sp_sql_literal(sql, (sp_str){name.data, name.len}) || sp_buf_adds(sql, "::regclass");
        between = ", ";
        sp_buf_done(&name);
    }
    return built || sp_buf_adds(sql, *between == ',' ? ")" : "(NULL)");
}

int sp_frame_strip(const sp_layout *l, const sp_lab_server *server, PGconn *conn, spate_error *err)
{
    sp_buf sql = {0};
    int built =
        sp_buf_adds(
            &sql,
            "DO $strip$ DECLARE it text; BEGIN FOR it IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass,"
            " conname) FROM pg_constraint WHERE contype IN ('p', 'u', 'x', 'f') AND conrelid IN ") ||
        add_tables(l, true, &sql) ||
        sp_buf_adds(
            &sql, " ORDER BY contype <> 'f' LOOP EXECUTE it; END LOOP;"
                  " FOR it IN SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid IN ") ||
        add_tables(l, true, &sql) || sp_buf_adds(&sql, " LOOP EXECUTE it; END LOOP; END $strip$");
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_run(server, conn, sp_pg_string(&sql), NULL, err, "taking indexes away");
    sp_buf_done(&sql);
    return rc;
}

static const char is_alone[] =
    " NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x')) AND indisvalid AND indrelid IN ";

/* Keys, then indexes that are no key's, then what refers to keys. */
int sp_frame_list(const sp_layout *l, const sp_lab_server *like, PGconn *conn, PGresult **list, spate_error *err)
{
    sp_buf sql = {0};
    int built =
        sp_buf_adds(
            &sql,
            "SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),"
            " CASE contype WHEN 'f' THEN 3 ELSE 1 END AS place FROM pg_constraint"
            " WHERE contype IN ('p', 'u', 'x', 'f') AND conrelid IN ") ||
        add_tables(l, true, &sql) ||
        sp_buf_adds(&sql, " UNION ALL SELECT pg_get_indexdef(indexrelid), 2 FROM pg_index WHERE") ||
        sp_buf_adds(&sql, is_alone) || add_tables(l, true, &sql) || sp_buf_adds(&sql, " ORDER BY place, 1");
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_run(like, conn, sp_pg_string(&sql), list, err, "looking for indexes");
    sp_buf_done(&sql);
    return rc;
}

int sp_frame_make(const PGresult *list, const sp_lab_server *server, PGconn *conn, const int *cancel, spate_error *err)
{
    int rc = SPATE_OK;
    for (int i = 0; rc == SPATE_OK && i < sp_pq.ntuples(list); i++)
        rc = cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)
                 ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted")
                 : sp_lab_run(server, conn, sp_pq.getvalue(list, i, 0), NULL, err, "making indexes");
    return rc;
}

static int list_alone(const sp_layout *l, const sp_lab_server *like, PGconn *conn, PGresult **list, spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "SELECT regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX ',"
                                  " 'CREATE \\1INDEX IF NOT EXISTS ') FROM pg_index WHERE") ||
                sp_buf_adds(&sql, is_alone) || add_tables(l, false, &sql) || sp_buf_adds(&sql, " ORDER BY 1");
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_run(like, conn, sp_pg_string(&sql), list, err, "looking for indexes");
    sp_buf_done(&sql);
    return rc;
}

int sp_frame_copy_indexes(const sp_layout *l, const sp_lab_server *like, const sp_lab_server *server, const int *cancel,
                         spate_error *err)
{
    PGconn *from = NULL, *to = NULL;
    PGresult *list = NULL;
    int rc = sp_lab_connect(like, &from, err);
    if (rc == SPATE_OK)
        rc = list_alone(l, like, from, &list, err);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(server, &to, err);
    if (rc == SPATE_OK)
        rc = sp_frame_make(list, server, to, cancel, err);
    sp_pq.clear(list);
    if (from)
        sp_pq.finish(from);
    if (to)
        sp_pq.finish(to);
    return rc;
}
