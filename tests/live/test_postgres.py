"""The PostgreSQL sink against a real server: what it loads, what it refuses and in which words, and what is left after a crash.

A failure must name the table and the rows, carry the server's SQLSTATE and DETAIL, and leave whole transactions only.
"""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

from harness import ROOT, SPATE, Case, spate
from live.servers import Postgres

server = None


def setUpModule():
    global server
    try:
        server = Postgres()
        server.__enter__()
        server.psql("CREATE ROLE reader LOGIN")
    except (OSError, RuntimeError) as why:
        raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")


def tearDownModule():
    if server:
        server.remove()


def plan(*tables):
    """A plan from (name, rows, column lines) triples."""
    lines = ["seed: 7", "tables:"]
    for name, rows, columns in tables:
        lines += [f"  - name: {name}", f"    rows: {rows}", "    columns:"]
        lines += [f"      - {{{column}}}" for column in columns]
    return "\n".join(lines) + "\n"


ID = "name: id, inc: 1, primary_key: true"
NOTE = 'name: note, range: string, props: {min: 5, max: 30}'
SIMPLE = plan(("item", 5000, [ID, NOTE]))
FAMILY = plan(("parent", 2000, ["name: id, value: '${uuid}', primary_key: true"]),
              ("child", 5000, [ID, "name: parent_id, ref: parent.id"]))
FAMILY_SQL = """
    CREATE TABLE child (id bigint PRIMARY KEY, parent_id uuid NOT NULL);
    CREATE TABLE parent (id uuid PRIMARY KEY);
    ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE;
"""


class Live(Case):
    def setUp(self):
        super().setUp()
        self.db = server.database("t_" + re.sub(r"\W", "_", self.id().rsplit(".", 1)[1])[:50])
        self.plan = self.write("plan.yaml", SIMPLE)

    def sql(self, text, user="postgres"):
        return server.psql(text, self.db, user)

    def value(self, text):
        return server.value(text, self.db)

    def count(self, table):
        return int(self.value(f"SELECT count(*) FROM {table}"))

    def words(self, *words, plan=None, user="postgres"):
        return ["generate", plan or self.plan, "--to", server.uri(self.db, user), "--progress", "none", *words]

    def load(self, *words, **more):
        return self.spate_ok(*self.words(*words, **more))

    def refused(self, code, *words, says=(), **more):
        return self.spate_fails(code, *self.words(*words, **more), says=says)

    def start(self, *words, **more):
        process = subprocess.Popen([SPATE, *map(str, self.words(*words, **more))], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def wait_for(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail("waited in vain")
            time.sleep(0.02)


SHOP = ["--rows", "member=1000", "--rows", "product=200", "--rows", "purchase=3000", "--rows", "purchase_line=5000",
        "--rows", "person=1000", "--rows", "pet=1500"]


class Loading(Live):
    def test_creates_and_loads_the_shop(self):
        self.load("--create", *SHOP, plan=ROOT / "examples" / "shop.yaml")
        self.assertEqual(self.count("purchase_line"), 5000)
        orphans = """SELECT (SELECT count(*) FROM purchase_line l LEFT JOIN purchase p ON p.id = l.purchase_id WHERE p.id IS NULL)
                          + (SELECT count(*) FROM purchase p LEFT JOIN member m ON m.id = p.member_id WHERE m.id IS NULL)
                          + (SELECT count(*) FROM pet t LEFT JOIN person p ON p.id = t.person_id WHERE p.id IS NULL)"""
        self.assertEqual(self.value(orphans), "0")
        kinds = self.sql("SELECT contype, count(*), bool_and(convalidated) FROM pg_constraint"
                         " WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1")
        self.assertEqual(kinds, [["f", "4", "t"], ["p", "6", "t"]])
        self.assertEqual(self.value("SELECT typtype FROM pg_type t JOIN pg_attribute a ON a.atttypid = t.oid"
                                    " WHERE attrelid = 'purchase'::regclass AND attname = 'status'"), "e")

    def test_wide_rows_share_transactions(self):
        wide = self.write("wide.yaml", plan(("wide", 300, [f"name: c{i}, range: int, props: {{min: 0, max: 9}}" for i in range(1600)])))
        self.load("--create", "--workers", 1, plan=wide)
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT xmin::text) FROM wide"), [["300", "1"]])

    def test_enumerations_get_names_that_no_table_has(self):
        kind = "name: b, type: enum, set: [x, y]"
        enums = self.write("enums.yaml", plan(("a", 10, [ID, kind, "name: b_enum, type: enum, set: [z]"]), ("a_b", 10, [ID, kind])))
        self.load("--create", plan=enums)
        self.load("--create", "--truncate", plan=enums)
        names = self.sql("SELECT typname FROM pg_type WHERE typtype = 'e' ORDER BY typname")
        self.assertEqual(names, [["a_b_b"], ["a_b_enum"], ["a_b_enum_enum"]])
        self.spate_ok("generate", enums, "--to", f"duckdb:{self.dir}/enums.duckdb", "--create")

    def test_schemas_of_names_are_made(self):
        """By a role that may make schemas; where they are there already, by any that may make tables in them."""
        kind = "name: kind, type: enum, set: [x, y]"
        spaces = self.write("spaces.yaml", plan(("app.user", 20, [ID, kind]), ("Odd one.t", 30, [ID, "name: u, ref: app.user.id"])))
        self.load("--create", plan=spaces)
        self.load("--create", "--truncate", plan=spaces)
        self.assertEqual((self.count('app."user"'), self.count('"Odd one".t')), (20, 30))
        self.sql('DROP SCHEMA "Odd one" CASCADE; DROP SCHEMA app CASCADE')
        self.refused(3, "--create", plan=spaces, user="reader", says=["permission denied for database", 'creating the schema|"Odd one|app'])
        self.sql('CREATE SCHEMA app AUTHORIZATION reader; CREATE SCHEMA "Odd one" AUTHORIZATION reader')
        self.load("--create", plan=spaces, user="reader")
        self.assertEqual(self.count('"Odd one".t'), 30)
        self.spate_ok("generate", spaces, "--to", "script.sql", "--create", "--progress", "none")
        script = (self.dir / "script.sql").read_text().replace("\\set ON_ERROR_STOP on", "").replace("app", "app2").replace("Odd one", "Odd two")
        self.sql(script)
        self.assertEqual((self.count('app2."user"'), self.count('"Odd two".t')), (20, 30))

    def test_the_same_rows_however_they_come(self):
        sums = set()
        digest = "SELECT count(*), md5(string_agg(i::text, '' ORDER BY id)) FROM item i"
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text)")
        for words in (["--workers", 1], ["--workers", 3, "--batch", 100], ["--insert-mode", "insert"],
                      ["--insert-mode", "insert", "--batch", 7], ["--insert-mode", "upsert"]):
            self.load("--truncate", *words)
            sums.add(tuple(self.sql(digest)[0]))
        self.assertEqual(len(sums), 1)
        self.assertEqual(sums.pop()[0], "5000")

    def test_into_other_column_types(self):
        self.sql("""CREATE TYPE state AS ENUM ('sent', 'paid', 'open');
                    CREATE DOMAIN amount AS numeric(12,4) CHECK (VALUE >= 0);
                    CREATE TABLE item (id integer PRIMARY KEY, small smallint, state state, price amount, score numeric,
                                       note varchar(40), code char(3), flag text, at date, doc jsonb, "Mixed" bigint)""")
        path = self.write("types.yaml", plan(("item", 3000, [
            ID, "name: small, range: int, props: {min: -5, max: 30000}", "name: state, set: [paid, sent]",
            "name: price, range: decimal, props: {min: 0, max: 900, scale: 2}", "name: score, range: float, props: {min: 0, max: 1}",
            NOTE, "name: code, range: string, props: {min: 1, max: 4}", "name: flag, range: int, props: {min: 0, max: 9}",
            "name: at, range: timestamp, props: {min: 2020-01-01T00:00:00Z, max: 2021-01-01T00:00:00Z}",
            "name: doc, value: '{\"a\": 1}'", "name: Mixed, inc: 5"])))
        self.load(plan=path)
        row = self.sql("""SELECT count(*), min(small) >= -5 AND max(small) < 30000, count(DISTINCT state), max(scale(price)),
                                 min(score) >= 0 AND max(score) < 1, max(at) < '2021-01-01', bool_and(doc = '{"a": 1}'),
                                 min("Mixed"), max("Mixed") FROM item""")[0]
        self.assertEqual(row, ["3000", "t", "2", "4", "t", "t", "t", "5", "3004"])

    def test_text_where_there_is_no_binary_form(self):
        self.sql("CREATE TABLE item (id bigint, at inet, n integer)")
        path = self.write("text.yaml", plan(("item", 500, [ID, "name: at, set: [10.0.0.1, 10.0.0.2]",
                                                           "name: n, value: '42', type: text"])))
        for mode in "copy", "insert":
            self.load("--truncate", "--insert-mode", mode, plan=path)
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT at), sum(n) FROM item"), [["500", "2", "21000"]])

    def test_nulls_and_awkward_text(self):
        self.sql("CREATE TABLE item (id bigint, note text, at inet)")
        path = self.write("text.yaml", plan(("item", 900, [
            ID, 'name: note, set: ["tab\\there", "back\\\\slash", "line\\nbreak", "it\'s", ""], "null": 0.3',
            "name: at, set: ['::1'], type: text"])))
        seen = set()
        for mode in "copy", "insert":
            self.load("--truncate", "--insert-mode", mode, plan=path)
            seen.add(self.value("SELECT md5(string_agg(id || coalesce(note, '<null>'), ',' ORDER BY id)) FROM item"))
            self.assertEqual(self.value("SELECT count(DISTINCT note) FROM item"), "5")
        self.assertEqual(len(seen), 1)

    def test_names_as_written_then_in_lower_case(self):
        self.sql('CREATE SCHEMA app; CREATE TABLE app."Item" ("Id" bigint, note text); CREATE TABLE thing (id bigint)')
        path = self.write("names.yaml", plan(("app.Item", 10, ["name: Id, inc: 1", "name: NOTE, value: x"]),
                                             ("Thing", 10, [ID])))
        self.load(plan=path)
        self.assertEqual((self.count('app."Item"'), self.count("thing")), (10, 10))

    def test_parts_are_the_whole(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text)")
        digest = "SELECT count(*), md5(string_agg(i::text, '' ORDER BY id)) FROM item i"
        self.load()
        whole = self.sql(digest)
        self.sql("TRUNCATE item")
        for part in 2, 0, 1:
            self.load("--part", f"{part}/3")
        self.assertEqual(self.sql(digest), whole)

    def test_upsert_twice(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text)")
        self.load("--insert-mode", "upsert")
        before = self.sql("SELECT md5(string_agg(note, '' ORDER BY id)) FROM item")
        self.sql("UPDATE item SET note = 'changed' WHERE id < 100")
        self.load("--insert-mode", "upsert")
        self.assertEqual(self.count("item"), 5000)
        self.assertEqual(self.sql("SELECT md5(string_agg(note, '' ORDER BY id)) FROM item"), before)

    def test_skip_leaves_what_is_there(self):
        self.sql("CREATE TABLE item (id bigint UNIQUE, note text)")
        self.sql("INSERT INTO item SELECT i, 'there' FROM generate_series(1, 100) i")
        self.load("--insert-mode", "skip")
        self.assertEqual(self.sql("SELECT count(*), count(*) FILTER (WHERE note = 'there') FROM item"), [["5000", "100"]])

    def test_rows_that_the_server_leaves_out_are_told(self):
        self.sql("""CREATE TABLE item (id bigint PRIMARY KEY, note text);
                    CREATE FUNCTION even() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
                    CREATE TRIGGER even BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION even();""")
        for mode in "copy", "insert", "upsert":
            done = self.load("--truncate", "--insert-mode", mode, "--job", mode)
            self.assertRegex(done.err, r"item .* 5,000 rows .*\(2,500 left out by the server\)")
            self.assertEqual(self.count("item"), 2500)
        done = self.load("--insert-mode", "skip", "--json")
        self.assertEqual(json.loads(done.out)["tables"][0]["left_out"], 5000)
        self.sql("DROP TRIGGER even ON item")
        done = self.load("--truncate", "--insert-mode", "insert", "--json")
        self.assertNotIn("left_out", json.loads(done.out)["tables"][0])

    def test_dgs_modes(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text)")
        url = server.uri(self.db, "postgres")
        url += ("&" if "?" in url else "?") + "pool_max_conns=4"
        for mode in "upsert", "Conflict":
            self.spate_ok("as", "dgs", "gen", "data", "--config", self.plan, "--url", url, "--insert-mode", mode)
            self.assertEqual(self.count("item"), 5000)
        done = self.spate_fails(1, "as", "dgs", "gen", "data", "--config", self.plan, "--url", url, "--insert-mode", "insert")
        self.assertRegex(done.err, "FTL .*duplicate key")

    def test_parents_first(self):
        self.sql(FAMILY_SQL)
        path = self.write("family.yaml", FAMILY)
        self.load("--workers", 3, "--batch", 500, plan=path)
        self.assertEqual(self.count("child"), 5000)

    def test_a_table_that_refers_to_itself(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, boss bigint REFERENCES item)")
        path = self.write("self.yaml", plan(("item", 4000, [ID, "name: boss, range: int, props: {min: 1, max: 4001}"])))
        self.load(plan=path)
        self.assertEqual(self.count("item"), 4000)
        path = self.write("earlier.yaml", plan(("item", 4000, [ID, "name: boss, ref: item.id"])))
        for mode in "copy", "insert", "upsert":
            self.load("--truncate", "--insert-mode", mode, "--workers", 3, "--batch", 100, plan=path)
            self.assertEqual(self.count("item"), 4000)

    def test_long_cells_end_a_statement(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY CHECK (id <> 77), note text)")
        path = self.write("long.yaml", plan(("item", 100, [ID, "name: note, range: string, props: {min: 90000, max: 100000}"])))
        done = self.refused(4, "--insert-mode", "insert", "--workers", 1, plan=path, says="rows [0-9]+ to [0-9]+: rows [0-9]+ to [0-9]+: ")
        first, last = map(int, re.search(r": rows ([0-9]+) to ([0-9]+): ", done.err).groups())
        self.assertLess(last - first, 30)  # about a megabyte, not a thousand rows

    def test_identity_column(self):
        self.sql("CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text,"
                 " size integer GENERATED ALWAYS AS (length(note)) STORED)")
        for mode in "copy", "insert", "upsert":
            self.load("--truncate", "--insert-mode", mode)
            self.assertEqual(self.sql("SELECT min(id), max(id), min(size) FROM item"), [["1", "5000", "5"]])

    def test_wide_table_by_insert(self):
        columns = [f"c{i}" for i in range(120)]
        self.sql(f"CREATE TABLE item ({', '.join(c + ' integer' for c in columns)})")
        path = self.write("wide.yaml", plan(("item", 1500, [f"name: {c}, range: int, props: {{min: 0, max: 9}}" for c in columns])))
        self.load("--insert-mode", "insert", plan=path)  # 1000 rows would be 120,000 parameters
        self.assertEqual(self.count("item"), 1500)

    def test_creates_every_type_of_a_plan(self):
        rows = re.findall(r'^    {"([a-z0-9 ]+)", (SP_\w+), (\w+)}', (ROOT / "src/plan/types.c").read_text(), re.M)
        rows = [row for row in rows if row[2] not in ("OTHER", "SHAPE")]  # texts with a grammar: tests/conform has their values
        self.assertGreater(len(rows), 40)
        values = {"SP_BOOL": "true", "SP_DATE": "2024-02-29", "SP_TIME": "10:11:12", "SP_TIMESTAMP": "2024-02-29T10:11:12",
                  "SP_TIMESTAMPTZ": "2024-02-29T10:11:12Z", "SP_INTERVAL": "1h30m", "SP_JSON": "{}",
                  "SP_UUID": "00000000-0000-0000-0000-000000000001"}
        columns = []
        for name, kind, args in rows:
            for numbers in [""] + {"LENGTH": ["(9)"], "SECONDS": ["(3)"], "FLOAT": ["(9)", "(40)"], "DECIMAL": ["(9,2)"]}.get(args, []):
                columns.append(f"name: c{len(columns)}, value: '{values.get(kind, '7')}', type: '{name}{numbers}'")
        self.sql("CREATE EXTENSION IF NOT EXISTS citext")
        path = self.write("types.yaml", plan(("item", 10, columns)))
        self.load("--create", plan=path)
        self.assertEqual(self.count("item"), 10)
        self.spate_ok("generate", path, "--to", self.dir / "types.duckdb", "--create", "--progress", "none")

    def test_dry_run_changes_nothing(self):
        self.load("--create", "--dry-run")
        self.assertEqual(self.sql("SELECT 1 FROM pg_class WHERE relname = 'item'"), [])
        self.sql("CREATE TABLE item (id bigint, note text); INSERT INTO item VALUES (1, 'old')")
        self.load("--truncate", "--dry-run")
        self.assertEqual(self.count("item"), 1)


class Refusing(Live):
    def test_names_that_would_be_cut_off(self):
        long = "x" * 70
        path = self.write("long.yaml", plan((long, 10, [ID]), ("item", 10, [f"name: {long}, inc: 1"])))
        self.refused(2, "--create", plan=path, says=[f'table "{long}" has a name of 70 bytes', "at most 63", f'column "item.{long}"'])

    def test_missing_table(self):
        self.refused(2, says=['no table "item"', "--create"])

    def test_table_exists_already(self):
        self.sql("CREATE TABLE item (id bigint)")
        self.refused(2, "--create", says='"item" exists already')

    def test_create_and_truncate_replace(self):
        shop = str(ROOT / "examples/shop.yaml")
        small = ["--rows", "member=30", "--rows", "product=20", "--rows", "purchase=50", "--rows", "purchase_line=90",
                 "--rows", "person=30", "--rows", "pet=40", "--create", "--truncate"]
        for seed in ("1", "2"):
            self.load(*small, "--seed", seed, plan=shop)
            self.assertEqual(self.count("purchase_line"), 90)
        self.sql("CREATE VIEW mine AS SELECT * FROM pet")
        self.refused(2, *small, plan=shop, says=["mine", "SQLSTATE: 2BP01"])
        self.assertEqual(self.count("pet"), 40)

    def test_all_problems_at_once(self):
        self.sql("CREATE TABLE item (id boolean, nota text, must text NOT NULL, size int GENERATED ALWAYS AS (1) STORED)")
        path = self.write("wrong.yaml", plan(("item", 10, [ID, NOTE, "name: size, inc: 1"])))
        self.refused(2, plan=path, says=['column "id": its cells are .*, the column is boolean',
                                         'no column "note": did you mean "nota"', 'column "must" must not be null',
                                         'column "size" is generated'])

    def test_integer_that_does_not_fit(self):
        self.sql("CREATE TABLE item (id smallint, note text)")
        path = self.write("big.yaml", plan(("item", 40000, [ID])))
        self.refused(2, plan=path, says="column \"id\": its cells reach 40000, which smallint cannot hold")

    def test_label_that_the_type_lacks(self):
        self.sql("CREATE TYPE state AS ENUM ('sent'); CREATE TABLE item (state state)")
        path = self.write("enum.yaml", plan(("item", 10, ["name: state, set: [sent, lost], type: enum"])))
        self.refused(2, plan=path, says='"lost" is not a label of state')

    def test_values_of_the_plan_that_a_column_does_not_take(self):
        self.sql("CREATE TYPE state AS ENUM ('sent'); CREATE TABLE item (id bigint, n integer, day date, doc jsonb, state state, word varchar(5))")
        path = self.write("values.yaml", plan(("item", 10, [
            ID, "name: n, set: [1, 2, x]", "name: day, set: [2024-02-29, 2023-02-29]", "name: doc, value: '{x'",
            "name: state, set: [sent, lost]", "name: word, set: ['größe ', größer]"])))
        for words in [], ["--insert-mode", "insert"]:
            self.refused(2, *words, plan=path, says=[
                'column "n": invalid input syntax for type integer: "x"', 'column "day": .* out of range: "2023-02-29"',
                'column "doc": invalid input syntax for type json', '"lost" is not a label of state',
                'column "word": "größer" has 6 characters, too long for character varying.5.'])
        self.sql("DROP TABLE item")
        named = self.write("named.yaml", plan(("item", 10, [ID, "name: ip, set: [10.0.0.1, 10.0.0.256], type: inet"])))
        self.refused(2, "--create", plan=named, says='column "ip": invalid input syntax for type inet: "10.0.0.256"')
        self.assertEqual(self.value("SELECT to_regclass('item') IS NULL"), "t")

    def test_what_functions_and_ranges_make_that_a_column_does_not_take(self):
        self.sql("CREATE TABLE item (id bigint, day date, key uuid, word varchar(3), price numeric(5,2), doc json)")
        path = self.write("made.yaml", plan(("item", 10, [
            ID, "name: day, value: '${email}'", "name: key, value: '${first_name}'", "name: word, value: '${sentence}'",
            "name: price, range: decimal, props: {min: 1.00, max: 2000.00}", "name: doc, value: '${city}'"])))
        for words in [], ["--insert-mode", "insert"]:
            self.refused(2, *words, plan=path, says=[
                'column "day": invalid input syntax for type date', 'column "key": invalid input syntax for type uuid',
                'column "word": .* too long for character varying.3.', 'column "price": numeric field overflow',
                'column "doc": invalid input syntax for type json'])
        self.assertEqual(self.value("SELECT count(*) FROM item"), "0")

    def test_values_that_never_come_up_are_no_matter(self):
        self.sql("CREATE TYPE state AS ENUM ('sent'); CREATE TABLE item (id bigint, n integer, state state)")
        path = self.write("values.yaml", plan(("item", 10, [
            ID, 'name: n, value: x, "null": 100%', "name: state, set: [sent, lost], weights: [1, 0]"])))
        self.load(plan=path)

    def test_not_null(self):
        self.sql("CREATE TABLE item (id bigint, note text NOT NULL)")
        path = self.write("null.yaml", plan(("item", 5000, [ID, 'name: note, set: [a], "null": 0.001'])))
        done = self.refused(4, "--workers", 1, "--batch", 1000, plan=path,
                            says=['table "item", rows [0-9]+ to [0-9]+: row [0-9]+: null value in column "note"', "23502", "Failing row contains"])
        row = int(re.search(r": row ([0-9]+):", done.err)[1])
        self.assertEqual(self.count("item"), (row - 1) // 1000 * 1000)

    def test_unique(self):
        self.sql("CREATE TABLE item (id bigint, note text); CREATE UNIQUE INDEX ON item (id); INSERT INTO item VALUES (3210, 'x')")
        self.refused(4, "--workers", 1, "--batch", 1000,
                     says=['table "item", rows [0-9]+ to [0-9]+: row 3210: duplicate key', "23505", r"Key \(id\)=\(3210\) already exists"])
        self.assertEqual(self.count("item"), 3001)

    def test_check(self):
        self.sql("CREATE TABLE item (id bigint CHECK (id <> 777), note text)")
        self.refused(4, "--workers", 1, "--batch", 100, says=['table "item", rows [0-9]+ to [0-9]+: row 777: ', "23514"])
        self.assertEqual(self.count("item"), 700)

    def test_check_in_statements(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY CHECK (id <> 777), note text)")
        for mode in "insert", "upsert":
            self.refused(4, "--workers", 1, "--batch", 50, "--insert-mode", mode,
                         says=['table "item", rows [0-9]+ to [0-9]+: rows 751 to 800: ', "23514"])
            self.assertEqual(self.count("item"), 500)  # ten statements are one transaction
            self.sql("TRUNCATE item")

    def test_too_long_where_the_first_rows_are_not(self):
        self.sql("CREATE TABLE item (id bigint, note varchar(29))")
        path = self.write("late.yaml", plan(("item", 5000, [ID, 'name: note, expr: "case when id < 100 then \'fits\' else \'012345678901234567890123456789\' end"'])))
        self.refused(4, plan=path, says=['table "item", rows [0-9]+ to [0-9]+: row [0-9]+: value too long', "22001"])
        self.assertEqual(self.count("item"), 0)

    def test_foreign_key_names_the_rows(self):
        self.sql(FAMILY_SQL + "CREATE TABLE other (id uuid PRIMARY KEY);"
                 "ALTER TABLE child ADD FOREIGN KEY (parent_id) REFERENCES other (id)")
        path = self.write("family.yaml", FAMILY)
        self.refused(4, "--workers", 1, "--batch", 1000, plan=path,
                     says=['table "child", rows 1 to 1000: ', "23503", "is not present in table"])

    def test_no_privilege(self):
        self.sql("CREATE TABLE item (id bigint, note text); GRANT SELECT ON item TO reader;")
        self.refused(3, user="reader", says='table "item": this role may not insert')

    def test_read_only_role(self):
        self.sql("CREATE TABLE item (id bigint, note text); GRANT ALL ON item TO reader;"
                 "ALTER ROLE reader SET default_transaction_read_only = on")
        self.addCleanup(server.psql, "ALTER ROLE reader RESET ALL")
        self.refused(3, user="reader", says="read only")

    def test_upsert_without_key(self):
        self.sql("CREATE TABLE item (id bigint, note text)")
        self.refused(2, "--insert-mode", "upsert", says='table "item" has no primary or unique key')

    def test_truncate_names_the_outsider(self):
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text); CREATE TABLE outsider (item bigint REFERENCES item)")
        self.refused(2, "--truncate", says=['"item" cannot be emptied', '"outsider" refers to it'])

    def test_circle(self):
        self.sql(FAMILY_SQL + "ALTER TABLE parent ADD first bigint REFERENCES child (id)")
        path = self.write("family.yaml", FAMILY)
        self.refused(2, plan=path, says=['"parent" -> "child" -> "parent"|"child" -> "parent" -> "child"', "--defer-constraints"])

    def test_parts_do_not_empty_each_other(self):
        self.sql("CREATE TABLE item (id bigint, note text)")
        self.refused(2, "--truncate", "--part", "1/3", says="--truncate does not go with --part")

    def test_a_string_that_libpq_does_not_know(self):
        for uri in "postgresql://127.0.0.1:1/x?nonsense=1", "postgresql://u:secret@127.0.0.1:1/x?nonsense=1":
            done = spate("generate", self.plan, "--to", uri, "--progress", "none")
            self.assertEqual(done.code, 2, str(done))

    def test_no_server(self):
        done = spate("generate", self.plan, "--to", f"postgresql://127.0.0.1:1/{self.db}", "--progress", "none")
        self.assertEqual(done.code, 3, str(done))
        self.assertIn("could not connect", done.err)

    def test_no_database(self):
        done = spate("generate", self.plan, "--to", server.uri("nowhere"), "--progress", "none")
        self.assertEqual(done.code, 3, str(done))
        self.assertIn('database "nowhere" does not exist', done.err)

    def test_password_is_never_shown(self):
        self.sql("CREATE TABLE item (id bigint, note text)")
        for uri in (server.uri(self.db, password="hunter2secret"),
                    server.uri("nowhere", password="hunter2secret"),
                    "postgresql://u:hunter2secret@127.0.0.1:1/x",
                    "postgresql://u:hunter2secret@127.0.0.1:bad:port/x",
                    "postgresql://u:hunter2secret%zz@127.0.0.1/x",
                    "postgresql://u@127.0.0.1:1/x?password=hunter2secret&nonsense=1",
                    "host=127.0.0.1 port=1 password=hunter2secret nonsense=1",
                    "host=127.0.0.1 port=1 password=my hunter2secret",
                    "postgresql://me:x/hunter2secret@127.0.0.1:1/db",
                    "postgresql://me:hunter2secret/x@127.0.0.1:1/db",
                    "postgresql://127.0.0.1:%d/hunter2secret@127.0.0.1:1/db?user=postgres" % server.port,
                    "postgresql://127.0.0.1:1/db?p%61ssword=x&hunter2secret",
                    "postgresql:/me:hunter2secret@h/db",
                    "postgres:me:hunter2secret@h/db"):
            done = spate("generate", self.plan, "--to", uri, "--progress", "plain", "--truncate")
            self.assertNotIn("hunter2secret", done.out + done.err)


class Crashing(Live):
    """Something dies in the middle."""
    BIG = plan(("item", 40_000_000, [ID, NOTE]))

    def setUp(self):
        super().setUp()
        self.plan = self.write("big.yaml", self.BIG)
        self.sql("CREATE TABLE item (id bigint, note text)")

    def start_loading(self, *words):
        process = self.start("--workers", 2, "--batch", 5000, *words)
        self.wait_for(lambda: self.count("item") > 0)
        return process

    def whole_batches(self):
        odd = "SELECT count(*) FROM (SELECT (id - 1) / 5000 FROM item GROUP BY 1 HAVING count(*) <> 5000 OR count(DISTINCT id) <> 5000) x"
        self.assertEqual(self.value(odd), "0")

    def failed(self, process, code, *patterns):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, err)
        for pattern in patterns:
            self.assertRegex(err, pattern)

    def test_connection_cut(self):
        process = self.start_loading()
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spate'")
        self.failed(process, 3, 'table "item", rows [0-9]+ to [0-9]+: connection lost', "57P01|server closed the connection", "not committed")
        self.whole_batches()

    def test_cut_in_the_middle_of_a_copy_with_the_servers_reason(self):
        process = self.start("--workers", 1, "--batch", 40_000_000)
        self.wait_for(lambda: int(self.value("SELECT coalesce(sum(tuples_processed), 0) FROM pg_stat_progress_copy WHERE datname = current_database()")) > 0)
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy WHERE datname = current_database()")
        self.failed(process, 3, "rows 1 to 40000000: connection lost: terminating connection", "SQLSTATE: 57P01", "not committed")
        self.assertEqual(self.count("item"), 0)

    def test_server_killed(self):
        process = self.start_loading()
        server.kill9()
        server.start()
        self.failed(process, 3, 'table "item", rows [0-9]+ to [0-9]+: connection lost', "committed")
        self.whole_batches()

    def test_disk_full(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        disk = tempfile.mkdtemp(prefix="spate-disk-")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True).returncode != 0:
            os.rmdir(disk)
            self.skipTest("no permission to mount a tmpfs")
        try:
            os.chown(disk, server.user.pw_uid, server.user.pw_gid)
            server.psql(f"CREATE TABLESPACE small LOCATION '{disk}'")
            self.sql("ALTER TABLE item SET TABLESPACE small")
            self.failed(self.start("--workers", 1, "--batch", 5000), 3, 'table "item", rows', "53100", "No space left")
            self.whole_batches()
            self.sql("DROP TABLE item")
            server.psql("DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", disk], check=True)
            os.rmdir(disk)

    def test_interrupted(self):
        process = self.start_loading()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.whole_batches()


class Deferring(Live):
    def setUp(self):
        super().setUp()
        self.sql(FAMILY_SQL)
        self.plan = self.write("family.yaml", FAMILY)

    def foreign_keys(self):
        return self.sql("SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
                        " ORDER BY conname")

    def recorded(self):
        if self.value("SELECT to_regclass('spate_deferred_constraint') IS NULL") == "t":
            return 0
        return self.count("spate_deferred_constraint")

    def no_record(self):
        self.assertEqual(self.value("SELECT to_regclass('spate_deferred_constraint') IS NULL"), "t")

    def test_taken_and_given_back(self):
        before = self.foreign_keys()
        self.load("--defer-constraints")
        self.assertEqual(self.foreign_keys(), before)
        self.no_record()

    def test_circle(self):
        self.sql("ALTER TABLE parent ADD first bigint REFERENCES child (id)")
        before = self.foreign_keys()
        self.load("--defer-constraints")
        self.assertEqual(self.foreign_keys(), before)

    def test_failure_gives_back(self):
        before = self.foreign_keys()
        self.sql("ALTER TABLE child ADD CHECK (id <> 4000)")
        self.refused(4, "--defer-constraints", "--workers", 1, says='table "child", rows [0-9]+ to [0-9]+: row 4000')
        self.assertEqual(self.foreign_keys(), before)
        self.no_record()

    def kill_in_between(self):
        """spate dies with foreign keys away: the child's rows wait behind a lock."""
        lock = subprocess.Popen(["psql", "-X", "-q", "-d", server.uri(self.db)], stdin=subprocess.PIPE, text=True)
        self.addCleanup(self.reap, lock)
        process = self.start("--defer-constraints", "--batch", 100)
        self.wait_for(lambda: self.recorded() == 1)
        lock.stdin.write("BEGIN; LOCK TABLE child IN EXCLUSIVE MODE;\n")
        lock.stdin.flush()
        process.kill()
        process.wait()
        lock.stdin.close()
        lock.wait()
        self.wait_for(lambda: self.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spate'") == "0")
        self.assertEqual(self.foreign_keys(), [])
        self.assertEqual(self.recorded(), 1)

    def test_killed_then_run_again(self):
        before = self.foreign_keys()
        self.plan = self.write("family.yaml", FAMILY.replace("5000", "3000000"))
        self.kill_in_between()
        self.plan = self.write("family.yaml", FAMILY)
        self.load("--truncate", "--defer-constraints")
        self.assertEqual(self.foreign_keys(), before)
        self.no_record()

    def test_killed_then_run_without(self):
        before = self.foreign_keys()
        self.plan = self.write("family.yaml", FAMILY.replace("5000", "3000000"))
        self.kill_in_between()
        self.plan = self.write("family.yaml", FAMILY)
        self.load("--truncate")
        self.assertEqual(self.foreign_keys(), before)
        self.no_record()

    def test_orphans_are_told(self):
        path = self.write("orphans.yaml", plan(("child", 100, [ID, "name: parent_id, value: '${uuid}'"])))
        self.refused(4, "--defer-constraints", plan=path,
                     says=['foreign key "child_parent" is in place, but rows that are there break it', "23503", "is not present"])
        self.assertEqual([row[1] for row in self.foreign_keys()], ["f"])
        self.sql("DELETE FROM child")
        self.load()  # checks again what was left unchecked
        self.assertEqual([row[1] for row in self.foreign_keys()], ["t"])
        self.no_record()

    def test_broken_rows_and_deferred_again(self):
        before = self.foreign_keys()
        path = self.write("orphans.yaml", plan(("child", 100, [ID, "name: parent_id, value: '${uuid}'"])))
        for _ in range(2):
            self.refused(4, "--defer-constraints", plan=path, says=["rows that are there break it", "23503"])
            self.sql("TRUNCATE child")
        self.load("--truncate", "--defer-constraints")
        self.assertEqual(self.foreign_keys(), before)  # valid, as it was
        self.no_record()

    def test_parts(self):
        before = self.foreign_keys()
        self.refused(2, "--part", "0/3", says=['"child" refers to "parent"', "--defer-constraints"])
        for part in 1, 0, 2:
            done = self.load("--part", f"{part}/3", "--defer-constraints")
            self.assertIn("VALIDATE CONSTRAINT", done.err)
            self.assertEqual([key[1] for key in self.foreign_keys()], ["f"])
            self.no_record()
        self.assertEqual((self.count("parent"), self.count("child")), (2000, 5000))
        self.sql("ALTER TABLE child VALIDATE CONSTRAINT child_parent")
        self.assertEqual([key[:2] for key in self.foreign_keys()], [[before[0][0], "t"]])

    def start_deferred(self):
        """A run with the foreign keys of child and parent away, which waits until the lock that is returned is let go."""
        lock = subprocess.Popen(["psql", "-X", "-q", "-d", server.uri(self.db)], stdin=subprocess.PIPE, text=True)
        self.addCleanup(self.reap, lock)
        lock.stdin.write("BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE;\n")
        lock.stdin.flush()
        self.wait_for(lambda: self.value("SELECT count(*) FROM pg_locks WHERE relation = 'gate'::regclass") != "0")
        process = self.start("--defer-constraints")
        self.wait_for(lambda: self.recorded() > 0 and "child_parent" not in [key[0] for key in self.foreign_keys()])
        return process, lock

    def gate(self):
        """Rows of child wait for whoever has the gate locked."""
        self.sql("""CREATE TABLE gate (n int);
                    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM gate; RETURN NULL; END $$;
                    CREATE TRIGGER wait BEFORE INSERT ON child FOR EACH STATEMENT EXECUTE FUNCTION wait();""")

    def finished(self, process, lock):
        lock.stdin.close()
        lock.wait()
        err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 0, err)

    def test_others_leave_alone_what_a_living_run_has_taken(self):
        before = self.foreign_keys()
        self.gate()
        self.sql("CREATE TABLE item (id bigint PRIMARY KEY, note text, boss bigint REFERENCES item)")
        process, lock = self.start_deferred()
        simple = self.write("simple.yaml", SIMPLE)
        for words in ([], ["--defer-constraints"]):
            self.load("--truncate", *words, plan=simple)
            self.assertEqual(self.recorded(), 1)
        self.finished(process, lock)
        self.assertEqual([key for key in self.foreign_keys() if key[0] == "child_parent"], before)
        self.assertEqual({key[1] for key in self.foreign_keys()}, {"t"})
        self.no_record()

    def test_the_second_on_the_same_tables_is_refused(self):
        before = self.foreign_keys()
        self.gate()
        process, lock = self.start_deferred()
        for words in ([], ["--truncate"], ["--dry-run"]):
            self.refused(3, "--defer-constraints", *words, says='another run with --defer-constraints is loading it')
        self.finished(process, lock)
        self.assertEqual(self.count("child"), 5000)
        self.assertEqual(self.foreign_keys(), before)
        self.no_record()

    def test_keys_of_other_tables_break_nothing(self):
        self.plan = self.write("family.yaml", FAMILY.replace("5000", "3000000"))
        self.kill_in_between()
        self.sql("INSERT INTO child VALUES (-1, '00000000-0000-0000-0000-000000000000'); CREATE TABLE item (id bigint, note text)")
        self.load(plan=self.write("simple.yaml", SIMPLE))
        self.assertEqual([key[1] for key in self.foreign_keys()], ["f"])
        self.sql("DELETE FROM child")
        self.load("--truncate", plan=self.write("family.yaml", FAMILY))
        self.assertEqual([key[1] for key in self.foreign_keys()], ["t"])
        self.no_record()


if __name__ == "__main__":
    unittest.main()
