-- References of every shape that DuckDB has: to keys of two columns, to unique columns, to the own table, as keys, twice to one.
CREATE TABLE org (id INTEGER PRIMARY KEY, code VARCHAR NOT NULL UNIQUE, region VARCHAR NOT NULL, UNIQUE (id, region));
CREATE TABLE person (org_id INTEGER NOT NULL REFERENCES org (id), no INTEGER NOT NULL, name VARCHAR NOT NULL, manager INTEGER, PRIMARY KEY (org_id, no));
CREATE TABLE badge (org_id INTEGER, no INTEGER, issued DATE NOT NULL, PRIMARY KEY (org_id, no), FOREIGN KEY (org_id, no) REFERENCES person (org_id, no));
CREATE TABLE by_code (code VARCHAR NOT NULL REFERENCES org (code), n INTEGER NOT NULL, PRIMARY KEY (code, n));
CREATE TABLE self (id INTEGER PRIMARY KEY, up INTEGER REFERENCES self (id));
CREATE TABLE friends (a INTEGER NOT NULL REFERENCES org (id), b INTEGER NOT NULL REFERENCES org (id), PRIMARY KEY (a, b), CHECK (a < b));
CREATE TABLE regional (id INTEGER, region VARCHAR, note VARCHAR, FOREIGN KEY (id, region) REFERENCES org (id, region));
CREATE TABLE one_to_one (id INTEGER PRIMARY KEY REFERENCES org (id), extra VARCHAR);
