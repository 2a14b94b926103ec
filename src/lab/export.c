/* export.c - see export.h. */
#include "lab/export.h"

#include "client/libpq.h"
#include "codec/codec.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- SQL that all share ---- */

static int add_name(sp_buf *out, const char *prefix, const char *name)
{
    sp_buf whole = {0};
    int built = sp_buf_printf(&whole, "%s%s", prefix, name) || sp_sql_name(out, whole.data);
    sp_buf_done(&whole);
    return built;
}

/* A table that plans call "schema.name" is called so in the schema of ours, too: as one name. */
static int add_table(sp_buf *out, const char *schema, const char *table)
{
    return sp_buf_printf(out, "%s.", schema) || sp_sql_name(out, table);
}

static int add_columns(sp_buf *out, const sp_schema *s, bool nulls)
{
    int built = sp_buf_adds(out, " (");
    for (uint32_t i = 0; i < s->n_fields && !built; i++)
        built = sp_buf_adds(out, i ? ", " : "") || sp_sql_name(out, s->fields[i].name) ||
                sp_buf_printf(out, " %s", s->fields[i].sql_type) ||
                (nulls && !s->fields[i].nullable && sp_buf_adds(out, " NOT NULL"));
    return built || sp_buf_adds(out, ")");
}

/* ---- postgres_fdw ---- */

typedef struct address {
    const char *host, *port, *database, *user, *password;
} address;

static const char *value_of(const PQconninfoOption *options, const char *key, const char *otherwise)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, key) == 0 && options->val)
            return options->val;
    return otherwise;
}

static int add_option(sp_buf *out, const char *between, const char *key, const char *value)
{
    return sp_buf_printf(out, "%s%s ", between, key) || sp_sql_literal(out, sp_str_of(value));
}

/* Calls fn with the address of each server from first on, taken apart. */
static int each_address(const sp_lab *lab, uint32_t first, int (*fn)(sp_buf *out, uint32_t server, const address *a),
                        sp_buf *out, spate_error *err)
{
    int rc = sp_libpq_load(err);
    for (uint32_t i = first; i < lab->n_servers && rc == SPATE_OK; i++) {
        PQconninfoOption *o = sp_pq.conninfo_parse(lab->servers[i].uri, NULL);
        if (!o)
            return sp_fail(err, SPATE_E_CONFIG, "libpq cannot read the address of %s", lab->servers[i].name);
        address a = {value_of(o, "host", "localhost"), value_of(o, "port", "5432"), value_of(o, "dbname", "postgres"),
                     value_of(o, "user", "postgres"), value_of(o, "password", NULL)};
        rc = fn(out, i, &a) ? sp_fail_nomem(err) : SPATE_OK;
        sp_pq.conninfo_free(o);
    }
    return rc;
}

static int add_fdw_server(sp_buf *out, uint32_t server, const address *a)
{
    unsigned shard = server - 1;
    int built =
        sp_buf_printf(out,
                      "DROP SERVER IF EXISTS spate_shard%u CASCADE;\nCREATE SERVER spate_shard%u FOREIGN DATA WRAPPER"
                      " postgres_fdw OPTIONS (",
                      shard, shard) ||
        add_option(out, "", "host", a->host) || add_option(out, ", ", "port", a->port) ||
        add_option(out, ", ", "dbname", a->database) ||
        sp_buf_adds(out, ", fetch_size '10000', batch_size '100', async_capable 'true');\n") ||
        sp_buf_printf(out, "CREATE USER MAPPING FOR CURRENT_USER SERVER spate_shard%u OPTIONS (", shard) ||
        add_option(out, "", "user", a->user);
    if (a->password)
        built = built || add_option(out, ", ", "password", a->password);
    return built || sp_buf_adds(out, ");\n");
}

/* By what the table is partitioned: an expression where PostgreSQL has no such partitions. */
static int add_method(const sp_placement *p, const sp_field *key, sp_buf *out)
{
    switch (p->placing) {
    case SP_PLACE_HASH:
        return sp_buf_adds(out, " PARTITION BY HASH (") || sp_sql_name(out, key->name) || sp_buf_adds(out, ");\n");
    case SP_PLACE_RANGE:
        return sp_buf_adds(out, " PARTITION BY RANGE (") || sp_sql_name(out, key->name) || sp_buf_adds(out, ");\n");
    case SP_PLACE_LIST:
        return sp_buf_adds(out, " PARTITION BY LIST (") || sp_sql_name(out, key->name) || sp_buf_adds(out, ");\n");
    default:
        return sp_buf_adds(out, " PARTITION BY LIST ((abs(") || sp_sql_name(out, key->name) ||
               sp_buf_printf(out, ") %% %u));\n", p->map.shards);
    }
}

static int add_range_bounds(const sp_placement *p, unsigned shard, sp_buf *out)
{
    int built = shard ? sp_buf_printf(out, "FROM (%lld)", (long long)p->bounds[shard - 1])
                      : sp_buf_adds(out, "FROM (MINVALUE)");
    return built || (shard + 1 < p->map.shards ? sp_buf_printf(out, " TO (%lld)", (long long)p->bounds[shard])
                                               : sp_buf_adds(out, " TO (MAXVALUE)"));
}

/* Of the last shard: all others. *none: no value is the shard's, and it gets no partition. */
static int add_list_values(const sp_placement *p, unsigned shard, sp_buf *out, bool *none)
{
    const char *between = "FOR VALUES IN (";
    int built = SPATE_OK;
    if (shard + 1 == p->map.shards)
        return sp_buf_adds(out, "DEFAULT");
    for (uint32_t i = 0; i < p->n_items && !built; i++)
        if (p->items[i].shard == shard) {
            built = sp_buf_adds(out, between) || sp_sql_literal(out, p->items[i].value);
            between = ", ";
        }
    *none = *between == 'F';
    return built || (!*none && sp_buf_adds(out, ")"));
}

/* Which table it is there. A plan's name may have a schema in front. */
static int add_remote(const sp_schema *s, unsigned shard, sp_buf *out)
{
    const char *dot = strchr(s->table, '.');
    sp_str schema = dot ? (sp_str){s->table, (size_t)(dot - s->table)} : sp_str_of("public");
    return sp_buf_printf(out, " SERVER spate_shard%u OPTIONS (schema_name ", shard) || sp_sql_literal(out, schema) ||
           add_option(out, ", ", "table_name", dot ? dot + 1 : s->table) || sp_buf_adds(out, ");\n");
}

static int add_partition(const sp_placement *p, const sp_schema *s, unsigned shard, sp_buf *out)
{
    size_t begin = out->len;
    char suffix[80];
    bool none = false;
    snprintf(suffix, sizeof(suffix), "shard%u_", shard);
    int built = sp_buf_adds(out, "CREATE FOREIGN TABLE spate_fdw.") || add_name(out, suffix, s->table) ||
                sp_buf_adds(out, " PARTITION OF ") || add_table(out, "spate_fdw", s->table) || sp_buf_adds(out, " ");
    if (p->placing == SP_PLACE_HASH)
        built = built || sp_buf_printf(out, "FOR VALUES WITH (MODULUS %u, REMAINDER %u)", p->map.shards, shard);
    else if (p->placing == SP_PLACE_RANGE)
        built = built || sp_buf_adds(out, "FOR VALUES ") || add_range_bounds(p, shard, out);
    else if (p->placing == SP_PLACE_LIST)
        built = built || add_list_values(p, shard, out, &none);
    else
        built = built || sp_buf_printf(out, "FOR VALUES IN (%u)", shard);
    if (none) {
        out->len = begin;
        return SPATE_OK;
    }
    return built || add_remote(s, shard, out);
}

static int add_placed(const sp_placement *p, const sp_schema *s, sp_buf *out)
{
    int built = sp_buf_adds(out, "CREATE TABLE ") || add_table(out, "spate_fdw", s->table) ||
                add_columns(out, s, false) || add_method(p, &s->fields[p->key[0]], out);
    for (unsigned shard = 0; shard < p->map.shards && !built; shard++)
        built = add_partition(p, s, shard, out);
    return built;
}

static int add_copied(const sp_schema *s, sp_buf *out)
{
    return sp_buf_adds(out, "CREATE FOREIGN TABLE ") || add_table(out, "spate_fdw", s->table) ||
           add_columns(out, s, false) || add_remote(s, 0, out);
}

int sp_export_fdw(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err)
{
    if (lab->placing == SP_PLACE_HASH && !sp_slot_map_is_fresh(&lab->map))
        return sp_fail(err, SPATE_E_USAGE,
                       "slots have been moved between the shards: PARTITION BY HASH cannot say which are where");
    if (sp_buf_adds(
            out,
            "-- The shards of a lab as partitions on main, in the schema spate_fdw.\nCREATE EXTENSION IF NOT EXISTS postgres_fdw;\n"
            "DROP SCHEMA IF EXISTS spate_fdw CASCADE;\nCREATE SCHEMA spate_fdw;\n"))
        return sp_fail_nomem(err);
    int rc = each_address(lab, 1, add_fdw_server, out, err);
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++) {
        const sp_schema *s = layout->schemas[t];
        const sp_placement *p = layout->placements[t];
        rc = (p ? add_placed(p, s, out) : add_copied(s, out)) ? sp_fail_nomem(err) : SPATE_OK;
    }
    return rc;
}

int sp_export_count_sql(const sp_layout *layout, uint32_t t, bool plproxy, sp_buf *out)
{
    const char *table = layout->schemas[t]->table;
    if (plproxy)
        return sp_buf_adds(out, "SELECT sum(n) FROM spate_plproxy.") || add_name(out, "count_", table) ||
               sp_buf_adds(out, "() n");
    return sp_buf_adds(out, "SELECT count(*) FROM ") || add_table(out, "spate_fdw", table);
}

/* ---- PL/Proxy ---- */

static int add_plproxy_server(sp_buf *out, uint32_t server, const address *a)
{
    sp_buf words = {0};
    char key[16];
    snprintf(key, sizeof(key), "p%u", server - 1);
    int built = sp_buf_printf(&words, "host=%s port=%s dbname=%s", a->host, a->port, a->database);
    if (a->password)
        built = built || sp_buf_printf(&words, " password=%s", a->password);
    built = built || sp_buf_printf(&words, " user=%s", a->user) || add_option(out, ",\n  ", key, words.data);
    sp_buf_done(&words);
    return built;
}

/* The shard of a key: the owner of its slot. PL/Proxy reads no names in quotes, so the function has a number. */
static int add_shard_of(const sp_placement *p, const sp_schema *s, uint32_t t, sp_buf *out, spate_error *err)
{
    const sp_field *key = &s->fields[p->key[0]];
    int built = sp_buf_printf(
        out, "CREATE FUNCTION spate_plproxy.shard_of_%u(k %s) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (ARRAY[",
        t, key->sql_type);
    for (unsigned slot = 0; slot < SP_SLOTS && !built; slot++)
        built = sp_buf_printf(out, "%s%u", slot ? "," : "", p->map.owner[slot]);
    int rc = built || sp_buf_adds(out, "])[1 + ") ? sp_fail_nomem(err) : sp_placement_slot_sql(key, "k", out, err);
    return rc == SPATE_OK && sp_buf_adds(out, "] $$;\n") ? sp_fail_nomem(err) : rc;
}

static int add_plproxy_table(const sp_layout *l, uint32_t t, sp_buf *out, spate_error *err)
{
    const sp_placement *p = l->placements[t];
    const sp_schema *s = l->schemas[t];
    const sp_field *key = &s->fields[p->key[0]];
    int rc = add_shard_of(p, s, t, out, err);
    int built = sp_buf_adds(out, "CREATE FUNCTION spate_plproxy.") || add_name(out, "", s->table) ||
                sp_buf_printf(out, "(i_key %s) RETURNS TABLE", key->sql_type) || add_columns(out, s, false) ||
                sp_buf_adds(out, " LANGUAGE plproxy AS $$ CLUSTER 'spate_shards';") ||
                sp_buf_printf(out, " RUN ON spate_plproxy.shard_of_%u(i_key); SELECT ", t);
    for (uint32_t i = 0; i < s->n_fields && !built; i++)
        built = sp_buf_adds(out, i ? ", " : "") || sp_sql_name(out, s->fields[i].name);
    built =
        built || sp_buf_adds(out, " FROM ") || sp_sql_ident(out, s->table) || sp_buf_adds(out, " WHERE ") ||
        sp_sql_name(out, key->name) || sp_buf_adds(out, " = i_key; $$;\nCREATE FUNCTION spate_plproxy.") ||
        add_name(out, "count_", s->table) ||
        sp_buf_adds(
            out,
            "() RETURNS SETOF bigint LANGUAGE plproxy AS $$ CLUSTER 'spate_shards'; RUN ON ALL; SELECT count(*) FROM ") ||
        sp_sql_ident(out, s->table) || sp_buf_adds(out, "; $$;\n");
    return rc == SPATE_OK && built ? sp_fail_nomem(err) : rc;
}

int sp_export_plproxy(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err)
{
    if (lab->placing != SP_PLACE_HASH)
        return sp_fail(err, SPATE_E_USAGE, "PL/Proxy is given slots, and placement by %s has none",
                       sp_placing_name(lab->placing));
    if (sp_buf_adds(
            out,
            "-- Functions on main that run on the key's shard, in the schema spate_plproxy.\nCREATE EXTENSION IF NOT EXISTS plproxy;\n"
            "DROP SCHEMA IF EXISTS spate_plproxy CASCADE;\nCREATE SCHEMA spate_plproxy;\n"
            "DROP SERVER IF EXISTS spate_shards CASCADE;\nCREATE SERVER spate_shards FOREIGN DATA WRAPPER plproxy OPTIONS (\n"
            "  connection_lifetime '1800', modular_mapping '1'"))
        return sp_fail_nomem(err);
    int rc = each_address(lab, 1, add_plproxy_server, out, err);
    if (rc == SPATE_OK && sp_buf_adds(out, ");\nCREATE USER MAPPING FOR CURRENT_USER SERVER spate_shards;\n"))
        rc = sp_fail_nomem(err);
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++)
        if (layout->placements[t])
            rc = add_plproxy_table(layout, t, out, err);
    return rc;
}

/* ---- Citus ---- */

static int add_citus_table(const sp_layout *l, uint32_t t, const char *beside, sp_buf *out)
{
    const sp_schema *s = l->schemas[t];
    const sp_placement *p = l->placements[t];
    sp_buf name = {0};
    int built = sp_buf_adds(out, "CREATE TABLE ") || sp_sql_ident(out, s->table) || add_columns(out, s, true) ||
                sp_buf_adds(out, ";\n") || sp_sql_ident(&name, s->table) ||
                sp_buf_adds(out, p ? "SELECT create_distributed_table(" : "SELECT create_reference_table(") ||
                sp_sql_literal(out, (sp_str){name.data, name.len});
    if (p)
        built = built || sp_buf_adds(out, ", ") || sp_sql_literal(out, sp_str_of(s->fields[p->key[0]].name));
    if (p && beside)
        built = built || sp_buf_adds(out, ", colocate_with => ") || sp_sql_literal(out, sp_str_of(beside));
    sp_buf_done(&name);
    return built || sp_buf_adds(out, ");\n");
}

int sp_export_citus(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err)
{
    const char *first = NULL;
    int built = sp_buf_adds(
        out,
        "-- For a Citus coordinator whose workers have been added with citus_add_node(). Rows come by COPY: Citus\n"
        "-- places by ranges of its own hash, so files of shards cannot be taken over.\n"
        "CREATE EXTENSION IF NOT EXISTS citus;\n");
    for (uint32_t t = 0; t < layout->n && !built; t++) {
        built = add_citus_table(layout, t, first, out);
        first = !first && layout->placements[t] ? layout->schemas[t]->table : first;
    }
    for (uint32_t t = 0; t < layout->n && !built; t++)
        built = sp_buf_adds(out, "-- psql main -c 'COPY ") || sp_sql_ident(out, layout->schemas[t]->table) ||
                sp_buf_adds(out, " TO STDOUT (FORMAT binary)' | psql coordinator -c 'COPY ") ||
                sp_sql_ident(out, layout->schemas[t]->table) || sp_buf_adds(out, " FROM STDIN (FORMAT binary)'\n");
    (void)lab;
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- PgDog ---- */

static int add_pgdog_server(sp_buf *out, uint32_t server, const address *a)
{
    return sp_buf_printf(
        out,
        "[[databases]]\nname = \"lab\"\nshard = %u\nhost = \"%s\"\nport = %s\ndatabase_name = \"%s\"\nuser = \"%s\"\n\n",
        server - 1, a->host[0] == '/' ? "127.0.0.1" : a->host, a->port, a->database, a->user);
}

int sp_export_pgdog(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err)
{
    if (lab->placing != SP_PLACE_HASH || !sp_slot_map_is_fresh(&lab->map))
        return sp_fail(err, SPATE_E_USAGE, "PgDog places by PARTITION BY HASH, and these shards are not like that");
    if (sp_buf_adds(out,
                    "# pgdog.toml. Users and passwords belong into users.toml; those of a lab are in its file pgpass.\n"
                    "[general]\nhost = \"127.0.0.1\"\nport = 6432\n\n"))
        return sp_fail_nomem(err);
    int rc = each_address(lab, 1, add_pgdog_server, out, err);
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++) {
        const sp_placement *p = layout->placements[t];
        const sp_schema *s = layout->schemas[t];
        if (!p)
            continue;
        const sp_field *key = &s->fields[p->key[0]];
        const char *type = key->type.kind == SP_UUID ? "uuid" : key->type.kind == SP_TEXT ? "varchar" : "bigint";
        if (sp_buf_printf(
                out, "[[sharded_tables]]\ndatabase = \"lab\"\nname = \"%s\"\ncolumn = \"%s\"\ndata_type = \"%s\"\n\n",
                s->table, key->name, type))
            rc = sp_fail_nomem(err);
    }
    return rc;
}

/* ---- containers ---- */

int sp_export_compose(const sp_lab *lab, sp_buf *out, spate_error *err)
{
    int built = sp_buf_adds(
        out, "# As many servers in containers. POSTGRES_PASSWORD is taken from the environment.\nservices:\n");
    for (uint32_t i = 0; i < lab->n_servers && !built; i++)
        built = sp_buf_printf(
            out,
            "  %s:\n    image: postgres:15\n    command: [postgres, -c, wal_level=logical, -c, max_prepared_transactions=100,"
            " -c, max_connections=200]\n    environment:\n      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}\n"
            "    ports: [\"127.0.0.1:%u:5432\"]\n    volumes: [%s:/var/lib/postgresql/data]\n"
            "    healthcheck: {test: [CMD, pg_isready, -U, postgres], interval: 1s, timeout: 2s, retries: 60}\n",
            lab->servers[i].name, lab->servers[i].port ? lab->servers[i].port : 5432 + i, lab->servers[i].name);
    built = built || sp_buf_adds(out, "volumes:\n");
    for (uint32_t i = 0; i < lab->n_servers && !built; i++)
        built = sp_buf_printf(out, "  %s: {}\n", lab->servers[i].name);
    return built ? sp_fail_nomem(err) : SPATE_OK;
}
