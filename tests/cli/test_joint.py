"""Columns that agree: what must hold in every row of tables whose columns hang together, looked for in all their rows."""
import unittest

from harness import Case, query

PEOPLE = """
tables:
  - name: u
    rows: 20000
    columns:
      - {name: id, inc: 1}
      - {name: first, person: first_name}
      - {name: last, person: last_name}
      - {name: name, person: name}
      - {name: initials, person: initials}
      - {name: gender, person: gender}
      - {name: title, person: title}
      - {name: username, person: username}
      - {name: email, person: email}
      - {name: login, person: email, unique: true}
      - {name: friend, person: name, draw: friend}
      - {name: friend_mail, person: email, draw: friend}
      - {name: city, place: city}
      - {name: state, place: state}
      - {name: zip, place: postcode}
      - {name: phone, place: phone}
      - {name: lat, place: latitude}
      - {name: lon, place: longitude}
      - {name: point, place: point}
      - {name: country, place: country}
      - {name: code, place: country_code}
      - {name: currency, place: currency}
      - {name: zone, place: timezone}
      - {name: fruit, set: [apple, plum, pear], draw: fruit}
      - {name: colour, set: [red, blue, green], draw: fruit, weights: [8, 1, 1]}
      - {name: low, range: int, props: {min: 0, max: 1000}, draw: level}
      - {name: high, range: int, props: {min: 1000, max: 9000}, draw: level}
      - {name: kind, set: [book, tool, food], weights: [5, 3, 2], "null": 10%}
      - name: label
        by: kind
        cases:
          book: {value: "The ${noun}"}
          tool: {set: [saw, axe], "null": 50%}
        else: "-"
      - {name: age, range: int, props: {min: 0, max: 90}, hidden: true, common: {18: 30%, 40: 20%}}
      - name: class
        cases:
          - {when: age < 18, then: child}
          - {when: age < 65, then: {set: [worker, student]}}
      - name: price
        by: kind
        cases: {book: {range: decimal, props: {min: 5, max: 10}}, tool: {range: decimal, props: {min: 50, max: 100}}}
        else: {set: ["1.25"], type: "numeric(18,2)"}
      - {name: years, expr: age}
      - {name: created, range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}}
      - {name: updated, after: created, distribution: {type: exponential, mean: 48h}, "null": 20%}
      - {name: deleted, after: updated, props: {min: 1h, max: 100h}}
"""
NEVER = [
    "name <> first || ' ' || last", "initials <> left(first, 1) || left(last, 1)", "(title in ('Mrs.', 'Ms.') and gender = 'male') or (title = 'Mr.' and gender = 'female')",
    "not starts_with(email, username || '@')", "not contains(username, lower(regexp_replace(last, '[^A-Za-z]', '', 'g')))", "left(username, 1) <> lower(left(first, 1))",
    "not contains(friend_mail, lower(regexp_replace(split_part(friend, ' ', 2), '[^A-Za-z]', '', 'g')))",
    "city = 'Berlin' and not (state = 'Berlin' and country = 'Germany' and code = 'DE' and currency = 'EUR' and zip like '101__' and phone like '+49 30 %' "
    "and zone = 'Europe/Berlin' and lat between 52.4 and 52.6 and lon between 13.3 and 13.5)",
    "city = 'New York' and not (state = 'New York' and code = 'US' and zip like '100__' and phone like '+1 212 %' and lon < -73.9)",
    "point <> 'POINT(' || lon || ' ' || lat || ')'", "(fruit = 'apple') <> (colour = 'red') or (fruit = 'pear') <> (colour = 'green')",
    "abs(low / 1000.0 - (high - 1000) / 8000.0) > 0.001",
    "case kind when 'book' then label is null or label not like 'The %' when 'tool' then label not in ('saw', 'axe') else label is distinct from '-' end",
    "class is distinct from case when years < 18 then 'child' when years >= 65 then null when class in ('worker', 'student') then class else '?' end",
    "case kind when 'book' then price not between 5 and 10 when 'tool' then price not between 50 and 100 else price <> 1.25 end",
    "updated < created", "deleted < updated + interval 1 hour", "updated is null and deleted is not null",
]
SHARES = [  # of all rows, roughly
    ("years = 18", 0.30 + 0.5 / 90), ("years = 40", 0.20 + 0.5 / 90), ("kind is null", 0.1), ("colour = 'red'", 0.8), ("label = 'axe'", 0.9 * 0.3 * 0.25),
    ("gender = 'female'", 0.5), ("updated is null", 0.2), ("label is null", 0.9 * 0.3 * 0.5),
]


class Joint(Case):
    def test_columns_agree(self):
        for seed in (1, 2, 3):
            self.spate_ok("generate", self.write("plan.yaml", PEOPLE), "--to", f"duckdb:out{seed}.duckdb", "--create", "--seed", str(seed))
            asked = NEVER + [what for what, _ in SHARES]
            counts = query(f"out{seed}.duckdb", "select " + ", ".join(f"count(*) filter (where {a}) c{i}" for i, a in enumerate(asked)) + " from u", self.dir)[0]
            counts = [int(counts[f"c{i}"]) for i in range(len(asked))]
            for never, n in zip(NEVER, counts):
                with self.subTest(never, seed=seed):
                    self.assertEqual(n, 0)
            for (what, share), n in zip(SHARES, counts[len(NEVER):]):
                with self.subTest(what, seed=seed):
                    self.assertAlmostEqual(n / 20000, share, delta=4.5 * (share * (1 - share) / 20000) ** 0.5)
            n = query(f"out{seed}.duckdb", "select count(distinct login) n, count(distinct friend) f from u", self.dir)[0]
            self.assertEqual(int(n["n"]), 20000)
            self.assertGreater(int(n["f"]), 10000)

    def test_hidden_columns_are_not_there(self):
        self.spate_ok("generate", self.write("plan.yaml", PEOPLE), "--to", "out.duckdb", "--create")
        self.assertEqual(query("out.duckdb", "select column_name from information_schema.columns where column_name = 'age'", self.dir), [])

    def test_mistakes_have_their_place(self):
        cases = [
            ("{name: c, person: nose}", 19, '"nose" is nothing that a person has'), ("{name: c, place: citty}", 18, 'did you mean "city"'),
            ("{name: c, by: nobody, cases: {x: y}}", 15, '"nobody" is no column of the table "t"'), ("{name: c, by: a, cases: [x]}", 25, "expected cases by value"),
            ("{name: c, cases: {x: y}}", 18, "expected a list of cases"), ("{name: c, cases: [x]}", 19, "expected a case"),
            ("{name: c, cases: [{when: a, then: x}]}", 26, "is no condition"), ("{name: c, cases: [{when: a > q, then: x}]}", 30, "is no column"),
            ("{name: c, by: a, cases: {x: {inc: 1}, y: {set: [q]}}}", 42, "makes text cells, and the first case int64 cells: say a type"),
            ("{name: c, by: a, cases: {x: {set: [q], unique: true}}}", 48, '"unique" is said of the column'), ("{name: c, inc: 1, by: a}", 23, 'has a meaning only beside "cases"'),
            ("{name: c, range: int, props: {min: 0, max: 9}, common: {5: 80%, 6: 30%}}", 56, "the shares must add up to"),
            ("{name: c, range: int, props: {min: 0, max: 9}, common: {five: 80%}}", 57, '"five" is no int32'),
            ("{name: c, inc: 1, common: {5: 50%}, unique: true}", 27, "does not go with unique"), ("{name: c, after: a}", 18, "range interval needs props"),
            ("{name: c, after: a, props: {min: 1h, max: 2h}}", 18, "cannot be done with a number and an interval"),
            ("{name: c, after: c, props: {min: 1h, max: 2h}}", 18, "cannot be made from itself"), ("{name: c, set: [x], draw: p}", 16, 'has 1 values, and "p", which draws with it, has 2'),
            ("{name: c, inc: 1, hidden: true, primary_key: true}", 27, "does not go with primary_key"),
        ]
        base = "tables:\n- name: t\n  rows: 9\n  columns:\n  - {name: a, inc: 1}\n  - {name: p, set: [x, y], draw: p}\n  - "
        for text, column, says in cases:
            with self.subTest(text):
                done = self.spate_fails(2, "generate", self.write("plan.yaml", base + text + "\n"), "--to", "x.duckdb", "--create")
                self.assertIn(says, done.err)
                self.assertIn(f":7:{column + 4}: error", done.err)


FEW = """
tables:
  - name: t
    rows: 20000
    columns:
      - {name: id, inc: 1}
      - {name: city, place: city, distinct: 600, "null": 10%}
      - {name: email, value: "${email}", distinct: 50, distribution: zipf}
      - {name: name, value: "${last_name}", distinct: 3000, type: varchar(12), cut: true, common: {Smith-Wesson: 30%}}
      - {name: country, value: "${country}", distinct: 20000, distribution: {type: cycle}}
      - {name: ip, value: "${ipv4_address}", distinct: 400, type: inet}
      - {name: code, pattern: "[a-c][0-9]", distinct: 500}
      - {name: yes, value: "${bool}", distinct: 9}
      - {name: shout, expr: upper(email)}
      - {name: short, expr: "'n ' || text(random(1, 600))", type: varchar(5)}
  - name: pair
    rows: 300
    columns:
      - {name: id, ref: t.id, unique: true, distribution: {type: cycle}}
"""


class Few(Case):
    """A column with so many different values, however many its function has: too few become more by a number, and each keeps its text."""

    def test_as_many_values_as_said(self):
        plan = self.write("plan.yaml", FEW)
        self.assertNotIn("short", self.spate_ok("validate", plan).err)  # a number is no longer than its bounds
        self.db = str(self.dir / "few.duckdb")
        self.spate_ok("generate", plan, "--to", self.db, "--create", "--progress", "none")
        names = ("city", "email", "name", "country", "ip", "code", "yes")
        n = query(self.db, "select " + ", ".join(f"count(distinct {c}) as {c}" for c in names) + " from t")[0]
        self.assertAlmostEqual(int(n.pop("name")), 2974, delta=30)  # 14,000 draws of 3000 values, and one besides
        self.assertEqual({c: int(v) for c, v in n.items()},
                         {"city": 600, "email": 50, "country": 20000, "ip": 400, "code": 500, "yes": 2})  # too few codes: the same with numbers behind
        facts = query(self.db, """select max(length(name)) as long, count(*) filter (shout <> upper(email)) other, count(*) filter (email not like '_%@_%.__%') broken,
            (select max(n) from (select count(*) n from t group by email)) most, (select count(*) from pair where id <> rowid + 1) astray from t""")[0]
        most = int(facts.pop("most"))
        self.assertEqual({k: int(v) for k, v in facts.items()}, {"long": 12, "other": 0, "broken": 0, "astray": 0})
        self.assertGreater(most, 3000)  # as zipf has it

    def test_the_same_whoever_makes_it(self):
        plan = self.write("plan.yaml", FEW)
        one, many = ((self.spate_ok("generate", plan, "--table", "t", "--to", "-?format=csv", *how).out) for how in (("--workers", "1"), ("--workers", "8", "--batch", "77")))
        self.assertEqual(one, many)


if __name__ == "__main__":
    unittest.main()
