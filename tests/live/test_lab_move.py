"""Rows moved between shards while others write: every step, every end, and whatever is killed on the way."""
import contextlib
import json
import os
import random
import signal
import subprocess
import time

from harness import SLOW, SPATE, spate, wait_until
from live.servers import Postgres
from live.test_lab import MovingCase

LEFT = ("SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_subscription) + (SELECT count(*) FROM pg_publication)"
        " + (SELECT count(*) FROM pg_namespace WHERE nspname = 'spate_lab') + (SELECT count(*) FROM pg_trigger WHERE tgname ~ 'spate')"
        " + (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relreplident <> 'd')")


class MoveCase(MovingCase):
    def lab(self, command, *words, **more):
        """Where the machine stands still while a turn is made, a server gives the gate up: the same command then goes on, as it says."""
        for _ in range(3):
            done = spate("lab", command, "--lab", self.dir / "lab", *words, cwd=self.dir, **more)
            if command != "reshard" or done.code != 5 or "a turn was interrupted" not in done.err:
                break
            self.assertIn("the same command again finishes it", done.err)
            print("# a turn was interrupted")
        self.assertEqual(done.code, 0, str(done))
        return done

    def reshard(self, *words):
        return json.loads(self.lab("reshard", "--json", *words).out)

    def steps(self):
        return self.lab("reshard").out.splitlines()

    def go(self, *words):
        return [SPATE, "lab", words[0], "--lab", self.dir / "lab", *map(str, words[1:])]

    @contextlib.contextmanager
    def writers(self, rate=100):
        """Clients write meanwhile; behind it nothing that was acknowledged is gone, and self.seen is what they have seen."""
        self.lab("check", "--seconds", "0.1")
        run = subprocess.Popen(self.go("check", "--seconds", 3600, "--rate", rate, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.kill)
        try:
            yield
        finally:
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=180)
        self.assertEqual(err, "")
        self.seen = json.loads(out)
        print("#", out.strip())
        self.assertGreater(self.seen["writes"], 0)
        self.assertEqual((self.seen["lost"], self.seen["stale"]), (0, 0))

    def killed_at(self, seconds, *words):
        """Whether the command was still running then."""
        run = subprocess.Popen(self.go(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            return True
        return False

    def assert_nothing_left(self, shards):
        self.assertEqual(self.servers_there(), ["main", *(f"shard{i}" for i in range(shards))])
        for i in range(shards):
            self.assertEqual(self.psql(f"shard{i}", LEFT), "0")


class Moves(MoveCase):
    def test_moved_rolled_back_moved_and_committed(self):
        self.fill()
        before = (self.dir / "lab/lab.yaml").read_text()
        plan = self.reshard("--shards", 4, "--plan")
        self.assertEqual((plan["slots"], plan["notes"]), (240, []))
        self.assertAlmostEqual(plan["rows_moved"] / 18000, 0.25, delta=0.02)
        self.assertGreater(plan["moves"][0]["disk"], plan["moves"][0]["bytes"])
        for end, shards in ("--rollback", 3), ("--commit", 4):
            done = self.reshard("--shards", 4)
            self.assertEqual((done["rows_moved"], done["rows_checked"]), (plan["rows_moved"], 4 * plan["rows_moved"]))
            self.assertEqual(self.steps()[-1], "switched")
            self.check()
            self.assertEqual(self.reshard("--shards", 4)["rows_moved"], plan["rows_moved"])
            self.lab("reshard", end)
            self.check()
            self.assert_analysed()
            self.assert_nothing_left(shards)
            self.lab("reshard", end)
            if end == "--rollback":
                self.assertEqual((self.dir / "lab/lab.yaml").read_text(), before)
        self.assertEqual(self.steps()[-1], "committed")
        self.assertIn("shard0 to shard3", "\n".join(self.steps()))
        self.assertEqual(self.psql("shard3", "SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass ORDER BY 1").split(),
                         ["orders_pkey", "orders_product_id_fkey", "orders_user_id_fkey"])
        self.reshard("--shards", 2, "--commit")
        self.check()
        self.assert_nothing_left(2)

    def test_what_is_written_on_the_new_shard_comes_back(self):
        self.fill(3000)
        self.psql("shard1", "CREATE INDEX by_email ON users (email)")
        self.reshard("--shards", 4)
        row = self.psql("shard3", "SELECT min(id) FROM users")
        giver = next(f"shard{i}" for i in range(3) if self.psql(f"shard{i}", f"SELECT count(*) FROM users WHERE id = {row}") == "1")
        done = spate("lab", "psql", giver, "--lab", self.dir / "lab", "--", "-X", "-v", "VERBOSITY=verbose", "-c", f"DELETE FROM users WHERE id = {row}")
        self.assertRegex(done.err, "SP001: the row lives on shard3")
        self.psql("shard3", f"UPDATE users SET name = 'moved' WHERE id = {row}")
        self.psql("shard3", f"DELETE FROM orders WHERE user_id = {row}")
        self.psql("shard3", f"INSERT INTO orders SELECT 1000000, {row}, 1, 5.5, '2024-01-01'")
        self.lab("reshard", "--rollback")
        self.assertEqual(self.psql(giver, f"SELECT name FROM users WHERE id = {row}"), "moved")
        self.assertEqual(self.psql(giver, f"SELECT id, amount FROM orders WHERE user_id = {row}"), "1000000|5.50")
        self.assert_nothing_left(3)

    def test_who_writes_where_nothing_leaves_is_not_waited_for(self):
        self.fill(2000)
        self.reshard("--shards", 4)
        gone = {*self.psql("shard3", "SELECT id FROM users").split()}
        row = next(row for row in self.psql("shard0", "SELECT id FROM users ORDER BY id").split() if row not in gone)
        writer = subprocess.Popen(self.go("psql", "shard0", "--", "-X", "-q"), stdin=subprocess.PIPE, text=True)
        self.addCleanup(writer.kill)
        writer.stdin.write(f"BEGIN; UPDATE users SET name = 'held' WHERE id = {row};\n")
        writer.stdin.flush()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted"
        wait_until(lambda: self.psql("shard0", held) == "1", writer)
        back = subprocess.Popen(self.go("reshard", "--rollback"), stdout=subprocess.DEVNULL)
        self.addCleanup(back.kill)
        wait_until(lambda: self.psql("shard3", "SELECT last_value FROM spate_lab.side") == "1", back)
        self.assertEqual(self.psql("shard0", held), "1")
        writer.stdin.write("COMMIT;\n")
        writer.stdin.close()
        self.assertEqual((writer.wait(60), back.wait(120)), (0, 0))
        self.assertEqual(self.psql("shard0", f"SELECT name FROM users WHERE id = {row}"), "held")
        self.assert_nothing_left(3)

    def test_what_cannot_be_meanwhile(self):
        self.fill(1000)
        self.reshard("--shards", 4)
        row = self.psql("shard3", "SELECT min(id) FROM users")
        for words, says in (("--shards", 5), "a move to 4 shards is open"), (("--shards", 4, "--offline"), "rows of this lab are moving"), (
                ("--shards", 4, "--plan"), "rows of this lab are moving"):
            self.lab_fails(2, "reshard", *words, says=says)
        self.lab_fails(2, "distribute", says="rows of this lab are moving")
        for words in ("snapshot", "save", "x"), ("bench", "--query", "point"), ("export", "--to", "fdw"):
            self.lab_fails(2, *words, says="rows of this lab are moving")
        done = spate("lab", "psql", "shard0", "--lab", self.dir / "lab", "--", "-X", "-c", "TRUNCATE orders")
        self.assertIn("it cannot be truncated", done.err)
        self.psql("shard3", f"UPDATE users SET email = 'x' WHERE id = {row}")
        self.lab("reshard", "--commit")
        self.assertEqual(self.psql("shard3", f"SELECT email FROM users WHERE id = {row}"), "x")

    def test_a_difference_is_found_and_nothing_is_switched(self):
        self.fill(2000)
        spoil = ("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.balance := 0; RETURN NEW; END $$;"
                 " CREATE TRIGGER spoil BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE users ENABLE ALWAYS TRIGGER spoil")
        self.psql("shard1", spoil)
        self.lab_fails(4, "reshard", "--shards", "2", says='table "users", slot [0-9]+: shard2 has [0-9]+ rows and shard1 has [0-9]+, or others')
        self.check()
        self.psql("shard1", "DROP TRIGGER spoil ON users")
        self.lab("reshard", "--rollback")
        self.check()
        self.assert_nothing_left(3)

    def test_cells_of_all_kinds_are_compared(self):
        self.lab("init")
        self.lab("up")
        self.psql("main", "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE things AS SELECT i::bigint AS id, 'glad'::mood AS m,"
                          " json_build_object('n', i) AS j, jsonb_build_object('n', i) AS b, decode(md5(i::text), 'hex') AS bytes, ARRAY[i, i] AS a,"
                          " i::text::char(9) AS c, 'x'::varchar(9) AS v, CASE WHEN i % 2 = 0 THEN i / 3.0 END AS n, i::real AS r"
                          " FROM generate_series(1, 600) i; ALTER TABLE things ADD PRIMARY KEY (id)")
        self.lab("distribute", "--progress", "none")
        done = self.reshard("--shards", 4)
        self.assertEqual(done["rows_checked"], 4 * done["rows_moved"])
        self.lab("reshard", "--rollback")
        for column, other in ("j", "'[]'"), ("n", "NULL"):
            spoil = (f"CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{column} := {other}; RETURN NEW; END $$;"
                     " CREATE OR REPLACE TRIGGER spoil BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION spoil();"
                     " ALTER TABLE things ENABLE ALWAYS TRIGGER spoil")
            self.psql("shard1", spoil)
            self.lab_fails(4, "reshard", "--shards", "2", says='table "things", slot [0-9]+: shard2 has [0-9]+ rows and shard1 has [0-9]+, or others')
            self.lab("reshard", "--rollback")
        self.assert_nothing_left(3)

    def test_killed_at_any_moment_then_finished_or_rolled_back(self):
        rng = random.Random(self.seed)
        self.fill(10000)
        start = time.monotonic()
        self.reshard("--shards", 4)
        self.reshard("--commit")
        took = time.monotonic() - start
        shards = 4
        for _ in range(2 if SLOW else 3):
            wanted = rng.choice([n for n in (2, 3, 4) if n != shards])
            self.killed_at(rng.uniform(0, 1.2 * took), "reshard", "--shards", wanted, "--commit")
            phase = self.steps()[-1]
            print("# killed while", phase)
            if phase in ("copying", "following", "switching", "switched") and rng.random() < 0.5:
                self.lab("reshard", "--rollback")
            elif phase == "committing":
                self.lab("reshard", "--commit")
                shards = wanted
            else:
                self.reshard("--shards", wanted, "--commit")
                shards = wanted
            self.check()
            self.assert_nothing_left(shards)

    def test_attached_servers(self):
        with Postgres({"wal_level": "logical", "max_connections": 100}) as one:
            for name in ("m", "a", "b", "c"):
                one.database(name)
            env = {"MAINDB_URL": one.uri("m"), "SHARD_URLS": f"{one.uri('a')},{one.uri('b')}"}
            self.spate_ok("lab", "run", "--progress", "none", "--users", "900", "--seconds", "0.1", env=env)
            self.reshard("--shards", 3, "--add", one.uri("c"))
            self.lab_fails(2, "destroy", "--yes", says="rows of this lab are moving")
            self.check()
            self.lab("reshard", "--commit")
            self.check()
            self.assertEqual(one.value("SELECT count(*) FROM pg_replication_slots"), "0")


class Placements(MoveCase):
    """Rows that go where another placement has them, on the same shards: every shard gives and takes."""

    def where(self, table, column):
        return {i: {int(v) for v in self.psql(f"shard{i}", f"SELECT {column} FROM {table}").split()} for i in range(3)}

    def assert_placed(self, of):
        for table, column in ("users", "id"), ("orders", "user_id"):
            for shard, keys in self.where(table, column).items():
                self.assertEqual({key for key in keys if of(key) != shard}, set(), (table, shard))
        self.check()
        self.assert_nothing_left(3)

    @staticmethod
    def by_range(key):
        return (key >= 500) + (key >= 1200)

    def test_there_and_back_and_through_all(self):
        self.fill(2000)
        before = (self.dir / "lab/lab.yaml").read_text()
        was = self.where("users", "id")
        plan = self.reshard("--placement", "modulo", "--plan")
        self.assertEqual((plan["slots"], plan["notes"], len(plan["moves"])), (0, [], 6))
        self.assertAlmostEqual(plan["rows_moved"] / 6000, 2 / 3, delta=0.05)
        done = self.reshard("--placement", "modulo")
        self.assertEqual((done["rows_moved"], done["rows_checked"]), (plan["rows_moved"], 4 * plan["rows_moved"]))
        self.lab_fails(2, "reshard", "--placement", "range", "--bounds", "500,1200", says="a move to placement by modulo is open")
        self.lab_fails(2, "reshard", "--shards", "4", says="placement by modulo has no slots to move|placement by modulo is open")
        self.check()
        self.lab("reshard", "--rollback")
        self.assertEqual((self.dir / "lab/lab.yaml").read_text(), before)
        self.assertEqual(self.where("users", "id"), was)
        self.assert_nothing_left(3)
        self.reshard("--placement", "modulo", "--commit")
        self.assert_placed(lambda key: key % 3)
        self.assertEqual(self.reshard("--placement", "modulo", "--commit")["rows_moved"], 0)
        self.reshard("--placement", "range", "--bounds", "500,1200", "--offline")
        self.assert_placed(self.by_range)
        self.assertEqual(len(self.reshard("--placement", "range", "--bounds", "600,1200", "--plan")["moves"]), 1)
        self.reshard("--placement", "hash", "--commit")
        self.assertEqual(self.where("users", "id"), was)
        self.assert_nothing_left(3)

    def test_lists(self):
        self.write("plan.yaml", "tables:\n- name: people\n  rows: 3000\n  columns:\n  - {name: id, inc: 1, primary_key: true}\n"
                                "  - {name: country, set: [de, at, ch, fr]}\n")
        self.lab("init", "--placement", "list", "--values", "de", "--values", "at,ch")
        self.lab("up")
        self.lab("distribute", "plan.yaml", "--by", "people=country", "--progress", "none")

        def countries():
            return [self.psql(f"shard{i}", "SELECT string_agg(DISTINCT country, ' ' ORDER BY country) FROM people") for i in range(3)]

        self.assertEqual(countries(), ["de", "at ch", "fr"])
        self.lab_fails(2, "reshard", "--placement", "list", "--values", "de,at", "--values", "at", says='"at" is listed twice')
        self.lab_fails(2, "reshard", "--placement", "range", "--bounds", "1,2", says='column "country" is .*range cannot place by that')
        self.reshard("--placement", "list", "--values", "fr", "--values", "de,at", "--commit")
        self.assertEqual(countries(), ["fr", "at de", "ch"])
        self.check()
        self.assert_nothing_left(3)

    def test_killed_at_any_moment_under_writers(self):
        rng = random.Random(self.seed)
        self.fill(3000)
        start = time.monotonic()
        self.reshard("--placement", "modulo", "--commit")
        took = time.monotonic() - start
        ways = {"hash": ["hash"], "modulo": ["modulo"], "range": ["range", "--bounds", "1000,2000"]}
        now = "modulo"
        with self.writers():
            for _ in range(2 if SLOW else 3):
                wanted = rng.choice([way for way in ways if way != now])
                words = ["--placement", *ways[wanted]]
                for _ in range(rng.randrange(1, 3)):
                    self.killed_at(rng.uniform(0, took), "reshard", *words)
                phase = self.steps()[-1]
                print("# killed while", phase)
                if phase in ("copying", "following", "switching", "switched") and rng.random() < 0.5:
                    self.killed_at(rng.uniform(0, took / 2), "reshard", "--rollback")
                    self.lab("reshard", "--rollback")
                else:
                    self.reshard(*words, "--commit")
                    now = wanted
        self.assertEqual((self.dir / "lab/lab.yaml").read_text().split("placement: ")[1].split()[0], now)
        self.check()
        self.assert_nothing_left(3)

    def test_what_cannot_be(self):
        self.fill(300)
        for words, says in (("--placement", "hash", "--shards", "3"), "either --shards or --placement"), (
                ("--placement", "range", "--bounds", "5"), "range placement on 3 shards needs 2 bounds, not 1"), (
                ("--placement", "range", "--bounds", "5,x"), "--bounds takes whole numbers"), (
                ("--bounds", "5,6", "--shards", "3"), "are of a --placement"), (
                ("--placement", "modulo", "--values", "a"), "values are for list placement"):
            self.lab_fails(2, "reshard", *words, says=says)


class Writes(MoveCase):
    """Nothing that a client was told is lost, whatever moves or is killed."""

    def test_while_all_goes_well(self):
        self.fill(3000)
        with self.writers():
            self.reshard("--shards", 4)
            time.sleep(0.5)
            self.lab("reshard", "--rollback")
            time.sleep(0.2)
            self.reshard("--shards", 4, "--commit")
            self.reshard("--shards", 3, "--commit")
        self.check()
        self.assert_nothing_left(3)

    def test_while_the_mover_is_killed(self):
        rng = random.Random(self.seed)
        self.fill(3000)
        start = time.monotonic()
        self.reshard("--shards", 4, "--commit")
        took, shards = time.monotonic() - start, 4
        with self.writers():
            for _ in range(1 if SLOW else 2):
                wanted = rng.choice([n for n in (3, 4, 5) if n != shards])
                for _ in range(rng.randrange(1, 4)):
                    self.killed_at(rng.uniform(0, took), "reshard", "--shards", wanted)
                phase = self.steps()[-1]
                end = rng.choice(["--rollback", "--commit"])
                print("# killed while", phase, "then", end)
                if end == "--rollback" and phase in ("copying", "following", "switching", "switched"):
                    self.killed_at(rng.uniform(0, took / 2), "reshard", end)
                    self.lab("reshard", end)
                else:
                    self.killed_at(rng.uniform(0, took), "reshard", "--shards", wanted, "--commit")
                    committing = self.steps()[-1] in ("committing", "committed")
                    self.lab("reshard", "--commit", *(() if committing else ("--shards", wanted)))
                    shards = wanted
        self.check()
        self.assert_nothing_left(shards)

    def test_while_a_shard_is_killed(self):
        rng = random.Random(self.seed)
        self.fill(3000)
        with self.writers(rate=50):
            for end in "--rollback", "--commit":
                run = subprocess.Popen(self.go("reshard", "--shards", 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0, 3))
                servers = self.servers()
                victim = rng.choice([s for n, s in servers.items() if n != "main" and s["pid"]])
                os.kill(victim["pid"], signal.SIGKILL)
                print("# killed", victim["name"], "while", self.steps()[-1])
                run.wait(120)
                self.lab("up")
                self.reshard("--shards", 4)
                self.lab("reshard", end)
        self.check()
        self.assert_nothing_left(4)

    def test_a_mover_that_halts_opens_the_gate(self):
        self.fill(2000)
        with self.writers():
            run = subprocess.Popen(self.go("reshard", "--shards", 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while run.poll() is None and time.monotonic() < deadline:
                os.kill(run.pid, signal.SIGSTOP)
                time.sleep(0.1)
                os.kill(run.pid, signal.SIGCONT)
                time.sleep(0.03)
            run.wait(60)
            self.reshard("--shards", 4)
            self.lab("reshard", "--commit")
        self.check()
        self.assert_nothing_left(4)
