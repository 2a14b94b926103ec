"""spate copy out of a real PostgreSQL: one moment, partitions, conditions, keys and their order, what is refused."""
import re
import subprocess
import threading
import time
import unittest

from harness import SPATE, Case
from live.servers import Postgres


class Copy(Case):
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
        return self.spate_ok("copy", source, target, "--progress", "none", *words)

    def test_lists_of_two_dimensions(self):
        """An integer[] takes them; they are copied when it is declared so."""
        source = self.new("dims", "CREATE TABLE d (id int, a int[]); INSERT INTO d VALUES (1, ARRAY[[1,2],[3,4]]), (2, ARRAY[5]), (3, '[0:1]={1,2}'), (4, NULL)")
        target = self.new("dims_too")
        self.spate_fails(4, "copy", source, target, "--create", "--progress", "none", says=['column "a", row 1', "hint: a list has one dimension"])
        self.server.psql("ALTER TABLE d ALTER a TYPE int[][]", "dims")
        self.copy(source, target, "--create", "--truncate", "--verify", "checksum")
        self.assertEqual(self.server.psql("SELECT a FROM d ORDER BY id", "dims_too"), [["{{1,2},{3,4}}"], ["{5}"], ["[0:1]={1,2}"], []])

    def test_every_worker_sees_one_moment(self):
        """Money moves between accounts all the while; no copy sees it on its way."""
        source = self.new("moving", "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);"
                                    "INSERT INTO account SELECT i, 100 FROM generate_series(1, 20000) i")
        stop = threading.Event()

        def move():
            while not stop.is_set():
                self.server.psql("BEGIN; UPDATE account SET balance = balance - 1 WHERE id % 2 = 0;"
                                 "UPDATE account SET balance = balance + 1 WHERE id % 2 = 1;"
                                 "INSERT INTO account SELECT max(id) + n, 100 FROM account, generate_series(1, 2) n GROUP BY n; COMMIT", "moving")

        thread = threading.Thread(target=move)
        thread.start()
        try:
            for i in range(3):
                target = self.new(f"moved{i}")
                self.copy(source, target, "--create", "--workers", "3", "--batch", "500", "--verify", "checksum")
                rows, total, low = self.server.psql("SELECT count(*), sum(balance), min(balance) FROM account", f"moved{i}")[0]
                self.assertEqual(int(total), 100 * int(rows))
        finally:
            stop.set()
            thread.join()

    def test_partitions_are_one_table(self):
        source = self.new("parts", """
            CREATE TABLE log (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
            CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
            CREATE TABLE log_b PARTITION OF log FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (id);
            CREATE TABLE log_b0 PARTITION OF log_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE log_b1 PARTITION OF log_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            CREATE TABLE log_c PARTITION OF log DEFAULT;
            INSERT INTO log SELECT i, '2024-01-01'::date + i % 70 FROM generate_series(1, 30000) i""")
        self.copy(source, self.new("whole"), "--create", "--workers", "3", "--batch", "700", "--verify", "checksum")
        ask = "SELECT count(*), sum(id), sum(hashtext(day::text)::bigint) FROM log"
        self.assertEqual(self.server.psql(ask, "whole"), self.server.psql(ask, "parts"))

    def test_some_rows_and_columns(self):
        source = self.new("some", "CREATE TABLE t (a int, b text, \"odd \"\"name\" int, c int GENERATED ALWAYS AS (a * 2) STORED);"
                                  "INSERT INTO t SELECT i, 'x' || i, i FROM generate_series(1, 1000) i")
        done = self.copy(source, "-?format=csv", "--table", "t", "--where", "a % 100 = 0 AND b <> 'x500'", "--column", 'odd "name',
                         "--column", "b")
        self.assertEqual(sorted(done.out.splitlines()[1:]), sorted(f"x{i},{i}" for i in range(100, 1001, 100) if i != 500))
        self.assertEqual(done.out.splitlines()[0], 'b,"odd ""name"')
        self.spate_fails(2, "copy", source, "-?format=csv", "--table", "t", "--where", "no such thing", says='syntax error at or near "such"')

    def test_a_table_by_each_of_its_names(self):
        """With its schema or without, quoted as in SQL or not, of the search path or not."""
        source = self.new("named", 'CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 0); CREATE SCHEMA depot; CREATE TABLE depot.t (a int, b int);'
                                   'INSERT INTO depot.t VALUES (2, 0); CREATE TABLE depot."Part ""x" (a int); INSERT INTO depot."Part ""x" VALUES (3)')
        elsewhere = source + "&options=-csearch_path%3Ddepot"
        for uri, name, want in ((source, "t", "1"), (source, "public.t", "1"), (source, '"t"', "1"), (source, 'public."t"', "1"), (source, "depot.t", "2"),
                                (source, '"depot".t', "2"), (source, 'depot.Part "x', "3"), (source, '"depot"."Part ""x"', "3"), (elsewhere, "t", "2"),
                                (elsewhere, "depot.t", "2"), (elsewhere, "public.t", "1")):
            done = self.copy(uri, "-?format=csv", "--table", name, "--where", f"a = {want}", "--column", "a")
            self.assertEqual(done.out.splitlines()[1:], [want], name)
        self.copy(source, self.new("named_to"), "--create", "--table", "public.t", "--table", "t", "--cast", "public.t.a=bigint", "--verify", "checksum")
        self.copy(elsewhere, self.new("named_from"), "--create", "--table", "public.t", "--verify", "checksum")
        self.assertEqual(self.server.psql("SELECT a FROM public.t", "named_from"), [["1"]])
        self.spate_fails(2, "copy", source, "-?format=csv", "--table", "T", says='(?s)there is no table "T" in .*hint: there are "t" and "depot.t"')
        self.spate_fails(2, "copy", source, "-?format=csv", "--table", "other.t", says='there is no table "other.t" in')
        plan = self.write("p.yaml", "".join(f"{line}\n" for line in ["tables:"] + [
            f"- {{name: {name}, from: '{source}', table: {table}, columns: [{{name: b, value: '5'}}]}}" for name, table in (("u", "public.t"), ("v", "depot.t"))]))
        self.spate_ok("generate", plan, "--to", "out/", "--progress", "none")
        self.assertEqual([(self.dir / f"out/{name}.csv").read_text() for name in "uv"], ["a,b\n1,5\n", "a,b\n2,5\n"])
        config = ("config", elsewhere, "--rows", "public.t=7")
        self.assertIn("name: public.t", self.spate_ok(*config, "--table", '"public".t').out)
        self.assertNotIn("name: t", self.spate_ok(*config, "--table", "public.t").out)

    def test_asked_as_if_it_were_a_file(self):
        source = self.new("asked", "CREATE SCHEMA app; CREATE TABLE app.t (a int, b text, odd point); CREATE TABLE u (a bigint PRIMARY KEY, f float8);"
                                   "INSERT INTO app.t SELECT i, 'x' || i % 7 FROM generate_series(1, 200000) i; INSERT INTO u VALUES (7, 0.5), (8, NULL);")
        for schema in ("public,app", "app,public"):  # which says how the tables are called
            self.server.psql(f"ALTER DATABASE asked SET search_path = {schema}", "asked")
            t, u = ("app.t", "u") if schema == "public,app" else ("t", "public.u")
            asked = lambda sql: self.spate_ok("query", source, sql, "--format", "csv").out.splitlines()[1:]
            self.assertEqual(asked(f"SELECT count(*), sum(a), count(DISTINCT b) FROM {t}"), ["200000,20000100000,7"])
            self.assertEqual(asked(f"SELECT b, f FROM {t} JOIN {u} USING (a) ORDER BY 1"), ["x0,0.5", "x1,"])
        self.spate_fails(2, "query", source, "SELECT nothing FROM t", says='"nothing" not found')

    def test_what_is_misspelt_changes_nothing(self):
        """Columns and conditions are looked at before the target is emptied."""
        source = self.new("spelt", "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
        target = self.new("kept", "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (7, 'z')")
        for words in (["--where", ""], ["--where", "a = 1; DROP TABLE t"], ["--where", "true) TO STDOUT; --"], ["--where", "count(*) > 0"],
                      ["--where", "nothing = 1"], ["--where", "a"], ["--column", "a", "--column", "nothing"]):
            self.spate_fails(2, "copy", source, target, "--table", "t", "--truncate", *words, says='the condition: |no column "nothing"')
            self.assertEqual(self.server.psql("SELECT * FROM t", "kept"), [["7", "z"]], words)
        self.copy(source, target, "--table", "t", "--truncate", "--where", "a = 1 -- the first")
        self.assertEqual(self.server.psql("SELECT * FROM t", "kept"), [["1", "x"]])

    def test_onto_itself(self):
        """What would empty the tables that it reads is refused, by whichever way it comes to them; another schema is another place."""
        rows = "SELECT count(*) FROM t"
        source = self.new("self", "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE SCHEMA other; CREATE TABLE other.t (a int)")
        for target in (source, self.server.uri("self", tcp=True)):
            for words in (["--truncate"], ["--truncate", "--create"], ["--truncate", "--dry-run"]):
                self.spate_fails(2, "copy", source, target, "--table", "t", *words, says="the same database")
                self.assertEqual(self.server.value(rows, "self"), "1000")
        self.copy(source, source + "&options=-csearch_path%3Dother", "--table", "t", "--truncate")
        self.assertEqual(self.server.value("SELECT count(*) FROM other.t", "self"), "1000")

    def test_parents_come_first(self):
        source = self.new("family", """
            CREATE TABLE z_parent (id int PRIMARY KEY);
            CREATE TABLE a_child (id int PRIMARY KEY, parent int REFERENCES z_parent, u text UNIQUE);
            INSERT INTO z_parent SELECT generate_series(1, 5000);
            INSERT INTO a_child SELECT i, i % 5000 + 1, 'u' || i FROM generate_series(1, 20000) i""")
        target = self.new("kin")
        self.copy(source, target, "--create", "--workers", "3")
        keys = "SELECT conname, contype FROM pg_constraint WHERE contype IN ('p', 'f', 'u') ORDER BY contype, conname"
        self.assertEqual([r[1] for r in self.server.psql(keys, "kin")], [r[1] for r in self.server.psql(keys, "family")])
        self.copy(source, target, "--truncate", "--workers", "3", "--batch", "1000", "--verify", "checksum")
        self.copy(source, target, "--truncate", "--defer-constraints", "--workers", "3")
        self.assertEqual(self.server.value("SELECT count(*) FROM a_child", "kin"), "20000")

    def test_deleted_rows_and_empty_pages(self):
        source = self.new("holes", "CREATE TABLE t (a int, pad text); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i;"
                                   "DELETE FROM t WHERE a BETWEEN 3000 AND 15000; VACUUM t; CREATE TABLE nothing (a int)")
        self.copy(source, self.new("filled"), "--create", "--workers", "2", "--verify", "checksum")
        self.assertEqual(self.server.value("SELECT count(*) FROM t", "filled"), "7999")

    def test_verify_finds_a_change(self):
        """A trigger of the target changes what comes."""
        source = self.new("honest", "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i")
        target = self.new("liar", "CREATE TABLE t (a int, b text);"
                                  "CREATE FUNCTION lie() RETURNS trigger AS $$ BEGIN IF NEW.a = 777 THEN NEW.b := 'y'; END IF; RETURN NEW; END $$"
                                  " LANGUAGE plpgsql; CREATE TRIGGER lie BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lie()")
        done = self.spate_fails(1, "copy", source, target, "--truncate", "--verify", "checksum", says="with other values")
        self.assertIn("verified: 0 of 1 tables are the same", done.err)
        self.spate_ok("copy", source, target, "--truncate", "--verify", "count")

    def test_the_source_goes_away(self):
        source = self.new("gone", "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 400000) i")
        process = subprocess.Popen([SPATE, "copy", source, f"{self.dir}/t.csv", "--progress", "none"], stderr=subprocess.PIPE, text=True)
        killed = 0
        for _ in range(400):
            killed = int(self.server.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'spate'"
                                           " AND query LIKE 'COPY%'"))
            if killed or process.poll() is not None:
                break
            time.sleep(0.005)
        err = process.communicate(timeout=60)[1]
        self.assertGreater(killed, 0)
        self.assertEqual(process.returncode, 3, err)
        self.assertRegex(err, r'table "t"')
        self.assertFalse((self.dir / "t.csv").exists())
        self.assertIsNone(re.search("bug", err))


if __name__ == "__main__":
    unittest.main()
