"""Expressions: what they come to, beside DuckDB's own answer to the same question; and what is wrong with them, with its place."""
import json
import subprocess
import sys
import unittest

from harness import SLOW, SPATE, Case, query

BASE = """
seed: 7
tables:
  - name: product
    rows: 50
    columns:
      - {name: id, inc: 1}
      - {name: price, range: decimal, props: {min: -10, max: 100}}
      - {name: label, value: "${adjective} ${noun}"}
  - name: t
    rows: 5000
    columns:
      - {name: n, range: int, props: {min: -50, max: 50}}
      - {name: k, range: int, props: {min: 0, max: 9}, null: 0.2}
      - {name: d, range: decimal, props: {min: -100, max: 100, scale: 3}, null: 0.1}
      - {name: f, range: float, props: {min: -5, max: 5}, null: 0.1}
      - {name: s, value: "${first_name} ${last_name}", null: 0.1}
      - {name: b, value: "${bool}", null: 0.3}
      - {name: seen, range: timestamp, props: {min: 1960-01-01, max: 2040-01-01}, null: 0.1, type: timestamp}
      - {name: u, range: timestamp, props: {min: 2020-01-01, max: 2040-01-01}, type: timestamp}
      - {name: day, range: timestamp, props: {min: 1960-01-01, max: 2040-01-01, format: 2006-01-02}}
      - {name: p, ref: product.id, null: 0.25}
"""
FLOAT = "abs({0} - ({1})) > 1e-9 * (1 + abs({1})) or ({0} is null) <> (({1}) is null)"
# What spate is asked, and what DuckDB is asked if it says it otherwise.
SAME = [
    ("n + k * 2 - 3",), ("-n",), ("d + n",), ("d * d",), ("d - 0.25",), ("n - d * 2.5",), ("(n + 1) * (n - 1)",),
    ("n % 7", "((n % 7) + 7) % 7"), ("n % k", "case when k = 0 then null else ((n % k) + k) % k end"), ("abs(n)",), ("abs(d)",), ("sign(n)",),
    ("round(d, 1)", "round(d, 1)"), ("round(d)", "cast(round(d) as bigint)"), ("floor(d)", "cast(floor(d) as bigint)"),
    ("ceil(d)", "cast(ceil(d) as bigint)"), ("floor(f)", "cast(floor(f) as bigint)"), ("ceil(f)", "cast(ceil(f) as bigint)"),
    ("round(f)", "cast(round(f) as bigint)"), ("int(b)", "cast(b as int)"), ("length(s)",),
    ("n > 3 and b",), ("n > 3 or b",), ("not b",), ("b and b is not null",), ("n between -10 and k",), ("n not between 0 and 9",),
    ("k in (1, 3, 5)",), ("k not in (1, 3, null)",), ("s like 'A%'",), ("s like '%a_e%'",), ("s not like '%n'",), ("s = 'x' or k = 3",), ("d <> n",),
    ("f < 0.5",), ("n <= k",), ("s < 'M'",), ("k is null",), ("s is not null",),
    ("seen > '2000-01-01'", "seen > timestamp '2000-01-01'"), ("day = date('1999-12-31') or day > u", "day = date '1999-12-31' or day > u"),
    ("starts_with(s, 'Jo')",), ("contains(s, 'ar')",),
    ("if(n > 0, 'plus', 'minus')", "case when n > 0 then 'plus' else 'minus' end"), ("case when b then n when k > 4 then k end",),
    ("case when d > 0 then d else n end",), ("coalesce(k, n)",), ("coalesce(s, 'nobody')",), ("coalesce(k, d, 1)",), ("nullif(k, 3)",),
    ("least(n, k, 4)",), ("greatest(n, k, d)",), ("greatest(s, 'M')",),
    ("s || '!' || n",), ("concat(s, ' ', 'x')", "s || ' x'"), ("lower(s)",), ("upper(s)",), ("substr(s, 3)",), ("substr(s, 2, 4)",),
    ("substr(s, n, 5)", "case when n < 1 then substr(s, 1, greatest(n + 4, 0)) else substr(s, n, 5) end"), ("left(s, 4)",), ("right(s, 4)",),
    ("trim('  ' || s || ' ')", "trim('  ' || s || ' ')"), ("replace(s, 'a', 'ooh')",), ("pad(k, 4, '0')", "lpad(cast(k as text), 4, '0')"),
    ("text(d)", "cast(d as text)"), ("text(day)", "cast(day as text)"),
    ("seen + days(2)", "seen + interval 2 days"), ("seen - interval('90m')", "seen - interval 90 minutes"), ("u - seen",), ("day - date('2000-01-01')", "day - date '2000-01-01'"),
    ("day + 3",), ("hours(k) * 2", "to_hours(k) * 2"), ("date(seen)", "cast(seen as date)"), ("year(seen)",), ("month(seen)",), ("day(seen)",),
    ("hour(seen)",), ("minute(seen)",), ("second(seen)", "cast(second(seen) as bigint)"), ("weekday(seen)", "isodow(seen)"), ("add_months(seen, n)", "seen + to_months(n)"),
    ("add_months(day, k)", "cast(day + to_months(k) as date)"), ("format(seen, '2006-01-02 15:04:05')", "strftime(seen, '%Y-%m-%d %H:%M:%S')"),
    ("p.price", "(select price from product where id = p)"), ("upper(p.label) || k", "upper((select label from product where id = p)) || k"),
    ("p.price * n", "(select price from product where id = p) * n"), ("e1 + 1", "e1 + 1"), ("${first_name} = 'nobody'", "false"),
    ("random(1, 6) between 1 and 6", "true"), ("drift(row() / 7) >= 0 and drift(row() / 7, n) < 1", "true"), ("row() = row()", "true"), ("now() > '2020-01-01'", "true"),
]
CLOSE = [("n / k", "n / nullif(k, 0)"), ("d / f",), ("f * n",), ("f + 1.5 - d",), ("-f",), ("abs(f)",), ("sqrt(abs(n))",), ("sqrt(n)", "case when n >= 0 then sqrt(n) end"),
         ("exp(f)",), ("ln(f)", "case when f > 0 then ln(f) end"), ("power(f, 3)",), ("power(abs(n) + 1, 0.5)",), ("float(d)", "cast(d as double)"), ("least(f, n)",)]

# An expression, the column of its mistake within it (from 1), and the words.
WRONG = [
    ("n +", 4, "expected a value at the end"), ("n n", 3, "stands where an operator or the end should be"), ("(n", 3, "expected \")\" at the end"),
    ("n + * 2", 5, "stands where a value should be"), ("'abc", 1, "lacks its closing quote"), ("n # 2", 3, "begins with a sign that means nothing"),
    ("m + 1", 1, "is no column of the table \"t\"; did you mean"), ("n.x", 1, "is no ref, so there is nothing behind its dot"),
    ("p.prize", 1, "is no column of the table \"product\"; did you mean \"price\""), ("rond(n)", 1, "is no function of expressions; did you mean \"round\""),
    ("${fist_name}", 1, "is no function; did you mean \"${first_name}\""), ("n + s", 3, "cannot be done with a number and a text"),
    ("n and b", 1, "is a number where a condition should be"), ("if(n, 1, 2)", 4, "is a number where a condition should be"), ("round(n, 2, 3)", 1, "takes 1 or more, up to 2 arguments, and here are 3"),
    ("lower(n)", 7, "is a number where a text should be"), ("if(b, n, s)", 1, "kinds that do not go together"), ("seen > 'soon'", 8, "is no timestamp"),
    ("big * big", 5, "may be larger than any bigint"), ("wide * 10", 6, "may have more than 18 digits"), ("round(f, k)", 10, "is not a whole number from 0 to 18"),
    ("case when b then 1", 19, "expected \"end\" at the end"), ("e", 1, "is this column, which cannot be made from itself"), ("s between 1", 12, "expected \"and\""),
    ("list || 'x'", 1, "is a column of lists"), ("drift(s)", 1, "cannot be done with a text"), ("drift(n, f)", 10, "is a number where a whole number should be"), ("n in 3", 6, "stands where \"(\" should be"),
]


class Expressions(Case):
    def plan(self, exprs, more=""):
        lines = [f'      - {{name: e{i}, expr: "{e}"}}' for i, e in enumerate(exprs)]
        return self.write("plan.yaml", BASE + more + "\n".join(lines) + "\n")

    def test_they_agree_with_duckdb(self):
        asked = [("n", "n")] + [(e[0], e[-1]) for e in SAME] + [(e[0], e[-1]) for e in CLOSE]
        self.spate_ok("generate", self.plan([e for e, _ in asked]), "--to", "duckdb:out.duckdb", "--create")
        differs = [FLOAT.format(f"e{i}", sql) if i > len(SAME) else f"e{i} is distinct from ({sql})" for i, (_, sql) in enumerate(asked)]
        counts = query("out.duckdb", "select " + ", ".join(f"count(*) filter (where {d}) c{i}" for i, d in enumerate(differs)) + " from t", self.dir)[0]
        for i, (e, sql) in enumerate(asked):
            with self.subTest(e):
                if int(counts[f"c{i}"]):
                    self.fail(str(query("out.duckdb", f"select e{i} got, ({sql}) want, * from t where {differs[i]} limit 1", self.dir)))

    def test_texts_of_their_own(self):
        exprs = ["title('jean-luc o''neill')", "slug('Ünder the  Sea, O''Neill!')", "lower('ÀÉÖ ŠΩЖ')", "upper('àéö šωж')", "left('äöü', 2)", "right('äöü', 2)",
                 "pad('ä', 3, '*')", "'it''s'", "concat(1, true, date('2024-02-29'), interval('90m'), 1.50, null is null)"]
        want = ["Jean-Luc O'neill", "nder-the-sea-oneill", "àéö šωж", "ÀÉÖ ŠΩЖ", "äö", "öü", "**ä", "it's", "1true2024-02-2901:30:001.50true"]
        self.spate_ok("generate", self.plan(exprs), "--to", "duckdb:out.duckdb", "--create")
        row = query("out.duckdb", "select * from t limit 1", self.dir)[0]
        for i, (e, text) in enumerate(zip(exprs, want)):
            with self.subTest(e):
                self.assertEqual(row[f"e{i}"], text)

    def test_a_column_of_another_type_keeps_its_value(self):
        """A decimal that was turned into another one is worth as much in the next expression."""
        plan = self.write("plan.yaml", """
tables:
  - name: product
    rows: 3
    columns:
      - {name: id, inc: 1}
      - {name: price, set: ["11.89"], type: "numeric(10,2)"}
  - name: line
    rows: 2
    columns:
      - {name: product_id, ref: product.id}
      - {name: price, expr: product_id.price, type: "numeric(9,2)"}
      - {name: total, expr: price * 3}
""")
        done = self.spate_ok("generate", plan, "--table", "line", "--to", "-?format=csv", "--progress", "none")
        self.assertEqual([line.split(",")[1:] for line in done.out.splitlines()[1:]], [["11.89", "35.67"]] * 2)

    def test_types_follow(self):
        exprs = ["n + 1", "n * 1000000000", "d * 2.50", "n / 2", "n > 1", "s || n", "date(seen)", "seen - seen", "round(f, 2)", "if(b, 1, 2.5)"]
        want = ["INTEGER", "BIGINT", "DECIMAL(18,5)", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "INTERVAL", "DECIMAL(18,2)", "DECIMAL(18,1)"]
        self.spate_ok("generate", self.plan(exprs), "--to", "duckdb:out.duckdb", "--create")
        got = query("out.duckdb", "select column_name c, data_type t from information_schema.columns where column_name like 'e_' and table_name = 't'", self.dir)
        self.assertEqual({r["c"]: r["t"] for r in got}, {f"e{i}": t for i, t in enumerate(want)})

    def test_mistakes_have_their_place(self):
        more = ('      - {name: big, value: "${int64}"}\n      - {name: wide, range: decimal, props: {min: 0, max: 900000000, scale: 9}}\n'
                '      - {name: list, array: x, props: {min: 1, max: 2}}\n')
        line = (BASE + more).count("\n") + 1
        for e, column, says in WRONG:
            with self.subTest(e):
                path = self.write("plan.yaml", BASE + more + f'      - {{name: e, expr: "{e}"}}\n')
                at = len('      - {name: e, expr: "') + column
                done = self.spate_fails(2, "generate", path, "--to", "duckdb:x.duckdb", "--create")
                self.assertIn(f":{line}:{at}: ", done.err)
                self.assertIn(says, done.err.replace("\n", " "))

    def test_circles_are_refused(self):
        path = self.plan(["e1 + 1", "e2 + 1", "e0 + 1"])
        self.spate_fails(2, "generate", path, "--to", "duckdb:x.duckdb", "--create", says=r"closes a circle: t\.e0 -> t\.e1 -> t\.e2 -> t\.e0")

    def test_any_batch_and_part_is_the_same(self):
        path = self.plan([e[0] for e in SAME])
        self.spate_ok("generate", path, "--to", "one.csv", "--table", "t", "--workers", "1")
        self.spate_ok("generate", path, "--to", "two.csv", "--table", "t", "--batch", "77", "--workers", "2")
        self.assertEqual((self.dir / "one.csv").read_bytes(), (self.dir / "two.csv").read_bytes())


class Chains(Case):
    def test_columns_made_of_columns(self):
        """Each of two before it: there are more than 10^12 ways from the last one to the first, and each is made once."""
        chain = "".join(f"      - {{name: c{i}, expr: c{i - 1} + c{i - 2}, type: bigint}}\n" for i in range(2, 60))
        words = "".join(f'      - {{name: w{i}, expr: "substr(w{i - 1}, 1, 9) || substr(w{i - 1}, 9, 4)", "null": 0}}\n' for i in range(1, 50))
        plan = self.write("chain.yaml", f"seed: 3\ntables:\n  - name: t\n    rows: 5000\n    columns:\n      - {{name: c1, inc: 1}}\n      - {{name: c0, inc: 1, hidden: true}}\n{chain}"
                                        f"      - {{name: w0, expr: \"'x' || c1 % 1000\"}}\n{words}"
                                        "  - name: u\n    rows: 3000\n    columns:\n      - {name: c1, ref: t.c1}\n      - {name: far, expr: c1.c59 + c1.c58, type: bigint}\n")
        self.spate_ok("generate", plan, "--to", "t.duckdb", "--create")
        a, b = 1, 1
        for i in range(2, 61):
            a, b = b, a + b
        self.assertEqual(query("t.duckdb", f"SELECT count(*) AS n FROM t WHERE c59 = c1 * {a} AND w0 = 'x' || c1 % 1000 AND starts_with(w49, w0[1:4])", cwd=self.dir), [{"n": "5000"}])
        self.assertEqual(query("t.duckdb", f"SELECT count(*) AS n FROM u WHERE far = c1 * {b}", cwd=self.dir), [{"n": "3000"}])


class Whole(Case):
    """What an expression gives on as it is, and what is known of all of its values together."""

    def rows(self, plan):
        self.spate_ok("generate", self.write("plan.yaml", plan), "--to", "out/?format=ndjson", "--truncate", "--progress", "none")
        return {p.stem: [json.loads(line) for line in p.open()] for p in (self.dir / "out").iterdir()}

    def test_columns_that_steps_do_not_work_on(self):
        made = self.rows("""
tables:
  - name: p
    rows: 50
    columns: [{name: id, inc: 1}, {name: tags, array: "${fruit}", props: {min: 0, max: 4}, "null": 20%}, {name: raw, range: bytes, props: {min: 1, max: 9}}, {name: big, value: "${uint64}"}]
  - name: c
    rows: 3000
    columns: [{name: r, ref: p.id}, {name: tags, expr: r.tags}, {name: own, expr: tags}, {name: raw, expr: r.raw}, {name: big, expr: r.big}, {name: typed, expr: r.tags, type: "text[]"}]
""")
        parents = {p["id"]: p for p in made["p"]}
        for row in made["c"]:
            of = parents[row["r"]]
            self.assertEqual(row, {"r": of["id"], "tags": of["tags"], "own": of["tags"], "raw": of["raw"], "big": of["big"], "typed": of["tags"]})
        plan = 'tables: [{name: p, rows: 5, columns: [{name: a, array: "${fruit}", props: {min: 1, max: 2}}, {name: b, expr: "coalesce(a, a)"}]}]'
        self.assertIn("plan.yaml:1:120: error: \"a\" is a column of lists", self.spate_fails(2, "validate", self.write("plan.yaml", plan)).err)

    def test_numbers_that_are_unique(self):
        plan = """
tables:
  - name: t
    rows: 4000
    columns:
      - {name: id, inc: 1}
      - {name: k, range: int, props: {min: 0, max: 5000}, unique: true}
      - {name: d, range: timestamp, props: {min: 2000-01-01, max: 2012-01-01, format: 2006-01-02}, unique: true}
"""
        good = ["id * 2 + 1", "1000000 - row() * 3", "-(k * 0.5) + 7", "date('2020-01-01') + k", "id", "d + interval('36h')", "-id"]
        rows = self.rows(plan + "".join(f'      - {{name: x{i}, expr: "{e}", unique: true}}\n' for i, e in enumerate(good)))["t"]
        for i in range(len(good)):
            self.assertEqual(len({r[f"x{i}"] for r in rows}), 4000, good[i])
        for bad in ("id % 2", "id * id", "id * 0", "abs(k)", "id + k", "random(1, 5) + id", "id / 2", "if(id > 3, id, 1)", "float(k)"):
            done = self.spate_fails(2, "validate", self.write("plan.yaml", plan + f'      - {{name: x, expr: "{bad}", unique: true}}\n'))
            self.assertIn('plan.yaml:9:25: error: "x" cannot be kept unique: its values differ for sure only where', done.err)

    def test_a_type_goes_before_a_layout(self):
        layouts = {"ms": ("2006-01-02 15:04:05.000 MST", "timestamptz", r"[\d-]+ \d\d:\d\d:\d\dZ"), "minute": ("02/01/2006 15:04", "timestamp", r"[\d-]+ \d\d:\d\d:00"),
                   "hour": ("Jan 2 2006 15h", "timestamp", r"[\d-]+ \d\d:00:00"), "day": ("02 Jan 2006", "date", r"[\d-]+"), "clock": ("3:04 PM", "time", r"\d\d:\d\d:00"),
                   "second": ("2006-01-02", "timestamp", r"[\d-]+ \d\d:\d\d:\d\d")}
        rows = self.rows("tables:\n  - name: t\n    rows: 2000\n    columns:\n" + "".join(
            f'      - {{name: {k}, range: timestamp, props: {{min: 2020-01-01T10:20:30Z, max: 2021-01-01, format: "{f}"}}, type: {t}}}\n' for k, (f, t, _) in layouts.items()))["t"]
        for k, (_, _, pattern) in layouts.items():
            for row in rows:
                self.assertRegex(row[k].replace("T", " "), f"^{pattern}$")
            self.assertGreater(len({r[k] for r in rows}), 300, k)
            self.assertTrue(all(r[k] >= "2020-01-01" and r[k] < "2021" for r in rows) or k == "clock")

    def test_formats_are_those_of_go(self):
        """What Go's fmt.Sprintf makes of a value."""
        made = [
            ("42", "%x", "2a"), ("-42", "%#x", "-0x2a"), ("42", "%#X", "0X2A"), ("42", "%#o", "052"), ("42", "%O", "0o52"), ("42", "%#b", "0b101010"), ("42", "%#08x", "0x0000002a"),
            ("42", "%#8x|", "    0x2a|"), ("42", "%-#8x|", "0x2a    |"), ("65", "%c", "A"), ("8364", "%3c|", "  €|"), ("65", "%U", "U+0041"), ("128512", "%U", "U+1F600"),
            ("-1", "%c", "\ufffd"), ("1234.5678", "%e", "1.234568e+03"), ("1234.5678", "%.2E", "1.23E+03"), ("float(0)", "%e", "0.000000e+00"), ("-0.00012", "%.1e", "-1.2e-04"),
            ("9.9996", "%.3e", "1.000e+01"), ("1234.5678", "%.3g", "1.23e+03"), ("1234.5678", "%.6g", "1234.57"), ("0.00001234", "%.3g", "1.23e-05"), ("0.0001234", "%.2g", "0.00012"),
            ("100000.0", "%.3g", "1e+05"), ("100.0", "%.5g", "100"), ("1.5", "%10.2e|", "  1.50e+00|"), ("1.5", "%+.1e", "+1.5e+00"), ("float(2) / 3", "%.3e", "6.667e-01"),
            ("1e300 * 1", "%.2e", "1.00e+300"), ("'a\"b\\c'", "%q", '"a\\"b\\\\c"'), ("'é€'", "%q", '"é€"'), ("'ab'", "%8q|", '    "ab"|'), ("'ab'", "%x", "6162"),
            ("'jk'", "%X", "6A6B"), ("'abc'", "% x", "61 62 63"), ("'abc'", "%#x", "0x616263"), ("'abc'", "%# X", "0X61 0X62 0X63"), ("'abc'", "%.2x", "6162"), ("'abc'", "<%6x>", "<616263>"),
            ("''", "%q", '""'), ("'a' || id", "%q", '"a1"'), ("id", "[%U]", "[U+0001]"),
        ]
        columns = "".join(f'      - {{name: c{i}, expr: {json.dumps(e)}, format: {json.dumps(f)}}}\n' for i, (e, f, _) in enumerate(made))
        rows = self.rows("tables:\n  - name: t\n    rows: 3\n    columns:\n      - {name: id, inc: 1}\n" + columns)["t"]
        for i, (e, f, says) in enumerate(made):
            self.assertEqual(rows[0][f"c{i}"], says, (e, f))
        functions = [("first_name", "%q", r'"[^"]+"'), ("first_name", "%x", r"([0-9a-f]{2})+"), ("uint8", "%U", r"U\+00[0-9A-F]{2}"), ("latitude", "%.3e", r"-?\d\.\d{3}e[+-]\d\d"),
                     ("emoji", "%-12q|", r'".*" *\|'), ("hipster_sentence", "%x", r"([0-9a-f]{2})+")]
        self.write("dg.yaml", "tables:\n- name: t\n  count: 500\n  columns:\n" + "".join(
            f"  - {{name: c{i}, type: gen, processor: {{value: '<${{{f}}}>', format: '{v}'}}}}\n" for i, (f, v, _) in enumerate(functions)))
        self.spate_ok("generate", "dg.yaml", "--to", "dg/?format=ndjson", "--progress", "none")
        for row in map(json.loads, (self.dir / "dg/t.ndjson").open()):
            for i, (_, _, pattern) in enumerate(functions):
                self.assertRegex(row[f"c{i}"], f"^<{pattern}>$")

    def test_patterns_of_other_letters(self):
        rows = self.rows("tables: [{name: t, rows: 40, columns: [{name: a, pattern: '[äö]{1,3}€😀x?'}, {name: b, pattern: '[α-ω]{2}é', unique: true}, "
                         "{name: c, expr: \"matches(b, '^[α-ω]+é$') and matches(a, '€😀') and not matches(b, '[^α-ωé]')\"}]}]")["t"]
        for r in rows:
            self.assertRegex(r["a"], "^[äö]{1,3}€😀x?$")
            self.assertRegex(r["b"], "^[α-ω]{2}é$")
        self.assertEqual(({r["c"] for r in rows}, len({r["b"] for r in rows})), ({True}, 40))

    def test_times_with_zones(self):
        plan = """
tables:
  - name: t
    rows: 300
    columns:
      - {name: a, set: ["10:00:00+02", "11:30:00-05:30", "12:00", "08:15Z"], type: timetz}
      - {name: b, value: "10:00:00.5+0130", type: time(3) with time zone}
      - {name: c, set: ["10:00", "11:00"], type: timetz}
      - {name: d, ref: t.a}
"""
        rows = self.rows(plan)["t"]
        self.assertEqual({r["a"] for r in rows}, {"10:00:00+02", "11:30:00-05:30", "12:00", "08:15Z"})
        self.assertEqual({r["b"] for r in rows}, {"10:00:00.5+0130"})
        self.assertEqual({r["c"] for r in rows}, {"10:00:00", "11:00:00"})
        for old, new, says in (('"12:00"', "noon", 'plan.yaml:6:58: error: "noon" is no timetz'), ("type: timetz", "type: time", '"10:00:00+02" is no time'), ("+02", "+99", '"10:00:00+99" is no timetz')):
            self.assertIn(says, self.spate_fails(2, "validate", self.write("plan.yaml", plan.replace(old, new, 1))).err)


class Memory(Case):
    def test_steps_of_many_columns_share_theirs(self):
        """What the steps of one column need, the next one has: 600 columns take no more than a batch of them, and the plan."""
        columns = "".join(f'      - {{name: c{i}, expr: "round(({i} + n * 2 - n / 3) * (n + {i}) + abs(n - 7) % 11 + random(), 3)", type: double precision}}\n'
                          for i in range(600))
        plan = self.write("wide.yaml", f"tables:\n  - name: wide\n    rows: 5000\n    columns:\n      - {{name: n, inc: 1}}\n{columns}")
        # by a small process in between: a new one counts what the one it was split from has
        peak = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        run = subprocess.run([sys.executable, "-S", "-c", peak, SPATE, "generate", plan, "--to", "-", "--workers", "1", "--progress", "none"],
                             check=True, capture_output=True, text=True)
        self.assertLess(int(run.stdout), (1000 if SLOW else 40) << 10)


if __name__ == "__main__":
    unittest.main()
