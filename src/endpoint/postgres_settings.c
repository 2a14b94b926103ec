/* postgres_settings.c - the question for what only PostgreSQL has words for: how it stores a table, and what it notes of it.
 *
 * A row is a clause of ALTER TABLE, or what stands in CREATE STATISTICS behind the name: the table and, if it is of one, the column's number;
 * what it is; the clause; an index that it names; the schema and name of statistics. Those of one kind stand together. */
#include "endpoint/postgres.h"

/* clang-format off */
#define OPTIONS(name, value) "pg_catalog.string_agg(" name " || '=' || pg_catalog.quote_literal(" value "), ', ')"
#define OF_TABLES "c.relkind IN ('r', 'p') AND NOT c.relispartition"

const char sp_pg_settings_sql[] =
    "SELECT c.oid, 0, 'its storage parameters: ' || pg_catalog.string_agg(x.name || '=' || x.value, ', '),"
    " 'SET (' || " OPTIONS("x.name", "x.value") " || ')', NULL, NULL, NULL"
    " FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid CROSS JOIN LATERAL"
    " (SELECT o.option_name, o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o UNION ALL"
    " SELECT 'toast.' || o.option_name, o.option_value FROM pg_catalog.pg_options_to_table(t.reloptions) o) AS x (name, value)"
    " WHERE " OF_TABLES " GROUP BY c.oid"
    " UNION ALL SELECT c.oid, 0, 'its replica identity', CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL'"
    " WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' ELSE 'REPLICA IDENTITY USING INDEX ' || pg_catalog.quote_ident(i.relname) END,"
    " CASE c.relreplident WHEN 'i' THEN i.relname END, NULL, NULL FROM pg_catalog.pg_class c"
    " LEFT JOIN pg_catalog.pg_index x ON x.indrelid = c.oid AND x.indisreplident LEFT JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid"
    " WHERE " OF_TABLES " AND (c.relreplident IN ('f', 'n') OR c.relreplident = 'i' AND i.oid IS NOT NULL)"
    " UNION ALL SELECT x.indrelid, 0, 'the index that CLUSTER goes by', 'CLUSTER ON ' || pg_catalog.quote_ident(i.relname),"
    " i.relname, NULL, NULL FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid WHERE x.indisclustered"
    " UNION ALL SELECT a.attrelid, a.attnum, x.what, 'ALTER COLUMN ' || pg_catalog.quote_ident(a.attname) || ' SET ' || x.sql,"
    " NULL, NULL, NULL FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND " OF_TABLES
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid CROSS JOIN LATERAL (VALUES"
    " ('the statistics targets of its columns', 'STATISTICS ' || a.attstattarget, a.attstattarget >= 0),"
    " ('how its columns are stored', 'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'"
    " WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END, a.attstorage <> t.typstorage),"
    " ('how its columns are compressed', 'COMPRESSION ' || CASE pg_catalog.to_jsonb(a) ->> 'attcompression' WHEN 'l' THEN 'lz4'"
    " ELSE 'pglz' END, pg_catalog.to_jsonb(a) ->> 'attcompression' IN ('l', 'p')),"
    " ('options of its columns', '(' || (SELECT " OPTIONS("o.option_name", "o.option_value")
    " FROM pg_catalog.pg_options_to_table(a.attoptions) o) || ')', a.attoptions IS NOT NULL)) AS x (what, sql, there)"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid >= 16384 AND x.there" /* the server's own have lower numbers */
    " UNION ALL SELECT s.stxrelid, 0, 'its extended statistics', pg_catalog.substr(y.def, y.head,"
    " pg_catalog.length(y.def) + 1 - y.head - pg_catalog.length(' FROM ' || s.stxrelid::pg_catalog.regclass::text)),"
    " NULL, n.nspname, s.stxname FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace"
    " CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_statisticsobjdef(s.oid), 1 + pg_catalog.length('CREATE STATISTICS '"
    " || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname))) AS y (def, head)"
    " ORDER BY 1, 3, 2, 7";
