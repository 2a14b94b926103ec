#!/usr/bin/env python3
"""The long runs: what needs minutes or luck to go wrong. Every case prints its seed, what it did and what it found.

    soak.py [--minutes N] [--only CASE]... [--seed S] [--kills N] [--build DIR] [--dir DIR]

    fuzz    the plan reader gets random bytes, under AddressSanitizer
    pages   SQLite files of more than 1 GiB, where its locks are, have nothing wrong with them (3 GB of disk)
    kill    spate is killed at random moments while it loads into files and databases; what is left is looked at, and loaded again
    server  PostgreSQL is killed at random moments while it is loaded, and started again
    jobs    jobs between databases and files are disturbed at random moments, in five ways, and resumed: every row is there once
    scale   a million and a billion rows need the same memory
    faults  every n-th allocation and system call fails
    store   a store's writer is killed a thousand times; 20,000 states that a crash may leave of its file; 10,000 flipped bits
    migrate a tree of 20,000 names is copied by processes that are killed while they plan, copy and verify; the journal is counted
    reshard rows move between shards under writers while the mover, and now and then a shard, is killed; nothing is lost
    tree    a plan of 100,000 and of 3 million files needs 64 MiB and 100 bytes a node (3 GB of memory for the files themselves)
    unique  a hundred million cells of every kind of unique column and key are compared (2 GB of memory, ten minutes)

--minutes is shared out among the cases (default 60, of which fuzzing takes a part). kill and server stop early when their share
is over and say how far they came; scale always makes both of its runs. Exit 1: something was found.
"""
import argparse
import collections
import ctypes
import os
import pathlib
import platform
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import soak_lab  # noqa: E402
import soak_trees  # noqa: E402

MIB = 1 << 20


class Finding(Exception):
    """Something is not as promised."""


def promise(kept, *words):
    if not kept:
        raise Finding(" ".join(map(str, words)))


class Soak:
    """One case's means: the program, a directory, a random generator, a deadline and what to tell."""

    def __init__(self, args, name, minutes):
        self.args, self.name = args, name
        self.build = args.build.resolve()
        self.spate = self.build / "spate"
        self.rng = random.Random(f"{args.seed} {name}")
        self.deadline = time.monotonic() + 60 * minutes
        self.minutes = minutes
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"spate-soak-{name}-", dir=args.dir))
        self.dir.chmod(0o755)
        self.findings = []

    def time_left(self):
        return time.monotonic() < self.deadline

    def say(self, *words):
        print(f"{self.name}:", *words, flush=True)

    def found(self, what):
        self.findings.append(str(what))
        self.say("FOUND:", what)


# ---- scale ------------------------------------------------------------------------------------------------------------------

SCALES = (("1 million", 1), ("1 billion", 1000))
CUSTOMERS, PURCHASES = 100_000, 900_000
PEAK_MAX_MIB, PEAK_APART_MIB = 32, 2


def rss_anon_mib(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def peak_of(argv):
    """Runs argv; peak anonymous memory (MiB), samples, seconds."""
    start, peak, samples = time.monotonic(), 0, 0
    with tempfile.TemporaryFile() as err:
        process = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        try:
            while process.poll() is None:
                peak = max(peak, rss_anon_mib(process.pid))
                samples += 1
                time.sleep(0.005 if samples < 2000 else 0.1)
        finally:
            process.kill()
            process.wait()
        err.seek(0)
        promise(process.returncode == 0, f"exit {process.returncode}:", err.read().decode(errors="replace"))
    return peak, samples, time.monotonic() - start


def scale(soak):
    peaks = {}
    for word, times in SCALES:
        rows = ["--rows", f"customer={CUSTOMERS * times}", "--rows", f"purchase={PURCHASES * times}"]
        peak, samples, seconds = peak_of([soak.spate, "generate", ROOT / "bench/plans/memory.yaml", "--to", "sql:/dev/null?format=copy",
                                          "--workers", 2, "--progress", "none", *rows])
        soak.say(f"{word} rows: peak RssAnon {peak:.2f} MiB of {samples} samples, {seconds:.1f} s")
        peaks[word] = peak
        if peak > PEAK_MAX_MIB:
            soak.found(f"{word} rows took {peak:.1f} MiB, more than {PEAK_MAX_MIB}")
    apart = max(peaks.values()) - min(peaks.values())
    if apart > PEAK_APART_MIB:
        soak.found(f"the peaks are {apart:.1f} MiB apart, more than {PEAK_APART_MIB}")


# ---- pages ------------------------------------------------------------------------------------------------------------------

PAGES_ROWS = 17_000_000


def pages(soak):
    for size in (4096, 65536):
        path = soak.dir / f"{size}.sqlite"
        done = subprocess.run([soak.spate, "generate", ROOT / "bench/plans/narrow.yaml", "--to", f"sqlite:{path}?page_size={size}", "--create",
                               "--rows", f"narrow={PAGES_ROWS}", "--progress", "none"], capture_output=True, text=True)
        promise(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
        promise(path.stat().st_size > 1 << 30, f"{path} has only {path.stat().st_size} bytes")
        db = sqlite3.connect(path)
        promise(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "integrity_check:", db.execute("PRAGMA integrity_check(3)").fetchall())
        found = db.execute("SELECT count(*), min(id), max(id) FROM narrow").fetchone()
        promise(found == (PAGES_ROWS, 1, PAGES_ROWS), f"rows {found}")
        db.close()
        path.unlink()
        soak.say(f"pages of {size} bytes: ok")


# ---- fuzz -------------------------------------------------------------------------------------------------------------------


def fuzz(soak):
    fuzz_one(soak, "plan", [ROOT / "examples"])
    fuzz_one(soak, "rows", [])


def fuzz_one(soak, name, more):
    new = soak.dir / f"new-{name}"
    new.mkdir()
    seed = soak.rng.randrange(1, 1 << 31)
    corpus = [HERE / "fuzz/corpus" / name, *more]
    log = soak.dir / "log"
    with open(log, "w") as out:
        done = subprocess.run([soak.build / f"tests/fuzz_{name}", f"-seed={seed}", f"-max_total_time={int(30 * soak.minutes)}", "-timeout=20",
                               "-rss_limit_mb=0", "-malloc_limit_mb=1000", "-max_len=8192", f"-dict={HERE}/fuzz/{name}.dict", f"-artifact_prefix={soak.dir}/", "-print_final_stats=1",
                               new, *corpus], cwd=soak.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    text = log.read_text(errors="replace")
    stats = dict(line[6:].split(": ") for line in text.splitlines() if line.startswith("stat::"))
    soak.say(f"fuzz_{name} seed {seed}: {stats.get('number_of_executed_units', '?').strip()} runs,",
             f"{len(list(new.iterdir()))} inputs kept")
    if done.returncode != 0:
        soak.found(f"fuzz_{name} exit {done.returncode}: {text[-1500:]}")


# ---- faults -----------------------------------------------------------------------------------------------------------------


def faults(soak):
    for build in (soak.build, soak.build.parent / "build-asan"):
        program = build / "tests/test_faults"
        if not program.exists():
            soak.say(f"{program} is not built")
            continue
        done = subprocess.run([program], capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp"})
        soak.say(f"{build.name}: " + "; ".join(line[2:] for line in done.stdout.splitlines() if line.startswith("# ")))
        if done.returncode != 0:
            soak.found(f"{program}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


# ---- trees ------------------------------------------------------------------------------------------------------------------


def migrate(soak):
    soak_trees.migrate(soak, promise)


def reshard(soak):
    soak_lab.reshard(soak, promise)


def tree(soak):
    soak_trees.tree_scale(soak, promise, peak_of)


# ---- unique -----------------------------------------------------------------------------------------------------------------


def unique(soak):
    rows = 100_000_000
    seed = soak.rng.randrange(1, 1 << 31)
    start = time.monotonic()
    done = subprocess.run([soak.build / "tests/test_unique"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "SPATE_UNIQUE_ROWS": str(rows), "SPATE_TEST_SEED": str(seed)})
    soak.say(f"seed {seed}: {rows} rows each, {time.monotonic() - start:.0f} s: {done.stdout.count('ok ') - done.stdout.count('not ok ')} groups hold")
    if done.returncode != 0:
        soak.found(f"test_unique: exit {done.returncode}\n{done.stdout[-2000:]}")


# ---- kill: the plan and the targets ------------------------------------------------------------------------------------------

BATCH = 2000
ROWS = {"parent": 60_000, "child": 240_000}
TABLES = """
seed: %d
tables:
  - name: parent
    rows: 60_000
    columns:
      - {name: id, inc: 0, primary_key: true}
      - {name: code, range: int, unique: true, props: {min: 0, max: 1_000_000_000}}
      - {name: country, value: "${country}", "null": 0.1}
  - name: child
    rows: 240_000
    columns:
      - {name: id, inc: 0, primary_key: true}
      - {name: parent_id, ref: parent.id, distribution: zipf}
      - {name: state, set: [sent, paid, open], weights: [1, 2, 7]}
      - {name: note, range: string, props: {min: 5, max: 30}}
"""
COLUMNS = {"parent": "id, code, country", "child": "id, parent_id, state, note"}
POSTGRES_TABLES = """
CREATE TABLE parent (id bigint PRIMARY KEY, code bigint UNIQUE, country text);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint NOT NULL, state text NOT NULL, note text NOT NULL);
ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id);
"""


def same_files(a, b):
    return a.stat().st_size == b.stat().st_size and a.read_bytes() == b.read_bytes()


class Files:
    """A directory of CSV files, or one script: nothing has its final name but whole files, and what is partial is a beginning."""

    def __init__(self, soak, name, directory, words=()):
        self.soak, self.name, self.directory = soak, name, directory
        self.words = ["--truncate", "--rows", "parent=300k", "--rows", "child=1200k", *words]  # files are written faster
        self.whole = soak.dir / f"{name}.whole"
        self.names = ["parent.csv", "child.csv"] if directory else ["all.sql"]
        self.torn = 0

    def place(self, folder):
        return f"{folder}/" if self.directory else f"{folder}/all.sql"

    def make_whole(self):
        self.whole.mkdir()
        self.load(self.whole)

    def load(self, folder):
        run_whole(self.soak, self.place(folder), *self.words)

    def fresh(self):
        self.folder = self.soak.dir / f"{self.name}.now"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        return [self.place(self.folder), *self.words]

    def look(self):
        for name in self.names:
            whole, final, partial = self.whole / name, self.folder / name, self.folder / f"{name}.partial"
            if final.exists():
                promise(same_files(final, whole), f"{final} has its final name and is not whole")
            if partial.exists():
                got = partial.read_bytes()
                promise(whole.read_bytes()[:len(got)] == got, f"{partial} is not how the whole file begins")
                self.torn += bool(got) and not got.endswith(b"\n")
        unknown = {p.name for p in self.folder.iterdir()} - {n + e for n in self.names for e in ("", ".partial")}
        promise(not unknown, f"unexpected files {unknown}")

    def again(self):
        self.load(self.folder)
        for name in self.names:
            promise(same_files(self.folder / name, self.whole / name), f"{name}: not the same after loading again")
        promise(not list(self.folder.glob("*.partial")), "a partial file is left")

    def remarks(self):
        return f"{self.torn} cut inside a line"


class Database:
    """What databases have in common: rows read back as lines, in chunks known by their id."""

    def make_whole(self):
        target = self.fresh()
        run_whole(self.soak, *target)
        self.whole = {t: self.lines(t) for t in ROWS}
        for table, rows in ROWS.items():
            promise(len(self.whole[table]) == rows, f"{table} has {len(self.whole[table])} rows of {rows}")
        self.keys = self.constraints()

    def look(self):
        self.check_file()
        for table in self.tables_there():
            self.whole_chunks(table, self.lines(table))

    def whole_chunks(self, table, lines):
        got = set(lines)
        promise(len(got) == len(lines), f"{table}: {len(lines) - len(got)} rows are there twice")
        strange = got - set(self.whole[table])
        promise(not strange, f"{table}: {len(strange)} rows that no whole load has: {sorted(strange)[:3]}")
        chunks = collections.Counter(int(line.split(",", 1)[0]) // self.chunk for line in lines)
        for number, rows in chunks.items():
            want = min(self.chunk, ROWS[table] - number * self.chunk)
            promise(rows == want, f"{table}: {rows} rows of the chunk that begins at row {number * self.chunk}, not {want}")

    def again(self):
        there = sorted(self.tables_there()) == sorted(ROWS)
        plain = there and self.soak.rng.random() < 0.5
        run_whole(self.soak, *self.target(create=not plain), "--truncate")
        self.check_file()
        for table in ROWS:
            promise(sorted(self.lines(table)) == sorted(self.whole[table]), f"{table}: not the same after loading again")
        if not plain:
            promise(self.constraints() == self.keys, f"constraints are {self.constraints()}, not {self.keys}")
        self.lost_keys += self.constraints() != self.keys

    lost_keys = 0
    chunk = BATCH

    def remarks(self):
        return f"{self.lost_keys} without all keys after --truncate alone" if self.lost_keys else ""


class Sqlite(Database):
    def __init__(self, soak):
        self.soak, self.name, self.file = soak, "sqlite", soak.dir / "now.sqlite"

    def fresh(self):
        for path in self.soak.dir.glob("now.sqlite*"):
            path.unlink()
        return self.target(create=True)

    def target(self, create):
        return [self.file, "--batch", BATCH, *(["--create"] if create else [])]

    def ask(self, sql):
        if not self.file.exists():
            return []
        db = sqlite3.connect(self.file)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def tables_there(self):
        return [r[0] for r in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'") if r[0] in ROWS]

    def lines(self, table):
        return [",".join(map(str, row)) for row in self.ask(f"SELECT {COLUMNS[table]} FROM {table}")]

    def constraints(self):
        return sorted(self.ask("SELECT type, name, sql FROM sqlite_master"), key=str)

    def check_file(self):
        if self.file.exists():
            promise(self.ask("PRAGMA integrity_check") == [("ok",)], "integrity_check:", self.ask("PRAGMA integrity_check")[:3])
            promise(not self.ask("PRAGMA foreign_key_check"), "orphans")


class Duckdb(Database):
    def __init__(self, soak):
        self.soak, self.name, self.file = soak, "duckdb", soak.dir / "now.duckdb"
        self.library = ctypes.CDLL(str(ROOT / "deps/duckdb/libduckdb.so"))
        self.need_writer = 0

    def fresh(self):
        for path in self.soak.dir.glob("now.duckdb*"):
            path.unlink()
        return self.target(create=True)

    def target(self, create):
        return [self.file, "--batch", BATCH, *(["--create"] if create else [])]

    def ask(self, sql):
        if not self.file.exists():
            return []
        done = subprocess.run([self.soak.spate, "query", self.file, sql, "--format", "csv"], capture_output=True, text=True)
        promise(done.returncode == 0, "DuckDB does not open or answer:", done.stderr)
        return done.stdout.splitlines()[1:]

    def open_for_writing(self):
        """As its next writer would: the log is replayed, and folded in at the end."""
        database = ctypes.c_void_p()
        failed = self.library.duckdb_open(str(self.file).encode(), ctypes.byref(database))
        self.library.duckdb_close(ctypes.byref(database))
        promise(not failed, "DuckDB does not open for writing")

    def check_file(self):
        """DuckDB cannot always open a killed writer's file for reading only: counted, and opened for writing once."""
        if not self.file.exists():
            return
        done = subprocess.run([self.soak.spate, "query", self.file, "SELECT 1"], capture_output=True, text=True)
        if done.returncode != 0:
            promise("replaying WAL" in done.stderr, "DuckDB does not open:", done.stderr)
            self.need_writer += 1
            self.open_for_writing()
        self.ask("SELECT 1")

    def remarks(self):
        words = [super().remarks(), f"{self.need_writer} could not be read before they were opened for writing" if self.need_writer else ""]
        return ", ".join(filter(None, words))

    def tables_there(self):
        return [name for name in self.ask("SELECT table_name FROM duckdb_tables()") if name in ROWS]

    def lines(self, table):
        return self.ask(f"SELECT {COLUMNS[table]} FROM {table}")

    def constraints(self):
        return sorted(self.ask("SELECT table_name, constraint_text FROM duckdb_constraints()"))


class InPostgres(Database):
    """Tables that spate creates, or tables with foreign keys that are there and are deferred."""

    def __init__(self, soak, server, name, deferring):
        self.soak, self.server, self.name, self.deferring = soak, server, name, deferring

    def fresh(self):
        self.server.database(self.name)
        if self.deferring:
            self.server.psql(POSTGRES_TABLES, self.name)
        return self.target(create=True)

    def target(self, create):
        how = ["--defer-constraints"] if self.deferring else ["--create"] if create else []
        return [self.server.uri(self.name), "--batch", BATCH, *how]

    def again(self):
        self.wait_until_alone()
        super().again()

    def wait_until_alone(self):
        deadline = time.monotonic() + 60
        while self.server.value(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spate' AND datname = '{self.name}'") != "0":
            promise(time.monotonic() < deadline, "the killed program's connections do not end")
            time.sleep(0.02)

    def check_file(self):
        self.wait_until_alone()

    def tables_there(self):
        return [r[0] for r in self.server.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", self.name) if r[0] in ROWS]

    def lines(self, table):
        return [",".join(row) for row in self.server.psql(f"SELECT {COLUMNS[table]} FROM {table}", self.name)]

    def constraints(self):
        return self.server.psql("SELECT conrelid::regclass, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
                                " WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f') ORDER BY 1, 2, 4", self.name)


# ---- kill -------------------------------------------------------------------------------------------------------------------


def words_of(soak, to, *more):
    return list(map(str, [soak.spate, "generate", soak.plan, "--to", to, "--workers", 2, "--progress", "none", *more]))


def run_whole(soak, to, *more):
    done = subprocess.run(words_of(soak, to, *more), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    promise(done.returncode == 0, f"loading the whole: exit {done.returncode}: {done.stderr}")


def start(soak, to, *more):
    return subprocess.Popen(words_of(soak, to, *more), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def one_kill(soak, target, seconds):
    """Starts, kills after a while, looks, loads again. False: it had ended before."""
    to, *more = target.fresh()
    moment = soak.rng.uniform(0, seconds)
    process = start(soak, to, *more)
    time.sleep(moment)
    process.kill()
    if process.wait() != -signal.SIGKILL:
        promise(process.returncode == 0, f"exit {process.returncode} before it was killed")
        return False
    try:
        target.look()
        target.again()
    except Finding as what:
        raise Finding(f"{target.name}, killed after {moment:.3f} s of {seconds:.2f}: {what}") from None
    return True


def time_of(soak, target):
    to, *more = target.fresh()
    begin = time.monotonic()
    promise(start(soak, to, *more).wait() == 0, f"{target.name} cannot be loaded")
    return time.monotonic() - begin


def kill_targets(soak, server):
    return [Files(soak, "csv directory", True), Files(soak, "sql insert", False), Files(soak, "sql copy", False, ["--insert-mode", "copy"]),
            Sqlite(soak), Duckdb(soak), InPostgres(soak, server, "created", False), InPostgres(soak, server, "deferred", True)]


def kill(soak):
    from live.servers import Postgres
    soak.plan = soak.dir / "plan.yaml"
    soak.plan.write_text(TABLES % soak.rng.randrange(1 << 31))
    with Postgres() as server:
        targets = kill_targets(soak, server)
        times, kills, early = {}, collections.Counter(), collections.Counter()
        for target in targets:
            target.make_whole()
            times[target.name] = time_of(soak, target)
        while sum(kills.values()) < soak.args.kills and soak.time_left() and len(soak.findings) < 5:
            target = targets[(sum(kills.values()) + len(soak.findings)) % len(targets)]
            try:
                if one_kill(soak, target, times[target.name]):
                    kills[target.name] += 1
                else:
                    early[target.name] += 1
                    times[target.name] *= 0.98
            except Finding as what:
                soak.found(what)
    for target in targets:
        remarks = target.remarks()
        soak.say(f"{target.name}: killed {kills[target.name]} times, ended before {early[target.name]} times{', ' + remarks if remarks else ''}")
    soak.say(f"{sum(kills.values())} kills")


# ---- server -----------------------------------------------------------------------------------------------------------------

SERVER_KILLS = 20


def one_server_kill(soak, server, target, seconds):
    to, *more = target.fresh()
    moment = soak.rng.uniform(0.05, seconds)
    with tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(words_of(soak, to, *more), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        time.sleep(moment)
        server.kill9()
        code = process.wait(120)
        err.seek(0)
        words = err.read()
    server.start()
    try:
        promise(code in (0, 3), f"exit {code}: {words}")
        target.look()
        target.again()
    except Finding as what:
        raise Finding(f"server killed after {moment:.3f} s of {seconds:.2f}: {what}") from None
    return code == 3


def server(soak):
    from live.servers import Postgres
    soak.plan = soak.dir / "plan.yaml"
    soak.plan.write_text(TABLES % soak.rng.randrange(1 << 31))
    with Postgres() as postgres:
        target = InPostgres(soak, postgres, "crashing", True)
        target.make_whole()
        seconds, kills, early = time_of(soak, target), 0, 0
        while kills < SERVER_KILLS and soak.time_left() and not soak.findings:
            if one_server_kill(soak, postgres, target, seconds):
                kills += 1
            else:
                early += 1
                seconds *= 0.95
    soak.say(f"killed {kills} times while it was loaded, {early} times after")


# ---- store ------------------------------------------------------------------------------------------------------------------

STORE_RUNS = (("test_store_crash", {"SPATE_KILLS": "1000", "SPATE_CRASHES": "20000"}), ("test_store_damage", {"SPATE_FLIPS": "10000"}))


def store(soak):
    for program, numbers in STORE_RUNS:
        seed = soak.rng.randrange(1 << 31)
        done = subprocess.run([soak.build / "tests" / program], env=os.environ | numbers | {"SPATE_SEED": str(seed)}, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            if line.startswith("# "):
                soak.say(line[2:])
        if done.returncode:
            soak.found(f"{program} with {numbers}, seed {seed}: exit {done.returncode}")


# ---- jobs -------------------------------------------------------------------------------------------------------------------

JOB_KILLS = 200
JOB_ROWS = 250_000
JOB_PLAN = f"""
seed: %d
tables:
  - name: child
    rows: {JOB_ROWS}
    columns:
      - {{name: id, inc: 1, primary_key: true}}
      - {{name: note, range: string, props: {{min: 5, max: 60}}}}
"""


class PostgresSide:
    """What disturbing jobs takes of a server, and what is to be read from it."""
    counted = "SELECT count(*), count(DISTINCT id), sum(hashtext(id || ' ' || note)::bigint) FROM child"

    def __init__(self, server):
        self.server, self.database, self.uri = server, server.database, server.uri

    def sum_of(self, db):
        return self.server.psql(self.counted, db)[0]

    def left_in(self, db):
        return self.server.psql("SELECT relname FROM pg_class WHERE relname LIKE 'spate%'", db)

    def cut(self, most):
        for (pid,) in self.server.psql("SELECT pid FROM pg_stat_activity WHERE application_name = 'spate'")[:most]:
            self.server.psql(f"SELECT pg_terminate_backend({pid})")

    def crash(self):
        self.server.kill9()
        self.server.start()


class MariaDBSide:
    counted = "SELECT count(*), count(DISTINCT id), sum(crc32(concat(id, ' ', note))) FROM child"

    def __init__(self, server):
        self.server, self.database, self.uri = server, server.database, server.uri
        self.keep_commits()

    def keep_commits(self):
        """Those that were acknowledged outlive the server's process."""
        self.server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2")

    def sum_of(self, db):
        return self.server.sql(self.counted, db)[0]

    def left_in(self, db):
        return self.server.sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{db}' AND table_name LIKE '%spate%'")

    def cut(self, most):
        for (pid,) in self.server.sql("SELECT id FROM information_schema.processlist WHERE db LIKE 'jobs%' OR command = 'Binlog Dump'")[:most]:
            try:
                self.server.sql(f"KILL {pid}")
            except RuntimeError:  # it has gone by itself
                pass

    def crash(self):
        self.server.kill9()
        self.server.start()
        self.keep_commits()


class Jobs:
    """Commands with a job, and what is to be in their targets at the end."""

    def __init__(self, soak, postgres, mariadb):
        self.soak, self.sides = soak, {"postgres": PostgresSide(postgres), "mariadb": MariaDBSide(mariadb)}
        self.ledger, self.n, self.count = soak.dir / "jobs", 0, collections.Counter()
        self.plan = soak.dir / "jobs.yaml"
        self.plan.write_text(JOB_PLAN % soak.rng.randrange(1 << 31))
        self.csv = soak.dir / "child.csv"
        self.run("generate", self.plan, "--to", self.csv)
        self.sources, self.sums = {"generate": self.plan, "csv": self.csv}, {}
        for name, side in self.sides.items():
            self.sources[name] = side.uri(side.database("jobs_source"))
            self.run("generate", self.plan, "--to", self.sources[name], "--create")
            self.sums[name] = side.sum_of("jobs_source")

    def run(self, *words):
        done = subprocess.run([self.soak.spate, *map(str, words), "--progress", "none"], capture_output=True, text=True)
        promise(done.returncode == 0, f"{words[0]}: exit {done.returncode}: {done.stderr}")

    def words(self, source, target, db):
        to = self.sides[target].uri(db) if target in self.sides else self.soak.dir / f"{db}.{target}"
        where = ["generate", self.plan, "--to", to] if source == "generate" else ["copy", self.sources[source], to]
        return [*where, "--create", "--job", db, "--batch", 5000, "--workers", 2, "--progress", "none"]

    def start(self, words, ledger):
        return subprocess.Popen([str(w) for w in (self.soak.spate, *words, "--ledger", ledger)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def disturb(self, how, side, run, words):
        """The run that came to an end at last, and what it said."""
        if how == "client":
            run.kill()
        elif how == "backend":
            side.cut(1)
        elif how == "cut":
            side.cut(None)
        elif how == "server":
            side.crash()
        elif how == "fence":
            run.send_signal(signal.SIGSTOP)
            copied = self.soak.dir / f"jobs{self.n}"
            self.n += 1
            shutil.copytree(self.ledger, copied)
            successor = self.start(words, copied)
            time.sleep(self.soak.rng.uniform(0, 0.5))
            run.send_signal(signal.SIGCONT)
            said, of_successor = run.communicate()[1], successor.communicate()[1]
            if run.returncode == 0:  # it was through before the other began
                return run, said
            self.ledger = copied
            return successor, of_successor
        return run, run.communicate()[1]

    def choose(self, source, target):
        """How, and on which side. A MariaDB that was started anew cannot say whether its rows are as they were."""
        how = self.soak.rng.choices(["client", "backend", "cut", "server", "fence"], [8, 3, 3, 1, 2])[0]
        name = self.soak.rng.choice([n for n in (source, target) if n in self.sides])
        if target == "duckdb" and how == "fence" or how == "server" and name == source == "mariadb":
            how = "client"
        return how, name

    def one(self, source, target):
        pair, told = f"{source} to {target}", []
        db = (self.sides.get(target) or self.sides["postgres"]).database(f"jobs_{self.n}")
        self.n += 1
        words = self.words(source, target, db)
        for _ in range(100):
            run = self.start(words, self.ledger)
            how, name = self.choose(source, target)
            try:
                _, said = run.communicate(timeout=self.soak.rng.uniform(0.02, 0.8))
            except subprocess.TimeoutExpired:
                self.count[how] += 1
                told.append(f"{how} of {name}" if how in ("backend", "cut", "server") else how)
                run, said = self.disturb(how, self.sides[name], run, words)
            promise(run.returncode in (0, -9, 2, 3, 4, 5), f"{pair}, {told}: exit {run.returncode}: {said}")
            promise(run.returncode not in (2, 4) or "taken over" in said or "is running already" in said or "fence" in told, f"{pair}, {told}: {said}")
            if run.returncode == 0:
                return self.look(pair, target, db, told)
        promise(False, f"{pair}, {told}: it does not come to an end: {said}")

    def look(self, pair, target, db, told):
        side, name = self.sides.get(target), target
        if not side:
            side, name = self.sides["postgres"], "postgres"
            back = side.database("jobs_back")
            self.run("copy", self.soak.dir / f"{db}.{target}", side.uri(back), "--create")
            db = back
        got, left = side.sum_of(db), side.left_in(db)
        promise(not left, f"{pair}, {told}: the target still has {left}")
        promise(got == self.sums[name], f"{pair}, {told}: {got} is not {self.sums[name]}")


JOB_PAIRS = [("generate", "postgres"), ("csv", "mariadb"), ("postgres", "postgres"), ("mariadb", "postgres"), ("postgres", "duckdb"),
             ("csv", "postgres"), ("postgres", "mariadb"), ("generate", "mariadb"), ("mariadb", "mariadb")]


def jobs(soak):
    from live.servers import MariaDB, Postgres
    with Postgres() as postgres, MariaDB() as mariadb:
        all_jobs, n = Jobs(soak, postgres, mariadb), 0
        while sum(all_jobs.count.values()) < JOB_KILLS and soak.time_left() and not soak.findings:
            try:
                all_jobs.one(*JOB_PAIRS[n % len(JOB_PAIRS)])
            except (Finding, RuntimeError) as what:
                soak.found(f"{what}\nMariaDB's log ends: {mariadb.log()[-12000:]}")
            n += 1
    soak.say(f"{n} jobs, disturbed {sum(all_jobs.count.values())} times: {dict(all_jobs.count)}")


# ---- the frame --------------------------------------------------------------------------------------------------------------

# A case's function and its share of the minutes.
CASES = {
    "fuzz": (fuzz, 0.15),
    "faults": (faults, 0.05),
    "pages": (pages, 0.05),
    "kill": (kill, 0.15),
    "jobs": (jobs, 0.1),
    "server": (server, 0.1),
    "store": (store, 0.02),
    "scale": (scale, 0.08),
    "reshard": (reshard, 0.1),
    "migrate": (migrate, 0.1),
    "tree": (tree, 0.05),
    "unique": (unique, 0.05),
}


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def run_case(args, name):
    function, share = CASES[name]
    soak = Soak(args, name, args.minutes * (share if len(args.only) != 1 else 1))
    soak.say(f"seed {args.seed}, {soak.minutes:.1f} minutes")
    start = time.monotonic()
    try:
        function(soak)
    except Finding as what:
        soak.found(what)
    finally:
        if not soak.findings:
            shutil.rmtree(soak.dir, ignore_errors=True)
    kept = f"; see {soak.dir}" if soak.findings else ""
    soak.say(f"{len(soak.findings)} findings in {time.monotonic() - start:.0f} s{kept}")
    return len(soak.findings)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers are stopped on the way out
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored, and by all that is started, too
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--minutes", type=float, default=60, help="for all cases together (60)")
    args.add_argument("--only", action="append", choices=list(CASES), help="only this case; may be given again")
    args.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="of the random moments")
    args.add_argument("--kills", type=int, default=100, help="of spate: over all targets, of migrations, of movers of rows (100)")
    args.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    args.add_argument("--dir", type=pathlib.Path, help="where the scratch files go")
    args = args.parse_args()
    args.only = args.only or list(CASES)
    print(f"soak: commit {commit()}, {platform.machine()}, Linux {platform.release()}, {os.cpu_count()} processors, "
          f"{time.strftime('%Y-%m-%d')}", flush=True)
    findings = sum(run_case(args, name) for name in args.only)
    print(f"soak: {findings} findings", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
