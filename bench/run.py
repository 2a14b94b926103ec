#!/usr/bin/env python3
"""Measures spate against its limits and prints one table.

    bench/run.py [--build DIR] [--quick] [--rounds N] [--only CASE]... [--dir DIR] [--json FILE]

Cases: csv, workers, postgres, order, duckdb, file, memory, first-row, families, store, ledger, lab, distribute, lab-bench, budgets, reshard;
copies.py: copy, mariadb, sqlite; trees.py: trees, trees-slow. Each side of a comparison runs in turn,
A B A B ..., and a ratio is taken inside each round, because a shared machine drifts by more than what is measured; the table
has the median of those ratios and their range. "By CPU" is the same ratio in processor time, which neighbours disturb less. "~": other programs kept the machine busy in all rounds.
Needs the bench programs (ninja -C DIR bench) and, for the PostgreSQL cases, its server programs. Everything is written below
--dir and removed at the end; servers listen on a Unix socket only.
"""
import argparse
import glob
import json
import os
import pathlib
import pwd
import resource
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import copies
import trees

HERE = pathlib.Path(__file__).resolve().parent
PLANS = HERE / "plans"
TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 900  # seconds; a run that takes longer is stopped and fails the case


CALM = 0.15  # of a processor


def busy_seconds():
    """Of all processors, since boot: everything but idle and waiting for disks."""
    f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(f) - f[3] - f[4] - f[7]) / TICKS


class Failed(Exception):
    pass


class Run:
    """A child that has ended: wall and processor seconds, and what it said."""

    def __init__(self, argv, peak=False, limit=TIMEOUT):
        self.argv = [str(a) for a in argv]
        self.rss_anon_kib = 0
        self.stopped = False
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            status, usage = self._wait(child, start, peak, limit)
            self.wall = time.monotonic() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            self.user, self.system = usage.ru_utime, usage.ru_stime
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        if child.returncode != 0 and not self.stopped:
            raise Failed(f"{' '.join(self.argv)}\n    exit {child.returncode}: {self.err.strip()[-600:]}")

    @property
    def cpu(self):
        return self.user + self.system

    def _wait(self, child, start, peak, limit):
        if not peak:
            killer = None
            if limit:
                # One blocking wait, so that nothing of ours runs beside what is measured.
                signal.signal(signal.SIGALRM, lambda *_: (setattr(self, "stopped", True), child.kill()))
                signal.alarm(int(limit))
            try:
                _, status, usage = os.wait4(child.pid, 0)
            finally:
                signal.alarm(0)
            if self.stopped:
                raise Failed(f"{' '.join(self.argv)}\n    took more than {limit} s")
            return status, usage
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                return status, usage
            self.rss_anon_kib = max(self.rss_anon_kib, rss_anon_kib(child.pid))
            if time.monotonic() - start > limit and not self.stopped:
                self.stopped = True
                child.terminate()
            if time.monotonic() - start > limit + 20:
                child.kill()
            time.sleep(0.002)  # a million rows are made in 70 ms


def rss_anon_kib(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Bench:
    def __init__(self, args):
        self.args = args
        self.build = pathlib.Path(args.build)
        self.spate_program = self.build / "spate"
        self.rows_of_table = []
        self.details = {}
        self.server = None      # the PostgreSQL server that runs now
        self.disturbed = False  # the last comparison had no calm rounds
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="spate-bench-", dir=args.dir))
        os.chmod(self.dir, 0o755)
        self.rounds = args.rounds or (3 if args.quick else 5)

    def peer(self, name):
        return self.build / "bench" / f"bench_{name}"

    def spate(self, plan, to, workers, rows, *more, **how):
        argv = [self.spate_program, "generate", PLANS / f"{plan}.yaml", "--to", to]
        if workers:
            argv += ["--workers", workers]
        for table, n in rows.items():
            argv += ["--rows", f"{table}={n}"]
        return Run(argv + list(more), **how)

    def n(self, full, quick):
        return quick if self.args.quick else full

    def interleave(self, sides):
        """sides: name -> function returning a dict of numbers. Returns name -> list of those dicts, a round each.

        A round is calm when other programs took less than CALM of a processor during each of its sides. Rounds are run until
        enough were calm, at most three times as many as asked for; then the calmest ones count."""
        rounds = []
        while len(rounds) < 3 * self.rounds and sum(r["others"] < CALM for r in rounds) < self.rounds:
            taken, others = {}, 0
            for name, side in sides.items():
                start, busy, own = time.monotonic(), busy_seconds(), self.own_seconds()
                taken[name] = side()
                wall = time.monotonic() - start
                share = max(0, busy_seconds() - busy - (self.own_seconds() - own)) / wall
                others = max(others, share)
                note(f"    {name}: " + ", ".join(f"{k} {v:.4g}" for k, v in taken[name].items()) + f"; others {share:.2f}")
            rounds.append(dict(others=others, taken=taken))
        rounds = sorted(rounds, key=lambda r: r["others"])[:self.rounds]
        self.disturbed = rounds[-1]["others"] >= CALM
        return {name: [r["taken"][name] for r in rounds] for name in sides}

    def own_seconds(self):
        """Processor time of ours: our children's, and a server's while one runs."""
        u, me = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
        return u.ru_utime + u.ru_stime + me.ru_utime + me.ru_stime + (self.server.cpu() if self.server else 0) + self.labs_cpu()

    def labs_cpu(self):
        """Of the servers below our directory, which belong to nobody we have started, dead backends included."""
        total = 0
        for cwd in glob.glob("/proc/[0-9]*/cwd"):
            try:
                if os.readlink(cwd).startswith(f"{self.dir}/"):
                    f = open(f"{os.path.dirname(cwd)}/stat").read().rpartition(")")[2].split()
                    total += sum(map(int, f[11:15]))
            except OSError:
                continue
        return total / TICKS

    def row(self, case, ours, limit, ratios, goal, at_least=True, cpu=None, unit="x", remark=""):
        """One line of the table. goal: a number, or None for a line that only informs."""
        middle = statistics.median(ratios)
        reached = "" if goal is None else "yes" if (middle >= goal if at_least else middle <= goal) else "no"
        entry = dict(case=case + (" ~" if self.disturbed else ""), ours=ours, limit=limit, median=middle, min=min(ratios), max=max(ratios), goal=goal,
                     at_least=at_least, unit=unit, reached=reached, remark=remark,
                     cpu=None if cpu is None else statistics.median(cpu))
        self.rows_of_table.append(entry)
        note("  " + line_of(entry))

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def number(x):
    return f"{x:.3f}" if abs(x) < 1 else f"{x:.2f}" if abs(x) < 100 else f"{x:.0f}"


def line_of(e):
    unit = {"x": "", "%": " %", "MiB": " MiB", "ms": " ms"}[e["unit"]]
    goal = "" if e["goal"] is None else f"{'>=' if e['at_least'] else '<='} {number(e['goal'])}{unit}"
    cpu = "" if e["cpu"] is None else number(e["cpu"])
    return (f"| {e['case']} | {e['ours']} | {e['limit']} | {number(e['median'])}{unit} ({number(e['min'])}..{number(e['max'])})"
            f" | {cpu} | {goal} | {e['reached']} |")


def table_of(entries):
    head = "| case | ours | limit | ratio: median (min..max) | by CPU | goal | reached |\n|---|---|---|---|---|---|---|"
    return "\n".join([head] + [line_of(e) for e in entries])


def column(samples, side, key):
    return [s[key] for s in samples[side]]


def ratio(samples, a, b, key):
    return [x / y for x, y in zip(column(samples, a, key), column(samples, b, key))]


def million(samples, side, key="rate"):
    return f"{statistics.median(column(samples, side, key)) / 1e6:.2f} M rows/s"


# ---- making rows ------------------------------------------------------------------------------------------------------


def speed(run, rows):
    return dict(rate=rows / run.wall, cpu_rate=rows / run.cpu)


def from_json(run):
    said = json.loads(run.out)
    return dict(rate=said["rows_per_s"], cpu_rate=said["rows"] / said.get("cpu", run.cpu))


def bytes_per_row(bench, plan, table):
    path = bench.dir / "sample.csv"
    bench.spate(plan, f"csv:{path}", 1, {table: 100_000})
    size = path.stat().st_size
    lines = path.read_bytes().count(b"\n")
    path.unlink()
    if lines not in (100_000, 100_001):
        raise Failed(f"{plan}: {lines} lines for 100,000 rows")
    return size / 100_000


def case_csv(bench):
    users, items = bench.n(20_000_000, 6_000_000), bench.n(6_000_000, 2_000_000)
    thirty = bench.n(3_000_000, 1_000_000)
    by_sql, by_hand = bench.n(3_000_000, 1_000_000), bench.n(80_000_000, 40_000_000)
    null = "csv:/dev/null"
    s = bench.interleave({
        "fused": lambda: from_json(Run([bench.peer("fused"), "--rows", by_hand])),
        "users": lambda: speed(bench.spate("users", null, 1, {"users": users}), users),
        "duckdb": lambda: from_json(Run([bench.peer("duckdb_peer"), "csv", "--rows", by_sql])),
        "lineitem": lambda: speed(bench.spate("lineitem", null, 1, {"lineitem": items}), items),
        "common": lambda: speed(bench.spate("common", null, 1, {"common": thirty}), thirty),
    })
    bench.details["csv"] = s
    u, l = bytes_per_row(bench, "users", "users"), bytes_per_row(bench, "lineitem", "lineitem")
    fused, sql = million(s, "fused"), million(s, "duckdb")
    bench.row(f"users to CSV, one worker, {u:.0f} B/row, over the fused kernel", million(s, "users"), fused,
              ratio(s, "users", "fused", "rate"), 0.30, cpu=ratio(s, "users", "fused", "cpu_rate"))
    bench.row("users to CSV, one worker, over DuckDB with one thread", million(s, "users"), sql,
              ratio(s, "users", "duckdb", "rate"), 8, cpu=ratio(s, "users", "duckdb", "cpu_rate"))
    bench.row(f"lineitem to CSV, one worker, {l:.0f} B/row, over the fused users kernel", million(s, "lineitem"), fused,
              ratio(s, "lineitem", "fused", "rate"), 0.0706, cpu=ratio(s, "lineitem", "fused", "cpu_rate"))
    c = bytes_per_row(bench, "common", "common")
    bench.row(f"the thirty commonest functions to CSV, one worker, {c:.0f} B/row, in bytes over users", million(s, "common"), million(s, "users"),
              [x * c / u for x in ratio(s, "common", "users", "rate")], 0.5, cpu=[x * c / u for x in ratio(s, "common", "users", "cpu_rate")])


def case_workers(bench):
    null = "csv:/dev/null"
    for plan, rows in (("users", bench.n(30_000_000, 10_000_000)), ("lineitem", bench.n(8_000_000, 3_000_000))):
        s = bench.interleave({w: (lambda w=w: speed(bench.spate(plan, null, w, {plan: rows}), rows)) for w in (1, 2)})
        bench.details[f"workers {plan}"] = s
        # By CPU: what two undisturbed processors would make of it, as long as the workers do not wait for each other.
        bench.row(f"{plan} to CSV, two workers over one", million(s, 2), million(s, 1), ratio(s, 2, 1, "rate"), 1.8,
                  cpu=[2 * x for x in ratio(s, 2, 1, "cpu_rate")])


# ---- PostgreSQL -------------------------------------------------------------------------------------------------------


class Postgres:
    """A server of our own: a fresh cluster below dir, a Unix socket there, nothing on the network."""

    def __init__(self, dir):
        tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))
        if not tools and not shutil.which("initdb"):
            raise Failed("PostgreSQL's server programs are not installed")
        self.tools = pathlib.Path(tools[-1] if tools else os.path.dirname(shutil.which("initdb")))
        self.dir = dir / "postgres"
        self.dir.mkdir()
        self.as_user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            self.as_user = dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=self.dir, **self.as_user)
        subprocess.run([self.tools / "initdb", "-D", self.dir / "data", "-U", "postgres", "-A", "trust", "--no-sync"],
                       check=True, **quiet)
        # Checkpoints and autovacuum would fall into some runs and not into others; so would the making of new log files, where
        # min_wal_size has old ones used again.
        settings = dict(listen_addresses="", unix_socket_directories=self.dir, max_wal_size="16GB", min_wal_size="4GB",
                        checkpoint_timeout="1h",
                        autovacuum="off", shared_buffers="512MB")
        argv = [self.tools / "postgres", "-D", self.dir / "data"]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self.server = subprocess.Popen(argv, **quiet)
        self.uri = f"postgresql:///postgres?host={self.dir}&user=postgres"
        for _ in range(200):
            if subprocess.run([self.tools / "pg_isready", "-q", "-h", self.dir]).returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise Failed("PostgreSQL does not start")

    def stop(self):
        self.server.send_signal(signal.SIGINT)
        try:
            self.server.wait(60)
        except subprocess.TimeoutExpired:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(60)

    def sql(self, *statements):
        argv = [self.tools / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.uri]
        for s in statements:
            argv += ["-c", s]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def cpu(self):
        """Seconds of processor time the server has taken so far, its dead backends included."""
        ours, total = {self.server.pid}, 0
        stats = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                text = open(path).read()
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            stats[int(text.split()[0])] = (int(fields[1]), fields)
        for pid, (parent, f) in stats.items():
            if pid in ours or parent in ours:
                total += int(f[11]) + int(f[12])
            if pid in ours:
                total += int(f[13]) + int(f[14])
        return total / TICKS


USERS_TABLE = "CREATE TABLE users (id uuid{key}, email text, name text, created timestamptz)"


def load(bench, pg, rows, what, key=False):
    """Empties the table, runs what() and checks the count; what returns a Run."""
    pg.sql("DROP TABLE IF EXISTS users", USERS_TABLE.format(key=" PRIMARY KEY" if key else ""), "CHECKPOINT")
    before = pg.cpu()
    run = what()
    time.sleep(0.1)  # backends of closed connections end
    server = pg.cpu() - before
    there = int(pg.sql("SELECT count(*) FROM users"))
    if there != rows:
        raise Failed(f"{there} rows in the table, not {rows}: {' '.join(run.argv)}")
    return dict(rate=rows / run.wall, server_cpu=server, client_cpu=run.cpu, client_share=run.cpu / server,
                server_rate=rows / server)


def with_postgres(measure):
    def case(bench):
        pg = bench.server = Postgres(bench.dir)
        try:
            measure(bench, pg)
        finally:
            bench.server = None
            pg.stop()
            shutil.rmtree(pg.dir, ignore_errors=True)
    return case


@with_postgres
def case_postgres(bench, pg):
    rows, slow = bench.n(5_000_000, 1_500_000), bench.n(400_000, 150_000)
    pg.sql(USERS_TABLE.format(key=""))
    bench.spate("users", pg.uri, 1, {"users": rows})
    file = pg.dir / "users.bin"
    pg.sql(f"COPY users TO '{file}' (FORMAT binary)")
    spate = lambda w: lambda: load(bench, pg, rows, lambda: bench.spate("users", pg.uri, w, {"users": rows}))
    peer = bench.peer("pg_peer")
    s = bench.interleave({
        "C": lambda: load(bench, pg, rows, lambda: Run([peer, "copy", pg.uri, "users", file])),
        "one": spate(1),
        "two": spate(2),
        "insert": lambda: load(bench, pg, slow, lambda: Run([peer, "insert", pg.uri, "users", slow])),
    })
    bench.details["postgres"] = s
    c = "C: " + million(s, "C")
    bench.row("users to PostgreSQL, one connection, over the server alone (C)", million(s, "one"), c,
              ratio(s, "one", "C", "rate"), 0.95, cpu=ratio(s, "one", "C", "server_rate"))
    bench.row("the same on two connections", million(s, "two"), c, ratio(s, "two", "C", "rate"), 1.30)
    bench.row("client's CPU in % of the server's, one connection", f"{statistics.median(column(s, 'one', 'client_cpu')):.2f} s",
              f"{statistics.median(column(s, 'one', 'server_cpu')):.2f} s",
              [100 * x for x in column(s, "one", "client_share")], 15, at_least=False, unit="%")
    bench.row("client's CPU in % of the server's, two connections", f"{statistics.median(column(s, 'two', 'client_cpu')):.2f} s",
              f"{statistics.median(column(s, 'two', 'server_cpu')):.2f} s",
              [100 * x for x in column(s, "two", "client_share")], 15, at_least=False, unit="%")
    bench.row("one connection over INSERT of 1,000 rows a statement", million(s, "one"), million(s, "insert"),
              ratio(s, "one", "insert", "rate"), 10)
    bench.row("two connections over INSERT of 1,000 rows a statement", million(s, "two"), million(s, "insert"),
              ratio(s, "two", "insert", "rate"), 10)


@with_postgres
def case_order(bench, pg):
    rows = bench.n(2_000_000, 700_000)
    spate = lambda plan: lambda: load(bench, pg, rows, lambda: bench.spate(plan, pg.uri, 1, {"users": rows}), key=True)
    s = bench.interleave({"sorted": spate("users_sorted"), "random": spate("users")})
    bench.details["order"] = s
    bench.row("users to PostgreSQL in primary-key order over random order, key present", million(s, "sorted"),
              million(s, "random"), ratio(s, "sorted", "random", "rate"), 1.5)


# ---- DuckDB and files ---------------------------------------------------------------------------------------------------


def remove(path):
    for p in (path, path.with_name(path.name + ".wal"), path.with_name(path.name + ".partial")):
        p.unlink(missing_ok=True)


DUCKDB_TX_ROWS = 245_760  # rows a transaction, as in src/endpoint/duckdb_sink.h


def case_duckdb(bench):
    """Without the primary key that a unique column "id" becomes: ready chunks repeat, and the ceiling is of appending."""
    peer = bench.peer("duckdb_peer")
    for table, rows in (("users", bench.n(6_000_000, 2_000_000)), ("lineitem", bench.n(3_000_000, 1_000_000))):
        rows = rows // (2 * DUCKDB_TX_ROWS) * 2 * DUCKDB_TX_ROWS
        model, ours, theirs = (bench.dir / f"{name}.duckdb" for name in ("model", "ours", "theirs"))
        bench.spate(table, f"duckdb:{model}?keys=none", 1, {table: 2 * DUCKDB_TX_ROWS}, "--create")
        for workers in (1, 2):
            def spate():
                remove(ours)
                run = bench.spate(table, f"duckdb:{ours}?keys=none", workers, {table: rows}, "--create")
                return speed(run, rows)

            def chunks():
                remove(theirs)
                return from_json(Run([peer, "append", "--from", model, "--db", theirs, "--table", table, "--rows", rows,
                                      "--threads", workers, "--tx-rows", DUCKDB_TX_ROWS]))

            s = bench.interleave({"chunks": chunks, "spate": spate})
            bench.details[f"duckdb {table} {workers}"] = s
            for path in (ours, theirs):
                got = Run([peer, "query", "--db", path, f"SELECT count(*) FROM {table}"]).out.strip()
                if got != str(rows):
                    raise Failed(f"{got} rows in {path}, not {rows}")
            bench.row(f"{table} to a DuckDB file, {workers} worker{'s'[:workers - 1]}, over appending ready chunks",
                      million(s, "spate"), million(s, "chunks"), ratio(s, "spate", "chunks", "rate"), 0.90,
                      cpu=ratio(s, "spate", "chunks", "cpu_rate"))
            remove(ours)
            remove(theirs)
        remove(model)


FILE_PIECE = 1 << 20  # bytes of a write into a file, as in src/endpoint/file.c


def case_file(bench):
    rows = bench.n(10_000_000, 3_000_000)
    for ending in ("csv", "sql"):
        path, zeroes = bench.dir / f"users.{ending}", bench.dir / "zeroes"
        size = 0

        def spate():
            nonlocal size
            path.unlink(missing_ok=True)
            run = bench.spate("users", path, 0, {"users": rows})
            size = path.stat().st_size
            return dict(rate=size / run.wall)

        def zero():
            zeroes.unlink(missing_ok=True)
            run = Run([bench.peer("zeroes"), "--bytes", size, "--piece", FILE_PIECE, "--to", zeroes])
            return dict(rate=size / run.wall)

        s = bench.interleave({"spate": spate, "zeroes": zero})
        bench.details[f"file {ending}"] = s
        show = lambda side: f"{statistics.median(column(s, side, 'rate')) / 1e6:.0f} MB/s"
        bench.row(f"users to a .{ending} file over writing zeroes", show("spate"), show("zeroes"),
                  ratio(s, "spate", "zeroes", "rate"), 0.80)
        path.unlink()
        zeroes.unlink()


# ---- memory and time to first row -----------------------------------------------------------------------------------------


def case_memory(bench):
    limit = 15 if bench.args.quick else TIMEOUT
    bench.disturbed = False
    peaks = {}
    for rows, word in ((1_000_000, "1 million"), (1_000_000_000, "1 billion")):
        parts = {"customer": rows // 10, "purchase": rows - rows // 10}
        # A million rows are made in 50 ms, of which memory is read some ten times: only many runs show the highest.
        for _ in range(20 if rows == 1_000_000 else 1):
            run = bench.spate("memory", "sql:/dev/null?format=copy", 2, parts, peak=True, limit=limit)
            peaks[word] = max(peaks.get(word, 0), run.rss_anon_kib / 1024)
        stopped = f", stopped after {limit} s" if run.stopped else f" in {run.wall:.1f} s"
        bench.row(f"peak memory, {word} rows{stopped}", f"{peaks[word]:.1f} MiB", "32 MiB", [peaks[word]], 32, at_least=False,
                  unit="MiB")
    bench.details["memory"] = peaks
    bench.row("peak memory, 1 billion rows over 1 million", f"{peaks['1 billion']:.1f} MiB", f"{peaks['1 million']:.1f} MiB",
              [peaks["1 billion"] / peaks["1 million"]], 1.05, at_least=False)


def first_row_ms(argv, until=b"VALUES"):
    """From before fork and exec until the first row's text is in our hands."""
    start = time.monotonic()
    child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        got, ends = b"", start + 20
        while until not in got:
            ready, _, _ = select.select([child.stdout], [], [], max(0, ends - time.monotonic()))
            more = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                child.kill()
                raise Failed(f"no first row: {child.stderr.read().decode(errors='replace')[-600:]}")
            got += more
        return (time.monotonic() - start) * 1000
    finally:
        child.kill()
        child.stdout.close()
        child.stderr.close()
        child.wait()


def case_first_row(bench):
    argv = [bench.spate_program, "generate", PLANS / "ten_tables.yaml", "--to", "-?format=insert"]
    first_row_ms(argv)  # the program's pages come into the cache
    times = [first_row_ms(argv) for _ in range(bench.n(31, 15))]
    bench.details["first row"] = times
    bench.disturbed = False
    bench.row("time to first row, ten tables, INSERT through a pipe", f"{statistics.median(times):.1f} ms", "20 ms", times, 20,
              at_least=False, unit="ms")


def case_families(bench):
    """Cells per second of each family of generators, beside the primitive it rests on, in one process on one core."""
    lines = Run([bench.peer("families"), "--rounds", bench.n(200, 60)]).out.splitlines()
    families = bench.details["families"] = [json.loads(line) for line in lines]
    bench.disturbed = False
    for f in families:
        ours, limit = 1000 / f["ns"], 1000 / f["primitive_ns"]
        bench.row(f"{f['family']}, a core, over {f['primitive']}", f"{ours:.0f} M cells/s", f"{limit:.0f} M/s", [ours / limit],
                  1 / f["goal"] if f["goal"] else None)


# ---- stores of rows -------------------------------------------------------------------------------------------------------


STORE_TEXTS = (("log", 5_000_000, 500_000), ("orders", 10_000_000, 1_000_000))
STORE_SETS = (("wind", "W, 100,000 rows of 700 columns"), ("sensor", "S, 30 M rows of 3 columns"), ("sparse", "X, 1 M rows of 41 of 700 fields"))
# (what, a side, over another, goal, at least)
STORE_GOALS = {
    "wind": [("write", "store write", "struct write", 0.9), ("write", "store write", "seed write", 2), ("write on two threads", "store write 2", "struct write", 1.5),
             ("write and sync", "store write synced", "struct write synced", 1.5), ("full scan", "store scan", "arrow scan", 1.25),
             ("full scan", "store scan", "seed scan", 8), ("one field", "store one", "arrow one", 8), ("row by row, as records", "store rows", "seed scan", 2.5),
             ("row by row, as values", "store values", "seed scan", 2.5),
             ("scan on two threads", "store scan 2", "store scan", 1.8), ("scan", "store scan", "store scan unverified", 0.97),
             ("full scan", "store scan", "arrow told scan", 1.25), ("one field", "store one", "arrow told one", 8),
             ("write", "store write", "duckdb write", 15), ("full scan", "store scan", "duckdb sum", None), ("write", "store write", "sqlite write", None),
             ("full scan", "store scan", "sqlite scan", None)],
    "sensor": [("write", "store write", "arrow write", 1.3), ("full scan", "store scan", "arrow scan", 1.0), ("full scan", "store scan", "seed scan", 10),
               ("one field", "store one", "arrow one", 2.3), ("scan on two threads", "store scan 2", "store scan", 1.6),
               ("scan", "store scan", "store scan unverified", 0.97), ("write", "store write", "duckdb write", None),
               ("full scan", "store scan", "duckdb sum", None), ("write", "store write", "sqlite write", None), ("full scan", "store scan", "sqlite scan", None)],
    "sparse": [("write", "store write", "seed write", 1.2), ("write on two threads", "store write 2", "seed write", 2), ("full scan", "store scan", "seed scan", 5),
               ("one field", "store one", "seed one", 20), ("scan on two threads", "store scan 2", "store scan", 1.8),
               ("write", "store write", "duckdb write", None), ("full scan", "store scan", "duckdb sum", 50), ("write", "store write", "sqlite write", None)],
}


def parquet_bytes(bench, store, table, version):
    """What DuckDB makes of the same rows: zstd, its default row groups."""
    out, ready = bench.dir / "rows.parquet", bench.dir / "rows.duckdb"
    Run([bench.spate_program, "copy", store, ready, "--create", "--progress", "none"])
    Run([bench.peer("duckdb_peer"), "query", "--db", ready, f"COPY {table} TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION {version})"])
    sizes = out.stat().st_size, ready.stat().st_size
    remove(out)
    remove(ready)
    return sizes


def case_store(bench):
    rows = {"wind": 100_000, "sensor": bench.n(30_000_000, 10_000_000)}
    rows |= {plan: bench.n(whole, quick) for plan, whole, quick in STORE_TEXTS}
    sizes = {}
    for plan in rows:
        made = bench.dir / f"{plan}.spate"
        bench.spate(plan, made, 0, {plan: rows[plan]})
        sizes[plan] = made.stat().st_size
    for name, title in STORE_SETS:
        made = bench.dir / f"{'wind' if name == 'sparse' else name}.spate"
        run = Run([bench.peer("store"), name, made, bench.dir, bench.rounds])
        sides = {}
        for line in run.out.splitlines():
            said = json.loads(line)
            sides.setdefault(said["side"], []).append(dict(rate=said["rows_per_s"], cpu_rate=said["rows"] / max(said["cpu"], 1e-9), bytes=said["bytes"]))
        bench.details[f"store {name}"] = sides
        bench.disturbed = False
        for what, ours, theirs, goal in STORE_GOALS[name]:
            if theirs not in sides:
                continue
            short = min(len(sides[ours]), len(sides[theirs]))
            s = {ours: sides[ours][:short], theirs: sides[theirs][:short]}
            bench.row(f"{title}: {what}, {ours} over {theirs}", million(s, ours), million(s, theirs), ratio(s, ours, theirs, "rate"), goal,
                      cpu=ratio(s, ours, theirs, "cpu_rate"))
        size, seed = sides["store write"][0]["bytes"], sides["seed write"][0]["bytes"]
        bench.row(f"{title}: size over the seed's", f"{size / 1e6:.1f} MB", f"{seed / 1e6:.1f} MB", [size / seed], 0.25, at_least=False)
    for plan in ("log", "orders"): # texts: packed as Parquet's pages are
        made = bench.dir / f"{plan}.packed.spate"
        bench.spate(plan, f"{made}?pack=zstd", 0, {plan: rows[plan]})
        sizes[f"{plan}, packed by zstd,"] = made.stat().st_size
        remove(made)
    for plan, version, goal in (("wind", "v1", 0.85), ("sensor", "v2", 1.0), ("log", "v1", 1.1), ("orders", "v1", 1.1)):
        parquet, duckdb = parquet_bytes(bench, bench.dir / f"{plan}.spate", plan, version)
        bench.row(f"{plan}: size over Parquet {version} with zstd", f"{sizes[plan] / 1e6:.1f} MB", f"{parquet / 1e6:.1f} MB", [sizes[plan] / parquet], goal,
                  at_least=False)
        packed = sizes.get(f"{plan}, packed by zstd,")
        if packed:
            bench.row(f"{plan}, packed by zstd: size over Parquet {version} with zstd", f"{packed / 1e6:.1f} MB", f"{parquet / 1e6:.1f} MB", [packed / parquet],
                      goal, at_least=False)
        bench.row(f"{plan}: size over DuckDB's file", f"{sizes[plan] / 1e6:.1f} MB", f"{duckdb / 1e6:.1f} MB", [sizes[plan] / duckdb], None, at_least=False)


# ---- the ledger -------------------------------------------------------------------------------------------------------


def case_ledger(bench):
    """Both sides in one program, one after the other; a round is one run of it."""
    nodes = bench.n(10_000_000, 1_000_000)
    s = bench.interleave({"ledger": lambda: json.loads(Run([bench.peer("ledger"), nodes, bench.dir]).out)})["ledger"]
    bench.details["ledger"] = s
    middle = lambda key: statistics.median(x[key] for x in s)
    rows = lambda key: f"{middle(key) / 1e6:.2f} M rows/s"
    ms = lambda key: f"{1e3 * middle(key):.3g} ms"
    over = lambda a, b: [x[a] / x[b] for x in s]
    at = f"at {nodes // 1_000_000} million nodes"
    bench.row("journal, in M rows/s, synced", rows("append"), "3 M rows/s", [x["append"] / 1e6 for x in s], 3, cpu=[x["append_cpu"] / 1e6 for x in s])
    bench.row("journal, the last tenth over the first", rows("append_last"), rows("append_first"), over("append_last", "append_first"), 0.9)
    bench.row("journal over DuckDB data chunks with a primary key", rows("append"), rows("keyed"), over("append", "keyed"), 15)
    bench.row("journal over SQLite", rows("append"), rows("sqlite"), over("append", "sqlite"), 19)
    for what, key, limit, goal in (("page of 1,000", "page", 1, 75), ("destination page with the source's children", "joined", 3, 230),
                                   ("point", "point", 0.005, 300)):
        bench.row(f"{what}, {at}", ms(key), f"{limit} ms", [1e3 * x[key] for x in s], limit, at_least=False, unit="ms")
        bench.row(f"{what}, DuckDB's time over it", ms(key), ms(f"duckdb_{key}"), over(f"duckdb_{key}", key), goal)
    bench.row(f"bytes of memory a node, {at}", f"{middle('bytes'):.1f}", "100", [x["bytes"] for x in s], 100, at_least=False)
    bench.row("sealing a level of a million, time over bare data chunks", rows("seal"), rows("bare"), over("bare", "seal"), 1.2, at_least=False)
    bench.row("opening again, in ms a million nodes", f"{1e3 * middle('resume'):.0f} ms", "100 ms", [1e3 * x["resume"] for x in s], 100,
              at_least=False, unit="ms", cpu=[1e3 * x["resume_cpu"] for x in s])
    for what, key in (("opening a journal that says all twice", "resume_twice"), ("opening it, and writing it anew", "rewrite"),
                      ("opening it when it has been written anew", "resume_rewritten")):
        bench.row(f"{what}, in ms a million nodes", f"{1e3 * middle(key):.0f} ms", "", [1e3 * x[key] for x in s], 100 if key == "resume_rewritten" else None,
                  at_least=False, unit="ms", cpu=[1e3 * x[f"{key}_cpu"] for x in s])


class Lab:
    """A lab of three shards below the bench's directory, made and removed by spate itself."""

    def __init__(self, bench, name="lab"):
        self.bench, self.dir = bench, bench.dir / name

    def run(self, command, *words):
        return Run([self.bench.spate_program, "lab", command, "--lab", self.dir, *words])

    def made(self):
        start = time.monotonic()
        self.run("init")
        self.run("up")
        return dict(seconds=time.monotonic() - start)

    def destroy(self):
        self.run("destroy", "--yes")

    def psql(self, server, sql):
        return self.run("psql", server, "--", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql).out.strip()


def four_by_hand(dir):
    """initdb and pg_ctl, four times, one after the other; they stay up."""
    tools = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))[-1])
    dir.mkdir()
    how = dict(stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=dir, check=True)
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        how.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
        os.chown(dir, user.pw_uid, user.pw_gid)
    start = time.monotonic()
    for i in range(4):
        subprocess.run([tools / "initdb", "-D", dir / str(i), "-U", "postgres", "-A", "trust"], **how)
        subprocess.run([tools / "pg_ctl", "-w", "-D", dir / str(i), "-l", dir / f"{i}.log",
                        "-o", f"-k {dir} -c listen_addresses= -p {29000 + i}", "start"], **how)
    return dict(seconds=time.monotonic() - start)


def distributed(lab, rows, plan="users.yaml", by="id"):
    for i in range(3):
        lab.psql(f"shard{i}", "DROP TABLE IF EXISTS users; CHECKPOINT")
    report = json.loads(lab.run("distribute", PLANS / plan, "--rows", f"users={rows}", "--by", f"users={by}", "--progress", "none", "--json").out)
    return dict(rate=rows / report["seconds"])


def psql_at_once(uris, *commands):
    """The same commands on all servers at once; {i} in them is the server's number."""
    all = [subprocess.Popen(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *(w for c in commands for w in ("-c", c.format(i=i))), uri])
           for i, uri in enumerate(uris)]
    if any([one.wait() for one in all]):
        raise Failed("psql failed")


def copied_ready(uris, dir, rows):
    """The bytes that COPY BINARY takes for the same rows, ready in a file for each shard; and analysed, as spate does."""
    psql_at_once(uris, "TRUNCATE users", "CHECKPOINT")
    start = time.monotonic()
    psql_at_once(uris, f"\\copy users FROM '{dir}/{{i}}.copy' (FORMAT binary)", "ANALYZE users")
    return dict(rate=rows / (time.monotonic() - start))


def inserted_by_fdw(lab, rows):
    lab.psql("main", "DELETE FROM spate_fdw.users")
    start = time.monotonic()
    lab.psql("main", f"INSERT INTO spate_fdw.users SELECT * FROM source LIMIT {rows}")
    return dict(rate=rows / (time.monotonic() - start))


def case_lab(bench):
    lab = Lab(bench)
    lab.made() # from now on there is a template
    # All are removed at the end: ext4 gives no inode out again that was freed within a minute, but looks at each of them for every new file.
    labs, folders = [lab], []

    def made():
        labs.append(Lab(bench, f"lab{len(labs)}"))
        return labs[-1].made()

    def by_hand():
        folders.append(bench.dir / f"by-hand{len(folders)}")
        return four_by_hand(folders[-1])
    try:
        s = bench.interleave({"lab": made, "by hand": by_hand})
    finally:
        for one in labs:
            one.destroy()
        for pid_file in (path for folder in folders for path in folder.glob("*/postmaster.pid")):
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
    bench.details["lab up"] = s
    bench.row("four servers ready, in ms", f"{1e3 * statistics.median(column(s, 'lab', 'seconds')):.0f} ms", "500 ms",
              [1e3 * x for x in column(s, "lab", "seconds")], 500, at_least=False, unit="ms")
    bench.row("time of initdb and pg_ctl four times over it", "", "", ratio(s, "by hand", "lab", "seconds"), 5)


def in_a_lab(case):
    def run(bench):
        lab = Lab(bench)
        lab.made()
        try:
            case(bench, lab)
        finally:
            lab.destroy()
    return run


def case_distribute(bench, lab):
    rows, slow = bench.n(3_000_000, 600_000), bench.n(300_000, 60_000)
    uri, *shards = [server["uri"] for server in json.loads(lab.run("status", "--json").out)]
    wide = lambda: distributed(lab, rows, "lab_users.yaml", "user_id")
    wide()
    psql_at_once(shards, f"\\copy users TO '{bench.dir}/{{i}}.copy' (FORMAT binary)")
    s = bench.interleave({"lab": wide, "ready bytes": lambda: copied_ready(shards, bench.dir, rows)})
    bench.details["lab distribute"] = s
    bench.row("users of ten columns made onto three durable shards, over COPY of ready bytes", million(s, "lab"), million(s, "ready bytes"),
              ratio(s, "lab", "ready bytes", "rate"), 0.86)
    bench.row("the same, in M rows/s", million(s, "lab"), "1.5 M rows/s", [x / 1e6 for x in column(s, "lab", "rate")], 1.5)
    distributed(lab, 1000)
    lab.run("export", "--to", "fdw", "--load")
    Run([bench.spate_program, "generate", PLANS / "users.yaml", "--to", uri, "--create", "--rows", f"users={slow}", "--progress", "none"])
    lab.psql("main", "ALTER TABLE users RENAME TO source")
    s = bench.interleave({"fdw": lambda: (distributed(lab, 1000), inserted_by_fdw(lab, slow))[1], "lab": lambda: distributed(lab, rows)})
    bench.details["lab distribute, uuids"] = s
    bench.row("users with uuids for keys, indexed and analysed behind them, over INSERT ... SELECT through postgres_fdw",
              million(s, "lab"), million(s, "fdw"), ratio(s, "lab", "fdw", "rate"), 6)


def case_lab_bench(bench, lab):
    seconds, port = bench.n(5, 2), json.loads(lab.run("status", "--json").out)[0]["port"]
    uri = f"postgresql://postgres@/postgres?host={lab.dir}/run&port={port}"  # by its socket, as we come in
    lab.run("run", "--users", "100k", "--progress", "none", "--seconds", "0.2", "--replace")
    query = bench.dir / "point.sql"
    query.write_text("\\set k random(1, 100000)\nSELECT * FROM users WHERE id = :k\n")
    ours = lambda: dict(rate=json.loads(lab.run("bench", "--query", "point", "--on", "main", "--users", 8, "--cpu", "none", "--seconds", seconds, "--json").out)["measures"][0]["rate"])

    def pgbench():
        said = Run(["pgbench", "-n", "-M", "prepared", "-c", 8, "-j", 8, "-T", seconds, "-f", query, uri]).out
        return dict(rate=float(next(l for l in said.splitlines() if l.startswith("tps")).split()[2]))
    s = bench.interleave({"pgbench": pgbench, "lab": ours})
    bench.details["lab bench"] = s
    each = lambda side: f"{statistics.median(column(s, side, 'rate')):,.0f}/s"
    bench.row("look-ups of 8 users on one server, over pgbench's", each("lab"), each("pgbench"), ratio(s, "lab", "pgbench", "rate"), 0.95)


def resharded(lab):
    """From three shards to four and back, while 1,000 writes a second go on."""
    writers = subprocess.Popen(list(map(str, [lab.bench.spate_program, "lab", "check", "--lab", lab.dir, "--seconds", 3600, "--rate", 1000, "--json"])),
                               stdout=subprocess.PIPE, text=True)
    try:
        move, back = (json.loads(lab.run("reshard", *words, "--json").out) for words in (("--shards", 4), ("--rollback",)))
    finally:
        writers.send_signal(signal.SIGINT)
        seen = json.loads(writers.communicate()[0])
    return dict(seconds=move["seconds"], pause=move["pause_ms"], back=back["pause_ms"], moved=move["rows_moved"], lost=seen["lost"] + seen["stale"],
                checked=move["rows_checked"] / move["check_seconds"] / 1e6, write_p99=seen["p99_ms"])


def case_reshard(bench, lab):
    rows = bench.n(3_000_000, 600_000)
    distributed(lab, rows)
    lab.run("check", "--seconds", "0.1")
    s = bench.interleave({"move": lambda: resharded(lab)})
    bench.details["lab reshard"] = s
    seconds = f"{statistics.median(column(s, 'move', 'seconds')):.1f} s"
    for case, key, goal, at_least, unit in (("the longest pause of 1,000 writes/s when rows move from 3 to 4 shards, in ms", "pause", 50, False, "ms"),
                                            ("the same when that is rolled back, in ms", "back", 10, False, "ms"),
                                            ("rows compared meanwhile, in M rows/s", "checked", 1.5, True, "x"),
                                            ("acknowledged writes lost", "lost", 0, False, "x")):
        bench.row(case, seconds, "", column(s, "move", key), goal, at_least=at_least, unit=unit)
    # the writers have 9,600 rows of their own, which move, too
    share = [abs(100 * m / (rows + 9600) - 25) for m in column(s, "move", "moved")]
    bench.row("rows that move, off a quarter, in % of all", "", "", share, 1, at_least=False, unit="%")


def case_lab_budgets(bench, lab):
    """The same questions put to one server and to three, each with a fifth of a processor, and without limits."""
    lab.run("run", "--users", bench.n(1_000_000, 300_000), "--progress", "none", "--seconds", "0.2", "--replace", "--cpu", "none")

    def asked():
        found = {}
        for query, users in ("point", 48), ("total", 2):
            measures = json.loads(lab.run("bench", "--query", query, "--users", users, "--cpu", "0.2", "--seconds", bench.n(8, 4), "--json").out)["measures"]
            rate = {(m["on"], m["cpu"] > 0): m["rate"] for m in measures}
            for limited in False, True:
                found[query, limited] = rate["shards", limited] / rate["main", limited]
        return {f"{query}, {'budgets' if limited else 'free'}": times for (query, limited), times in found.items()}
    s = bench.interleave({"lab": asked})
    bench.details["lab budgets"] = s
    free = lambda query: f"{statistics.median(column(s, 'lab', f'{query}, free')):.2f}x without"
    bench.row("look-ups of three shards over one server's, a fifth of a processor each", "", free("point"), column(s, "lab", "point, budgets"), 2.5)
    bench.row("totals, the same", "", free("total"), column(s, "lab", "total, budgets"), 3)


CASES = {"csv": case_csv, "workers": case_workers, "postgres": case_postgres, "order": case_order, "duckdb": case_duckdb,
         "file": case_file, "memory": case_memory, "first-row": case_first_row,
         "families": case_families, "store": case_store, "ledger": case_ledger, "lab": case_lab, "distribute": in_a_lab(case_distribute),
         "lab-bench": in_a_lab(case_lab_bench), "budgets": in_a_lab(case_lab_budgets), "reshard": in_a_lab(case_reshard),
         "trees": lambda bench: trees.case_trees(bench, Run), "trees-slow": lambda bench: trees.case_trees_slow(bench, Run)}


CASES.update(copies.cases(sys.modules[__name__]))


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} processors, Linux {os.uname().release}, commit {commit or '?'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="fewer rows, three rounds, a billion rows cut off after 15 s")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append", choices=CASES, metavar="CASE")
    parser.add_argument("--dir", default="/var/tmp", help="where files and servers live while it runs")
    parser.add_argument("--json", default=HERE / "last.json")
    args = parser.parse_args()
    bench = Bench(args)
    failures = {}
    try:
        for name in args.only or CASES:
            note(f"{name}:")
            try:
                CASES[name](bench)
            except (Failed, OSError, subprocess.SubprocessError, ValueError) as failure:
                failures[name] = str(failure)
                note(f"  failed: {failure}")
    finally:
        bench.close()
    print(f"{machine()}{', quick' if args.quick else ''}, {bench.rounds} rounds\n")
    print(table_of(bench.rows_of_table))
    for name, why in failures.items():
        print(f"\nCase {name} failed: {why}")
    pathlib.Path(args.json).write_text(json.dumps(
        dict(machine=machine(), quick=args.quick, rounds=bench.rounds, table=bench.rows_of_table, failures=failures,
             samples=bench.details), indent=1))
    missed = [e for e in bench.rows_of_table if e["reached"] == "no"]
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
