"""spate generate --job: killed at any moment and started again, every row is there once; a job is not mixed with another."""
import random
import signal
import subprocess
import time
import unittest

from harness import SLOW, SPATE, Case

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
        self.plan = self.write("plan.yaml", PLAN % ("200k" if SLOW else "800k"))
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        self.rng = random.Random(seed)

    def kill_until_done(self, *words):
        """Starts the command, kills it after a moment, and again, each time a little later. Returns how often it died."""
        for deaths in range(60):
            run = subprocess.Popen([SPATE, "generate", self.plan, *words], cwd=self.dir, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
            try:
                _, said = run.communicate(timeout=self.rng.uniform(0.02, 0.1) * (1 + deaths))
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
                continue
            self.assertEqual(run.returncode, 0, said)
            return deaths
        self.fail("the job does not end")

    def compare_files(self, to, name, *words):
        self.spate_ok("generate", self.plan, "--to", "whole/" + to, *words)
        deaths = self.kill_until_done("--to", "job/" + to, "--job", "night", *words)
        self.assertEqual((self.dir / "job" / name).read_bytes(), (self.dir / "whole" / name).read_bytes())
        return deaths

    def test_files(self):
        (self.dir / "job").mkdir()
        (self.dir / "whole").mkdir()
        deaths = self.compare_files("all.sql", "all.sql", "--create")
        deaths += self.compare_files("csv/?format=csv", "csv/child.csv")
        self.assertGreater(deaths, 0)

    def test_sqlite(self):
        self.kill_until_done("--to", "job.sqlite", "--create", "--job", "night")
        self.check_rows("job.sqlite")

    def test_duckdb(self):
        self.kill_until_done("--to", "job.duckdb", "--create", "--job", "night")
        self.check_rows("job.duckdb")

    def check_rows(self, file):
        found = self.spate_ok("query", file, "SELECT count(*), count(DISTINCT c.id), min(c.id), max(c.id), count(p.id) FROM child c"
                              " LEFT JOIN parent p ON p.id = c.parent_id", "--format", "csv").out.splitlines()[1]
        rows = "200000" if SLOW else "800000"
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
