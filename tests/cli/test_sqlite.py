"""Into new SQLite files: whatever the tables declare, the file holds the same rows and keys as its source, SQLite finds nothing wrong in
it, and rows that break a rule are refused with nothing left behind."""
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import SPATE, Case

NUMBERS = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000)"

# Those that can be built as pages, and those that SQLite has to fill itself.
TABLES = {
    "plain": ("(a INT, b TEXT, c REAL, d BLOB)", "n, 'word ' || n, n / 4.0, randomblob(n % 600)"),
    "keyed": ("(id INTEGER PRIMARY KEY, b)", "7 * n, 'x' || n"),
    "named": ("(name TEXT PRIMARY KEY, n INTEGER UNIQUE)", "'name ' || (n * 7919 % 5003), n"),
    "pairs": ("(a INT, b INT, note TEXT, PRIMARY KEY (b, a), UNIQUE (note COLLATE NOCASE))", "n % 70, n, 'Note ' || n"),
    "child": ("(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES keyed, up INTEGER REFERENCES child)", "n, 7 * (1 + n % 5000), nullif(n / 2, 0)"),
    "checked": ("(a INT CHECK (a > 0), b TEXT NOT NULL CHECK (length(b) < 9))", "n, 'b' || n"),
    "exact": ("(a INTEGER, b TEXT, c REAL) STRICT", "n, 'b' || n, n / 8.0"),
    "real": ("(whole REAL, big REAL, number NUMERIC)", "n, n * 1000000007.0 * 1000003, n / 2.0"),
    "bare": ("(a INT, b TEXT)", None),
    "descending": ("(id INTEGER PRIMARY KEY DESC, b)", "n, n"),
    "flat": ("(a TEXT PRIMARY KEY, b INT) WITHOUT ROWID", "'a' || n, n"),
    "counted": ("(id INTEGER PRIMARY KEY AUTOINCREMENT, b)", "n, n"),
    "made": ("(a INT, twice INT AS (2 * a) STORED)", "n"),
    "replaced": ("(a INT UNIQUE ON CONFLICT REPLACE, b)", "n, n"),
}


class Sqlite(Case):
    def source(self, names, more=""):
        path = self.dir / "source.sqlite"
        path.unlink(missing_ok=True)
        db = sqlite3.connect(path)
        for name in names:
            columns, rows = TABLES[name]
            db.execute(f"CREATE TABLE {name} {columns}")
            if rows:
                into = "made (a)" if name == "made" else name
                db.execute(f"INSERT INTO {into} {NUMBERS} SELECT {rows} FROM c ORDER BY n")
        db.executescript(more)
        db.close()
        return path

    def check(self, source, target):
        ours, theirs = (sqlite3.connect(p) for p in (target, source))
        for db in (ours, theirs):
            self.addCleanup(db.close)
        self.assertEqual(ours.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(ours.execute("PRAGMA foreign_key_check").fetchall(), [])
        names = [r[0] for r in theirs.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")]
        self.assertEqual([r[0] for r in ours.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")], names)
        for name in names:
            found, want = (sorted(map(repr, db.execute(f"SELECT * FROM {name}"))) for db in (ours, theirs))
            self.assertTrue(found == want, name)
            indexes = [db.execute(f"SELECT name, \"unique\", origin FROM pragma_index_list('{name}') ORDER BY 1").fetchall() for db in (ours, theirs)]
            self.assertEqual(*indexes, name)
        return ours

    def test_every_table_alone(self):
        for name in TABLES:
            with self.subTest(name):
                names = ["keyed", "child"] if name == "child" else [name]
                source, target = self.source(names), self.dir / f"{name}.sqlite"
                self.spate_ok("copy", source, f"sqlite:{target}", "--create", "--verify", "checksum", "--progress", "none")
                self.check(source, target)

    def test_every_page_size(self):
        built = [name for name in TABLES if name not in ("descending", "flat", "counted", "made", "replaced")]
        source = self.source(built, "CREATE INDEX by_b ON plain (b); CREATE UNIQUE INDEX by_a ON exact (a)")
        for size in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
            target = self.dir / f"{size}.sqlite"
            self.spate_ok("copy", source, f"sqlite:{target}?page_size={size}", "--create", "--workers", 3, "--batch", 700, "--progress", "none")
            db = self.check(source, target)
            self.assertEqual(db.execute("PRAGMA page_size").fetchone(), (size,))
            self.assertEqual(db.execute("PRAGMA freelist_count").fetchone(), (0,))
            db.execute("INSERT INTO plain (a) VALUES (1)")
            db.execute("INSERT INTO keyed (b) VALUES (1)")
            db.execute("DELETE FROM named WHERE n % 2")
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            db.rollback()

    def test_what_a_name_can_be(self):
        source = self.source([], """CREATE TABLE "o""dd t'able" ("co""l" INT, "check" TEXT, "group" INTEGER PRIMARY KEY); INSERT INTO "o""dd t'able" VALUES (1, 'x', 5)""")
        target = self.dir / "odd ' name.sqlite"
        self.spate_ok("copy", source, f"sqlite:{target}", "--create", "--progress", "none")
        db = sqlite3.connect(target)
        self.addCleanup(db.close)
        self.assertEqual(db.execute("""SELECT * FROM "o""dd t'able" """).fetchall(), [(1, "x", 5)])
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_the_most_columns(self):
        columns = ", ".join(f"c{i} INT" for i in range(2000))
        values = ", ".join(str(i % 3 and 2 ** (i % 60)) for i in range(2000))
        source = self.source([], f"CREATE TABLE wide ({columns}); INSERT INTO wide VALUES ({values}); INSERT INTO wide DEFAULT VALUES")
        self.spate_ok("copy", source, f"sqlite:{self.dir}/wide.sqlite", "--create", "--verify", "checksum", "--progress", "none")
        self.check(source, self.dir / "wide.sqlite")

    def test_large_cells(self):
        source = self.source([], "CREATE TABLE large (id INTEGER PRIMARY KEY, b BLOB, t TEXT); INSERT INTO large VALUES (1, randomblob(20971520), 'x'), "
                                 "(2, NULL, hex(randomblob(3000000))), (3, x'', ''); "
                                 "WITH RECURSIVE c (n) AS (SELECT 4 UNION ALL SELECT n + 1 FROM c WHERE n < 60) INSERT INTO large SELECT n, randomblob(n * 25000), n FROM c")
        self.spate_ok("copy", source, f"sqlite:{self.dir}/large.sqlite", "--create", "--verify", "checksum", "--progress", "none")
        self.check(source, self.dir / "large.sqlite")

    def refused(self, says, names, more, *words):
        source, target = self.source(names, more), self.dir / "refused.sqlite"
        for path in (target, f"sqlite:{target}?page_size=1024"):
            self.spate_fails(4, "copy", source, path, "--create", "--progress", "none", *words, says=says)
            self.assertEqual([p.name for p in self.dir.iterdir() if "refused" in p.name], [])

    def test_broken_rules(self):
        self.refused("CHECK constraint failed", ["checked"], "PRAGMA ignore_check_constraints = ON; INSERT INTO checked VALUES (0, 'x')")
        self.refused('1 rows, first of table "child" refer to no row of table "keyed"', ["keyed", "child"], "INSERT INTO child VALUES (9999, 1, NULL)")

    def test_plans(self):
        plan = self.write("p.yaml", """
            seed: 4
            tables:
              - name: parent
                rows: 30000
                columns: [{name: id, inc: 1, props: {start: 5}, primary_key: true}, {name: uid, value: "${uuid}", unique: true}]
              - name: child
                rows: 70000
                columns: [{name: id, value: "${uuid}", primary_key: true}, {name: parent_id, ref: parent.id}, {name: note, set: [a, b, c], nullable: 30%}]
            """)
        for workers in (1, 4):
            for mode in ("copy", "insert"):
                self.spate_ok("generate", plan, "--to", f"{workers}{mode}.sqlite", "--create", "--workers", workers, "--insert-mode", mode, "--progress", "none")
        for name in ("1insert", "4copy", "4insert"):
            self.check(self.dir / "1copy.sqlite", self.dir / f"{name}.sqlite")

    def test_stopped_or_killed(self):
        """^C once, when the file is there to be taken away; a kill, whose rest the next run replaces."""
        plan = self.write("p.yaml", "tables: [{name: t, rows: 2_000_000_000, columns: [{name: id, inc: 1, primary_key: true}, {name: uid, value: '${uuid}'}]}]")
        names = lambda: sorted(p.name for p in self.dir.iterdir() if p.name.startswith("t.sqlite"))
        for number in (signal.SIGINT, signal.SIGKILL):
            run = subprocess.Popen([SPATE, "generate", plan, "--to", "t.sqlite", "--create", "--progress", "none"], cwd=self.dir, stderr=subprocess.PIPE, text=True)
            partial, deadline = self.dir / "t.sqlite.partial", time.monotonic() + 120
            while not (partial.exists() and partial.stat().st_size > 1 << 22) and time.monotonic() < deadline:
                time.sleep(0.01)
            run.send_signal(number)
            said = run.communicate()[1]
            self.assertEqual(run.returncode, -number, said)
            self.assertEqual(names(), [] if number == signal.SIGINT else ["t.sqlite.partial"])
            if number == signal.SIGINT:
                self.assertRegex(said, "interrupted; nothing is left of")
        (self.dir / "t.sqlite.late.partial").write_text("left by another")
        self.spate_ok("generate", plan, "--to", "t.sqlite", "--create", "--rows", "t=5000", "--progress", "none")
        self.assertEqual(names(), ["t.sqlite"])
        db = sqlite3.connect(self.dir / "t.sqlite")
        self.addCleanup(db.close)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("SELECT count(*), max(id) FROM t").fetchone(), (5000, 5000))

    def test_page_size(self):
        self.write("t.csv", "a\n1\n")
        for size in ("0", "500", "131072", "x"):
            self.spate_fails(2, "copy", "t.csv", f"t.sqlite?page_size={size}", "--create", says="power of two from 512 to 65536")
        self.spate_ok("copy", "t.csv", "t.sqlite", "--create", "--progress", "none")
        self.spate_fails(2, "copy", "t.csv", "t.sqlite?page_size=512", says="has its page size already")
        self.spate_ok("copy", "t.csv", "j.sqlite?page_size=512", "--create", "--job", "j", "--progress", "none")
        db = sqlite3.connect(self.dir / "j.sqlite")
        self.addCleanup(db.close)
        self.assertEqual(db.execute("PRAGMA page_size").fetchone(), (512,))
