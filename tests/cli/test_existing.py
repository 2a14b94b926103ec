"""Rows that exist: samples of tables as parents, and tables whose columns are replaced."""
import json
import pathlib
import re
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Case, query, read_csv, read_ndjson

SHOP = """
tables:
  - name: customers
    rows: 3000
    columns:
      - {name: id, range: int, props: {min: 1, max: 1000000}, primary_key: true}
      - {name: email, value: "${email}"}
      - {name: name, person: name}
      - {name: region, set: [north, "south, east", ""], "null": 20%}
      - {name: born, range: timestamp, props: {min: 1950-01-01, max: 2000-01-01, format: 2006-01-02}}
      - {name: balance, range: decimal, props: {min: -100, max: 1000}}
      - {name: vip, value: "${bool}", "null": 5%}
  - name: orders
    rows: 9000
    columns:
      - {name: id, inc: 1, primary_key: true}
      - {name: customer_id, ref: customers.id, draw: c}
      - {name: customer_email, ref: customers.email, draw: c}
"""

CHILD = """
inputs:
  - {name: old, from: "%s", table: customers%s}
tables:
  - name: visits
    rows: 20000
    columns:
      - {name: id, inc: 1}
      - {name: customer, ref: old.id}
      - {name: region, expr: customer.region}
      - {name: born, expr: customer.born}
      - {name: balance, expr: customer.balance}
"""

MASK = """
seed: %d
tables:
  - name: customers
    from: "%s"
    columns:
      - {name: email, value: "${email}", unique: true}
      - {name: name, person: name, by: id}
      - {name: region, pattern: "R[0-9]"}
      - {name: born, range: timestamp, props: {min: 1990-01-01, max: 1991-01-01, format: 2006-01-02}}
      - {name: vip, value: "${bool}"}
  - name: bookings
    from: "%s"
    table: orders
    columns:
      - {name: customer_email, value: "${email}", unique: true}
"""

FORMS = {"sqlite": "shop.sqlite", "duckdb": "shop.duckdb", "spate": "shop.spate", "csv": "shop/"}


class Existing(Case):
    def setUp(self):
        super().setUp()
        self.write("shop.yaml", SHOP)

    def make(self, uri):
        words = ["--create"] if not uri.endswith((".spate", "/")) else []
        self.spate_ok("generate", "shop.yaml", "--to", uri, *words, "--progress", "none")

    def csv(self, plan, *words):
        self.spate_ok("generate", plan, "--to", "out/?format=csv", "--truncate", "--progress", "none", *words)
        return {p.stem: read_csv(p)[1:] for p in (self.dir / "out").glob("*.csv")}

    def shop(self):
        rows = self.csv("shop.yaml")
        return rows["customers"], rows["orders"]


class Samples(Existing):
    def test_from_every_kind_of_source(self):
        made = {r[0]: [r[3], r[4], r[5]] for r in self.shop()[0]}
        for uri in FORMS.values():
            with self.subTest(uri):
                self.make(uri)
                where = f"{uri}customers.csv" if uri.endswith("/") else uri
                self.write("child.yaml", CHILD % (where, ", sample: 500"))
                visits = self.csv("child.yaml")["visits"]
                self.assertEqual(len({r[1] for r in visits}), 500)
                for row in visits:
                    there = made[row[1]]
                    self.assertEqual([row[2] or None, row[3], float(row[4])], [there[0] or None, there[1], float(there[2])])
                self.assertEqual(visits, self.csv("child.yaml", "--workers", "3")["visits"])

    def test_a_sample_is_spread_over_the_table(self):
        self.make("shop.sqlite")
        db = sqlite3.connect(self.dir / "shop.sqlite")
        rowids = [r[0] for r in db.execute("SELECT id FROM customers")]
        db.close()
        self.write("child.yaml", CHILD % ("shop.sqlite", ", sample: 300"))
        seen = {int(r[1]) for r in self.csv("child.yaml")["visits"]}
        place = sorted(rowids.index(i) for i in seen)
        for tenth in range(10):  # 30 expected of each, 4.5 standard deviations below
            self.assertGreater(sum(1 for p in place if tenth * 300 <= p < tenth * 300 + 300), 6, place)

    def test_a_condition_columns_and_unique(self):
        self.make("shop.sqlite")
        self.write("one.yaml", """
inputs:
  - {name: old, from: shop.sqlite, table: customers, columns: [id, region], where: "region = 'north'"}
tables:
  - {name: t, rows: 200, columns: [{name: a, ref: old.id, unique: true}, {name: b, expr: a.region}]}
""")
        rows = self.csv("one.yaml")["t"]
        self.assertEqual(len({r[0] for r in rows}), 200)
        self.assertEqual({r[1] for r in rows}, {"north"})

    def test_lists(self):
        self.write("src.yaml", """
seed: 3
tables:
  - name: src
    rows: 500
    columns:
      - {name: tags, null: 0.2, array: [red, "blue, dark", 'gr"een', "null", ""], props: {min: 0, max: 3}}
      - {name: days, type: "date[]", array: [2024-01-01, 2025-02-03], props: {min: 0, max: 4}}
      - {name: bits, type: "bool[]", array: ["true", "false"], props: {min: 0, max: 70}}
""")
        self.write("child.yaml", """
seed: 4
inputs: [{name: src, from: "%s", sample: 300}]
tables:
  - name: t
    rows: 2000
    columns: [{name: tags, ref: src.tags}, {name: days, ref: src.days}, {name: bits, ref: src.bits}]
""")
        plan = (self.dir / "child.yaml").read_text()
        rows = lambda text: [json.loads(line) for line in text.splitlines()]
        made = rows(self.spate_ok("generate", "src.yaml", "--to", "-?format=ndjson", "--progress", "none").out)
        for uri in "src.spate", "src.duckdb":
            with self.subTest(uri):
                self.spate_ok("generate", "src.yaml", "--to", uri, "--create", "--progress", "none")
                self.write("child.yaml", plan % uri)
                once, again = (rows(self.spate_ok("generate", "child.yaml", "--to", "-?format=ndjson", "--workers", n, "--progress", "none").out)
                               for n in "13")
                self.assertEqual(once, again)
                for column in "tags", "days", "bits":
                    there = {json.dumps(row.get(column)) for row in made}
                    seen = {json.dumps(row.get(column)) for row in once}
                    self.assertLessEqual(seen, there)
                    self.assertGreater(len(seen), len(there) / 3)

    def test_lists_of_a_set(self):
        self.write("one.yaml", """
tables:
  - name: t
    rows: 4
    columns:
      - {name: a, type: "int[]", unique: true, set: ["{1,2}", "[1,null]", "{}", "[7]"]}
      - {name: b, type: "text[]", value: '{a,"b c"}'}
""")
        rows = self.csv("one.yaml")["t"]
        self.assertEqual({r[0] for r in rows}, {"{1,2}", "{1,NULL}", "{}", "{7}"})
        self.assertEqual({r[1] for r in rows}, {'{a,"b c"}'})
        self.write("two.yaml", """
tables:
  - {name: t, rows: 2, columns: [{name: a, type: "int[]", set: ["{1,x}", "{2}"]}]}
  - {name: u, rows: 2, columns: [{name: a, type: "int[]", unique: true, set: ["{1,2}", "[1, 2]"]}]}
""")
        self.spate_fails(2, "validate", "two.yaml", says=(r'two.yaml:3:\d+: error: "{1,x}" is no int\[\]',
                                                          r'two.yaml:4:\d+: error: "\[1, 2\]" is equal to the value in line 4'))

    def test_unique_where_no_key_says_so(self):
        self.write("rows.csv", "id,kind\n" + "".join(f"{i * 7},{i % 3}\n" for i in range(100)))
        plan = "inputs: [{name: old, %s}]\ntables: [{name: t, rows: 100, columns: [{name: a, ref: old.%s, unique: true}]}]"
        for source in "from: rows.csv", "source: {file_name: rows.csv}":
            self.write("one.yaml", plan % (source, "id"))
            self.assertEqual(len({r[0] for r in self.csv("one.yaml")["t"]}), 100)
            self.write("one.yaml", plan % (source, "kind"))
            self.spate_fails(2, "validate", "one.yaml", says="one.yaml:1:.* is equal to the value in line 1")

    def test_a_large_table_is_not_read_from_end_to_end(self):
        self.write("large.yaml", "tables: [{name: t, rows: 400k, columns: [{name: id, inc: 1, primary_key: true}]}]")
        self.spate_ok("generate", "large.yaml", "--to", "large.sqlite", "--create", "--progress", "none")
        self.write("few.yaml", "inputs: [{name: t, from: large.sqlite, sample: 1000}]\n"
                               "tables: [{name: u, rows: 20k, columns: [{name: a, ref: t.id}]}]")
        seen = sorted({int(r[0]) for r in self.csv("few.yaml")["u"]})
        self.assertEqual(len(seen), 1000)
        for part in range(20):
            self.assertGreater(sum(1 for i in seen if part * 20000 < i <= (part + 1) * 20000), 15)

    def test_other_rows_there_are_another_plan(self):
        self.make("shop.sqlite")
        self.write("child.yaml", CHILD % ("shop.sqlite", ""))
        words = ["generate", "child.yaml", "--to", "v.sqlite", "--create", "--job", "night"]
        self.spate_ok(*words)
        db = sqlite3.connect(self.dir / "shop.sqlite")
        db.execute("UPDATE customers SET balance = 5 WHERE id = (SELECT min(id) FROM customers)")
        db.commit()
        db.close()
        self.spate_fails(2, *words, says="night")

    def test_mistakes(self):
        self.make("shop.sqlite")
        self.write("bad.yaml", """
inputs:
  - {name: a, from: shop.sqlite, table: custmers}
  - {name: b, from: shop.sqlite, table: customers, columns: [id, idd]}
  - {name: c, from: shop.sqlite, table: customers, where: "frob = 1"}
  - {name: d, from: shop.sqlite, sample: 5G}
  - {name: e, source: {file_name: e.csv}, sample: 5}
  - {name: f, from: "frob://x"}
tables:
  - {name: t, rows: 2, columns: [{name: id, inc: 1}]}
""")
        self.spate_fails(2, "validate", "bad.yaml", says=[
            'bad.yaml:3:21: error: there is no table "custmers"', "bad.yaml:4:21: error: table \"customers\" has no column \"idd\"", "bad.yaml:5:21: error: .*frob",
            'bad.yaml:6:42: error: "5G" is no number of rows to sample', 'bad.yaml:7:51: error: "sample" goes only with from',
            "bad.yaml:8:21: error: cannot tell what"])
        self.write("gone.yaml", "inputs: [{name: a, from: \"postgresql://u:secret@127.0.0.1:1/x\"}]\n"
                                "tables: [{name: t, rows: 1, columns: [{name: a, ref: a.id}]}]")
        done = self.spate_fails(3, "generate", "gone.yaml", "--to", "-?format=csv", says="could not connect")
        self.assertNotIn("secret", done.err)


class Masks(Existing):
    def masked(self, uri, seed=1):
        self.write("mask.yaml", MASK % (seed, uri, uri))
        rows = self.csv("mask.yaml")
        return rows["customers"], rows["bookings"]

    def check(self, before, after, orders, bookings):
        self.assertEqual([r[0] for r in before], [r[0] for r in after])
        self.assertEqual([float(r[5]) for r in before], [float(r[5]) for r in after])
        for column, grammar in ((1, r"[a-z]+\d{20}@[a-z-]+\.[a-z]+"), (3, r"R\d"), (4, r"1990-\d\d-\d\d"), (6, "true|false|[01]")):
            new = {}
            for old, row in zip(before, after):
                self.assertEqual(old[column] is None, row[column] is None)
                if old[column] is not None:
                    self.assertRegex(row[column], f"^({grammar})$")
                    self.assertEqual(new.setdefault(old[column], row[column]), row[column])
        emails = {old[1]: row[1] for old, row in zip(before, after)}
        self.assertEqual(len(set(emails.values())), len(emails))
        self.assertEqual([[r[0], r[1], emails[r[2]]] for r in orders], bookings)

    def test_from_every_kind_of_source(self):
        customers, orders = self.shop()
        for name, uri in FORMS.items():
            with self.subTest(uri):
                self.make(uri)
                if name == "csv":
                    (self.dir / "shop/orders.csv").rename(self.dir / "shop/ordersx.csv")
                    text = (MASK % (1, "shop/customers.csv", "shop/ordersx.csv")).replace("table: orders", "table: ordersx")
                    self.write("mask.yaml", text)
                    rows = self.csv("mask.yaml")
                    after, bookings = rows["customers"], rows["bookings"]
                else:
                    after, bookings = self.masked(uri)
                    self.assertEqual((after, bookings), self.masked(uri))
                if name in ("sqlite", "duckdb"):
                    self.assertNotEqual(after, self.masked(uri, seed=2)[0])
                if name == "csv":  # an empty text is no null there either
                    self.assertEqual([r[3] is None for r in customers], [r[3] is None for r in after])
                self.check(sorted(customers, key=lambda r: int(r[0])), sorted(after, key=lambda r: int(r[0])), orders,
                           sorted(bookings, key=lambda r: int(r[0])))

    def test_into_databases_with_keys(self):
        self.make("shop.sqlite")
        self.write("mask.yaml", MASK % (1, "shop.sqlite", "sqlite:shop.sqlite"))
        for uri in ("m.sqlite", "m.duckdb"):
            self.spate_ok("generate", "mask.yaml", "--to", uri, "--create")
            joined = self.spate_ok("query", uri, "SELECT count(*) FROM bookings b JOIN customers c ON c.id = b.customer_id"
                                   " AND c.email = b.customer_email", "--format", "csv").out
            self.assertEqual(joined.split()[-1], "9000")

    def test_some_rows_beside_made_ones(self):
        self.make("shop.sqlite")
        self.write("some.yaml", """
tables:
  - {name: north, from: shop.sqlite, table: customers, where: "region = 'north'", columns: [{name: name, value: "${name}"}]}
  - {name: rest, from: shop.sqlite, table: customers, where: "region <> 'north'"}
  - {name: made, rows: 7, columns: [{name: id, inc: 1}]}
""")
        rows = self.csv("some.yaml")
        customers = self.shop()[0]
        self.assertEqual(len(rows["north"]), sum(1 for r in customers if r[3] == "north"))
        self.assertEqual(len(rows["rest"]), sum(1 for r in customers if r[3] not in (None, "north")))
        self.assertEqual(len(rows["made"]), 7)
        self.assertIn("made", self.spate_ok("validate", "some.yaml").out)

    def test_jobs_of_a_file(self):
        """Positions in a file mean the same rows to every run."""
        self.make("shop.sqlite")
        self.write("mask.yaml", MASK % (1, "shop.sqlite", "shop.sqlite"))
        for to, words in (("whole.sqlite", ["--create"]), ("job.sqlite", ["--create", "--job", "night"])):
            self.spate_ok("generate", "mask.yaml", "--to", to, *words)
        whole = query(self.dir / "whole.sqlite", "SELECT id, email FROM customers ORDER BY id")
        self.assertEqual(query(self.dir / "job.sqlite", "SELECT id, email FROM customers ORDER BY id"), whole)

    def test_parts_are_the_whole(self):
        """Cut by position where positions are the same to every run, else dealt out by key, or by all that a row holds."""
        for name, source in (("sqlite", "shop.sqlite"), ("duckdb", "shop.duckdb"), ("store", "shop.spate")):
            with self.subTest(name):
                self.make(source)
                self.write("mask.yaml", MASK % (1, source, source))
                whole = self.parts_of("whole", 1)
                self.assertEqual(sorted(sum(self.parts_of(name, 3), [])), sorted(whole[0]))
        self.assertEqual(len(whole[0]), len(self.shop()[0]))
        self.write("mask.yaml", "tables: [{name: orders, from: lines.csv}]")
        lines = [f"{i % 40},{'x' * (1 + i % 7)}" for i in range(5000)]  # rows without a key, many of them equal
        self.write("lines.csv", "\n".join(["a,b", *lines]) + "\n")
        parts = self.parts_of("lines", 4, "orders", ("a", "b"))
        self.assertEqual(sorted(f"{a},{b}" for part in parts for a, b in part), sorted(lines))
        self.assertTrue(all(0 < len(part) < 5000 for part in parts))

    def parts_of(self, folder, n, table="customers", columns=("id", "email")):
        rows = []
        for part in range(n):
            self.spate_ok("generate", "mask.yaml", "--to", f"{folder}{part}/?format=ndjson", "--part", f"{part}/{n}", "--truncate")
            [file] = (self.dir / f"{folder}{part}").glob(f"{table}*.ndjson")
            rows.append([tuple(str(r[c]) for c in columns) for r in read_ndjson(file)])
        return rows

    def test_lists(self):
        """Item by item, as their values elsewhere are replaced; or anew as a whole."""
        self.write("base.yaml", """
tables:
  - name: t
    rows: 3000
    columns:
      - {name: id, inc: 1}
      - {name: mail, value: "${email}"}
      - {name: mails, array: "${email}", props: {min: 0, max: 5}, "null": 20%}
      - {name: marks, array: [1, 5, 9], weights: [1, 0, 3], type: "integer[]", props: {min: 2, max: 4}}
""")
        self.spate_ok("generate", "base.yaml", "--to", "base.duckdb", "--create")
        self.write("mask.yaml", """
seed: 3
tables:
  - name: t
    from: base.duckdb
    columns:
      - {name: mail, value: "${email}", unique: true}
      - {name: mails, value: "${email}", unique: true}
      - {name: marks, array: [7], props: {min: 1, max: 3}}
  - name: flat
    from: base.duckdb
    table: t
    columns: [{name: mails, array: "x${int8}", props: {min: 3, max: 4}}, {name: marks, array: "${int8}", props: {min: 1, max: 2}}]
""")
        self.spate_ok("generate", "mask.yaml", "--to", "masked.duckdb", "--create")
        def rows(file, table):
            made = query(self.dir / file, f"SELECT id, mail, to_json(mails)::varchar AS mails, to_json(marks)::varchar AS marks FROM {table}")
            return {r["id"]: {**r, "mails": json.loads(r["mails"] or "null"), "marks": json.loads(r["marks"])} for r in made}

        before, after, flat = rows("base.duckdb", "t"), rows("masked.duckdb", "t"), rows("masked.duckdb", "flat")
        self.assertEqual(set(before), set(after))
        new = {}
        for id, old in before.items():
            now = after[id]
            self.assertEqual(old["mails"] is None, now["mails"] is None)
            self.assertEqual(len(old["mails"] or []), len(now["mails"] or []))
            for was, value in [(old["mail"], now["mail"]), *zip(old["mails"] or [], now["mails"] or [])]:
                self.assertRegex(value, r"^[a-z-]+\d{20}@[a-z-]+\.[a-z]+$")
                self.assertEqual(new.setdefault(was, value), value)
            self.assertTrue(set(old["marks"]) <= {1, 9} and 2 <= len(old["marks"]) <= 3)
            self.assertTrue(set(now["marks"]) == {7} and 1 <= len(now["marks"]) <= 2)
            self.assertEqual(old["mails"] is None, flat[id]["mails"] is None)
            self.assertTrue(flat[id]["mails"] is None or len(flat[id]["mails"]) == 3)
        self.assertEqual(len(set(new.values())), len(new))

    DOCUMENTS = """id,mail,doc
1,a@b.c,"{""mail"" : ""a@b.c"",  ""n"":1.50, ""all"":[{""mail"":""a@b.c"",""x"":[1,2]},{""mail"":null},{""y"":{""mail"":""z@b.c""}}]}"
2,,
3,z@b.c,"[]"
4,q@b.c,"{""mail"":{""a"":1},""all"":{}, ""n"":-3, ""\\u006deta"":{""tags"":[""z@b.c"",7]}}"
"""

    def test_values_inside_documents(self):
        """The rest of a document is kept byte for byte; equal values are replaced by equal ones, as in columns made in the same way."""
        self.write("docs.csv", self.DOCUMENTS)
        self.write("mask.yaml", """
seed: 3
tables:
  - name: docs
    from: docs.csv
    columns:
      - {name: mail, value: "${email}", unique: true}
      - {name: doc, path: $.mail, value: "${email}", unique: true}
      - {name: doc, path: "$.all[*].mail", value: "${email}", unique: true}
      - {name: doc, path: n, range: int, props: {min: 1000, max: 9999}, by: id}
      - {name: doc, path: "$..tags[*]", value: "${email}", unique: true}
      - {name: doc, path: $..x, array: "${int8}", props: {min: 3, max: 4}}
""")
        rows = self.csv("mask.yaml")["docs"]
        a, none, z, q = (r[1] for r in rows)
        self.assertFalse(none or rows[1][2])
        self.assertEqual(len({a, z, q}), 3)
        documents = [r[2] for r in rows]
        mail = re.escape(f'"{a}"')
        self.assertRegex(documents[0], '^{"mail" : ' + mail + r',  "n":\d{4}, "all":\[{"mail":' + mail
                         + r',"x":\[-?\d+,-?\d+,-?\d+\]},{"mail":null},{"y":{"mail":"z@b\.c"}}\]}$')
        self.assertEqual(documents[2], "[]")
        self.assertRegex(documents[3], r'^{"mail":"\w+@[\w-]+\.\w+","all":{}, "n":\d{4}, "\\u006deta":{"tags":\["' + re.escape(z)
                         + r'","\w+@[\w-]+\.\w+"\]}}$')
        self.assertEqual(rows, self.csv("mask.yaml", "--workers", "3")["docs"])
        self.write("docs.csv", self.DOCUMENTS + '5,x@b.c,{mail: x@b.c}\n')
        self.spate_fails(4, "generate", "mask.yaml", "--to", "-?format=csv", says='table "docs", column "doc", row 5: this is no JSON')

    def test_documents_in_lists_and_of_other_sources(self):
        self.write("base.yaml", """
tables:
  - name: t
    rows: 3000
    columns:
      - {name: id, inc: 1}
      - {name: doc, type: jsonb, "null": 10%, value: '{"who": {"mail": "${email}", "age": ${int8}}, "n": ${uint32}}'}
      - {name: docs, type: "json[]", array: ['{"k": 1}', '{"k": "b", "l": [2]}', 'null', '[]'], props: {min: 0, max: 6}}
""")
        for uri in ("base.duckdb", "base.spate", "base.sqlite"):
            with self.subTest(uri):
                lists = uri != "base.sqlite"  # which has none
                self.spate_ok("generate", "base.yaml", "--to", uri, *([] if "spate" in uri else ["--create"]))
                self.write("mask.yaml", f"""
seed: 3
tables:
  - name: t
    from: {uri}
    columns:
      - {{name: doc, path: who.mail, value: "m${{uint16}}"}}
      - {{name: doc, path: who.age, range: int, props: {{min: 200, max: 300}}}}
""" + ("      - {name: docs, path: k, set: [x, y]}" if lists else ""))
                before = self.rows_of(uri, uri)
                after = self.rows_of("mask.yaml", "m")
                self.assertEqual(len(after), 3000)
                new = {}
                for id, (doc, docs) in before.items():
                    now, many = after[id]
                    self.assertEqual(doc is None, now is None)
                    if doc:
                        self.assertEqual((doc["n"], set(doc)), (now["n"], set(now)))
                        self.assertRegex(now["who"]["mail"], r"^m\d+$")
                        self.assertTrue(200 <= now["who"]["age"] < 300)
                        for key in doc["who"]:
                            self.assertEqual(new.setdefault((key, doc["who"][key]), now["who"][key]), now["who"][key])
                    if lists:
                        self.assertEqual(len(docs), len(many))
                        for was, value in zip(docs, many):
                            if isinstance(was, dict):
                                self.assertIn(value.pop("k"), ("x", "y"))
                                was.pop("k")
                            self.assertEqual(was, value)
                self.assertGreater(len(new), 2000)

    def rows_of(self, what, name):
        words = ["generate", what] if what.endswith("yaml") else ["copy", what]
        self.spate_ok(*words, *([f"{name}.out/?format=ndjson"] if words[0] == "copy" else ["--to", f"{name}.out/?format=ndjson"]), "--truncate")
        rows = {}
        for row in read_ndjson(self.dir / f"{name}.out/t.ndjson"):
            plain = lambda v: json.loads(v) if isinstance(v, str) else v
            rows[row["id"]] = (plain(row["doc"]), plain(row["docs"]))
        return rows

    def test_mistakes_about_paths(self):
        self.write("docs.csv", self.DOCUMENTS)
        self.write("bad.yaml", """
tables:
  - name: docs
    from: docs.csv
    columns:
      - {name: doc, path: $.mail, value: "${email}"}
      - {name: doc, path: mail, value: "${email}"}
      - {name: doc, path: $, value: "x"}
      - {name: doc, path: "a[", value: "x"}
      - {name: id, path: "a.b", value: "x"}
      - {name: doc, path: "c", inc: 1}
      - {name: doc, value: "${email}"}
  - {name: u, rows: 1, columns: [{name: a, path: b, inc: 1}]}
""")
        done = self.spate_fails(2, "validate", "bad.yaml", says=[
            'bad.yaml:7:16: error: "doc" names a column already', 'bad.yaml:12:16: error: "doc" names a column already',
            'bad.yaml:8:27: error: "\\$" is no path in a document: it leads to the whole', r'bad.yaml:9:27: error: "a\[" is no path in a document: expected',
            'bad.yaml:10:26: error: "a.b" goes only with a column of JSON', 'bad.yaml:11:16: error: "doc" replaces the values .* cannot say inc',
            'bad.yaml:13:50: error: "path" goes only with'])
        self.assertEqual(done.err.count(" error: "), 7, done.err)

    def test_intervals_are_sampled(self):
        self.write("base.yaml", "tables: [{name: t, rows: 500, columns: [{name: id, inc: 1}, {name: wait, range: interval, props: {min: 1s, max: 400h}}]}]")
        self.spate_ok("generate", "base.yaml", "--to", "base.duckdb", "--create")
        self.write("child.yaml", """
inputs: [{name: t, from: base.duckdb}]
tables: [{name: u, rows: 2000, columns: [{name: t, ref: t.id}, {name: wait, expr: t.wait}]}]
""")
        self.spate_ok("generate", "child.yaml", "--to", "child.duckdb", "--create")
        there = {r["id"]: r["wait"] for r in query(self.dir / "base.duckdb", "SELECT id, epoch(wait) AS wait FROM t")}
        for r in query(self.dir / "child.duckdb", "SELECT t, epoch(wait) AS wait FROM u"):
            self.assertEqual(r["wait"], there[r["t"]])

    def test_mistakes(self):
        self.make("shop.sqlite")
        self.write("bad.yaml", """
tables:
  - name: customers
    from: shop.sqlite
    rows: 5
    columns:
      - {name: emial, value: "${email}"}
      - {name: email, value: "${email}", by: nobody}
      - {name: name, inc: 1}
      - {name: region, set: [a, b], "null": 10%}
  - {name: t, rows: 3, columns: [{name: a, ref: customers.id}, {name: b, inc: 1}]}
  - {name: u, rows: 3, where: x, columns: [{name: a, inc: 1}]}
""")
        self.spate_fails(2, "validate", "bad.yaml", says=[
            '5:11: error: "rows" does not go with from', '7:16: error: "emial" is no column of the table there; did you mean "email"',
            '8:46: error: "nobody" is no column', '9:16: error: "name" replaces', '10:16: error: "region" replaces .* null',
            '11:49: error: "customers.id" refers to a table whose rows are elsewhere',
            '12:31: error: "where" goes only with from'])
        self.write("mask.yaml", MASK % (1, "shop.sqlite", "shop.sqlite"))
        self.spate_fails(2, "generate", "mask.yaml", "--to", "x.sqlite", "--rows", "customers=5", says="has the rows of the table")


if __name__ == "__main__":
    unittest.main()
