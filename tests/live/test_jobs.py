"""A job that is killed again and again against a real PostgreSQL: every row once, keys in place, nothing of the job left."""
import os
import pathlib
import subprocess
import unittest

from harness import SPATE, Case
from live.servers import Postgres

PROGRAM = pathlib.Path(SPATE).parent / "tests" / "test_jobs"


class Jobs(Case):
    def test_every_row_once(self):
        try:
            server = Postgres()
            server.__enter__()
        except (OSError, RuntimeError) as why:
            raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")
        try:
            uri = server.uri(server.database("jobs"))
            done = subprocess.run([PROGRAM], env={**os.environ, "SPATE_TEST_URI": uri}, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(server.psql("SELECT count(*), count(DISTINCT id), sum(id) FROM child", "jobs"),
                             [["300000", "300000", "45000150000"]])
            self.assertEqual(server.psql("SELECT count(*) FROM child c LEFT JOIN parent p ON p.id = c.parent_id WHERE p.id IS NULL",
                                         "jobs"), [["0"]])
            self.assertEqual(server.psql("SELECT conname FROM pg_constraint WHERE conrelid = 'child'::regclass ORDER BY 1", "jobs"),
                             [["child_parent_id_fkey"], ["child_pkey"]])
            self.assertEqual(server.psql("SELECT relname FROM pg_class WHERE relname LIKE 'spate%'", "jobs"), [])
        finally:
            server.remove()


if __name__ == "__main__":
    unittest.main()
