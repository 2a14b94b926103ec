"""The same plan and seed give the same bytes: for any number of workers, any batch, any part, for ever.

checksums.json holds the SHA-256 of every table of every plan. SPATE_GOLDEN_UPDATE=1 writes it anew, which is right only when the
random stream's version changes: it changes what every user's plans make.
"""
import hashlib
import json
import os
import pathlib
import unittest

from harness import Case, ROOT, SLOW

HERE = pathlib.Path(__file__).resolve().parent
CHECKSUMS = HERE / "checksums.json"
PLANS = {
    "everything": (HERE / "everything.yaml", []),
    "corners": (HERE / "corners.yaml", []),
    "shop": (ROOT / "examples/shop.yaml", ["--rows", "member=2000", "--rows", "product=500", "--rows", "purchase=8000",
                                           "--rows", "purchase_line=20000", "--rows", "person=2000", "--rows", "pet=3000"]),
    "stress": (ROOT / "examples/stress.yaml", ["--rows", "person=5000", "--rows", "pet=9000"]),
}


def checksum(data):
    return hashlib.sha256(data).hexdigest()


class Golden(Case):
    def make(self, plan, *words, fmt="ndjson"):
        """A checksum a table, of the files of a directory; parts are joined in order."""
        path, rows = PLANS[plan]
        self.runs = getattr(self, "runs", 0) + 1
        out = self.dir / f"run{self.runs}"
        return path, rows, out

    def tables(self, plan, *words, fmt="ndjson"):
        path, rows, out = self.make(plan)
        self.spate_ok("generate", path, *rows, "--to", f"{out}/?format={fmt}", "--progress", "none", *words)
        return {p.stem: checksum(p.read_bytes()) for p in sorted(out.iterdir())}

    def parts(self, plan, n):
        path, rows, out = self.make(plan)
        for i in range(n):
            self.spate_ok("generate", path, *rows, "--to", f"{out}/?format=ndjson", "--part", f"{i}/{n}", "--progress", "none")
        joined = {}
        for table in {p.name.split(".")[0] for p in out.iterdir()}:
            pieces = [out / f"{table}.{i}-of-{n}.ndjson" for i in range(n)]
            joined[table] = checksum(b"".join(p.read_bytes() for p in pieces))
        return joined

    def check(self, plan):
        known = json.loads(CHECKSUMS.read_text()) if CHECKSUMS.exists() else {}
        got = self.tables(plan, "--workers", "1")
        if os.environ.get("SPATE_GOLDEN_UPDATE"):
            known[plan] = got
            CHECKSUMS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
        self.assertEqual(got, known.get(plan))
        self.assertEqual(self.tables(plan, "--workers", "2"), got)
        self.assertEqual(self.tables(plan, "--workers", "8", "--batch", "777"), got)
        self.assertEqual(self.parts(plan, 3), got)
        if not SLOW:
            self.assertEqual(self.parts(plan, 7), got)

    def test_everything(self):
        self.check("everything")

    def test_corners(self):
        self.check("corners")

    def test_shop(self):
        self.check("shop")

    def test_stress(self):
        self.check("stress")

    def test_sql_does_not_depend_on_workers(self):
        for fmt in ("insert", "copy", "csv"):
            one = self.tables("everything", "--workers", "1", fmt=fmt)
            self.assertEqual(self.tables("everything", "--workers", "8", fmt=fmt), one, fmt)

    def test_another_seed_is_other_data(self):
        self.assertNotEqual(self.tables("everything", "--seed", "8"), self.tables("everything"))
        self.assertEqual(self.tables("everything", "--seed", "7"), self.tables("everything"))


if __name__ == "__main__":
    unittest.main()
