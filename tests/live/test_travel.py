"""Schemas travel with spate copy --create: the same dialect's are the same by the server's own dump, others' by what they do."""
import json
import re
import sqlite3
import subprocess
import unittest

from harness import Case, duckdb_script, query
from live.servers import POSTGRES_BIN, Postgres

RICH = r"""
CREATE SCHEMA depot;
CREATE TYPE mood AS ENUM ('sad', 'so-so', 'it''s "fine"');
CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0);
CREATE SEQUENCE loose_seq START 100 INCREMENT 5;
CREATE TABLE customer (
  id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 2) PRIMARY KEY,
  email varchar(80) NOT NULL,
  feel mood DEFAULT 'so-so',
  feels mood[] DEFAULT '{sad}',
  balance price DEFAULT 1.50,
  code text COLLATE "C" DEFAULT 'a''b\c',
  made timestamptz NOT NULL DEFAULT now(),
  doc jsonb DEFAULT '{"a": 1}',
  odd int DEFAULT nextval('loose_seq'),
  size int GENERATED ALWAYS AS (length(email) * 2) STORED,
  "Strange ""name" int,
  CONSTRAINT email_has_at CHECK (email LIKE '%@%'),
  CONSTRAINT email_once UNIQUE (email) DEFERRABLE INITIALLY DEFERRED,
  UNIQUE (code, "Strange ""name")
);
CREATE TABLE depot.part (
  id serial PRIMARY KEY,
  owner bigint REFERENCES customer ON DELETE CASCADE ON UPDATE SET NULL,
  twin int REFERENCES depot.part DEFERRABLE,
  span int4range,
  weight numeric,
  tags text[],
  EXCLUDE USING gist (span WITH &&)
);
CREATE TABLE bare (a int, b text);
CREATE INDEX part_owner ON depot.part (owner DESC NULLS LAST) INCLUDE (weight);
CREATE INDEX part_heavy ON depot.part (weight) WHERE weight > 10 AND owner IS NOT NULL;
CREATE INDEX customer_lower ON customer (lower(email) text_pattern_ops);
CREATE UNIQUE INDEX customer_code_live ON customer (code) WHERE balance > 0;
CREATE INDEX part_tags ON depot.part USING gin (tags);
CREATE INDEX bare_hash ON bare USING hash (b);
COMMENT ON TABLE customer IS 'who buys; it''s "them"';
COMMENT ON COLUMN customer.email IS 'where to write';
COMMENT ON COLUMN depot.part.weight IS 'in grams';
INSERT INTO customer (email, code, "Strange ""name") SELECT 'c' || i || '@x', 'k' || i, i FROM generate_series(1, 3000) i;
INSERT INTO depot.part (owner, twin, span, weight, tags)
  SELECT 10 + 2 * (i % 3000), NULL, int4range(i * 10, i * 10 + 5), i, ARRAY['t' || i % 7] FROM generate_series(1, 5000) i;
UPDATE depot.part SET twin = id - 1 WHERE id > 1;
INSERT INTO bare SELECT i, 'b' || i FROM generate_series(1, 1000) i;
"""


class Travel(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def new(self, name, sql=""):
        self.server.database(name)
        if sql:
            self.server.psql(sql, name)
        return self.server.uri(name)

    def copy(self, source, target, *words):
        return self.spate_ok("copy", source, target, "--progress", "none", "--create", *words)

    def dump(self, name):
        """The schema in the server's own words, without what depends on when a thing was made."""
        text = subprocess.run([POSTGRES_BIN / "pg_dump", "--schema-only", "--no-owner", "--restrict-key=x", self.server.uri(name)],
                              capture_output=True, text=True)
        if text.returncode:
            text = subprocess.run([POSTGRES_BIN / "pg_dump", "--schema-only", "--no-owner", self.server.uri(name)], capture_output=True,
                                  text=True, check=True)
        return sorted(s.strip() for s in re.split(r";\n", re.sub(r"(?m)^(--.*|\\.*)?\n", "", text.stdout)))

    # ---- PostgreSQL to PostgreSQL ----

    def test_a_rich_schema_is_the_same(self):
        source = self.new("rich", RICH)
        for how in ("after", "before"):
            name = f"rich_{how}"
            done = self.copy(source, self.new(name), "--workers", "3", "--batch", "700", "--verify", "checksum", "--indexes", how)
            self.assertNotIn("not copied", done.err)
            self.assertEqual(self.dump(name), self.dump("rich"))
            for table, column in (("customer", "id"), ("depot.part", "id"), ("customer", "odd")):
                self.server.psql("BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO customer (email) VALUES ('new@x') RETURNING id; ROLLBACK", name)
                ask = f"SELECT last_value, is_called FROM {{}}"
                sequence = {"id": f"pg_get_serial_sequence('{table}', 'id')", "odd": "'loose_seq'"}[column]
                where = self.server.value(f"SELECT {sequence}", "rich")
                have = self.server.psql(ask.format(where), "rich")
                got = self.server.psql(ask.format(where), name)
                self.assertGreaterEqual(int(got[0][0]), int(have[0][0]), where)
            top = int(self.server.value("SELECT max(id) FROM customer", name))
            self.assertGreater(int(self.server.value("INSERT INTO customer (email) VALUES ('new@x') RETURNING id", name)), top)
            self.assertEqual(self.server.value("SELECT count(*) FROM pg_constraint WHERE NOT convalidated", name), "0")
            self.assertGreater(float(self.server.value("SELECT reltuples FROM pg_class WHERE relname = 'bare'", name)), 999)

    def test_replaced_again_and_again(self):
        source = self.new("again_from", RICH)
        target = self.new("again_to")
        self.copy(source, target)
        self.spate_fails(2, "copy", source, target, "--create", "--progress", "none", says="exists already")
        self.copy(source, target, "--truncate", "--verify", "checksum")
        self.assertEqual(self.dump("again_to"), self.dump("again_from"))

    def test_a_sequence_goes_on_behind_whatever_is_there(self):
        source = self.new("seq", "CREATE TABLE up (id serial, v int); INSERT INTO up (id) VALUES (500), (-3);"
                                 "CREATE TABLE fresh (id serial); CREATE TABLE down (id int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -2 START -5));"
                                 "INSERT INTO down SELECT FROM generate_series(1, 10)")
        self.copy(source, self.new("seq_to"))
        for table, want in (("up", "501"), ("fresh", "1"), ("down", "-25")):
            self.assertEqual(self.server.value(f"INSERT INTO {table} DEFAULT VALUES RETURNING id", "seq_to"), want, table)

    def test_some_tables_and_columns(self):
        source = self.new("some_of", RICH)
        done = self.copy(source, self.new("some_table"), "--table", "depot.part")
        self.assertIn('table "depot.part": its foreign key to "customer", which is not copied with it', done.err)
        keys = "SELECT contype FROM pg_constraint WHERE conrelid = 'depot.part'::regclass ORDER BY 1"
        self.assertEqual([r[0] for r in self.server.psql(keys, "some_table")], ["f", "p", "x"])
        done = self.copy(source, self.new("some_columns"), "--table", "customer", "--column", "id", "--column", "code")
        for says in ("the unique key email_once: not all its columns", 'the generated column "size"', "the check email_has_at",
                     'the index "customer_lower"', 'the unique index "customer_code_live"'):
            self.assertIn(says, done.err)
        columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'customer'::regclass AND attnum > 0 ORDER BY attnum"
        self.assertEqual(self.server.psql(columns, "some_columns"), [["id"], ["code"]])

    def test_what_cannot_travel_is_named(self):
        source = self.new("left", """
            CREATE TYPE pair AS (a int, b text);
            CREATE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
            CREATE TABLE t (a int DEFAULT twice(4), p pair, CHECK (twice(a) > 0));
            CREATE VIEW v AS SELECT a FROM t;
            CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
            CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION nothing();
            CREATE INDEX by_twice ON t (twice(a));
            INSERT INTO t VALUES (1, (5, 'x y'))""")
        done = self.copy(source, self.new("left_to"), "--verify", "count")
        left = sorted(line.removeprefix("not copied: ") for line in done.err.splitlines() if line.startswith("not copied"))
        self.assertEqual(left, ["1 views", "2 functions", 'table "t": 1 triggers', 'table "t": the check t_a_check (public.twice(a) > 0)',
                                'table "t": the default public.twice(4) of column "a"', 'table "t": the index "by_twice"',
                                'table "t": the type public.pair of column "p": it becomes text'])
        self.assertEqual(self.server.psql("SELECT a, p FROM t", "left_to"), [["1", '(5,"x y")']])

    def test_what_only_postgres_has_words_for(self):
        source = self.new("words", """
            CREATE SCHEMA depot;
            CREATE TABLE t (id int NOT NULL, code text NOT NULL, "odd ""one" text, doc jsonb, late int) WITH (fillfactor = 70, autovacuum_enabled = false,
              toast.autovacuum_enabled = off);
            ALTER TABLE t ADD COLUMN added text DEFAULT 'x', ALTER COLUMN late SET STATISTICS 0, ALTER COLUMN "odd ""one" SET STATISTICS 500,
              ALTER COLUMN "odd ""one" SET STORAGE EXTERNAL, ALTER COLUMN doc SET COMPRESSION pglz, ALTER COLUMN code SET (n_distinct = -0.5, n_distinct_inherited = 7);
            CREATE UNIQUE INDEX by_code ON t (code); CREATE INDEX by_late ON t (late); ALTER TABLE t REPLICA IDENTITY USING INDEX by_code, CLUSTER ON by_late;
            CREATE STATISTICS "many 'of" (ndistinct, mcv) ON id, "odd ""one" FROM t; CREATE STATISTICS folded ON lower(code), id FROM t;
            CREATE TABLE depot.u (id int PRIMARY KEY, n int); ALTER TABLE depot.u REPLICA IDENTITY FULL; CREATE STATISTICS depot.st (dependencies) ON id, n FROM depot.u;
            CREATE TABLE v (id int PRIMARY KEY); ALTER TABLE v REPLICA IDENTITY NOTHING;
            INSERT INTO t SELECT i, 'c' || i, repeat('y', i % 10), '{}', i % 3 FROM generate_series(1, 2000) i; INSERT INTO depot.u SELECT i, i FROM generate_series(1, 100) i""")
        for how in ("after", "before"):
            done = self.copy(source, self.new(f"words_{how}"), "--indexes", how, "--verify", "checksum")
            self.assertNotIn("not copied", done.err)
            self.assertEqual(self.dump(f"words_{how}"), self.dump("words"))
        made = "SELECT stxname FROM pg_statistic_ext JOIN pg_statistic_ext_data ON stxoid = oid ORDER BY 1"
        self.assertEqual(self.server.psql(made, "words_after"), [["folded"], ["many 'of"], ["st"]], "they are there before the table is analysed")
        self.copy(source, self.server.uri("words_after"), "--truncate")
        self.assertEqual(self.dump("words_after"), self.dump("words"))
        done = self.copy(source, self.new("words_some"), "--table", "t", "--column", "id", "--column", "late", "--cast", "t.late=bigint")
        left = sorted(line.removeprefix("not copied: ") for line in done.err.splitlines() if line.startswith("not copied") and "unique" not in line)
        self.assertEqual(left, ['table "t": its extended statistics', 'table "t": its replica identity', 'table "t": the index that CLUSTER goes by'])
        done = self.copy(source, "words.sqlite", "--table", "t")
        for what in ("its storage parameters: fillfactor=70", "how its columns are stored", "the statistics targets of its columns", "its replica identity"):
            self.assertEqual(done.err.count(f'not copied: table "t": {what}'), 1, done.err)

    def test_who_may_do_what_is_named(self):
        source = self.new("rights", """
            CREATE ROLE reader; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO reader; GRANT UPDATE (b) ON t TO PUBLIC; CREATE TABLE u (a int); GRANT SELECT ON u TO CURRENT_USER;
            ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON t USING (a > 0); CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING;
            CREATE PUBLICATION news FOR TABLE t; INSERT INTO t VALUES (1, 2)""")
        done = self.copy(source, self.new("rights_to"), "--verify", "checksum")
        left = sorted(line.removeprefix("not copied: ") for line in done.err.splitlines() if line.startswith("not copied"))
        self.assertEqual(left, ['table "t": 1 row security policies', 'table "t": 1 rules', 'table "t": that it is published: news',
                                'table "t": that row security is on', 'table "t": what others may do with it: PUBLIC, reader'])

    def test_what_rows_may_break(self):
        """Keys and checks that the source's own rows break are there for rows to come; keys with words of their own keep them."""
        source = self.new("broken", """
            CREATE TABLE two (a int, b int, PRIMARY KEY (a, b)); INSERT INTO two VALUES (1, 2);
            CREATE TABLE one (a int, b int, FOREIGN KEY (a, b) REFERENCES two MATCH FULL ON DELETE SET NULL (b) ON UPDATE CASCADE);
            INSERT INTO one VALUES (1, 2), (NULL, NULL);
            CREATE TABLE few (a int); INSERT INTO few VALUES (5), (15); ALTER TABLE few ADD CONSTRAINT many CHECK (a > 10) NOT VALID;
            CREATE TABLE lost (a int, b int); INSERT INTO lost VALUES (8, 9); ALTER TABLE lost ADD FOREIGN KEY (a, b) REFERENCES two NOT VALID""")
        for how in ("after", "before"):
            self.copy(source, self.new(f"broken_{how}"), "--indexes", how, "--verify", "checksum")
            self.assertEqual(self.dump(f"broken_{how}"), self.dump("broken"))

    def test_types_of_the_server_and_arrays_in_arrays(self):
        source = self.new("built", """
            CREATE TABLE t (p jsonpath, l pg_lsn, x xid8, m int[][], e text[][]);
            INSERT INTO t VALUES ('$.a[*]', '16/B374D848', '18446744073709551615', '{{1,2},{3,NULL}}', '[0:0][1:2]={{"a b",NULL}}')""")
        done = self.copy(source, self.new("built_to"), "--verify", "checksum")
        self.assertNotIn("not copied", done.err)
        self.assertEqual(self.dump("built_to"), self.dump("built"))
        self.assertEqual(self.server.psql("SELECT * FROM t", "built_to"), self.server.psql("SELECT * FROM t", "built"))

    def test_tables_that_are_left_out_are_named(self):
        source = self.new("odd", """
            CREATE TABLE nothing (); CREATE TABLE made (a int GENERATED ALWAYS AS (1) STORED); CREATE TABLE "a.b" (c int);
            CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); CREATE UNLOGGED TABLE quick (a int) WITH (fillfactor = 50);
            INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3); INSERT INTO quick VALUES (4)""")
        done = self.copy(source, self.new("odd_to"), "--verify", "checksum")
        left = sorted(line.removeprefix("not copied: ") for line in done.err.splitlines() if line.startswith("not copied"))
        self.assertEqual(left, ['table "a.b": there is a dot in its name', 'table "child": that it inherits from parent',
                                'table "made": it has no column that could be read', 'table "nothing": it has no column that could be read',
                                'table "quick": that it is unlogged'])
        self.assertEqual(self.server.psql("SELECT * FROM parent UNION ALL SELECT a FROM child", "odd_to"), [["1"], ["2"]])
        self.spate_fails(2, "copy", source, "-?format=csv", "--table", "a.b", says="a dot in its name")

    def test_what_the_target_makes_of_rows_is_found(self):
        rows = "CREATE TABLE t (id int, s text)"
        source = self.new("meant", rows + "; INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 20000) i")
        for name, body, code, says in (
                ("kept", "RETURN NEW", 0, None),
                ("changed", "IF NEW.id = 7777 THEN NEW.s = 'row  7777'; END IF; RETURN NEW", 1, "20000 rows were copied, 20000 are there, with other values"),
                ("lost", "IF NEW.id = 7777 THEN RETURN NULL; END IF; RETURN NEW", 1, "20000 rows were copied, 19999 are there")):
            target = self.new(f"meant_{name}", rows + f"; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$;"
                              "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()")
            words = ("copy", source, target, "--truncate", "--workers", "2", "--batch", "900", "--progress", "none", "--verify", "checksum")
            if code:
                self.spate_fails(code, *words, says=says)
            else:
                self.spate_ok(*words)
        part = ("copy", source, self.new("meant_some"), "--create", "--table", "t", "--where", "id % 3 = 0", "--column", "s", "--verify", "checksum", "--json")
        told = json.loads(self.spate_ok(*part, "--progress", "none").out)
        self.assertEqual((told["verified"][0]["rows_from"], told["verified"][0]["same"]), (6666, True), told)

    def test_a_cast_decides(self):
        source = self.new("cast", "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, '2024-02-29'), (NULL, NULL)")
        self.copy(source, self.new("cast_to"), "--cast", "t.a=numeric(12,3)", "--cast", "t.b=date", "--verify", "count")
        types = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"
        self.assertEqual(self.server.psql(types, "cast_to"), [["numeric(12,3)"], ["date"]])
        self.assertEqual(self.server.psql("SELECT * FROM t WHERE a IS NOT NULL", "cast_to"), [["1.000", "2024-02-29"]])
        self.spate_fails(2, "copy", source, self.new("cast_no"), "--create", "--cast", "t.x=date", says='there is no column "x" of a table "t"')
        self.spate_fails(2, "copy", source, self.new("cast_no2"), "--create", "--cast", "nonsense", says="is no cast")
        self.spate_fails(2, "copy", source, self.server.uri("cast_to"), "--cast", "t.a=int", says="a cast is for columns of tables that are created")

    def test_dry_run_tells_the_plan(self):
        source = self.new("dry", RICH)
        target = self.new("dry_to")
        done = self.copy(source, target, "--dry-run")
        for says in (r"(?m)^table customer: about \d+ rows, \d+ pages in 1 ranges$", r"(?m)^  email: text \(character varying\(80\)\), not null$",
                     r"-- before the rows", r'CREATE TABLE "customer" \(', r"-- after the rows, at once\nCREATE", r"-- after the indexes\nALTER", r'CREATE INDEX "part_heavy" ON "depot"."part" USING btree',
                     r"-- at the end", "setval"):
            self.assertRegex(done.out, says)
        self.assertEqual(self.server.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'depot')", "dry_to"), "0")

    # ---- a dump is a copy that waits ----

    def test_a_script_makes_the_same_database(self):
        source = self.new("script", RICH)
        path = self.dir / "all.sql"
        self.copy(source, f"{path}?format=copy")
        self.new("script_to")
        done = subprocess.run(["psql", "-X", "-q", "-o", "/dev/null", "-d", self.server.uri("script_to"), "-f", path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stderr[:2000])
        self.assertEqual(self.dump("script_to"), self.dump("script"))
        for table in ("customer", "depot.part", "bare"):
            rows = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"
            self.assertEqual(self.server.value(rows, "script_to"), self.server.value(rows, "script"), table)

    # ---- other dialects ----

    def test_into_sqlite_and_back(self):
        source = self.new("lite", RICH)
        path = self.dir / "x.sqlite"
        self.copy(source, f"sqlite:{path}", "--table", "customer", "--table", "bare", "--verify", "checksum")
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        db.execute("INSERT INTO customer (email, balance) VALUES ('new@x', 5)")
        got = db.execute("SELECT id, feel, balance, code, doc, made IS NOT NULL, size FROM customer WHERE email = 'new@x'").fetchone()
        self.assertEqual(got, (6009, "so-so", 5, "a'b\\c", '{"a": 1}', 1, 10))
        with self.assertRaises(sqlite3.IntegrityError):
            db.execute("INSERT INTO customer (email, balance) VALUES ('new@x', 5)")
        with self.assertRaises(sqlite3.IntegrityError):
            db.execute("INSERT INTO customer (email, balance) VALUES ('y@x', -5)")
        db.rollback()
        self.copy(f"sqlite:{path}", self.new("lite_back"), "--verify", "count")
        self.assertEqual(self.server.value("INSERT INTO customer (email) VALUES ('z@x') RETURNING id", "lite_back"), "6009")
        self.copy(f"sqlite:{path}", f"sqlite:{self.dir}/y.sqlite", "--verify", "checksum")
        other = sqlite3.connect(self.dir / "y.sqlite")
        self.addCleanup(other.close)
        schema = "SELECT type, name, tbl_name, replace(sql, 'IF NOT EXISTS ', '') FROM sqlite_master ORDER BY 1, 2"
        self.assertEqual(other.execute(schema).fetchall(), db.execute(schema).fetchall())

    def test_into_duckdb_and_back(self):
        source = self.new("duck", RICH)
        path = self.dir / "x.duckdb"
        done = self.copy(source, f"duckdb:{path}", "--verify", "checksum")
        self.assertIn('table "depot.part": the exclusion constraint "part_span_excl"', done.err)
        duckdb_script(path, "INSERT INTO customer (email, id) VALUES ('new@x', nextval('customer_id_seq'))")
        got = query(f"duckdb:{path}", "SELECT id, feel, balance, code, size FROM customer WHERE email = 'new@x'")
        self.assertEqual(list(got[0].values()), ["6010", "so-so", "1.50", "a'b\\c", "10"])
        for bad in ("INSERT INTO customer (email, balance) VALUES ('y@x', -5)", "INSERT INTO customer (email, id) VALUES ('y@x', 10)"):
            with self.assertRaises(RuntimeError):
                duckdb_script(path, bad)
        self.assertEqual(query(f"duckdb:{path}", "SELECT comment FROM duckdb_tables() WHERE table_name = 'customer'")[0]["comment"], 'who buys; it\'s "them"')
        self.copy(f"duckdb:{path}", self.new("duck_back"), "--verify", "count")
        keys = "SELECT contype, count(*) FROM pg_constraint WHERE connamespace IN ('public'::regnamespace, 'depot'::regnamespace) GROUP BY 1 ORDER BY 1"
        self.assertEqual(self.server.psql(keys, "duck_back"), [["c", "1"], ["p", "2"]])
        self.copy(f"duckdb:{path}", f"duckdb:{self.dir}/y.duckdb", "--verify", "checksum")
        same = "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        self.assertEqual(query(f"duckdb:{self.dir}/y.duckdb", same), query(f"duckdb:{path}", same))


if __name__ == "__main__":
    unittest.main()
