"""The command line: words, exit codes, what goes to stdout and what to stderr, stopping."""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import unittest

from harness import Case, ROOT, SPATE, duckdb_script, query, read_csv, spate, wait_until

SHOP = ROOT / "examples/shop.yaml"
SMALL = ["--rows", "member=100", "--rows", "product=50", "--rows", "purchase=300", "--rows", "purchase_line=700",
         "--rows", "person=100", "--rows", "pet=150"]
ONE = "tables: [{name: t, rows: 1000, columns: [{name: id, inc: 1}, {name: e, value: '${email}'}]}]\n"
HUGE = "tables: [{name: t, rows: 100G, columns: [{name: id, inc: 1}, {name: e, value: '${email}'}]}]\n"


class Words(Case):
    def test_help_is_data(self):
        for words in (["--help"], ["help"], ["generate", "--help"], ["help", "generate"], ["query", "--help"]):
            done = self.spate_ok(*words)
            self.assertIn("usage: spate", done.out)
            self.assertEqual(done.err, "")

    def test_man_page_and_completion_come_from_the_table(self):
        man, completion = self.spate_ok("help", "--man").out, self.spate_ok("help", "--completion").out
        for option in re.findall(r"^  --([a-z-]+)", self.spate_ok("generate", "--help").out, re.M):
            self.assertIn(f"--{option}", completion)
            if option != "help":
                self.assertIn(f"\\-\\-{option}", man)
        subprocess.run(["bash", "-n"], input=completion, text=True, check=True)

    def test_version(self):
        self.assertRegex(self.spate_ok("--version").out, r"^spate \d+\.\d+\.\d+\n$")

    def test_misuse_is_one_line_and_a_way_out(self):
        cases = [
            ([], "usage"),
            (["frob"], 'unknown command "frob"\ntry'),
            (["genrate", "a"], 'unknown command "genrate"; did you mean "generate"\\?'),
            (["labs"], 'did you mean "lab"\\?'),
            (["store", "scn"], 'unknown command "scn" of .store.; did you mean "scan"\\?'),
            (["copy", "a", "b", "--tables", "t"], 'unknown option "--tables" of .copy.; did you mean --table\\?'),
            (["copy", "a", "b", "--constraints", "defer"], "did you mean --defer-constraints\\?"),
            (["generate"], "'generate' needs PLAN"),
            (["generate", "a", "b"], 'unexpected argument "b"'),
            (["generate", "a", "--frob"], "unknown option \"--frob\" of 'generate'\ntry"),
            (["generate", "a", "--wor", "2"], 'unknown option "--wor"'),
            (["generate", "a", "-w"], 'unknown option "-w"'),
            (["generate", "a", "--workers"], "--workers needs a value: N"),
            (["generate", "a", "--workers", "two"], 'whole number .* not "two"'),
            (["generate", "a", "--workers", "0"], "--workers takes 1 at least, not 0"),
            (["copy", "a", "b", "--batch", "0"], "--batch takes 1 at least, not 0"),
            (["generate", "a", "--workers", "1", "--workers", "2"], "given twice"),
            (["generate", "a", "--create=yes"], "--create takes no value"),
            (["generate", "a", "--progress", "loud"], 'cannot be "loud"; it is one of auto, bar'),
        ]
        for words, says in cases:
            done = self.spate_fails(2, *words, says=says)
            self.assertEqual(done.out, "")
            self.assertLessEqual(done.err.count("\n"), 24 if not words else 2, words)

    def test_validate_tells_all_mistakes_and_what_a_good_plan_takes(self):
        bad = self.write("bad.yaml", "tables:\n  - name: t\n    rows: x\n    columns:\n      - {name: a, ref: nope.id}\n"
                         "      - {name: b, value: '${frobnicate}'}\n      - {name: c, value: '${rgbcolor}', unique: true}\n")
        said = self.spate_fails(2, "validate", bad, says=[r"bad.yaml:3:11: error: \"x\"", r"bad.yaml:5:24: error", r"bad.yaml:7:26: error: \"c\"", "bad.yaml: 3 mistakes"])
        self.assertEqual(said.out, "")
        told = json.loads(self.spate_fails(2, "validate", bad, "--json").out)
        self.assertEqual((told["valid"], [(m["line"], m["fatal"]) for m in told["mistakes"]]), (False, [(3, True), (5, True), (6, False), (7, True)]))
        told = json.loads(self.spate_ok("validate", SHOP, "--json", "--workers", "3").out)
        self.assertEqual((told["valid"], told["workers"], len(told["tables"])), (True, 3, 6))
        made = self.spate_ok("generate", SHOP, "--to", "out/?format=csv", *SMALL)
        small = json.loads(self.spate_ok("validate", "-", "--json", stdin=re.sub(r"rows: .*", "rows: 700", SHOP.read_text())).out)
        line = next(t for t in small["tables"] if t["name"] == "purchase_line")  # sampled as a whole: its bytes are exact
        self.assertEqual(line["csv_bytes"], (self.dir / "out/purchase_line.csv").stat().st_size - len("id,purchase_id,product_id,quantity\n"))
        self.assertGreater(told["memory_bytes"], 1 << 20)
        self.assertTrue(all(t["seconds"] > 0 for t in told["tables"]))
        self.spate_fails(3, "validate", "nothing.yaml", says="nothing.yaml")

    def test_functions(self):
        listed = self.spate_ok("functions").out.splitlines()
        self.assertGreater(len(listed), 200)
        told = json.loads(self.spate_ok("functions", "--json").out)
        self.assertEqual([line.split()[0] for line in listed], [f["name"] for f in told])
        self.assertTrue(all(f["type"] and len(f["samples"]) == 1 for f in told))
        one = json.loads(self.spate_ok("functions", "weekday", "--json").out)
        self.assertEqual((len(one), len(one[0]["samples"])), (1, 10))
        self.assertRegex(self.spate_ok("functions", "uuid").out, r"^\$\{uuid\}  uuid.*\n(  [0-9a-f-]{36}\n){10}$")
        self.spate_fails(2, "functions", "emial", says=['no function "emial"', 'did you mean "email"'])

    def test_bad_values_of_options(self):
        plan = self.write("one.yaml", ONE)
        cases = [
            (["--rows", "t"], "--rows takes TABLE=N"),
            (["--rows", "t=many"], "--rows takes TABLE=N"),
            (["--rows", "x=5"], 'no table "x"'),
            (["--rows", "x" * 300 + "=5"], 'no table "xxx'),
            (["--rows", "t=1.5"], "--rows takes TABLE=N"),
            (["--workers", "257"], "--workers takes at most 256"),
            (["--workers", "4294967297"], "--workers takes at most 256"),
            (["--table", "x"], 'no table "x"'),
            (["--part", "3/3"], "--part takes I/N"),
            (["--part", "x"], "--part takes I/N"),
            (["--to", "frob:x"], "cannot tell"),
            (["--to", "x.csv?frob=1"], "frob"),
            (["--to", "x.csv?format=parquet"], "parquet"),
        ]
        for words, says in cases:
            self.spate_fails(2, "generate", plan, *words, says=says)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["one.yaml"])


class Plans(Case):
    def test_every_mistake_with_its_place(self):
        plan = self.write("bad.yaml", """\
tables:
  - name: member
    rows: ten
    columns:
      - {name: id, valu: '${uuid}'}
      - {name: x, range: dtae, props: {min: 1, max: 2}}
      - {name: s, set: [1, two], type: int}
      - {name: p, ref: memberr.id}
""")
        done = self.spate_fails(2, "generate", plan, "--to", "out/", says=[
            r"bad.yaml:3:11: error: \"ten\"", r"bad.yaml:5:16: error: .*needs one of value", r"bad.yaml:5:20: warning: \"valu\".*\"value\"",
            r"bad.yaml:6:26: error: \"dtae\"", r"bad.yaml:8:24: error: \"memberr.id\".*did you mean \"member\""])
        self.assertFalse((self.dir / "out").exists())
        self.assertEqual(done.out, "")
        for sentence in ('"ten" is not a number of rows', '"id" needs one of value', '"valu" is no key of a column and is ignored; did you mean "value"',
                         '"memberr.id" refers to no table of this plan; did you mean "member"'):
            self.assertRegex(done.err, sentence)

    def test_mistakes_only_the_catalogue_can_find(self):
        plan = self.write("bad.yaml", "tables: [{name: t, rows: 5, columns: [{name: s, set: [1, two], type: int}]}]\n")
        self.spate_fails(2, "generate", plan, "--to", "x.csv", says=r'bad.yaml:1:58: error: "two" is no int')
        self.assertFalse((self.dir / "x.csv").exists())

    def test_a_plan_that_is_not_there(self):
        self.spate_fails(2, "generate", "nope.yaml", says="nope.yaml.*no such file")

    def test_a_plan_from_standard_input(self):
        done = self.spate_ok("generate", "-", "--to", "-", "--rows", "t=3", "--progress", "none", stdin=ONE)
        self.assertEqual(done.out.count("\n"), 4)

    def test_json_is_read_too(self):
        plan = self.write("p.json", json.dumps({"tables": [{"name": "t", "rows": 3, "columns": [{"name": "n", "inc": 5}]}]}))
        self.assertEqual(self.spate_ok("generate", plan, "--to", "-").out, "n\n5\n6\n7\n")

    def test_counts_are_written_alike_in_plans_and_options(self):
        for written, rows in {"1.5k": 1500, "0.001m": 1000, "2K": 2000, "1_000": 1000, "1e3": 1000, "5.0": 5, "0x10": 16}.items():
            by_plan = self.write("p.yaml", ONE.replace("1000", written))
            by_option = self.write("o.yaml", ONE)
            for words in ([by_plan], [by_option, "--rows", f"t={written}"]):
                done = self.spate_ok("generate", *words, "--to", "-?header=false", "--batch", "1.5k")
                self.assertEqual(done.out.count("\n"), rows, words)

    def test_rows_may_cure_a_mistake(self):
        plan = self.write("p.yaml", "tables: [{name: t, rows: 9, columns: [{name: n, range: int, props: {min: 0, max: 5}, unique: true}]}]")
        self.spate_fails(2, "generate", plan, "--to", "-", says="unique")
        self.assertEqual(sorted(self.spate_ok("generate", plan, "--to", "-", "--rows", "t=5").out.split()[1:]), list("01234"))


class Targets(Case):
    def test_without_to_a_duckdb_file_beside_the_plan(self):
        (self.dir / "shop.yaml").write_text(SHOP.read_text())
        for _ in range(2):  # the second run replaces the first
            done = self.spate_ok("generate", "shop.yaml", *SMALL, "--progress", "none")
            self.assertIn("spate query shop.duckdb", done.err)
            self.assertEqual(query("shop.duckdb", "SELECT count(*) AS n FROM purchase_line", cwd=self.dir), [{"n": "700"}])
        joined = self.spate_ok("query", "shop.duckdb", (ROOT / "examples/shop.sql").read_text())
        self.assertEqual(len(joined.out.splitlines()), 12)

    def test_every_reference_resolves(self):
        self.spate_ok("generate", SHOP, *SMALL, "--to", "duckdb:s.duckdb", "--create")
        for child, column, parent in [("purchase", "member_id", "member"), ("purchase_line", "purchase_id", "purchase"),
                                      ("purchase_line", "product_id", "product"), ("pet", "person_id", "person")]:
            orphans = query("duckdb:s.duckdb", f"SELECT count(*) AS n FROM {child} c ANTI JOIN {parent} p ON c.{column} = p.id",
                            cwd=self.dir)
            self.assertEqual(orphans, [{"n": "0"}])

    def test_one_file_takes_one_table(self):
        self.spate_fails(2, "generate", SHOP, *SMALL, "--to", "x.csv", says=["one csv file takes one table", "--table"])
        self.spate_fails(2, "generate", SHOP, *SMALL, "--to", "-", says="one csv file takes one table")
        self.spate_ok("generate", SHOP, *SMALL, "--to", "x.csv", "--table", "member")
        self.assertEqual(len(read_csv(self.dir / "x.csv")), 101)

    def test_files_are_not_overwritten_unasked(self):
        plan = self.write("one.yaml", ONE)
        self.spate_ok("generate", plan, "--to", "x.csv")
        before = (self.dir / "x.csv").read_bytes()
        self.spate_fails(2, "generate", plan, "--to", "x.csv", "--seed", "9", says="--truncate")
        self.assertEqual((self.dir / "x.csv").read_bytes(), before)
        self.spate_ok("generate", plan, "--to", "x.csv", "--seed", "9", "--truncate")
        self.assertNotEqual((self.dir / "x.csv").read_bytes(), before)

    def test_dry_run_changes_nothing(self):
        for to in ("x.csv", "duckdb:x.duckdb", "sqlite:x.db", "x.sql", "d/"):
            create = [] if to in ("x.csv", "d/") else ["--create"]
            self.spate_ok("generate", SHOP, "--to", to, *create, "--table", "member", "--dry-run")
            self.assertEqual(list(self.dir.iterdir()), [], to)

    def test_options_that_mean_nothing_are_refused(self):
        plan = self.write("one.yaml", ONE)
        self.spate_fails(2, "generate", plan, "--to", "x.csv", "--create", says="--create means nothing for csv")
        self.spate_fails(2, "generate", plan, "--to", "x.ndjson", "--insert-mode", "upsert", says="--insert-mode means nothing for ndjson")

    def test_parts_do_not_wipe_each_other_out(self):
        plan = self.write("one.yaml", ONE)
        self.spate_fails(2, "generate", plan, "--part", "0/2", says="--to")
        for to in ("duckdb:x.duckdb", "sqlite:x.db"):
            self.spate_ok("generate", plan, "--to", to, "--create", "--rows", "t=0")
            self.spate_fails(2, "generate", plan, "--to", to, "--part", "1/2", "--truncate", says="--truncate does not go with --part")
            for part in ("0/2", "1/2"):
                self.spate_ok("generate", plan, "--to", to, "--part", part)
            self.assertEqual(query(to, "SELECT count(*) AS n, count(DISTINCT id) AS d FROM t", cwd=self.dir), [{"n": "1000", "d": "1000"}])

    def test_duckdb_is_asked_whether_the_plans_words_fit(self):
        duckdb_script(self.dir / "x.duckdb", "CREATE TABLE t (n INTEGER, d DATE, s VARCHAR)")
        columns = "{name: n, set: ['1', 'abc']}, {name: d, value: '2020-13-01'}, {name: s, set: [1, y]}"
        plan = self.write("p.yaml", f"tables: [{{name: t, rows: 10, columns: [{columns}]}}]")
        done = self.spate_fails(2, "generate", plan, "--to", "x.duckdb", says="2 things are in the way")
        for words in ('"n" is INTEGER, which cannot be "abc"', '"d" is DATE, which cannot be "2020-13-01"'):
            self.assertIn(words, done.err)
        good = self.write("q.yaml", f"tables: [{{name: t, rows: 10, columns: [{columns}]}}]".replace("abc", "-7").replace("-13-", "-12-"))
        self.spate_ok("generate", good, "--to", "x.duckdb")
        self.assertEqual(query("x.duckdb", "SELECT count(*) AS n FROM t WHERE n IN (1, -7) AND d = '2020-12-01'", cwd=self.dir), [{"n": "10"}])

    def test_duckdb_is_asked_about_what_functions_and_ranges_make(self):
        duckdb_script(self.dir / "x.duckdb", "CREATE TABLE t (d DATE, u UUID, p DECIMAL(5, 2), s VARCHAR)")
        columns = "{name: d, value: '${email}'}, {name: u, value: 'x${uuid}'}, {name: p, range: decimal, props: {min: 0, max: 2000}}, {name: s, value: '${email}'}"
        plan = self.write("p.yaml", f"tables: [{{name: t, rows: 10, columns: [{columns}]}}]")
        done = self.spate_fails(2, "generate", plan, "--to", "x.duckdb", says="3 things are in the way")
        for words in ('"d" is DATE, which cannot be ".*@', '"u" is UUID, which cannot be "x', r'"p" is DECIMAL.5,2., which cannot be "1999\.99"'):
            self.assertRegex(done.err, words)

    def test_two_tables_do_not_share_a_file(self):
        plan = self.write("p.yaml", "tables: [{name: a/b, rows: 2, columns: [{name: n, inc: 1}]}, {name: a_b, rows: 2, columns: [{name: n, inc: 1}]}]")
        self.spate_fails(2, "generate", plan, "--to", "out/", says='tables "a/b" and "a_b" would both be written to "out/a_b.csv"')
        self.assertFalse((self.dir / "out").exists())

    def test_the_report_names_the_file_that_was_written(self):
        plan = self.write("one.yaml", ONE)
        done = self.spate_ok("generate", plan, "--to", "x.sql", "--part", "0/7")
        self.assertIn("made x.0-of-7.sql\n", done.err)
        self.assertIn("psql -d DATABASE -f x.0-of-7.sql\n", done.err)
        self.assertTrue((self.dir / "x.0-of-7.sql").exists())

    def test_a_directory_is_no_file(self):
        plan = self.write("huge.yaml", HUGE)
        (self.dir / "dd.csv").mkdir()
        for words in ([], ["--truncate"]):
            self.spate_fails(2, "generate", plan, "--to", "csv:dd.csv", *words, says='"dd.csv" is a directory', timeout=20)

    def test_a_full_disk_is_told(self):
        plan = self.write("one.yaml", ONE)
        self.spate_fails(3, "generate", plan, "--to", "/dev/full?format=csv", says="no space left on device")

    def test_a_directory_that_cannot_be(self):
        plan = self.write("one.yaml", ONE)
        self.write("file", "")
        self.spate_fails(3, "generate", plan, "--to", "file/x/", says="file")


class Reports(Case):
    def test_json_report(self):
        done = self.spate_ok("generate", SHOP, *SMALL, "--to", "out/", "--json", "--progress", "none")
        report = json.loads(done.out)
        self.assertTrue(report["complete"])
        self.assertEqual({t["name"]: t["rows_done"] for t in report["tables"]}["purchase_line"], 700)
        self.assertEqual(sum(t["bytes"] for t in report["tables"]), sum(p.stat().st_size for p in (self.dir / "out").iterdir()))
        self.assertEqual(done.err, "")

    def test_json_report_of_a_failure(self):
        done = self.spate_fails(2, "generate", SHOP, *SMALL, "--to", "x.csv", "--json")
        report = json.loads(done.out)
        self.assertFalse(report["complete"])
        self.assertEqual(report["error"]["status"], "usage")

    def test_json_report_stays_out_of_the_data(self):
        plan = self.write("one.yaml", ONE)
        for to in ("-", "csv:-", "/dev/stdout?format=csv", "/dev/fd/1?format=csv"):
            done = self.spate_ok("generate", plan, "--to", to, "--json", "--rows", "t=2")
            self.assertEqual(done.out.count("\n"), 3, to)
            self.assertEqual(json.loads(done.err)["target"], "standard output")
        bad = self.write("bad.yaml", ONE.replace("1000", "ten"))
        self.assertEqual(self.spate_fails(2, "generate", bad, "--to", "csv:-", "--json", says='"complete": false').out, "")

    def test_json_report_without_a_plan(self):
        report = json.loads(self.spate_fails(2, "generate", "nowhere.yaml", "--json", says="no such file").out)
        self.assertFalse(report["complete"])
        self.assertIn("nowhere.yaml", report["error"]["message"])

    def test_json_report_of_a_dry_run(self):
        plan = self.write("one.yaml", ONE)
        self.assertIs(json.loads(self.spate_ok("generate", plan, "--to", "x.csv", "--json", "--dry-run").out)["dry_run"], True)
        self.assertNotIn("dry_run", json.loads(self.spate_ok("generate", plan, "--to", "x.csv", "--json").out))

    def test_progress_json(self):
        plan = self.write("huge.yaml", HUGE)
        run = subprocess.Popen([SPATE, "generate", plan, "--to", "/dev/null?format=csv", "--progress", "json"], stderr=subprocess.PIPE,
                               text=True)
        lines = [run.stderr.readline() for _ in range(2)]
        run.kill()
        run.communicate()
        first, second = [json.loads(line) for line in lines]
        self.assertGreater(second["tables"][0]["rows_done"], first["tables"][0]["rows_done"])

    def bars(self, columns, bar):
        """What a terminal of that width is shown until a line like bar is there, and after ^C."""
        plan = self.write("huge.yaml", HUGE.replace("name: t", "name: a_table_with_a_long_name"))
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        run = subprocess.Popen([SPATE, "generate", plan, "--to", "/dev/null?format=csv"], stderr=theirs, stdout=theirs, stdin=theirs)
        os.close(theirs)
        shown, stopped = b"", False
        patience = threading.Timer(120, run.kill)
        patience.start()
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            if not stopped and re.search(bar, shown.decode(errors="replace")):
                stopped = True
                run.send_signal(signal.SIGINT)
        run.wait(60)
        patience.cancel()
        os.close(ours)
        return shown.decode()

    def test_bars_on_a_terminal(self):
        bar = r"a_table_with_a_long_ \[[#.]{%s}\] +\d+%% .*rows.*/s .*left"
        for columns, pattern in (200, bar % "24"), (100, bar % "4,24"), (0, "rows.*/s .*left"):
            shown = self.bars(columns, pattern)
            self.assertRegex(shown, pattern)
            self.assertIn("interrupted", shown)

    def test_bars_fit_the_screen(self):
        for columns in 80, 60, 40, 20:
            shown = self.bars(columns, r"\d+%.*\n.*\d+%.*\n")
            lines = re.findall(r"\x1b\[K(.*?)\r\n", shown)
            self.assertGreater(len(lines), 1)
            self.assertLess(max(map(len, lines)), columns)


class ClosedDescriptors(Case):
    def test_no_file_takes_their_place(self):
        plan = self.write("one.yaml", ONE)
        self.spate_ok("generate", plan, "--to", "whole.csv")
        for closed in ("2>&-", "1>&-", "0<&-", "0<&- 1>&- 2>&-"):
            done = subprocess.run(["sh", "-c", f'"$0" generate "$1" --to out.csv --truncate --progress json --json {closed}', SPATE, plan],
                                  cwd=self.dir, capture_output=True)
            self.assertEqual(done.returncode, 0, closed)
            self.assertEqual((self.dir / "out.csv").read_bytes(), (self.dir / "whole.csv").read_bytes(), closed)


class Stopping(Case):
    def run_and_signal(self, plan, to, number, *words, begun="x.csv.partial"):
        """The signal comes when something is in the file begun."""
        run = subprocess.Popen([SPATE, "generate", plan, "--to", to, "--progress", "none", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, cwd=self.dir)
        file = self.dir / begun
        wait_until(lambda: file.exists() and file.stat().st_size > 1 << 20, run)
        run.send_signal(number)
        self.out, err = run.communicate(timeout=120)
        return run.returncode, err

    def test_interrupt_says_what_landed_and_leaves_whole_rows(self):
        plan = self.write("huge.yaml", HUGE)
        code, err = self.run_and_signal(plan, "x.csv", signal.SIGINT)
        self.assertEqual(code, -signal.SIGINT, err)
        self.assertFalse((self.dir / "x.csv").exists(), "a file that is not whole has no such name")
        partial = (self.dir / "x.csv.partial").read_bytes()
        done = int(re.search(r"t +([\d,]+) rows", err)[1].replace(",", ""))
        self.assertTrue(partial.endswith(b"\n"))
        self.assertEqual(partial.count(b"\n"), done + 1)
        self.assertIn("incomplete", err)
        self.assertRegex(err, rf"interrupted; {done} of 100000000000 rows are in x.csv.partial\n")
        self.assertIn("committed to x.csv.partial\n", err)

    def test_interrupt_says_in_json_what_landed(self):
        code, _ = self.run_and_signal(self.write("huge.yaml", HUGE), "x.csv", signal.SIGINT, "--json")
        report = json.loads(self.out)
        self.assertEqual(code, -signal.SIGINT)
        self.assertEqual(report["error"]["message"],
                         f"interrupted; {report['tables'][0]['rows_done']} of 100000000000 rows are in x.csv.partial")

    def test_interrupt_of_a_database_file(self):
        plan = self.write("huge.yaml", HUGE)
        code, err = self.run_and_signal(plan, "duckdb:x.duckdb", signal.SIGTERM, "--create", begun="x.duckdb")
        self.assertEqual(code, -signal.SIGTERM, err)
        done = int(re.search(r"t +([\d,]+) rows", err)[1].replace(",", ""))
        self.assertEqual(query("duckdb:x.duckdb", "SELECT count(*) AS n FROM t", cwd=self.dir), [{"n": str(done)}])

    def test_kill_leaves_nothing_that_looks_whole(self):
        plan = self.write("huge.yaml", HUGE)
        code, _ = self.run_and_signal(plan, "x.csv", signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.assertFalse((self.dir / "x.csv").exists())

    def test_a_reader_that_leaves(self):
        plan = self.write("huge.yaml", HUGE)
        run = subprocess.Popen([SPATE, "generate", plan, "--to", "-", "--progress", "none"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        run.stdout.read(1000)
        run.stdout.close()
        err = run.stderr.read().decode()
        self.assertNotEqual(run.wait(60), 0)
        self.assertEqual(err, "")


if __name__ == "__main__":
    unittest.main()
