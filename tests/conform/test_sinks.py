"""One suite for every sink: what goes in comes out, for every type, null, extreme, quote, Unicode and emptiness.

types.yaml is made into each sink and read back with that sink's own tools; the rows must equal those that NDJSON on standard output
gives. A sink that cannot keep something says so in QUIRKS, with the reason; a quirk that is no longer needed is a failure.
"""
import decimal
import json
import pathlib
import re
import sqlite3
import struct
import subprocess
import unittest

from harness import Case, duckdb_script, query, read_csv, read_ndjson, spate
from live.servers import MariaDB, Postgres
from store_reader import Store

PLAN = pathlib.Path(__file__).resolve().parent / "types.yaml"
TABLES = ("types", "empty", "narrow", "others")

# ---- one canonical value a kind, whatever way a reader shows it ----


def instant(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00(?::00)?)?", text)
    if not m:
        raise ValueError(f"no timestamp: {text!r}")
    return f"{m[1]} {m[2]}.{(m[3] or '').ljust(6, '0')}"


def clock(text):
    m = re.fullmatch(r"(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?", text)
    if not m:
        raise ValueError(f"no time: {text!r}")
    us = ((int(m[2]) * 60 + int(m[3])) * 60 + int(m[4])) * 10**6 + int((m[5] or "").ljust(6, "0"))
    return -us if m[1] else us


def array(text):
    """PostgreSQL's array text, or JSON."""
    if isinstance(text, list) or text.startswith("["):
        return text if isinstance(text, list) else json.loads(text)
    items = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', text[1:-1])
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted or not bare else bare for quoted, bare in items]


def blob(value):
    if isinstance(value, bytes):
        return value.hex()
    return value.lower().removeprefix("\\x")


def document(text):
    return json.loads(text, parse_float=str, parse_int=str)


def ndjson(path_or_text):
    """Rows of NDJSON, with embedded documents as text again."""
    rows = read_ndjson(path_or_text)
    for row in rows:
        if row.get("doc") is not None:
            row["doc"] = json.dumps(row["doc"])
        if row.get("nest") is not None:
            row["nest"] = json.dumps(row["nest"])
    return rows


def exact(value):
    return decimal.Decimal(repr(value) if isinstance(value, float) else value)


def single(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


CANON = {
    "id": int, "flag": lambda v: str(v).lower() in ("t", "true", "1"), "i16": int, "i32": int, "i64": int, "f32": single, "f64": float,
    "money": exact, "precise": exact, "day": str, "clock": clock, "ts": instant, "tstz": instant, "wait": clock,
    "uid": str, "zero_uid": str, "words": str, "long_words": str, "doc": document, "blob": blob, "tags": array,
    "kind": str, "only": int,
    "big": exact, "fine": exact, "cash": lambda v: exact(v.replace("$", "").replace(",", "") if isinstance(v, str) else v),
    "clock_tz": lambda v: clock(v.removesuffix(":00").removesuffix("+00") if "+" in v else v), "spot": str, "round": str, "nest": document, "hosts": array, "born_at": str,
    **dict.fromkeys(["host", "net", "mac", "mac8", "bits", "some_bits", "markup", "pairs", "found", "wanted", "numbers", "days", "gaps"], str),
}


def canonical(rows, names):
    """Rows of a reader, as dictionaries or lists, in canonical values; rows without an id are sorted."""
    out = []
    for row in rows:
        values = row.values() if isinstance(row, dict) else row
        out.append({n: None if v is None else CANON[n](v) for n, v in zip(names, values, strict=True)})
    key = (lambda r: r["id"]) if "id" in names else (lambda r: (r["only"] is None, r["only"]))
    return sorted(out, key=key)


# ---- the suite ----

# (sink, column): why its values may differ
QUIRKS = {}


class Sinks(Case):
    @classmethod
    def setUpClass(cls):
        cls.expected, cls.names = {}, {}
        for table in TABLES:
            done = spate("generate", PLAN, "--to", "-?format=ndjson", "--table", table, "--progress", "none")
            assert done.code == 0, str(done)
            rows = ndjson(done.out)
            cls.names[table] = list(rows[0]) if rows else ["id", "words"]
            cls.expected[table] = canonical(rows, cls.names[table])
        cls.server, cls.maria = Postgres(), MariaDB()
        cls.server.__enter__()
        cls.maria.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.maria.__exit__(None, None, None)

    def generate(self, to, *words):
        return self.spate_ok("generate", PLAN, "--to", to, "--progress", "none", *words)

    def compare(self, sink, read):
        """read(table) gives the rows of a table; every column must equal what was made."""
        for table in TABLES:
            names, want = self.names[table], self.expected[table]
            got = canonical(read(table), names)
            self.assertEqual(len(got), len(want), f"{sink}: {table}")
            for name in names:
                differing = [(g[name], w[name]) for g, w in zip(got, want) if g[name] != w[name]]
                if (sink, name) in QUIRKS:
                    self.assertTrue(differing, f"{sink}.{name}: the quirk is gone; take it out of QUIRKS")
                else:
                    self.assertEqual(differing[:3], [], f"{sink}: {table}.{name}")

    # ---- files ----

    def test_csv(self):
        self.generate(f"{self.dir}/out/")
        self.compare("csv", lambda t: read_csv(self.dir / f"out/{t}.csv")[1:])

    def test_csv_without_header(self):
        self.generate(f"{self.dir}/out/?header=false")
        self.compare("csv", lambda t: read_csv(self.dir / f"out/{t}.csv"))

    def test_ndjson(self):
        self.generate(f"{self.dir}/out/?format=ndjson")
        self.compare("ndjson", lambda t: ndjson(self.dir / f"out/{t}.ndjson"))

    # ---- Parquet, by DuckDB ----

    def test_parquet(self):
        for table in TABLES:
            self.generate(f"{self.dir}/{table}.parquet", "--table", table, "--workers", "3")
        self.compare("parquet", self.read_parquet)

    def read_parquet(self, table):
        """Through a view of a DuckDB file, by the columns' own types."""
        path = self.dir / "view.duckdb"
        duckdb_script(path, f"CREATE VIEW \"{table}\" AS SELECT * FROM '{self.dir}/{table}.parquet'")
        return self.read_duckdb(path, table)

    # ---- a store, by the program and by a reader that shares no line with it ----

    def test_store(self):
        self.generate(f"{self.dir}/all.spate")
        self.compare("store", lambda t: [dict.fromkeys(self.names[t]) | row for row in ndjson(self.scan_store("--table", t))])
        self.compare("store as CSV", lambda t: self.csv_of_store(t)[1:])

    def csv_of_store(self, table):
        path = self.dir / "t.csv"
        path.write_bytes(self.spate_ok("store", "scan", f"{self.dir}/all.spate", "--table", table, "--csv", text=False).out)
        return read_csv(path)

    def scan_store(self, *words):
        return self.spate_ok("store", "scan", f"{self.dir}/all.spate", *words).out

    def test_store_by_its_specification(self):
        self.generate(f"{self.dir}/all.spate", "--workers", "1")
        by_program = {t: ndjson(self.spate_ok("store", "scan", f"{self.dir}/all.spate", "--table", t).out) for t in TABLES}
        store = Store(self.dir / "all.spate")
        for table in TABLES:
            rows = [row for _, row in store.rows(table)]
            self.assertEqual(len(rows), len(by_program[table]))
            for mine, theirs in zip(rows, by_program[table]):
                self.assertEqual(set(mine), set(theirs))
                for name in ("id", "i16", "i32", "i64", "only", "flag"):
                    self.assertEqual(mine.get(name), theirs.get(name))
                for name in ("words", "long_words", "kind"):
                    if name in mine:
                        self.assertEqual(mine[name].decode(), theirs[name])
                if "f64" in mine:
                    self.assertEqual(repr(mine["f64"]), repr(float(theirs["f64"])))
                if "money" in mine:
                    self.assertEqual(decimal.Decimal(mine["money"][0]).scaleb(-mine["money"][1]), exact(theirs["money"]))
                if "uid" in mine:
                    self.assertEqual(mine["uid"].hex(), theirs["uid"].replace("-", ""))
                if "tags" in mine:
                    self.assertEqual([None if x is None else x.decode() for x in mine["tags"]], theirs["tags"])

    # ---- PostgreSQL, by every road ----

    def read_postgres(self, database):
        settings = "SET timezone TO 'UTC'; SET datestyle TO 'ISO'; SET intervalstyle TO 'postgres'; SET extra_float_digits TO 3;"

        def read(table):
            order = "id" if "id" in self.names[table] else "1"
            path = self.dir / f"{table}.out.csv"
            self.server.psql(f"{settings}\n\\copy (SELECT * FROM {table} ORDER BY {order}) TO '{path}' (FORMAT csv)", database)
            return read_csv(path)

        return read

    def database(self, name):
        self.server.psql(f'CREATE DATABASE "{name}"')
        self.server.psql("CREATE EXTENSION hstore", name)
        return self.server.uri(name)

    def into_postgres(self, name, *words):
        uri = self.database(name)
        self.generate(uri, "--create", *words)
        self.compare("postgresql", self.read_postgres(name))
        return uri

    def test_postgres_copy(self):
        self.into_postgres("pg_copy", "--workers", "2", "--batch", "100")

    def test_postgres_insert(self):
        self.into_postgres("pg_insert", "--insert-mode", "insert")

    def test_postgres_upsert_twice(self):
        uri = self.database("pg_upsert")
        words = ["--insert-mode", "upsert", "--table", "types"]
        self.generate(uri, "--create", "--table", "types")
        self.generate(uri, *words)
        self.generate(uri, *words)
        self.assertEqual(self.server.psql("SELECT count(*) FROM types", "pg_upsert"), [["600"]])

    def test_postgres_existing_tables(self):
        uri = self.into_postgres("pg_existing")
        self.generate(uri, "--truncate")
        self.compare("postgresql", self.read_postgres("pg_existing"))

    def sql_file(self, name, fmt, *words):
        path = self.dir / f"{name}.sql"
        self.generate(f"{path}?format={fmt}", "--create", *words)
        self.database(name)
        done = subprocess.run(["psql", "-X", "-q", "-d", self.server.uri(name), "-f", path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stderr[:2000])
        self.compare("postgresql", self.read_postgres(name))

    def test_sql_insert_file_loads_in_psql(self):
        self.sql_file("sql_insert", "insert")

    def test_sql_insert_file_of_odd_batches(self):
        self.sql_file("sql_insert_odd", "insert", "--batch", "7", "--workers", "3")

    def test_sql_copy_file_loads_in_psql(self):
        self.sql_file("sql_copy", "copy")

    # ---- MariaDB, by either road ----

    def into_mariadb(self, name, *words):
        uri = self.maria.uri(self.maria.database(name))
        self.generate(uri, "--create", *words)
        self.compare("mariadb", lambda t: self.maria.rows(name, t, self.names[t]))
        return uri

    def test_mariadb_arrays(self):
        self.into_mariadb("arrays", "--workers", "2", "--batch", "30")

    def test_mariadb_load_data(self):
        self.into_mariadb("load_data", "--insert-mode", "copy", "--workers", "2", "--batch", "100")

    def test_mariadb_upsert_twice(self):
        uri = self.maria.uri(self.maria.database("upsert"))
        for words in (["--create"], ["--insert-mode", "upsert"], ["--insert-mode", "upsert"]):
            self.generate(uri, "--table", "types", *words)
        self.assertEqual(self.maria.sql("SELECT count(*) FROM types", "upsert"), [["600"]])

    def test_mariadb_existing_tables(self):
        uri = self.into_mariadb("existing")
        self.generate(uri, "--truncate")
        self.compare("mariadb", lambda t: self.maria.rows("existing", t, self.names[t]))

    # ---- embedded ----

    def read_duckdb(self, path, table):
        shown = {"blob": 'lower(hex("blob"))', "tags": "to_json(tags)", "hosts": "to_json(hosts)"}
        columns = ", ".join(shown.get(name, f'"{name}"') for name in self.names[table])
        return query(f"duckdb:{path}", f'SELECT {columns} FROM "{table}"')

    def test_duckdb(self):
        path = self.dir / "out.duckdb"
        self.generate(f"duckdb:{path}", "--create", "--workers", "2")
        self.compare("duckdb", lambda table: self.read_duckdb(path, table))

    def test_sqlite(self):
        path = self.dir / "out.sqlite"
        self.generate(f"sqlite:{path}", "--create")
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        self.compare("sqlite", lambda t: db.execute(f"SELECT * FROM {t}").fetchall())
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])


if __name__ == "__main__":
    unittest.main()
