-- STRICT tables take nothing but what their types say; ANY; WITHOUT ROWID and both; generated columns that are unique.
CREATE TABLE s (id INTEGER PRIMARY KEY, i INT NOT NULL, r REAL NOT NULL, t TEXT NOT NULL, b BLOB NOT NULL, a ANY, n INTEGER, created_at TEXT NOT NULL, active INT NOT NULL CHECK (active IN (0, 1)), price REAL CHECK (price > 0), size INTEGER NOT NULL DEFAULT (1 + 1)) STRICT;
CREATE TABLE w (a TEXT NOT NULL, b INTEGER NOT NULL, c REAL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE TABLE g (id INTEGER PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, whole TEXT GENERATED ALWAYS AS (first || ' ' || last) STORED UNIQUE, n INT NOT NULL, square INT AS (n * n) VIRTUAL, doc TEXT NOT NULL CHECK (json_valid(doc)), name TEXT AS (json_extract(doc, '$.name')), lowered TEXT AS (lower(first))) STRICT;
CREATE UNIQUE INDEX g_square ON g (square);
CREATE INDEX g_name ON g (name) WHERE name IS NOT NULL;
CREATE TABLE maybe_json (id INTEGER PRIMARY KEY, doc TEXT CHECK (json_valid(doc)), doc2 TEXT CHECK (doc2 IS NULL OR json_valid(doc2)), list TEXT CHECK (json_type(list) = 'array')) STRICT;
CREATE TABLE child (id TEXT PRIMARY KEY NOT NULL, s INTEGER NOT NULL REFERENCES s (id) ON DELETE CASCADE, w_a TEXT, w_b INTEGER, FOREIGN KEY (w_a, w_b) REFERENCES w (a, b)) STRICT, WITHOUT ROWID;
