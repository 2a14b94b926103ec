"""spate copy --on-error reject:FILE against real servers: every row of the source is in the target or in the file, once, whatever was wrong
with it and whenever the copy was killed; what was mended is copied out of the file again."""
import csv
import io
import json
import os
import random
import subprocess

from harness import SLOW, SPATE, Case, query
from live.servers import MariaDBCase, PostgresCase

ROWS = 2000 if SLOW else 6000
COLUMNS = ["id", "mark", "name", "n", "parent"]
PARENTS = 50
TABLES = {
    "postgresql": "CREATE TABLE parent (id int PRIMARY KEY);"
                  "INSERT INTO parent SELECT i FROM generate_series(0, 49) i;"
                  "CREATE TABLE t (id int PRIMARY KEY, mark int NOT NULL, name varchar(8) NOT NULL, n int CHECK (n >= 0),"
                  " parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    "mariadb": "CREATE TABLE parent (id int PRIMARY KEY) ENGINE InnoDB;"
               "INSERT INTO parent SELECT seq FROM seq_0_to_49;"
               "CREATE TABLE t (id int PRIMARY KEY, mark int NOT NULL, name varchar(8) NOT NULL, n int CHECK (n >= 0),"
               " parent int, FOREIGN KEY (parent) REFERENCES parent (id)) ENGINE InnoDB",
    "sqlite": "CREATE TABLE parent (id int PRIMARY KEY);"
              "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 49) INSERT INTO parent SELECT i FROM s;"
              "CREATE TABLE t (id integer PRIMARY KEY, mark int NOT NULL, name text NOT NULL CHECK (length(name) <= 8), n int CHECK (n >= 0),"
              " parent int REFERENCES parent)",
}


def faulty(rng, row):
    """The row with something wrong in it; a line that is no row comes as text."""
    row = list(row)
    match rng.randrange(8):
        case 0: row[0] = str(int(row[0]) // 2)  # is there twice, or three times
        case 1: row[2] = "much too long"
        case 2: row[2] = ""                     # null
        case 3: row[3] = "-1"
        case 4: row[4] = str(PARENTS + rng.randrange(5))
        case 5: row[3] = "many"
        case 6: return f"{row[0]},{row[1]},few"
        case 7: return f'{row[0]},{row[1]},a "b",1,1' 
    return row


def make(rng, rows, share):
    """Lines of CSV and, of those that fall into fields, the cells by their marks; faults come alone and in runs."""
    lines, cells, bad = [], {}, 0
    for i in range(rows):
        row = [str(2 * i), str(i), rng.choice(["tea", 'a "b"', "x,y", "ä\u20ac"]), str(rng.randrange(9)), str(rng.randrange(PARENTS))]
        bad = bad - 1 if bad > 0 else rng.choice([0, 0, 1, 3, 40]) if rng.random() < share else 0
        row = faulty(rng, row) if bad else row
        if isinstance(row, str):
            lines.append(row)
            continue
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(row)
        lines.append(out.getvalue())
        cells[row[1]] = row
    return lines, cells


class Rejects:
    """What is the same for every target; a class has new(name), which makes the tables and gives a URI, and rows(name)."""

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("SPATE_TEST_SEED", random.randrange(1 << 32)))
        print(f"# seed {seed}")
        self.rng = random.Random(seed)

    def source(self, rows=ROWS, share=0.003):
        lines, cells = make(self.rng, rows, share)
        (self.dir / "t.csv").write_text(",".join(COLUMNS) + "\n" + "\n".join(lines) + "\n")
        return lines, cells

    def check(self, name, lines, cells, rejects="t.rejects"):
        """Every line once, in the target or rejected; what is rejected has its own cells, its own reason."""
        there = self.rows(name)
        path = self.dir / rejects
        told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        values = [t["values"] for t in told if "values" in t]
        texts = [t["text"] for t in told if "text" in t]
        self.assertEqual(sorted(texts), sorted(line for line in lines if line.endswith((",few", ',a "b",1,1'))))
        self.assertEqual(sorted([row[1] for row in there] + [v["mark"] for v in values], key=int), sorted(cells, key=int))
        for row in there:
            self.assertEqual([str(cell) for cell in row], cells[str(row[1])])
        for t in told:
            if "values" in t:
                row = cells[t["values"]["mark"]]
                self.assertEqual([t["values"][c] for c in COLUMNS], [cell if cell else None for cell in row])
            self.assertTrue(t["reason"] and t["table"] == "t", t)
            if "line" in t:
                self.assertEqual(lines[t["line"] - 2], t.get("text") or ",".join(cells[t["values"]["mark"]]).replace("x,y", '"x,y"')
                                 .replace('a "b"', '"a ""b"""'))
        twice = [int(row[0]) for row in cells.values()]
        for v in values:  # nothing is rejected that is not at fault
            row = cells[v["mark"]]
            at_fault = (len(row[2]) > 8 or not row[2] or row[3] in ("-1", "many") or int(row[4]) >= PARENTS or twice.count(int(row[0])) > 1)
            self.assertTrue(at_fault, v)
        return told

    def test_every_row_is_in_one_of_both(self):
        for words in self.ways:
            with self.subTest(words):
                name = f"both{self.ways.index(words)}"
                lines, cells = self.source()
                uri = self.new(name)
                (self.dir / "t.rejects").unlink(missing_ok=True)
                done = self.spate_ok("copy", "t.csv", uri, "--on-error", "reject:t.rejects", "--progress", "none", *words)
                told = self.check(name, lines, cells)
                self.assertIn(f"({len(told):,} rejected)" if told else "rows", done.err)

    def test_mended_rows_are_copied_again(self):
        name = "mended"
        lines, cells = self.source(rows=2000, share=0.01)
        uri = self.new(name)
        self.spate_ok("copy", "t.csv", uri, "--on-error", "reject:t.rejects", "--progress", "none")
        mended = []
        for n, line in enumerate((self.dir / "t.rejects").read_text().splitlines()):
            told = json.loads(line)
            told.pop("text", None)
            mark = told.get("values", {}).get("mark") or str(100000 + n)
            told["values"] = {"id": str(1000000 + n), "mark": mark, "name": 'o"k', "n": None, "parent": "1"}
            mended.append(json.dumps(told))
        (self.dir / "t.rejects").write_text("\n".join(mended) + "\n")
        self.spate_ok("copy", "t.rejects", uri, "--progress", "none")
        self.assertEqual(len(self.rows(name)), len(lines))

    def test_one_too_many_stops(self):
        name = "many"
        self.source(rows=3000, share=0.05)
        uri = self.new(name)
        done = self.spate_fails(4, "copy", "t.csv", uri, "--on-error", "reject:t.rejects", "--max-rejects", "7", "--batch", "500",
                                "--workers", "1", "--progress", "none", says="more than 7 rows were rejected")
        told = (self.dir / "t.rejects").read_text().splitlines() if (self.dir / "t.rejects").exists() else []
        self.assertLessEqual(len(told), 7)
        marks = sorted([int(row[1]) for row in self.rows(name)])
        self.assertNotIn("bug", done.err)
        self.assertEqual(len(marks), len(set(marks)))

    def kill_until_done(self, name, source, *words):
        words = ["copy", source, self.new(name), "--on-error", "reject:t.rejects", "--job", name, "--batch", "1k", "--workers", "2", "--progress", "none", *words]
        for deaths in range(60):
            run = subprocess.Popen([SPATE, *words], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                _, said = run.communicate(timeout=self.rng.uniform(0.05, 0.3) * (1 + deaths))
            except subprocess.TimeoutExpired:
                run.kill()
                _, said = run.communicate()
            if run.returncode == 0:
                break
            self.assertIn(run.returncode, (-9, 3), said)
        else:
            self.fail("the job does not end")
        print(f"# killed {deaths} times")

    def test_killed_and_gone_on(self):
        lines, cells = self.source(rows=2 * ROWS, share=0.01)
        self.kill_until_done("killed", "t.csv")
        self.check("killed", lines, cells)


class ToPostgres(Rejects, PostgresCase):
    ways = [["--workers", "1"], ["--batch", "1k", "--workers", "3"], ["--insert-mode", "insert"], ["--job", "j", "--batch", "3k"]]

    def new(self, name):
        self.server.database(name)
        self.server.psql(TABLES["postgresql"], name)
        return self.server.uri(name)

    def rows(self, name):
        return self.server.psql("SELECT * FROM t ORDER BY mark", name)

    def test_what_the_server_says(self):
        uri = self.new("says")
        self.write("t.csv", "id,mark,name,n,parent\n1,1,a,1,1\n1,2,a,1,1\n2,3,a,1,77\n")
        self.spate_ok("copy", "t.csv", uri, "--on-error", "reject:t.rejects", "--progress", "none")
        first, second = map(json.loads, (self.dir / "t.rejects").read_text().splitlines())
        self.assertEqual((first["sqlstate"], second["sqlstate"]), ("23505", "23503"))
        self.assertIn("Key (id)=(1) already exists.", first["detail"])

    def test_killed_on_the_way_from_postgres(self):
        """What has landed is counted in the source again: rejected rows are there."""
        source = self.new("kill_from")
        self.server.psql(f"ALTER TABLE t DROP CONSTRAINT t_n_check; INSERT INTO t SELECT i, i, 'x', i % 7 - 1, 1 FROM generate_series(1, {4 * ROWS}) i", "kill_from")
        self.kill_until_done("kill_to", source, "--table", "t")
        told = [json.loads(line)["values"]["mark"] for line in (self.dir / "t.rejects").read_text().splitlines()]
        self.assertEqual(sorted([*map(int, told), *(int(row[1]) for row in self.rows("kill_to"))]), list(range(1, 4 * ROWS + 1)))
        self.assertEqual(len(told), 4 * ROWS // 7)

    def test_verified_without_them(self):
        """Both sides are read again: what was rejected, or was no row, is in neither sum."""
        source = self.new("verify_from")
        self.server.psql("ALTER TABLE t DROP CONSTRAINT t_n_check; INSERT INTO t SELECT i, i, 'x', i % 7 - 3, 1 FROM generate_series(1, 5000) i", "verify_from")
        target = self.new("verify_to")
        done = self.spate_ok("copy", source, target, "--table", "t", "--truncate", "--on-error", "reject:t.rejects", "--verify", "checksum",
                             "--progress", "none")
        self.assertIn("verified: 1 of 1", done.err)
        n = len((self.dir / "t.rejects").read_text().splitlines())
        self.assertEqual(n, int(self.server.value("SELECT count(*) FROM t WHERE n < 0", "verify_from")))
        self.assertEqual(len(self.rows("verify_to")), 5000 - n)


class ToMariaDB(Rejects, MariaDBCase):
    ways = [["--workers", "1"], ["--batch", "1k", "--workers", "3"], ["--insert-mode", "copy"], ["--job", "j"]]

    def new(self, name):
        return super().new(name, TABLES["mariadb"])

    def rows(self, name):
        return [["" if cell == "NULL" else cell for cell in row] for row in self.server.sql("SELECT * FROM t ORDER BY mark", name)]


class ToSqlite(Rejects, Case):
    ways = [[], ["--batch", "1k"], ["--job", "j"]]

    def new(self, name):
        subprocess.run(["sqlite3", self.dir / f"{name}.sqlite"], input=TABLES["sqlite"], text=True, check=True)
        return f"{name}.sqlite"

    def rows(self, name):
        done = subprocess.run(["sqlite3", "-csv", self.dir / f"{name}.sqlite", "SELECT * FROM t ORDER BY mark"], capture_output=True, text=True, check=True)
        return list(csv.reader(io.StringIO(done.stdout)))


class ToDuckdb(Rejects, Case):
    ways = [["--workers", "1"], ["--batch", "2k", "--workers", "2"]]

    def new(self, name):
        ToSqlite.new(self, name)
        self.spate_ok("copy", f"{name}.sqlite", f"{name}.duckdb?keys=all", "--create", "--progress", "none")
        return f"{name}.duckdb"

    def source(self, rows=1500, share=0.003):
        return super().source(min(rows, 800), max(share, 0.01))

    def rows(self, name):
        return [["" if cell is None else cell for cell in row.values()] for row in query(f"{name}.duckdb", "SELECT * FROM t ORDER BY mark", self.dir)]
