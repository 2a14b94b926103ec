"""Other programs' command lines: their flags, files, messages and exit codes."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import SPATE, Case, read_csv

DG = """
inputs:
  - {name: kinds, type: csv, source: {file_name: kinds.csv}}
tables:
  - name: hidden
    suppress: true
    count: 4
    columns:
      - {name: n, type: inc, processor: {start: 1}}
  - name: person
    count: 6
    columns:
      - {name: id, type: inc, processor: {start: 1, format: "P%03d"}}
      - {name: note, type: gen, suppress: true, processor: {value: "${email}"}}
      - {name: n, type: ref, processor: {table: hidden, column: n}}
      - {name: kind, type: ref, processor: {table: kinds, column: kind}}
  - name: day
    count: 7
    columns:
      - {name: d, type: range, processor: {type: date, from: 2024-01-01, to: 2024-02-01, format: 2006-01-02}}
"""

DGS = """
tables:
  - name: person
    rows: 50000
    columns:
      - {name: id, value: "${uuid}"}
      - {name: age, range: int, props: {min: 1, max: 90}}
  - name: pet
    rows: 10
    columns:
      - {name: person_id, ref: person.id}
      - {name: kind, set: [cat, dog]}
"""


class As(Case):
    def test_a_name_is_needed_and_known(self):
        self.spate_fails(2, "as", says="needs the name of a program")
        self.spate_fails(2, "as", "frob", says='nothing is known of a program "frob"')
        self.assertIn("dgs", self.spate_ok("as", "--help").out)

    def test_a_link_of_the_name_does_the_same(self):
        for name in ("dg", "dgs"):
            (self.dir / name).symlink_to(SPATE)
        done = subprocess.run([self.dir / "dgs", "version"], capture_output=True, text=True)
        self.assertEqual(done.stdout, self.spate_ok("as", "dgs", "version").out)
        done = subprocess.run([self.dir / "dg", "-version"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, self.spate_ok("as", "dg", "--version").out))


class Dg(Case):
    def setUp(self):
        super().setUp()
        self.write("dg.yaml", DG)
        self.write("kinds.csv", "kind,more\nred,1\n\"a,b\",2\n")

    def test_files_and_messages(self):
        done = self.spate_ok("as", "dg", "-c", "dg.yaml", "-o", "new/out", "-i", "import.sql")
        lines = done.out.splitlines()
        for line in lines:
            self.assertRegex(line, r"^.{40} took: (\d+m)?\d+(µs|ms|s)$")
        self.assertEqual([line[:40].rstrip() for line in lines],
                         ["loaded config file", "loaded data source: kinds", "loaded data sources", "generated table: hidden",
                          "generated table: person", "generated table: day", "generated all tables", "removed suppressed columns",
                          "wrote csv: person", "wrote csv: day", "wrote all csvs", "wrote imports: import.sql", "done"])
        self.assertEqual(done.err.count("\n"), 1)  # what was wrong and is right, once
        self.assertIn("range", done.err)
        self.assertEqual(sorted(p.name for p in (self.dir / "new/out").iterdir()), ["day.csv", "import.sql", "person.csv"])
        rows = read_csv(self.dir / "new/out/person.csv")
        self.assertEqual(rows[0], ["id", "n", "kind"])
        self.assertEqual([r[0] for r in rows[1:]], [f"P{i:03}" for i in range(1, 7)])
        self.assertTrue({r[2] for r in rows[1:]} <= {"red", "a,b"})
        self.assertEqual(len(read_csv(self.dir / "new/out/day.csv")), 8)
        self.assertEqual((self.dir / "new/out/import.sql").read_text(),
                         "IMPORT INTO person (\n\tid, n, kind\n)\nCSV DATA (\n    '.../person.csv'\n)\n"
                         "WITH skip='1', nullif = '', allow_quoted_null;\n\n"
                         "IMPORT INTO day (\n\td\n)\nCSV DATA (\n    '.../day.csv'\n)\n"
                         "WITH skip='1', nullif = '', allow_quoted_null;\n\n")
        self.spate_ok("as", "dg", "--c=dg.yaml", "-o=new/out")  # files that are there are replaced

    def test_long_messages_are_cut(self):
        self.write("long.yaml", DG.replace("day", "a_table_with_a_name_that_is_long"))
        done = self.spate_ok("as", "dg", "-c", "long.yaml", "-o", "out")
        self.assertIn("generated table: a_table_with_a_name_... took: ", done.out)

    def test_misuse(self):
        usage = "Usage of dg:\n  -c string"
        for words, says in (((), usage), (("-x",), "flag provided but not defined: -x\n" + usage),
                            (("-c",), "flag needs an argument: -c\n" + usage),
                            (("-c", "dg.yaml", "-p", "web"), 'invalid value "web" for flag -p: parse error\n' + usage)):
            done = self.spate_fails(2, "as", "dg", *words)
            self.assertTrue(done.err.startswith(says), done.err)
        self.assertIn(usage, self.spate_ok("as", "dg", "-h").err)
        self.assertEqual(self.spate_fails(1, "as", "dg", "-c", "nowhere.yaml").err.count("\n"), 1)

    def test_a_bad_configuration(self):
        self.write("bad.yaml", DG.replace("table: kinds", "table: kind"))
        self.spate_fails(1, "as", "dg", "-c", "bad.yaml", "-o", "out", says='bad.yaml:16:.* "kind.kind" ')

    def test_steps_that_do_not_come_out_even(self):
        """Where dg makes another number of values than there are rows, and nowhere else, a warning says so."""
        for said, ranges in ((0, ("type: date, from: 2024-01-01, to: 2024-01-08, format: 2006-01-02", "type: int, from: 1, to: 7", "type: int, from: 3",
                                  "type: int, from: 0, to: 60, step: 7", "type: int, from: -6, to: 6")),
                             (1, ("type: date, from: 2024-01-01, to: 2024-02-01, format: 2006-01-02", "type: int, from: 0, to: 5", "type: int, from: 9, to: 5",
                                  "type: date, from: 2024-01-01, to: 2024-01-01, format: 2006-01-02", "type: int, from: 0, to: 7"))):
            for of in ranges:
                self.write("even.yaml", f"tables:\n- name: t\n  count: 7\n  columns:\n  - {{name: a, type: range, processor: {{{of}}}}}\n")
                done = self.spate_ok("as", "dg", "-c", "even.yaml", "-o", "even")
                self.assertEqual(done.err.count('even.yaml:5:39: warning: "range" has steps that do not come out even'), said, of)
                self.assertEqual(len(read_csv(self.dir / "even/t.csv")), 8)

    def test_a_table_without_a_column(self):
        self.write("none.yaml", "tables:\n- {name: x, count: 3, columns: [{name: a, type: refs, processor: {}}]}\n")
        self.spate_fails(1, "as", "dg", "-c", "none.yaml", "-o", "out", says='none.yaml:2:10: error: "x" has no column of a type that is known')

    def test_files_are_served(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [SPATE, "as", "dg", "-c", "dg.yaml", "-o", "out", "-p", str(port)]
        served = subprocess.Popen(words, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            page = self.fetch(port, "/person.csv", patience=20)
            self.assertEqual(page, (200, "text/csv; charset=utf-8", (self.dir / "out/person.csv").read_bytes()))
            self.assertIn(b'<a href="day.csv">day.csv</a>', self.fetch(port, "/")[2])
            for path in ("/none.csv", "/../dg.yaml", "/%2e%2e/dg.yaml", "/.hidden"):
                self.assertEqual(self.fetch(port, path)[0], 404, path)
        finally:
            served.send_signal(signal.SIGINT)
            served.communicate(timeout=20)
        self.assertEqual(served.returncode, -signal.SIGINT)

    def fetch(self, port, path, patience=0):
        end = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                    return answer.status, answer.headers["Content-Type"], answer.read()
            except urllib.error.HTTPError as e:
                return e.code, None, e.read()
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


class Dgs(Case):
    def setUp(self):
        super().setUp()
        self.write("dgs.yaml", DGS)

    def test_data(self):
        done = self.spate_ok("as", "dgs", "gen", "data", "--config", "dgs.yaml", "--url", "dir:out/", "--insert-mode=INSERT")
        self.assertEqual(done.out, "")
        self.assertEqual(len(read_csv(self.dir / "out/person.csv")), 50001)
        self.assertEqual(len(read_csv(self.dir / "out/pet.csv")), 11)
        lines = done.err.splitlines()
        for line in lines:
            self.assertRegex(line, "^(INF|WRN) ")
        for wanted in ("INF parsing column types table=person", "INF parsed column mode=range name=age",
                       "INF iteration batch=1000 rows=50,000 table=person times=13", "INF generating batch=1000 workers=4",
                       "INF started worker=3", "INF progress generated=50,000 table=person total=50,000",
                       "INF finished generating table=pet", "INF finished worker=0", "INF done"):
            self.assertIn(wanted, lines)
        warnings = [line for line in lines if line.startswith("WRN")]
        self.assertEqual(len(warnings), 1)
        self.assertIn('50,000 of "person", where dgs made 48,000', warnings[0])

    def test_misuse(self):
        done = self.spate_fails(1, "as", "dgs", "gen", "data")
        self.assertTrue(done.err.startswith('Error: required flag(s) "config", "url" not set\nUsage:\n  dgs gen data [flags]\n'), done.err)
        self.spate_fails(1, "as", "dgs", "gen", "config", "--url", "x", says='required flag\\(s\\) "schema" not set')
        for words, says in ((["frob"], 'unknown command "frob" for "dgs"'), (["gen", "--frob"], "unknown flag: --frob"),
                            (["gen", "data", "--batch=x"], 'invalid argument "x" for "--batch" flag'),
                            (["gen", "data", "--config"], "flag needs an argument: --config")):
            self.spate_fails(1, "as", "dgs", *words, says=says)
        self.spate_fails(1, "as", "dgs", "gen", "data", "--config", "dgs.yaml", "--url", "dir:out/", "--insert-mode", "merge",
                         says='^FTL "merge" is not a valid insert-mode')
        self.spate_fails(1, "as", "dgs", "gen", "data", "--config", "none.yaml", "--url", "dir:out/", says="^FTL .*none.yaml")
        self.spate_fails(1, "as", "dgs", "gen", "config", "--url", "x.sqlite", "--schema", "s", "--row-count", "p:abc",
                         says='^FTL parsing count "p:abc"')

    def test_help(self):
        for words in ([], ["-h"], ["help"], ["gen"], ["gen", "--help"], ["help", "gen", "data"], ["gen", "data", "-h"], ["--help", "gen"]):
            done = self.spate_ok("as", "dgs", *words)
            self.assertIn("Usage:\n  dgs ", done.out)
            self.assertEqual(done.err, "")
        self.assertIn("complete ", self.spate_ok("as", "dgs", "completion", "bash").out)

    def test_flags_may_stand_before_the_command(self):
        done = self.spate_ok("as", "dgs", "gen", "--url", "dir:out/", "data", "--config=dgs.yaml", "--workers", "1", "--insert-mode", "insert")
        self.assertIn("INF scheduled worker=0", done.err)
        self.assertNotIn("worker=1", done.err)

    def test_config(self):
        self.spate_ok("generate", "dgs.yaml", "--to", "shop.sqlite", "--create")
        done = self.spate_ok("as", "dgs", "gen", "config", "--url", "shop.sqlite", "--schema", "main", "--row-count",
                             "person:10,nowhere:5,odd,pet:1:2", "--row-count", "pet:20")
        self.write("again.yaml", done.out)
        again = self.spate_ok("validate", "again.yaml", "--json").out
        self.assertRegex(again, '"name": "person", "rows": 10,')
        self.assertRegex(again, '"name": "pet", "rows": 20,')


class Skip(Case):
    """Rows whose key is there already are left out."""

    def test_sqlite(self):
        plan = "tables: [{name: t, rows: %d, columns: [{name: id, inc: 1, primary_key: true}, {name: a, value: '%s'}]}]"
        self.write("old.yaml", plan % (5, "old"))
        self.write("new.yaml", plan % (8, "new"))
        self.spate_ok("generate", "old.yaml", "--to", "t.sqlite", "--create")
        self.spate_ok("generate", "new.yaml", "--to", "t.sqlite", "--insert-mode", "skip")
        done = self.spate_ok("query", "t.sqlite", "select group_concat(a) from t", "--format", "csv")
        self.assertEqual(done.out.splitlines()[-1].strip('"'), ",".join(["old"] * 5 + ["new"] * 3))
        self.spate_fails(2, "generate", "new.yaml", "--to", "t.sqlite", "--insert-mode", "copy", "--to", "x.duckdb")
        script = self.spate_ok("generate", "new.yaml", "--to", "-?format=insert", "--insert-mode", "skip").out
        self.assertIn("\nON CONFLICT DO NOTHING;", script)
        self.spate_fails(2, "generate", "new.yaml", "--to", "-?format=copy", "--insert-mode", "skip")


if __name__ == "__main__":
    unittest.main()
