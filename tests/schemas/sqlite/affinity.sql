-- Types of no meaning, none at all, and those whose letters decide; keys that are not rowids; keys that take nulls; collations.
CREATE TABLE untyped (a, b, c PRIMARY KEY, d UNIQUE NOT NULL);
CREATE TABLE lettered (id INT PRIMARY KEY, x FLOATING POINT, y CHARINT, z "STRING", u UNSIGNED BIG INT NOT NULL, v VARYING CHARACTER(255) NOT NULL, n NATIVE CHARACTER(70), d DECIMAL(10,5), bo BOOLEAN NOT NULL, dt DATETIME, xyzzy XYZZY, num NUMBER(8), clobby CLOB, gu GUID, ts TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "no" LONG VARCHAR, j JSON, t TIME, yr YEAR);
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, t TEXT NOT NULL COLLATE RTRIM UNIQUE, nc TEXT NOT NULL COLLATE NOCASE UNIQUE);
CREATE TABLE rowid_named (rowid TEXT, oid INTEGER, _rowid_ REAL);
CREATE TABLE nullable_key (k TEXT PRIMARY KEY, v INT);
CREATE TABLE composite (a TEXT NOT NULL COLLATE NOCASE, b TEXT NOT NULL, c INTEGER, PRIMARY KEY (a, b), UNIQUE (b, c), UNIQUE (c));
CREATE UNIQUE INDEX partial ON lettered (v) WHERE bo = 1;
CREATE UNIQUE INDEX computed ON lettered (lower(v), u);
CREATE TABLE "with ""quotes"" and 'more'" ("a""b" TEXT NOT NULL, 'single' INTEGER NOT NULL, `tick` TEXT, [brack et] REAL, "" TEXT DEFAULT 'x');
CREATE TABLE circle_a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES circle_b (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE circle_b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES circle_a (id));
