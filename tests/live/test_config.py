"""Plans written from live schemas: they hold what the schema says, and they generate and load without an edit.

tests/schemas has a folder a server and a file a database, each nasty in its own way. Every one of them must give a plan that loads
with no row refused; what else must be in the plans is said below, schema by schema.
"""
import pathlib
import re
import sqlite3
import subprocess
import unittest

from harness import Case, duckdb_script, query
from live.servers import MariaDB, Postgres

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "schemas"
ROWS = 2000
server = None


def setUpModule():
    global server
    try:
        server = Postgres()
        server.__enter__()
    except (OSError, RuntimeError) as why:
        raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")


def tearDownModule():
    if server:
        server.remove()


def unquoted(name):
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name[1:-1].replace("''", "'") if name.startswith("'") else name


def tables_of(plan):
    return {unquoted(m[1]): int(m[2].replace("_", "")) for m in re.finditer(r"^  - name: (.*?)(?:  # .*)?\n    rows: ([\d_]+)", plan, re.M)}


def columns_of(plan, table):
    """The lines of each column of a table, by name."""
    body = re.search(rf"^  - name: {re.escape(table)}(?:  # [^\n]*)?\n(.*?)(?=^  - name: |\Z)", plan, re.M | re.S)[1]
    parts = re.split(r"^      - name: (.*)\n", body, flags=re.M)
    return {unquoted(n): text for n, text in zip(parts[1::2], parts[2::2])}


class Plans(Case):
    def config(self, uri, *words):
        done = self.spate_ok("config", uri, *words)
        self.assertEqual(done.err, "")
        return done.out

    @staticmethod
    def fewer(plan, rows=ROWS):
        """Options that give every table fewer rows, and not more than the plan has."""
        return [word for table, n in tables_of(plan).items()
                for word in ("--rows", f"{table}={min(n, rows if n == 100000 else max(rows // 2, 1))}")]  # each kind has half of all

    def load(self, plan, uri, *words):
        defer = ["--defer-constraints"] if "--defer-constraints" in plan else []
        path = self.write("plan.yaml", plan)
        return self.spate_ok("generate", path, "--to", uri, "--progress", "none", *defer, *words)


class FromPostgres(Plans):
    def setUp(self):
        super().setUp()
        self.db = server.database("c_" + re.sub(r"\W", "_", self.id().rsplit(".", 1)[1])[:50])

    def uri(self):
        return server.uri(self.db)

    def schema(self, name):
        server.psql((SCHEMAS / "postgres" / f"{name}.sql").read_text(), self.db)

    def config(self, *words):
        return super().config(self.uri(), *words)

    def load(self, plan, *words):
        return super().load(plan, self.uri(), *words)

    def loads(self, name, *words):
        """The schema's plan, loaded as it is but for the number of rows."""
        self.schema(name)
        plan = self.config(*words)
        self.load(plan, *self.fewer(plan))
        return plan

    def count(self, table):
        return int(server.value(f"SELECT count(*) FROM {table}", self.db))

    # ---- the collection ---------------------------------------------------------------------------------------------

    def test_shop(self):
        plan = self.loads("shop")
        self.assertEqual(tables_of(plan), dict.fromkeys(["member", "product", "purchase", "purchase_line", "person", "pet"], 100000))
        self.assertIn("value: ${uuid}", columns_of(plan, "member")["id"])  # referred to, so made in spite of its default
        self.assertNotIn("id", columns_of(plan, "pet"))
        self.assertIn("set: [pending, paid, dispatched]", columns_of(plan, "purchase")["status"])
        self.assertIn("ref: person.id", columns_of(plan, "pet")["person_id"])
        self.assertIn("person: email", columns_of(plan, "person")["email"])
        self.assertIn("value: ${email}", columns_of(plan, "member")["email"])

    def test_rental(self):
        plan = self.loads("rental")
        self.assertNotIn("payment_old", tables_of(plan))
        self.assertNotIn("price_in_cents", columns_of(plan, "film"))
        self.assertLess(tables_of(plan)["language"], 32768)
        self.assertIn("person: first_name", columns_of(plan, "actor")["first_name"])
        self.assertIn("after: rental_date", columns_of(plan, "rental")["return_date"])
        self.assertEqual(self.count("rental WHERE return_date <= rental_date"), 0)

    def test_types(self):
        plan = self.loads("types")
        self.assertRegex(plan, r"not made: bi \(its type public\.pair is not known\)")
        self.assertEqual(self.count("every_type"), ROWS)
        self.assertEqual(self.count("every_array"), ROWS)

    def test_films(self):
        plan = self.loads("films")
        self.assertIn("ref: rental.rental_id", columns_of(plan, "payment")["rental_id"])  # as the partitions alone say

    def test_tracker(self):
        plan = self.loads("tracker")
        self.assertIn("set: [due, paid, void]", columns_of(plan, "billing.invoice")["state"])

    def test_kinds(self):
        self.schema("kinds")
        plan = self.config()
        self.assertIn("lookup: vehicle.id", columns_of(plan, "truck")["id"])
        self.assertEqual(tables_of(plan)["car"], tables_of(plan)["vehicle"] // 2)
        self.load(plan, *[word for table, n in tables_of(plan).items() for word in ("--rows", f"{table}={n // 50}")])
        self.assertEqual((self.count("vehicle"), self.count("car"), self.count("truck"), self.count("trip"), self.count("box")),
                         (2000, 1000, 1000, 2000, 2000))

    def test_dumps(self):
        """What pg_dump says of each schema makes a plan that loads into an empty copy of it."""
        for script in sorted((SCHEMAS / "postgres").glob("*.sql")):
            with self.subTest(script=script.name):
                server.database(self.db)
                self.schema(script.stem)
                dump = self.write("dump.sql", subprocess.run(["pg_dump", "--schema-only", "-d", self.uri()], check=True, capture_output=True,
                                                             text=True).stdout)
                plan = Plans.config(self, dump)
                self.assertIn("(PostgreSQL)", plan.splitlines()[0])
                self.assertEqual(set(tables_of(plan)), set(tables_of(self.config())))
                server.database(self.db)
                subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.uri(), "-f", dump], check=True, capture_output=True)
                rows = {table: 200 if n == 100000 else min(n, 100) for table, n in tables_of(plan).items()}  # no more cars than half the vehicles
                self.load(plan, *[word for table, n in rows.items() for word in ("--rows", f"{table}={n}")])

    def test_checks(self):
        plan = self.loads("checks")
        offer = columns_of(plan, "offer")
        self.assertIn("set: [draft, live, gone]", offer["status"])
        self.assertIn("set: [A, B, C, D]", offer["grade"])
        self.assertIn("{min: 6, max: 7}", offer["code"])
        self.assertIn("{min: -5, max: 0}", offer["select"])
        self.assertEqual(plan.count("a check that is not kept on purpose"), 0)
        self.assertNotIn("of the ways it allows", plan)
        self.assertGreater(self.count("(SELECT DISTINCT quantity FROM offer) t"), 10)

    def test_demands(self):
        plan = self.loads("demands")
        made = tables_of(plan)
        self.assertEqual((made["alone"], made["alone_too"], made["by_number"], made["letters"]), (1, 1, 899, 676))
        self.assertEqual(plan.count("a check that is not kept on purpose"), 0)
        self.assertNotIn("of the ways it allows: (num_nonnulls(a_id, b_id) = 1)", plan)
        self.assertEqual(server.psql("SELECT count(a_id) > 500, count(b_id) > 500, count(c_id) > 500, count(d_id) > 500 FROM arc", self.db), [["t"] * 4])
        patterns = columns_of(plan, "patterns")
        self.assertRegex(patterns["phone"], r"pattern: .*\[0-9\]\{7,15\}")
        self.assertIn("value: ${email}", patterns["email"])
        self.assertRegex(columns_of(plan, "sums")["total"], r"expr: .*qty.* \* .*price")
        self.assertIn("set: [eu, us, asia]", columns_of(plan, "by_region")["region"])
        self.assertGreater(self.count("by_day WHERE day < '2024-01-01'"), 500)  # partitions that do not lie side by side are ways
        self.assertGreater(self.count("by_day_1") * self.count("by_day_2"), 0)
        self.assertEqual(self.count("patterns"), ROWS)

    def test_columns_that_differ_by_luck(self):
        script = self.write("t.sql", "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a int NOT NULL, b int NOT NULL, CHECK (a <> b), "
                            "x int NOT NULL REFERENCES p, y int NOT NULL REFERENCES p, CHECK (x <> y));")
        plan = self.spate_ok("config", script).out
        self.assertIn("a check that is not kept on purpose: a <> b", plan)
        self.assertNotIn("x <> y", plan)
        self.assertIn("differs_from: x", plan)

    def test_ways_that_conditions_leave_open(self):
        """Every one of them has rows; what is on parts of values, or beside some, or brought along by references is kept."""
        plan = self.loads("ways")
        self.assertNotIn("a check that is not kept on purpose", plan)
        self.assertNotIn("of the ways it allows", plan)
        self.assertIn("hidden: true", columns_of(plan, "payment")["way  # of those that the checks leave open"])
        self.assertIn("my.app.user.s", tables_of(plan))
        some = ["payment WHERE kind = 'card'", "payment WHERE kind = 'bank'", "payment WHERE kind = 'cash'", "payment WHERE note IS NOT NULL",
                "task WHERE state = 'done'", "task WHERE state = 'open'", "target WHERE card_id IS NOT NULL", "target WHERE bank_id IS NOT NULL",
                "target WHERE other_id IS NOT NULL", "entry WHERE debit > 0", "entry WHERE credit > 0", "gaps WHERE at < '2024-03-01'",
                "gaps WHERE at > '2024-03-01'", "aside WHERE few > 1", "pair WHERE a < b", "whole WHERE r IS NOT NULL"]
        for rows in some:
            self.assertGreater(self.count(rows), 100, rows)
        self.assertGreater(self.count("(SELECT DISTINCT workday FROM part) t"), 100)
        for table in ("part", "pair", "brought", "same_nulls", '"my.app".child'):
            self.assertEqual(self.count(table), ROWS)

    def test_conditions_that_are_functions(self):
        self.schema("functions")
        plan = self.config()
        self.assertNotIn("a check that is not kept on purpose", plan)
        self.assertIn("distinct: [a, b]  # pairs", plan)
        self.load(plan, *self.fewer(plan, 10000))
        for table in ("called", "cased", "made", "booked", "days", "near", "owner"):
            self.assertEqual(self.count(table), 10000, table)
        self.assertGreater(self.count("pair"), 9900)  # as pairs are drawn, a few come twice
        self.assertRegex(plan, r"distinct: \[total\]  # there may be fewer rows\n    columns:\n      - name: a\n")
        self.assertIn("hidden: true", columns_of(plan, "summed")["total"])
        for table in ("summed", "priced", "tens", "days_on", "placed"):  # and so do sums that two columns make
            self.assertGreater(self.count(table), 9000, table)
        self.assertEqual(self.count("badge"), tables_of(plan)["badge"] if tables_of(plan)["badge"] < 10000 else 10000)
        for rows in ("kind = 'card'", "kind = 'bank'", "kind = 'cash'"):
            self.assertGreater(self.count(f"cased WHERE {rows}"), 500, rows)

    def test_forge(self):
        self.schema("forge")
        plan = self.config()
        self.assertNotIn("a check that is not kept on purpose", plan)
        self.assertEqual(tables_of(plan)["settings"], 1)  # of a truth that must be
        self.load(plan, *self.fewer(plan, 10000))
        self.assertEqual((self.count("ci_builds"), self.count("gen"), self.count("settings")), (10000, 10000, 1))
        self.assertGreater(self.count("ci_builds WHERE status = 'success' AND finished_at >= started_at"), 1000)

    def test_keys_that_share_a_column(self):
        task = columns_of(self.loads("tenants"), "task")
        self.assertIn("ref: project.tenant_id", task["tenant_id"])
        for column in "assignee", "reported by":
            self.assertIn("lookup: usr.id", task[column])
            self.assertIn("{key: tenant_id, by: tenant_id, which: cycle}", task[column])
        self.assertEqual(self.count("task WHERE assignee IS NULL") < ROWS / 2, True)
        self.assertEqual(self.count("task"), ROWS)

    def test_keys(self):
        plan = self.loads("keys")
        self.assertEqual(tables_of(plan)["small"], 2)  # a unique boolean
        for column, to in {"account": "number", "tenant_id": "tenant_id"}.items():
            self.assertIn(f"ref: account.{to}\n        draw: tenant_id\n", columns_of(plan, "posting")[column])
        self.assertIn("ref: employee.id\n        tree:", columns_of(plan, "employee")["boss"])
        pair = columns_of(plan, "employee_tag")  # many to many: neither is unique, both together are
        self.assertEqual([text.count("unique") for text in pair.values()], [0, 0])
        self.assertGreater(self.count("(SELECT tag FROM employee_tag GROUP BY tag HAVING count(*) > 1) t"), 0)
        self.assertEqual(self.count("employee WHERE boss IS NOT NULL") > ROWS / 2, True)

    def test_circles(self):
        self.assertIn("--defer-constraints", self.loads("circles"))

    def test_names(self):
        plan = self.loads("names")
        self.assertEqual(set(tables_of(plan)), {"Order", "Odd Space.Table One", "other.thing", "thing", "other.sized"})
        self.assertEqual(self.count('other.sized WHERE size = \'\'') > 0, True)

    def test_servers_own(self):
        plan = self.loads("servers_own")
        self.assertNotIn("a_view", plan)
        self.assertNotIn("b:", columns_of(plan, "only_generated"))
        self.assertIn("not made: id (identity), at (default clock_timestamp())", plan)
        made = self.config("--defaults")
        self.assertIn("note", columns_of(made, "by_sequence"))

    def test_business(self):
        plan = self.loads("business")
        users = columns_of(plan, "users")
        for column, value in {"email": "person: email", "phone": "place: phone", "first_name": "person: first_name", "is_admin": "${bool}"}.items():
            self.assertIn(value, users[column])
        self.assertEqual(self.count("organizations WHERE updated_at < created_at OR deleted_at < updated_at"), 0)

    def test_hard(self):
        self.loads("hard")

    def test_odd(self):
        plan = self.loads("odd")
        made = set(tables_of(plan))
        self.assertLessEqual({"Mixed Case.The \"Table\"", "select.from", "measured", "hashed", "animal", "dog", "part", "hen", "egg", "booking", "codes", "wide_key"}, made)
        self.assertFalse(made & {"nothing", "only_generated", "a_view", "a_kept_view", "far_away", "measured_2024", "hashed_0"})
        self.assertIn("no two rows overlap", columns_of(plan, "booking")["during"])
        self.assertIn("range: string", columns_of(plan, "codes")["c"])  # a key is made in spite of its constant default
        self.assertIn("--defer-constraints", plan)
        self.assertEqual(self.count("part WHERE in_maker IS NOT NULL") > 0, True)
        self.assertEqual(self.count("booking"), ROWS)

    def test_as_many_columns_as_there_can_be(self):
        server.psql("CREATE TABLE wide (id integer PRIMARY KEY, " + ", ".join(f"c{i} smallint" for i in range(1599)) + ")", self.db)
        plan = self.config()
        self.assertEqual(len(columns_of(plan, "wide")), 1600)
        self.load(plan, "--rows", "wide=50")
        self.assertEqual(self.count("wide"), 50)

    def test_as_many_rows_as_the_plan_says(self):
        self.schema("keys")
        plan = self.config("--rows", "tenant=50", "--rows", "employee=300")
        self.assertEqual(tables_of(plan)["passport"], 300)  # one to one
        self.load(plan, *self.fewer(plan, 40000))

    # ---- what is asked for ------------------------------------------------------------------------------------------

    def test_only_some_tables_and_what_they_refer_to(self):
        self.schema("rental")
        self.assertEqual(set(tables_of(self.config("--table", "city"))), {"country", "city"})

    def test_only_one_schema(self):
        self.schema("names")
        plan = self.config("--schema", "other")
        self.assertEqual(set(tables_of(plan)), {"other.thing", "other.sized"})
        self.assertIn("refers to Table One, which is not in this plan", plan)

    def test_refusals(self):
        self.spate_fails(2, "config", self.uri(), says="there are no tables in")
        self.schema("shop")
        self.spate_fails(2, "config", self.uri(), "--rows", "nope=3", says='there is no table "nope"')
        self.spate_fails(2, "config", self.uri(), "--table", "nope", says='there is no table "nope"')
        self.spate_fails(2, "config", self.uri(), "--rows", "pet", says="TABLE=N")
        self.spate_fails(3, "config", "postgresql://postgres:secret@127.0.0.1:1/x", says="could not connect")

    def test_the_schema_is_left_alone(self):
        self.schema("keys")
        before = server.psql("SELECT relname, relfilenode FROM pg_class ORDER BY 1", self.db)
        self.config()
        self.assertEqual(server.psql("SELECT relname, relfilenode FROM pg_class ORDER BY 1", self.db), before)

    def test_statistics_become_distributions(self):
        """Made from pg_stats alone, the rows are spread as the real ones were."""
        facts = """SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY n), percentile_cont(0.5) WITHIN GROUP (ORDER BY n), avg(n),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY price), avg(price), 100 * avg(weight),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM created)::float8) - 1704067200, avg(day - '2020-01-01'),
            100 * avg(gift::int), 100 * avg((state = 'paid')::int), 100 * avg((kind IS NULL)::int), count(note) FROM "order" """
        server.psql((SCHEMAS / "skewed.sql").read_text(), self.db)
        before = [float(v) for v in server.psql(facts, self.db)[0]]
        plan = self.config("--stats", "--rows", "customer=1000", "--rows", "order=20000")
        self.assertIn("sorted: true", columns_of(plan, "order")["created"])
        self.assertIn("type: histogram, bounds: [0, ", columns_of(plan, "order")["customer"])
        self.assertIn("rows: 20_000  # about 20_000 there", plan)
        self.assertNotIn("note 1", plan)  # what is nearly unique stays the server's secret
        self.load(plan, "--truncate")
        for now, then in zip((float(v) for v in server.psql(facts, self.db)[0]), before, strict=True):
            self.assertAlmostEqual(now, then, delta=max(abs(then) * 0.06, 1), msg=(now, then))

    def test_statistics_in_every_kind_of_column(self):
        """ANALYZE looks at all of so few rows, so what it notes is exact, and what is made differs by chance alone: by five deviations of a
        share at most; a share below a value, also by that of one of the bars, of which there are twenty."""
        server.psql("""SELECT setseed(0.5);
            CREATE TABLE customer (id int PRIMARY KEY, code char(2) NOT NULL UNIQUE, boss int REFERENCES customer);
            CREATE TABLE sale (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, code char(2) REFERENCES customer (code), shelf text NOT NULL,
                agent text, discount numeric(4,3) NOT NULL, amount numeric(12,2) NOT NULL, pieces int, at timestamptz NOT NULL, sent_at timestamptz, meta jsonb, token uuid);
            INSERT INTO customer SELECT i, chr(65 + i / 26) || chr(65 + i % 26), CASE WHEN i > 20 AND i % 5 < 2 THEN 1 + i % 20 END FROM generate_series(1, 500) i;
            INSERT INTO sale SELECT i, 1 + floor(500 * power(random(), 3)), CASE WHEN random() < 0.9 THEN (SELECT code FROM customer WHERE id = 1 + floor(40 * power(random(), 2) + i * 0)::int LIMIT 1) END,
                'shelf ' || floor(900 * power(random(), 4)), CASE WHEN random() < 0.8 THEN 'agent/' || floor(300 * power(random(), 2)) END,
                CASE WHEN random() < 0.7 THEN 0 WHEN random() < 0.5 THEN 0.1 ELSE round((random() * 0.5)::numeric, 3) END, round(exp(3 + 2 * random() * random() * random())::numeric, 2),
                CASE WHEN random() < 0.6 THEN 1 + floor(-3 * ln(1 - random())) END, '2022-01-01'::timestamptz + interval '1 second' * floor(i * 3000 + 600000 * sin(i / 900.0)),
                CASE WHEN random() < 0.5 THEN '2024-06-01'::timestamptz END, CASE WHEN random() < 0.4 THEN jsonb_build_object('a', i % 3) END, md5((i % 7)::text)::uuid FROM generate_series(1, 20000) i;
            ANALYZE""", self.db)
        shares = ["customer = 1", "customer <= 10", "shelf = 'shelf 0'", "shelf IN ('shelf 1', 'shelf 2', 'shelf 3')", "agent IS NULL", "agent = 'agent/0'", "discount = 0", "discount = 0.1",
                  "pieces IS NULL", "pieces = 1", "sent_at IS NULL", "meta IS NULL", "meta = '{\"a\": 1}'", "token = '%s'" % server.value("SELECT md5('1')::uuid", self.db), "code IS NULL"]
        below = {column: server.psql(f"SELECT unnest(percentile_disc(ARRAY[0.1, 0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY {column})) FROM sale", self.db)
                 for column in ("customer", "discount", "amount", "pieces", "at")}
        parts = [f"{column} <= '{value}'" for column, values in below.items() for value, in values]
        counts = ["count(DISTINCT customer)", "count(DISTINCT code)", "count(DISTINCT shelf)", "count(DISTINCT agent)", "count(DISTINCT meta)", "count(DISTINCT token)",
                  "(SELECT count(DISTINCT boss) FROM customer)", "(SELECT count(*) FROM customer WHERE boss IS NULL)"]

        def facts():
            wanted = [f"avg(({condition})::int)" for condition in shares + parts] + counts + ["(SELECT max(n)::float8 / sum(n) FROM (SELECT count(*) AS n FROM sale GROUP BY code) c)"]
            return [float(v) for v in server.psql(f"SELECT {', '.join(wanted)} FROM sale", self.db)[0]]

        before = facts()
        plan = self.config("--stats", "--rows", "customer=500", "--rows", "sale=20000")
        sale = columns_of(plan, "sale")
        self.assertIn("common: {shelf 0: ", sale["shelf"])
        self.assertIn("common: {0.000: ", sale["discount"])
        self.assertIn("sorted: true", sale["at"])
        self.assertIn("tree: {fan_out: 24, roots: 308}", columns_of(plan, "customer")["boss"])
        self.load(plan, "--truncate")
        now = facts()
        for n, what in enumerate(shares + parts):
            chance = 5 * (before[n] * (1 - before[n]) / 20000) ** 0.5
            self.assertAlmostEqual(now[n], before[n], delta=chance + (0.06 if n >= len(shares) else 0.01), msg=what)
        for n, what in enumerate(counts, len(shares + parts)):
            self.assertAlmostEqual(now[n], before[n], delta=max(before[n] * 0.15, 1), msg=what)
        self.assertAlmostEqual(now[-1], before[-1], delta=0.03, msg="the commonest code")

    def test_statistics_of_names_references_and_order(self):
        """As many cities and addresses of mail as there were; each of the commonest parents as often; rows in the order they were in. The server looks at all
        rows again, and says of both tables the same."""
        server.psql("""SELECT setseed(0.25);
            CREATE TABLE shop (id int PRIMARY KEY, town text NOT NULL);
            CREATE TABLE keeper (id uuid PRIMARY KEY, email text);
            CREATE TABLE visit (id bigint PRIMARY KEY, shop_id int NOT NULL REFERENCES shop, keeper_id uuid NOT NULL REFERENCES keeper, country text, email text,
                number int NOT NULL UNIQUE, slip int NOT NULL, made_at timestamptz NOT NULL, day date NOT NULL);
            CREATE TABLE bill (visit_id bigint PRIMARY KEY REFERENCES visit, city varchar(12) NOT NULL, host inet NOT NULL);
            INSERT INTO shop SELECT i, 'town ' || i FROM generate_series(1, 400) i;
            INSERT INTO keeper SELECT md5(i::text)::uuid, CASE WHEN i % 4 > 0 THEN i || '@there.example' END FROM generate_series(1, 2000) i;
            INSERT INTO visit SELECT i, CASE WHEN random() < 0.03 THEN 77 WHEN random() < 0.02 THEN 200 ELSE 1 + floor(random() * 400) END,
                md5((1 + floor(300 * power(random(), 2)))::text)::uuid, CASE WHEN random() < 0.9 THEN 'land ' || floor(120 * random()) END,
                'guest' || floor(3000 * random()) || '@there.example', 5000 + 3 * i, i / 4, '2021-01-01'::timestamptz + i * interval '7 minutes', '2021-01-01'::date + i / 100
                FROM generate_series(1, 20000) i;
            INSERT INTO bill SELECT i, 'City ' || floor(700 * power(random(), 2)), ('10.0.' || floor(random() * 10) || '.' || i % 40)::inet FROM generate_series(1, 10000) i;
            ANALYZE""", self.db)
        said = """SELECT tablename || '.' || attname, null_frac, CASE WHEN n_distinct < 0 THEN -n_distinct * c.reltuples ELSE n_distinct END, correlation, (most_common_freqs)[1], (most_common_freqs)[2]
            FROM pg_stats s JOIN pg_class c ON c.relname = tablename AND c.relnamespace = 'public'::regnamespace WHERE schemaname = 'public' ORDER BY 1"""
        before = {row[0]: row[1:] for row in server.psql(said, self.db)}
        plan = self.config("--stats")
        self.assertEqual(tables_of(plan), {"shop": 400, "keeper": 2000, "visit": 20000, "bill": 10000})
        visit, bill = columns_of(plan, "visit"), columns_of(plan, "bill")
        self.assertIn("inc: 5003\n        props: {step: 3}", visit["number"])
        self.assertIn("sorted: true", visit["made_at"])
        self.assertNotIn("histogram", visit["made_at"])  # whose bars would be all alike
        self.assertRegex(visit["shop_id"], r"bounds: .*\b76, 77\b.*\b199, 200\b")
        self.assertRegex(visit["email"], r"value: \$\{email\}\n.*\n        distinct: 3_?0\d\d\n")
        self.assertIn("distribution: {type: cycle}", bill["visit_id"])
        self.assertNotIn("@there", plan)
        self.load(plan, "--truncate", "--workers", "1")  # in the order of the rows
        server.psql("ANALYZE", self.db)
        for column, now in ((row[0], row[1:]) for row in server.psql(said, self.db)):
            null, distinct, order, most, second = (float(v or 0) for v in now)
            null_then, distinct_then, order_then, most_then, second_then = (float(v or 0) for v in before[column])
            self.assertAlmostEqual(null, null_then, delta=0.03, msg=column)
            self.assertAlmostEqual(distinct, distinct_then, delta=max(distinct_then * 0.05, 2), msg=column)
            self.assertAlmostEqual(most, most_then, delta=0.01, msg=column)
            self.assertAlmostEqual(second, second_then, delta=0.01, msg=column)
            if order_then > 0.99 and column not in ("shop.town", "keeper.email"):
                self.assertGreater(order, 0.99, msg=column)

    def test_statistics_of_lists(self):
        """Items as often as they were, in lists as long as they were; lists without common items keep their lengths."""
        server.psql("""CREATE TABLE post (id int PRIMARY KEY, tags text[] NOT NULL, marks int[], words text[] NOT NULL, moods text[], days date[] NOT NULL, keys uuid[] NOT NULL, flags boolean[] NOT NULL);
            INSERT INTO post SELECT i, ARRAY(SELECT t FROM unnest(ARRAY['a,b', 'news', 'it''s', 'rare']) WITH ORDINALITY AS u (t, n)
                WHERE abs(hashint8(i * 10 + n)) % 100 < 90 - 25 * (n - 1)),
                CASE WHEN i % 4 > 0 THEN ARRAY[i % 3, 10 + i % 2] END,
                ARRAY(SELECT md5(i || '/' || j) FROM generate_series(1, 2 + i % 3) j), NULL, ARRAY['2024-01-01'::date + (i % 5)::int], ARRAY[md5((i % 7)::text)::uuid],
                ARRAY[i % 10 = 0] FROM generate_series(1::bigint, 5000) i;
            ANALYZE post""", self.db)
        plan = self.config("--stats", "--rows", "post=20000")
        columns = columns_of(plan, "post")
        self.assertIn("array: [", columns["tags"])
        self.assertIn('type: "integer[]"', columns["marks"])
        self.assertIn("array: ${", columns["words"])
        for column, type in {"days": "date[]", "keys": "uuid[]", "flags": "boolean[]"}.items():
            self.assertRegex(columns[column], rf'weights: [^\n]*\n        type: "{re.escape(type)}"')
        self.assertIn("bounds: [2, 3, 4, 5]", columns["words"])
        facts = "SELECT avg(cardinality(tags)), avg(cardinality(words)), avg(cardinality(marks)), 4 * avg((marks IS NULL)::int)" \
                ", sum((SELECT count(*) FROM unnest(tags) t WHERE t = '%s'))::float8 / sum(cardinality(tags)) FROM post"
        counted = "SELECT count(DISTINCT days), count(DISTINCT keys), avg((flags[1])::int) FROM post"
        kinds = server.psql(counted, self.db)[0]
        before = [server.psql(facts % tag, self.db)[0] for tag in ("a,b", "news", "rare")]
        self.load(plan, "--truncate")
        for tag, then in zip(("a,b", "news", "rare"), before):
            for now, old in zip(server.psql(facts % tag, self.db)[0], then, strict=True):
                self.assertAlmostEqual(float(now), float(old), delta=max(float(old) * 0.08, 0.02), msg=tag)
        for now, old in zip(server.psql(counted, self.db)[0], kinds, strict=True):
            self.assertAlmostEqual(float(now), float(old), delta=0.02)


APPLICATIONS = {"mariadb": ["blog", "cms", "mall", "cloud", "dvd", "trade", "numeric", "parts", "issues"],
                "sqlite": ["northwind", "strict", "affinity", "browser", "messages", "ledger", "tree"],
                "duckdb": ["warehouse", "nested", "names", "checks", "refs", "gen"]}


class FromMariaDB(Plans):
    @classmethod
    def setUpClass(cls):
        try:
            cls.maria = MariaDB()
            cls.maria.__enter__()
        except (OSError, RuntimeError) as why:
            raise unittest.SkipTest(f"no MariaDB server could be started: {why}")
        cls.maria.database("web")
        cls.maria.sql((SCHEMAS / "mariadb" / "web.sql").read_text(), "web")

    @classmethod
    def tearDownClass(cls):
        cls.maria.remove()

    def test_web(self):
        plan = self.config(self.maria.uri("web", tcp=True))
        self.assertEqual(plan, self.config(self.maria.uri("web")).replace(self.maria.uri("web"), f"mysql://spate:***@127.0.0.1:{self.maria.port}/web"))
        self.assertEqual(set(tables_of(plan)), {"users", "key", "every", "posts", "votes", "versioned"})
        self.assertIn("- name: users  # who logs in", plan)
        posts = columns_of(plan, "posts")
        self.assertIn("{min: 0, max: 101}", posts["score"])
        self.assertIn("${noun}", posts["meta"])
        self.assertIn("ref: posts.id", posts["parent_id"])
        self.assertIn("set: [draft, live]", posts["status"])
        self.assertNotIn("slug", posts)
        self.assertIn("set: [small, \"it's\", \"l,arge\"]", columns_of(plan, "every")["x"])

    def test_its_plan_makes_rows_that_the_server_takes(self):
        plan = self.config(self.maria.uri("web"))
        script = self.dir / "rows.sql"
        self.load(plan, f"{script}?format=insert", *self.fewer(plan))
        statements = re.sub(r"^(\\|SET ).*\n", "", script.read_text(), flags=re.M)
        statements = re.sub(r"^INSERT INTO \"every\".*?;\n", "", statements, flags=re.M | re.S)  # its bytes are in PostgreSQL's form
        self.maria.sql("SET foreign_key_checks = 0;\n" + statements, "web", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES")
        for table in ("users", "key", "posts", "votes", "versioned"):
            self.assertEqual(self.maria.sql(f"SELECT count(*) FROM `{table}`", "web"), [[str(ROWS)]], table)
        orphans = "SELECT count(*) FROM votes v LEFT JOIN posts p ON p.id = v.post_id LEFT JOIN users u ON u.id = v.user_id WHERE p.id IS NULL OR u.id IS NULL"
        self.assertEqual(self.maria.sql(orphans, "web"), [["0"]])

    def test_odd(self):
        self.maria.database("odd")
        self.maria.sql((SCHEMAS / "mariadb" / "odd.sql").read_text(), "odd")
        plan = self.config(self.maria.uri("odd"))
        self.assertIn("shapes as the server keeps them", columns_of(plan, "places")["g"])
        self.assertIn("type: smallint", columns_of(plan, "Select")["%"])  # a float(m,d), which rounds all else
        self.load(plan, self.maria.uri("odd"), *self.fewer(plan))
        self.assertEqual(self.maria.sql("SELECT min(st_astext(p)), max(st_astext(l)), max(st_astext(po)), count(gc) FROM places", "odd"),
                         [["POINT(-0.125 51.5)", "LINESTRING(2.25 48.75,2.5 48.75)", "POLYGON((2.25 48.75,2.5 48.75,2.25 49.25,2.25 48.75))", str(ROWS)]])
        for table in ("blobs", "bits", "hidden", "kept", "kept_own", "period", "part_of", "from_sequence", "cut", "places"):
            self.assertEqual(self.maria.sql(f"SELECT count(*) FROM `{table}`", "odd"), [[str(ROWS)]], table)

    def test_applications(self):
        """Schemas like those of programs that many use, and some that nobody should: rows enough that what may repeat does."""
        for name in APPLICATIONS["mariadb"]:
            with self.subTest(schema=name):
                self.maria.database(name)
                self.maria.sql((SCHEMAS / "mariadb" / f"{name}.sql").read_text(), name)
                plan = self.config(self.maria.uri(name))
                self.assertNotIn("Not understood", plan)
                self.assertNotRegex(plan, "not kept on purpose|is not made:")
                self.load(plan, self.maria.uri(name), *self.fewer(plan, 10000))

    def test_dumps(self):
        """What mariadb-dump says of each schema, and the server itself, makes a plan that loads into an empty copy of it."""
        for name in ("web", "parted"):
            with self.subTest(schema=name):
                self.maria.database("source")
                self.maria.sql((SCHEMAS / "mariadb" / f"{name}.sql").read_text(), "source")
                dump = self.write("dump.sql", subprocess.run(
                    ["mariadb-dump", "--no-defaults", f"--socket={self.maria.socket}", "-uroot", "--no-data", "source"], check=True,
                    capture_output=True, text=True).stdout)
                for where in (dump, self.maria.uri("source")):
                    plan = self.config(where)
                    self.assertNotIn("Not understood", plan)
                    self.maria.database("copied")
                    self.maria.sql(pathlib.Path(dump).read_text(), "copied")
                    self.load(plan, self.maria.uri("copied"), *self.fewer(plan, 200))

    def test_refusals(self):
        wrong = self.maria.uri("web", tcp=True).replace("secret", "wrong-one")
        failed = self.spate_fails(3, "config", wrong, says=["could not connect: error 1045: Access denied", "SQLSTATE: 28000"])
        self.assertNotIn("wrong-one", failed.err)
        self.spate_fails(2, "config", "mysql://root@127.0.0.1:port/x", says="the port of a MariaDB URI")
        self.spate_fails(2, "config", self.maria.uri("web") + "&nope=1", says='unknown key "nope"')


class FromFiles(Plans):
    def test_sqlite(self):
        path = self.dir / "chinook.sqlite"
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        db.executescript((SCHEMAS / "sqlite" / "chinook.sql").read_text())
        plan = self.config(f"sqlite:{path}")
        self.assertEqual(set(tables_of(plan)), {"artist", "album", "employee", "track", "playlist_track"})
        self.assertIn("ref: artist.ArtistId", columns_of(plan, "album")["ArtistId"])
        self.assertIn("{min: 1000.00, max: 9000.00, scale: 2}", columns_of(plan, "employee")["Salary"])
        self.load(plan, f"sqlite:{path}", *self.fewer(plan))
        self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
        self.assertEqual(db.execute("SELECT count(*) FROM playlist_track").fetchone(), (ROWS,))

    def test_odd_sqlite(self):
        path = self.dir / "odd.sqlite"
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        db.executescript((SCHEMAS / "sqlite" / "odd.sql").read_text())
        plan = self.config(f"sqlite:{path}")
        self.assertNotIn("Not understood", plan)
        self.assertFalse({t for t in tables_of(plan) if t.startswith(("words", "boxes"))})  # tables that virtual ones keep their rows in
        self.assertIn('"null": 100%', columns_of(plan, "dangling")["gone"])
        self.load(plan, f"sqlite:{path}", *self.fewer(plan))
        self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("SELECT count(*) FROM words").fetchone(), (0,))

    def test_checked_sqlite(self):
        """The file, and what .schema says of it: CHECK conditions as SQLite's users write them are kept."""
        path, copy = self.dir / "checked.sqlite", self.dir / "copy.sqlite"
        script = (SCHEMAS / "sqlite" / "checked.sql").read_text()
        for file in (path, copy):
            db = sqlite3.connect(file)
            db.executescript(script)
            db.close()
        schema = self.write("schema.sql", subprocess.run(["sqlite3", path, ".schema"], check=True, capture_output=True, text=True).stdout)
        for where in (f"sqlite:{path}", schema):
            plan = self.config(where)
            self.assertNotRegex(plan, "Not understood|not kept on purpose")
            self.assertFalse({t for t in tables_of(plan) if t.startswith(("sqlite_", "docs", "boxes"))})
            self.assertIn('pattern: "^[A-Z][A-Z][0-9][0-9]$"', columns_of(plan, "users")["code"])
            self.assertIn('pattern: "^[0-9]{1,8}$"', columns_of(plan, "chk")["f"])
            self.load(plan, f"sqlite:{copy}", "--truncate", *self.fewer(plan))
        self.assertEqual(query(copy, "SELECT count(*) AS n FROM chk"), [{"n": str(min(ROWS, tables_of(plan)["chk"]))}])

    def test_sqlite_applications(self):
        for name in APPLICATIONS["sqlite"]:
            for rows in (1000, 10000):
                with self.subTest(schema=name, rows=rows):
                    path = self.dir / f"{name}{rows}.sqlite"
                    db = sqlite3.connect(path)
                    db.executescript((SCHEMAS / "sqlite" / f"{name}.sql").read_text())
                    plan = self.config(f"sqlite:{path}")
                    self.assertNotRegex(plan, "Not understood|not kept on purpose|is not made:")
                    self.load(plan, f"sqlite:{path}", *self.fewer(plan, rows))
                    self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
                    self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                    db.close()

    def test_duckdb_applications(self):
        for name in APPLICATIONS["duckdb"]:
            for rows in (1000, 10000):
                with self.subTest(schema=name, rows=rows):
                    path = self.dir / f"{name}{rows}.duckdb"
                    duckdb_script(path, (SCHEMAS / "duckdb" / f"{name}.sql").read_text())
                    plan = self.config(path)
                    self.assertNotRegex(plan, "Not understood|is not made:")
                    self.load(plan, f"duckdb:{path}", *self.fewer(plan, rows))

    def test_names_with_dots(self):
        """What a name with dots means the file says: a schema and a table, either of which may have some."""
        path = self.dir / "dots.duckdb"
        duckdb_script(path, (SCHEMAS / "duckdb" / "names.sql").read_text())
        plan = self.config(path)
        self.assertLessEqual({"my.schema.tab.le", "a.b", "main.a.b", "a.b.c"}, set(tables_of(plan)))
        self.assertIn("ref: main.a.b.id", columns_of(plan, "a.b.c")["p"])
        for how in ((), ("--truncate",)):
            self.load(plan, f"duckdb:{path}", *self.fewer(plan), *how)
            for table in ('"my.schema"."tab.le"', "a.b", 'main."a.b"', '"a.b.c"'):
                self.assertEqual(query(path, f"SELECT count(*) AS n FROM {table}"), [{"n": str(ROWS)}], table)

    def test_exported_duckdb(self):
        path, copy, out = self.dir / "from.duckdb", self.dir / "copy.duckdb", self.dir / "out"
        duckdb_script(path, (SCHEMAS / "duckdb" / "exported.sql").read_text() + f"EXPORT DATABASE '{out}';")
        for where in (out / "schema.sql", path):
            plan = self.config(where)
            self.assertIn('expr: \'"low" + random(1, 1000)\'', columns_of(plan, "b")["high"])
            copy.unlink(missing_ok=True)
            duckdb_script(copy, (out / "schema.sql").read_text())
            self.load(plan, f"duckdb:{copy}", *self.fewer(plan))

    def test_odd_duckdb(self):
        path = self.dir / "odd.duckdb"
        duckdb_script(path, (SCHEMAS / "duckdb" / "odd.sql").read_text())
        plan = self.config(path)
        self.assertIn("{'a': 1, 'b': 'red'}", columns_of(plan, "nested")["s"])
        self.assertIn("not made: odd (its type STRUCT(\"it's\" INTEGER) is not known)", plan)
        self.assertIn("table x.y.z: another one would be called so, too", plan)
        self.assertIn('"null": 100%', columns_of(plan, "self")["up"])
        self.load(plan, f"duckdb:{path}", *self.fewer(plan))
        for table in ("nested", "scalars", "self", "child", "must", "of_must", '"Odd Space"."select"'):
            self.assertEqual(query(path, f"SELECT count(*) AS n FROM {table}"), [{"n": str(min(ROWS, tables_of(plan).get(table.replace('"', ""), ROWS)))}], table)

    def test_duckdb(self):
        path = self.dir / "types.duckdb"
        duckdb_script(path, (SCHEMAS / "duckdb" / "types.sql").read_text())
        plan = self.config(path)
        self.assertEqual(tables_of(plan), {"country": 3844, "shop.line item": 100000, "every": 100000})
        self.assertIn("not made: total (generated)", plan)
        self.load(plan, f"duckdb:{path}", *self.fewer(plan))
        self.assertEqual(query(path, "SELECT count(*) AS n FROM every"), [{"n": str(ROWS)}])

    def test_a_dump(self):
        plan = self.config(SCHEMAS / "files" / "dump.sql")
        self.assertEqual(set(tables_of(plan)), {"maker", "car"})
        car = columns_of(plan, "car")
        self.assertEqual(set(car), {"maker_id", "colour", "doors", "tags", "price"})
        self.assertIn("set: [red, gr;een, \"it's (blue\"]", car["colour"])
        self.assertIn("{min: 1, max: 1001}", car["doors"])  # of a domain
        self.assertIn("unique: true", columns_of(plan, "maker")["name"])  # of an index on lower(name)
        self.assertNotIn("Not understood", plan)
        self.load(plan, "duckdb:out.duckdb", "--create", *self.fewer(plan))

    def test_what_cannot_be_read_is_said_and_the_rest_read(self):
        plan = self.config(SCHEMAS / "files" / "broken.sql")
        self.assertEqual(set(tables_of(plan)), {"good", "odd", "last"})
        self.assertEqual(plan.count("# Not understood:"), 4)
        self.assertIn("not made: what (its type frobnicate(3, 'x') is not known)", plan)
        self.load(plan, "duckdb:out.duckdb", "--create", *self.fewer(plan))

    def test_every_schema_of_the_collection_as_a_file(self):
        """The same scripts read without a server: another reader, the same tables."""
        for script in sorted(SCHEMAS.glob("*/*.sql")):
            if script.stem == "broken":
                continue
            with self.subTest(script=script.name):
                plan = self.config(script)
                self.assertNotIn("Not understood: CREATE TABLE", plan)
                self.load(plan, f"{script.parent.name}-{script.stem}/?format=ndjson", *self.fewer(plan, 20))

    def test_standard_input(self):
        done = self.spate_ok("config", "-", stdin="CREATE TABLE t (a int NOT NULL)")
        self.assertEqual(tables_of(done.out), {"t": 100000})

    def test_refusals(self):
        self.spate_fails(3, "config", "nothing.sql", says="nothing.sql")
        self.spate_fails(2, "config", "rows.csv", says=['has no schema that could be described', r"hint: .*\.sql"])
        self.spate_fails(2, "config", "-", stdin="SELECT 1", says="there are no tables in")
        self.spate_fails(3, "config", "nothing.duckdb", says="nothing.duckdb")


if __name__ == "__main__":
    unittest.main()
