"""Schemas travel into MariaDB and out of it with spate copy --create: between two of its databases they are the same by the server's own
words; to and from others by what they do, with all that is left out named."""
import json
import subprocess
import unittest

from harness import ROOT, duckdb_script, query
from live.servers import MariaDBCase, Postgres
from live.test_travel import RICH

# What only MariaDB has, and what is written otherwise there.
OWN = r"""
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE parent (name varchar(40) NOT NULL, part int NOT NULL DEFAULT 7, note text COMMENT 'back\slash, ''quote'', "other"
and a second line', PRIMARY KEY (name, part), KEY "odd ""name`" (note(20), part DESC)) COLLATE utf8mb4_unicode_ci COMMENT='of all; it''s \them\';
CREATE TABLE child (
  id int unsigned AUTO_INCREMENT, code char(5), old varchar(30) COLLATE latin1_german1_ci DEFAULT 'a''b\c', kind enum('it''s','a\b','c') DEFAULT 'c',
  marks set('x','y') DEFAULT 'x,y', doc json, bits bit(9) DEFAULT b'101', at timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  made datetime(3) DEFAULT current_timestamp(3), day date DEFAULT curdate(), uid uuid DEFAULT uuid(), yes boolean DEFAULT true, sum int DEFAULT (1 + 2),
  hidden int INVISIBLE DEFAULT 5, address inet6, born year, span time(2), blobs varbinary(30) DEFAULT 'x', word longtext, zero int(7) unsigned zerofill,
  twice int GENERATED ALWAYS AS (sum * 2) STORED, size bigint GENERATED ALWAYS AS (octet_length(word)) VIRTUAL,
  parent_name varchar(40) COLLATE utf8mb4_unicode_ci, parent_part int,
  UNIQUE KEY numbered (id, code), UNIQUE KEY (word(30)), KEY by_two (twice), FULLTEXT KEY words (word),
  CONSTRAINT sane CHECK (sum > 0 AND old <> 'q\w'),
  CONSTRAINT home FOREIGN KEY (parent_name, parent_part) REFERENCES parent (name, part) ON DELETE CASCADE ON UPDATE SET NULL
) COLLATE utf8mb4_general_ci;
CREATE TABLE tally (at int, n int AUTO_INCREMENT, KEY by_number (n, at));
INSERT INTO tally SELECT seq, seq FROM seq_1_to_40;
INSERT INTO parent (name, note) SELECT concat('n', seq), repeat('x', seq % 50) FROM seq_1_to_500;
INSERT INTO child (code, word, address, born, span, parent_name, parent_part, doc)
  SELECT seq, concat('word ', seq), '::1', 2000, '10:00:00.25', concat('n', 1 + seq % 500), 7, '{"a": 1}' FROM seq_1_to_3000;
INSERT INTO child (id, code) VALUES (9000, 'z'); DELETE FROM child WHERE id = 9000;
"""

SHOP = dict(member=1000, product=200, purchase=5000, purchase_line=15000, person=1000, pet=1500)


class TravelMariaDB(MariaDBCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.remove)
        cls.postgres.__enter__()

    def made(self, name, *tables):
        return [self.server.sql(f"SHOW CREATE TABLE `{table}`", name)[0][1] for table in tables]

    def new_postgres(self, name, sql=""):
        self.postgres.database(name)
        if sql:
            self.postgres.psql(sql, name)
        return self.postgres.uri(name)

    def left(self, done):
        return sorted(line.removeprefix("not copied: ") for line in done.err.splitlines() if line.startswith("not copied"))

    # ---- MariaDB to MariaDB ----

    def test_a_rich_schema_is_the_same(self):
        source = self.new("own", OWN)
        for how in ("after", "before"):
            name = f"own_{how}"
            done = self.copy(source, self.new(name), "--create", "--workers", "3", "--batch", "100", "--verify", "checksum", "--indexes", how)
            self.assertEqual(self.left(done), [])
            self.assertEqual(self.made(name, "parent", "child", "tally"), self.made("own", "parent", "child", "tally"))
            self.server.sql("INSERT INTO child (code) VALUES ('y')", name)
            self.assertEqual(self.value("SELECT id FROM child WHERE code = 'y'", name), "9001")
        self.copy(source, self.server.uri("own_after"), "--create", "--truncate", "--verify", "checksum")
        self.assertEqual(self.made("own_after", "parent", "child", "tally"), self.made("own", "parent", "child", "tally"))

    def test_options_of_tables(self):
        source = self.new("told", "CREATE TABLE a (id int PRIMARY KEY, b text) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4 STATS_PERSISTENT=1;"
                                  "CREATE TABLE b (id int PRIMARY KEY) ROW_FORMAT=DYNAMIC COMMENT='ROW_FORMAT=COMPACT' PARTITION BY HASH (id) PARTITIONS 2;"
                                  "CREATE TABLE c (id int PRIMARY KEY) ENGINE=Aria ROW_FORMAT=PAGE; CREATE TABLE d (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM CHECKSUM=1;"
                                  "INSERT INTO a VALUES (1, 'x'); INSERT INTO d VALUES (7)")
        done = self.copy(source, self.new("told_to"), "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), ['table "b": its partitions: it becomes one table', 'table "c": its option ENGINE=Aria', 'table "d": its option ENGINE=MyISAM'])
        self.assertEqual(self.made("told_to", "a"), self.made("told", "a"))
        self.assertIn("ROW_FORMAT=DYNAMIC COMMENT='ROW_FORMAT=COMPACT'", self.made("told_to", "b")[0])
        self.copy(source, self.new("told_part"), "--create", "--table", "told.a", "--verify", "checksum")
        self.assertEqual([row[0] for row in self.server.sql("SHOW TABLES", "told_part")], ["a"])
        self.copy(source, self.new("told_from"), "--create", "--table", "`told`.`a`", "--verify", "checksum")

    def test_some_tables_and_columns(self):
        source = self.new("some_of", OWN)
        done = self.copy(source, self.new("some_table"), "--create", "--table", "child")
        self.assertIn('table "child": its foreign key to "parent", which is not copied with it', self.left(done))
        done = self.copy(source, self.new("some_columns"), "--create", "--table", "child", "--column", "id", "--column", "sum", "--column", "code")
        self.assertEqual(self.made("some_columns", "child")[0].count("KEY"), 1)
        for says in ('the generated column "size"', "check sane", 'the index "by_two"', 'the index "words"', "the unique key word"):
            self.assertIn(says, done.err)

    def test_keys_in_the_uri_go_with_create(self):
        """What is read otherwise for a key's sake is made and verified as it was read."""
        source = self.new("keyed", "SET sql_mode = ''; CREATE TABLE t (id int PRIMARY KEY, d date, span time, n tinyint(1));"
                                   "INSERT INTO t VALUES (1, '0000-00-00', '-838:59:59', 7), (2, '2024-02-29', '25:00:00', 1)")
        keys = "&zero-dates=null&time=interval&tinyint1=smallint"
        self.copy(source + keys, self.new("keyed_to"), "--create", "--verify", "checksum")
        self.assertEqual(self.server.sql("SELECT * FROM t ORDER BY id", "keyed_to"), [["1", "NULL", "-838:59:59", "7"], ["2", "2024-02-29", "25:00:00", "1"]])
        target = self.new_postgres("keyed")
        self.copy(source + keys, target, "--create", "--verify", "checksum")
        self.assertEqual(self.postgres.psql("SELECT d, span, n FROM t ORDER BY id", "keyed"), [["", "-838:59:59", "7"], ["2024-02-29", "25:00:00", "1"]])
        self.spate_fails(2, "copy", source + "&zero=null", target, "--create", says='unknown key "zero"')

    def test_foreign_keys_in_a_circle(self):
        """Made behind the rows, they ask for no order; neither when the tables are replaced, nor when a job goes on."""
        source = self.new("ring", "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int, FOREIGN KEY (a) REFERENCES a (id));"
                                  "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id); INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, 1); UPDATE a SET b = 1")
        target = self.new("ring_to")
        for words in ([], ["--truncate"], ["--truncate", "--job", "ring", "--ledger", "jobs"]):
            self.copy(source, target, "--create", "--verify", "checksum", *words)
            self.assertEqual(self.made("ring_to", "a", "b"), self.made("ring", "a", "b"))

    def test_what_is_made_of_a_column_that_is_not_made(self):
        source = self.new("made_of", "CREATE TABLE t (id int PRIMARY KEY, price decimal(10,2), twice decimal(12,2) AS (price * 2) STORED,"
                                     "n int, sum int AS (n + 1) STORED, KEY by_twice (twice), KEY by_sum (sum), UNIQUE KEY pair (n, twice)); INSERT INTO t (id, price, n) VALUES (1, 2.5, 3)")
        done = self.copy(source, self.new_postgres("made_of"), "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), ['table "t": the generated column "twice"', 'table "t": the index "by_twice"',
                                           'table "t": the unique key pair: not all its columns are copied'])
        self.assertEqual(self.postgres.psql("SELECT sum FROM t", "made_of"), [["4"]])

    def test_keys_as_large_as_there_are(self):
        """Their positions are beyond what a target's bigint holds."""
        source = self.new("large", "CREATE TABLE t (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (18446744073709551614, 2);"
                                   "CREATE TABLE s (id bigint PRIMARY KEY, n int); INSERT INTO s VALUES (-9223372036854775807, 1), (9223372036854775806, 2)")
        for target in (self.new_postgres("large"), "large.duckdb", self.new("large_to")):
            words = [source, target, "--create", "--verify", "checksum", "--job", target[:5], "--ledger", "jobs", "--progress", "none"]
            self.spate_ok("copy", *words)
            self.spate_ok("copy", *words)  # it is done
        target = self.new_postgres("large_more")
        self.postgres.psql("CREATE TABLE t (id numeric PRIMARY KEY, n int CHECK (n < 2)); CREATE TABLE s (id bigint PRIMARY KEY, n int)", "large_more")
        words = [source, target, "--job", "more", "--ledger", "jobs", "--batch", "1", "--workers", "1", "--progress", "none"]
        self.spate_fails(4, "copy", *words, says="violates check constraint")
        self.postgres.psql("ALTER TABLE t DROP CONSTRAINT t_n_check", "large_more")
        self.spate_ok("copy", *words)
        self.assertEqual(self.postgres.psql("SELECT * FROM t UNION ALL SELECT * FROM s ORDER BY 1", "large_more"),
                         [["-9223372036854775807", "1"], ["1", "1"], ["9223372036854775806", "2"], ["18446744073709551614", "2"]])

    def test_what_cannot_travel_is_named(self):
        source = self.new("left", "CREATE TABLE t (a int PRIMARY KEY, f float(5,2)); CREATE VIEW v AS SELECT a FROM t;"
                                  "CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2;"
                                  "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a; INSERT INTO t VALUES (1, 1.25)")
        done = self.copy(source, self.new("left_to"), "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), ["1 functions", "1 views", 'table "t": 1 triggers'])
        source = self.new("kinds", "CREATE TABLE made (a int AS (1) STORED); CREATE TABLE `a.b` (c int);"
                                   "CREATE TABLE parts (a int PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3; INSERT INTO parts SELECT seq FROM seq_1_to_100;"
                                   "CREATE TABLE past (a int PRIMARY KEY, b int) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 2); UPDATE past SET b = 3")
        done = self.copy(source, self.new("kinds_to"), "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), ['table "a.b": there is a dot in its name', 'table "made": it has no column that could be read',
                                           'table "parts": its partitions: it becomes one table', 'table "past": its versions of rows, but the last'])

    # ---- PostgreSQL ----

    def test_out_of_postgres(self):
        """What a server of another kind says of its tables: keys, numbers, defaults, conditions and comments do the same here."""
        source = self.new_postgres("rich", RICH)
        for how in ("after", "before"):
            name = f"rich_{how}"
            target = self.new(name)
            self.server.sql("DROP DATABASE IF EXISTS depot")
            done = self.copy(source, target, "--create", "--workers", "3", "--batch", "700", "--verify", "checksum", "--indexes", how)
            self.assertEqual(self.left(done), sorted([
                'table "customer": the check email_has_at ((email)::text ~~ \'%@%\'::text)', 'table "customer": the collation "C" of column "code"',
                'table "customer": the default \'{sad}\'::public.mood[] of column "feels"', 'table "customer": the index "customer_lower"',
                'table "customer": the unique index "customer_code_live"', 'table "customer": that its unique key email_once may be broken within a transaction',
                'table "depot.part": that its foreign key to "depot.part" may be broken within a transaction', 'table "depot.part": the index "part_heavy"',
                'table "depot.part": the exclusion constraint "part_span_excl"', 'table "depot.part": the index "part_tags"',
                'table "bare": the index "bare_hash"']))
            columns = "SELECT index_name, column_name, collation, non_unique FROM information_schema.statistics WHERE table_schema = '{}' ORDER BY 1, seq_in_index"
            self.assertEqual(self.server.sql(columns.format("depot")), [["part_owner", "owner", "D", "1"], ["part_twin_fkey", "twin", "A", "1"], ["PRIMARY", "id", "A", "0"]])
            self.assertEqual([row[:2] for row in self.server.sql(columns.format(name))],
                             [["customer_code_Strange \"name_key", "code"], ["customer_code_Strange \"name_key", "Strange \"name"],
                              ["email_once", "email"], ["PRIMARY", "id"]])
            comments = self.server.sql("SELECT table_comment FROM information_schema.tables WHERE table_name = 'customer' UNION ALL SELECT column_comment"
                                       " FROM information_schema.columns WHERE table_name IN ('customer', 'part') AND table_schema IN ('depot', DATABASE())", name)
            self.assertEqual(sorted({row[0] for row in comments if row[0]}), sorted({"who buys; it's \"them\"", "where to write", "in grams"}))
            self.server.sql("INSERT INTO customer (email) VALUES ('new@x')", name)
            got = self.server.sql("SELECT id, feel, balance, code, doc, odd, size, abs(timestampdiff(SECOND, made, utc_timestamp())) < 3600 FROM customer"
                                  " WHERE email = 'new@x'", name)
            self.assertEqual(got, [["6010", "so-so", "1.50", "a'b\\\\c", '{"a": 1}', "15100", "10", "1"]])
            self.server.sql("INSERT INTO part (owner) VALUES (10)", "depot")
            self.assertEqual(self.value("SELECT max(id) FROM part", "depot"), "5001")
            for bad, why in (("INSERT INTO customer (email) VALUES ('new@x')", "1062"), ("INSERT INTO customer (email, balance) VALUES ('y@x', -1)", "4025"),
                             ("INSERT INTO customer (email, feel) VALUES ('y@x', 'glad')", "1265"), ("INSERT INTO depot.part (owner) VALUES (7)", "1452")):
                with self.assertRaisesRegex(RuntimeError, why):
                    self.server.sql(bad, name)
            self.server.sql("UPDATE depot.part SET twin = NULL; DELETE FROM customer WHERE id = 10", name)
            self.assertEqual(self.value("SELECT count(*) FROM part WHERE owner = 10", "depot"), "0")

    def test_into_postgres(self):
        source = self.new("plain", "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, email varchar(50) NOT NULL UNIQUE KEY, age int DEFAULT 5 CHECK (age > 0),"
                          " made datetime DEFAULT current_timestamp(), note text COMMENT 'a note', doc json, KEY by_age (age DESC), KEY name (note(10)));"
                          "CREATE TABLE b (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, a int, KEY by_age (a), FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE);"
                          "INSERT INTO a (email) VALUES ('x'), ('y'); INSERT INTO a (id, email) VALUES (41, 'z'); DELETE FROM a WHERE id = 41; INSERT INTO b VALUES (1, 1)")
        target = self.new_postgres("from_maria")
        done = self.copy(source, target, "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), [])
        self.assertEqual(self.postgres.value("INSERT INTO b (a) VALUES (1) RETURNING id", "from_maria"), "2")
        self.assertEqual(self.postgres.value("SELECT pg_get_serial_sequence('b', 'id')", "from_maria"), "public.b_id_seq")
        self.postgres.psql("DELETE FROM b WHERE id = 2", "from_maria")
        self.assertEqual(self.postgres.value("INSERT INTO a (email) VALUES ('z') RETURNING id || ' ' || age", "from_maria"), "42 5")
        indexes = "SELECT indexname, indexdef LIKE '%DESC%' FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        self.assertEqual(self.postgres.psql(indexes, "from_maria"), [["a_by_age", "t"], ["a_email", "f"], ["a_name", "f"], ["a_pkey", "f"], ["b_by_age", "f"],
                                                                     ["b_pkey", "f"]])
        kinds = "SELECT contype FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"
        self.assertEqual("".join(r[0] for r in self.postgres.psql(kinds, "from_maria")), "cfppu")
        done = self.copy(source, self.new_postgres("numbered"), "--create", "--cast", "b.id=bigint", "--verify", "checksum")
        self.assertEqual(self.left(done), [])
        self.assertEqual(self.postgres.value("INSERT INTO b (a) VALUES (1) RETURNING id", "numbered"), "2")

    def test_numbers_where_there_may_be_none(self):
        """What PostgreSQL calls an identity is never null: a sequence does it there."""
        source = self.new("numbered", "CREATE SEQUENCE s START 100; CREATE TABLE t (id int PRIMARY KEY, n bigint NULL DEFAULT nextval(s),"
                                      " k bigint NOT NULL DEFAULT nextval(s)); INSERT INTO t (id) VALUES (1), (2); INSERT INTO t (id, n) VALUES (3, NULL)")
        self.copy(source, self.new_postgres("numbered"), "--create", "--verify", "checksum")
        self.assertEqual(self.postgres.psql("INSERT INTO t (id) VALUES (4); SELECT * FROM t ORDER BY id", "numbered"),
                         [["1", "100", "101"], ["2", "102", "103"], ["3", "", "104"], ["4", "103", "105"]])
        self.assertEqual(self.postgres.psql("SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attidentity <> '' OR attrelid = 't'::regclass"
                                            " AND atthasdef ORDER BY 1", "numbered"), [["k"], ["n"]])

    def test_what_keys_want(self):
        """Texts in keys are bounded; of long ones, an index has a part; where MariaDB cannot refer, that is said."""
        source = self.new_postgres("wants", """
            CREATE TABLE p (k text, n int, PRIMARY KEY (n, k)); CREATE TABLE q (id bigint PRIMARY KEY, u text UNIQUE);
            CREATE TABLE c (id int PRIMARY KEY, k text, n int, q int REFERENCES q, free text, more text, at timestamptz DEFAULT '2024-02-29 12:00:00+02',
              day date DEFAULT '2024-02-29', wait interval DEFAULT '90 minutes', flag boolean DEFAULT false, big numeric(40,2) DEFAULT 0.5, FOREIGN KEY (n, k) REFERENCES p);
            CREATE INDEX on_free ON c (free, id); CREATE INDEX on_both ON c (free, more DESC);
            INSERT INTO p SELECT 'k' || i, i FROM generate_series(1, 100) i; INSERT INTO q SELECT i, repeat('u', i) FROM generate_series(1, 100) i;
            INSERT INTO c (id, k, n, q, free) SELECT i, 'k' || i, i, i, repeat('f', 50 * i) FROM generate_series(1, 100) i""")
        done = self.copy(source, self.new("wants"), "--create", "--verify", "checksum")
        self.assertEqual(self.left(done), ['table "c": its foreign key to "q": columns of other types, or no key there'])
        parts = dict((f"{name}.{column}", part) for name, column, part in
                     self.server.sql("SELECT index_name, column_name, sub_part FROM information_schema.statistics WHERE table_schema = 'wants'"))
        self.assertEqual((parts["on_free.free"], parts["on_both.more"], parts["PRIMARY.k"], parts["u.u"] if "u.u" in parts else parts["q_u_key.u"]),
                         ("764", "384", "NULL", "NULL"))
        self.server.sql("INSERT INTO c (id) VALUES (1000)", "wants")
        self.assertEqual(self.server.sql("SELECT at, day, wait, flag, big FROM c WHERE id = 1000", "wants"),
                         [["2024-02-29 10:00:00.000000", "2024-02-29", "01:30:00", "0", "0.50"]])

    # ---- types: docs/reference/types.md ----

    OF_POSTGRES = {  # type: (a value, what it becomes, what that is in PostgreSQL again)
        "boolean": ("true", "tinyint(1)", "boolean"), "smallint": ("-32768", "smallint(6)", "smallint"), "integer": ("-2147483648", "int(11)", "integer"),
        "bigint": ("-9223372036854775808", "bigint(20)", "bigint"), "real": ("3.4028235e38", "float", "real"),
        "double precision": ("1.7976931348623157e308", "double", "double precision"), "numeric(5,2)": ("-999.99", "decimal(5,2)", "numeric(5,2)"),
        "numeric(38,10)": ("1234567890123456789012345678.0123456789", "decimal(38,10)", "numeric(38,10)"),
        "numeric(65,30)": ("12345678901234567890123456789012345.000000000000000000000000000001", "decimal(65,30)", "numeric(65,30)"),
        "numeric(66,2)": ("1.50", "longtext", "text"), "numeric": ("1e100", "longtext", "text"), "text": ("\U0001f600 \\ tab\t", "longtext", "text"),
        "varchar(20)": ("x ", "varchar(20)", "character varying(20)"), "varchar(800)": ("y", "longtext", "text"), "char(5)": ("ab", "longtext", "text"),
        "bytea": ("\\x00ff", "longblob", "bytea"), "date": ("0001-01-01", "date", "date"), "time": ("23:59:59.999999", "time(6)", "time without time zone"),
        "timestamp": ("9999-12-31 23:59:59.999999", "datetime(6)", "timestamp without time zone"),
        "timestamptz": ("2024-02-29 12:00:00.5+02", "datetime(6)", "timestamp without time zone"),
        "interval": ("1 mon 2 days -3 hours", "varchar(80)", "character varying(80)"), "uuid": ("00112233-4455-6677-8899-aabbccddeeff", "uuid", "uuid"),
        "json": ('{"a":  1}', "longtext", "jsonb"), "jsonb": ('{"a": 1}', "longtext", "jsonb"), "mood": ("b c", "enum('a','b c')", "t_mood"),
        "positive": ("5", "int(11)", "integer"), "integer[]": ("{1,NULL}", "longtext", "jsonb"), "numeric(5,2)[]": ("{1.50}", "longtext", "jsonb"),
        "text[]": ('{"a,b",NULL}', "longtext", "jsonb"), "mood[]": ("{a}", "longtext", "jsonb"), "date[]": ("{2024-01-01}", "longtext", "jsonb"),
        **{t: (v, "longtext", "text") for t, v in {
            "timetz": "12:00:00+02", "inet": "10.0.0.1", "cidr": "10.0.0.0/8", "macaddr": "08:00:2b:01:02:03", "money": "5.50", "bit(5)": "10110",
            "varbit(7)": "1", "xml": "<a/>", "int4range": "[1,5)", "tsvector": "'cat'", "point": "(1,2)", "pair": "(1,x)", "oid": "5", "name": "nm"}.items()},
    }
    OF_DUCKDB = {
        "tinyint": ("-128", "smallint(6)"), "utinyint": ("255", "smallint(6)"), "usmallint": ("65535", "int(11)"), "uinteger": ("4294967295", "bigint(20)"),
        "ubigint": ("18446744073709551615", "bigint(20) unsigned"), "hugeint": ("170141183460469231731687303715884105727", "decimal(39,0)"),
        "decimal(38,10)": ("1234567890123456789012345678.0123456789", "decimal(38,10)"), "float": ("1.5", "float"), "double": ("2.5", "double"),
        "varchar": ("x ", "longtext"), "blob": ("\\x00", "longblob"), "timestamp": ("2024-02-29 12:00:00.123456", "datetime(6)"),
        "timestamptz": ("2024-02-29 12:00:00+02", "datetime(6)"), "interval": ("1 month 2 days", "varchar(80)"), "boolean": ("true", "tinyint(1)"),
        **{t: (v, "longtext") for t, v in {
            "timestamp_s": "2024-02-29 12:00:00", "timestamp_ns": "2024-02-29 12:00:00.123456789", "bit": "101", "integer[]": "[1, NULL]",
            "integer[3]": "[1, 2, 3]", "struct(a integer, b varchar)": "{'a': 1, 'b': x}", "json": '{"a": 1}'}.items()},
    }

    def types_of(self, name):
        return [row[0] for row in self.server.sql(f"SELECT column_type FROM information_schema.columns WHERE table_schema = '{name}' ORDER BY ordinal_position")]

    @staticmethod
    def quoted(text):
        return "'" + text.replace("'", "''") + "'"

    def test_types_of_postgres(self):
        columns = ", ".join(f"c{i} {t}" for i, t in enumerate(self.OF_POSTGRES))
        values = ", ".join(self.quoted(v[0]) for v in self.OF_POSTGRES.values())
        nulls = ", ".join(["NULL"] * len(self.OF_POSTGRES))
        source = self.new_postgres("types", "CREATE TYPE mood AS ENUM ('a', 'b c'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text);"
                                            f"CREATE TABLE t ({columns}); INSERT INTO t VALUES ({values}), ({nulls})")
        between = self.new("types")
        self.copy(source, between, "--create", "--verify", "checksum")
        self.assertEqual(dict(zip(self.OF_POSTGRES, self.types_of("types"))), {t: v[1] for t, v in self.OF_POSTGRES.items()})
        self.copy(between, self.new_postgres("types_back"), "--create", "--verify", "checksum")
        back = self.postgres.psql("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum", "types_back")
        mood = f"t_c{list(self.OF_POSTGRES).index('mood')}"
        self.assertEqual(dict(zip(self.OF_POSTGRES, [row[0] for row in back])), {t: mood if t == "mood" else v[2] for t, v in self.OF_POSTGRES.items()})
        for bad in ("'NaN'::float8", "'infinity'::float4"):
            source = self.new_postgres("no_number", f"CREATE TABLE t AS SELECT {bad} AS n")
            self.spate_fails(4, "copy", source, self.new("no_number"), "--create", "--progress", "none", says="no NaN and no infinity")
            self.copy(source, self.new("no_number"), "--create", "--cast", "t.n=text", "--verify", "count")
            self.assertIn(self.value("SELECT n FROM t", "no_number"), ("NaN", "Infinity"))

    def test_types_of_duckdb(self):
        columns = ", ".join(f"c{i} {t}" for i, t in enumerate(self.OF_DUCKDB))
        values = ", ".join(self.quoted(v[0]) for v in self.OF_DUCKDB.values())
        duckdb_script(self.dir / "t.duckdb", f"CREATE TABLE t ({columns}); INSERT INTO t VALUES ({values}); INSERT INTO t (c0) VALUES (NULL)")
        between = self.new("of_duckdb")
        self.copy("t.duckdb", between, "--create", "--verify", "checksum")
        self.assertEqual(dict(zip(self.OF_DUCKDB, self.types_of("of_duckdb"))), {t: v[1] for t, v in self.OF_DUCKDB.items()})
        self.copy(between, "back.duckdb", "--create", "--verify", "checksum")

    # ---- there and back ----

    def make_shop(self, target):
        words = [word for table, rows in SHOP.items() for word in ("--rows", f"{table}={rows}")]
        self.spate_ok("generate", ROOT / "examples" / "shop.yaml", "--to", target, "--create", "--progress", "none", *words)

    def rows_of(self, uri, table):
        """As NDJSON, in the order of their ids; a moment is what it is, with or without a word about its zone."""
        out = self.spate_ok("copy", uri, "-?format=ndjson", "--table", table, "--progress", "none").out
        rows = [{k: v.removesuffix("Z") if isinstance(v, str) and k in ("registered", "ts") else v for k, v in json.loads(line, parse_float=str).items()}
                for line in out.splitlines()]
        return sorted(rows, key=lambda row: row["id"])

    def assert_same_rows(self, there, back):
        for table, rows in SHOP.items():
            want = self.rows_of(there, table)
            self.assertEqual(len(want), rows)
            self.assertEqual(self.rows_of(back, table), want, table)

    def test_shop_postgres_and_back(self):
        extra = """CREATE INDEX by_ts ON purchase (ts DESC, status); COMMENT ON TABLE purchase IS 'what was bought'; COMMENT ON COLUMN pet.name IS 'it''s a pet';
                   ALTER TABLE product ADD CHECK (price > 0), ALTER price SET DEFAULT 9.99; ALTER TABLE member ADD UNIQUE (id, email); ALTER TABLE pet ADD seq int GENERATED BY DEFAULT AS IDENTITY"""
        there, back = self.new_postgres("shop"), self.new_postgres("shop_back")
        self.make_shop(there)
        self.postgres.psql(extra, "shop")
        between = self.new("shop")
        done = self.copy(there, between, "--create", "--workers", "3", "--verify", "checksum")
        self.assertEqual(self.left(done), [])
        done = self.copy(between, back, "--create", "--workers", "3", "--verify", "checksum")
        self.assertEqual(self.left(done), [])
        self.assert_same_rows(there, back)
        columns = ("SELECT table_name, column_name, is_nullable, CASE WHEN udt_name LIKE 'timestamp%' THEN 'timestamp' WHEN udt_name = 'varchar' THEN 'text' ELSE udt_name END,"
                   " numeric_precision, regexp_replace(column_default, '::.*', ''), is_identity FROM information_schema.columns"
                   " WHERE table_schema = 'public' ORDER BY 1, 2")
        self.assertEqual(self.postgres.psql(columns, "shop_back"), self.postgres.psql(columns, "shop"))
        keys = ("SELECT c.conrelid::regclass::text, regexp_replace(pg_get_constraintdef(c.oid), '\\(\\(*([^()]*)\\)(::numeric)?\\)*', '(\\1)', 'g') FROM pg_constraint c"
                " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2")
        self.assertEqual(self.postgres.psql(keys, "shop_back"), self.postgres.psql(keys, "shop"))
        comments = "SELECT d.objoid::regclass::text, d.objsubid > 0, d.description FROM pg_description d WHERE d.objoid::regclass::text IN ('purchase', 'pet') ORDER BY 1, 2"
        self.assertEqual(self.postgres.psql(comments, "shop_back"), self.postgres.psql(comments, "shop"))
        self.assertEqual(self.postgres.value("SELECT indexdef LIKE '%(ts DESC, status)' FROM pg_indexes WHERE indexname LIKE '%by_ts'", "shop_back"), "t")

    def test_shop_sqlite_to_duckdb(self):
        self.make_shop("shop.sqlite")
        subprocess.run(["sqlite3", self.dir / "shop.sqlite"], input="CREATE INDEX by_ts ON purchase (ts DESC); CREATE UNIQUE INDEX once ON member (email, id)",
                       text=True, check=True)
        between = self.new("from_lite")
        done = self.copy("shop.sqlite", between, "--create", "--workers", "3", "--verify", "checksum")
        self.assertEqual(self.left(done), [])
        self.assertEqual(self.value("SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = 'from_lite'", "from_lite"), "4")
        self.assertEqual(self.server.sql("SELECT index_name, collation FROM information_schema.statistics WHERE table_schema = 'from_lite' AND column_name = 'ts'"),
                         [["by_ts", "D"]])
        done = self.copy(between, "shop.duckdb", "--create", "--workers", "3", "--verify", "checksum")
        self.assertEqual([note for note in self.left(done) if "foreign key" not in note], [])
        self.assert_same_rows("shop.sqlite", "shop.duckdb")
        indexes = "SELECT table_name, index_name, is_unique FROM duckdb_indexes() ORDER BY ALL"
        self.assertIn(["member", "member_once", "true"], [list(row.values()) for row in query("shop.duckdb", indexes, cwd=self.dir)])
        with self.assertRaises(RuntimeError):
            duckdb_script(self.dir / "shop.duckdb", "INSERT INTO pet SELECT * FROM pet LIMIT 1")

    # ---- rows that are refused ----

    def test_rejected_rows(self):
        """Indexes before the rows: what breaks a key or a condition is rejected as it comes, and the rest is verified."""
        source = self.new_postgres("rejects", """
            CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int, p int, n int, name text);
            CREATE INDEX t_name ON t (name); INSERT INTO p SELECT i FROM generate_series(1, 50) i;
            INSERT INTO t SELECT i, 1 + i % 50, i, repeat('n', i % 9) FROM generate_series(1, 5000) i""")
        target = self.new("rejects", "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p (id), n int CHECK (n % 100 <> 0),"
                                     " name varchar(7), UNIQUE (n))")
        done = self.copy(source, target, "--truncate", "--on-error", "reject:t.rejects", "--verify", "checksum", "--workers", "2", "--batch", "100")
        told = [json.loads(line) for line in (self.dir / "t.rejects").read_text().splitlines()]
        want = {i for i in range(1, 5001) if i % 100 == 0 or i % 9 == 8}
        self.assertEqual(sorted(int(t["values"]["id"]) for t in told), sorted(want))
        self.assertIn("verified: 2 of 2", done.err)
        bad = self.new_postgres("bad", "CREATE TABLE t (id int NOT NULL, n int, name text); CREATE INDEX ON t (n); INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 3000) i;"
                                "INSERT INTO t VALUES (7, 7, E'\\x01'); ALTER TABLE t ADD CHECK (n > 0) NOT VALID; ALTER TABLE t ADD CHECK (n <> 9) NOT VALID")
        for how in ("after", "before"):
            name = f"bad_{how}"
            (self.dir / "t.rejects").unlink()
            self.copy(bad, self.new(name), "--create", "--indexes", how, "--on-error", "reject:t.rejects", "--verify", "checksum")
            [told] = [json.loads(line) for line in (self.dir / "t.rejects").read_text().splitlines()]
            self.assertEqual((told["values"]["id"], told["sqlstate"]), ("9", "23000"))
            self.assertEqual(self.value("SELECT count(*) FROM t", name), "3000")


if __name__ == "__main__":
    unittest.main()
