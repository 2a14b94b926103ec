"""Labs of real servers: made, started, stopped, broken and removed. Whatever a test leaves is destroyed behind it."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

from harness import Case, spate
from live.servers import POSTGRES_BIN, Postgres, server_user


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
        for pid in postmasters(self.dir):
            os.kill(pid, signal.SIGKILL)

    def lab(self, command, *words, **more):
        return self.spate_ok("lab", command, "--lab", self.dir / "lab", *words, **more)

    def lab_fails(self, code, command, *words, says, **more):
        done = self.spate_fails(code, "lab", command, "--lab", self.dir / "lab", *words, says=says, **more)
        self.assertEqual(len([line for line in done.err.splitlines() if line.startswith("spate: ")]), 1, done.err)
        return done

    def servers(self):
        done = spate("lab", "status", "--lab", self.dir / "lab", "--json")
        return {s["name"]: s for s in json.loads(done.out)}

    def psql(self, server, sql):
        return self.lab("psql", server, "--", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql).out.strip()


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

    def test_a_halted_server_is_stopped(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        os.kill(self.servers()["shard0"]["pid"], signal.SIGSTOP)
        self.lab("down")
        self.assertEqual(postmasters(self.dir), [])

    def test_settings_reach_the_servers(self):
        self.lab("init", "--shards", "1", "--port", "31900")
        config = self.dir / "lab/lab.yaml"
        config.write_text(config.read_text() + "settings: {work_mem: 9MB, search_path: '\"it''s\", public'}\n")
        self.lab("up")
        self.assertEqual(self.psql("shard0", "SHOW work_mem"), "9MB")
        self.assertEqual(self.psql("shard0", "SHOW search_path"), '"it\'s", public')
        self.assertEqual([s["port"] for s in self.servers().values()], [31900, 31901])

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
        self.spate_fails(3, "lab", "init", "--lab", small / "lab", says="no space left on device")
        self.assertEqual(list(small.iterdir()), [])

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
        self.assertEqual(postmasters(self.dir), [])

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


if __name__ == "__main__":
    unittest.main()
