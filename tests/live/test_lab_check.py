"""'lab check': every invariant is broken on purpose and has to be told of; under a nemesis none may break."""
import contextlib
import json
import random
import signal
import subprocess

from harness import SLOW, spate, wait_until
from live.test_lab_move import MoveCase


class CheckCase(MoveCase):
    def setUp(self):
        super().setUp()
        self.fill(500)
        self.lab("check", "--seconds", "0.2", "--rate", "50")

    def written(self):
        return int(self.psql("shard0", "SELECT sum(version) FROM spate_accounts"))

    @contextlib.contextmanager
    def watching(self, *words, code=0):
        """Clients are at work meanwhile, and have begun; self.seen is what they have seen in the end."""
        before = self.written()
        run = subprocess.Popen(self.go("check", "--json", "--seconds", 3600, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.kill)
        wait_until(lambda: self.written() > before + 50, run)
        yield
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=300)
        print("#", out.strip())
        self.assertEqual((run.returncode, err), (code, ""), out)
        self.seen = json.loads(out)

    def broken(self):
        return {key for key in ("lost", "stale", "totals_wrong") if self.seen[key]}

    def doubts(self, *words, code):
        done = spate("lab", "check", "--lab", self.dir / "lab", "--json", *words)
        self.assertEqual(done.code, code, str(done))
        return {d["gid"]: d for d in json.loads(done.out)["in_doubt"]}

    def money(self):
        return sum(int(self.psql(f"shard{i}", "SELECT coalesce(sum(balance), 0) FROM spate_bank")) for i in range(3))


class Broken(CheckCase):
    def test_each_of_them(self):
        with self.subTest("money that somebody made"):
            self.psql("shard1", "UPDATE spate_bank SET balance = balance + 5 WHERE id = (SELECT min(id) FROM spate_bank)")
            done = spate("lab", "check", "--lab", self.dir / "lab", "--seconds", "0.2")
            self.assertEqual(done.code, 1, str(done))
            self.assertIn("the money is 960,000, and was first read as 960005", done.out)
            self.psql("shard0", "UPDATE spate_bank SET balance = balance - 5 WHERE id = (SELECT min(id) FROM spate_bank)")
        with self.subTest("money that is taken meanwhile"):
            with self.watching("--rate", "400", code=1):
                self.psql("shard1", "UPDATE spate_bank SET balance = balance - 7 WHERE id = (SELECT min(id) FROM spate_bank)")
            self.assertEqual(self.broken(), {"totals_wrong"})
            self.psql("shard1", "UPDATE spate_bank SET balance = balance + 7 WHERE id = (SELECT min(id) FROM spate_bank)")
        with self.subTest("writes that were undone"):
            with self.watching(code=1):
                self.psql("shard2", "UPDATE spate_accounts SET version = greatest(version - 3, 0)")
            self.assertLessEqual(self.broken(), {"lost", "stale"})
            self.assertIn("lost", self.broken())
        with self.subTest("rows that were acknowledged and deleted"):
            before = self.psql("shard0", "SELECT json_object_agg(id, version) FROM spate_accounts")
            with self.watching(code=1):  # only what this run has written is its to miss
                self.psql("shard0", f"DELETE FROM spate_accounts WHERE id IN (SELECT id FROM spate_accounts WHERE version > ('{before}'::json ->> id::text)::bigint LIMIT 3)")
            self.assertEqual(self.broken(), {"lost"})
        with self.subTest("rows that lie elsewhere"):
            self.psql("shard0", "INSERT INTO spate_bank SELECT 5000 + n, 0 FROM generate_series(0, 20) n")
            done = spate("lab", "check", "--lab", self.dir / "lab", "--json")
            self.assertEqual(done.code, 1)
            self.assertGreater({t["name"]: t["misplaced"] for t in json.loads(done.out)["tables"]}["spate_bank"], 0)

    def test_what_cannot_be(self):
        self.lab_fails(2, "check", "--nemesis", "kill", says="--nemesis needs --seconds")
        self.reshard("--shards", 4)
        self.lab_fails(2, "check", "--nemesis", "mover", "--seconds", "1", says="rows of this lab are moving")


class InDoubt(CheckCase):
    def prepare(self, server, gid, account, change):
        self.psql(server, f"BEGIN; UPDATE spate_bank SET balance = balance + {change} WHERE id = {account}; PREPARE TRANSACTION '{gid}'")

    def account(self, server):
        return self.psql(server, "SELECT min(id) FROM spate_bank")

    def test_found_and_ended_as_recorded(self):
        self.assertEqual(self.doubts(code=0), {})
        with self.watching():
            prefix = self.prefix()
        a, b = self.account("shard0"), self.account("shard1")
        for server, account, change, part in ("shard0", a, -10, 0), ("shard1", b, 10, 1):
            self.prepare(server, f"{prefix}paid_{part}", account, change)
        self.prepare("shard2", f"{prefix}unpaid_0", self.account("shard2"), 1)
        self.psql("shard2", "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'another''s'")
        self.psql("main", f"INSERT INTO spate_check.decision VALUES ('{prefix}paid', 'commit')")
        self.psql("main", "SELECT pg_sleep(2.1)")
        found = self.doubts(code=1)
        self.assertEqual({gid: (d["server"], d["record"], d["resolved"]) for gid, d in found.items()},
                         {f"{prefix}paid_0": ("shard0", "commit", False), f"{prefix}paid_1": ("shard1", "commit", False),
                          f"{prefix}unpaid_0": ("shard2", "rollback", False), "another's": ("shard2", None, False)})
        self.assertTrue(all(2 <= d["seconds"] < 600 for d in found.values()), found)
        done = spate("lab", "check", "--lab", self.dir / "lab")
        self.assertRegex(done.out, rf"shard2 +[0-9.]+  rollback   NO        {prefix}unpaid_0")
        before = int(self.psql("shard0", f"SELECT balance FROM spate_bank WHERE id = {a}"))
        ended = self.doubts("--resolve", code=1)
        self.assertEqual({gid for gid, d in ended.items() if not d["resolved"]}, {"another's"})
        self.assertEqual(int(self.psql("shard0", f"SELECT balance FROM spate_bank WHERE id = {a}")), before - 10)
        self.assertEqual(self.money(), 960000)
        self.assertEqual(self.psql("main", f"SELECT fate FROM spate_check.decision WHERE name = '{prefix}unpaid'"), "rollback")
        self.psql("shard2", "ROLLBACK PREPARED 'another''s'")
        self.assertEqual(self.doubts(code=0), {})
        self.prepare("shard1", f"{prefix}half_1", b, 10)  # carried out on one shard alone: the next reading of the total finishes it
        self.psql("shard0", f"UPDATE spate_bank SET balance = balance - 10 WHERE id = {a}")
        self.psql("main", f"INSERT INTO spate_check.decision VALUES ('{prefix}half', 'commit')")
        self.lab("check", "--seconds", "0.2")
        self.assertEqual(self.money(), 960000)

    def prefix(self):
        """What this lab's transactions are called: seen while some are prepared."""
        found = []

        def look():
            found.extend(self.psql("shard0", "SELECT substr(gid, 1, 15) FROM pg_prepared_xacts").split())
            return found

        wait_until(look)
        return found[0]

    def test_killed_in_the_middle(self):
        rng = random.Random(self.seed)
        for _ in range(2 if SLOW else 4):
            run = subprocess.Popen(self.go("check", "--seconds", "60"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                run.wait(rng.uniform(0.3, 1.5))
            except subprocess.TimeoutExpired:
                pass
            run.kill()
            run.wait()
        done = json.loads(self.lab("check", "--seconds", "0.5", "--json").out)
        print("#", done)
        self.assertEqual(done["totals_wrong"], 0)
        self.assertEqual(self.money(), 960000)
        for i in range(3):
            self.assertEqual(self.psql(f"shard{i}", "SELECT count(*) FROM pg_prepared_xacts"), "0")


class Nemesis(CheckCase):
    """Whatever goes wrong, nothing does."""

    def run_with(self, *kinds, seconds):
        words = [word for kind in kinds for word in ("--nemesis", kind)]
        done = self.lab("check", "--json", "--rate", "200", "--seconds", seconds, "--seed", self.seed % 100000, *words)
        self.seen = json.loads(done.out)
        print("#", done.out.strip())
        self.assertEqual(self.broken(), set())
        self.assertGreater(self.seen["transfers_across"], 0)
        self.check()
        self.assertEqual(self.doubts(code=0), {})
        self.assertEqual([s["state"] for s in self.servers().values()], ["up"] * 4)
        self.assert_nothing_left(3)

    def test_shards_killed_and_stopped(self):
        self.run_with("kill", "stop", seconds=8)
        self.assertGreater(self.seen["kills"] + self.seen["stops"], 0)

    def test_movers_killed(self):
        self.run_with("mover", seconds=8)
        self.assertGreater(self.seen["moves"], 0)

    def test_all_at_once(self):
        self.run_with("kill", "stop", "mover", seconds=10)
