"""Every pair of endpoints that rows can be copied between, and back: what arrives is what was made, for every type.

types.yaml is made into PostgreSQL and copied on from there; each copy is verified by spate itself (which reads both sides again)
and, independently, read by the endpoint's own tools and compared with what NDJSON on standard output gives.
"""
import re
import unittest

from conform.test_sinks import PLAN, TABLES, canonical, ndjson
from harness import Case, read_csv, spate
from live.servers import MariaDB, Postgres

# Types that have no binary form in spate: they travel as text that the server makes and reads.
HARD = r"""
CREATE TYPE mood AS ENUM ('sad', 'so-so', 'very "happy"');
CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0);
CREATE TABLE hard (id int PRIMARY KEY, n numeric, big numeric(40,5), neg numeric(5,-2), ip inet, net cidr, mac macaddr, tz timetz,
  r int4range, tr tstzrange, d date, ts timestamp, tstz timestamptz, m money, c char(5), o oid, nm name, iv interval, x xml, b bit(3),
  vb varbit, p point, u bytea, j json, jb jsonb, arr numeric[], da date[], ta text[], feel mood, cost price, one "char",
  v varchar(7), tv tsvector, f4 real, f8 double precision, i2 smallint);
INSERT INTO hard VALUES (1, '123456789012345678901234567890.123456789', '-99999999999999999999.12345', 12300, '10.0.0.1/8', '10.0.0.0/8',
  '08:00:2b:01:02:03', '10:00:00.5+02', '[1,5)', '[2024-01-01 00:00+00,)', 'infinity', '-infinity', 'infinity', '12.34', 'ab', 4294967295, 'nm',
  '1 year -3 days 04:05:06.7', '<a>x</a>', '101', '10101', '(1.5,-2)', '\x00ff5c', '{"a" :  1}', '{"b": [1, null]}', '{1.5,NULL,NaN}',
  '{2024-01-01,infinity}', '{"","a,\"b\\",NULL,"null"}', 'very "happy"', 12.5, 'x', 'ünï', 'a:1 b:2', 'NaN', '-Infinity', -32768);
INSERT INTO hard (id) VALUES (2);
INSERT INTO hard (id, n, d, ts, tstz, f8, u, ta, c, iv) VALUES (3, 'NaN', '4713-01-01 BC', '4713-01-01 BC', '294246-12-31', 5e-324, '', '{}', '',
  '-178000000 years'), (4, '-0.000', '5874897-12-31', '0001-01-01', '0001-01-01 BC', -0.0, '\x', '{NULL}', ' ', '00:00:00.000001');
"""


class Sources(Case):
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
        cls.server.psql("CREATE EXTENSION hstore", "template1")  # for all that are made from it
        cls.start = cls.server.uri(cls.server.database("start"))
        done = spate("generate", PLAN, "--to", cls.start, "--create", "--progress", "none")
        assert done.code == 0, str(done)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.maria.__exit__(None, None, None)

    def copy(self, source, target, *words):
        done = self.spate_ok("copy", source, target, "--progress", "none", "--verify", "checksum", *words)
        self.assertRegex(done.err, r"verified: (\d+) of \1 tables are the same")
        return target

    def read_postgres(self, database):
        settings = "SET timezone TO 'UTC'; SET datestyle TO 'ISO'; SET intervalstyle TO 'postgres'; SET extra_float_digits TO 3;"

        def read(table):
            order = "id" if "id" in self.names[table] else "1"
            path = self.dir / f"{table}.out.csv"
            self.server.psql(f"{settings}\n\\copy (SELECT * FROM {table} ORDER BY {order}) TO '{path}' (FORMAT csv)", database)
            return read_csv(path)

        return read

    def compare(self, how, read):
        for table in TABLES:
            got = canonical(read(table), self.names[table])
            self.assertEqual(len(got), len(self.expected[table]), f"{how}: {table}")
            for name in self.names[table]:
                differing = [(g[name], w[name]) for g, w in zip(got, self.expected[table]) if g[name] != w[name]]
                self.assertEqual(differing[:3], [], f"{how}: {table}.{name}")

    def new_database(self, name):
        return self.server.uri(self.server.database(name))

    # ---- pairs ----

    def test_postgres_to_postgres(self):
        self.copy(self.start, self.new_database("pg_pg"), "--create", "--workers", "3")
        self.compare("postgresql to postgresql", self.read_postgres("pg_pg"))

    def test_postgres_to_csv_and_back(self):
        path = self.copy(self.start, f"{self.dir}/csv/", "--workers", "3")
        self.compare("postgresql to csv", lambda t: read_csv(self.dir / f"csv/{t}.csv")[1:])
        target = self.copy(self.start, self.new_database("csv_pg"), "--create")
        self.copy(path, target, "--truncate")
        self.compare("csv to postgresql", self.read_postgres("csv_pg"))

    def test_postgres_to_ndjson_and_back(self):
        path = self.copy(self.start, f"{self.dir}/nd/?format=ndjson", "--workers", "3")
        self.compare("postgresql to ndjson", lambda t: ndjson(self.dir / f"nd/{t}.ndjson"))
        target = self.copy(self.start, self.new_database("nd_pg"), "--create")
        self.copy(path, target, "--truncate", "--workers", "3")
        self.compare("ndjson to postgresql", self.read_postgres("nd_pg"))

    def test_csv_to_ndjson_and_back(self):
        """Types are guessed: what is text in the end is the same text."""
        first = self.copy(self.start, f"{self.dir}/csv/")
        self.copy(first, f"{self.dir}/nd/?format=ndjson")
        self.copy(f"{self.dir}/nd/", f"{self.dir}/again/")
        for table in ("types", "narrow"):
            one, two = (read_csv(self.dir / f"{d}/{table}.csv") for d in ("csv", "again"))
            self.assertEqual([r for r in one], [r for r in two], table)

    def test_postgres_to_duckdb_and_back(self):
        path = self.copy(self.start, f"duckdb:{self.dir}/x.duckdb", "--create", "--workers", "3")
        self.copy(path, self.new_database("duck_pg"), "--create", "--workers", "3")
        self.compare("duckdb to postgresql", self.read_postgres("duck_pg"))
        self.copy(path, f"duckdb:{self.dir}/y.duckdb", "--create", "--workers", "3")
        self.copy(f"duckdb:{self.dir}/y.duckdb", f"{self.dir}/nd/?format=ndjson")
        self.compare("duckdb to ndjson", lambda t: ndjson(self.dir / f"nd/{t}.ndjson"))
        self.copy(f"{self.dir}/nd/", f"duckdb:{self.dir}/y.duckdb", "--truncate")

    def read_mariadb(self, database):
        return lambda table: self.maria.rows(database, table, self.names[table])

    def new_mariadb(self, name):
        return self.maria.uri(self.maria.database(name))

    def test_postgres_to_mariadb_and_back(self):
        maria = self.copy(self.start, self.new_mariadb("from_pg"), "--create", "--workers", "3")
        self.compare("postgresql to mariadb", self.read_mariadb("from_pg"))
        target = self.copy(self.start, self.new_database("maria_pg"), "--create")
        self.copy(maria, target, "--truncate", "--workers", "3")
        self.compare("mariadb to postgresql", self.read_postgres("maria_pg"))

    def test_mariadb_to_mariadb_by_either_road(self):
        maria = self.copy(self.start, self.new_mariadb("first"), "--create")
        self.copy(maria, self.new_mariadb("second"), "--create", "--workers", "3", "--batch", "20")
        self.compare("mariadb to mariadb", self.read_mariadb("second"))
        self.copy(maria, self.new_mariadb("third"), "--create", "--insert-mode", "copy")
        self.compare("mariadb to mariadb by LOAD DATA", self.read_mariadb("third"))

    def test_mariadb_to_files_and_back(self):
        maria = self.copy(self.start, self.new_mariadb("files"), "--create")
        for to in (f"{self.dir}/csv/", f"{self.dir}/nd/?format=ndjson", f"{self.dir}/all.spate", f"duckdb:{self.dir}/x.duckdb"):
            self.copy(maria, to, "--workers", "3", *(["--create"] if "." in to else []))
            again = self.copy(maria, self.new_mariadb("again" + re.sub(r"\W", "_", to)[-20:]), "--create")
            self.copy(to.removesuffix("?format=ndjson"), again, "--truncate", "--workers", "3")
            self.compare(f"{to} to mariadb", self.read_mariadb(again.split("/")[3].split("?")[0]))

    def test_mariadb_to_sqlite_and_back(self):
        maria, lite = self.copy(self.start, self.new_mariadb("to_lite"), "--create"), f"sqlite:{self.dir}/m.sqlite"
        words = [w for n in self.names["types"] if n not in ("money", "precise") for w in ("--column", n)]
        self.copy(maria, lite, "--create", "--table", "types", *words)
        again = self.copy(maria, self.new_mariadb("from_lite"), "--create")
        self.copy(lite, again, "--truncate", "--table", "types")
        got = canonical(self.read_mariadb("from_lite")("types"), self.names["types"])
        for name in set(self.names["types"]) - {"money", "precise"}:
            differing = [(g[name], w[name]) for g, w in zip(got, self.expected["types"]) if g[name] != w[name]]
            self.assertEqual(differing[:3], [], name)

    def test_csv_to_sqlite_and_back(self):
        """SQLite's columns come as what the source's were."""
        path = self.copy(self.start, f"{self.dir}/csv/")
        lite = f"sqlite:{self.dir}/x.sqlite"
        self.copy(self.start, lite, "--create", "--table", "types")
        for table in ("empty", "narrow"):
            self.copy(path, lite, "--create", "--table", table)
        target = self.copy(self.start, self.new_database("lite_pg"), "--create")
        self.copy(lite, target, "--truncate", "--table", "types", "--workers", "3", "--defer-constraints")
        got = canonical(self.read_postgres("lite_pg")("types"), self.names["types"])
        for name in self.names["types"]:
            differing = [(g[name], w[name]) for g, w in zip(got, self.expected["types"]) if g[name] != w[name]]
            self.assertEqual(differing[:3], [], name)

    # ---- types beyond those that spate makes ----

    def hard_rows(self, database):
        columns = [r[0] for r in self.server.psql("SELECT attname FROM pg_attribute WHERE attrelid = 'hard'::regclass AND attnum > 0"
                                                  " ORDER BY attnum", database)]
        shown = ", ".join(f'"{c}"::text' for c in columns)
        return self.server.psql(f"SET timezone TO 'UTC'; SELECT {shown} FROM hard ORDER BY id", database)

    def test_hard_types_between_databases(self):
        source = self.new_database("hard")
        self.server.psql(HARD, "hard")
        want = self.hard_rows("hard")
        self.copy(source, self.new_database("hard_copy"), "--create")
        self.assertEqual(self.hard_rows("hard_copy"), want)
        types = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'hard'::regclass AND attnum > 0"
        got, have = (dict(self.server.psql(types, d)) for d in ("hard_copy", "hard"))
        changed = {name: got[name] for name in have if got[name] != have[name]}
        self.assertEqual(changed, {})

    def test_hard_types_through_files(self):
        source = self.new_database("hard_files")
        self.server.psql(HARD, "hard_files")
        want = self.hard_rows("hard_files")
        for ending in ("csv", "ndjson"):
            path = self.copy(source, f"{self.dir}/hard.{ending}")
            name = f"hard_{ending}"
            target = self.new_database(name)
            self.server.psql(HARD + "; TRUNCATE hard", name)
            self.copy(path, target, "--truncate")
            self.assertEqual(self.hard_rows(name), want, ending)


if __name__ == "__main__":
    unittest.main()
