"""spate copy on files: dialects, guesses, mistakes with their place, pipes."""
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from harness import ROOT, SPATE, Case, spate


class Copy(Case):
    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def rows(self, path, *words, query=""):
        done = self.spate_ok("copy", f"{path}{query}", "-?format=ndjson", "--progress", "none", *words)
        return [json.loads(line) for line in done.out.splitlines()]

    def run_duckdb(self, path, sql):
        """The library itself, as there is no command line client: spate query only reads."""
        code = ("import ctypes, sys; d = ctypes.CDLL(sys.argv[1]); db, c = ctypes.c_void_p(), ctypes.c_void_p();"
                "assert d.duckdb_open(sys.argv[2].encode(), ctypes.byref(db)) == 0; assert d.duckdb_connect(db, ctypes.byref(c)) == 0;"
                "assert d.duckdb_query(c, sys.argv[3].encode(), None) == 0; d.duckdb_disconnect(ctypes.byref(c)); d.duckdb_close(ctypes.byref(db))")
        subprocess.run(["python3", "-c", code, ROOT / "deps/duckdb/libduckdb.so", path, sql], check=True)

    def refused(self, code, words, *arguments):
        done = spate("copy", *arguments, "--progress", "none", cwd=self.dir)
        self.assertEqual(done.code, code, done.err)
        self.assertIn(words, done.err)

    # ---- reading ----

    def test_kinds_are_guessed_without_loss(self):
        path = self.write("t.csv", "a,b,c,d,e,f,g,h\n1,1.50,007,2024-02-29,true,1e5,12345678901234567890,\n"
                                   "-2,-0.25,8,2023-01-01,false,2,1,x\n")
        self.assertEqual(self.rows(path), [
            {"a": 1, "b": 1.5, "c": "007", "d": "2024-02-29", "e": True, "f": 100000, "g": "12345678901234567890", "h": None},
            {"a": -2, "b": -0.25, "c": "8", "d": "2023-01-01", "e": False, "f": 2, "g": "1", "h": "x"}])

    def test_types_as_text(self):
        path = self.write("t.csv", "a,b\n1,true\n")
        self.assertEqual(self.rows(path, query="?types=text"), [{"a": "1", "b": "true"}])

    def test_a_dialect(self):
        path = self.write("t.txt", "1;'x;''y''\nz';NULL\r\n2;;'NULL'\r\n")
        got = self.rows(path, query="?format=csv&header=false&delimiter=;&quote='&null=NULL&table=it")
        self.assertEqual(got, [{"column1": 1, "column2": "x;'y'\nz", "column3": None}, {"column1": 2, "column2": "", "column3": "NULL"}])

    def test_tabs_without_quotes(self):
        path = self.write("t.csv", 'a\tb\n"1\t2"\n')
        self.assertEqual(self.rows(path, query="?delimiter=tab&quote=none"), [{"a": '"1', "b": '2"'}])

    def test_a_byte_order_mark_is_no_name(self):
        self.assertEqual(self.rows(self.write("t.csv", "\ufeffa\n1\n")), [{"a": 1}])

    def test_columns(self):
        path = self.write("t.csv", "a,b,c\n1,2,3\n")
        self.assertEqual(self.rows(path, "--table", "t", "--column", "c", "--column", "a"), [{"a": 1, "c": 3}])
        self.refused(2, 'there is no column "x"', path, "-?format=ndjson", "--table", "t", "--column", "x")

    def test_json_keys_in_any_order(self):
        path = self.write("t.ndjson", '{"a":1,"b":{"x":[1]}}\n\n{"b":[],"a":null}\n{}\n')
        self.assertEqual(self.rows(path), [{"a": 1, "b": {"x": [1]}}, {"a": None, "b": []}, {"a": None, "b": None}])

    def test_columns_among_json_keys(self):
        some = ("--table", "t", "--column", "c", "--column", "a")
        late = "".join(f'{{"c":{n},"b":[{{"x":"}}"}}],"a":"y"}}\n' for n in range(3)) + '{"new":{"c":7},"c":3}\n'
        want = [{"c": n, "a": "y"} for n in range(3)] + [{"c": 3, "a": None}]
        path = self.write("t.ndjson", late)
        self.assertEqual(self.rows(path, *some), want)
        self.assertEqual(self.rows(self.write("gz/t.ndjson", gzip.compress(late.encode())), *some), want)
        self.refused(2, 'there is no column "x"', path, "-?format=csv", "--table", "t", "--column", "x")
        self.refused(4, "row 5: this is no JSON value, of the key \"b\"", self.write("bad/t.ndjson", late + '{"b":[1,],"c":1}\n'), "-?format=csv", *some)

    def test_a_chosen_key_may_come_late(self):
        path, target = self.write("t.ndjson", ('{"a":"' + "x" * 1000 + '"}\n') * 2000 + '{"b":7}\n'), self.dir / "t.sqlite"
        with sqlite3.connect(target) as db:
            db.execute("CREATE TABLE t (a text, b integer)")
        self.spate_ok("copy", path, target, "--table", "t", "--column", "b", "--progress", "none")
        with sqlite3.connect(target) as db:
            self.assertEqual(db.execute("SELECT count(*), count(a), sum(b) FROM t").fetchone(), (2001, 0, 7))

    def test_standard_input(self):
        done = subprocess.run([SPATE, "copy", "-?format=csv", "-?format=ndjson"], input=b"a,b\n" + b"1,x\n" * 100000, capture_output=True)
        self.assertEqual((done.returncode, done.stdout.count(b'{"a":1,"b":"x"}\n')), (0, 100000))

    def test_a_directory_is_a_table_a_file(self):
        (self.dir / "in").mkdir()
        for name in ("in/b.csv", "in/a.csv"):
            self.write(name, "x\n1\n")
        self.write("in/notes.txt", "no rows")
        self.spate_ok("copy", f"{self.dir}/in", f"{self.dir}/out/?format=ndjson", "--verify", "checksum")
        self.assertEqual(sorted(p.name for p in (self.dir / "out").iterdir()), ["a.ndjson", "b.ndjson"])

    def test_any_number_of_workers_gives_the_same_file(self):
        path = self.write("t.csv", "id,word\n" + "".join(f'{i},"w\n{i % 7}"\n' for i in range(60000)))
        for workers in (1, 4):
            self.spate_ok("copy", path, f"{self.dir}/{workers}.ndjson", "--workers", workers)
        one, four = ((self.dir / f"{n}.ndjson").read_bytes() for n in (1, 4))
        self.assertEqual(one.count(b"\n"), 60000)
        self.assertTrue(one == four)
        self.spate_ok("copy", self.dir / "4.ndjson", f"{self.dir}/back.csv", "--workers", 4)
        want = sorted(path.read_text().split('"\n'))
        self.assertEqual(sorted((self.dir / "back.csv").read_text().split('"\n')), want)

    # ---- SQLite ----

    def lite(self, sql):
        path = self.dir / "t.sqlite"
        db = sqlite3.connect(path)
        db.executescript(sql)
        db.close()
        return f"sqlite:{path}"

    def test_sqlite_columns_are_what_they_are_declared_and_hold(self):
        uri = self.lite("""
            CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, flag BOOLEAN, price DECIMAL(10,2), day DATE, at DATETIME, id UUID, any,
                            twice INT AS (i * 2));
            INSERT INTO t VALUES (9223372036854775807, 0.1, '007', x'00ff', 1, 12.5, '2024-02-29', '2024-02-29 10:11:12.5',
                                  '01234567-89ab-cdef-0123-456789abcdef', 'x'),
                                 (-1, 5, 'é', x'', 0, 3, NULL, NULL, NULL, 5), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""")
        self.assertEqual(self.rows(uri), [
            {"i": 9223372036854775807, "r": 0.1, "s": "007", "b": "00ff", "flag": True, "price": 12.5, "day": "2024-02-29",
             "at": "2024-02-29T10:11:12.5", "id": "01234567-89ab-cdef-0123-456789abcdef", "any": "x"},
            {"i": -1, "r": 5.0, "s": "é", "b": "", "flag": False, "price": 3.0, "day": None, "at": None, "id": None, "any": "5"},
            dict.fromkeys(["i", "r", "s", "b", "flag", "price", "day", "at", "id", "any"])])

    def test_sqlite_tables_of_every_shape(self):
        """Dense, far apart, negative and without rowids; a name that is no word; a column called rowid."""
        tables = {
            "dense": ("id INTEGER PRIMARY KEY, v)", "SELECT n, n FROM c"),
            "far": ("id INTEGER PRIMARY KEY, v)", "SELECT n * 1000000007 - 9000000000000000, n FROM c"),
            "ends": ("id INTEGER PRIMARY KEY, v)", "SELECT CASE n WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE n END, n FROM c"),
            "below": ("id INTEGER PRIMARY KEY, v)", "SELECT -n, n FROM c"),
            "keyed": ("v INT PRIMARY KEY) WITHOUT ROWID", "SELECT n FROM c"),
            'o"dd t': ("rowid TEXT, v)", "SELECT 'x', n FROM c"),
        }
        sql = "".join(f"""CREATE TABLE "{name.replace('"', '""')}" ({columns};
            WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9000)
            INSERT INTO "{name.replace('"', '""')}" {rows};\n""" for name, (columns, rows) in tables.items())
        uri = self.lite(sql)
        for workers in (1, 4):
            self.spate_ok("copy", uri, f"{self.dir}/out{workers}/", "--workers", workers, "--batch", "100", "--verify", "checksum")
            for name in tables:
                lines = (self.dir / f"out{workers}/{name}.csv").read_text().splitlines()[1:]
                self.assertEqual(sorted(int(line.split(",")[-1]) for line in lines), list(range(1, 9001)), name)

    def test_sqlite_value_of_another_class(self):
        uri = self.lite("CREATE TABLE t (a INTEGER); WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)"
                        " INSERT INTO t SELECT n FROM c; INSERT INTO t VALUES ('many')")
        self.refused(4, 'column "a", row 3001: the text "many" is no int64', uri, f"{self.dir}/t.csv", "--workers", "1")

    def test_sqlite_rows_and_columns(self):
        uri = self.lite("CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')")
        self.assertEqual(self.rows(uri, "--table", "t", "--where", "a <> 2", "--column", "b"), [{"b": "x"}, {"b": "z"}])
        self.refused(2, "no such column", uri, "-?format=csv", "--table", "t", "--where", "nosuch = 1")

    def test_tables_of_the_schema_main(self):
        with sqlite3.connect(self.dir / "t.sqlite") as db:
            db.execute("CREATE TABLE t (a int)")
            db.execute("INSERT INTO t VALUES (1)")
        self.run_duckdb(self.dir / "t.duckdb", "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (2)")
        for path in ("t.sqlite", "t.duckdb"):
            for name in ("t", "main.t", 'main."t"', "`main`.t"):
                self.assertEqual(self.rows(self.dir / path, "--table", name, "--where", "a < 5"), [{"a": 1}], (path, name))
        self.assertEqual(self.rows(self.dir / "t.duckdb", "--table", '"s".t', "--where", "a < 5"), [{"a": 2}])
        self.refused(2, 'hint: there are "t" and "s.t"', self.dir / "t.duckdb", "-?format=csv", "--table", "q.t")
        script = self.write("two.sql", "CREATE TABLE a.t (x int); CREATE TABLE b.t (x int); CREATE TABLE b.u (x int);")
        done = spate("config", script, "--table", "t", cwd=self.dir)
        self.assertEqual((done.code, '"t" may be "a.t" and "b.t"' in done.err), (2, True), done.err)
        for name in ("b.t", "U", "B.T", '"b"."t"'):
            self.assertIn("name: b.", self.spate_ok("config", script, "--table", name).out)

    def test_sqlite_keys_travel(self):
        uri = self.lite("CREATE TABLE child (id INTEGER PRIMARY KEY, p INT REFERENCES parent, q TEXT UNIQUE);"
                        "CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (5, 1, 'a')")
        self.spate_ok("copy", uri, f"sqlite:{self.dir}/u.sqlite", "--create", "--verify", "checksum")
        db = sqlite3.connect(self.dir / "u.sqlite")
        self.addCleanup(db.close)
        self.assertEqual(db.execute('PRAGMA foreign_key_list("child")').fetchall()[0][2:5], ("parent", "p", None))
        self.assertEqual(db.execute("SELECT count(*) FROM pragma_index_list('child') WHERE \"unique\"").fetchone(), (1,))

    def test_a_child_before_its_parent(self):
        with sqlite3.connect(self.dir / "f.sqlite") as db:
            db.executescript("""
                CREATE TABLE child (id INTEGER PRIMARY KEY, of INTEGER REFERENCES parent, word TEXT, share REAL);
                CREATE TABLE other (day TEXT);
                CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);""")
            db.executemany("INSERT INTO parent VALUES (?, ?)", [(i, f"p{i}") for i in range(50)])
            db.executemany("INSERT INTO child VALUES (?, ?, ?, ?)", [(i, i % 50, f"w{i}", i / 4) for i in range(500)])
            db.execute("INSERT INTO other VALUES ('Monday')")
        self.spate_ok("copy", "f.sqlite", "f.duckdb", "--create", "--verify", "checksum", "--workers", "2", "--progress", "none")
        self.spate_ok("copy", "f.duckdb", "out/", "--progress", "none")
        self.assertEqual((self.dir / "out/child.csv").read_text().splitlines()[:3], ["id,of,word,share", "0,0,w0,0", "1,1,w1,0.25"])
        self.assertEqual((self.dir / "out/parent.csv").read_text().splitlines()[-1], "49,p49")

    def test_sqlite_in_wal_mode_is_kept_still(self):
        uri = self.lite("PRAGMA journal_mode = wal; CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
        db = sqlite3.connect(self.dir / "t.sqlite", isolation_level=None)
        self.addCleanup(db.close)
        self.assertEqual(self.rows(uri), [{"a": 1}])
        db.execute("BEGIN IMMEDIATE")
        self.refused(3, "database is locked", uri, f"{self.dir}/t.csv")

    # ---- DuckDB ----

    def test_duckdb_types(self):
        path = self.dir / "x.duckdb"
        one = self.write("one.csv", "a\n1\n")
        self.spate_ok("copy", one, f"duckdb:{path}", "--create")
        make = ("CREATE TABLE t AS SELECT 1::TINYINT AS i8, 255::UTINYINT AS u8, 18446744073709551615::UBIGINT AS u64,"
                " 170141183460469231731687303715884105727::HUGEINT AS huge, 1.5::DECIMAL(4,1) AS d4, 123456789.125::DECIMAL(12,3) AS d12,"
                " '12345678901234567890.5'::DECIMAL(38,1) AS d38, 'b'::ENUM ('a', 'b') AS e, [1, NULL, 3] AS l, ['x', 'y z'] AS lt,"
                " {'k': 1} AS st, 'infinity'::DATE AS inf, '2024-02-29 10:11:12'::TIMESTAMP_S AS ts_s, '\\xFF'::BLOB AS b,"
                " '01234567-89ab-cdef-0123-456789abcdef'::UUID AS id, INTERVAL '1 month 2 days' AS iv, true AS flag, '{\"a\": 1}'::JSON AS j,"
                " '12:00:00+02'::TIMETZ AS tz FROM range(3000)")
        self.run_duckdb(path, make)
        rows = self.rows(f"duckdb:{path}", "--table", "t", "--workers", "2")
        self.assertEqual(len(rows), 3000)
        self.assertEqual(rows[2999], {
            "i8": 1, "u8": 255, "u64": 18446744073709551615, "huge": "170141183460469231731687303715884105727", "d4": 1.5, "d12": 123456789.125,
            "d38": "12345678901234567890.5", "e": "b", "l": [1, None, 3], "lt": ["x", "y z"], "st": "{'k': 1}", "inf": "infinity",
            "ts_s": "2024-02-29 10:11:12", "b": "ff", "id": "01234567-89ab-cdef-0123-456789abcdef", "iv": "1 mon 2 days", "flag": True,
            "j": {"a": 1}, "tz": "12:00:00+02"})

    def test_parquet(self):
        path = self.dir / "it's.parquet"
        self.run_duckdb(self.dir / "y.duckdb", "COPY (SELECT i AS id, 'x' || i AS s, [i, NULL] AS l, i / 4 AS q, DATE '2024-02-29' AS d"
                        f" FROM range(70000) t(i)) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
        rows = self.rows(path)
        self.assertEqual([r["id"] for r in rows], list(range(70000)))
        self.assertEqual(rows[7], {"id": 7, "s": "x7", "l": [7, None], "q": 1.75, "d": "2024-02-29"})
        self.spate_ok("copy", f"parquet:{path}?table=t", f"sqlite:{self.dir}/p.sqlite", "--create", "--verify", "checksum", "--column", "id",
                      "--column", "s", "--table", "t")
        new = self.dir / "new.parquet"
        self.spate_ok("copy", f"parquet:{path}?table=t", new, "--verify", "checksum", "--workers", "3")
        self.assertEqual(self.rows(new), rows)
        self.refused(2, "new.parquet\" exists already", path, new)
        self.spate_ok("copy", path, f"{new}?pack=snappy", "--truncate")
        self.assertEqual(self.rows(new), rows)
        self.refused(2, "pack cannot be \"lzo\"; it is zstd, snappy, gzip or none", path, f"{new}?pack=lzo")
        self.refused(2, "--create means nothing for parquet", path, new, "--create", "--truncate")
        self.refused(2, "has to be a file", path, "parquet:/dev/null")
        self.assertEqual(list(self.dir.glob("*.partial")), [])
        self.refused(4, "DuckDB", f"parquet:{self.write('bad.parquet', 'PAR1 no')}", "-?format=csv")

    def test_a_directory_of_parquet_files_is_a_table_a_file(self):
        files = self.dir / "in"
        files.mkdir()
        for name, rows in (("a", 3), ("A", 70000), ("b.2024", 5)):
            self.write("t.csv", "n,s\n" + "".join(f"{i},x{i}\n" for i in range(rows)))
            self.spate_ok("copy", "t.csv", files / f"{name}.parquet", "--progress", "none")
        count = lambda *words: json.loads(self.spate_ok("copy", *words, "--create", "--truncate", "--verify", "checksum", "--json", "--progress", "none").out)
        for source in (files, f"{files}/", f"parquet:{files}", f"{files}/?format=parquet", f"{files}/*.parquet"):
            told = count(source, "out.duckdb", "--workers", "2", "--table", "a", "--table", "b.2024")
            self.assertEqual({t["name"]: t["rows"] for t in told["tables"]}, {"a": 3, "b.2024": 5}, source)
        self.spate_ok("copy", files, "text/", "--verify", "checksum", "--workers", "3", "--progress", "none")
        self.assertEqual({p.name: p.read_text().count("\n") for p in (self.dir / "text").iterdir()}, {"a.csv": 4, "A.csv": 70001, "b.2024.csv": 6})
        self.assertEqual([r["n"] for r in self.rows(f"{files}/[aA]*.parquet", "--table", "a", "--where", "a.n > 0")], [1, 2])
        self.spate_ok("copy", files, "again/", "--job", "again", "--ledger", "jobs", "--progress", "none")
        self.refused(2, "there is no table in", f"{files}/c*.parquet", "text/")
        self.refused(2, "called as the files", f"parquet:{files}?table=t", "text/")
        self.refused(3, "there is no file", self.dir / "none.parquet", "text/")
        self.write("in/c.csv", "x\n1\n")
        self.assertEqual([p.name for p in self.csvs(files)], ["c.csv"])
        self.assertEqual(len(self.csvs(f"parquet:{files}")), 3)

    def csvs(self, source):
        out = self.dir / f"csvs{len(list(self.dir.iterdir()))}"
        self.spate_ok("copy", source, f"{out}/", "--progress", "none")
        return sorted(out.iterdir())

    # ---- mistakes ----

    def test_a_bad_cell_has_its_place(self):
        path = self.write("t.csv", "a,b\n" + "1,2\n" * 300000 + "1,x\n")
        self.refused(4, 'column "b", row 300001: "x" is no int64', path, "-?format=ndjson")

    def test_text_that_is_no_utf8(self):
        path = self.write("t.csv", b"a,b\n1,ok\n2,\xff\n")
        self.refused(4, 'column "b", row 2: the text is not UTF-8', path, f"{self.dir}/out.ndjson")
        self.assertFalse((self.dir / "out.ndjson").exists())

    def test_rows_of_another_length(self):
        self.refused(4, "row 2 has 3 fields, expected 2", self.write("t.csv", "a,b\n1,2\n1,2,3\n"), "-?format=ndjson")

    def test_an_open_quote(self):
        self.refused(4, "row 1: a quoted field is not closed", self.write("t.csv", 'a,b\n1,"2\n1,2\n'), "-?format=ndjson")

    def test_keys_that_come_late(self):
        path = self.write("t.ndjson", ('{"a":"' + "x" * 1000 + '"}\n') * 2000 + '{"b":1}\n')
        self.refused(4, 'there is no column for the key "b"', path, f"{self.dir}/out.csv")

    # ---- conditions on what is no database ----

    MANY = 5000  # some batches

    def conditions(self, uri, **more):
        """Rows n of 0 to MANY - 1: n, their text, n / 4, a day of 2024, nothing for odd ones; what conditions give of them."""
        ask = lambda where, *words: self.rows(uri, "--table", "t", "--where", where, *words, **more)
        numbers = lambda where: sorted(r["n"] for r in ask(where))
        self.assertEqual(numbers("n < 3 OR n = 4711"), [0, 1, 2, 4711])
        self.assertEqual(numbers("word LIKE 'row 12_ %' AND n % 2 = 1"), [121, 123, 125, 127, 129])
        self.assertEqual(numbers("price = 2.75"), [11])
        self.assertEqual(numbers("day = DATE '2024-01-02' AND n < 100"), [1, 32, 63, 94])
        self.assertEqual(numbers("maybe IS NULL AND n BETWEEN 4 AND 8"), [5, 7])
        self.assertEqual(len(numbers("true")), self.MANY)
        self.assertEqual(numbers("maybe > 0 AND word IS NULL"), [])
        self.assertEqual(ask("n = 17", "--column", "n", "--column", "word"), [{"n": 17, "word": "row 17 " + "x" * 17}])
        for where, words in (("cost < 3", "cost"), ("n <", "syntax error")):
            self.refused(2, words, uri, "-?format=ndjson", "--table", "t", "--where", where)

    def many(self):
        return [{"n": n, "word": f"row {n} " + "x" * (n % 40), "price": f"{n / 4:.2f}", "day": f"2024-01-{1 + n % 31:02}", "maybe": None if n % 2 else n}
                for n in range(self.MANY)]

    def test_conditions(self):
        text = "n,word,price,day,maybe\n" + "".join("{n},{word},{price},{day},{m}\n".format(m="" if r["maybe"] is None else r["maybe"], **r) for r in self.many())
        path = self.write("t.csv", text)
        self.write("t.ndjson", "".join(json.dumps({**r, "price": float(r["price"])}) + "\n" for r in self.many()))
        self.conditions(path)
        with gzip.open(self.dir / "t.csv.gz", "wt") as packed:
            packed.write(text)
        self.conditions(self.dir / "t.csv.gz")
        self.conditions(self.dir / "t.ndjson")
        for name in ("t.spate", "t.arrows", "t.duckdb", "t.sqlite"):
            self.spate_ok("copy", path, self.dir / name, *(["--create"] if name[2:] in ("duckdb", "sqlite") else []), "--progress", "none")
        self.conditions(self.dir / "t.spate")
        self.conditions(self.dir / "t.arrows")
        self.run_duckdb(self.dir / "t.duckdb", f"COPY t TO '{self.dir}/t.parquet' (FORMAT parquet)".encode())
        self.conditions(self.dir / "t.parquet")
        (self.dir / "d").mkdir()
        shutil.copy(path, self.dir / "d")
        self.conditions(f"{self.dir}/d/")

    def test_ranges_of_a_store_that_begin_inside_its_blocks(self):
        plan = self.write("t.yaml", "tables: [{name: a, rows: 600_000, columns: [{name: n, inc: 0}]},"
                          " {name: b, rows: 300_000, columns: [{name: n, inc: 5}, {name: s, range: string, props: {min: 0, max: 9}}]}]")
        self.spate_ok("generate", plan, "--to", self.dir / "t.spate", "--progress", "none")
        for workers in (1, 3):
            path = self.dir / f"{workers}.sqlite"
            self.spate_ok("copy", self.dir / "t.spate", path, "--create", "--workers", workers, "--batch", 7001, "--verify", "checksum", "--progress", "none")
            with sqlite3.connect(path) as db:
                for table, rows, first in (("a", 600_000, 0), ("b", 300_000, 5)):
                    got = db.execute(f"SELECT count(*), count(DISTINCT n), min(n), max(n) FROM {table}").fetchone()
                    self.assertEqual(got, (rows, rows, first, rows - 1 + first))

    def test_a_condition_on_a_plan(self):
        plan = self.write("t.yaml", "tables: [{name: t, rows: 9000, columns: [{name: n, range: int, props: {min: 0, max: 9000}, unique: true}]}]")
        self.assertEqual([r["n"] for r in self.rows(plan, "--table", "t", "--where", "n = 77")], [77])

    def test_a_target_that_is_refused_leaves_no_file(self):
        db = sqlite3.connect(self.dir / "ring.sqlite")
        db.executescript("CREATE TABLE a (id integer PRIMARY KEY, b int REFERENCES b); CREATE TABLE b (id integer PRIMARY KEY, a int REFERENCES a);"
                         "INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1)")
        db.close()
        before = sorted(os.listdir(self.dir))
        self.spate_fails(2, "copy", "ring.sqlite", "to.sqlite", "--create", "--indexes", "before", "--progress", "none", says="lead back to it")
        self.assertEqual(sorted(os.listdir(self.dir)), before)
        self.spate_ok("copy", "ring.sqlite", "to.sqlite", "--create", "--indexes", "before", "--defer-constraints", "--verify", "checksum", "--progress", "none")

    def test_what_is_misspelt_changes_nothing(self):
        """Columns and conditions are looked at before the target is emptied; what would be emptied is not what is read."""
        path = self.write("t.csv", "a,b\n1,x\n2,y\n")
        for name in ("t.duckdb", "t.sqlite", "to.duckdb", "to.sqlite"):
            self.spate_ok("copy", f"{path}?table=t", self.dir / name, "--create", "--progress", "none")
        for source in ("t.csv", "t.duckdb", "t.sqlite"):
            for target in (self.dir / "to.duckdb", self.dir / "to.sqlite"):
                for words in (["--where", ""], ["--where", "nothing = 1"], ["--where", "count(*) > 0"], ["--column", "a", "--column", "nothing"]):
                    self.refused(2, "spate: ", self.dir / source, target, "--table", "t", "--truncate", *words)
                self.assertEqual(len(self.rows(target)), 2)
        (self.dir / "link.duckdb").symlink_to(self.dir / "t.duckdb")
        for source, target in (("t.duckdb", "link.duckdb"), ("t.sqlite", "t.sqlite")):
            self.refused(2, "the same database", self.dir / source, self.dir / target, "--truncate")

    def test_conditions_on_every_kind(self):
        """Each is shown to DuckDB, and what it leaves is as it was."""
        plan = ROOT / "tests/conform/types.yaml"
        for table in "types", "others":
            whole = self.rows(plan, "--table", table)
            every = " AND ".join(f'("{name}" IS NULL OR "{name}" = "{name}")' for name in whole[0])
            self.assertEqual(self.rows(plan, "--table", table, "--where", every), whole)
            self.assertEqual(self.rows(plan, "--table", table, "--where", f"{every} AND id % 3 = 0"), [r for r in whole if r["id"] % 3 == 0])
        counts = {"flag": "flag", "i16 = 32767": 32767, "day = '0001-01-01'": "0001-01-01", "words = '😀 emoji'": "😀 emoji", "money = 1.5": 1.5,
                  "zero_uid = '00000000-0000-0000-0000-000000000000'": "00000000-0000-0000-0000-000000000000"}
        whole = self.rows(plan, "--table", "types")
        for where, value in counts.items():
            column = where.split()[0]
            self.assertEqual(len(self.rows(plan, "--table", "types", "--where", where)), sum(r[column] == (True if value == "flag" else value) for r in whole), where)

    def test_a_copy_of_some_rows_is_verified_and_gone_on_with(self):
        path = self.write("t.csv", "n\n" + "".join(f"{n}\n" for n in range(self.MANY)))
        words = ["copy", path, f"duckdb:{self.dir}/out.duckdb", "--create", "--table", "t", "--where", "n % 5 = 0", "--progress", "none"]
        done = self.spate_ok(*words, "--verify", "checksum", "--job", "some")
        self.assertIn("verified: 1 of 1 tables are the same", done.err)
        self.assertEqual(len(self.rows(f"{self.dir}/out.duckdb")), self.MANY / 5)

    def test_a_row_that_is_none_beside_a_condition(self):
        path = self.write("t.csv", "a,b\n1,2\n3\n4,5\n6,7\n")
        self.spate_ok("copy", path, self.dir / "out.ndjson", "--table", "t", "--where", "a <> 4", "--on-error", f"reject:{self.dir}/t.rejects", "--progress", "none")
        self.assertEqual(self.rows(self.dir / "out.ndjson"), [{"a": 1, "b": 2}, {"a": 6, "b": 7}])
        self.assertEqual(len((self.dir / "t.rejects").read_text().splitlines()), 1)

    def test_the_only_table_need_not_be_named(self):
        path = self.write("t.csv", "a,b\n1,x\n2,y\n")
        self.assertEqual(self.rows(path, "--where", "a = 2", "--column", "a"), [{"a": 2}])
        self.assertEqual(json.loads(spate("copy", "-?format=csv", "-?format=ndjson", "--where", "a = 2", stdin=path.read_text()).out), {"a": 2, "b": "y"})
        for uri in ("sqlite:t.db", "t.duckdb", "t.spate", "t.parquet"):
            self.spate_ok("copy", path, uri, *([] if "parquet" in uri else ["--create"]))
            self.assertEqual(self.rows(self.dir / "t.db" if "sqlite" in uri else self.dir / uri, "--where", "a = 2"), [{"a": 2, "b": "y"}], uri)

        self.refused(2, 'Referenced column "c" not found', path, "-?format=csv", "--where", "c = 'y'", "--column", "a")

    def test_a_condition_on_columns_that_are_not_copied(self):
        path = self.write("t.csv", 'a,"b c","d""e",f\n1,x,u,7\n2,y,v,8\n3,z,w,9\n')
        for uri in ("sqlite:t.db", "t.duckdb", "t.spate", "t.parquet", "t.arrow", "t.ndjson", "t.csv.gz"):
            self.spate_ok("copy", path, uri, *(["--create"] if uri[-2:] in ("db", "te") or "duck" in uri else []))
        for where, a in (("\"B C\" = 'y'", [2]), ('"d""e" < \'w\' AND f > 7', [2]), ("f = 9 OR a = 1", [1, 3]), ("true", [1, 2, 3])):
            for file in ("t.csv", "t.db", "t.duckdb", "t.spate", "t.parquet", "t.arrow", "t.ndjson", "t.csv.gz"):
                if file == "t.db" and where == "true":
                    continue
                self.assertEqual(self.rows(self.dir / file, "--table", "t", "--where", where, "--column", "f", "--column", "a"),
                                 [{"a": i, "f": i + 6} for i in a], (file, where))
        self.spate_ok("copy", path, "o.db", "--create", "--column", "a", "--where", "f > 7", "--table", "t")
        self.spate_ok("copy", path, "o.db", "--append", "--column", "a", "--where", "f = 7", "--table", "t")
        self.assertEqual(sorted(r["a"] for r in self.rows(self.dir / "o.db")), [1, 2, 3])
        self.refused(2, 'the target has no column "f"', path, "o.db", "--append", "--column", "f", "--where", "a > 7", "--table", "t")

    def test_tabs_by_the_name(self):
        path = self.write("t.tsv", 'a\tb\n1\t"x\ty, z"\n')
        self.assertEqual(self.rows(path), [{"a": 1, "b": "x\ty, z"}])
        self.assertEqual(self.rows(self.write("u.tsv.gz", gzip.compress(path.read_bytes())), query="?delimiter=tab"), [{"a": 1, "b": "x\ty, z"}])
        self.write("dir/c.csv", "a,b\n2,3\n")
        self.write("dir/t.tsv", path.read_text())
        self.assertEqual([self.rows(self.dir / "dir", "--table", t) for t in "ct"], [[{"a": 2, "b": 3}], [{"a": 1, "b": "x\ty, z"}]])
        self.spate_ok("copy", path, "out.tsv")
        self.assertEqual((self.dir / "out.tsv").read_text(), 'a\tb\n1\t"x\ty, z"\n')
        self.spate_ok("copy", path, "out2.tsv?delimiter=;")
        self.assertEqual((self.dir / "out2.tsv").read_text(), 'a;b\n1;x\ty, z\n')

    def test_header_mistakes(self):
        self.refused(4, 'two columns are called "a"', self.write("t.csv", "a,a\n1,2\n"), "-?format=ndjson")
        self.refused(4, "the name of column 2 is empty", self.write("u.csv", "a,\n1,2\n"), "-?format=ndjson")

    def test_what_cannot_be(self):
        path = self.write("t.csv", "a\n1\n")
        out = f"{self.dir}/out.ndjson"
        two = self.write("two/a.csv", "a\n1\n").parent
        self.write("two/b.csv", "a\n1\n")
        for words in (["--column", "a"], ["--where", "a = 1"]):
            self.refused(2, f'columns and a condition are of one table: name it\n  hint: {two} has "a", "b"', two, out, *words)
        self.refused(2, 'there is no table "u"', path, out, "--table", "u")
        self.refused(2, 'rows cannot be read as "sql"', self.write("t.sql", "SELECT 1;"), out)
        self.refused(2, 'unknown key "nul"', f"{path}?nul=x", out)
        self.refused(2, "delimiter cannot be", f"{path}?delimiter=ab", out)
        self.refused(2, "the same character", f"{path}?delimiter=|&quote=|", out)
        self.refused(3, "no such file", self.dir / "missing.csv", out)
        self.write("x.db", "")
        self.refused(2, "verify needs tables", path, f"sqlite:{self.dir}/x.db", "--verify", "count")

    # ---- packed ----

    def test_packed_both_ways(self):
        path = self.write("t.csv", "id,w\n" + "".join(f'{i},"w, {i % 9}"\n' for i in range(60000)))
        for ending, unpack in (("gz", ["gzip", "-dc"]), ("zst", ["zstd", "-dc"])):
            packed = self.dir / f"u.csv.{ending}"
            self.spate_ok("copy", path, packed, "--workers", "4", "--verify", "checksum")
            self.assertLess(packed.stat().st_size, path.stat().st_size / 3)
            if shutil.which(unpack[0]):
                self.assertEqual(subprocess.run([*unpack, packed], capture_output=True, check=True).stdout, path.read_bytes())
            self.spate_ok("copy", packed, f"{self.dir}/{ending}.csv", "--workers", "3")
            self.assertEqual((self.dir / f"{ending}.csv").read_bytes(), path.read_bytes())
            self.spate_ok("copy", packed, f"{self.dir}/{ending}.ndjson.{ending}", "--workers", "3", "--verify", "checksum", "--table", "u")
            renamed = packed.rename(self.dir / "v.csv")
            with renamed.open("rb") as file:
                done = subprocess.run([SPATE, "copy", "-?format=csv", "-?format=csv", "--progress", "none"], stdin=file, capture_output=True)
            self.assertEqual((done.returncode, done.stdout), (0, path.read_bytes()), done.stderr)
            cut = self.write(f"cut.csv.{ending}", renamed.read_bytes()[:-20])
            self.refused(4, "packed", cut, f"{self.dir}/cut.ndjson")
            whole = renamed.read_bytes()
            self.write("bad.csv", whole[:100] + b"\xff" * 100 + whole[200:])
            self.assertNotEqual(spate("copy", self.dir / "bad.csv", f"{self.dir}/bad.ndjson").code, 0)
        self.spate_ok("copy", path, f"{self.dir}/out/?pack=zstd", "--workers", "2")
        self.spate_ok("copy", f"{self.dir}/out/", f"{self.dir}/back/")
        self.assertEqual((self.dir / "back/t.csv").read_bytes(), path.read_bytes())
        self.refused(2, "pack cannot be", path, f"{self.dir}/x.csv?pack=lzma")

    def test_packed_scripts(self):
        path = self.write("t.csv", "id,w\n" + "".join(f"{i},w{i % 9}\n" for i in range(5000)))
        for how in ("insert", "copy"):
            self.spate_ok("copy", path, f"{self.dir}/{how}.sql?format={how}", "--create")
            self.spate_ok("copy", path, f"{self.dir}/{how}.sql.gz?format={how}", "--create", "--workers", "3")
            self.assertEqual(gzip.open(self.dir / f"{how}.sql.gz").read(), (self.dir / f"{how}.sql").read_bytes())

    def test_dialects_are_written_and_read_back(self):
        path = self.write("t.ndjson", "".join(json.dumps({"id": i, "w": w}) + "\n" for i, w in enumerate(
            ["", "a;b", "it's", "back\\slash", 'q"', "line\nbreak", "NULL", "nil", None, " ", "tab\there", "x|y", "\r", "\\'"])))
        want = self.rows(path)
        for query in ("delimiter=;&quote='", "delimiter=tab&null=NULL", "quote='&escape=\\", "null=nil&quote='&escape=\\&delimiter=|"):
            out = f"{self.dir}/{abs(hash(query))}.csv"
            self.spate_ok("copy", path, f"{out}?{query}")
            self.assertEqual(self.rows(out, query=f"?{query}"), want, query)
        bare = self.write("b.ndjson", '{"a":"x","b":null}\n{"a":"","b":"y"}\n')
        self.spate_ok("copy", bare, f"{self.dir}/bare.csv?quote=none&delimiter=tab&null=-")
        self.assertEqual((self.dir / "bare.csv").read_text(), "a\tb\nx\t-\n\ty\n")
        self.refused(4, 'column "w", row 2: the text cannot be written', path, f"{self.dir}/no.csv?quote=none&delimiter=;&null=-")
        self.refused(2, "only csv has a dialect", path, f"{self.dir}/no.ndjson?delimiter=;")

    # ---- plans ----

    def test_a_plan_is_a_source(self):
        plan = self.write("p.yaml", "tables:\n  - name: a\n    rows: 5000\n    columns: [{name: id, inc: 1}, {name: w, value: '${word}'}]\n"
                                    "  - name: b\n    rows: 7\n    columns: [{name: n, ref: a.id}]\n")
        self.spate_ok("copy", plan, f"{self.dir}/copied/", "--verify", "checksum", "--workers", "3")
        self.spate_ok("generate", plan, "--to", f"{self.dir}/made/")
        for name in ("a.csv", "b.csv"):
            self.assertEqual((self.dir / "copied" / name).read_bytes(), (self.dir / "made" / name).read_bytes())
        self.spate_ok("copy", plan, f"{self.dir}/p.duckdb", "--create", "--verify", "checksum", "--table", "b")
        self.spate_ok("copy", f"{plan}?seed=9", f"{self.dir}/other/", "--table", "a")
        self.assertNotEqual((self.dir / "other/a.csv").read_bytes(), (self.dir / "made/a.csv").read_bytes())
        self.refused(2, "p.yaml:2:", self.write("p.yaml", "tables:\n  - nam: a\n    rows: 5\n"), "-?format=csv")
        self.refused(2, "is no endpoint that rows can go to", self.write("t.csv", "a\n1\n"), f"{self.dir}/new.yaml")

    # ---- how fast ----

    def test_a_rate_is_kept(self):
        path = self.write("t.csv", "a,b\n" + "1,0123456789\n" * 20000)
        for rate, seconds in (("20k", 0.9), ("20k/s", 0.9), ("256KiB/s", 0.8), ("256kB", 0.8)):
            start = time.monotonic()
            self.spate_ok("copy", path, f"{self.dir}/t{seconds}.ndjson", "--truncate", "--workers", "3", "--rate", rate)
            took = time.monotonic() - start
            size = (self.dir / f"t{seconds}.ndjson").stat().st_size
            least = 20000 / 20000 - 0.1 if "k" in rate and "B" not in rate else size / 262144 - 0.1
            self.assertGreater(took, least, rate)
            self.assertLess(took, 4 * least + 30, rate)
        self.assertIn("--rate takes rows", spate("copy", path, f"{self.dir}/x.csv", "--rate", "fast").err)
        self.assertEqual(spate("copy", path, f"{self.dir}/x.csv", "--rate", "0").code, 2)

    # ---- reports ----

    def test_json_report(self):
        path = self.write("t.csv", "a\n1\n2\n")
        done = self.spate_ok("copy", path, f"{self.dir}/out.ndjson", "--json", "--verify", "checksum")
        report = json.loads(done.out)
        self.assertTrue(report["complete"])
        self.assertEqual([(t["name"], t["rows"], t["rows_done"]) for t in report["tables"]], [("t", 2, 2)])
        self.assertTrue(report["verified"][0]["same"])
        self.assertEqual(report["verified"][0]["rows_to"], 2)

    def test_dry_run_changes_nothing(self):
        path = self.write("t.csv", "a\n1\n")
        self.spate_ok("copy", path, f"{self.dir}/out.ndjson", "--dry-run")
        self.assertFalse((self.dir / "out.ndjson").exists())


if __name__ == "__main__":
    unittest.main()
