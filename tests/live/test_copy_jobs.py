"""spate copy --job against a real PostgreSQL: the client, backends or the server are killed again and again, connections are cut, a sleeper
wakes up: every row is there once, as one moment of the source has it. Sources that change are found out."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from harness import ROOT, SLOW, SPATE, query, spate, wait_until
from live.servers import MariaDBCase, PostgresCase

ROWS = 60000 if SLOW else 200000
MAKE = f"""
CREATE TABLE parent (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO parent SELECT i, 'parent ' || i FROM generate_series(1, 1000) i;
CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, note text, at timestamptz);
INSERT INTO child SELECT i, 1 + i % 1000, repeat('x', i % 40), '2024-01-01'::timestamptz + i * '1 second'::interval FROM generate_series(1, {ROWS}) i;
"""
SUM = "SELECT count(*), count(DISTINCT id), sum(hashtext(id || ' ' || parent || ' ' || note || ' ' || at)::bigint) FROM child"
SHOP = dict(member=1000, product=500, purchase=20000, purchase_line=40000, person=1000, pet=1500)
CHUNK = ["--batch", "5k", "--progress", "none", "--workers", "2"]


class Jobs:
    """Copies that are stopped, whatever server they are of."""

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("SPATE_TEST_SEED", random.randrange(1 << 32)))
        print(f"# seed {seed}")
        self.rng = random.Random(seed)

    def start(self, *words):
        return subprocess.Popen([SPATE, *map(str, words)], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def go_on_until_done(self, disturb, *words):
        """Starts the command and disturbs it after a moment, again and again. Returns how often it did not come through."""
        for deaths in range(60):
            run = self.start(*words)
            try:
                _, said = run.communicate(timeout=self.rng.uniform(0.05, 0.3) * (1 + deaths))
            except subprocess.TimeoutExpired:
                disturb(run)
                _, said = run.communicate()
            if run.returncode == 0:
                return deaths
            self.assertIn(run.returncode, (-9, 3, 5), said)
        self.fail("the job does not end")

    def stopped(self, source, target, job, *words):
        """Runs until something has landed, and kills it."""
        run = self.start("copy", source, target, "--job", job, *CHUNK, "--rate", "2k", *words)
        deadline = time.monotonic() + 60
        while "rows_done\": 0" in (said := self.spate_ok("job", "list", "--json").out) or f'"{job}"' not in said:
            self.assertIsNone(run.poll(), "it ended before")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        run.kill()
        run.communicate()


class CopyJobs(Jobs, PostgresCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.database("source")
        cls.server.psql(MAKE, "source")
        cls.source = cls.server.uri("source")
        cls.sum = cls.server.psql(SUM, "source")

    def check(self, db):
        self.assertEqual(self.server.psql(SUM, db), self.sum)
        self.assertEqual(self.server.psql("SELECT relname FROM pg_class WHERE relname LIKE 'spate%'", db), [])
        keys = self.server.psql("SELECT conname FROM pg_constraint WHERE conrelid IN ('child'::regclass, 'parent'::regclass) ORDER BY 1", db)
        self.assertEqual(keys, [["child_parent_fkey"], ["child_pkey"], ["parent_name_key"], ["parent_pkey"]])

    def kill_backends(self, run):
        for _ in range(3):
            self.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spate'")
            time.sleep(0.02)

    def kill_server(self, run):
        self.server.kill9()
        time.sleep(0.1)
        self.server.start()

    def test_database_to_database(self):
        for how, disturb in (("client", lambda run: run.kill()), ("backend", self.kill_backends), ("server", self.kill_server)):
            with self.subTest(how):
                db = self.server.database(f"to_{how}")
                self.go_on_until_done(disturb, "copy", self.source, self.server.uri(db), "--create", "--job", db, *CHUNK)
                self.check(db)

    def test_database_to_duckdb(self):
        self.go_on_until_done(lambda run: run.kill(), "copy", self.source, "a.duckdb", "--create", "--job", "duck", *CHUNK)
        [row] = query(self.dir / "a.duckdb", "SELECT count(*) AS n, count(DISTINCT id) AS d, sum(id) AS s FROM child")
        self.assertEqual((int(row["n"]), int(row["d"]), int(row["s"])), (ROWS, ROWS, ROWS * (ROWS + 1) // 2))

    def test_database_to_store_and_back(self):
        self.go_on_until_done(lambda run: run.kill(), "copy", self.source, "a.spate", "--job", "store", *CHUNK)
        db = self.server.database("from_store")
        self.go_on_until_done(lambda run: run.kill(), "copy", "a.spate", self.server.uri(db), "--create", "--job", "back", *CHUNK)
        self.assertEqual(self.server.psql(SUM, db), self.sum)

    def test_files_to_database(self):
        for name in ("child.csv", "child.ndjson", "child.csv.gz"):
            with self.subTest(name):
                self.spate_ok("copy", self.source, name, "--table", "child", "--progress", "none")
                db = self.server.database("from_file")
                self.server.psql("CREATE TABLE child (id int PRIMARY KEY, parent int, note text, at timestamptz)", db)
                self.go_on_until_done(lambda run: run.kill(), "copy", name, self.server.uri(db), "--table", "child", "--job", name, *CHUNK)
                self.assertEqual(self.server.psql(SUM, db), self.sum)

    def test_masked_rows(self):
        self.write("mask.yaml", f"""
tables:
  - {{name: parent, from: "{self.source}", columns: [{{name: name, value: "${{company}}", unique: true}}]}}
  - {{name: child, from: "{self.source}", columns: [{{name: note, value: "${{street}}"}}]}}
  - {{name: made, rows: 30000, columns: [{{name: id, range: int, type: int, props: {{min: 0, max: 30000}}, unique: true}}]}}
""")
        whole = self.server.database("masked_at_once")
        self.spate_ok("generate", "mask.yaml", "--to", self.server.uri(whole), "--create", "--progress", "none")
        db = self.server.database("masked")
        self.go_on_until_done(lambda run: run.kill(), "generate", "mask.yaml", "--to", self.server.uri(db), "--create", "--job", "mask", *CHUNK)
        for ask in (SUM, "SELECT count(*), sum(hashtext(id || name)::bigint) FROM parent", "SELECT count(*), sum(id) FROM made"):
            self.assertEqual(self.server.psql(ask, db), self.server.psql(ask, whole), ask)
        self.assertEqual(self.server.psql("SELECT count(*) FROM child WHERE note LIKE 'x%'", db), [["0"]])

    def test_masked_rows_are_not_emptied_before_they_are_read(self):
        self.server.database("masked_here")
        self.server.psql("CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) i", "masked_here")
        here = self.server.uri("masked_here")
        for name, code in (("t", 2), ("public.t", 2), ("other", 0)):
            self.write("mask.yaml", f"""tables: [{{name: {name}, from: "{here}", table: t, columns: [{{name: note, value: "${{street}}"}}]}}]""")
            done = spate("generate", "mask.yaml", "--to", here, "--truncate", *(["--create"] if not code else []), "--progress", "none", cwd=self.dir)
            self.assertEqual(done.code, code, str(done))
            self.assertEqual("the same database" in done.err, code == 2, done.err)
            done = spate("copy", "mask.yaml", here, "--truncate", "--progress", "none", cwd=self.dir)
            self.assertEqual((done.code, "the same database" in done.err), (code, code == 2), str(done))
        self.assertEqual(self.server.psql("SELECT count(*) FROM t WHERE note = 'x' UNION ALL SELECT count(*) FROM other", "masked_here"), [["100"], ["100"]])

    def test_parts_of_masked_rows(self):
        self.write("mask.yaml", f"""tables: [{{name: child, from: "{self.source}", columns: [{{name: note, value: "${{street}}"}}]}}]""")
        self.spate_fails(2, "generate", "mask.yaml", "--to", "x/?format=csv", "--part", "0/2", "--job", "night", says="cannot be a job")

    def test_a_source_that_changed(self):
        changes = {
            "updated": "UPDATE t SET n = -1 WHERE id = 1",
            "deleted": "DELETE FROM t WHERE id = 2",
            "replaced": "DELETE FROM t WHERE id = 3; VACUUM t; INSERT INTO t VALUES (1000000, 0)",
            "frozen": "UPDATE t SET n = -2 WHERE id = 4; VACUUM FREEZE t",
            "written anew": "VACUUM FULL t",
        }
        for how, sql in changes.items():
            with self.subTest(how):
                self.server.database("changing")
                self.server.psql(f"CREATE TABLE t (id int, n int); INSERT INTO t SELECT i, i FROM generate_series(1, {ROWS}) i", "changing")
                db = self.server.database("changed")
                words = [self.server.uri("changing"), self.server.uri(db)]
                self.stopped(*words, how.replace(" ", "_"), "--create")
                self.server.psql(sql, "changing")
                self.spate_fails(4, "copy", *words, "--create", "--job", how.replace(" ", "_"), *CHUNK, says='table "t" has changed since')

    def test_a_source_that_changed_where_nothing_had_landed(self):
        """Rows behind what has landed may come, go and change: the copy is of the moment of its last run."""
        self.server.database("growing")
        self.server.psql(f"CREATE TABLE t (id int, n int); INSERT INTO t SELECT i, i FROM generate_series(1, {ROWS}) i", "growing")
        db = self.server.database("grown")
        words = [self.server.uri("growing"), self.server.uri(db)]
        self.stopped(*words, "grow", "--create")
        self.server.psql(f"UPDATE t SET n = -n WHERE id = {ROWS}; DELETE FROM t WHERE id = {ROWS - 1}; INSERT INTO t VALUES (0, 0); VACUUM FREEZE t",
                         "growing")
        self.spate_ok("copy", *words, "--create", "--job", "grow", *CHUNK, "--verify", "checksum")
        ask = "SELECT count(*), sum(id), sum(n) FROM t"
        self.assertEqual(self.server.psql(ask, db), self.server.psql(ask, "growing"))

    def test_a_file_that_changed(self):
        self.write("t.csv", "id,n\n" + "".join(f"{i},{i}\n" for i in range(100000)))
        db = self.server.database("file_changed")
        self.stopped("t.csv", self.server.uri(db), "file", "--create")
        with open(self.dir / "t.csv", "a") as f:
            f.write("7,7\n")
        self.spate_fails(4, "copy", "t.csv", self.server.uri(db), "--create", "--job", "file", *CHUNK, says='"t.csv" has changed since')

    def test_what_cannot_be_gone_on_with(self):
        db = self.server.database("refusing")
        self.server.psql("CREATE TABLE t (id int)", db)
        self.spate_fails(2, "copy", "-?format=csv&table=t", self.server.uri(db), "--table", "t", "--job", "in", stdin="id\n1\n",
                         says="cannot be a job")
        self.spate_fails(2, "copy", self.source, "-?format=csv", "--table", "child", "--job", "out", says="cannot remember")

    def test_another_list_does_not_know(self):
        db = self.server.database("elsewhere")
        self.stopped(self.source, self.server.uri(db), "elsewhere", "--create")
        self.spate_fails(2, "copy", self.source, self.server.uri(db), "--create", "--job", "elsewhere", "--ledger", "other",
                         says="nothing here tells whether it has changed")
        self.spate_fails(2, "copy", self.source, self.server.uri(db), "--create", "--job", "elsewhere", "--table", "child",
                         says="was begun with another plan or source")

    def test_killed_when_all_had_landed(self):
        """The target says that the job is complete, the ledger not yet: what is left to do is to forget."""
        db = self.server.database("landed")
        self.server.psql("CREATE TABLE spate_job (job text PRIMARY KEY, made_of text NOT NULL, epoch bigint NOT NULL, complete boolean NOT NULL);"
                         "CREATE FUNCTION stay() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(1000); RETURN OLD; END $$ LANGUAGE plpgsql;"
                         "CREATE TRIGGER stay BEFORE DELETE ON spate_job FOR EACH ROW EXECUTE FUNCTION stay()", db)
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "landed", *CHUNK]
        run = self.start(*words)
        wait_until(lambda: self.server.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1", run)
        run.kill()
        run.communicate()
        self.kill_backends(run)
        self.server.psql("DROP FUNCTION stay CASCADE", db)
        self.spate_ok(*words)
        self.check(db)

    def test_killed_while_indexes_are_built(self):
        """What has been built stays, as its object ids tell; what has not is built by the next run."""
        db = self.server.database("building")
        self.server.psql("CREATE FUNCTION stay() RETURNS event_trigger AS $$ BEGIN IF"
                         " EXISTS (SELECT 1 FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.child_pkey') THEN PERFORM pg_sleep(1000); END IF; END $$ LANGUAGE plpgsql;"
                         "CREATE EVENT TRIGGER stay ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION stay()", db)
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "building", *CHUNK]
        run = self.start(*words)
        keys = "SELECT oid, relname FROM pg_class WHERE relname IN ('parent_pkey', 'parent_name_key') ORDER BY 2"
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        wait_until(lambda: self.server.value(sleeping) == "1" and len(self.server.psql(keys, db)) == 2, run)
        wait_until(lambda: self.server.value("SELECT count(*) > 2 FROM spate_chunk WHERE table_name = ''", db) == "t", run)
        run.kill()
        run.communicate()
        built = self.server.psql(keys, db)
        self.kill_backends(run)
        self.assertEqual(self.server.value("SELECT to_regclass('child_pkey') IS NULL", db), "t")
        self.server.psql("DROP EVENT TRIGGER stay; DROP FUNCTION stay", db)
        self.spate_ok(*words)
        self.assertEqual(self.server.psql(keys, db), built)
        self.check(db)

    def test_interrupted_while_indexes_are_built(self):
        """What the server works at is given up at once."""
        db = self.server.database("stopping")
        self.server.psql("CREATE FUNCTION stay() RETURNS event_trigger AS $$ BEGIN PERFORM pg_sleep(1000); END $$ LANGUAGE plpgsql;"
                         "CREATE EVENT TRIGGER stay ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION stay()", db)
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "stopping", *CHUNK]
        run = self.start(*words, "--rate", "20k")
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        wait_until(lambda: int(self.server.value(sleeping)) > 0, run)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        self.assertIn(run.returncode, (5, -2, 130), said)
        self.assertEqual(self.server.value(sleeping), "0")
        self.server.psql("DROP EVENT TRIGGER stay; DROP FUNCTION stay", db)
        self.spate_ok(*words)
        self.check(db)

    def test_a_sleeper_is_fenced_out(self):
        """A run is stopped in the middle; another, with a copy of its list, takes the job over; then the first wakes up."""
        db = self.server.database("fence")
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "fence", *CHUNK]
        def landed():
            made = self.server.value("SELECT to_regclass('child') IS NOT NULL", db) == "t"
            return int(self.server.value("SELECT count(*) FROM child", db)) if made else 0

        sleeper = self.start(*words, "--rate", "60k")
        wait_until(landed, sleeper)
        time.sleep(self.rng.uniform(0, 0.7))
        sleeper.send_signal(signal.SIGSTOP)
        try:
            time.sleep(0.3)
            shutil.copytree(self.state / "spate" / "jobs", self.dir / "copied")
            # What it has open in the server it keeps open; the successor's claim waits for no more than the transactions that passed the check.
            before = landed()
            successor = self.start(*words, "--ledger", "copied", "--rate", "60k")
            try:
                wait_until(lambda: landed() > before, successor, seconds=5)
            except TimeoutError:
                pass  # it waits for a transaction of the sleeper's
        finally:
            sleeper.send_signal(signal.SIGCONT)
        _, said = sleeper.communicate()
        _, said2 = successor.communicate()
        self.assertIn(sleeper.returncode, (2, 3, 4, 5), said)
        self.assertEqual(successor.returncode, 0, said2)
        self.check(db)

    def test_schema_changed_meanwhile(self):
        db = self.server.database("altered")
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "altered", *CHUNK]
        self.stopped(*words[1:3], "altered", "--create")
        self.server.psql("ALTER TABLE child ADD COLUMN more int NOT NULL DEFAULT 1; ALTER TABLE child RENAME note TO memo", db)
        self.spate_fails(2, *words, says='table "child" has no column "note"')
        self.assertIn('table "child" has no column "note"', self.spate_ok("job", "show", "altered").out)
        self.server.psql("ALTER TABLE child RENAME memo TO note", db)
        self.spate_ok("job", "resume", "altered")
        self.check(db)

    def test_constraint_violated(self):
        db = self.server.database("violated")
        self.server.psql(MAKE.split(";\n")[0].replace("\n", "") + "; " + "CREATE TABLE child (id int CHECK (id <> 51234), parent int, note text, at timestamptz)", db)
        words = ["copy", self.source, self.server.uri(db), "--job", "violated", *CHUNK]
        self.spate_fails(4, *words, says=["violates check constraint", "23514"])
        self.server.psql("ALTER TABLE child DROP CONSTRAINT child_id_check", db)
        self.spate_ok("job", "resume", "violated")
        self.assertEqual(self.server.psql(SUM, db), self.sum)

    def test_lock_timeout(self):
        db = self.server.database("locked")
        self.server.psql(f'ALTER DATABASE "{db}" SET lock_timeout = 300', db)
        words = ["copy", self.source, self.server.uri(db), "--create", "--job", "locked", *CHUNK]
        self.stopped(*words[1:3], "locked", "--create")
        holder = subprocess.Popen(["psql", "-X", "-q", "-d", self.server.uri(db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holder.stdin.write("BEGIN; LOCK TABLE child IN SHARE MODE; SELECT 1;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        try:
            self.spate_fails(5, *words, says=["lock timeout", "55P03", "the same command goes on"])
        finally:
            holder.communicate("ROLLBACK;\n")
        self.spate_ok("job", "resume", "locked")
        self.check(db)

    @unittest.skipIf(os.geteuid() != 0, "a small file system can be mounted by root only")
    def test_disk_full(self):
        """The tables lie in a tablespace of 4 MiB that fills up; with more room, the job goes on."""
        space = self.server.directory / "small"
        space.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", space]).returncode:
            self.skipTest("tmpfs cannot be mounted here")
        db = "full"
        try:
            shutil.chown(space, self.server.user.pw_uid, self.server.user.pw_gid)
            self.server.psql(f"CREATE TABLESPACE small LOCATION '{space}'")
            self.server.psql("DROP DATABASE IF EXISTS \"full\"")
            self.server.psql('CREATE DATABASE "full"')
            uri = self.server.uri(db) + "&options=-c%20default_tablespace%3Dsmall"
            self.spate_fails(5, "copy", self.source, uri, "--create", "--job", db, *CHUNK, says=["No space left on device", "53100"])
            subprocess.run(["mount", "-o", "remount,size=200m", space], check=True)
            self.spate_ok("job", "resume", db)
            self.check(db)
            self.server.psql('DROP DATABASE "full"')
            self.server.psql("DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", "-l", space], check=True)


class OutOfMariaDB(Jobs, MariaDBCase):
    """Its rows do not say when they were written, but its tables do, until the server is restarted."""

    def new(self, name, rows=ROWS // 2):
        return super().new(name, f"""
            CREATE TABLE numbered (id int PRIMARY KEY, note varchar(40) NOT NULL);
            INSERT INTO numbered SELECT 7 + 2 * seq, repeat('x', seq % 30) FROM seq_1_to_{rows};
            CREATE TABLE named (id varchar(20) PRIMARY KEY, n int NOT NULL);
            INSERT INTO named SELECT concat('row ', seq), seq FROM seq_1_to_{rows};
            CREATE TABLE timed (moment datetime(6) PRIMARY KEY, n int NOT NULL);
            INSERT INTO timed SELECT '2024-01-01' + INTERVAL seq SECOND, seq FROM seq_1_to_{rows}""")

    def test_killed_and_gone_on(self):
        source = self.new("killed")
        ask = ("SELECT count(*) AS n, count(DISTINCT id) AS d, sum(id) AS s FROM numbered", "SELECT count(*) AS n, count(DISTINCT id) AS d, sum(n) AS s FROM named",
               "SELECT count(*) AS n, count(DISTINCT moment) AS d, sum(n) AS s FROM timed")
        expected = [[int(cell) for cell in self.server.sql(sql, "killed")[0]] for sql in ask]
        for target in ("a.duckdb", "a.sqlite"):
            with self.subTest(target):
                deaths = self.go_on_until_done(lambda run: run.kill(), "copy", source, target, "--create", "--job", target, *CHUNK)
                print(f"# killed {deaths} times")
                self.assertEqual([[int(cell) for cell in query(self.dir / target, sql)[0].values()] for sql in ask], expected)

    def test_a_source_that_changed(self):
        changes = {
            "updated": "UPDATE numbered SET note = 'changed' WHERE id = 9",
            "deleted": "DELETE FROM numbered WHERE id = 11",
            "added": "INSERT INTO numbered VALUES (8, 'new')",
            "made_anew": "CREATE TABLE other LIKE numbered; INSERT INTO other SELECT * FROM numbered; DROP TABLE numbered; RENAME TABLE other TO numbered",
        }
        for how, sql in changes.items():
            with self.subTest(how):
                source = self.new("changing", rows=20000)
                self.stopped(source, f"{how}.duckdb", how, "--create", "--table", "numbered")
                self.server.sql(sql, "changing")
                self.spate_fails(4, "copy", source, f"{how}.duckdb", "--create", "--job", how, "--table", "numbered", *CHUNK, says="may have changed since")

    def test_a_server_that_was_restarted(self):
        source = self.new("restarted", rows=20000)
        self.stopped(source, "r.duckdb", "restarted", "--create")
        self.server.process.terminate()
        self.server.process.wait(60)
        time.sleep(1.5)  # it tells seconds
        self.server.start()
        self.spate_fails(4, "copy", source, "r.duckdb", "--create", "--job", "restarted", *CHUNK, says="the server was restarted")


class IntoMariaDB(Jobs, MariaDBCase):
    """Killed anywhere, also where indexes are built: statements there that a dead client has begun come to their end."""

    SCHEMA = ("SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics WHERE table_schema = '{0}' UNION ALL"
              " SELECT table_name, constraint_name, 0, referenced_table_name FROM information_schema.referential_constraints"
              " WHERE constraint_schema = '{0}' ORDER BY 1, 2, 3, 4")

    def setUp(self):
        super().setUp()
        self.spate_ok("generate", ROOT / "examples/shop.yaml", "--to", "shop.sqlite", "--create", "--progress", "none",
                      *(word for table, rows in SHOP.items() for word in ("--rows", f"{table}={rows}")))
        subprocess.run(["sqlite3", self.dir / "shop.sqlite"], input="CREATE INDEX by_ts ON purchase (ts); CREATE INDEX by_quantity ON purchase_line (quantity, id)",
                       text=True, check=True)

    def whole(self, name):
        """The same copy, undisturbed."""
        self.copy("shop.sqlite", self.new(name), "--create", "--workers", "2", "--verify", "checksum")
        return self.schema(name)

    def schema(self, name):
        return self.server.sql(self.SCHEMA.format(name))

    def check(self, name, want):
        self.assertEqual(self.schema(name), want)
        for table in SHOP:
            self.assertEqual(self.server.sql(f"SELECT count(*), count(DISTINCT id) FROM {table}", name), [[str(SHOP[table])] * 2])
            self.assertEqual(self.server.sql(f"CHECKSUM TABLE {table} EXTENDED", name)[0][1], self.server.sql(f"CHECKSUM TABLE {table} EXTENDED", "whole")[0][1])
        self.assertEqual(self.server.sql("SHOW TABLES LIKE 'spate%'", name), [])

    def test_killed_and_gone_on(self):
        want = self.whole("whole")
        target = self.new("killed")
        deaths = self.go_on_until_done(lambda run: run.kill(), "copy", "shop.sqlite", target, "--create", "--job", "killed", *CHUNK)
        print(f"# killed {deaths} times")
        self.check("killed", want)

    def test_killed_while_indexes_are_built(self):
        """Somebody reads a table, so that the statement that adds its indexes waits; its client dies; it goes on before the next run
        comes, or beside it."""
        want = self.whole("whole")
        waiting = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE \"{}\"%' AND state LIKE 'Waiting for table metadata%'"
        for table in ("purchase", "purchase_line"):
            for beside in (False, True):
                with self.subTest(table=table, beside=beside):
                    name = f"{table}_{beside}"
                    words = ["copy", "shop.sqlite", self.new(name), "--create", "--job", name, *CHUNK]
                    run = self.start(*words)
                    wait_until(lambda: self.server.sql(f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{name}' AND table_name = '{table}'"), run)
                    reader = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={self.server.socket}", "-uroot", name], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True)
                    reader.stdin.write(f"BEGIN; SELECT count(*) FROM {table};\n")
                    reader.stdin.flush()
                    try:
                        wait_until(lambda: self.server.sql(waiting.format(table))[0][0] == "1", run)
                        run.kill()
                        run.communicate()
                        if beside: # the server may have noticed by now that the first one's client is dead
                            newest = self.server.sql("SELECT max(id) FROM information_schema.processlist")[0][0]
                            run = self.start(*words)
                            wait_until(lambda: self.server.sql("SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
                                                               f" AND id > {newest}"), run)
                    finally:
                        reader.communicate("ROLLBACK;\n")
                    if beside:
                        _, said = run.communicate()
                        self.assertEqual(run.returncode, 0, said)
                    self.spate_ok(*words)
                    self.check(name, want)



if __name__ == "__main__":
    unittest.main()
