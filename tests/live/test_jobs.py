"""Jobs against a real PostgreSQL: killed again and again, the client or the server, every row is there once, keys are in place, and
nothing of the job is left where it should not be."""
import os
import pathlib
import random
import subprocess
import time
import unittest

from harness import SLOW, SPATE
from live.servers import PostgresCase

PROGRAM = pathlib.Path(SPATE).parent / "tests" / "test_jobs"
ROWS = 200000 if SLOW else 400000
PLAN = f"""
seed: 8
tables:
  - name: parent
    rows: 40k
    columns:
      - {{name: id, value: "${{uuid}}", primary_key: true}}
  - name: child
    rows: {ROWS}
    columns:
      - {{name: id, inc: 1, primary_key: true}}
      - {{name: parent_id, ref: parent.id}}
      - {{name: note, range: string, props: {{min: 5, max: 60}}}}
"""


class Jobs(PostgresCase):
    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        self.rng = random.Random(seed)

    def check(self, db, rows):
        self.assertEqual(self.server.psql("SELECT count(*), count(DISTINCT id), sum(id) FROM child", db),
                         [[str(rows), str(rows), str(rows * (rows + 1) // 2)]])
        self.assertEqual(self.server.psql("SELECT count(*) FROM child c LEFT JOIN parent p ON p.id = c.parent_id WHERE p.id IS NULL",
                                          db), [["0"]])
        self.assertEqual(self.server.psql("SELECT conname FROM pg_constraint WHERE conrelid = 'child'::regclass ORDER BY 1", db),
                         [["child_parent_id_fkey"], ["child_pkey"]])

    def test_every_row_once(self):
        uri = self.server.uri(self.server.database("jobs"))
        done = subprocess.run([PROGRAM], env={**os.environ, "SPATE_TEST_URI": uri}, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check("jobs", 300000)
        self.assertEqual(self.server.psql("SELECT relname FROM pg_class WHERE relname LIKE 'spate%'", "jobs"), [])

    def go_on_until_done(self, db, disturb, *words):
        """Starts the command and disturbs it after a moment, again and again. Returns how often it did not come through."""
        plan, uri = self.write("plan.yaml", PLAN), self.server.uri(db)
        for deaths in range(40):
            run = subprocess.Popen([SPATE, "generate", plan, "--to", uri, "--create", "--job", db, "--batch", "20k", *words],
                                   cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                _, said = run.communicate(timeout=self.rng.uniform(0.1, 0.3) * (1 + deaths))
            except subprocess.TimeoutExpired:
                disturb(run)
                _, said = run.communicate()
            if run.returncode == 0:
                return deaths
            self.assertIn(run.returncode, (-9, 3, 5), said)
        self.fail("the job does not end")

    def test_the_client_is_killed(self):
        for mode in ("copy", "insert"):
            db = self.server.database(f"client_{mode}")
            deaths = self.go_on_until_done(db, lambda run: run.kill(), "--insert-mode", mode)
            self.assertGreater(deaths, 0)
            self.check(db, ROWS)

    def test_the_server_is_killed(self):
        def disturb(run):
            self.server.kill9()
            time.sleep(0.1)
            self.server.start()

        db = self.server.database("server")
        self.assertGreater(self.go_on_until_done(db, disturb), 0)
        self.check(db, ROWS)

    def test_connections_are_cut(self):
        def disturb(run):
            for _ in range(5):
                self.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spate'")
                time.sleep(0.05)

        db = self.server.database("cut")
        self.go_on_until_done(db, disturb)
        self.check(db, ROWS)


if __name__ == "__main__":
    unittest.main()
