"""spate copy --on-error reject:FILE between files: what is no row, where it stood, what of it can be copied again, and misuse."""
import gzip
import json
import subprocess
import threading

from harness import ROOT, SPATE, Case

CSV = b'a,b,c\n1,x,1.5\n2,y\n3,"z\nz",2.5\nfour,x,1\n5,\xff,0\n6,q"q,1\n7,w,9.25\n'


class Rejects(Case):
    def told(self, name="t.rejects"):
        return [json.loads(line) for line in (self.dir / name).read_text().splitlines()]

    def copy(self, *words, **more):
        return self.spate_ok("copy", *words, "--progress", "none", **more)

    def source(self, text=CSV, name="t.csv"):
        (self.dir / name).write_bytes(text)
        return name

    def make_target(self, name="t.sqlite", sql="CREATE TABLE t (a int PRIMARY KEY, b text, c real CHECK (c < 9))"):
        subprocess.run(["sqlite3", self.dir / name], input=sql, text=True, check=True)
        return name

    def check_csv(self, told, file):
        """By their reasons, as lines of CSV above."""
        by_line = {t["line"]: t for t in told if "line" in t}
        self.assertEqual(sorted(by_line), [3, 6, 7, 8])
        self.assertEqual({t["file"] for t in by_line.values()}, {file})
        self.assertEqual(by_line[3]["text"], "2,y")
        self.assertRegex(by_line[3]["reason"], "2 fields, expected 3")
        self.assertEqual(by_line[6]["values"], {"a": "four", "b": "x", "c": "1"})
        self.assertEqual(by_line[7]["values"], {"a": "5", "b": {"bytes": "ff"}, "c": "0"})
        self.assertEqual(by_line[8]["text"], '6,q"q,1')
        self.assertEqual([t["values"] for t in told if "line" not in t], [{"a": "7", "b": "w", "c": "9.25"}])

    def test_what_is_no_row(self):
        target = self.make_target()
        self.copy(self.source(), target, "--on-error", "reject:t.rejects")
        self.check_csv(self.told(), "t.csv")
        self.copy(target, "-?format=csv", "--table", "t")

    DUCKDB = """CREATE TYPE mood AS ENUM ('good', 'so-so');
        CREATE TABLE parent (a int, b text, PRIMARY KEY (a, b)); INSERT INTO parent VALUES (1, 'x, y'), (2, 'a: b');
        CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, code uuid UNIQUE, n int CHECK (n >= 0), a int, b text, feel mood,
                        FOREIGN KEY (a, b) REFERENCES parent (a, b));
        INSERT INTO t SELECT 100000 + i, 'there', NULL, 0, NULL, NULL, NULL FROM range(100) r(i)"""

    def test_what_duckdb_refuses(self):
        """Alone, twice and in runs; whichever row its words seem to mean, just those rows are rejected that are to blame."""
        code = ("import ctypes, sys; d = ctypes.CDLL(sys.argv[1]); db, c = ctypes.c_void_p(), ctypes.c_void_p();"
                "assert d.duckdb_open(sys.argv[2].encode(), ctypes.byref(db)) == 0; assert d.duckdb_connect(db, ctypes.byref(c)) == 0;"
                "assert d.duckdb_query(c, sys.argv[3].encode(), None) == 0; d.duckdb_disconnect(ctypes.byref(c)); d.duckdb_close(ctypes.byref(db))")
        subprocess.run(["python3", "-c", code, ROOT / "deps/duckdb/libduckdb.so", self.dir / "t.duckdb", self.DUCKDB], check=True)
        rows = [[i, f"n{i}", f"00000000-0000-0000-0000-{i:012}", i % 9, 1 + i % 2, ["x, y", "a: b"][i % 2], "good"] for i in range(5000)]
        faults = {
            7: ("id", 6), 8: ("id", 100007), 2046: ("name", None), 2047: ("name", None), 2048: ("name", None), 2100: ("n", -1), 2101: ("n", -7),
            3000: ("code", "00000000-0000-0000-0000-000000000001"), 3001: ("code", "00000000-0000-0000-0000-000000002999"), 3500: ("b", "z"),
            3501: ("a", 3), 4000: ("feel", "bad"), 4097: ("id", 4096), 4999: ("id", 100099),
        }
        names = ["id", "name", "code", "n", "a", "b", "feel"]
        for i, (name, value) in faults.items():
            rows[i][names.index(name)] = value
        (self.dir / "t.ndjson").write_text("".join(json.dumps(dict(zip(names, r))) + "\n" for r in rows))
        self.copy("t.ndjson", "t.duckdb", "--on-error", "reject:t.rejects", "--workers", "2")
        told = self.told()
        self.assertEqual(sorted(t["values"]["id"] for t in told), sorted(str(rows[i][0]) for i in faults))
        words = {"id": "uplicate key", "name": "NOT NULL", "n": "CHECK", "code": "uplicate key", "a": "foreign key", "b": "foreign key", "feel": "bad"}
        by_row = {json.dumps([t["values"][n] for n in names]): t["reason"] for t in told}
        for i, (name, _) in faults.items():
            key = json.dumps([None if c is None else str(c) for c in rows[i]])
            self.assertIn(words[name], by_row[key])
        out = self.copy("t.duckdb", "-?format=csv&header=false", "--table", "t").out
        there = sorted(int(line.split(",")[0]) for line in out.splitlines())
        self.assertEqual(there, sorted([r[0] for i, r in enumerate(rows) if i not in faults] + [100000 + i for i in range(100)]))

    def test_packed_and_piped(self):
        for n, (name, more) in enumerate({"t.csv.gz": {}, "-?format=csv&table=t": {"input": CSV}}.items()):
            (self.dir / "t.csv.gz").write_bytes(gzip.compress(CSV))
            target = self.make_target(f"{n}.sqlite")
            with self.subTest(name):
                run = subprocess.run([SPATE, "copy", name, target, "--on-error", f"reject:{n}.rejects", "--progress", "none"], cwd=self.dir,
                                     capture_output=True, **more)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.check_csv(self.told(f"{n}.rejects"), name if name.endswith("gz") else "-")

    def test_a_pipe_is_read_once(self):
        """Rows of many chunks are refused by the target, which only looks at them when they have left the pipe."""
        target = self.make_target()
        lines = ["a,b,c"] + [f"{i},x,{i % 10}" for i in range(300000)]
        run = subprocess.Popen([SPATE, "copy", "-?format=csv&table=t", target, "--on-error", "reject:t.rejects", "--progress", "none"],
                               cwd=self.dir, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        writer = threading.Thread(target=lambda: (run.stdin.write("\n".join(lines).encode()), run.stdin.close()))
        writer.start()
        said = run.stderr.read()
        writer.join()
        self.assertEqual(run.wait(), 0, said)
        self.assertEqual([int(t["values"]["a"]) for t in self.told()], list(range(9, 300000, 10)))

    def test_json(self):
        text = '{"a":1,"b":["x",{"y":null}],"c":"2024-01-01"}\n{"a":2\n{"a":"many","b":"s","c":null}\n{"a":5,"b":3}\n'
        self.source(text.encode(), "t.ndjson")
        target = self.make_target(sql="CREATE TABLE t (a int, b json, c text)")
        self.copy("t.ndjson", target, "--on-error", "reject:t.rejects")
        self.assertEqual([(t["line"], t.get("text"), t.get("values")) for t in self.told()],
                         [(2, '{"a":2', None), (3, None, {"a": "many", "b": "s", "c": None})])

    def test_verified(self):
        done = self.copy(self.source(), "out.ndjson", "--on-error", "reject:t.rejects", "--verify", "checksum")
        self.assertIn("verified: 1 of 1", done.err)
        self.assertEqual(len(self.told()), 3)

    def test_rejected_again(self):
        """What was no row has its text still; what was mended goes in."""
        target = self.make_target()
        self.copy(self.source(), target, "--on-error", "reject:t.rejects")
        rejects = (self.dir / "t.rejects").read_text()
        (self.dir / "t.rejects").write_text(rejects.replace("9.25", "8.25"))
        self.copy("t.rejects", target, "--on-error", "reject:u.rejects")
        self.assertEqual(sorted(t.get("text", "") for t in self.told("u.rejects")), ["", "", "2,y", '6,q"q,1'])
        self.assertIn({"a": "5", "b": {"bytes": "ff"}, "c": "0"}, [t.get("values") for t in self.told("u.rejects")])
        self.spate_fails(4, "copy", "t.rejects", target, "--progress", "none", says='has no "values"')

    def test_several_tables(self):
        (self.dir / "in").mkdir()
        for name in ("u", "v"):
            self.source(b"a,b\n1,x\nno\n", f"in/{name}.csv")
        target = self.make_target(sql="CREATE TABLE u (a int, b text); CREATE TABLE v (a int, b text CHECK (b <> 'x'))")
        self.copy("in/", target, "--on-error", "reject:t.rejects")
        self.assertEqual(sorted(t["table"] for t in self.told()), ["u", "v", "v"])
        lines = [{**t, "values": {"a": "9", "b": "y"}} for t in self.told()]
        (self.dir / "t.rejects").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.copy("t.rejects", target)
        counts = subprocess.run(["sqlite3", self.dir / target, "SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM v)"], capture_output=True, text=True)
        self.assertEqual(counts.stdout.strip(), "2|2")

    def test_nothing_rejected_leaves_no_file(self):
        self.copy(self.source(b"a\n1\n"), "out.ndjson", "--on-error", "reject:t.rejects")
        self.assertFalse((self.dir / "t.rejects").exists())

    def test_too_many(self):
        self.spate_fails(4, "copy", self.source(), "out.ndjson", "--on-error", "reject:t.rejects", "--max-rejects", "2", "--progress", "none",
                         says="more than 2 rows were rejected")
        self.assertFalse((self.dir / "out.ndjson").exists())
        self.assertFalse((self.dir / "t.rejects").exists())

    def test_misuse(self):
        self.source()
        for words, says in ((["--on-error", "skip"], "stop or reject:FILE"), (["--on-error", "reject:"], "stop or reject:FILE"),
                            (["--max-rejects", "3"], "means nothing"), (["--on-error", "reject:used"], "of another run")):
            self.write("used", "x\n")
            with self.subTest(words):
                self.spate_fails(2, "copy", "t.csv", "out.ndjson", *words, "--progress", "none", says=says)
        self.write("t.rejects", '{"table":"t","position":0,"nth":1,"reason":"","values":{"a":"1"}}\n')
        self.spate_fails(2, "copy", "t.rejects", "out.ndjson", "--on-error", "reject:t.rejects", "--progress", "none", says="where the rows come from")
        self.spate_fails(2, "copy", "t.csv", "new.rejects", "--progress", "none", says="only read otherwise")
        self.write("no.rejects", '{"a":1}\n')
        self.spate_fails(4, "copy", "no.rejects", "out.ndjson", "--progress", "none", says="line 1: this tells of no rejected row")

    def test_the_report(self):
        report = json.loads(self.copy(self.source(), "out.ndjson", "--on-error", "reject:t.rejects", "--json").out)
        self.assertEqual([(t["rows_done"], t["rejected"]) for t in report["tables"]], [(4, 3)])
