"""Arrow IPC against Apache Arrow's own library: what spate writes it reads, value for value, and the other way round."""
import json
import pathlib
import subprocess
import unittest

from conform.test_sinks import PLAN, TABLES, canonical, document, ndjson
from harness import ROOT, Case, spate

PACKAGE = ROOT / "deps" / "arrow"
SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "arrow" / "arrow.mjs"


def run(*words):
    done = subprocess.run(["node", SCRIPT, PACKAGE, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{done.stderr[-3000:]} (tools/fetch.sh test brings the library)")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Arrow(Case):
    def test_what_is_written(self):
        """Every type of the plan, nulls and extremes: as NDJSON says them, and as the library finds them."""
        types = {"id": "Int64", "flag": "Bool", "i16": "Int16", "i32": "Int32", "i64": "Int64", "f32": "Float32", "f64": "Float64", "money": "Decimal[16e+2]",
                 "precise": "Decimal[18e+18]", "day": "Date32<DAY>", "clock": "Time64<MICROSECOND>", "ts": "Timestamp<MICROSECOND>",
                 "tstz": "Timestamp<MICROSECOND, UTC>", "wait": "Interval<MONTH_DAY_NANO>", "uid": "FixedSizeBinary[16]", "zero_uid": "FixedSizeBinary[16]",
                 "words": "Utf8", "long_words": "Utf8", "doc": "Utf8", "blob": "Binary", "tags": "List<Utf8>", "kind": "Utf8"}
        self.spate_ok("copy", PLAN, f"{self.dir}/nd/?format=ndjson", "--table", "types")
        want = [json.loads(line) for line in (self.dir / "nd/types.ndjson").read_text().splitlines()]
        for name in ("types.arrows", "types.arrow"):
            self.spate_ok("copy", PLAN, self.dir / name, "--table", "types", "--workers", "3")
            rows = run("read", self.dir / name)
            schema, rows = rows[:len(types)], rows[len(types):]
            got = {n: t for n, t, _ in schema}
            for column, type_name in types.items():
                self.assertTrue(got[column].startswith(type_name.split("[")[0].split("<")[0]), (column, got[column]))
            self.assertEqual(len(rows), len(want))
            for r, w in zip(rows, want):
                for c in ("id", "i64"):
                    self.assertEqual(r[c] and int(r[c]), w[c])
                for c in ("i16", "i32", "flag", "words", "long_words", "tags", "kind"):
                    self.assertEqual(r[c], w[c], c)
                for c in ("money", "precise"):
                    self.assertEqual(r[c] is None, w[c] is None)
                    self.assertEqual(r[c] and float(r[c]), w[c] if w[c] is None else float(w[c]) or r[c] and float(r[c]))
                for c in ("uid", "zero_uid"):
                    self.assertEqual(r[c], w[c] and w[c].replace("-", ""))
                self.assertEqual(r["blob"], w["blob"])
                self.assertEqual(r["doc"] and json.loads(r["doc"]), w["doc"])

    def test_there_and_back(self):
        for ending in ("arrows", "arrow", "arrows.gz", "arrows.zst"):
            for table in ("types", "narrow", "empty"):
                path = self.dir / f"{table}.{ending}"
                self.spate_ok("copy", PLAN, path, "--table", table, "--workers", "3", "--verify", "checksum")
                done = self.spate_ok("copy", f"{path}?table={table}", "-?format=ndjson")
                want = self.spate_ok("generate", PLAN, "--to", "-?format=ndjson", "--table", table)
                self.assertEqual(done.out, want.out, f"{table}.{ending}")

    def test_what_others_write(self):
        for form in ("stream", "file"):
            path = self.dir / f"js.{form}"
            run("write", path, form)
            done = self.spate_ok("copy", f"arrow:{path}", "-?format=ndjson", "--workers", "2")
            rows = [json.loads(line) for line in done.out.splitlines()]
            self.assertEqual(len(rows), 5000)
            for i, r in enumerate(rows):
                if i % 7 == 3:
                    self.assertEqual(set(r.values()), {None})
                    continue
                self.assertEqual([r[c] for c in ("i8", "u8", "i16", "u16", "i32", "u32")], [i % 256 - 128, i % 256, i - 3000, 65535 - i, -i * 400000, 4294967295 - i])
                self.assertEqual((r["i64"], r["u64"]), (-(1 << 63) + i, (1 << 64) - 1 - i))
                self.assertEqual((r["f16"], r["f32"], r["f64"], r["flag"]), ((i % 100) / 4, i / 8, i / 3, i % 2 == 0))
                self.assertEqual((r["word"], r["big_word"], r["bytes"]), (f'w"{i}é' if i % 5 else "", f"lw{i}", bytes([i % 256, 0, 255]).hex()))
                self.assertEqual((r["fixed"], r["kind"], r["list"]), (bytes([1, 2, 3, i % 256]).hex(), ["red", "green", "blue"][i % 3],
                                                                    [None if k == 1 else i + k for k in range(i % 4)]))
                self.assertEqual(r["clock"][:8], f"{i // 360000:02}:{i // 6000 % 60:02}:{i // 100 % 60:02}")
                self.assertTrue(r["at"].endswith("Z") and "T" in r["ms"])
            self.spate_ok("copy", f"arrow:{path}?table=t", f"{self.dir}/{form}.duckdb", "--create", "--verify", "checksum")

    # ---- ADBC: DuckDB's own driver, which is in its library ----

    def test_adbc_both_ways(self):
        a, b, c = (self.dir / f"{n}.duckdb" for n in "abc")
        self.spate_ok("generate", PLAN, "--to", f"duckdb:{a}", "--create")
        self.spate_ok("copy", f"adbc:duckdb?path={a}", f"{self.dir}/nd/?format=ndjson", "--verify", "checksum", "--workers", "3")
        self.spate_ok("copy", f"duckdb:{a}", f"adbc:duckdb?path={b}", "--create", "--verify", "checksum", "--batch", "700", "--workers", "3")
        self.spate_ok("copy", f"adbc:duckdb?path={b}", f"adbc:duckdb?path={c}", "--create", "--verify", "checksum")
        self.spate_ok("copy", f"adbc:duckdb?path={c}&entrypoint=duckdb_adbc_init", f"{self.dir}/again/?format=ndjson")
        for table in TABLES:
            want = self.spate_ok("generate", PLAN, "--to", "-?format=ndjson", "--table", table).out
            for folder in ("nd", "again"):
                got, made = ((canonical(ndjson(text), list(json.loads(want.split("\n")[0]))) if want else []) for text in
                             ((self.dir / folder / f"{table}.ndjson").read_text(), want))
                self.assertEqual(len(got), len(made))
                for g in got if table == "types" else []:  # the driver gives JSON as text
                    g["doc"] = g["doc"] and document(g["doc"])
                if table == "types":
                    self.assertEqual(got, made, folder)
        self.spate_ok("copy", f"duckdb:{a}", f"adbc:duckdb?path={b}", "--truncate", "--verify", "checksum", "--table", "types")
        self.spate_ok("copy", f"duckdb:{a}", f"adbc:duckdb?path={b}", "--truncate", "--create", "--verify", "count")
        done = self.spate_ok("copy", f"adbc:duckdb?path={a}", "-?format=csv", "--table", "types", "--column", "id", "--where", "id < 3")
        self.assertEqual(done.out, "id\n1\n2\n")

    def test_adbc_mistakes(self):
        self.spate_fails(3, "copy", "adbc:nosuchdriver", "-?format=csv", says="nosuchdriver")
        self.spate_fails(3, "copy", "adbc:duckdb?path=x.duckdb&entrypoint=nosuch", "-?format=csv", says="nosuch")
        self.spate_fails(2, "copy", f"adbc:duckdb?path={self.dir}/x.duckdb", "-?format=csv", "--table", "missing", says="missing")
        path = self.write("t.csv", "a\n1\n")
        self.spate_fails(2, "copy", path, f"adbc:duckdb?path={self.dir}/x.duckdb", says="asking")
        self.spate_ok("copy", path, f"adbc:duckdb?path={self.dir}/x.duckdb", "--create")
        self.spate_fails(4, "copy", path, f"adbc:duckdb?path={self.dir}/x.duckdb", "--create", says='table "t"')

    def test_columns_and_damage(self):
        path = self.dir / "t.arrows"
        self.spate_ok("copy", PLAN, path, "--table", "types")
        done = self.spate_ok("copy", path, "-?format=csv", "--table", "t", "--column", "kind", "--column", "id")
        self.assertEqual(done.out.split("\n")[0], "id,kind")
        whole = path.read_bytes()
        for cut in (3, 100, len(whole) // 2, len(whole) - 30):
            (self.dir / "cut.arrows").write_bytes(whole[:cut])
            self.spate_fails(4, "copy", self.dir / "cut.arrows", f"{self.dir}/cut.csv", says="Arrow")
        for at in range(16, 2000, 37):
            (self.dir / "bad.arrows").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
            done = spate("copy", self.dir / "bad.arrows", f"{self.dir}/bad.csv", "--truncate")
            self.assertIn(done.code, (0, 2, 4), str(done))


if __name__ == "__main__":
    unittest.main()
