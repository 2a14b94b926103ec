"""The dashboard of a real lab: what it tells over HTTP, to whom, and what a real browser makes of it. Pictures of the page are left in
the folder "pictures" of the build."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest
import urllib.parse

from harness import SPATE, spate
from live.browser import PROGRAM, Browser
from live.servers import children_of, signal_all
from live.test_lab import LabCase

PICTURES = pathlib.Path(SPATE).parent / "pictures"
WAIT_S = 60


class ServeCase(LabCase):
    """self.address is where the lab in self.dir/lab is served."""

    def serve(self, *words):
        """Starts the command and gives its address."""
        command = [SPATE, "lab", "serve", "--lab", self.dir / "lab", *words]
        self.server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.address = self.server.stdout.readline().strip()
        self.assertRegex(self.address, r"^http://127\.0\.0\.1:\d+/[0-9a-f]{32}/$")
        parts = urllib.parse.urlsplit(self.address)
        self.port, self.base = parts.port, parts.path
        self.token = self.base.strip("/")
        return self.address

    def stop(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
        self.server.wait(WAIT_S)
        self.server.stdout.close()
        self.server.stderr.close()
        return self.server.returncode

    def ask(self, path, method="GET", headers=None, body=None):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def told(self):
        return json.loads(self.ask(self.base + "state.json")[2])

    def wait_state(self, holds):
        deadline = time.monotonic() + WAIT_S
        while not holds(seen := self.told()):
            self.assertLess(time.monotonic(), deadline, seen)
            time.sleep(0.1)
        return seen

    def fill(self):
        super().fill(3000, "--cpu", "none")


def rows_of(state, server):
    (s,) = [s for s in state["servers"] if s["name"] == server]
    return {t["name"]: t["rows"] for t in s.get("tables", [])}


class Http(ServeCase):
    def setUp(self):
        super().setUp()
        self.lab("init", "--shards", "1")

    def test_the_token(self):
        self.serve()
        other = "0" * 32 if self.token[0] != "0" else "f" * 32
        almost = self.token[:-1] + ("0" if self.token[-1] != "0" else "1")
        for path in ("/", "/state.json", "/favicon.ico", f"/{other}/", f"/{other}/state.json", f"/{almost}/", f"/{self.token}", f"/{self.token}x/",
                     f"/{self.token[:-1]}/", f"//{self.token}/", f"/x/{self.token}/", f"/?{self.token}", "/" + "a" * 3000):
            status, headers, body = self.ask(path)
            self.assertEqual(status, 403, path)
            self.assertNotIn(self.token.encode(), body)
        self.assertEqual(self.ask(f"/{other}/", "POST")[0], 403)
        status, headers, body = self.ask(self.base)
        self.assertEqual((status, headers["Content-Type"], headers["Cache-Control"]), (200, "text/html; charset=utf-8", "no-store"))
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertIn(b"<title>spate lab</title>", body)

    def test_paths_and_methods(self):
        self.serve()
        for path in ("nothing", "state.json/", "trials/", "trials/x.json", "trials/../lab.yaml", "trials/..%2flab.yaml", "trials/%2e%2e/lab.yaml", "trials/.json",
                     "trials/20200101T000000.000000Z-1.json", "lab.yaml", "../lab.yaml", "trials/" + "1" * 5000 + ".json"):
            status, _, body = self.ask(self.base + path)
            self.assertEqual((status, b"main" in body), (404, False), path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FROB"):
            status, headers, _ = self.ask(self.base + "state.json", method, body="x" * 100000)
            self.assertEqual((status, headers.get("Allow")), (405, "GET, HEAD"), method)
        status, headers, body = self.ask(self.base + "state.json", "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 100)
        self.assertEqual(self.ask(self.base + "?x=1")[0], 200)

    def test_requests_that_are_none(self):
        self.serve()
        for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x00\xff" * 500 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", os.urandom(2000) + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"GET " + b"/a" * 200000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) as s:
                try:
                    s.sendall(junk)
                    s.shutdown(socket.SHUT_WR)
                    self.assertNotIn(b" 200 ", s.recv(65536)[:20])
                except OSError:  # it was hung up on
                    pass
        status, _, _ = self.ask(self.base, headers={"X-Long": "x" * 100000})
        self.assertEqual(status, 431)
        self.assertEqual(self.ask(self.base)[0], 200)
        self.assertEqual(self.stop(), 0)

    def test_slow_clients_hold_nobody_up(self):
        self.serve()
        slow = [socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) for _ in range(60)]
        for s in slow:
            self.addCleanup(s.close)
            s.sendall(b"GET /")
        self.assertEqual(self.ask(self.base + "state.json")[0], 200)
        for s in slow:
            s.sendall(b"a")
        self.assertEqual(self.ask(self.base + "state.json")[0], 200)
        for s in slow[:3]:  # told to go once they had been silent for long enough
            try:
                self.assertEqual(s.recv(1), b"")
            except ConnectionError:
                pass
        self.assertEqual(self.stop(), 0)

    def test_only_this_machine(self):
        self.serve()
        others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for address in others | {"127.0.0.2"}:
            with self.assertRaises(OSError, msg=address):
                socket.create_connection((address, self.port), timeout=2).close()

    def test_a_port_that_is_taken(self):
        self.serve()
        self.lab_fails(3, "serve", "--port", self.port, says=f"cannot listen on port {self.port} of 127.0.0.1")
        self.lab_fails(2, "serve", "--port", "65536", says="no port")
        self.spate_fails(2, "lab", "serve", "--lab", self.dir / "none", says="there is no lab")

    def test_a_lab_that_changes(self):
        self.serve()
        self.assertEqual([s["state"] for s in self.wait_state(lambda s: all(s["state"] == "down" for s in s["servers"]))["servers"]], ["down"] * 2)
        self.lab("up")
        self.wait_state(lambda s: all(s["state"] == "up" for s in s["servers"]))
        config = self.dir / "lab/lab.yaml"
        whole = config.read_text()
        config.write_text(whole + "frob: 1\n")
        self.assertIn('"frob" is no key here', self.wait_state(lambda s: s["problem"])["problem"])
        config.unlink()
        self.assertIn("there is no lab", self.wait_state(lambda s: "no lab" in s["problem"])["problem"])
        config.write_text(whole)
        self.wait_state(lambda s: not s["problem"] and all(s["state"] == "up" for s in s["servers"]))
        secret = (self.dir / "lab/pgpass").read_text().strip().rsplit(":", 1)[1]
        self.assertNotIn(secret, json.dumps(self.told()))
        (self.dir / "lab/trials").mkdir(exist_ok=True)
        for name, text in (("1.json", "{"), ("2.json", "[]"), ("3.json", '{"trial": 2}'), ("4.json", ""), ("x<y.json", "{}")):
            (self.dir / "lab/trials" / name).write_text(text)
        (self.dir / "lab/work.json").write_text('{"kind": ')
        time.sleep(1.5)
        self.assertEqual((self.told()["trials"], self.told()["work"]), ([], None))

    def test_rows_are_counted(self):
        self.lab("up")
        self.serve()
        self.psql("shard0", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        self.wait_state(lambda s: rows_of(s, "shard0").get("t") == 1000)
        self.psql("shard0", "DELETE FROM t WHERE n > 400")
        self.wait_state(lambda s: rows_of(s, "shard0").get("t") == 400)
        self.psql("shard0", "TRUNCATE t")
        self.wait_state(lambda s: rows_of(s, "shard0").get("t") == 0)
        self.psql("shard0", 'DROP TABLE t; CREATE SCHEMA "a b"; CREATE TABLE "a b"."c\'d""e" AS SELECT 1 AS n')
        self.wait_state(lambda s: rows_of(s, "shard0") == {"a b.c'd\"e": 1})

    def test_a_server_that_hangs(self):
        self.lab("up")
        self.serve()
        self.wait_state(lambda s: all(s["state"] == "up" for s in s["servers"]))
        pid = self.servers()["shard0"]["pid"]
        pids = [pid, *children_of(pid)]
        signal_all(pids, signal.SIGSTOP)
        try:
            self.wait_state(lambda s: [server["state"] for server in s["servers"]] == ["up", "unreachable"])
            began = time.monotonic()
            self.assertEqual(self.stop(), 0)
            self.assertLess(time.monotonic() - began, WAIT_S / 2)
        finally:
            signal_all(pids, signal.SIGCONT)

    def test_jobs_and_work(self):
        self.lab("up")
        plan = self.write("p.yaml", "seed: 1\ntables:\n  - name: t\n    rows: 500\n    columns:\n      - {name: id, inc: 1, primary_key: true}\n")
        self.spate_ok("generate", plan, "--to", "sqlite:" + str(self.dir / "t.db"), "--create", "--job", "mine")
        self.lab("distribute", plan, "--progress", "none")
        self.serve()
        seen = self.wait_state(lambda s: s["jobs"])
        self.assertEqual([(j["name"], j["state"], j["rows"], j["share"]) for j in seen["jobs"]], [("mine", "done", 500, 1)])
        self.assertEqual((seen["work"]["kind"], seen["work"]["state"], seen["working"]), ("distribute", "done", False))
        self.assertEqual(sum(p["done"] for p in seen["work"]["parts"]), 500)


class Heat(ServeCase):
    def slots(self, state):
        return {s["name"]: {t["name"]: t for t in s["tables"] if "slots" in t} for s in state["servers"] if s.get("tables")}

    def test_slots_and_what_they_get(self):
        self.fill()
        self.serve()
        told = self.slots(self.wait_state(lambda s: [len(tables) for tables in self.slots(s).values()] == [0, 2, 2, 2]))
        users = [told[f"shard{i}"]["users"]["slots"] for i in range(3)]
        self.assertEqual((sum(map(sum, users)), {len(one) for one in users}), (3000, {960}))
        owners = self.told()["lab"]["owners"]
        for slot in range(960):
            self.assertEqual([i for i in range(3) if users[i][slot] and i != owners[slot]], [])
        row = self.psql("shard1", "SELECT id FROM users LIMIT 1")
        self.psql("shard1", f"INSERT INTO orders SELECT 1000000 + i, {row}, 1, 1, now() FROM generate_series(1, 500) i")
        told = self.slots(self.wait_state(lambda s: self.slots(s)["shard1"]["orders"].get("got")))["shard1"]["orders"]
        (one,) = told["got"]
        self.assertEqual((one[1], owners[one[0]]), (500, 1))
        self.assertGreater(told["got_s"], 0)

    def test_statements_that_took_most_time(self):
        self.lab("init", "--shards", "1")
        file = self.dir / "lab/lab.yaml"
        file.write_text(file.read_text() + "settings: {shared_preload_libraries: pg_stat_statements}\n")
        self.lab("up")
        self.serve()
        self.assertNotIn("statements", self.wait_state(lambda s: all(one["state"] == "up" for one in s["servers"]))["servers"][1])
        self.psql("shard0", "CREATE EXTENSION pg_stat_statements; SELECT count(*) FROM generate_series(1, 1000000)")
        (found,) = [one for one in self.wait_state(lambda s: s["servers"][1].get("statements"))["servers"][1]["statements"] if "generate_series" in one["query"]]
        self.assertEqual((found["calls"], found["rows"]), (1, 1))
        self.assertGreater(found["ms"], 0)


class InABrowser(ServeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not PROGRAM:
            raise unittest.SkipTest("there is no chromium")
        PICTURES.mkdir(exist_ok=True)
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        super().tearDownClass()

    def open(self, *words):
        page = self.browser.open(self.serve(*words))
        page.resize(1280)
        page.wait_text("#contact", "live")
        return page

    def picture(self, page, name, width=1280):
        page.resize(width)
        page.resize(width, page.value("document.documentElement.scrollHeight"))
        time.sleep(0.3)
        page.picture(PICTURES / f"{name}.png")

    def check_page(self, page):
        """Nothing in the console, nothing asked of anybody else."""
        self.assertEqual(page.complaints(), [])
        self.assertEqual([url for url in page.asked_for() if not url.startswith((self.address, "data:image/"))], [])
        self.assertGreater(len(page.asked_for()), 1)

    def bench(self, *words):
        command = [SPATE, "lab", "bench", "--lab", self.dir / "lab", "--cpu", "none", *words]
        run = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait, WAIT_S)
        self.addCleanup(run.kill)
        return run

    def test_servers_and_rows(self):
        self.fill()
        page = self.open()
        total = 0
        for i in range(3):
            exact = int(self.psql(f"shard{i}", "SELECT count(*) FROM users"))
            total += exact
            page.wait_text("#table-users", f"shard{i}\n{exact:,}")
        self.assertEqual(total, 3000)
        page.wait_text("#table-users", "by id; 3,000 rows on shards; 3,000 on main")
        page.wait_text("#table-products", "copied to every shard")
        self.assertRegex(page.text("#table-orders"), r"skew 1\.\d\dx")
        page.wait_text("#slots-held", "shard2")
        self.assertRegex(page.text("#slots-held"), r"hottest \d\.\d\dx the mean")
        self.assertIn("None", page.text("#slots-got"))
        self.assertIn("pg_stat_statements", page.text("#statement-list"))
        for name, server in self.servers().items():
            page.wait_text(f"#server-{name}", str(server["port"]))
            self.assertIn("up", page.text(f"#server-{name}"))
        self.lab("down", "shard1")
        page.wait_text("#server-shard1", "down")
        page.wait_text("#table-users", "unknown")
        self.assertNotIn("skew", page.text("#table-users"))
        self.assertIn("3 of 4 are up", page.text("#server-list"))
        self.picture(page, "shard-down")
        self.lab("up")
        page.wait_text("#table-users", "skew")
        for width in (360, 768, 1280):
            for scheme in ("light", "dark"):
                page.colours(scheme)
                page.resize(width)
                page.wait(page.overflow, lambda over: over <= 0)
                self.picture(page, f"page-{width}-{scheme}", width)
        self.check_page(page)

    def test_a_bench_while_it_runs_and_after(self):
        self.fill()
        page = self.open()
        page.wait_text("#bench-head", "The last one")
        run = self.bench("--query", "point", "--seconds", "600", "--on", "shards")
        page.wait_text("#bench-head", "Running since")
        page.wait_text("#tile-shards", "running")
        page.wait(lambda: page.text("#tile-shards .big"), lambda text: text.split()[0].replace(",", "").isdigit() and text[0] != "0")
        self.assertRegex(page.text("#tile-shards"), r"p99\s+\d[\d.,]* ms")
        self.assertFalse(page.value("document.getElementById('chart-rate').hidden"))
        page.wait(lambda: page.value("document.querySelectorAll('#chart-rate canvas').length"), lambda n: n == 1)
        page.wait(lambda: page.text("#server-shard0 dd:last-of-type").replace(",", ""), lambda rate: rate.isdigit() and int(rate) > 20)
        first = page.value("document.querySelector('#chart-rate canvas').toDataURL()")
        page.wait(lambda: page.value("document.querySelector('#chart-rate canvas').toDataURL()"), lambda now: now != first)
        self.picture(page, "bench-running")
        run.send_signal(signal.SIGKILL)
        run.wait(WAIT_S)
        page.wait_text("#bench-head", "interrupted")
        self.lab("bench", "--cpu", "none", "--query", "point", "--seconds", "1")
        self.lab("bench", "--cpu", "none", "--query", "point", "--query", "total", "--seconds", "1", "--rate", "50")
        page.wait(lambda: page.value("document.querySelectorAll('#compare-list tbody tr').length"), lambda n: n == 3)
        page.wait(lambda: page.value("document.querySelectorAll('#compare-table tbody tr').length"), lambda n: n == 4)
        lines = [line.split("\t") for line in page.text("#compare-table").splitlines() if line]
        self.assertIn("beside main\tbeside the first bench", "\t".join(lines[0]))
        beside = [[cell for cell in line if cell == "-" or cell.endswith("x")] for line in lines[1:]]
        self.assertEqual([cells[0] for cells in beside[::2]], ["1.00x", "1.00x"])
        self.assertEqual([cells[1] for cells in beside[:2]], ["-", "-"])
        self.assertNotIn("-", beside[2] + beside[3])
        page.value("document.querySelector('#compare-query').value = 'total'; document.querySelector('#compare-query').dispatchEvent(new Event('change'))")
        page.wait(lambda: page.value("document.querySelectorAll('#compare-table tbody tr').length"), lambda n: n == 2)
        self.assertNotIn("the first bench", page.text("#compare-table"))
        page.value("document.querySelectorAll('#compare-list input')[0].click()")
        page.wait(lambda: page.value("document.querySelectorAll('#compare-list input:checked').length"), lambda n: n == 1)
        time.sleep(1.5)  # the next looks do not choose again
        self.assertEqual(page.value("document.querySelectorAll('#compare-list input:checked').length"), 1)
        self.picture(page, "benches-compared")
        self.check_page(page)

    def test_a_move_of_rows(self):
        self.fill()
        page = self.open()
        self.lab("reshard", "--shards", "4")
        page.wait_text("#work-move", "switched")
        page.wait_text("#work-move", "--rollback")
        page.wait_text("#server-shard3", "up")
        self.assertRegex(page.text("#work-move"), r"shard\d to shard3\s+copied\s+\d")
        page.wait_text("#work-now", "done")
        self.picture(page, "move")
        self.lab("reshard", "--commit")
        page.wait_text("#work-move", "committed")
        exact = int(self.psql("shard3", "SELECT count(*) FROM users"))
        self.assertGreater(exact, 0)
        page.wait_text("#table-users", f"shard3\n{exact:,}")
        page.wait_text("#table-users", "; 3,000 rows on shards")
        self.check_page(page)

    def test_what_may_be_done(self):
        self.fill()
        page = self.open()
        page.wait_text("#server-shard1", "up")
        self.assertEqual(page.value("document.querySelectorAll('button').length"), 0)
        self.assertEqual(self.ask(self.base + "act/down/shard1", "POST")[0], 405)
        self.stop()
        page = self.open("--allow-actions")
        page.wait_text("#server-shard1", "up")
        press = "document.querySelector('[data-act=\"%s\"]').click()"
        page.value(press % "down/shard1")
        page.wait_text("#server-shard1", "down")
        page.wait_text("#act", "shard1: stopped")
        self.assertEqual(self.servers()["shard1"]["state"], "down")
        page.wait(lambda: page.value("document.querySelector('[data-act=\"up/shard1\"]:enabled') != null"), bool)
        page.value(press % "up/shard1")
        page.wait_text("#server-shard1", "up")
        page.wait_text("#act", "shard1: started")
        self.picture(page, "actions")
        page.wait(lambda: page.value("document.querySelector('[data-act=bench]:enabled') != null"), bool)
        page.value(press % "bench")
        page.wait_text("#bench-head", "Running since")
        page.wait_text("#bench-head", "Stop the bench")
        self.assertEqual(self.ask(self.base + "act/down/shard0", "POST")[0], 409)
        page.value(press % "stop")
        page.wait_text("#bench-head", "interrupted")
        self.check_page(page)
        for path, status in (("act/frob", 404), ("act/", 404), ("act/up/" + "x" * 500, 404), ("act/stop", 409), ("act/up/nobody", 202)):
            self.wait_state(lambda s: not s["act"]["busy"])
            self.assertEqual(self.ask(self.base + path, "POST", body="x" * 10000)[0], status, path)
        self.assertIn('no server "nobody"', self.wait_state(lambda s: s["act"]["error"])["act"]["error"])
        self.assertEqual(self.ask("/" + "0" * 32 + "/act/down/shard0", "POST")[0], 403)
        self.assertEqual(self.ask(self.base + "act/bench", "POST")[0], 202)
        self.assertEqual(self.stop(), 0)  # with the bench that runs

    @unittest.skipUnless(shutil.which("redis-server"), "there is no redis-server")
    def test_what_is_beside_the_servers(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        self.lab("cache", "up")
        page = self.open()
        page.wait_text("#server-cache", "up")
        self.lab("down", "cache")
        page.wait_text("#server-cache", "down")
        self.check_page(page)

    def test_by_keyboard(self):
        self.fill()
        page = self.open()
        page.wait_text("#compare-list", "point")
        seen = []
        for _ in range(12):
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            seen.append(page.value("document.activeElement.className || document.activeElement.id || document.activeElement.type"))
        for wanted in ("skip", "bench-query", "wide", "checkbox", "compare-query"):
            self.assertIn(wanted, seen)
        page.value("document.querySelector('#compare-list input').focus()")
        time.sleep(2.5)  # what is shown anew leaves the focus where it is
        self.assertEqual(page.value("document.activeElement.type"), "checkbox")
        unlabelled = page.value("[...document.querySelectorAll('input, select, progress')].filter(e => !e.ariaLabel && !e.labels?.length).length")
        self.assertEqual(unlabelled, 0)
        self.check_page(page)

    def test_nothing_there_yet_and_nobody_there_any_more(self):
        self.lab("init", "--shards", "1")
        page = self.open()
        page.wait_text("#row-list", "No server answers")
        page.wait_text("#server-main", "spate lab up main")
        self.lab("up")
        page.wait_text("#row-list", "There are no tables yet")
        page.wait_text("#bench-head", "No bench has run")
        page.wait_text("#compare-list", "no finished bench")
        page.wait_text("#replication-list", "No server is followed")
        page.wait_text("#work-list", "Nothing is at work")
        self.psql("main", "CREATE TABLE t AS SELECT generate_series(1, 7) AS n")
        page.wait_text("#table-t", "not distributed; 7 on main")
        self.check_page(page)
        self.picture(page, "empty")
        self.lab("destroy", "--yes")
        page.wait_text("#problem", "there is no lab")
        self.picture(page, "no-lab")
        self.check_page(page)
        self.assertEqual(self.stop(), 0)
        page.wait_text("#contact", "no contact")

    def test_two_tabs(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        one = self.open()
        two = self.browser.open(self.address)
        two.wait_text("#contact", "live")
        self.psql("main", "CREATE TABLE t AS SELECT generate_series(1, 7) AS n")
        for page in (one, two):
            page.wait_text("#table-t", "7 on main")
            self.check_page(page)

    def test_a_replica(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        self.lab("replica", "add")
        page = self.open()
        page.wait_text("#server-replica0", "replica of main")
        page.wait_text("#replication-list", "streaming")
        self.lab("down", "replica0")
        page.wait_text("#server-replica0", "down")
        page.wait_text("#replication-list", "nobody reads it")
        self.check_page(page)

    def test_a_slot_that_nobody_reads(self):
        self.lab("init", "--shards", "1")
        self.lab("up")
        self.psql("main", "SELECT pg_create_physical_replication_slot('left_over', true)")
        page = self.open()
        page.wait_text("#replication-list", "left_over")
        self.assertIn("nobody reads it", page.text("#replication-list"))
        self.check_page(page)


if __name__ == "__main__":
    unittest.main()
