"""Cases of bench/run.py: rows between databases, beside the programs that people move rows with."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import statistics
import subprocess
import time


class MariaDB:
    """A server of our own below dir, on a Unix socket only. Its buffers hold what is measured, as a server's for such work would."""

    def __init__(self, h, dir):
        if not shutil.which("mariadbd"):
            raise h.Failed("MariaDB's server is not installed")
        self.h, self.dir = h, dir / "mariadb"
        self.dir.mkdir()
        self.socket = self.dir / "socket"
        self.as_user = {}
        name = pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            name, self.as_user = "nobody", dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=self.dir, **self.as_user)
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/data", "--auth-root-authentication-method=normal",
                        "--skip-test-db", f"--user={name}"], check=True, **quiet)
        self.server = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.dir}/data", f"--socket={self.socket}", "--skip-networking", f"--tmpdir={self.dir}",
             "--innodb-buffer-pool-size=1536M", "--innodb-log-file-size=2G", "--skip-log-bin", "--local-infile=1", "--secure-file-priv="], **quiet)
        for _ in range(400):
            if subprocess.run(self.client("SELECT 1"), capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise h.Failed("MariaDB does not start")

    def client(self, sql, database="mysql"):
        return ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "--local-infile=1", "--batch", "--skip-column-names", database, "-e", sql]

    def sql(self, sql, database="mysql"):
        done = subprocess.run(self.client(sql, database), capture_output=True, text=True)
        if done.returncode:
            raise self.h.Failed(done.stderr)
        return done.stdout.strip()

    def uri(self, database):
        return f"mysql://root@/{database}?socket={self.socket}"

    def cpu(self):
        fields = open(f"/proc/{self.server.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / self.h.TICKS

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(120)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


def with_mariadb(h, measure):
    def case(bench):
        server = bench.server = MariaDB(h, bench.dir)
        try:
            measure(h, bench, server)
        finally:
            bench.server = None
            server.stop()
            shutil.rmtree(server.dir, ignore_errors=True)
    return case


def timed(h, server, rows, argv):
    before = server.cpu()
    run = h.Run(argv)
    taken = server.cpu() - before
    return dict(rate=rows / run.wall, client_cpu=run.cpu, server_cpu=taken, client_share=run.cpu / max(taken, 0.01))


# ---- MariaDB -------------------------------------------------------------------------------------------------------------

NARROW = "CREATE TABLE narrow (id bigint PRIMARY KEY, uid uuid NOT NULL, ts datetime(6) NOT NULL, n int NOT NULL)"


def mariadb_in(h, bench, server):
    rows = bench.n(2_000_000, 400_000)
    server.sql("CREATE DATABASE b; CREATE DATABASE l")
    server.sql(NARROW, "b")
    lines = bench.dir / "narrow.tsv"
    bench.spate("narrow", server.uri("b"), 1, {"narrow": rows})
    server.sql(f"SELECT * INTO OUTFILE '{server.dir}/all.tsv' FROM narrow ORDER BY id", "b")
    shutil.copy(server.dir / "all.tsv", lines)
    h.Run(["split", "-n", "l/2", lines, bench.dir / "half."])
    dump = bench.dir / "dump"
    h.Run(["mydumper", f"--socket={server.socket}", "--user=root", "--database=b", f"--outputdir={dump}", "--rows=100000", "--threads=2"])

    def load(argv, database="b"):
        server.sql(f"DROP TABLE IF EXISTS narrow; {NARROW}", database)
        server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0; DO SLEEP(0.5); SET GLOBAL innodb_max_dirty_pages_pct = 90")
        taken = timed(h, server, rows, argv)
        if int(server.sql("SELECT count(*) FROM narrow", database)) != rows:
            raise h.Failed(f"not {rows} rows in the table: {argv}")
        return taken

    spate = lambda workers, mode: lambda: load([bench.spate_program, "generate", h.PLANS / "narrow.yaml", "--to", server.uri("b"), "--workers", workers,
                                                "--rows", f"narrow={rows}", "--insert-mode", mode, "--progress", "none"])
    local = lambda file: " ".join(f"'{w}'" for w in server.client(f"LOAD DATA LOCAL INFILE \"{file}\" INTO TABLE narrow", "b"))
    s = bench.interleave({
        "LOCAL": lambda: load(["bash", "-c", local(lines)]),
        "one": spate(1, "insert"),
        "LOCAL 2": lambda: load(["bash", "-c", f"{local(bench.dir / 'half.aa')} & {local(bench.dir / 'half.ab')}; wait"]),
        "two": spate(2, "insert"),
        "by file": spate(1, "copy"),
        "myloader": lambda: load(["myloader", f"--socket={server.socket}", "--user=root", "--database=l", f"--directory={dump}", "--threads=2",
                                  "--overwrite-tables"], "l"),
    })
    bench.details["mariadb in"] = s
    over = lambda a, b: h.ratio(s, a, b, "rate")
    bench.row("narrow into MariaDB, generated, one connection, over LOAD DATA LOCAL of a file", h.million(s, "one"), h.million(s, "LOCAL"), over("one", "LOCAL"), 1.2)
    bench.row("the same, two connections each", h.million(s, "two"), h.million(s, "LOCAL 2"), over("two", "LOCAL 2"), 1.2)
    bench.row("narrow into MariaDB, two connections, over myloader with two threads", h.million(s, "two"), h.million(s, "myloader"), over("two", "myloader"), 1.4)
    bench.row("LOAD DATA LOCAL out of memory, generated, over one of a file", h.million(s, "by file"), h.million(s, "LOCAL"), over("by file", "LOCAL"), 0.95)
    bench.row("client's CPU in % of the server's, two connections in", f"{statistics.median(h.column(s, 'two', 'client_cpu')):.2f} s",
              f"{statistics.median(h.column(s, 'two', 'server_cpu')):.2f} s", [100 * x for x in h.column(s, "two", "client_share")], 15, at_least=False, unit="%")


def mariadb_out(h, bench, server):
    """700 columns; the table gets a key that counts, so that ranges can be read."""
    rows = bench.n(60_000, 15_000)
    server.sql("CREATE DATABASE w")
    bench.spate("wind", server.uri("w"), 2, {"wind": 0}, "--create")
    server.sql("ALTER TABLE wind ADD COLUMN id bigint AUTO_INCREMENT PRIMARY KEY FIRST", "w")
    bench.spate("wind", server.uri("w"), 2, {"wind": rows})
    text = lambda: timed(h, server, rows, ["bash", "-c", " ".join(f"'{w}'" for w in server.client("SELECT * FROM wind", "w")) + " --quick > /dev/null"])
    drain = lambda readers: lambda: timed(h, server, rows, [bench.peer("drain"), server.uri("w"), "wind", readers])
    store = bench.dir / "wind.spate"

    def copied():
        store.unlink(missing_ok=True)
        return timed(h, server, rows, [bench.spate_program, "copy", server.uri("w"), store, "--table", "wind", "--workers", 2, "--progress", "none"])

    s = bench.interleave({"text": text, "one": drain(1), "two": drain(2), "store": copied})
    bench.details["mariadb out"] = s
    share = lambda side: [100 * x for x in h.column(s, side, "client_share")]
    cpu = lambda side, key: f"{statistics.median(h.column(s, side, key)):.2f} s"
    for side, words in (("one", "one reader"), ("two", "two readers")):
        bench.row(f"700 columns out of MariaDB, {words}: client's CPU in % of the server's", cpu(side, "client_cpu"), cpu(side, "server_cpu"), share(side), 25,
                  at_least=False, unit="%")
    bench.row("700 columns out of MariaDB, one reader, over the client's own text", h.million(s, "one"), h.million(s, "text"), h.ratio(s, "one", "text", "rate"), None)
    bench.row("700 columns out of MariaDB into a store, two workers, over one reader", h.million(s, "store"), h.million(s, "one"),
              h.ratio(s, "store", "one", "rate"), None)


def mariadb_memory(h, bench, server):
    server.sql("CREATE DATABASE m")
    server.sql(NARROW, "m")
    run = bench.spate("narrow", server.uri("m"), 4, {"narrow": bench.n(2_000_000, 500_000)}, peak=True)
    bench.disturbed = False
    bench.row("peak memory into MariaDB, four connections", f"{run.rss_anon_kib / 1024:.1f} MiB", "100 MiB", [run.rss_anon_kib / 1024], 100, at_least=False, unit="MiB")
    run = h.Run([bench.spate_program, "copy", server.uri("w"), bench.dir / "m.spate", "--table", "wind", "--workers", 4, "--progress", "none"], peak=True)
    bench.row("peak memory out of MariaDB, 700 columns, four connections, into a store", f"{run.rss_anon_kib / 1024:.1f} MiB", "100 MiB",
              [run.rss_anon_kib / 1024], 100, at_least=False, unit="MiB")


def case_mariadb(h, bench, server):
    mariadb_in(h, bench, server)
    mariadb_out(h, bench, server)
    mariadb_memory(h, bench, server)


# ---- PostgreSQL to PostgreSQL --------------------------------------------------------------------------------------------


def case_copy(h, bench, pg):
    """Out of one database of a server into another: users alone, and the shop's six tables."""
    rows, target = bench.n(3_000_000, 600_000), pg.uri.replace("///postgres?", "///target?")
    psql = f"{pg.tools}/psql -X -q -v ON_ERROR_STOP=1 -d"
    clean = lambda: pg.sql("DROP DATABASE IF EXISTS target WITH (FORCE)", "CREATE DATABASE target", "CHECKPOINT")
    there = lambda sql: h.Run([pg.tools / "psql", "-X", "-q", "-A", "-t", "-d", target, "-c", sql]).out.strip()

    def into(argv, table, rows, before=None):
        def run():
            clean()
            if before:
                there(before)
            took = h.Run(argv)
            if int(there(f"SELECT count(*) FROM {table}")) != rows:
                raise h.Failed(f"not {rows} rows in {table}: {' '.join(took.argv)}")
            return dict(rate=rows / took.wall, client_cpu=took.cpu, wall=took.wall)
        return run

    def pgcopydb():
        work = bench.dir / "pgcopydb"
        shutil.rmtree(work, ignore_errors=True)
        return ["env", f"PGUSER=postgres", f"PATH={pg.tools}:{os.environ['PATH']}", "pgcopydb", "clone", "--source", pg.uri, "--target", target, "--dir", work,
                "--table-jobs", "2", "--index-jobs", "2", "--no-owner", "--no-comments", "--skip-extensions"]

    pg.sql(h.USERS_TABLE.format(key=""))
    bench.spate("users", pg.uri, 2, {"users": rows})
    pg.sql("VACUUM ANALYZE users")
    copy = lambda workers, *more: [bench.spate_program, "copy", pg.uri, target, "--workers", workers, "--progress", "none", *more]
    made = h.USERS_TABLE.format(key="")
    s = bench.interleave({
        "pipe": into(["bash", "-c", f"{psql} '{pg.uri}' -c 'COPY users TO STDOUT (FORMAT binary)' | {psql} '{target}' -c 'COPY users FROM STDIN (FORMAT binary)'"],
                     "users", rows, made),
        "one": into(copy(1, "--table", "users"), "users", rows, made),
        "two": into(copy(2, "--table", "users"), "users", rows, made),
        "pgcopydb": lambda: into(pgcopydb(), "users", rows)(),
        "whole": into(copy(2, "--create"), "users", rows),
    })
    bench.details["copy users"] = s
    bench.row("users from PostgreSQL to PostgreSQL, one worker, over a pipe of COPY BINARY", h.million(s, "one"), h.million(s, "pipe"), h.ratio(s, "one", "pipe", "rate"), 0.9)
    bench.row("the same with two workers", h.million(s, "two"), h.million(s, "pipe"), h.ratio(s, "two", "pipe", "rate"), None)
    seconds = lambda side: f"{statistics.median(h.column(s, side, 'wall')):.2f} s"
    bench.row("users with its table created, time over pgcopydb's", seconds("whole"), seconds("pgcopydb"), h.ratio(s, "whole", "pgcopydb", "wall"), 0.5, at_least=False)
    pg.sql("DROP TABLE users")
    part = bench.n(1, 4)
    shop = dict(member=100_000, product=10_000, purchase=500_000, purchase_line=1_500_000, person=100_000, pet=150_000)
    words = [w for t, n in shop.items() for w in ("--rows", f"{t}={n // part}")]
    h.Run([bench.spate_program, "generate", h.HERE.parent / "examples" / "shop.yaml", "--to", pg.uri, "--create", "--progress", "none", *words])
    pg.sql("VACUUM ANALYZE")
    lines = shop["purchase_line"] // part
    s = bench.interleave({"pgcopydb": lambda: into(pgcopydb(), "purchase_line", lines)(), "spate": into(copy(2, "--create"), "purchase_line", lines)})
    bench.details["copy shop"] = s
    bench.row("the shop from PostgreSQL to PostgreSQL with its keys, time over pgcopydb's", seconds("spate"), seconds("pgcopydb"),
              h.ratio(s, "spate", "pgcopydb", "wall"), 0.5, at_least=False)

def server_timed(h, pg, rows, argv):
    """As timed, with PostgreSQL: processor time of both."""
    before = pg.cpu()
    run = h.Run(argv)
    time.sleep(0.1)  # backends of closed connections end
    taken = pg.cpu() - before
    return dict(rate=rows / run.wall, wall=run.wall, client_cpu=run.cpu, server_cpu=taken, cpu=run.cpu + taken)


def case_finished(h, bench, pg):
    """A table with its key, three indexes and a foreign key, analysed and verified, over what the server needs for the same by itself."""
    rows, target = bench.n(3_000_000, 500_000), pg.uri.replace("///postgres?", "///target?")
    psql = [pg.tools / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target]
    build = ["CREATE UNIQUE INDEX narrow_pkey ON narrow (id)", "ALTER TABLE narrow ADD CONSTRAINT narrow_pkey PRIMARY KEY USING INDEX narrow_pkey",
             "CREATE INDEX narrow_uid ON narrow (uid)", "CREATE INDEX narrow_ts ON narrow (ts)", "CREATE INDEX narrow_n ON narrow (n)", "ANALYZE narrow",
             "ALTER TABLE narrow ADD CONSTRAINT narrow_n_fkey FOREIGN KEY (n) REFERENCES parent"]
    pg.sql("CREATE TABLE parent (id int PRIMARY KEY)", "INSERT INTO parent SELECT generate_series(0, 999999)",
           "CREATE TABLE narrow (id bigint, uid uuid NOT NULL, ts timestamptz NOT NULL, n int NOT NULL)")
    bench.spate("narrow", pg.uri, 2, {"narrow": rows})
    pg.sql("UPDATE narrow SET n = abs(n) % 1000000", "VACUUM FULL narrow", *build, "VACUUM ANALYZE")
    pg.sql("COPY narrow TO '%s/narrow.bin' (FORMAT binary)" % pg.dir, "COPY parent TO '%s/parent.bin' (FORMAT binary)" % pg.dir)

    def clean(*more):
        pg.sql("DROP DATABASE IF EXISTS target WITH (FORCE)", "CREATE DATABASE target", "CHECKPOINT")
        if more:
            h.Run(psql + [w for m in more for w in ("-c", m)])

    def alone():
        clean("CREATE TABLE parent (id int)", "CREATE TABLE narrow (id bigint, uid uuid NOT NULL, ts timestamptz NOT NULL, n int NOT NULL)")
        steps = ["COPY parent FROM '%s/parent.bin' (FORMAT binary)" % pg.dir, "ALTER TABLE parent ADD PRIMARY KEY (id)",
                 "COPY narrow FROM '%s/narrow.bin' (FORMAT binary)" % pg.dir, *build]
        return server_timed(h, pg, rows, psql + [w for m in steps for w in ("-c", m)])

    def copied(*more):
        def run():
            clean()
            return server_timed(h, pg, rows, [bench.spate_program, "copy", pg.uri, target, "--create", "--workers", 2, "--progress", "none", *more])
        return run

    s = bench.interleave({"server": alone, "spate": copied(), "verified": copied("--verify", "checksum")})
    bench.details["finished"] = s
    seconds = lambda side: f"{statistics.median(h.column(s, side, 'wall')):.2f} s"
    for side, words in (("spate", "copied and finished (key, three indexes, foreign key, analysed)"), ("verified", "the same, and the target read again and compared with what the source gave")):
        bench.row(f"a table {words}, time over COPY of a server file and the server's own statements", seconds(side), seconds("server"),
                  h.ratio(s, side, "server", "wall"), 1.1, at_least=False, cpu=h.ratio(s, side, "server", "cpu"))


def case_exactly_once(h, bench, pg):
    """Out of a store into PostgreSQL, in transactions of 100,000 rows, with the memory of a job and without."""
    rows = bench.n(4_000_000, 1_000_000)
    store = bench.dir / "users.spate"
    store.unlink(missing_ok=True)
    bench.spate("users", store, 2, {"users": rows})
    number = iter(range(1_000_000))

    def into(workers, job):
        def run():
            pg.sql("DROP TABLE IF EXISTS users", h.USERS_TABLE.format(key=""), "CHECKPOINT")
            more = ["--job", f"j{next(number)}", "--ledger", bench.dir / "jobs"] if job else []
            took = server_timed(h, pg, rows, [bench.spate_program, "copy", store, pg.uri, "--workers", workers, "--batch", 100_000, "--progress", "none", *more])
            if int(pg.sql("SELECT count(*) FROM users")) != rows:
                raise h.Failed(f"not {rows} rows")
            return took
        return run

    for workers, words in ((1, "one connection"), (2, "two connections")):
        s = bench.interleave({"plain": into(workers, False), "job": into(workers, True)})
        bench.details[f"exactly once {workers}"] = s
        cost = [100 * (x - 1) for x in h.ratio(s, "job", "plain", "wall")]
        cpu = [100 * (x - 1) for x in h.ratio(s, "job", "plain", "cpu")]
        bench.row(f"what exactly-once costs, 100,000 rows a transaction, {words}, in % of the time", h.million(s, "job"), h.million(s, "plain"), cost, 3,
                  at_least=False, unit="%", cpu=cpu)


def case_pgloader(h, bench, pg):
    """CSV into PostgreSQL. What both are given is the same file."""
    rows = bench.n(400_000, 100_000)
    csv, orders = bench.dir / "users.csv", bench.dir / "users.load"
    csv.unlink(missing_ok=True)
    bench.spate("users", f"{csv}?header=false", 1, {"users": rows})
    orders.write_text(f"LOAD CSV FROM '{csv}' (id, email, name, created)\n"
                      f"INTO postgresql://postgres@unix:{pg.dir}:5432/postgres TARGET TABLE users (id, email, name, created)\n"
                      "WITH fields terminated by ',', fields optionally enclosed by '\"';\n")

    def into(argv):
        def run():
            pg.sql("DROP TABLE IF EXISTS users", h.USERS_TABLE.format(key=""), "CHECKPOINT")
            took = server_timed(h, pg, rows, argv)
            if int(pg.sql("SELECT count(*) FROM users")) != rows:
                raise h.Failed(f"not {rows} rows: {argv}")
            return took
        return run

    s = bench.interleave({"pgloader": into(["pgloader", "--root-dir", bench.dir / "pgloader", orders]),
                          "spate": into([bench.spate_program, "copy", f"{csv}?header=false", pg.uri, "--workers", 2, "--progress", "none"])})
    bench.details["pgloader"] = s
    bench.row("users out of a CSV file into PostgreSQL over pgloader", h.million(s, "spate"), h.million(s, "pgloader"), h.ratio(s, "spate", "pgloader", "rate"), None,
              cpu=[b / a for a, b in zip(h.column(s, "spate", "cpu"), h.column(s, "pgloader", "cpu"))])


# ---- stores and DuckDB ----------------------------------------------------------------------------------------------------


def case_copy_store(h, bench):
    rows = bench.n(3_000_000, 1_000_000)
    store, ours, theirs = (bench.dir / f"{name}.spate" for name in ("users", "ours", "theirs"))
    store.unlink(missing_ok=True)
    bench.spate("users", store, 2, {"users": rows})

    def alone():
        theirs.unlink(missing_ok=True)
        return json.loads(h.Run([bench.peer("store_rate"), store, "users", theirs]).out)

    def out():
        told = json.loads(h.Run([bench.peer("drain"), store, "users", 1]).out)
        return dict(wall=told["seconds"], cpu=told["cpu"])

    def copied():
        ours.unlink(missing_ok=True)
        run = h.Run([bench.spate_program, "copy", store, ours, "--workers", 1, "--progress", "none"])
        return dict(wall=run.wall, cpu=run.cpu)

    s = bench.interleave({"alone": alone, "out": out, "copy": copied})
    bench.details["copy store"] = s
    own = lambda *keys: [sum(r[k] for k in keys) for r in s["alone"]]
    share = lambda own, side, key: [a / b for a, b in zip(own, h.column(s, side, key))]
    million = lambda seconds: f"{rows / statistics.median(seconds) / 1e6:.1f} M rows/s"
    bench.row("users out of a store, one reader, over its own scan", million(h.column(s, "out", "wall")), million(own("scan_s")), share(own("scan_s"), "out", "wall"), 0.9,
              cpu=share(own("scan_cpu"), "out", "cpu"))
    bench.row("users out of a store into another one, one worker, over its own scan and append one behind the other", million(h.column(s, "copy", "wall")),
              million(own("scan_s", "write_s")), share(own("scan_s", "write_s"), "copy", "wall"), 0.9, cpu=share(own("scan_cpu", "write_cpu"), "copy", "cpu"))


def case_copy_duckdb(h, bench):
    """Out of a store, which costs little, into a new DuckDB file, beside chunks that lie in memory ready to be appended."""
    tx = h.DUCKDB_TX_ROWS
    rows = bench.n(4_000_000, 1_000_000) // (2 * tx) * 2 * tx
    store, model, ours, theirs = (bench.dir / name for name in ("users.spate", "model.duckdb", "ours.duckdb", "theirs.duckdb"))
    store.unlink(missing_ok=True)
    bench.spate("users", store, 2, {"users": rows})
    bench.spate("users", f"duckdb:{model}?keys=none", 1, {"users": 2 * tx}, "--create")

    def copied(workers):
        def run():
            h.remove(ours)
            return h.speed(h.Run([bench.spate_program, "copy", store, f"duckdb:{ours}?keys=none", "--create", "--workers", workers, "--progress", "none"]), rows)
        return run

    def chunks(threads):
        def run():
            h.remove(theirs)
            return h.from_json(h.Run([bench.peer("duckdb_peer"), "append", "--from", model, "--db", theirs, "--table", "users", "--rows", rows,
                                      "--threads", threads, "--tx-rows", tx]))
        return run

    s = bench.interleave({"chunks": chunks(1), "one": copied(1), "chunks 2": chunks(2), "two": copied(2)})
    bench.details["copy duckdb"] = s
    for side, limit, words in (("one", "chunks", "one worker"), ("two", "chunks 2", "two workers")):
        bench.row(f"users out of a store into a DuckDB file, {words}, over appending ready chunks", h.million(s, side), h.million(s, limit),
                  h.ratio(s, side, limit, "rate"), 0.95, cpu=h.ratio(s, side, limit, "cpu_rate"))
    bench.row("the same, two workers over one", h.million(s, "two"), h.million(s, "one"), h.ratio(s, "two", "one", "rate"), 1.4)
    h.remove(ours)
    h.remove(theirs)
    h.remove(model)


# ---- SQLite --------------------------------------------------------------------------------------------------------------


def case_sqlite(h, bench):
    rows = bench.n(3_000_000, 600_000)
    path, csv = bench.dir / "narrow.sqlite", bench.dir / "narrow.csv"
    bench.spate("narrow", f"{csv}?header=false", 1, {"narrow": rows})

    def into(argv):
        def run():
            for ending in ("", "-journal", "-wal"):
                pathlib.Path(f"{path}{ending}").unlink(missing_ok=True)
            took = h.Run(argv)
            said = h.Run(["sqlite3", path, "SELECT count(*) FROM narrow"]).out.strip()
            if said != str(rows):
                raise h.Failed(f"{said} rows, not {rows}: {argv}")
            return dict(rate=rows / took.wall, client_cpu=took.cpu, cpu_rate=rows / took.cpu)
        return run

    table = "CREATE TABLE narrow (id INTEGER PRIMARY KEY, uid TEXT, ts TEXT, n INTEGER);"
    s = bench.interleave({
        "INSERT": into([bench.peer("sqlite_peer"), path, rows]),
        ".import": into(["bash", "-c", f"sqlite3 {path} '{table}' 'PRAGMA journal_mode = OFF' 'PRAGMA synchronous = OFF' '.mode csv' '.import {csv} narrow'"]),
        "spate": into([bench.spate_program, "generate", h.PLANS / "narrow.yaml", "--to", path, "--create", "--rows", f"narrow={rows}", "--progress", "none"]),
    })
    bench.details["sqlite"] = s
    bench.row("narrow into a new SQLite file over a prepared INSERT of one row", h.million(s, "spate"), h.million(s, "INSERT"), h.ratio(s, "spate", "INSERT", "rate"), 8,
              cpu=h.ratio(s, "spate", "INSERT", "cpu_rate"))
    bench.row("narrow into a new SQLite file over .import of CSV", h.million(s, "spate"), h.million(s, ".import"), h.ratio(s, "spate", ".import", "rate"), 15,
              cpu=h.ratio(s, "spate", ".import", "cpu_rate"))


def cases(h):
    with_pg = lambda case: h.with_postgres(lambda bench, pg: case(h, bench, pg))
    return {"copy": with_pg(case_copy), "finished": with_pg(case_finished), "exactly-once": with_pg(case_exactly_once), "pgloader": with_pg(case_pgloader),
            "copy-store": lambda bench: case_copy_store(h, bench), "copy-duckdb": lambda bench: case_copy_duckdb(h, bench),
            "mariadb": with_mariadb(h, case_mariadb), "sqlite": lambda bench: case_sqlite(h, bench)}
