-- What a ledger keeps in DuckDB. No primary keys and no indexes: the journal owns uniqueness, levels are stored in the order of
-- ids, and DuckDB's index would double the cost of every row. The first fourteen columns of the nodes, and all other tables but
-- the last two, are what a reviewer's SQL may rely on.

-- name: schema
CREATE TABLE IF NOT EXISTS src_nodes (id VARCHAR, service_id VARCHAR, parent_id VARCHAR, parent_service_id VARCHAR,
    path VARCHAR, parent_path VARCHAR, type VARCHAR, size BIGINT, mtime VARCHAR, depth INTEGER NOT NULL,
    traversal_status VARCHAR, copy_status VARCHAR, excluded BOOLEAN DEFAULT FALSE, errors VARCHAR,
    checksum UBIGINT, attributes UBIGINT, raw_path BLOB);
CREATE TABLE IF NOT EXISTS dst_nodes AS SELECT * FROM src_nodes LIMIT 0;
CREATE TABLE IF NOT EXISTS src_stats (depth INTEGER NOT NULL, key VARCHAR NOT NULL, count BIGINT NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS dst_stats (depth INTEGER NOT NULL, key VARCHAR NOT NULL, count BIGINT NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS stats (key VARCHAR PRIMARY KEY, count BIGINT NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS logs (id BIGINT, level VARCHAR, message VARCHAR, component VARCHAR, entity VARCHAR, entity_id VARCHAR,
    queue VARCHAR, created_at TIMESTAMP DEFAULT current_timestamp);
CREATE TABLE IF NOT EXISTS queue_stats (queue_key VARCHAR PRIMARY KEY, metrics_json VARCHAR);
CREATE TABLE IF NOT EXISTS task_errors (queue_type VARCHAR, phase VARCHAR, node_id VARCHAR, message VARCHAR, attempts INTEGER,
    path VARCHAR, created_at TIMESTAMP DEFAULT current_timestamp);
CREATE TABLE IF NOT EXISTS migrations (migration_id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, phase VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, service_metadata_json VARCHAR, root_config_json VARCHAR);
CREATE TABLE IF NOT EXISTS ledger_levels (side INTEGER NOT NULL, depth INTEGER NOT NULL, version BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS ledger_identity (journal BIGINT NOT NULL);
CREATE TEMP TABLE stage_nodes AS SELECT * FROM src_nodes LIMIT 0;
CREATE TEMP TABLE stage_ids (id VARCHAR);

-- name: settings
SET checkpoint_threshold = '1GB';

-- name: identity
SELECT journal FROM ledger_identity;

-- name: identify
INSERT INTO ledger_identity VALUES (CAST($1 AS BIGINT));

-- name: levels
SELECT side, depth, version FROM ledger_levels;

-- name: rows_applied
SELECT count FROM stats WHERE key = 'rows/applied';

-- name: note_rows
INSERT INTO stats VALUES ('rows/applied', CAST($1 AS BIGINT)) ON CONFLICT DO UPDATE SET count = excluded.count;

-- name: forget_level
DELETE FROM ledger_levels WHERE side = CAST($1 AS INTEGER) AND depth = CAST($2 AS INTEGER);

-- name: note_level
INSERT INTO ledger_levels VALUES (CAST($1 AS INTEGER), CAST($2 AS INTEGER), CAST($3 AS BIGINT));

-- name: drop_level_src
DELETE FROM src_nodes WHERE depth = CAST($1 AS INTEGER);

-- name: drop_level_dst
DELETE FROM dst_nodes WHERE depth = CAST($1 AS INTEGER);

-- Rows of a sealed level that have changed: all of them out, those that are still nodes back in.
-- name: fold_out_src
DELETE FROM src_nodes WHERE depth = CAST($1 AS INTEGER) AND id IN (SELECT id FROM stage_ids);

-- name: fold_in_src
INSERT INTO src_nodes SELECT * FROM stage_nodes;
DELETE FROM stage_nodes;
DELETE FROM stage_ids;

-- name: fold_out_dst
DELETE FROM dst_nodes WHERE depth = CAST($1 AS INTEGER) AND id IN (SELECT id FROM stage_ids);

-- name: fold_in_dst
INSERT INTO dst_nodes SELECT * FROM stage_nodes;
DELETE FROM stage_nodes;
DELETE FROM stage_ids;

-- name: forget_stats_src
DELETE FROM src_stats WHERE depth = CAST($1 AS INTEGER);

-- name: forget_stats_dst
DELETE FROM dst_stats WHERE depth = CAST($1 AS INTEGER);

-- name: note_stat_src
INSERT INTO src_stats VALUES (CAST($1 AS INTEGER), $2, CAST($3 AS BIGINT));

-- name: note_stat_dst
INSERT INTO dst_stats VALUES (CAST($1 AS INTEGER), $2, CAST($3 AS BIGINT));

-- name: log
INSERT INTO logs (id, level, message, component, entity, entity_id, queue) VALUES (CAST($1 AS BIGINT), $2, $3, $4, $4, $5, $6);

-- name: task_error
INSERT INTO task_errors (queue_type, phase, node_id, message, attempts, path) VALUES ($1, $2, $3, $4, CAST($5 AS INTEGER), $6);

-- name: queue_stats
INSERT INTO queue_stats VALUES ($1, $2) ON CONFLICT DO UPDATE SET metrics_json = excluded.metrics_json;

-- name: migration
INSERT INTO migrations VALUES ($1, $2, $3, now()::TIMESTAMP, now()::TIMESTAMP, $4, $5)
    ON CONFLICT DO UPDATE SET name = excluded.name, phase = excluded.phase, updated_at = excluded.updated_at,
    service_metadata_json = excluded.service_metadata_json, root_config_json = excluded.root_config_json;

-- name: index_src
CREATE INDEX IF NOT EXISTS src_nodes_path_idx ON src_nodes (path);
CREATE INDEX IF NOT EXISTS src_nodes_parent_path_idx ON src_nodes (parent_path);

-- name: index_dst
CREATE INDEX IF NOT EXISTS dst_nodes_path_idx ON dst_nodes (path);
CREATE INDEX IF NOT EXISTS dst_nodes_parent_path_idx ON dst_nodes (parent_path);
