"""What stands beside a lab's servers, and benches that ask through it: real pgbouncer, Redis and replicas."""
import json
import os
import signal
import subprocess
import time
import unittest

from harness import SPATE, spate
from live.servers import POSTGRES_BIN
from live.test_lab import LabCase, postmasters


class WayCase(LabCase):
    """A lab with rows, on main and on three shards."""

    def setUp(self):
        super().setUp()
        self.fill(3000, "--cpu", "none")

    def bench(self, *words, code=0):
        done = spate("lab", "bench", "--lab", self.dir / "lab", "--json", "--cpu", "none", "--seconds", "0.3", *words)
        self.assertEqual(done.code, code, str(done))
        return {(m["query"], m["on"]): m for m in json.loads(done.out)["measures"]}

    def await_state(self, name, state):
        deadline = time.monotonic() + 30
        while self.servers()[name]["state"] != state and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.servers()[name]["state"], state)


class Ways(WayCase):
    def test_all_give_the_same_answers(self):
        self.lab("pool", "up", "--size", "4")
        self.lab("cache", "up", "--memory", "4M")
        self.lab("export", "--to", "fdw", "--load")
        ways = ("main", "shards", "coordinator", "pooled", "cached")
        on = [word for way in ways for word in ("--on", way)]
        found = self.bench("--query", "point", "--query", "join", "--query", "range", "--query", "total", *on)
        self.assertEqual(set(found), {(q, w) for q in ("point", "join", "range", "total") for w in ways} - {("range", "cached"), ("total", "cached")})
        for m in found.values():
            self.assertGreater(m["answers"], 0)
            self.assertEqual(m["errors"], 0)
        self.assertGreater(found["join", "cached"]["cache_hits"], 0)
        self.assertGreaterEqual(found["join", "cached"]["cache_misses"], 24)
        uri = self.servers()["main"]["uri"]
        self.assertEqual(set(self.bench("--query", "top", "--engine", uri)), {("top", "main"), ("top", "engine")})
        self.psql("shard0", "UPDATE users SET name = 'another'")
        done = self.lab_fails(4, "bench", "--query", "point", "--on", "main", "--on", "pooled", "--cpu", "none", "--seconds", "0.1",
                              says="main and the pooled give different answers")
        self.assertNotIn("pooled  ", done.out)

    def test_writes_go_through_and_change_nothing(self):
        self.lab("cache", "up")
        self.lab("pool", "up")
        found = self.bench("--query", "point", "--on", "main", "--on", "shards", "--on", "pooled", "--on", "cached", "--writes", "40")
        for m in found.values():
            self.assertGreater(m["writes"], 0)
            self.assertGreater(m["answers"], m["writes"])
            self.assertEqual(m["errors"], 0)
        self.lab("check")

    def test_a_pool_lets_in_more_users_than_a_server(self):
        self.lab("pool", "up")
        self.lab_fails(3, "bench", "--query", "point", "--on", "shards", "--users", "300", "--cpu", "none", "--seconds", "0.1",
                       says="too many clients already")
        self.assertEqual(self.bench("--query", "point", "--on", "pooled", "--users", "300")["point", "pooled"]["errors"], 0)
        self.lab("reshard", "--shards", "4", "--offline")
        self.assertEqual(self.bench("--query", "total", "--on", "main", "--on", "pooled")["total", "pooled"]["errors"], 0)

    def test_what_is_not_there(self):
        for way, says in (("pooled", "no pool that runs"), ("cached", "no cache that runs"), ("coordinator", "main is no coordinator"),
                          ("replicas", "main has no replica")):
            self.lab_fails(2, "bench", "--on", way, says=says)
        self.lab_fails(2, "pool", "sideways", says="takes up or down")
        self.lab_fails(2, "pool", "up", "--size", "500", says="1 to 180 connections")
        self.lab_fails(2, "cache", "up", "--memory", "5", says="at least 1 MiB")
        self.lab_fails(2, "bench", "--writes", "101", says="from 0 to 1")

    def test_they_come_and_go(self):
        self.lab("pool", "up", "--size", "3")
        self.lab("cache", "up")
        pool = self.servers()["pool"]
        self.assertEqual([self.servers()[n]["state"] for n in ("pool", "cache")], ["up", "up"])
        ask = [POSTGRES_BIN / "psql", "-X", "-w", "-A", "-t", "-c", "SHOW cluster_name", "-d"]
        through = lambda uri: subprocess.run([*ask, uri], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        self.assertEqual(through(pool["uri"].replace("/main?", "/shard1?")).stdout, "shard1\n")
        self.assertIn("password", through(pool["uri"].split("?")[0]).stderr)
        secret = (self.dir / "lab/pgpass").read_text().strip().rsplit(":", 1)[1]
        self.assertNotIn(secret, self.lab("logs", "pool").out + self.lab("status").out)
        self.assertEqual((self.dir / "lab/pool/users").stat().st_mode & 0o777, 0o600)
        for name in ("pool", "cache"):
            os.kill(self.servers()[name]["pid"], signal.SIGKILL)
            self.await_state(name, "down")
        self.lab("up")
        self.assertEqual([self.servers()[n]["state"] for n in ("pool", "cache")], ["up", "up"])
        os.kill(self.servers()["cache"]["pid"], signal.SIGSTOP)
        self.lab("down")
        self.assertEqual(postmasters(self.dir), [])
        self.lab("up", "pool")
        self.assertEqual({n: s["state"] for n, s in self.servers().items() if s["state"] == "up"}, {"pool": "up"})
        self.lab("pool", "down")
        self.lab("cache", "down")
        self.assertEqual(set(self.servers()), {"main", "shard0", "shard1", "shard2"})
        self.lab("cache", "up")
        self.lab("destroy", "--yes")
        self.assertEqual((postmasters(self.dir), (self.dir / "lab").exists()), ([], False))


class Replicas(WayCase):
    def lag(self, code=0):
        done = spate("lab", "replica", "lag", "--lab", self.dir / "lab")
        self.assertEqual(done.code, code, str(done))
        return {line.split()[0]: line.split() for line in done.out.splitlines()[1:]}

    def test_they_follow_and_are_read(self):
        self.assertIn("replica0 follows main", self.lab("replica", "add").err)
        self.assertIn("replica1 follows shard1", self.lab("replica", "add", "shard1").err)
        self.assertEqual([(s["of"], s["state"]) for n, s in self.servers().items() if n.startswith("replica")], [("main", "up"), ("shard1", "up")])
        self.psql("main", "CREATE TABLE t AS SELECT 42 AS n")
        self.await_row("replica0", "SELECT n FROM t", "42")
        self.assertEqual(self.psql("replica1", "SELECT count(*) FROM users"), self.psql("shard1", "SELECT count(*) FROM users"))
        found = self.bench("--query", "point", "--on", "main", "--on", "replicas", "--writes", "30")["point", "replicas"]
        self.assertEqual(found["errors"], 0)
        self.assertGreater(found["writes"], 0)
        self.assertLessEqual(found["own_unseen"], found["writes"])
        self.await_streams()
        self.assertEqual([(r[1], r[2]) for r in self.lag().values()], [("main", "yes"), ("shard1", "yes")])
        os.kill(self.servers()["replica0"]["pid"], signal.SIGKILL)
        self.await_state("replica0", "down")
        self.assertEqual(self.lag(1)["replica0"][2], "no")
        self.lab("down")
        self.lab("up")
        self.await_streams()
        self.lab_fails(2, "snapshot", "restore", "nix", says='no snapshot "nix"')
        self.lab("snapshot", "save", "s")
        self.lab_fails(2, "snapshot", "restore", "s", says="replica0 follows main")
        self.lab_fails(2, "reshard", "--shards", "1", "--offline", says="replica1 follows shard1, which is to go")
        self.lab("replica", "drop", "replica0")
        self.assertEqual(self.psql("main", "SELECT count(*) FROM pg_replication_slots"), "0")
        self.await_streams()
        self.assertEqual(set(self.lag()), {"replica1"})
        self.assertIn("replica0 follows main", self.lab("replica", "add").err)

    def await_row(self, server, sql, value):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = spate("lab", "psql", server, "--lab", self.dir / "lab", "--", "-X", "-A", "-t", "-c", sql)
            if done.out.strip() == value:
                return
            time.sleep(0.05)
        self.fail(str(done))

    def await_streams(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = spate("lab", "replica", "lag", "--lab", self.dir / "lab")
            if done.code == 0:
                return
            time.sleep(0.05)
        self.fail(str(done))

    def test_one_takes_its_primarys_place(self):
        self.lab("replica", "add")
        before = self.servers()["main"]
        rows = self.psql("main", "SELECT count(*), sum(hashtext(u::text)) FROM users u")
        self.psql("main", "INSERT INTO users SELECT id + 1000000, name, email, country, balance, created_at FROM users WHERE id <= 100")
        self.lab("replica", "promote", "replica0")
        now = self.servers()
        self.assertEqual((now["main"]["state"], now["main"]["uri"], "replica0" in now), ("up", before["uri"], False))
        self.assertNotEqual(now["main"]["pid"], before["pid"])
        self.assertEqual(self.psql("main", "DELETE FROM users WHERE id > 1000000 RETURNING 1").count("1"), 100)
        self.assertEqual(self.psql("main", "SELECT count(*), sum(hashtext(u::text)) FROM users u"), rows)
        self.assertEqual(self.psql("main", "SELECT timeline_id FROM pg_control_checkpoint()"), "2")
        self.lab("replica", "add", "main")
        self.lab("replica", "add", "main")
        self.lab_fails(2, "replica", "promote", "replica0", says="replica1 follows main, too")
        self.lab("replica", "drop", "replica1")
        os.kill(self.servers()["main"]["pid"], signal.SIGKILL)
        self.await_state("main", "down")
        self.lab("replica", "promote", "replica0")
        self.assertEqual(self.psql("main", "SELECT count(*), sum(hashtext(u::text)) FROM users u"), rows)
        self.assertEqual({p.name for p in (self.dir / "lab").iterdir() if p.name.startswith("replica")}, set())

    def test_what_was_interrupted_is_finished_or_dropped(self):
        words = [SPATE, "lab", "replica", "--lab", str(self.dir / "lab")]
        rows = self.psql("main", "SELECT count(*), sum(hashtext(u::text)) FROM users u")
        for share in (0.2, 0.5, 0.8):
            taken = time.monotonic()
            self.lab("replica", "add")
            taken = time.monotonic() - taken
            self.lab("replica", "drop", "replica0")
            self.kill_after([*words, "add"], taken * share)
            if "replica0" in self.servers():
                self.lab("replica", "drop", "replica0")
            self.assertEqual(self.psql("main", "SELECT count(*) FROM pg_replication_slots"), "0")
        self.lab("replica", "add")
        for delay in (0.05, 0.2, 0.5):
            self.kill_after([*words, "promote", "replica0"], delay)
            if "replica0" not in self.servers():
                break
        if "replica0" in self.servers():
            self.lab("replica", "promote", "replica0")
        self.lab("up")
        self.assertEqual(self.psql("main", "SELECT count(*), sum(hashtext(u::text)) FROM users u"), rows)

    def kill_after(self, words, seconds):
        run = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        run.kill()
        run.wait()

    def test_what_cannot_be(self):
        self.lab_fails(2, "replica", "add", "shard7", says='no server "shard7"')
        self.lab_fails(2, "replica", "promote", "replica3", says='no replica "replica3"')
        self.lab_fails(2, "replica", "frob", says="takes add, add SERVER, lag")
        self.lab("replica", "add")
        self.lab_fails(2, "replica", "add", "replica0", says="replica0 is a replica")
        self.lab("down", "main")
        self.lab_fails(2, "replica", "add", says="main does not run")
        self.lab_fails(2, "replica", "drop", "replica0", says="would keep its log for replica0")
        self.lab("destroy", "--yes")
        self.assertEqual(postmasters(self.dir), [])


class Shards(WayCase):
    def test_one_more_and_one_less(self):
        for command, words, shards in (("add-shard", [], 4), ("add-shard", ["--offline"], 5), ("drop-shard", [], 4), ("drop-shard", ["--offline"], 3)):
            self.lab(command, *words)
            self.assertEqual(len(self.servers()), 1 + shards)
            self.lab("check")
        self.assertEqual(self.lab("compose").out, self.lab("export", "--to", "compose").out)
        self.assertEqual(self.lab("compose").out.count("image: postgres:15"), 4)

    def test_one_that_was_cut_off_is_not_done_twice(self):
        self.lab("down", "shard2")
        done = spate("lab", "add-shard", "--offline", "--lab", self.dir / "lab")
        self.assertEqual(done.code, 0, str(done))
        for seconds in (0.1, 0.3, 0.6, 1.0):
            run = subprocess.Popen([SPATE, "lab", "drop-shard", "--offline", "--lab", str(self.dir / "lab")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            time.sleep(seconds)
            run.kill()
            run.wait()
            if len(self.servers()) == 4:
                break
        else:
            self.lab("drop-shard", "--offline")
        self.assertEqual(len(self.servers()), 4)
        self.lab("check")


class Indexes(WayCase):
    def tried(self):
        return sum(int(self.psql(s, "SELECT count(*) FROM pg_class WHERE relname ~ '^spate_try_'")) for s in ("main", "shard0", "shard1", "shard2"))

    def test_they_are_tried_and_go(self):
        done = self.lab("bench", "--query", "join", "--seconds", "0.2", "--cpu", "none", "--json", "--try-index", "orders (user_id)")
        found = json.loads(done.out)
        self.assertEqual([(m["on"], m["indexed"], m["errors"]) for m in found["measures"]],
                         [("main", False, 0), ("shards", False, 0), ("main", True, 0), ("shards", True, 0)])
        (index,), (plan,) = found["indexes"], found["plans"]
        self.assertEqual(index["on"], "orders (user_id)")
        self.assertGreater(index["main_bytes"], 8192)
        self.assertGreater(index["shard_bytes"], 3 * 8192)
        self.assertNotIn("spate_try_0", plan["before"])
        self.assertIn("spate_try_0", plan["after"])
        self.assertEqual(self.tried(), 0)
        done = self.lab("bench", "--query", "total", "--on", "shards", "--seconds", "0.1", "--cpu", "none", "--try-index", "users (name)")
        self.assertIn("the plan stays the same", done.out)
        self.assertRegex(done.out, r"index on users \(name\): 0B on main, \d.* on the shards")
        self.lab_fails(2, "bench", "--query", "point", "--seconds", "0.1", "--cpu", "none", "--try-index", "users (id)",
                       "--try-index", "nix (id)", says="making the index to try: .*does not exist")
        self.assertEqual(self.tried(), 0)

    def test_what_a_killed_bench_leaves_goes_with_the_next(self):
        run = subprocess.Popen([SPATE, "lab", "bench", "--lab", str(self.dir / "lab"), "--query", "point", "--seconds", "6", "--cpu", "none",
                                "--try-index", "orders (user_id)"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while run.poll() is None and self.tried() < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        run.kill()
        run.wait()
        self.assertEqual(self.tried(), 4)
        self.lab("bench", "--query", "point", "--seconds", "0.1", "--cpu", "none", "--try-index", "users (name)")
        self.assertEqual(self.tried(), 0)


if __name__ == "__main__":
    unittest.main()
