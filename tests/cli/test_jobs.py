"""spate generate --job: killed at any moment and started again, every row is there once; a job is not mixed with another."""
import json
import random
import signal
import subprocess
import time
import unittest

from harness import SLOW, SPATE, Case, wait_until

PLAN = """
seed: 8
tables:
  - name: parent
    rows: 40k
    columns:
      - {name: id, value: "${uuid}", primary_key: true}
      - {name: name, value: "${name}"}
  - name: child
    rows: %s
    columns:
      - {name: id, inc: 1, primary_key: true}
      - {name: parent_id, ref: parent.id}
      - {name: note, range: string, props: {min: 5, max: 60}}
"""


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.plan = self.write("plan.yaml", PLAN % ("100k" if SLOW else "400k"))
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        self.rng = random.Random(seed)

    def kill_until_done(self, begun, *words):
        """Starts the command, kills it as soon as something is in the file begun, and again, after a moment that grows. Returns how
        often it died."""
        started = time.monotonic()
        self.spate_ok("generate", self.plan, "--to", "sql:/dev/null?format=copy", "--workers", 1)
        moment = time.monotonic() - started
        file = self.dir / begun
        for deaths in range(60):
            run = subprocess.Popen([SPATE, "generate", self.plan, *words], cwd=self.dir, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
            if not deaths:
                wait_until(lambda: file.exists() and file.stat().st_size, run)
                run.kill()
            try:
                _, said = run.communicate(timeout=self.rng.uniform(0.1, 0.8) * moment * (1 + deaths))
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
                continue
            if run.returncode == -signal.SIGKILL:
                continue
            self.assertEqual(run.returncode, 0, said)
            return deaths
        self.fail("the job does not end")

    def compare_files(self, to, name, *words):
        self.spate_ok("generate", self.plan, "--to", "whole/" + to, *words)
        deaths = self.kill_until_done(f"job/{name}.partial", "--to", "job/" + to, "--job", name.replace("/", "-"), *words)
        self.assertEqual((self.dir / "job" / name).read_bytes(), (self.dir / "whole" / name).read_bytes())
        return deaths

    def test_files(self):
        (self.dir / "job").mkdir()
        (self.dir / "whole").mkdir()
        deaths = self.compare_files("all.sql", "all.sql", "--create")
        deaths += self.compare_files("csv/?format=csv", "csv/child.csv")
        self.assertGreater(deaths, 0)

    def test_sqlite(self):
        self.kill_until_done("job.sqlite", "--to", "job.sqlite", "--create", "--job", "night")
        self.check_rows("job.sqlite")

    def test_duckdb(self):
        self.kill_until_done("job.duckdb", "--to", "job.duckdb", "--create", "--job", "night")
        self.check_rows("job.duckdb")

    def test_stores(self):
        (self.dir / "job").mkdir()
        (self.dir / "whole").mkdir()
        self.spate_ok("generate", self.plan, "--to", "whole/all.spate")
        self.kill_until_done("job/all.spate.partial", "--to", "job/all.spate", "--job", "night")
        for table in ("parent", "child"):
            rows = [self.spate_ok("store", "scan", f"{where}/all.spate", "--table", table).out for where in ("whole", "job")]
            self.assertEqual(rows[0], rows[1])
        self.spate_ok("store", "verify", "job/all.spate")
        self.assertEqual([p.name for p in (self.dir / "job").iterdir()], ["all.spate"])
        self.spate_fails(2, "generate", self.plan, "--to", "job/all.spate", "--job", "day", says="a job writes a new store")

    def test_a_store_is_cancelled(self):
        run = self.run_until(lambda: (self.dir / "a.spate.partial").exists(), "--to", "a.spate", "--job", "night", "--rows", "child=20M")
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        run.communicate()
        self.assertTrue((self.dir / "a.spate.job").exists())
        self.spate_ok("job", "cancel", "night", "--remove")
        self.assertEqual(list(self.dir.glob("a.spate*")), [])

    def check_rows(self, file):
        found = self.spate_ok("query", file, "SELECT count(*), count(DISTINCT c.id), min(c.id), max(c.id), count(p.id) FROM child c"
                              " LEFT JOIN parent p ON p.id = c.parent_id", "--format", "csv").out.splitlines()[1]
        rows = "100000" if SLOW else "400000"
        self.assertEqual(found, f"{rows},{rows},1,{rows},{rows}")

    def test_a_complete_job_makes_nothing(self):
        words = ["--rows", "child=1000", "--to", "a.sqlite", "--create", "--job", "auto"]
        self.spate_ok("generate", self.plan, *words)
        self.spate_ok("generate", self.plan, *words)
        self.assertEqual(self.spate_ok("query", "a.sqlite", "SELECT count(*) FROM child", "--format", "csv").out.split()[1], "1000")

    def test_another_job_of_that_name(self):
        words = ["--to", "b.sqlite", "--create", "--job", "night"]
        self.spate_ok("generate", self.plan, "--rows", "child=1000", *words)
        self.spate_fails(2, "generate", self.plan, "--rows", "child=1001", *words, says=['job "night" was begun with another plan'])

    def test_names(self):
        for name in ("", "a b", "x" * 65, "é"):
            self.spate_fails(2, "generate", self.plan, "--to", "c.csv", "--job", name, says=["is no name for a job"])
        self.spate_fails(2, "generate", self.plan, "--job", "n", says=["a job needs a target"])
        self.spate_fails(2, "generate", self.plan, "--table", "child", "--to", "-", "--job", "n",
                         says=["standard output cannot remember"])

    def jobs(self, *words):
        return json.loads(self.spate_ok("job", "list", "--json", *words).out)

    def show(self, name):
        return json.loads(self.spate_ok("job", "show", name, "--json").out)

    def run_until(self, ready, *words):
        """Starts the command and returns it once ready() is so."""
        run = subprocess.Popen([SPATE, "generate", self.plan, *words], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
        deadline = time.monotonic() + 60
        while not ready():
            self.assertIsNone(run.poll(), "it ended before")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)
        return run

    def has_landed(self, rows=1):
        return lambda: any(job["rows_done"] >= rows for job in self.jobs())

    def test_list_and_show(self):
        self.assertEqual(self.jobs(), [])
        self.assertRegex(self.spate_ok("job", "list").err, "there are no jobs")
        run = self.run_until(self.has_landed(40001), "--to", "a.sqlite", "--create", "--job", "night", "--rows", "child=20M")
        job = self.show("night")
        self.assertEqual((job["state"], job["pid"], job["kind"], job["target"]), ("running", run.pid, "generate", "a.sqlite"))
        run.kill()
        run.communicate()
        job = self.show("night")
        self.assertEqual(job["state"], "paused")  # its process is gone without a word
        parent, child = job["tables"]
        self.assertEqual((parent["name"], parent["round"], parent["rows_done"], parent["ranges"]), ("parent", 0, 40000, [[0, 40000]]))
        self.assertEqual((child["name"], child["round"], child["ranges"]), ("child", 1, [[0, child["rows_done"]]]))
        self.assertEqual(job["rows"], 20040000)
        self.assertEqual(job["command"][:2], ["generate", str(self.plan)])
        shown = self.spate_ok("job", "show", "night").out
        self.assertRegex(shown, r"(?m)^child +1 +[0-9,]+ +\d+%  0-\d+ rows$")
        self.assertRegex(self.spate_ok("job", "list").out, r"(?m)^night +paused +generate ")
        self.spate_fails(2, "job", "show", "day", says='there is no job "day"')

    def test_resume_runs_the_command_where_it_was_given(self):
        run = self.run_until(self.has_landed(), "--to", "a.sqlite", "--create", "--job", "auto", "--rows", "child=300k")
        run.kill()
        run.communicate()
        [job] = self.jobs()
        self.assertRegex(job["name"], "^auto-[0-9a-f]{16}$")
        self.spate_ok("job", "resume", job["name"], cwd="/")
        [job] = self.jobs()
        self.assertEqual((job["state"], job["rows_done"]), ("done", 340000))
        found = self.spate_ok("query", "a.sqlite", "SELECT count(*), count(DISTINCT id) FROM child", "--format", "csv").out.splitlines()[1]
        self.assertEqual(found, "300000,300000")
        left = self.spate_ok("query", "a.sqlite", "SELECT count(*) FROM sqlite_master WHERE name LIKE 'spate%'", "--format", "csv").out.split()[1]
        self.assertEqual(left, "0")  # the target has forgotten
        done = self.spate_ok("job", "resume", job["name"], cwd="/")
        self.assertIn("is done: everything is in a.sqlite", done.err)
        self.spate_ok("job", "cancel", job["name"])
        self.assertEqual(self.jobs(), [])

    def test_two_at_once(self):
        words = ["--to", "a.sqlite", "--create", "--job", "night", "--rows", "child=20M"]
        run = self.run_until(self.has_landed(), *words)
        self.spate_fails(3, "generate", self.plan, *words, says=f'job "night" is running already, as process {run.pid}')
        self.spate_fails(3, "job", "resume", "night", says="is running already")
        # Whoever lists it elsewhere meets the target's own lock.
        self.spate_fails(3, "generate", self.plan, *words, "--ledger", "elsewhere", says="locked")
        run.kill()
        run.communicate()

    def test_two_writers_of_a_file(self):
        run = self.run_until(self.has_landed(), "--table", "child", "--rows", "child=20M", "--to", "a.csv", "--job", "night")
        self.spate_fails(5, "generate", self.plan, "--table", "child", "--rows", "child=20M", "--to", "a.csv", "--job", "night",
                         "--ledger", "elsewhere", says='another process is writing "a.csv.partial"')
        self.spate_fails(3, "generate", self.plan, "--table", "child", "--to", "a.csv", says='another process is writing "a.csv.partial"')
        run.kill()
        run.communicate()

    def test_cancel_stops_it_and_cleans_up(self):
        run = self.run_until(self.has_landed(), "--to", "out/?format=csv", "--job", "night", "--rows", "child=20M")
        self.spate_ok("job", "cancel", "night", "--remove")
        run.communicate()
        self.assertEqual(run.returncode, -signal.SIGTERM)
        self.assertEqual(sorted(p.name for p in (self.dir / "out").iterdir()), ["parent.csv"])
        self.assertEqual([job["state"] for job in self.jobs()], ["cancelled"])
        # The same command begins anew, and refuses what is there, as it would without a job.
        self.spate_fails(2, "generate", self.plan, "--to", "out/?format=csv", "--job", "night", says="exists already")
        self.spate_ok("generate", self.plan, "--to", "out/?format=csv", "--job", "night", "--truncate", "--rows", "child=10")
        self.assertEqual([job["state"] for job in self.jobs()], ["done"])

    def test_cancel_in_databases(self):
        for to in ("a.sqlite", "a.duckdb"):
            run = self.run_until(self.has_landed(), "--to", to, "--create", "--job", "night", "--rows", "child=20M")
            run.kill()
            run.communicate()
            self.spate_ok("job", "cancel", "night", cwd="/")
            left = self.spate_ok("query", to, "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'spate%'" if "duckdb" in to
                                 else "SELECT count(*) FROM sqlite_master WHERE name LIKE 'spate%'", "--format", "csv").out.split()[1]
            self.assertEqual(left, "0")
            self.spate_ok("job", "cancel", "night")
            self.assertEqual(self.jobs(), [])

    def test_a_failure_is_told(self):
        self.spate_ok("generate", self.plan, "--rows", "child=5", "--to", "a.sqlite", "--create")
        self.spate_fails(4, "generate", self.plan, "--rows", "child=10", "--to", "a.sqlite", "--job", "night", says="UNIQUE")
        job = self.show("night")
        self.assertEqual(job["state"], "failed")
        self.assertIn("UNIQUE constraint failed", job["error"])

    def test_a_refused_command_is_no_job(self):
        self.spate_fails(2, "generate", self.plan, "--to", "a.csv", "--job", "night", says="takes one table")
        self.assertEqual(self.jobs(), [])

    def test_no_password_is_kept(self):
        run = self.spate_fails(5, "generate", self.plan, "--to", "postgresql://me:hush@127.0.0.1:1/db?sslpassword=hush2", "--job", "night")
        self.assertNotIn("hush", run.err)
        self.assertNotIn(b"hush", (self.state / "spate" / "jobs" / "night.journal").read_bytes())
        self.assertEqual(self.show("night")["command"][3], "postgresql://me@127.0.0.1:1/db?sslpassword=")
        self.assertEqual(self.show("night")["target"], "postgresql://me:***@127.0.0.1:1/db?sslpassword=***")
        self.spate_fails(5, "job", "resume", "night", says=["PGPASSWORD"])
        self.spate_fails(3, "job", "cancel", "night", says=["PGPASSWORD"])
        self.assertEqual(self.show("night")["state"], "failed")

    def test_a_damaged_ledger_does_not_hide_the_others(self):
        for name in ("a", "b", "c"):
            self.spate_ok("generate", self.plan, "--rows", "child=10", "--to", f"{name}.sqlite", "--create", "--job", name)
        with open(self.state / "spate" / "jobs" / "b.journal", "r+b") as f:
            f.write(b"no ledger at all")
        listed = self.spate_fails(6, "job", "list", says="b.journal")
        self.assertRegex(listed.out, "(?m)^a +done")
        self.assertRegex(listed.out, "(?m)^c +done")

    def test_a_signal_leaves_it_to_go_on(self):
        rows = ["--rows", "child=300k" if SLOW else "child=5M"]
        run = subprocess.Popen([SPATE, "generate", self.plan, *rows, "--table", "child", "--to", "d.csv", "--job", "night"],
                               cwd=self.dir, stderr=subprocess.PIPE, text=True)
        partial = self.dir / "d.csv.partial"
        while run.poll() is None and not (partial.exists() and partial.stat().st_size):
            time.sleep(0.001)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate()
        self.assertIn("job night is incomplete: the same command goes on with it", said)
        self.spate_ok("generate", self.plan, *rows, "--table", "child", "--to", "d.csv", "--job", "night")
        self.spate_ok("generate", self.plan, *rows, "--table", "child", "--to", "e.csv")
        self.assertEqual((self.dir / "d.csv").read_bytes(), (self.dir / "e.csv").read_bytes())


if __name__ == "__main__":
    unittest.main()
