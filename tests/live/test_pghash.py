"""The partition hash against the server's own: every key type, extremes and nulls, and two columns together."""
import pathlib
import subprocess
import unittest

from harness import ROOT, SPATE, spate
from live.servers import PostgresCase

PROGRAM = pathlib.Path(SPATE).parent / "tests" / "test_pghash"
NO_KEYS = ("json", "jsonb", "ARRAY", "USER-DEFINED")

WIDE = """
seed: 23
tables:
  - name: wide
    rows: %d
    columns:
      - {name: id, inc: 1}
      - {name: big, range: int, type: bigint, props: {min: -9000000000000000000, max: 9000000000000000000}, "null": 0.01}
      - {name: int, range: int, type: integer, props: {min: -2147483648, max: 2147483648}}
      - {name: small, range: int, type: smallint, props: {min: -32768, max: 32768}}
      - {name: flag, value: "${bool}"}
      - {name: real, range: float, type: real, props: {min: -1000000.0, max: 1000000.0}}
      - {name: double, range: float, props: {min: -1000000.0, max: 1000000.0}}
      - {name: money, range: float, type: "numeric(18,4)", props: {min: -9999999.0, max: 9999999.0}}
      - {name: day, range: timestamp, type: date, props: {min: "1900-01-01T00:00:00Z", max: "2100-01-01T00:00:00Z"}}
      - {name: at, range: timestamp, type: timestamp, props: {min: "1900-01-01T00:00:00Z", max: "2100-01-01T00:00:00Z"}}
      - {name: atz, range: timestamp, props: {min: "1900-01-01T00:00:00Z", max: "2100-01-01T00:00:00Z"}}
      - {name: uid, value: "${uuid}"}
      - {name: mail, value: "${email}"}
      - {name: words, range: string, props: {min: 0, max: 60}}
      - {name: raw, range: bytes, props: {min: 0, max: 60}}
"""


class PgHash(PostgresCase):
    def compare(self, plan, table):
        db = self.server.database(table)
        done = spate("generate", plan, "--table", table, "--to", self.server.uri(db), "--create", "--progress", "none")
        self.assertEqual(done.code, 0, done.err)
        columns = [c for c in self.server.psql(
            f"SELECT column_name, format_type(atttypid, atttypmod), data_type FROM information_schema.columns"
            f" JOIN pg_attribute ON attrelid = '{table}'::regclass AND attname = column_name WHERE table_name = '{table}'"
            f" AND column_name <> 'id' ORDER BY ordinal_position", db) if c[2] not in NO_KEYS]
        slots = self.write("slots.csv", subprocess.run([PROGRAM, plan], capture_output=True, text=True, check=True).stdout)
        pathlib.Path(slots).chmod(0o644)
        names = [f"s{i}" for i in range(len(columns))] + ["pair"]
        ddl = f"CREATE TABLE slots (id bigint, {', '.join(n + ' int' for n in names)});"
        for i, (_, kind, _) in enumerate(columns):
            ddl += f"CREATE TABLE p{i} (k {kind}) PARTITION BY HASH (k);"
        ddl += f"CREATE TABLE p_both (a {columns[0][1]}, b {columns[1][1]}) PARTITION BY HASH (a, b);"
        self.server.psql(ddl, db)
        with open(slots) as rows:
            subprocess.run(["psql", "-q", self.server.uri(db), "-c", "COPY slots FROM STDIN (FORMAT csv)"], stdin=rows, check=True)
        checks = [f"count(*) FILTER (WHERE NOT satisfies_hash_partition('p{i}'::regclass, 960, s{i}, t.\"{c[0]}\"))"
                  for i, c in enumerate(columns)]
        checks.append(f"count(*) FILTER (WHERE NOT satisfies_hash_partition('p_both'::regclass, 960, pair,"
                      f" t.\"{columns[0][0]}\", t.\"{columns[1][0]}\"))")
        wrong = self.server.psql(f"SELECT count(*), {', '.join(checks)} FROM \"{table}\" t JOIN slots USING (id)", db)[0]
        self.assertGreater(int(wrong[0]), 0)
        self.assertEqual(dict(zip([c[0] for c in columns] + ["pair"], wrong[1:])),
                         dict.fromkeys([c[0] for c in columns] + ["pair"], "0"))

    def test_every_type_and_its_extremes(self):
        self.compare(ROOT / "tests" / "conform" / "types.yaml", "types")

    def test_random_keys(self):
        self.compare(self.write("wide.yaml", WIDE % 50000), "wide")


if __name__ == "__main__":
    unittest.main()
