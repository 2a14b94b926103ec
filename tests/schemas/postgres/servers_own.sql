-- what the server fills, and tables of little else
CREATE SEQUENCE numbers;
CREATE TABLE only_serial (id serial PRIMARY KEY);
CREATE TABLE only_defaults (a int DEFAULT 1, b timestamptz DEFAULT now());
CREATE TABLE only_generated (a int NOT NULL, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE by_sequence (id bigint PRIMARY KEY DEFAULT nextval('numbers'), note text DEFAULT 'none', flag boolean NOT NULL DEFAULT false, x int DEFAULT NULL);
CREATE TABLE child_of_identity (parent int NOT NULL REFERENCES only_serial, always bigint GENERATED ALWAYS AS IDENTITY (START WITH 10));
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), who text NOT NULL DEFAULT current_user,
    what jsonb NOT NULL, txid xid8);
CREATE VIEW a_view AS SELECT * FROM audit;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM audit;
CREATE TABLE nothing ();
CREATE UNLOGGED TABLE event (id uuid, at timestamptz NOT NULL, payload jsonb NOT NULL, level text NOT NULL CHECK (level IN ('debug', 'info')));
CREATE TABLE event_special (extra text) INHERITS (event);
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE room (id int PRIMARY KEY, during tstzrange, EXCLUDE USING gist (id WITH =, during WITH &&));
