"""spate query: DuckDB and SQLite files, and SQL over the tables of any other source."""
import gzip
import json
import unittest

from harness import ROOT, Case

ONE = "tables: [{name: t, rows: 2, columns: [{name: n, inc: 1}]}]"
STRESS = ROOT / "examples/stress.yaml"
FEW = ["--rows", "person=900", "--rows", "pet=5000"]


class Query(Case):
    def test_formats(self):
        plan = self.write("p.yaml", "tables: [{name: t, rows: 3, columns: [{name: n, inc: 1}, {name: w, set: ['a,\"b', ''], 'null': 0}]}]")
        self.spate_ok("generate", plan, "--to", "sqlite:t.db", "--create")
        sql = "SELECT n, 'a,\"b' AS w, NULL AS x FROM t ORDER BY n LIMIT 2"
        self.assertEqual(self.spate_ok("query", "t.db", sql, "--format", "csv").out, 'n,w,x\n1,"a,""b",\n2,"a,""b",\n')
        self.assertEqual(json.loads(self.spate_ok("query", "t.db", sql, "--format", "ndjson").out.splitlines()[0]),
                         {"n": 1, "w": 'a,"b', "x": None})
        self.assertEqual(self.spate_ok("query", "t.db", sql).out, 'n  w     x\n-  ----  ----\n1  a,"b  NULL\n2  a,"b  NULL\n')

    def test_numbers_in_json(self):
        """In DuckDB a type is a column's, in SQLite a value's."""
        self.spate_ok("generate", self.write("one.yaml", ONE), "--to", "x.duckdb", "--create")
        sql = ("SELECT 9007199254740993 AS a, 0.10::DECIMAL(9,2) AS b, 1e300 AS c, '-inf'::DOUBLE AS d, 'nan'::FLOAT AS e, true AS f, '1' AS g, 'f' AS h, [1] AS i, "
               "170141183460469231731687303715884105727 AS j, DATE '2024-01-02' AS k, -0.0::DOUBLE AS l, chr(0) || 'x' AS m, "
               "NULL::INTEGER AS n, -0.5::DECIMAL(2,2) AS o, NULL::BOOLEAN AS p")
        self.assertEqual(self.spate_ok("query", "x.duckdb", sql, "--format", "ndjson").out,
                         '{"a": 9007199254740993, "b": 0.10, "c": 1e+300, "d": "-inf", "e": "nan", "f": true, "g": "1", "h": "f", "i": "[1]", '
                         '"j": 170141183460469231731687303715884105727, "k": "2024-01-02", "l": -0.0, "m": "\\u0000x", "n": null, "o": "-.50", "p": null}\n')
        self.spate_ok("generate", "one.yaml", "--to", "x.sqlite", "--create")
        self.assertEqual(self.spate_ok("query", "x.sqlite", "SELECT 1 AS a, '1' AS b, 0.5 AS c, 9e999 AS d, x'66' AS e, NULL AS f", "--format", "ndjson").out,
                         '{"a": 1, "b": "1", "c": 0.5, "d": "Inf", "e": "66", "f": null}\n')

    def test_errors(self):
        self.spate_fails(3, "query", "none.duckdb", "SELECT 1", says="none.duckdb")
        plan = self.write("one.yaml", ONE)
        self.spate_ok("generate", plan, "--to", "x.duckdb", "--create")
        self.spate_fails(2, "query", "x.duckdb", "SELEC 1", says="SELEC")
        self.spate_fails(2, "query", "x.txt", "SELECT 1", says='cannot tell what "x.txt" is')

class AnySource(Case):
    def ask(self, uri, sql, **more):
        """The rows as lists of texts."""
        out = self.spate_ok("query", uri, sql, "--format", "ndjson", **more).out
        return [list(json.loads(line, parse_float=str, parse_int=str).values()) for line in out.splitlines()]

    def test_as_a_database_of_the_same_rows_would(self):
        self.spate_ok("generate", STRESS, "--to", "all.duckdb", "--create", *FEW)
        self.spate_ok("generate", STRESS, "--to", "all.spate", *FEW)
        for form in ("csv", "ndjson"):
            self.spate_ok("generate", STRESS, "--to", f"{form}/?format={form}", *FEW)
        for ending in ("parquet", "arrows", "tsv"):
            self.spate_ok("generate", STRESS, "--to", f"pet.{ending}", "--table", "pet", *FEW)
        one = ("SELECT count(*), count(DISTINCT person_id), min(name), max(name), sum(length(name)), CAST(min(registered) AS TIMESTAMP), "
               "max(CAST(person_id AS VARCHAR)) FROM pet WHERE name > 'D'")
        two = ("SELECT full_name, email, name FROM pet JOIN person ON CAST(pet.person_id AS VARCHAR) = CAST(person.id AS VARCHAR) ORDER BY ALL LIMIT 50")
        whole = self.ask("all.duckdb", one), self.ask("all.duckdb", two)
        self.assertGreater(int(whole[0][0][0]), 1000)
        for uri in ("all.spate", "csv/", "ndjson/"):
            self.assertEqual((self.ask(uri, one), self.ask(uri, two)), whole, uri)
        for uri in ("pet.parquet", "pet.arrows", "pet.tsv"):
            self.assertEqual(self.ask(uri, one), whole[0], uri)
        packed = gzip.compress((self.dir / "csv/pet.csv").read_bytes())
        (self.dir / "pet.csv.gz").write_bytes(packed)
        self.assertEqual(self.ask("pet.csv.gz", one), whole[0])

    def test_a_plan_is_asked_without_being_made(self):
        plan = self.write("p.yaml", "tables:\n  - {name: t, rows: 400_000, columns: [{name: n, inc: 1}, {name: m, expr: \"'number ' || n\"}]}\n"
                                    "  - {name: u, rows: 1000, columns: [{name: t, ref: t.n}]}\n")
        n = 400_000
        self.assertEqual(self.ask(plan, "SELECT count(*), sum(n), count(DISTINCT m) FROM t"), [[str(n), str(n * (n + 1) // 2), str(n)]])
        self.assertEqual(self.ask(plan, "SELECT count(*) FROM t, u WHERE t.n = u.t"), [["1000"]])
        self.assertEqual(self.ask(plan, "SELECT count(*) FROM t"), [[str(n)]])
        self.spate_ok("generate", plan, "--to", "t.spate", "--table", "t")
        self.assertEqual(self.ask("t.spate", "SELECT count(*), sum(n), min(m) FROM t"), [[str(n), str(n * (n + 1) // 2), "number 1"]])
        self.assertEqual(self.ask("t.spate", "SELECT n FROM t WHERE n % 100_000 = 7 ORDER BY n DESC"), [["300007"], ["200007"], ["100007"], ["7"]])

    def test_standard_input_once(self):
        rows = "a,b\n1,x\n2,\n"
        self.assertEqual(self.ask("-?format=csv", "SELECT b, a FROM stdin ORDER BY a", stdin=rows), [["x", "1"], [None, "2"]])
        self.assertEqual(self.ask("-?format=csv&table=t", "SELECT sum(a) FROM t", stdin=rows), [["3"]])
        self.spate_fails(2, "query", "-?format=csv", "SELECT * FROM stdin a, stdin b", stdin=rows, says="standard input can be read once only")

    def test_what_the_source_says_of_itself(self):
        bad = self.write("bad.csv", "a,b\n" + "1,2\n" * 30_000 + "1,2,3\n")
        self.spate_fails(4, "query", bad, "SELECT sum(a) FROM bad", says="30001|30002")
        self.assertEqual(self.ask(bad, "SELECT a FROM bad LIMIT 1"), [["1"]])
        self.spate_fails(3, "query", "none.csv", "SELECT 1", says="none.csv")
        self.spate_fails(2, "query", bad, "SELECT a FROM worse", says="name worse does not exist")
        self.spate_fails(2, "query", bad, "SELECT c FROM bad", says='"c" not found')
        self.spate_fails(2, "query", self.write("p.yaml", "tables: 3"), "SELECT 1", says="p.yaml:1:9")


if __name__ == "__main__":
    unittest.main()
