"""Labs of real servers: made, started, stopped, broken and removed. Whatever a test leaves is destroyed behind it."""
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree

from harness import SLOW, SPATE, Case, spate, wait_until
from live.servers import POSTGRES_BIN, Postgres, children_of, free_port, server_user, signal_all


def postmasters(directory):
    """Process ids of servers whose data are below a directory."""
    found = []
    for cwd in pathlib.Path("/proc").glob("[0-9]*/cwd"):
        try:
            if os.readlink(cwd).startswith(f"{directory}/"):
                found.append(int(cwd.parent.name))
        except OSError:
            continue
    return found


class LabCase(Case):
    """self.lab(...) runs 'spate lab ...' on the lab in self.dir/lab."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not (POSTGRES_BIN / "initdb").exists():
            raise unittest.SkipTest("no PostgreSQL server is installed")

    def setUp(self):
        super().setUp()
        self.dir.chmod(0o755)  # the servers' user is another one when we are root
        self.addCleanup(self.clean)

    def clean(self):
        for config in self.dir.glob("*/lab.yaml"):
            spate("lab", "destroy", "--yes", "--lab", config.parent)
        signal_all(postmasters(self.dir), signal.SIGKILL)

    def lab(self, command, *words, **more):
        return self.spate_ok("lab", command, "--lab", self.dir / "lab", *words, **more)

    def lab_fails(self, code, command, *words, says, **more):
        done = self.spate_fails(code, "lab", command, "--lab", self.dir / "lab", *words, says=says, **more)
        self.assertEqual(len([line for line in done.err.splitlines() if line.startswith("spate: ")]), 1, done.err)
        return done

    def fill(self, users, *words):
        """A lab with a shop of so many users, on main and on three shards."""
        self.spate_ok("lab", "run", "--progress", "none", "--users", users, "--seconds", "0.1", *words)

    def servers(self):
        done = spate("lab", "status", "--lab", self.dir / "lab", "--json")
        return {s["name"]: s for s in json.loads(done.out)}

    def indexes(self, server):
        """Those that are no key's."""
        return self.psql(server, "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace"
                                 " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1").splitlines()

    def psql(self, server, sql):
        return self.lab("psql", server, "--", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql).out.strip()


class MovingCase(LabCase):
    """Whose rows will move."""

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        print(f"# seed {self.seed}")

    def fill(self, users=6000):
        super().fill(users)

    def check(self):
        """Nothing differs from main, where it has the rows, and nothing is misplaced. How uneven the tables are."""
        tables = json.loads(self.lab("check", "--json").out)["tables"]
        self.assertTrue(all((t["same"] or not t["on_main"]) and t["misplaced"] == 0 for t in tables), tables)
        return {t["name"]: t["skew"] for t in tables}

    def assert_analysed(self):
        """The servers' estimates, which status shows and plans go by, are of the rows that shards have now."""
        for name, server in self.servers().items():
            if name.startswith("shard"):
                rows = self.psql(name, "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM products)")
                self.assertEqual(server["rows"], int(rows), name)

    def servers_there(self):
        return sorted(p.parent.name for p in (self.dir / "lab").glob("*/data"))


class Life(LabCase):
    def test_made_used_and_removed(self):
        self.lab("init", "--shards", "2")
        self.assertEqual({s["state"] for s in self.servers().values()}, {"down"})
        self.lab("up")
        servers = self.servers()
        self.assertEqual([(s["name"], s["state"]) for s in servers.values()], [("main", "up"), ("shard0", "up"), ("shard1", "up")])
        for s in servers.values():
            self.assertEqual(os.stat(f"/proc/{s['pid']}").st_uid, server_user().pw_uid)
        identifiers = {self.psql(name, "SELECT system_identifier FROM pg_control_system()") for name in servers}
        self.assertEqual(len(identifiers), 3)
        self.psql("shard1", "CREATE TABLE t AS SELECT 42 AS n")
        pid = servers["main"]["pid"]
        self.lab("up")
        self.assertEqual(self.servers()["main"]["pid"], pid)
        self.lab("down", "shard1")
        self.assertEqual([s["state"] for s in self.servers().values()], ["up", "up", "down"])
        self.lab("down")
        self.lab("up")
        self.assertEqual(self.psql("shard1", "SELECT n FROM t"), "42")
        self.assertIn("database system is ready", self.lab("logs", "main").out)
        self.lab("destroy", "--yes")
        self.assertFalse((self.dir / "lab").exists())
        self.assertEqual(postmasters(self.dir), [])

    def test_who_may_come_in(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        uri = self.servers()["main"]["uri"]
        ask = ["psql", "-X", "-w", "-A", "-t", "-c", "SELECT 1"]
        self.assertEqual(subprocess.run([*ask, "-d", uri], capture_output=True, text=True).stdout, "1\n")
        done = subprocess.run([*ask, "-d", uri.split("?")[0]], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        self.assertIn("password", done.stderr)
        self.assertEqual((self.dir / "lab/run").stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.dir / "lab/pgpass").stat().st_mode & 0o777, 0o600)
        secret = (self.dir / "lab/pgpass").read_text().strip().rsplit(":", 1)[1]
        self.assertNotIn(secret, spate("lab", "status", "--lab", self.dir / "lab").out)

    def test_a_killed_server_comes_back(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        self.psql("shard0", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        os.kill(self.servers()["shard0"]["pid"], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self.servers()["shard0"]["state"] != "down" and time.monotonic() < deadline:
            time.sleep(0.05)
        self.lab("up")
        self.assertEqual(self.psql("shard0", "SELECT count(*) FROM t"), "1000")

    def test_down_while_a_log_is_gone_over(self):
        """A postmaster that is asked to stop in the midst of that may hang."""
        self.lab("init", "--shards", "1")
        log = self.dir / "lab/shard0/log"
        for going in range(1, 6):
            self.lab("up")
            self.psql("shard0", "CREATE TABLE IF NOT EXISTS t (i int); INSERT INTO t SELECT generate_series(1, 200000)")
            before = log.read_text().count("automatic recovery in progress")
            os.kill(int(self.psql("shard0", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")), signal.SIGKILL)
            wait_until(lambda: log.read_text().count("automatic recovery in progress") > before)
            if going == 5:
                (self.dir / "lab/shard0/data/postmaster.pid").unlink()  # which a full disk may have taken
            self.lab("down")
            self.assertEqual(postmasters(self.dir), [])
        self.lab("up")
        self.assertEqual(self.psql("shard0", "SELECT count(*) FROM t"), f"{going * 200000}")

    def test_a_halted_server_is_stopped(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        os.kill(self.servers()["shard0"]["pid"], signal.SIGSTOP)
        self.lab("down")
        self.assertEqual(postmasters(self.dir), [])

    def test_settings_reach_the_servers(self):
        port = free_port(2)
        self.lab("init", "--shards", "1", "--port", port)
        config = self.dir / "lab/lab.yaml"
        config.write_text(config.read_text() + "settings: {work_mem: 9MB, search_path: '\"it''s\", public'}\n")
        self.lab("up")
        self.assertEqual(self.psql("shard0", "SHOW work_mem"), "9MB")
        self.assertEqual(self.psql("shard0", "SHOW search_path"), '"it\'s", public')
        self.assertEqual([s["port"] for s in self.servers().values()], [port, port + 1])

    def test_the_template_is_kept_and_used_again(self):
        cache = self.dir / "cache"
        env = {"XDG_CACHE_HOME": str(cache)}
        self.lab("init", "--shards", "1", env=env)
        templates = list((cache / "spate").iterdir())
        self.assertEqual(len(templates), 1)
        self.lab("destroy", "--yes")
        self.lab("init", "--shards", "1", env=env)
        self.assertEqual(list((cache / "spate").iterdir()), templates)
        self.lab("up")


SHOP = """
seed: 5
tables:
  - name: land
    rows: 40
    columns:
      - {name: id, inc: 1, primary_key: true}
      - {name: name, value: "${country}"}
  - name: users
    rows: %d
    columns:
      - {name: id, range: int, type: bigint, unique: true, primary_key: true, props: {min: 1, max: 9000000}}
      - {name: land_id, ref: land.id}
      - {name: mail, value: "${email}"}
  - name: orders
    rows: %d
    columns:
      - {name: id, inc: 1, primary_key: true}
      - {name: user_id, ref: users.id, distribution: zipf}
      - {name: note, range: string, props: {min: 0, max: 30}}
  - name: item
    rows: 3000
    columns:
      - {name: id, value: "${uuid}", primary_key: true}
      - {name: order_id, ref: orders.id}
"""

KEYS = """
seed: 6
tables:
""" + "".join(f"""
  - name: by_{name}
    rows: 2000
    columns:
      - {{name: k, {how}, "null": 0.01}}
""" for name, how in {
    "smallint": "range: int, type: smallint, props: {min: -32000, max: 32000}",
    "integer": "range: int, type: integer, props: {min: -2000000000, max: 2000000000}",
    "bigint": "range: int, type: bigint, props: {min: -9000000000000000000, max: 9000000000000000000}",
    "real": "range: float, type: real, props: {min: -1000.0, max: 1000.0}",
    "double": "range: float, props: {min: -1000.0, max: 1000.0}",
    "numeric": "range: float, type: 'numeric(18,4)', props: {min: -99999.0, max: 99999.0}",
    "date": "range: timestamp, type: date, props: {min: 1900-01-01, max: 2100-01-01}",
    "time": "range: timestamp, type: timestamp, props: {min: 1900-01-01, max: 2100-01-01}",
    "moment": "range: timestamp, props: {min: 1900-01-01, max: 2100-01-01}",
    "uuid": 'value: "${uuid}"',
    "mail": 'value: "${email}"',
    "words": "range: string, props: {min: 0, max: 60}",
}.items())


# Whoever loads orders waits from the second COPY on.
HELD_UP = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM orders) THEN PERFORM pg_sleep(3600); END IF; RETURN NULL; END $$;
CREATE FUNCTION created() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF to_regclass('orders') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'hold') THEN
        CREATE TRIGGER hold BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION hold();
    END IF; END $$;
CREATE EVENT TRIGGER created ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION created();
"""


class Rows(LabCase):
    """Rows on shards, and the servers' word that they belong there."""

    def up(self, shards=3):
        self.lab("init", "--shards", shards)
        self.config = self.dir / "lab/lab.yaml"
        self.lab("up")

    def distribute(self, *words):
        return self.lab("distribute", *words, "--progress", "none")

    def check(self, **rows):
        tables = {t["name"]: t for t in json.loads(self.lab("check", "--json").out)["tables"]}
        for name, n in rows.items():
            self.assertEqual((tables[name]["rows"], tables[name]["misplaced"]), (n, 0), name)
        return tables

    def slots(self, shards):
        """A map as a lab has that was resharded: every 7th slot with the next shard."""
        owners = [(i + (i % 7 == 0)) % shards for i in range(960)]
        self.config.write_text(self.config.read_text() + f"slots: {owners}\n")

    def test_made_at_their_shards_and_copied_from_main(self):
        self.up()
        plan = self.write("shop.yaml", SHOP % (5000, 20000))
        uri = self.lab("status", "--json")
        uri = json.loads(uri.out)[0]["uri"]
        self.spate_ok("generate", plan, "--to", uri, "--create", "--progress", "none")
        done = self.distribute(plan)
        self.assertIn("note: item.order_id refers to orders, whose rows may be on other shards: no foreign key", done.err)
        rows = {"land": 40, "users": 5000, "orders": 20000, "item": 3000}
        made = self.check(**rows)
        self.assertEqual({n: t["key"] for n, t in made.items()}, {"land": None, "users": "id", "orders": "user_id", "item": "id"})
        self.assertTrue(all(t["same"] for t in made.values()), made)
        self.assertGreater(made["orders"]["skew"], made["users"]["skew"])
        self.assertEqual(self.psql("shard1", "SELECT count(*) FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE u.id IS NULL"), "0")
        self.assertEqual(self.psql("shard2", "SELECT conname FROM pg_constraint WHERE contype IN ('p', 'f') AND conname ~ '^(land|user|order|item)'"
                                             " ORDER BY 1").split(),
                         ["item_pkey", "land_pkey", "orders_pkey", "orders_user_id_fkey", "users_land_id_fkey", "users_pkey"])
        indexes = ["CREATE INDEX by_user ON public.orders USING btree (user_id) WHERE (id > 5)",
                   "CREATE UNIQUE INDEX of_land ON public.land USING btree (lower(name), id)"]
        self.psql("main", ";".join(indexes))
        self.distribute("--replace")
        self.assertEqual(self.check(**rows), made)
        self.assertEqual(self.indexes("shard2"), indexes)
        for placement in ("modulo", "range\nbounds: [2000000, 5000000]"):
            self.config.write_text(re.sub("^placement: .*", f"placement: {placement}", self.config.read_text(), flags=re.M))
            self.distribute("--replace", "--by", "item=order_id")
            self.check(**rows)
        self.config.write_text(self.config.read_text().replace("5000000", "6000000"))
        self.spate_fails(1, "lab", "check")

    def test_tables_of_another_schema(self):
        self.up()
        self.psql("main", 'CREATE SCHEMA "My app"; CREATE TABLE "My app".t (id int PRIMARY KEY, c int); CREATE INDEX "by c" ON "My app".t (c);'
                          ' INSERT INTO "My app".t SELECT g, -g FROM generate_series(1, 2000) g')
        self.distribute()
        self.check(**{"My app.t": 2000})
        self.lab("reshard", "--shards", "4", "--commit")
        self.check(**{"My app.t": 2000})
        self.assertEqual(self.psql("shard3", "SELECT pg_get_indexdef('\"My app\".\"by c\"'::regclass)"), 'CREATE INDEX "by c" ON "My app".t USING btree (c)')

    def test_a_plan_names_a_schema(self):
        self.up(2)
        self.distribute(self.write("app.yaml", "tables: [{name: My app.t, rows: 500, columns: [{name: id, inc: 1, primary_key: true}]}]"))
        self.assertEqual(sum(int(self.psql(f"shard{s}", 'SELECT count(*) FROM "My app".t')) for s in range(2)), 500)

    def test_rows_that_lie_elsewhere_are_found(self):
        self.up(2)
        self.distribute(self.write("shop.yaml", SHOP % (2000, 4000)))
        self.psql("shard0", "INSERT INTO users SELECT max(id) + g, 1, 'x' FROM users, generate_series(1, 64) g GROUP BY g")
        tables = {t["name"]: t for t in json.loads(spate("lab", "check", "--lab", self.dir / "lab", "--json").out)["tables"]}
        self.assertGreater(tables["users"]["misplaced"], 10)
        self.assertLess(tables["users"]["misplaced"], 60)
        self.assertEqual(tables["orders"]["misplaced"], 0)
        self.spate_fails(1, "lab", "check")

    def test_every_type_of_key(self):
        self.up()
        plan = self.write("keys.yaml", KEYS)
        names = re.findall("name: (by_.*)", KEYS)
        by = [word for name in names for word in ("--by", f"{name}=k")]
        for fresh in (True, False):
            if not fresh:
                self.slots(3)
            self.distribute(plan, "--replace", *by)
            made = self.check(**dict.fromkeys(names, 2000))
        uri = json.loads(self.lab("status", "--json").out)[0]["uri"]
        self.spate_ok("generate", plan, "--to", uri, "--create", "--progress", "none")
        self.distribute("--replace")
        copied = self.check(**dict.fromkeys(names, 2000))
        self.assertTrue(all(t["same"] for t in copied.values()), copied)
        self.assertEqual({n: t["skew"] for n, t in copied.items()}, {n: t["skew"] for n, t in made.items()})

    def test_lists(self):
        self.up()
        self.config.write_text(self.config.read_text().replace("placement: hash", "placement: list\nvalues: [[a, b], [c, \"it's\"], []]"))
        plan = self.write("list.yaml", "tables:\n  - name: t\n    rows: 3000\n    columns:\n      - {name: k, set: [a, b, c, \"it's\", d], 'null': 0.1}\n")
        self.distribute(plan, "--by", "t=k")
        self.check(t=3000)
        self.assertEqual([self.psql(f"shard{i}", "SELECT string_agg(DISTINCT coalesce(k, '-'), ' ' ORDER BY coalesce(k, '-')) FROM t") for i in range(3)],
                         ["- a b", "c it's", "d"])

    def test_why_a_shard_went_down_is_told(self):
        self.up()
        plan = self.write("shop.yaml", SHOP % (60000, 300000))
        self.psql("shard1", HELD_UP)
        run = subprocess.Popen([SPATE, "lab", "distribute", plan, "--lab", self.dir / "lab", "--batch", "4k", "--progress", "none"],
                               cwd=self.dir, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.kill)
        wait_until(lambda: self.psql("shard1", "SELECT to_regclass('orders') IS NOT NULL") == "t"
                   and int(self.psql("shard1", "SELECT count(*) FROM orders")) > 0, run)
        writer = int(self.psql("shard1", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
        os.kill(writer, signal.SIGKILL)
        _, said = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 5, said)
        self.assertRegex(said, rf"spate: shard1: .*; its log says: .*\(PID {writer}\) was terminated by signal 9")

    @unittest.skipUnless(os.geteuid() == 0, "only root can make a file system")
    def test_a_disk_that_gets_full(self):
        self.lab("init", "--shards", "1")
        data, kept = self.dir / "lab/shard0/data", self.dir / "lab/shard0/kept"
        data.rename(kept)
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=110m,mode=700", "none", data], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", data], check=True)
        self.addCleanup(self.clean)  # before that: of what nobody sees any more nobody knows the processes
        subprocess.run(["cp", "-a", f"{kept}/.", data], check=True)
        self.lab("up")
        plan = self.write("many.yaml", "tables:\n  - name: users\n    rows: 3_000_000\n    columns:\n"
                                       "      - {name: id, inc: 1, type: bigint}\n      - {name: email, value: '${email}'}\n")
        done = self.spate_fails(5, "lab", "distribute", plan, "--by", "users=id", "--lab", self.dir / "lab", "--progress", "none", says="shard0: ")
        self.assertRegex(done.err, "No space left on device|Check free disk space")
        self.lab("down")

    def test_a_shard_is_killed_and_the_rest_comes_later(self):
        self.up()
        plan = self.write("shop.yaml", SHOP % (60000, 300000))
        shard = self.servers()["shard1"]
        self.psql("shard1", HELD_UP)
        words = ["distribute", plan, "--batch", "4k", "--workers", "2", "--progress", "none"]
        run = subprocess.Popen([SPATE, "lab", words[0], "--lab", self.dir / "lab", *words[1:]], cwd=self.dir,
                               stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.psql("shard1", "SELECT to_regclass('orders') IS NOT NULL") == "t"
                   and int(self.psql("shard1", "SELECT count(*) FROM orders")) > 0, run)
        self.psql("shard1", "CHECKPOINT")
        os.kill(shard["pid"], signal.SIGKILL)
        _, said = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 5, said)
        self.assertRegex(said, "spate: shard1: ")
        self.assertIn("the same command goes on", said)
        self.lab("up")
        before = int(self.psql("shard1", "SELECT count(*) FROM orders"))
        self.psql("shard1", "DROP EVENT TRIGGER created; DROP FUNCTION created, hold CASCADE")
        self.lab(*words)
        tables = self.check(users=60000, orders=300000, land=40, item=3000)
        self.assertGreater(before, 0)
        self.assertLess(before, tables["orders"]["rows"] / 3)
        for i in range(3):
            self.assertEqual(self.psql(f"shard{i}", "SELECT count(*), count(DISTINCT id) FROM users").split("|")[0],
                             self.psql(f"shard{i}", "SELECT count(DISTINCT id) FROM users"))
            self.assertEqual(self.psql(f"shard{i}", "SELECT relname FROM pg_class WHERE relname LIKE 'spate%'"), "")

    def test_all_in_one(self):
        done = self.spate_ok("lab", "run", "--progress", "none", "--seconds", "0.2", env={"MAX_GEN_USERS": "3000"})
        self.assertRegex(done.out, r"point +shards / main: \d+\.\d\dx the answers")
        self.assertRegex(done.out, r"users +id +3,000 +\d\.\d\dx +0  yes")
        self.assertRegex(done.out, r"orders +user_id +6,000 +\d\.\d\dx +0  yes")
        self.spate_ok("lab", "run", "--progress", "none", "--users", "2000", "--replace", "--from-main", "--seconds", "0.2")
        self.assertEqual(self.psql("main", "SELECT count(*) FROM users"), "2000")

    def test_what_cannot_be(self):
        self.up(2)
        plan = self.write("shop.yaml", SHOP % (200, 400))
        self.lab_fails(2, "check", says="nothing has been distributed")
        self.lab_fails(2, "distribute", says="main has no tables")
        self.lab_fails(2, "distribute", plan, "--by", "users=nix", says='"users" has no column "nix"')
        self.lab_fails(2, "distribute", plan, "--by", "nix=id", says='no table "nix" to place')
        self.lab_fails(2, "distribute", plan, "--table", "users", says="a plan is distributed as a whole")
        nokey = self.write("nokey.yaml", "tables:\n  - name: t\n    rows: 10\n    columns:\n      - {name: a, inc: 1}\n")
        self.lab_fails(2, "distribute", nokey, says='"t" has no primary key of one column')
        self.distribute(plan, "--by", "users=id")
        self.lab_fails(2, "distribute", plan, says='table "land" exists already')
        self.lab("down", "shard1")
        self.spate_fails(5, "lab", "distribute", plan, "--replace", says=["shard1: could not connect", "the same command goes on"])


class Moves(MovingCase):
    """Rows that move between shards, and labs that go back to what they were."""

    def reshard(self, shards, *words):
        return json.loads(self.lab("reshard", "--shards", shards, "--json", *words).out)

    def test_a_quarter_moves_from_three_to_four(self):
        self.fill()
        plan = self.reshard(4, "--plan")
        self.assertEqual((plan["slots"], len(plan["moves"])), (240, 3))
        self.assertEqual({m["to"] for m in plan["moves"]}, {3})
        for shard in range(3):
            self.psql(f"shard{shard}", "CREATE INDEX by_email ON users (email); CREATE INDEX by_price ON products ((price * 2))")
        self.assertAlmostEqual(plan["rows_moved"] / 18000, 0.25, delta=0.02)
        self.assertEqual(len(self.servers()), 4)
        done = self.reshard(4, "--offline")
        self.assertEqual(done["rows_moved"], plan["rows_moved"])
        self.assertLess(self.check()["users"], 1.1)
        self.assert_analysed()
        self.assertEqual(self.psql("shard3", "SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass ORDER BY 1").split(),
                         ["orders_pkey", "orders_product_id_fkey", "orders_user_id_fkey"])
        self.assertEqual(self.indexes("shard3"), self.indexes("shard0"))
        self.assertEqual(len(self.indexes("shard3")), 2)
        uri = self.servers()["shard3"]["uri"]
        self.assertEqual(subprocess.run(["psql", "-X", "-w", "-A", "-t", "-c", "SELECT 1", "-d", uri], capture_output=True, text=True).stdout, "1\n")
        self.assertEqual(self.reshard(4, "--offline")["rows_moved"], 0)
        self.reshard(2, "--offline")
        self.check()
        self.assertEqual(self.servers_there(), ["main", "shard0", "shard1"])
        self.lab("bench", "--seconds", "0.1", "--query", "point", "--query", "total")

    def test_killed_at_any_moment_and_finished(self):
        rng = random.Random(self.seed)
        self.fill(20000)
        shards = 3
        for attempt in range(4 if SLOW else 12):
            shards = rng.choice([n for n in (2, 3, 4) if n != shards])
            words = [SPATE, "lab", "reshard", "--lab", self.dir / "lab", "--shards", str(shards), "--offline"]
            run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                run.wait(rng.uniform(0.02, 1.5))
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
            self.reshard(shards, "--offline")
            self.check()
            self.assertEqual(self.servers_there(), ["main", *(f"shard{i}" for i in range(shards))])

    def test_a_shard_that_is_added_is_added_once(self):
        self.fill(1000)
        halt = ("CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); RETURN OLD; END $$; CREATE TRIGGER halt"
                " BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION halt(); ALTER TABLE orders ENABLE ALWAYS TRIGGER halt")
        self.psql("shard1", halt)
        config = self.dir / "lab/lab.yaml"
        run = subprocess.Popen([SPATE, "lab", "add-shard", "--offline", "--lab", self.dir / "lab"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.kill)
        self.assertTrue(wait_until(lambda: "unswept: true" in config.read_text(), run))
        run.kill()
        run.wait()
        self.psql("shard1", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DELETE%' AND pid <> pg_backend_pid()")
        self.psql("shard1", "DROP FUNCTION halt() CASCADE")
        self.lab_fails(2, "reshard", "--shards", "5", says="a move while nobody wrote was interrupted")
        self.lab("add-shard", "--offline")
        self.assertEqual(self.servers_there(), ["main", "shard0", "shard1", "shard2", "shard3"])
        self.assertNotIn("unswept", config.read_text())
        self.check()

    def test_a_copy_that_went_wrong_changes_nothing(self):
        self.fill(2000)
        self.psql("shard1", "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.balance := 0; RETURN NEW; END $$;"
                            " CREATE TRIGGER spoil BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spoil();"
                            " ALTER TABLE users ENABLE ALWAYS TRIGGER spoil")
        before = (self.dir / "lab/lab.yaml").read_text()
        self.lab_fails(4, "reshard", "--shards", "2", "--offline", says='table "users": shard2 has [\\d,]+ rows for shard1')
        self.assertEqual((self.dir / "lab/lab.yaml").read_text(), before)
        self.check()

    def test_what_cannot_be(self):
        self.fill(500)
        self.lab_fails(2, "reshard", "--offline", says="needs --shards N")
        self.lab_fails(2, "reshard", "--commit", says="no move is open in this lab")
        self.lab_fails(2, "reshard", "--shards", "4", "--plan", "--rollback", says="takes one of --plan")
        self.lab_fails(2, "reshard", "--shards", "0", "--plan", says="1 to 96 shards, not 0")
        self.lab_fails(2, "reshard", "--shards", "4", "--offline", "--add", "postgresql:///x", says="makes its servers itself")
        config = self.dir / "lab/lab.yaml"
        config.write_text(config.read_text().replace("placement: hash", "placement: modulo"))
        self.lab_fails(2, "reshard", "--shards", "4", "--offline", says="placement by modulo has no slots to move")

    def test_snapshots(self):
        self.fill(1500)
        self.lab("snapshot", "save", "before")
        was = self.check()
        self.lab_fails(2, "snapshot", "save", "before", says='there is a snapshot "before" already')
        self.lab_fails(2, "snapshot", "save", "../x", says="is no name for a snapshot")
        self.lab_fails(2, "snapshot", "restore", "after", says='there is no snapshot "after"')
        self.psql("shard0", "DELETE FROM orders")
        self.reshard(5, "--offline")
        self.lab("down", "shard2")
        self.lab("snapshot", "save", "after")
        self.assertEqual([s["state"] for s in self.servers().values()], ["up", "up", "up", "down", "up", "up"])
        self.assertEqual(self.lab("snapshot", "list").out.split(), ["after", "before"])
        self.lab("snapshot", "restore", "before")
        self.assertEqual(self.check(), was)
        self.assertEqual(self.servers_there(), ["main", "shard0", "shard1", "shard2"])
        self.lab("snapshot", "restore", "after")
        self.assertEqual(len(self.servers_there()), 6)
        self.lab("snapshot", "drop", "before")
        self.lab("down")
        self.lab("snapshot", "restore", "after")
        self.assertEqual(postmasters(self.dir), [])
        self.lab("destroy", "--yes")
        self.assertFalse((self.dir / "lab").exists())

    def test_attached_servers_get_more(self):
        with Postgres() as one:
            for name in ("m", "a", "b", "c"):
                one.database(name)
            env = {"MAINDB_URL": one.uri("m"), "SHARD_URLS": f"{one.uri('a')},{one.uri('b')}"}
            self.spate_ok("lab", "run", "--progress", "none", "--users", "900", "--seconds", "0.1", env=env)
            self.lab_fails(2, "reshard", "--shards", "3", "--offline", says="1 more servers are needed, and 0 are named")
            self.reshard(3, "--offline", "--add", one.uri("c"))
            self.check()
            self.lab_fails(2, "snapshot", "save", "x", says="only attached")


class Engines(LabCase):
    """What exists is told how the rows lie, and sees the same rows."""

    def through_main(self, schema):
        return self.psql("main", f"SELECT count(*), sum(o.amount) FROM {schema}.orders o JOIN {schema}.users u ON u.id = o.user_id")

    def test_postgres_fdw(self):
        self.fill(1500)
        for _ in range(2):
            self.lab("export", "--to", "fdw", "--load")
            self.assertEqual(self.through_main("spate_fdw"), self.through_main("public"))
        plan = self.psql("main", "EXPLAIN SELECT * FROM spate_fdw.users WHERE id = 77")
        self.assertEqual(plan.count("Foreign Scan"), 1, plan)
        config = self.dir / "lab/lab.yaml"
        for placement in ("modulo", "range\nbounds: [100, 900]"):
            config.write_text(re.sub("^placement: .*", f"placement: {placement}", config.read_text(), flags=re.M))
            self.lab("distribute", "--replace", "--progress", "none")
            self.lab("export", "--to", "fdw", "--load")
            self.assertEqual(self.through_main("spate_fdw"), self.through_main("public"))
            self.assertEqual(self.psql("main", "INSERT INTO spate_fdw.users SELECT * FROM spate_fdw.users WHERE false RETURNING 1"), "")
        self.lab_fails(2, "export", "--to", "plproxy", says="placement by range has none")

    def test_plproxy(self):
        self.fill(1500)
        for shards in (3, 4):
            self.lab("reshard", "--shards", shards, "--offline")
            self.lab("export", "--to", "plproxy", "--load")
            self.assertEqual(self.psql("main", "SELECT count(*) FROM public.users u, spate_plproxy.users(u.id) p WHERE p.email = u.email"), "1500")
            self.assertEqual(self.psql("main", "SELECT count(*) FROM spate_plproxy.count_users()"), str(shards))
        self.lab_fails(2, "export", "--to", "fdw", says="slots have been moved")
        self.lab_fails(2, "export", "--to", "pgdog", says="these shards are not like that")

    def test_what_is_only_written(self):
        self.fill(1500)
        citus = self.lab("export", "--to", "citus").out
        self.assertIn("SELECT create_distributed_table('\"users\"', 'id');", citus)
        self.assertIn("SELECT create_distributed_table('\"orders\"', 'user_id', colocate_with => 'users');", citus)
        self.assertIn("SELECT create_reference_table('\"products\"');", citus)
        self.assertEqual(self.lab("export", "--to", "pgdog").out.count("[[databases]]"), 3)
        self.assertEqual(self.lab("export", "--to", "compose").out.count("image: postgres:15"), 4)
        self.lab_fails(2, "export", "--to", "citus", "--load", says="only postgres_fdw and PL/Proxy")
        self.lab_fails(2, "export", says="needs --to ENGINE")


class Bench(LabCase):
    """Numbers that cannot flatter."""

    def setUp(self):
        super().setUp()
        self.fill(3000)

    def bench(self, *words, code=0):
        done = spate("lab", "bench", "--lab", self.dir / "lab", "--json", "--cpu", "none", *words)
        self.assertEqual(done.code, code, str(done))
        return {(m["query"], m["on"]): m for m in json.loads(done.out)["measures"]}

    def processes(self, server):
        pid = self.servers()[server]["pid"]
        return [pid, *children_of(pid)]

    def running(self, before):
        """What the bench that is going on has said of itself so far, once it has had answers."""
        for file in set((self.dir / "lab/trials").glob("2*.json")) - before:
            trial = json.loads(file.read_text())
            if any(m.get("series") for m in trial["measures"]):
                return trial
        return None

    def once_it_runs(self, do):
        """Does something as soon as the next bench has had answers."""
        before = set((self.dir / "lab/trials").glob("2*.json"))
        thread = threading.Thread(target=lambda: wait_until(lambda: self.running(before)) and do())
        thread.start()
        self.addCleanup(thread.join)

    def test_a_stall_is_in_the_times(self):
        def halt():
            halted = self.processes("main")
            signal_all(halted, signal.SIGSTOP)
            time.sleep(1)
            signal_all(halted, signal.SIGCONT)

        words = ["--query", "point", "--on", "main", "--seconds", "5", "--users", "4"]
        self.once_it_runs(halt)
        m = self.bench(*words, "--rate", "1000")["point", "main"]
        self.assertGreaterEqual(m["p99_ms"], 900)
        self.assertLess(m["service_p99_ms"], 900)
        self.assertEqual(m["answers"], 5000)
        self.once_it_runs(halt)
        m = self.bench(*words)["point", "main"]
        self.assertLess(m["p99_ms"], 900, "a closed loop would be expected to hide it: then --rate has lost its point")
        self.assertGreaterEqual(m["max_ms"], 900)

    def test_errors_are_no_answers(self):
        self.once_it_runs(lambda: self.lab("down", "shard1"))
        m = self.bench("--query", "point", "--seconds", "6", "--on", "shards", code=1)["point", "shards"]
        self.assertGreater(m["errors"], 0)
        self.assertAlmostEqual(m["rate"], m["answers"] / m["seconds"], delta=1)

    def test_wrong_answers_are_not_measured(self):
        self.psql("shard2", "UPDATE orders SET amount = amount + 1")
        done = spate("lab", "bench", "--lab", self.dir / "lab", "--seconds", "0.1")
        self.assertEqual(done.code, 4)
        self.assertRegex(done.err, 'query "(join|total)": main and the shards give different answers')
        self.assertEqual(set(self.bench("--on", "shards", "--seconds", "0.1")), {(q, "shards") for q in ("point", "range", "join", "total", "top")})

    def test_results_are_kept(self):
        trials = self.dir / "lab/trials"
        before = sorted(trials.iterdir())
        found = self.bench("--query", "point", "--seconds", "1", "--rate", "200")
        kept = sorted(trials.iterdir())
        self.assertEqual(kept[:-1], before)
        trial = json.loads(kept[-1].read_text())
        self.assertEqual((trial["trial"], trial["state"], trial["shards"], trial["rate"]), (1, "done", 3, 200))
        for m in trial["measures"]:
            told = found[m["query"], m["on"]]
            self.assertEqual(m["answers"], told["answers"])
            self.assertAlmostEqual(dict(map(tuple, m["curve"]))[0.99], told["p99_ms"], delta=told["p99_ms"] / 1000)
            self.assertEqual(sum(entry[1] for entry in m["series"]), m["answers"])
            self.assertGreater(len(m["series"]), 1)
        trial["measures"] = []
        for i in range(120):
            (trials / f"20000101T000000.{i:06}Z-1.json").write_text(json.dumps(trial))
        self.bench("--query", "point", "--seconds", "0.1")
        left = sorted(trials.iterdir())
        self.assertEqual(len(left), 100)
        self.assertEqual(left[-2], kept[-1])

    def test_a_running_bench_can_be_watched(self):
        trials = self.dir / "lab/trials"
        before = set(trials.glob("2*.json"))
        words = [SPATE, "lab", "bench", "--lab", self.dir / "lab", "--query", "point", "--on", "main", "--seconds", "600"]
        run = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.kill)
        seen = wait_until(lambda: self.running(before), run)
        self.assertEqual((seen["state"], seen["pid"]), ("running", run.pid))
        self.assertGreater(seen["measures"][0]["series"][0][1], 0)
        run.send_signal(signal.SIGINT)
        run.wait(60)
        (file,) = set(trials.glob("2*.json")) - before
        self.assertEqual(json.loads(file.read_text())["state"], "interrupted")

    def test_charts(self):
        self.bench("--seconds", "0.2", "--chart", self.dir / "c.svg")
        picture = xml.etree.ElementTree.parse(self.dir / "c.svg").getroot()
        curves = [e for e in picture.iter() if (e.get("class") or "").startswith("curve")]
        self.assertEqual(len(curves), 10)
        queries = self.write("q.sql", "-- a<b&c\nSELECT 1 AS max_x;\n")
        self.bench("--file", queries, "--seconds", "0.1", "--chart", self.dir / "c.html")
        page = (self.dir / "c.html").read_text()
        self.assertIn("a&lt;b&amp;c", page)
        self.assertNotIn("a<b", page)
        self.assertNotRegex(page.replace("http://www.w3.org/2000/svg", ""), "https?:|src=|href=")
        self.lab_fails(2, "bench", "--chart", "c.png", says="a file that ends with .svg or .html")
        self.lab_fails(3, "bench", "--query", "point", "--seconds", "0.1", "--chart", self.dir / "none/c.svg", says="could not write .*No such file")

    def test_queries_of_a_file(self):
        queries = self.write("q.sql", "-- totals\nSELECT count(*) AS count_o, min(amount) AS min_o, avg(amount) AS avg_x, sum(amount) AS sum_x,"
                                      " count(amount) AS count_x FROM orders;\n-- newest top 7\nSELECT created_at FROM orders\n"
                                      "  ORDER BY 1 DESC LIMIT 7;\n-- mine\nSELECT * FROM orders WHERE user_id = $1;\n-- all\nSELECT id FROM users;\n")
        found = self.bench("--file", queries, "--seconds", "0.1")
        self.assertEqual(len(found), 8)
        self.assertTrue(all(m["answers"] > 0 for m in found.values()), found)
        self.lab_fails(2, "bench", "--query", "frob", says='no query "frob"')
        bad = self.write("bad.sql", "-- good\nSELECT 1;\nSELECT 2;\n")
        self.lab_fails(2, "bench", "--file", bad, says="bad.sql:3: expected a line")
        bad.write_text("-- lonely\nSELECT count(*) AS count_x, avg(amount) AS avg_y FROM orders;\n")
        self.lab_fails(2, "bench", "--file", bad, says='"avg_y" cannot be merged without sum_y and count_y')


class Attached(LabCase):
    def test_servers_that_were_there(self):
        with Postgres() as one, Postgres() as two:
            self.write(".env", f'# as always\nMAINDB_URL="{one.uri()}"\nexport SHARD_URLS={two.uri()}, {two.uri("template1")}\n')
            self.spate_ok("lab", "init", "--attach")
            self.lab("up")
            self.assertEqual([(s["state"], s["attached"]) for s in self.servers().values()], [("up", True)] * 3)
            self.assertEqual(self.psql("shard1", "SELECT current_database()"), "template1")
            self.lab("down")
            self.lab("destroy", "--yes")
            self.assertEqual(two.value("SELECT 1"), "1")

    def test_passwords_are_not_shown(self):
        env = {"MAINDB_URL": "postgresql://u:hush@127.0.0.1:1/db", "SHARD_URLS": "postgresql://u:hush@127.0.0.1:1/a"}
        self.lab("init", "--attach", env=env)
        done = spate("lab", "status", "--lab", self.dir / "lab")
        self.assertEqual(done.code, 1)
        self.assertNotIn("hush", done.out + done.err)
        self.assertIn("unreachable", done.out)
        self.assertEqual((self.dir / "lab/lab.yaml").stat().st_mode & 0o777, 0o600)


class Refused(LabCase):
    def test_a_port_that_is_taken(self):
        self.lab("init", "--shards", "2")
        port = self.servers()["shard1"]["port"]
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
            s.listen()
            self.lab_fails(3, "up", says=rf"port {port} of shard1 is taken")
            self.assertEqual(postmasters(self.dir), [])
            self.spate_fails(3, "lab", "init", "--lab", self.dir / "other", "--port", port, says=rf"port {port} is taken")
            self.assertFalse((self.dir / "other").exists())
        self.lab("up")

    def test_no_programs(self):
        self.lab_fails(3, "init", "--programs", "/nowhere", says="no initdb and postgres in /nowhere")
        self.assertFalse((self.dir / "lab").exists())

    @unittest.skipUnless(os.geteuid() == 0, "for root only")
    def test_root(self):
        self.lab_fails(2, "init", "--user", "root", says="PostgreSQL does not run as root")
        self.lab_fails(2, "init", "--user", "nobody-at-all", says='there is no user "nobody-at-all"')
        self.lab("init", "--shards", "1")
        config = self.dir / "lab/lab.yaml"
        config.write_text(re.sub("^user.*\n", "", config.read_text(), flags=re.M))
        self.lab_fails(2, "up", says="PostgreSQL does not run as root: name a user")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_a_directory_that_the_servers_cannot_reach(self):
        (self.dir / "closed").mkdir(mode=0o700)
        self.spate_fails(3, "lab", "init", "--lab", self.dir / "closed/lab", says="cannot run in directory .*permission denied",
                         env={"XDG_CACHE_HOME": str(self.dir / "none")})

    @unittest.skipUnless(os.geteuid() == 0, "only root can make a file system")
    def test_a_full_disk(self):
        small = self.dir / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m,mode=755", "none", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        self.addCleanup(self.clean)  # before that: of what nobody sees any more nobody knows the processes
        self.spate_fails(3, "lab", "init", "--lab", small / "lab", says="no space left on device")
        self.assertEqual(list(small.iterdir()), [])

    def test_a_lab_whose_file_is_gone(self):
        self.lab("init", "--shards", "1")
        file, kept = self.dir / "lab/lab.yaml", self.dir / "kept"
        file.rename(kept)
        self.lab_fails(2, "init", "--shards", "1", says='lab/main" is there already, and no lab.yaml that says whose it is')
        self.assertFalse(file.exists())
        kept.rename(file)
        self.lab("up")

    def test_a_server_whose_number_is_lost_is_stopped_too(self):
        self.lab("init", "--shards", "1")
        for command in ["down"], ["destroy", "--yes"]:
            self.lab("up")
            (self.dir / "lab/shard0/data/postmaster.pid").unlink()
            self.lab(*command)
            self.assertEqual(postmasters(self.dir), [])

    def test_what_is_left_without_its_file_is_removed(self):
        self.lab("init", "--shards", "2")
        self.lab("up")
        subprocess.run(["rm", "-rf", self.dir / "lab/shard0", self.dir / "lab/lab.yaml"], check=True)
        (self.dir / "lab/notes").write_text("mine")
        self.spate_fails(2, "lab", "status", "--lab", self.dir / "lab", says="it has no lab.yaml")
        self.lab("destroy", "--yes")
        self.assertEqual(sorted(p.name for p in (self.dir / "lab").iterdir()), ["notes"])
        wait_until(lambda: not postmasters(self.dir), seconds=30)
        self.lab_fails(2, "destroy", "--yes", says="it has no lab.yaml")

    def test_folders_of_somebody_else_stay(self):
        data = self.dir / "lab/main/data"
        data.mkdir(parents=True)
        (data / "postgresql.conf").write_text("port = 5432\n")
        self.lab_fails(2, "destroy", "--yes", says="it has no lab.yaml")
        self.assertTrue(data.is_dir())

    def test_a_server_without_its_rows(self):
        self.lab("init", "--shards", "1")
        subprocess.run(["rm", "-rf", self.dir / "lab/shard0/data/base"], check=True)
        self.lab_fails(3, "up", says="shard0: .*")
        wait_until(lambda: not postmasters(self.dir), seconds=30)
        subprocess.run(["rm", "-rf", self.dir / "lab/shard0"], check=True)
        self.lab("destroy", "--yes")

    def test_a_server_whose_rows_go_while_it_runs(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        subprocess.run(["rm", "-rf", self.dir / "lab/shard0/data/base"], check=True)
        self.lab_fails(3, "up", says="shard0: .*")
        self.assertEqual(self.servers()["main"]["state"], "up")

    def test_a_lab_with_a_piece_missing(self):
        self.lab("init", "--shards", "2")
        subprocess.run(["rm", "-rf", self.dir / "lab/shard1"], check=True)
        self.assertEqual(self.servers()["shard1"]["state"], "damaged")
        self.lab_fails(6, "up", says="damaged: shard1 has no data")
        self.lab("destroy", "--yes")
        self.assertFalse((self.dir / "lab").exists())

    def test_a_server_that_does_not_start(self):
        self.lab("init", "--shards", "1")
        config = self.dir / "lab/lab.yaml"
        config.write_text(config.read_text() + "settings: {shared_buffers: lots}\n")
        self.lab_fails(3, "up", says='main did not start: FATAL: .*')
        wait_until(lambda: not postmasters(self.dir), seconds=30)  # one that has said why it ends has still to end

    def test_two_at_once(self):
        self.lab("init", "--shards", "1")
        import fcntl
        with open(self.dir / "lab/.lock", "r+") as lock:
            fcntl.fcntl(lock, fcntl.F_OFD_SETLK, __import__("struct").pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
            self.lab_fails(3, "up", says="is in use")

    def test_a_path_too_long_for_sockets(self):
        deep = self.dir / ("d" * 80)
        deep.mkdir()
        deep.chmod(0o755)
        self.spate_ok("lab", "init", "--shards", "1", "--lab", deep / "lab")
        self.spate_fails(2, "lab", "up", "--lab", deep / "lab", says="sockets in it take at most")
        self.spate_ok("lab", "destroy", "--yes", "--lab", deep / "lab")


def budgets_possible():
    """Whether this machine lets us make control groups of the cpu controller."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, at, kind, options = line.split()[:4]
        if (kind == "cgroup" and "cpu" in options.split(",")) or kind == "cgroup2":
            probe = pathlib.Path(at, "spate-test-probe")
            try:
                probe.mkdir()
                fine = any(probe.glob("cpu.cfs_quota_us")) or any(probe.glob("cpu.max"))
                probe.rmdir()
            except OSError:
                continue
            if fine:
                return True
    return False


class Budgets(LabCase):
    """The kernel's word for what a server may use, and nothing left of it behind."""

    def cpus(self):
        return [s["cpu"] for s in self.servers().values()]

    def groups(self):
        """The groups that processes of the lab's servers are in; "" stands for those that are in none of ours."""
        found = set()
        for pid in postmasters(self.dir):
            try:
                found.update(re.findall(r"spate-[0-9a-f]{16}", pathlib.Path(f"/proc/{pid}/cgroup").read_text()) or [""])
            except OSError:
                continue
        return found

    def await_groups(self, fits):
        """Processes that are about to end are in no group: so what is expected may be true only a moment later."""
        deadline = time.monotonic() + 30
        while not fits(found := self.groups()) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(fits(found), found)

    def setUp(self):
        super().setUp()
        self.possible = budgets_possible()
        if not self.possible:
            self.lab_fails(3, "init", "--shards", "1", "--cpu", "0.5", says="CPU budgets cannot be kept here")

    def test_servers_are_kept_to_them(self):
        if not self.possible:
            return
        self.lab("init", "--shards", "2", "--cpu", "0.5")
        self.lab("up")
        self.assertEqual(self.cpus(), [0.5] * 3)
        self.await_groups(lambda groups: len(groups) == 3 and "" not in groups)
        self.lab("distribute", self.write("shop.yaml", SHOP % (2000, 4000)), "--progress", "none")
        uri = json.loads(self.lab("status", "--json").out)[0]["uri"]
        self.spate_ok("generate", self.dir / "shop.yaml", "--to", uri, "--create", "--progress", "none")
        measures = json.loads(self.lab("bench", "--query", "point", "--seconds", "0.2", "--json").out)["measures"]
        self.assertEqual([(m["on"], m["cpu"], m["errors"]) for m in measures],
                         [("main", 0, 0), ("shards", 0, 0), ("main", 0.5, 0), ("shards", 0.5, 0)])
        self.assertEqual(self.cpus(), [0.5] * 3)
        self.lab("down", "shard1")
        self.lab("up")
        self.assertEqual(self.cpus(), [0.5] * 3)
        self.lab("up", "--cpu", "none")
        self.assertEqual(self.cpus(), [0] * 3)
        self.await_groups(lambda groups: groups == {""})
        done = self.lab("bench", "--query", "point", "--seconds", "0.2", "--cpu", "0.4")
        self.assertRegex(done.out, r"point +shards / main: \d+\.\d\dx the answers; with 0.40 of a processor for each server \d+\.\d\dx")
        self.assertEqual(self.cpus(), [0] * 3)
        self.await_groups(lambda groups: groups == {""})
        self.lab_fails(2, "up", "--cpu", "lots", says="--cpu takes processors")

    def test_a_killed_bench_leaves_what_down_removes(self):
        if not self.possible:
            return
        self.lab("init", "--shards", "1")
        self.lab("up")
        plan = self.write("shop.yaml", SHOP % (2000, 4000))
        uri = json.loads(self.lab("status", "--json").out)[0]["uri"]
        self.spate_ok("generate", plan, "--to", uri, "--create", "--progress", "none")
        self.lab("distribute", plan, "--progress", "none")
        run = subprocess.Popen([SPATE, "lab", "bench", "--lab", self.dir / "lab", "--query", "point", "--seconds", "6", "--users", "2",
                                "--rate", "20", "--cpu", "0.5"], cwd=self.dir, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while run.poll() is None and time.monotonic() < deadline and self.cpus() != [0.5] * 2:
            time.sleep(0.01)
        run.kill()
        run.wait()
        names = self.groups() - {""}
        self.assertEqual(len(names), 2)
        self.lab("down")
        left = [g for name in names for g in pathlib.Path("/sys/fs/cgroup").glob(f"**/{name}")]
        self.assertEqual(left, [])
        self.lab("up")
        self.assertEqual(self.cpus(), [0] * 2)
        self.await_groups(lambda groups: groups == {""})


if __name__ == "__main__":
    unittest.main()
