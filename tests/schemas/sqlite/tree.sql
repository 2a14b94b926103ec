-- Trees, pairs, graphs, kinds; rows that must refer to themselves; keys of two references; alternatives.
CREATE TABLE item (id INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('file', 'dir')), name TEXT NOT NULL, parent INTEGER, PRIMARY KEY (id), UNIQUE (id, kind), UNIQUE (parent, name), FOREIGN KEY (parent) REFERENCES item);
CREATE TABLE file (id INTEGER PRIMARY KEY, kind TEXT NOT NULL DEFAULT 'file' CHECK (kind = 'file'), size INTEGER NOT NULL, FOREIGN KEY (id, kind) REFERENCES item (id, kind));
CREATE TABLE edge (a INTEGER NOT NULL REFERENCES item (id), b INTEGER NOT NULL REFERENCES item (id), w REAL, PRIMARY KEY (a, b), CHECK (a < b));
CREATE TABLE root (id INTEGER PRIMARY KEY, top INTEGER NOT NULL REFERENCES root (id));
CREATE TABLE near (x INTEGER NOT NULL REFERENCES item (id), y INTEGER NOT NULL REFERENCES item (id), CHECK (x <> y), UNIQUE (x, y));
CREATE TABLE owned (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item (id), edge_a INTEGER, edge_b INTEGER, url TEXT, CHECK ((item IS NOT NULL) + (edge_a IS NOT NULL) + (url IS NOT NULL) = 1), CHECK ((edge_a IS NULL) = (edge_b IS NULL)), FOREIGN KEY (edge_a, edge_b) REFERENCES edge (a, b));
CREATE TABLE setting (scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (scope, key) ON CONFLICT REPLACE);
CREATE TABLE ranked (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, rank INTEGER NOT NULL, UNIQUE (grp, rank));
