"""From anywhere to anywhere: every type, null, extreme, quote and Unicode through every pair of endpoints, read back and compared.

The rows of types.yaml are brought to each place that rows can come from; from there they are copied to each place that they can go to, the
copy verified by spate, and what arrived is read by a second copy to NDJSON and compared value by value with what was made. Where a pair
cannot keep something, QUIRKS says which columns and why, and it is told in the document; a quirk that is no longer needed is a failure.

docs/reference/pairs.md is this table:   python3 tests/conform/test_pairs.py --write
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from conform.test_sinks import PLAN, canonical, ndjson
from harness import ROOT, Case, spate
from live.servers import MariaDB, Postgres

PAGE = ROOT / "docs/reference/pairs.md"
TABLE = "types"

# what it is called, how it is written to and read from; {d} is a directory of its own
PLACES = {
    "postgresql": "PostgreSQL", "mariadb": "MariaDB", "duckdb": "DuckDB", "sqlite": "SQLite", "store": "a store (.spate)", "csv": "CSV", "csv.gz": "CSV, gzip",
    "ndjson": "NDJSON", "ndjson.zst": "NDJSON, zstd", "arrows": "Arrow stream", "arrow": "Arrow file", "adbc": "ADBC (DuckDB's driver)",
    "parquet": "Parquet", "plan": "a plan", "sql": "an SQL script",
}
ONLY_FROM, ONLY_TO = {"plan"}, {"sql"}
SOURCES = [p for p in PLACES if p not in ONLY_TO]
TARGETS = [p for p in PLACES if p not in ONLY_FROM]
DATABASES = {"postgresql", "mariadb", "duckdb", "sqlite", "adbc"}

# (from, to): the columns that arrive otherwise, and why. "*": any.
QUIRKS = {}
NOTES = {
    "text": "types are guessed from the first megabyte: values stay as they are, and a column may become another type",
}
GUESSED = {"csv", "csv.gz", "ndjson", "ndjson.zst"}


class Pairs(Case):
    @classmethod
    def setUpClass(cls):
        cls.server, cls.maria = Postgres(), MariaDB()
        for server in (cls.server, cls.maria):
            cls.addClassCleanup(server.remove)
            server.__enter__()
        done = spate("generate", PLAN, "--to", "-?format=ndjson", "--table", TABLE, "--progress", "none")
        assert done.code == 0, str(done)
        rows = ndjson(done.out)
        cls.names = list(rows[0])
        cls.expected = canonical(rows, cls.names)

    def uri(self, place, name):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        server = {"postgresql": self.server, "mariadb": self.maria}.get(place)
        if server:
            return server.uri(server.database(f"pair_{name}".replace(".", "_")))
        if place == "plan":
            return str(PLAN)
        return {"duckdb": f"duckdb:{folder}/x.duckdb", "adbc": f"adbc:duckdb?path={folder}/x.duckdb", "sqlite": f"sqlite:{folder}/x.sqlite",
                "store": f"{folder}/{TABLE}.spate", "sql": f"{folder}/x.sql?format=copy"}.get(place, f"{folder}/{TABLE}.{place}")

    def bring(self, place):
        """The rows in a place that they can be copied from."""
        uri = self.uri(place, f"from_{place}")
        if place != "plan":
            self.spate_ok("copy", PLAN, uri, "--table", TABLE, *(["--create"] if place in DATABASES else []))
        return uri

    def differing(self, uri):
        done = self.spate_ok("copy", uri, "-?format=ndjson", "--table", TABLE, "--progress", "none")
        rows = canonical([self.plain(r) for r in ndjson(done.out)], self.names)
        self.assertEqual(len(rows), len(self.expected))
        return {n for n in self.names if [r[n] for r in rows] != [r[n] for r in self.expected]}

    def plain(self, row):
        """JSON that became text is JSON in a string."""
        doc = row["doc"] and json.loads(row["doc"])
        return {**row, "doc": doc if isinstance(doc, str) and doc[:1] in '[{"' and doc != "text" else row["doc"]}

    def one_pair(self, place, source, target):
        uri = self.uri(target, f"{place}_to_{target}")
        create = ["--create"] if target in DATABASES | {"sql"} else []
        verify = [] if target in ("sql",) else ["--verify", "checksum"]
        fresh = ["--truncate"] if target == "store" else []
        self.spate_ok("copy", source, uri, "--table", TABLE, "--workers", "3", *create, *fresh, *verify)
        if target == "sql":
            database = self.server.database(f"pair_{place}_sql".replace(".", "_"))
            path = uri.split("?")[0]
            done = subprocess.run(["psql", "-X", "-q", "-d", self.server.uri(database), "-f", path], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            uri = self.server.uri(database)
        return self.differing(uri)

    def all_pairs(self, place):
        source = self.bring(place)
        for target in TARGETS:
            with self.subTest(source=place, target=target):
                allowed = set(QUIRKS.get((place, target), ({}, ""))[0])
                self.assertEqual(self.one_pair(place, source, target), allowed, f"{place} to {target}")


for _place in SOURCES:
    setattr(Pairs, f"test_from_{re.sub('[^a-z]', '_', _place)}", lambda self, p=_place: self.all_pairs(p))


# ---- the document ----


def cell(source, target):
    if (source, target) in QUIRKS:
        return "1"
    return "guess" if source in GUESSED and target in DATABASES | {"store", "arrows", "arrow", "sql"} else "yes"


def page():
    lines = ["# From where to where", "",
             "Every pair that rows can be copied between. For each a test copies every type that spate makes (nulls, extremes, quotes, Unicode,",
             "empty texts), has the copy verified, reads it back and compares every value: `tests/conform/test_pairs.py`, which also writes this page.", "",
             "| from ↓ to → | " + " | ".join(PLACES[t] for t in TARGETS) + " |", "|---" * (len(TARGETS) + 1) + "|"]
    lines += [f"| {PLACES[s]} | " + " | ".join(cell(s, t) for t in TARGETS) + " |" for s in SOURCES]
    lines += ["", "- **yes**: every value arrives as it was.", f"- **guess**: so does every value; {NOTES['text']}. A target that has its table already decides instead."]
    lines += ["", "CSV, NDJSON and Arrow files hold one table each; a directory holds one a file (CSV, NDJSON, and to read Parquet). [Types](types.md) tells what a type becomes,",
              "[copy](../commands/copy.md#schemas) what else of a schema travels.", ""]
    return "\n".join(lines)


class Page(unittest.TestCase):
    def test_the_page_is_this_table(self):
        self.assertEqual(PAGE.read_text(), page(), "python3 tests/conform/test_pairs.py --write")


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page())
    else:
        unittest.main()
