"""spate into and out of a real MariaDB: types that only it has, one moment for all workers, keys, what is refused, what survives."""
import random
import re
import subprocess
import threading
import time
import unittest

from harness import ROOT, SPATE
from live.servers import MariaDBCase, Postgres

# Every type, at its ends.
HARD = """
CREATE TABLE hard (id int PRIMARY KEY, t1 tinyint, t1u tinyint unsigned, b tinyint(1), s smallint, su smallint unsigned, m mediumint,
  mu mediumint unsigned, i int, iu int unsigned, l bigint, lu bigint unsigned, f float, d double, n decimal(18,4), big decimal(65,30),
  bit1 bit, bit9 bit(9), bit64 bit(64), y year, da date, ti time, ti6 time(6), dt datetime, dt3 datetime(3), dt6 datetime(6), ts timestamp NULL,
  ts6 timestamp(6) NULL, c char(5), v varchar(20), vl varchar(20) CHARACTER SET latin1, t3 text CHARACTER SET utf8mb3, tt tinytext, mt mediumtext,
  lt longtext, bi binary(4), vb varbinary(20), bl blob, lb longblob, e enum('a','2','it''s'), st set('x','y','z'), j json, u uuid, i4 inet4, i6 inet6,
  g int GENERATED ALWAYS AS (t1) STORED) DEFAULT CHARSET utf8mb4;
INSERT INTO hard (id, t1, t1u, b, s, su, m, mu, i, iu, l, lu, f, d, n, big, bit1, bit9, bit64, y, da, ti, ti6, dt, dt3, dt6, ts, ts6, c, v, vl, t3, tt, mt, lt,
  bi, vb, bl, lb, e, st, j, u, i4, i6) VALUES
 (1, -128, 255, 1, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
  3.4028234e38, 1.7976931348623157e308, -99999999999999.9999, 99999999999999999999999999999999999.999999999999999999999999999999, b'1', b'100000001',
  b'1111111111111111111111111111111111111111111111111111111111111111', 2155, '9999-12-31', '23:59:59', '23:59:59.999999', '9999-12-31 23:59:59',
  '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999999', 'ab', 'trail  ', 'caf\u00e9', '\u65e5\u672c',
  'x', repeat('m', 70000), 'tab\tnl\n', 'ab', x'00ff', x'', x'5c27', '2', 'x,z', '{"a": [1, 2]}', '00112233-4455-6677-8899-aabbccddeeff',
  '10.0.0.1', '::1'),
 (2, 127, 0, 0, 32767, 0, 8388607, 0, 2147483647, 0, 9223372036854775807, 0, -1e-38, 5e-324, 0.0001, 0.000000000000000000000000000001, b'0', b'0', b'0', 1901,
  '0001-01-01', '00:00:00', '00:00:00.000001', '0001-01-01 00:00:00', '0001-01-01', '1969-12-31 23:59:59.999999', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000001',
  '', '', '', '', '', '', '\U0001f600', 'abcd', '', '', '', 'it''s', '', '[]', NULL, '255.255.255.255', 'ffff::');
INSERT INTO hard (id) VALUES (3);
"""

SHOP = [ROOT / "examples" / "shop.yaml",
        *(word for table, rows in dict(member=1000, product=200, purchase=5000, purchase_line=15000, person=1000, pet=1500).items()
          for word in ("--rows", f"{table}={rows}"))]


class Types(MariaDBCase):
    def test_every_type_at_its_ends(self):
        source = self.new("hard", HARD)
        target = self.new("same", HARD)
        for words in ([], ["--insert-mode", "copy"]):
            self.copy(source, target, "--truncate", "--verify", "checksum", "--workers", "2", *words)
            self.assertEqual(self.server.sql("SELECT count(*) FROM (SELECT * FROM hard.hard EXCEPT SELECT * FROM same.hard) AS x"), [["0"]])
        self.copy(source, self.new("made"), "--create", "--verify", "checksum")
        self.assertEqual(self.server.sql("SHOW CREATE TABLE hard", "made"), self.server.sql("SHOW CREATE TABLE hard", "hard"))

    def test_through_files_and_databases(self):
        plain = HARD.replace(",\n  g int GENERATED ALWAYS AS (t1) STORED", "")
        source = self.new("hard_out", plain)
        for i, path in enumerate(("hard.csv", "hard.ndjson", "h.spate", "duckdb:h.duckdb")):
            self.copy(source, path, "--table", "hard", *(["--create"] if "duckdb" in path else []))
            target = self.new(f"hard_in{i}", plain + "; TRUNCATE hard")
            self.copy(path, target, "--table", "hard", "--truncate", "--verify", "checksum")
            lost = self.server.sql(f"SELECT count(*) FROM (SELECT * FROM hard_out.hard EXCEPT SELECT * FROM hard_in{i}.hard) AS x")
            self.assertEqual(lost, [["0"]], path)

    def test_what_has_no_value_is_refused(self):
        def refused(column, value, says, hint):
            name = re.sub(r"\W", "_", f"no_{column}_{value}")[:60]
            source = self.new(name, f"SET sql_mode = ''; CREATE TABLE t (id int PRIMARY KEY, x {column}); INSERT INTO t VALUES (1, NULL), (2, {value})")
            self.spate_fails(4, "copy", source, "-?format=csv", "--table", "t", says=[says, re.escape(hint)])
            return source

        said = 'table "t", column "x", row 2: this value of type '
        zero = refused("date", "'0000-00-00'", said + "date is no day of the calendar", "zero-dates=null")
        refused("datetime", "'2024-00-10'", said + "datetime is no day", "zero-dates=null")
        long = refused("time", "'-100:00:00'", said + "time is no time of day", "time=interval")
        seven = refused("tinyint(1)", "7", said + r"tinyint\(1\) is neither 0 nor 1", "tinyint1=smallint")
        for source, option, want in ((zero, "zero-dates=null", "2,"), (long, "time=interval", "2,-100:00:00"), (seven, "tinyint1=smallint", "2,7")):
            done = self.copy(f"{source}&{option}", "-?format=csv", "--table", "t")
            self.assertEqual(done.out.splitlines(), ["id,x", "1,", want])
        self.spate_fails(2, "copy", zero + "&zero-dates=maybe", "-?format=csv", says="zero-dates is null")
        shape = self.new("shape", "CREATE TABLE t (id int PRIMARY KEY, p point)")
        self.spate_fails(2, "copy", shape, "-?format=csv", says='column "p": values of type point cannot be read')
        self.copy(shape, "-?format=csv", "--table", "t", "--column", "id")

    def test_nothing_is_changed_silently(self):
        """What MariaDB would round, cut, fill up or take for something else, by either road."""
        for column, cell, says in (
                ("decimal(5,1)", "1.25", "2 places"), ("float", "1.1", "would be rounded"), ("datetime", "2024-01-01 00:00:00.5", "would be cut off"),
                ("char(9)", "x ", "would be lost"), ("enum('a','b')", "2", "labels"), ("set('a','b')", "b,a", "labels"), ("varchar(2)", "abc", "too long|truncated"),
                ("varchar(2)", "ab ", "truncated"), ("tinyint", "128", "Out of range"), ("int unsigned", "-1", "Out of range"),
                ("varchar(9) CHARACTER SET latin1", "\u65e5", "Incorrect string"), ("timestamp", "2039-01-01 00:00:00Z", "Incorrect datetime|Out of range"),
                ("year", "70", "1901 to 2155"), ("float(5,2)", "1.239", "the column is float"), ("json", "{", "json_valid|CONSTRAINT"), ("uuid", "x", "uuid")):
            name = re.sub(r"\W", "_", f"q_{column}_{cell}")[:60]
            target = self.new(name, f"CREATE TABLE t (id int PRIMARY KEY, x {column})")
            kind = {"decimal(5,1)": "numeric(9,2)", "float": "double precision", "datetime": "timestamp", "timestamp": "timestamptz", "tinyint": "bigint",
                    "int unsigned": "bigint", "year": "bigint", "float(5,2)": "double precision", }.get(column, "text")
            plan = self.write("p.yaml", f"tables: [{{name: t, rows: 1, columns: [{{name: id, inc: 1, type: bigint}},"
                                        f" {{name: x, set: ['{cell}'], type: '{kind}'}}]}}]\n")
            for mode in ("insert", "copy"):
                done = subprocess.run([SPATE, "generate", plan, "--to", target, "--insert-mode", mode, "--progress", "none"], capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 0, f"{column} took {cell!r} by {mode}")
                self.assertRegex(done.stderr, f"(?i){says}", f"{column}, {mode}")
                self.assertEqual(self.value("SELECT count(*) FROM t", name), "0")

    def test_null_where_none_may_be(self):
        target = self.new("nulls", "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, ts timestamp NOT NULL, n int NOT NULL)")
        self.write("t.csv", "id,ts,n\n1,2024-01-01 00:00:00,5\n0,2024-01-01 00:00:00,5\n2,,5\n")
        self.spate_fails(4, "copy", "t.csv", target, says='row 3: column "ts", which is timestamp: null in a column that is NOT NULL')
        self.write("t.csv", "id,ts,n\n1,2024-01-01 00:00:00,5\n0,2024-01-01 00:00:00,5\n")
        self.copy("t.csv", target)
        self.assertEqual(self.server.sql("SELECT id FROM t ORDER BY id", "nulls"), [["0"], ["1"]])


class Source(MariaDBCase):
    def test_every_worker_sees_one_moment(self):
        """Money moves between accounts all the while; no copy sees it on its way."""
        source = self.new("moving", "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);"
                                    "INSERT INTO account SELECT seq, 100 FROM seq_1_to_20000")
        stop = threading.Event()

        def move():
            while not stop.is_set():
                self.server.sql("BEGIN; UPDATE account SET balance = balance - 1 WHERE id % 2 = 0;"
                                "UPDATE account SET balance = balance + 1 WHERE id % 2 = 1;"
                                "INSERT INTO account SELECT max(id) + seq, 100 FROM account, seq_1_to_2 GROUP BY seq; COMMIT", "moving")

        thread = threading.Thread(target=move)
        thread.start()
        try:
            for i in range(3):
                target = self.new(f"moved{i}")
                self.copy(source, target, "--create", "--workers", "3", "--batch", "50", "--verify", "checksum")
                rows, total = self.server.sql("SELECT count(*), sum(balance) FROM account", f"moved{i}")[0]
                self.assertEqual(int(total), 100 * int(rows))
        finally:
            stop.set()
            thread.join()

    def test_privileges(self):
        """RELOAD, else LOCK TABLES, else one worker."""
        self.new("mine", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
        self.server.sql("CREATE USER poor@'%' IDENTIFIED BY 'x'; GRANT SELECT ON mine.* TO poor@'%'")
        uri = f"mariadb://poor:x@127.0.0.1:{self.server.port}/mine"
        done = self.spate_fails(3, "copy", uri, "-?format=csv", "--workers", "2", says=["1044|1142|1227", "RELOAD, or LOCK TABLES; with --workers 1"])
        self.assertNotIn("poor:x@", done.err)
        self.copy(uri, "-?format=csv", "--workers", "1")
        self.server.sql("GRANT LOCK TABLES ON mine.* TO poor@'%'")
        self.copy(uri, "-?format=csv", "--workers", "2")

    def test_keys_of_every_kind(self):
        """Ranges of integers and moments, far apart or close; other tables from front to back."""
        source = self.new("keys", """
            CREATE TABLE far (id bigint unsigned PRIMARY KEY, x int); INSERT INTO far SELECT 18446744073709551615 - seq * 900000000000, seq FROM seq_0_to_9999;
            CREATE TABLE neg (id int, y int, x int, PRIMARY KEY (id, y)); INSERT INTO neg SELECT cast(seq AS signed) - 5000, 1, seq FROM seq_1_to_10000;
            CREATE TABLE moment (at datetime(6) PRIMARY KEY, x int);
            INSERT INTO moment SELECT '2024-01-01' + INTERVAL seq * 1000001 MICROSECOND, seq FROM seq_1_to_10000;
            CREATE TABLE word (id varchar(20) PRIMARY KEY, x int); INSERT INTO word SELECT concat('w', seq), seq FROM seq_1_to_10000;
            CREATE TABLE bare (x int); INSERT INTO bare SELECT seq FROM seq_1_to_10000;
            CREATE TABLE skew (id bigint PRIMARY KEY, x int); INSERT INTO skew SELECT seq, seq FROM seq_1_to_9999; INSERT INTO skew VALUES (9000000000000000000, 0);
            CREATE TABLE ends (id bigint PRIMARY KEY, x int); INSERT INTO ends VALUES (-9223372036854775808, 1), (0, 2), (9223372036854775807, 3);
            CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (7); CREATE TABLE none (id int PRIMARY KEY)""")
        target = self.new("keys_copy")
        self.copy(source, target, "--create", "--workers", "3", "--batch", "100", "--verify", "checksum")
        for table in ("far", "neg", "moment", "word", "bare", "skew", "ends", "one", "none"):
            self.assertEqual(self.value(f"SELECT count(*) FROM {table}", "keys"), self.value(f"SELECT count(*) FROM {table}", "keys_copy"), table)

    def test_some_rows_and_columns(self):
        source = self.new("some", "CREATE TABLE t (a int PRIMARY KEY, `odd \"name` int, c int AS (a * 2)); INSERT INTO t (a, `odd \"name`) SELECT seq, seq FROM seq_1_to_1000")
        done = self.copy(source, "-?format=csv", "--table", "t", "--where", "a % 100 = 0 AND a <> 500", "--column", 'odd "name')
        self.assertEqual(sorted(done.out.splitlines()[1:], key=int), [str(i) for i in range(100, 1001, 100) if i != 500])
        self.spate_fails(2, "copy", source, "-?format=csv", "--table", "t", "--where", "no such thing", says="error 1064")

    def test_what_is_misspelt_changes_nothing(self):
        source = self.new("spelt", "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
        target = self.new("kept", "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (7, 'z')")
        for words in (["--where", ""], ["--where", "nothing = 1"], ["--where", "count(*) > 0"], ["--column", "a", "--column", "nothing"]):
            self.spate_fails(2, "copy", source, target, "--table", "t", "--truncate", *words, says='the condition: |no column "nothing"')
            self.assertEqual(self.server.sql("SELECT * FROM t", "kept"), [["7", "z"]], words)
        self.copy(source, target, "--table", "t", "--truncate", "--where", "a = 1 # the first")
        self.assertEqual(self.server.sql("SELECT * FROM t", "kept"), [["1", "x"]])

    def test_onto_itself(self):
        source = self.new("self", "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")
        for target in (source, self.server.uri("self", tcp=True)):
            self.spate_fails(2, "copy", source, target, "--truncate", says="the same database")
            self.assertEqual(self.value("SELECT count(*) FROM t", "self"), "2")

    def test_rows_as_parents_and_masked(self):
        source = self.new("people", "CREATE TABLE person (id int PRIMARY KEY, mail varchar(80) UNIQUE, born date, town varchar(20));"
                          "CREATE TABLE visit (id int PRIMARY KEY, person_id int, mail varchar(80), FOREIGN KEY (person_id) REFERENCES person (id));"
                          "INSERT INTO person SELECT seq * 3, concat('p', seq, '@real.example'), date '1990-01-01' + INTERVAL seq DAY,"
                          " IF(seq % 5, 'town', NULL) FROM seq_1_to_4000;"
                          "INSERT INTO visit SELECT seq, p.id, p.mail FROM seq_1_to_6000 JOIN person p ON p.id = 3 * (1 + seq % 4000)")
        self.write("plan.yaml", f"""
seed: 4
inputs:
  - {{name: known, from: "{source}", table: person, columns: [id, town], where: "id > 6000", sample: 500}}
tables:
  - name: person
    from: "{source}"
    columns:
      - {{name: mail, value: "${{email}}", unique: true}}
      - {{name: town, set: [here, there]}}
  - {{name: visit, from: "{source}", columns: [{{name: mail, value: "${{email}}", unique: true}}]}}
  - name: note
    rows: 2000
    columns: [{{name: id, inc: 1}}, {{name: person_id, ref: known.id}}]
""")
        self.spate_ok("generate", "plan.yaml", "--to", "masked.sqlite", "--create")
        counted = self.spate_ok("query", "masked.sqlite", "SELECT (SELECT count(*) FROM visit v JOIN person p ON p.id = v.person_id AND p.mail = v.mail)"
                                " || ' ' || (SELECT count(*) FROM person WHERE mail LIKE '%real%' OR (town IS NULL) <> (id % 15 = 0))"
                                " || ' ' || (SELECT count(*) FROM note n JOIN person p ON p.id = n.person_id AND p.id > 6000)", "--format", "csv").out
        self.assertEqual(counted.splitlines()[-1], "6000 0 2000")
        self.spate_ok("generate", "plan.yaml", "--to", self.new("masked"), "--create", "--insert-mode", "skip")
        self.assertEqual(self.value("SELECT count(DISTINCT mail) FROM person", "masked"), "4000")

    def test_the_connection_is_cut(self):
        source = self.new("cut", "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT seq, repeat('x', 300) FROM seq_1_to_300000")
        process = subprocess.Popen([SPATE, "copy", source, f"{self.dir}/t.csv", "--progress", "none", "--workers", "2"], stderr=subprocess.PIPE, text=True)
        killed = 0
        while not killed and process.poll() is None:
            for row in self.server.sql("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT \"a\"%'"):
                killed += self.kill(row[0])
        err = process.communicate(timeout=60)[1]
        self.assertGreater(killed, 0)
        self.assertEqual(process.returncode, 3, err)
        self.assertRegex(err, r'reading table "t": error (2013|1927|2006)')
        self.assertFalse((self.dir / "t.csv").exists())


class Sink(MariaDBCase):
    FAMILY = """CREATE TABLE z_parent (id int PRIMARY KEY, boss int, FOREIGN KEY (boss) REFERENCES z_parent (id));
        CREATE TABLE a_child (id int PRIMARY KEY, parent int, u varchar(20) UNIQUE, FOREIGN KEY (parent) REFERENCES z_parent (id));"""

    def test_parents_come_first(self):
        source = self.new("family", self.FAMILY + "INSERT INTO z_parent SELECT seq, nullif(seq DIV 2, 0) FROM seq_1_to_5000;"
                                                  "INSERT INTO a_child SELECT seq, seq % 5000 + 1, concat('u', seq) FROM seq_1_to_20000")
        keys = "SELECT constraint_type, table_name, count(*) FROM information_schema.table_constraints WHERE table_schema = '{}' GROUP BY 1, 2"
        target = self.new("kin")
        self.copy(source, target, "--create", "--workers", "3", "--verify", "checksum")
        self.assertEqual(self.server.sql(keys.format("kin")), self.server.sql(keys.format("family")))
        for words in ([], ["--defer-constraints"], ["--insert-mode", "copy"]):
            self.copy(source, target, "--truncate", "--workers", "3", "--batch", "100", "--verify", "checksum", *words)
        self.copy(source, target, "--create", "--truncate", "--workers", "2", "--verify", "checksum")

    def test_shop(self):
        """Six tables made by a plan, with their foreign keys."""
        target = self.new("shop")
        self.spate_ok("generate", *SHOP, "--to", target, "--create", "--progress", "none")
        missing = self.server.sql("SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = 'shop'")
        self.assertEqual(missing, [["4"]])
        self.spate_ok("generate", *SHOP, "--to", target, "--truncate", "--progress", "none")
        self.copy(target, self.new("shop2"), "--create", "--verify", "checksum")

    def test_orphans_are_found(self):
        self.write("z_parent.csv", "id,boss\n1,\n")
        self.write("a_child.csv", "id,parent,u\n1,1,a\n2,5,b\n")
        target = self.new("orphans", self.FAMILY)
        self.spate_fails(4, "copy", f"{self.dir}/", target, says=["error 1452", "SQLSTATE: 23000"])
        self.spate_fails(4, "copy", f"{self.dir}/", target, "--truncate", "--defer-constraints",
                         says=r'foreign key of table "a_child" \("parent"\): 1 rows refer to no row of "orphans"."z_parent"')

    def test_errors_say_where(self):
        target = self.new("where", "CREATE TABLE t (id int PRIMARY KEY, s varchar(3))")
        self.write("t.csv", "id,s\n" + "".join(f"{i},{'long' if i == 700 else 'x'}\n" for i in range(1, 1001)))
        for mode in ("insert", "copy"):
            done = self.spate_fails(4, "copy", "t.csv", target, "--insert-mode", mode, says="row 700: (error 1406|warning 1265): Data t")
        self.write("t.csv", "id,s\n1,x\n2,y\n1,z\n")
        self.spate_fails(4, "copy", "t.csv", target, says=["rows 1 to 3: error 1062: Duplicate entry '1'", "SQLSTATE: 23000"])
        self.spate_fails(4, "copy", "t.csv", target, "--insert-mode", "copy", says="warning 1062: Duplicate entry")
        self.assertEqual(self.value("SELECT count(*) FROM t", "where"), "0")

    def test_what_is_in_the_way_is_told_at_once(self):
        target = self.new("way", "CREATE TABLE t (id int PRIMARY KEY, s int, need int NOT NULL, g int AS (id) STORED)")
        self.write("plan.yaml", "tables: [{name: t, rows: 1, columns: [{name: id, inc: 1}, {name: s, value: x}, {name: g, inc: 1}, {name: gone, inc: 1}]},"
                                " {name: t2, rows: 1, columns: [{name: id, inc: 1}]}]\n")
        self.spate_fails(2, "generate", "plan.yaml", "--to", target, says="t2: there is no such table")
        self.server.sql("CREATE TABLE t2 (id int)", "way")
        self.spate_fails(2, "generate", "plan.yaml", "--to", target, says=[
            "4 things are in the way", 't: column "s": its cells are text, the column is int', 'column "g" is generated by the server',
            't: has no column "gone"', 'column "need" is NOT NULL without a default'])

    def test_upsert(self):
        target = self.new("upsert", "CREATE TABLE t (id int PRIMARY KEY, s varchar(9)); INSERT INTO t VALUES (1, 'old'), (3, 'kept')")
        self.write("t.csv", "id,s\n1,new\n2,more\n")
        self.copy("t.csv", target, "--insert-mode", "upsert")
        self.assertEqual(self.server.sql("SELECT * FROM t ORDER BY 1", "upsert"), [["1", "new"], ["2", "more"], ["3", "kept"]])
        self.write("t.csv", "id,s\n3,changed\n4,added\n")
        self.copy("t.csv", target, "--insert-mode", "skip")
        self.assertEqual(self.server.sql("SELECT * FROM t WHERE id > 2 ORDER BY 1", "upsert"), [["3", "kept"], ["4", "added"]])
        self.server.sql("ALTER TABLE t ADD UNIQUE (s)", "upsert")
        self.spate_fails(2, "copy", "t.csv", target, "--insert-mode", "upsert", says="could replace another one by that")

    def test_large_cells(self):
        """A cell beyond max_allowed_packet is refused; many large ones are divided among statements."""
        target = self.new("large", "CREATE TABLE t (id int PRIMARY KEY, s longtext)")
        self.write("t.csv", "id,s\n" + "".join(f"{i},{'x' * 900_000}\n" for i in range(40)))
        self.copy("t.csv", target, "--verify", "checksum", "--truncate")
        self.server.sql("SET GLOBAL max_allowed_packet = 1048576")
        try:
            self.copy("t.csv", target, "--truncate")
            self.write("t.csv", "id,s\n1,x\n2," + "x" * 2_000_000 + "\n")
            self.spate_fails(4, "copy", "t.csv", target, "--truncate", says=["row 2 has more bytes than the server takes", "max_allowed_packet"])
        finally:
            self.server.sql("SET GLOBAL max_allowed_packet = 16777216")

    def test_a_job_that_cannot_be_leaves_nothing(self):
        target = self.new("refused", "CREATE TABLE t (id int)")
        self.write("t.csv", "id\n1\n")
        self.spate_fails(2, "copy", "t.csv", target, "--create", "--job", "refused", says="t: the table exists already")
        self.assertEqual(self.server.sql("SHOW TABLES", "refused"), [["t"]])

    def test_killed_and_started_again(self):
        """A job's run is killed again and again, or its connections are; at the end every row is there once."""
        target = self.new("job")
        plan = self.write("plan.yaml", "seed: 5\ntables: [{name: t, rows: 200000, columns: [{name: id, inc: 1}, {name: word, value: '${word}'}]}]\n")
        words = [SPATE, "generate", plan, "--to", target, "--create", "--job", "night", "--workers", "2", "--batch", "100", "--progress", "none"]
        rng = random.Random(7)
        stopped = 0
        for _ in range(20):
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(rng.uniform(0.02, 0.15))
            if rng.random() < 0.5:
                process.kill()
            else:
                for row in self.server.sql("SELECT id FROM information_schema.processlist WHERE db = 'job'"):
                    self.kill(row[0])
            process.wait(timeout=60)
            process.stderr.close()
            stopped += process.returncode != 0
        done = self.spate_ok(*words[1:])
        self.assertGreater(stopped, 0)
        self.assertEqual(self.server.sql("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM t", "job"), [["200000", "200000", "1", "200000"]])
        self.spate_ok("generate", plan, "--to", self.new("whole"), "--create", "--progress", "none")
        self.assertEqual(self.server.sql("CHECKSUM TABLE t EXTENDED", "job")[0][1], self.server.sql("CHECKSUM TABLE t EXTENDED", "whole")[0][1])
        self.assertEqual(self.server.sql("SHOW TABLES", "job"), [["t"]], done.err)
        self.spate_ok(*words[1:])
        self.assertEqual(self.server.sql("SELECT count(*) FROM t", "job"), [["200000"]])


class BetweenServers(MariaDBCase):
    def test_postgres_and_back(self):
        with Postgres() as pg:
            shop = pg.uri(pg.database("shop"))
            self.spate_ok("generate", *SHOP, "--to", shop, "--create", "--progress", "none")
            target = self.new("from_pg")
            self.copy(shop, target, "--create", "--verify", "checksum", "--workers", "3")
            self.copy(target, pg.uri(pg.database("back")), "--create", "--verify", "checksum", "--workers", "3")
            hard = self.new("hard_pg", HARD)
            self.copy(hard, pg.uri(pg.database("hard")), "--create", "--verify", "checksum")


if __name__ == "__main__":
    unittest.main()
