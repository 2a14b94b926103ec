"""The commands about stores of rows, and plans that are made into them."""
import json
import os
import signal
import subprocess
import time

from harness import SPATE, Case, read_ndjson, spate
from store_reader import Store

PLAN = """
seed: 7
tables:
  - name: turbine
    rows: 20
    columns:
      - {name: id, inc: 1}
      - {name: site, set: [north, south, "off shore"]}
  - name: reading
    rows: 20_000
    columns:
      - {name: id, inc: 1}
      - {name: turbine_id, ref: turbine.id}
      - {name: wind, range: decimal, type: double precision, props: {min: 0, max: 40, scale: 1}}
      - {name: at, range: timestamp, sorted: true, props: {min: 2024-01-01T00:00:00Z, max: 2025-01-01T00:00:00Z}}
      - {name: note, set: [ok, "check \\"me\\""], null: 0.3}
"""
READINGS = 20_000
MANY, BLOCK = 600_000, 219 << 10  # rows in a block of this table: what the columns have room for


class Stores(Case):
    def setUp(self):
        super().setUp()
        self.write("plan.yaml", PLAN)

    def make(self, *words):
        return self.spate_ok("generate", "plan.yaml", "--to", "wind.spate", "--progress", "none", *words)

    def scan(self, *words):
        return read_ndjson(self.spate_ok("store", "scan", "wind.spate", *words).out)

    def expected(self, table):
        return read_ndjson(self.spate_ok("generate", "plan.yaml", "--to", "-?format=ndjson", "--table", table, "--progress", "none").out)

    def test_what_goes_in_comes_out_in_order(self):
        for workers in ("1", "2", "5"):
            self.make("--workers", workers, "--truncate")
            self.assertEqual([{"note": None} | r for r in self.scan("--table", "reading")], [{"note": None} | r for r in self.expected("reading")])
            self.assertEqual(self.scan("--table", "turbine"), self.expected("turbine"))

    def test_info_and_stats(self):
        self.make()
        info = json.loads(self.spate_ok("store", "info", "wind.spate", "--json").out)
        self.assertEqual([(t["table"], t["rows"]) for t in info["tables"]], [("turbine", 20), ("reading", READINGS)])
        self.assertIn({"name": "wind", "type": "float64", "nullable": False}, info["tables"][1]["columns"])
        self.assertIn("table reading: 20,000 rows", self.spate_ok("store", "info", "wind.spate").out)
        stats = {s["field"]: s for s in map(json.loads, self.spate_ok("store", "stats", "wind.spate", "--table", "reading", "--json").out.splitlines())}
        self.assertEqual(stats["wind"]["encodings"], "decimal")
        self.assertLess(stats["wind"]["bytes"], READINGS * 10 / 8)
        self.assertEqual(stats["note"]["cells"] + stats["note"]["nulls"], READINGS)
        self.assertEqual(stats["id"]["max"], READINGS)

    def test_scan_takes_part_of_it(self):
        self.make()
        rows = self.expected("reading")
        self.assertEqual(self.scan("--table", "reading", "--fields", "wind,id", "--rows", "1000-1002"),
                         [{"wind": r["wind"], "id": r["id"]} for r in rows[1000:1003]])
        self.assertEqual([r["id"] for r in self.scan("--table", "reading", "--where", "wind >= 39.9", "--where", "id < 10000", "--fields", "id")],
                         [r["id"] for r in rows if float(r["wind"]) >= 39.9 and r["id"] < 10000])
        self.assertEqual(len(self.scan("--table", "reading", "--limit", "7")), 7)
        done = self.spate_ok("store", "scan", "wind.spate", "--table", "turbine", "--csv", "--fields", "site", "--where", "id = 3")
        self.assertEqual(done.out, f"site\n{self.expected('turbine')[2]['site']}\n")

    def test_an_index_finds_the_same(self):
        self.make()
        condition = ("--table", "reading", "--where", 'note = check "me"', "--where", "turbine_id = 7")
        before = self.scan(*condition)
        self.assertTrue(before)
        self.spate_ok("store", "index", "wind.spate", "note", "--table", "reading")
        self.spate_ok("store", "index", "wind.spate", "turbine_id", "--table", "reading")
        self.assertEqual(self.scan(*condition), before)

    def test_cells_are_set_in_place(self):
        self.make()
        size = (self.dir / "wind.spate").stat().st_size
        self.spate_ok("store", "set", "wind.spate", "5", "wind=12.5", "turbine_id=3", "--table", "reading")
        self.assertEqual((self.dir / "wind.spate").stat().st_size, size)
        row = self.scan("--table", "reading", "--rows", "5")[0]
        self.assertEqual((row["wind"], row["turbine_id"]), ("12.5", 3))
        for word in ("wind=123456.7", "wind=0.123"):
            self.spate_fails(4, "store", "set", "wind.spate", "5", word, "--table", "reading", says="does not fit")
        self.spate_fails(2, "store", "set", "wind.spate", "5", "wind=fast", "--table", "reading", says='"fast" is no float64')
        self.spate_fails(2, "store", "set", "wind.spate", "5", "speed=1", "--table", "reading", says='no field "speed"')
        self.assertEqual(self.scan("--table", "reading", "--rows", "5"), [row])

    def test_damage_is_told_and_left_out(self):
        self.make("--rows", f"reading={MANY}")
        path = self.dir / "wind.spate"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1  # in the second block of three
        path.write_bytes(data)
        self.spate_fails(1, "store", "verify", "wind.spate", says=rf"damaged: bytes \d+ to \d+, rows {BLOCK} to {2 * BLOCK - 1} of reading")
        whole = ("--table", "reading", "--csv")
        self.spate_fails(6, "store", "scan", "wind.spate", *whole, says="damaged")
        done = self.spate_ok("store", "scan", "wind.spate", *whole, "--skip-damaged")
        self.assertRegex(done.err, f"left out {BLOCK} damaged rows in 1 blocks")
        ids = [int(line.split(",")[0]) for line in done.out.splitlines()[1:]]
        self.assertEqual(ids, list(range(1, BLOCK + 1)) + list(range(2 * BLOCK + 1, MANY + 1)))
        self.spate_ok("store", "repair", "wind.spate")
        self.assertIn("all whole", self.spate_ok("store", "verify", "wind.spate").out)
        self.assertEqual(self.spate_ok("store", "scan", "wind.spate", *whole).out, done.out)

    def test_appended_truncated_refused(self):
        self.make()
        self.make()
        self.assertEqual(len(self.scan("--table", "turbine")), 40)
        self.make("--truncate")
        self.assertEqual(len(self.scan("--table", "turbine")), 20)
        self.write("plan.yaml", PLAN.replace("name: wind,", "name: speed,"))
        self.spate_fails(2, "generate", "plan.yaml", "--to", "wind.spate", says='column 3 of table "reading" of "wind.spate" is "wind"')
        self.assertEqual(len(self.scan("--table", "turbine")), 20)
        self.spate_fails(2, "generate", "plan.yaml", "--to", "other.spate", "--insert-mode", "upsert", says="insert-mode")
        self.spate_ok("generate", "plan.yaml", "--to", "part.spate", "--part", "0/2")
        self.assertTrue((self.dir / "part.0-of-2.spate").exists())

    def test_copied_from(self):
        self.make()
        self.spate_ok("copy", "wind.spate", "again.spate", "--progress", "none")
        self.assertEqual(self.spate_ok("store", "scan", "again.spate", "--table", "reading").out,
                         self.spate_ok("store", "scan", "wind.spate", "--table", "reading").out)
        self.spate_ok("copy", "wind.spate", "part.csv", "--table", "reading", "--progress", "none")
        self.assertEqual(len((self.dir / "part.csv").read_text().splitlines()), READINGS + 1)

    def test_a_plan_for_what_it_holds(self):
        self.make()
        self.write("again.yaml", self.spate_ok("config", "wind.spate", "--rows", "turbine=20", "--rows", "reading=50").out)
        self.spate_ok("generate", "again.yaml", "--to", "again.spate", "--progress", "none")
        here, there = (json.loads(self.spate_ok("store", "info", f, "--json").out)["tables"] for f in ("wind.spate", "again.spate"))
        self.assertEqual([[(c["name"], c["type"]) for c in t["columns"]] for t in here], [[(c["name"], c["type"]) for c in t["columns"]] for t in there])
        self.assertEqual([t["rows"] for t in there], [20, 50])

    def test_columns_are_packed_when_asked_for(self):
        lines = self.write("log.yaml", 'seed: 1\ntables:\n  - name: log\n    rows: 3000\n    columns:\n      - {name: n, inc: 1}\n'
                           '      - {name: line, value: "${first_name} opened the connection ${int8} of the pool", null: 0.1}\n')
        rows, sizes = [], []
        for to in ("plain.spate", "lz4.spate?pack=lz4", "zstd.spate?pack=zstd"):
            self.spate_ok("generate", lines, "--to", to, "--progress", "none")
            file = to.split("?")[0]
            rows.append(self.spate_ok("store", "scan", file).out)
            self.assertEqual([row["line"].decode() if "line" in row else None for _, row in Store(self.dir / file).rows("log")],
                             [row.get("line") for row in read_ndjson(rows[-1])])
            self.assertEqual(json.loads(self.spate_ok("store", "info", file, "--json").out)["packed"], "?" in to)
            self.assertIn("all whole", self.spate_ok("store", "verify", file).out)
            fields = [json.loads(line) for line in self.spate_ok("store", "stats", file, "--json").out.splitlines()]
            sizes.append(sum(field["bytes"] for field in fields))
        self.assertEqual(rows[1:], rows[:1] * 2)
        self.assertLess(sizes[2], sizes[0] * 0.8)
        self.spate_fails(4, "store", "set", "zstd.spate", "1", "line=x", says="its column is packed")
        self.spate_fails(2, "generate", lines, "--to", "x.spate?pack=gzip", says="expected lz4 or zstd")

    def test_floats_are_rounded_off_when_asked_for(self):
        self.write("noise.yaml", "tables: [{name: t, rows: 3000, columns: [{name: x, range: float, type: double precision, props: {min: 0, max: 100}}]}]\n")
        sizes = {}
        for to in ("exact.spate", "short.spate?round_off=3"):
            self.spate_ok("generate", "noise.yaml", "--to", to, "--progress", "none")
            file = to.split("?")[0]
            sizes[file] = (self.dir / file).stat().st_size
            self.assertEqual(json.loads(self.spate_ok("store", "info", file, "--json").out)["rounded"], "?" in to)
        self.assertLess(sizes["short.spate"], sizes["exact.spate"] - 9000)
        exact, short = ([float(r["x"]) for r in read_ndjson(self.spate_ok("store", "scan", f).out)] for f in ("exact.spate", "short.spate"))
        self.assertTrue(all(s == round(e, 3) for e, s in zip(exact, short)))
        self.assertIn("rounded off", self.spate_ok("store", "info", "short.spate").out)
        self.spate_fails(2, "generate", "noise.yaml", "--to", "x.spate?round_off=16", says="how many decimals")

    def test_files_that_are_none(self):
        self.write("text.spate", "id,name\n1,Ada\n")
        self.write("empty.spate", "")
        self.spate_fails(4, "store", "info", "text.spate", says='^spate: "text.spate" is no store of rows')
        self.spate_fails(4, "store", "info", "empty.spate", says="is empty")
        self.spate_fails(3, "store", "info", "missing.spate", says="no such file")
        self.make()
        data = bytearray((self.dir / "wind.spate").read_bytes())
        self.spate_fails(2, "store", "scan", "wind.spate", says=["2 tables: which one", "--table"])
        self.spate_fails(2, "store", "scan", "wind.spate", "--table", "weather", says='no table "weather"')
        self.spate_fails(2, "store", "scan", "wind.spate", "--table", "reading", "--where", "wind ~ 3", says="is no condition")
        self.spate_fails(2, "store", "scan", "wind.spate", "--table", "reading", "--rows", "5-2", says="--rows takes")

    def test_killed_while_it_writes(self):
        """What was committed is there after the process is gone, in order and without a hole at the front."""
        for delay in (0.05, 0.2):
            process = subprocess.Popen([SPATE, "generate", "plan.yaml", "--to", "wind.spate", "--rows", "reading=20M", "--progress", "none",
                                        "--truncate"], cwd=self.dir, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
            path = self.dir / "wind.spate.partial"
            if not path.exists() or path.stat().st_size <= 200_000:
                continue
            os.rename(path, self.dir / "wind.spate")
            lines = self.spate_ok("store", "scan", "wind.spate", "--table", "reading", "--fields", "id", "--csv").out.splitlines()[1:]
            self.assertEqual(lines, [str(i + 1) for i in range(len(lines))])
            os.unlink(self.dir / "wind.spate")
