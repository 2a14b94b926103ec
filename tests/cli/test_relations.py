"""Rows that refer to rows: how many children each has, trees, graphs, keys of several columns; counted in what was made."""
import unittest

from harness import Case, query

PLAN = """
tables:
  - name: customer
    rows: 5000
    columns:
      - {name: id, inc: 1}
      - {name: made, range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}}
      - {name: latest, ref: orders.id, "null": 50%}
  - name: orders
    columns:
      - {name: id, range: int, props: {min: 0, max: 100000000}, unique: true}
      - {name: customer_id, ref: customer.id, children: {type: poisson, mean: 3}}
      - {name: n, expr: nth(customer_id)}
      - {name: placed, expr: "customer_id.made + hours(n)"}
  - name: line
    columns:
      - {name: order_id, ref: orders.id, children: {min: 1, max: 5}, primary_key: true}
      - {name: line, expr: nth(order_id), primary_key: true}
      - {name: product_id, ref: product.id, unique_within: order_id}
  - name: product
    rows: 30
    columns: [{name: id, inc: 100}]
  - name: shipment
    rows: 4000
    columns:
      - {name: id, inc: 1}
      - {name: order_id, ref: line.order_id, draw: line}
      - {name: line, ref: line.line, draw: line}
  - name: account
    columns:
      - {name: id, inc: 1}
      - {name: customer_id, ref: customer.id, children: 1}
  - name: seat
    columns:
      - {name: customer_id, ref: customer.id, children: 4}
      - {name: n, expr: nth(customer_id)}
  - name: visit
    columns:
      - {name: customer_id, ref: customer.id, children: {type: zipf, exponent: 1.5, min: 1, max: 100}}
  - name: staff
    rows: 2000
    columns:
      - {name: id, inc: 1}
      - {name: boss, ref: staff.id, tree: {depth: 5, roots: 3}}
      - {name: five, ref: staff.id, tree: {fan_out: 5}}
      - {name: friend, ref: staff.id, graph: true}
      - {name: enemy, ref: staff.id, graph: true, distribution: zipf}
  - name: follows
    rows: 60000
    columns:
      - {name: who, ref: staff.id, primary_key: true}
      - {name: whom, ref: staff.id, primary_key: true, differs_from: who}
  - name: taken
    rows: 1500
    columns:
      - {name: room, set: [a, b, c, d, e], primary_key: true}
      - {name: hour, range: int, props: {min: 8, max: 18}, primary_key: true}
      - {name: day, range: int, props: {min: 0, max: 30}, primary_key: true}
  - name: wide
    rows: 50000
    columns:
      - {name: a, range: int, props: {min: 0, max: 1000000000000}, primary_key: true}
      - {name: b, range: int, props: {min: 0, max: 1000000000000}, primary_key: true}
  - name: transfer
    rows: 3000
    columns:
      - {name: source, ref: account.id, distribution: zipf}
      - {name: target, ref: account.id, differs_from: source}
"""
# What is counted, and what it must be: a number, or a pair of bounds.
COUNTS = [
    ("select count(*) from orders", 15000), ("select count(*) from orders where customer_id not in (select id from customer)", 0),
    ("select count(distinct id) from orders", 15000), ("select max(n) from (select count(*) n from orders group by customer_id)", (8, 16)),
    ("select count(*) from customer where id not in (select customer_id from orders)", (5000 * 0.040, 5000 * 0.060)),
    ("select var_pop(n) from (select count(o.id) n from customer c left join orders o on o.customer_id = c.id group by c.id)", (2.7, 3.3)),
    ("select count(*) from (select n, row_number() over (partition by customer_id order by n) r from orders) where n <> r", 0),
    ("select count(*) from orders o join customer c on c.id = customer_id where placed <> made + to_hours(n)", 0),
    ("select count(*) from customer where latest is null", (2300, 2700)), ("select count(*) from customer where latest not in (select id from orders)", 0),
    ("select count(*) from line", 45000), ("select count(*) from (select distinct order_id, line from line)", 45000),
    ("select count(*) from (select distinct order_id, product_id from line)", 45000), ("select count(distinct product_id) from line", 30),
    ("select count(*) from (select count(*) n from line group by order_id) where n between 1 and 5", 15000),
    ("select min(n) from (select count(*) n from line group by product_id)", (1300, 1500)),
    ("select count(*) from shipment s where not exists (select 1 from line l where l.order_id = s.order_id and l.line = s.line)", 0),
    ("select count(*) from (select distinct order_id, line from shipment)", (3700, 4000)),
    ("select count(*) from account", 5000), ("select count(distinct customer_id) from account", 5000),
    ("select count(*) from seat", 20000), ("select count(*) from (select count(*) n, max(n) m from seat group by customer_id) where n = 4 and m = 4", 5000),
    ("select count(*) from (select count(*) n from visit group by customer_id) where n between 1 and 100", 5000), ("select max(n) from (select count(*) n from visit group by customer_id)", (80, 100)),
    ("select count(*) from staff where boss is null", 3), ("select count(*) from staff where boss >= id or five >= id", 0),
    ("with recursive d as (select id, 1 l from staff where boss is null union all select s.id, l + 1 from staff s join d on s.boss = d.id) select max(l) from d", 5),
    ("with recursive d as (select id, 1 l from staff where boss is null union all select s.id, l + 1 from staff s join d on s.boss = d.id) select count(*) from d", 2000),
    ("select max(n) from (select count(*) n from staff group by five having five is not null)", 5), ("select count(*) from staff where friend = id or enemy = id", 0),
    ("select count(*) from staff where friend > id", (850, 1150)), ("select max(n) from (select count(*) n from staff group by enemy)", (200, 2000)),
    ("select count(*) from (select distinct who, whom from follows)", 60000), ("select count(*) from follows where who = whom", 0),
    ("select var_pop(n) from (select count(*) n from follows group by who)", (24, 36)), ("select var_pop(n) from (select count(*) n from follows group by whom)", (24, 36)),
    ("select count(*) from (select distinct room, hour, day from taken)", 1500), ("select count(*) from (select distinct a, b from wide)", 50000),
    ("select avg(a) from wide", (4.9e11, 5.1e11)), ("select avg(b) from wide", (4.9e11, 5.1e11)), ("select count(distinct b) from wide", (49000, 50000)),
    ("select count(*) from transfer where source = target", 0), ("select count(*) from transfer where target > source", (1000, 2000)),
]


class Relations(Case):
    def test_rows_relate_as_the_plan_says(self):
        for seed in (1,):
            self.spate_ok("generate", self.write("plan.yaml", PLAN), "--to", f"duckdb:out{seed}.duckdb", "--create", "--seed", str(seed))
            counts = query(f"out{seed}.duckdb", "select " + ", ".join(f"({sql}) c{i}" for i, (sql, _) in enumerate(COUNTS)), self.dir)[0]
            for i, (sql, want) in enumerate(COUNTS):
                with self.subTest(sql, seed=seed):
                    got = float(counts[f"c{i}"])
                    low, high = want if isinstance(want, tuple) else (want, want)
                    self.assertTrue(low <= got <= high, f"{got} is not {want}")

    def test_any_batch_and_part_is_the_same(self):
        path = self.write("plan.yaml", PLAN)
        self.spate_ok("generate", path, "--to", "one/?format=csv", "--workers", "1")
        self.spate_ok("generate", path, "--to", "two/?format=csv", "--workers", "2", "--batch", "133")
        for table in (self.dir / "one").iterdir():
            self.assertEqual(table.read_bytes(), (self.dir / "two" / table.name).read_bytes(), table.name)
        for i in range(3):
            self.spate_ok("generate", path, "--to", "three/?format=csv&header=false", "--part", f"{i}/3")
        for table in ("orders", "line", "visit", "follows"):
            parts = b"".join((self.dir / "three" / f"{table}.{i}-of-3.csv").read_bytes() for i in range(3))
            self.assertEqual((self.dir / "one" / f"{table}.csv").read_bytes().split(b"\n", 1)[1], parts, table)

    def test_rows_follow_those_of_parents(self):
        path = self.write("plan.yaml", PLAN)
        self.spate_ok("generate", path, "--to", "out.duckdb", "--create", "--rows", "customer=100", "--rows", "visit=400")
        got = {t: int(query("out.duckdb", f"select count(*) n from {t}", self.dir)[0]["n"]) for t in ("orders", "line", "seat", "visit")}
        self.assertEqual(got, {"orders": 300, "line": 900, "seat": 400, "visit": 400})

    def test_keys_of_several_columns_are_foreign_keys(self):
        self.spate_ok("generate", self.write("plan.yaml", PLAN), "--to", "all.sql?format=copy", "--create")
        text = (self.dir / "all.sql").read_text()
        self.assertRegex(text, r'FOREIGN KEY \("?order_id"?, "?line"?\) REFERENCES "?line"? \("?order_id"?, "?line"?\)')

    def test_rows_are_found_by_bytes(self):
        plan = self.write("bytes.yaml", """
tables:
  - name: tenant
    rows: 200
    columns: [{name: id, range: bytes, props: {min: 16, max: 17}}]
  - name: usr
    rows: 200
    columns: [{name: tenant, ref: tenant.id, distribution: {type: cycle}}, {name: id, inc: 1}]
  - name: task
    rows: 500
    columns: [{name: tenant, ref: tenant.id}, {name: usr, lookup: usr.id, props: {key: tenant, by: tenant}}]
""")
        self.spate_ok("generate", plan, "--to", "bytes.sqlite", "--create", "--progress", "none")
        self.assertEqual(query(self.dir / "bytes.sqlite", "SELECT count(*) AS n FROM task t JOIN usr u ON u.id = t.usr AND u.tenant = t.tenant"), [{"n": "500"}])

    def test_mistakes_have_their_place(self):
        base = ("tables:\n- {name: p, rows: 10, columns: [{name: id, inc: 1}]}\n- name: t\n  rows: 100\n  columns:\n  - {name: id, inc: 1}\n"
                "  - {name: r, ref: p.id, children: 10}\n  - {name: q, ref: p.id}\n  - ")
        cases = [
            ("{name: c, ref: p.id, children: x}", 32, '"x" is not a whole number from 0'), ("{name: c, inc: 1, children: 5}", 29, "only beside a ref"),
            ("{name: c, ref: p.id, children: {min: 1}}", 32, 'children need a "max"'), ("{name: c, ref: p.id, children: 5, unique: true}", 32, "it goes with no other way"),
            ("{name: c, ref: p.id, children: {type: normal, mean: 1, deviation: 1}}", 32, "children are counted by"),
            ("{name: c, ref: p.id, children: 4}", 16, "has 10 rows, whose children would be 40 to 40, and there are 100 rows here"),
            ("{name: c, ref: p.id, tree: {depth: 2}}", 28, "needs a ref to the own table"), ("{name: c, ref: t.id, tree: {}}", 28, 'a tree needs either "fan_out" or "depth"'),
            ("{name: c, ref: t.id, tree: {depth: 99}}", 36, "is not a whole number from 1 to 60"), ("{name: c, ref: t.id, tree: {fan_out: 2, roots: 101}}", 28, "has more roots than"),
            ("{name: c, ref: p.id, graph: true}", 16, "is no ref to the own table"), ("{name: c, ref: p.id, differs_from: z}", 36, "is no column of the table"),
            ("{name: c, ref: p.id, differs_from: id}", 36, "is no other ref of this table"), ("{name: c, ref: p.id, unique_within: q}", 37, "does not say how many children"),
            ("{name: c, ref: t.id, children: 1}", 16, 'for which there is "tree"'), ("{name: c, ref: p.id, unique_within: r, distribution: zipf}", 37, "does not go with unique, weights"),
            ("{name: c, expr: nth(q)}", 21, "is no ref that says how many children"),
            ("{name: c, set: [a], primary_key: true}\n  - {name: d, ref: p.id, primary_key: true}", 8, "of the primary key of \"t\" have 10 combinations, and there are 100 rows"),
        ]
        for text, column, says in cases:
            with self.subTest(text):
                done = self.spate_fails(2, "generate", self.write("plan.yaml", base + text + "\n"), "--to", "x.duckdb", "--create")
                self.assertIn(says, done.err)
                self.assertIn(f":9:{column + 4}: error", done.err)


if __name__ == "__main__":
    unittest.main()
