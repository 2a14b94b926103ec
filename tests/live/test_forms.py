"""Configurations in the forms of others, as their documents show them, loaded into a real PostgreSQL."""
import json
import unittest

from harness import Case
from live.servers import Postgres

server = None


def setUpModule():
    global server
    try:
        server = Postgres()
        server.__enter__()
    except (OSError, RuntimeError) as why:
        raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")


def tearDownModule():
    if server:
        server.remove()


DG = r"""
inputs:
  - {name: market, type: csv, source: {file_name: market.csv}}
tables:
  - name: person
    count: 1000
    unique_columns: [email]
    columns:
      - {name: id, type: gen, processor: {value: "${uuid}"}}
      - {name: email, type: gen, processor: {value: "${email}"}}
      - {name: code, type: gen, processor: {pattern: '[A-Z]{3}-\d{4}'}}
      - {name: born, type: gen, processor: {value: "${date}", format: 2006-01-02, null_percentage: 10}}
      - {name: score, type: gen, processor: {value: "${float32}", format: "%.2f"}}
      - {name: market, type: ref, processor: {table: market, column: code}}
      - {name: region, type: match, processor: {source_table: market, source_column: code, source_value: region, match_column: market}}
      - {name: internal, type: inc, suppress: true, processor: {start: 0}}
  - name: event
    count: 50
    columns:
      - {name: id, type: inc, processor: {start: 1}}
      - {name: ref, type: inc, processor: {start: 1, format: "E%05d"}}
      - {name: at, type: range, processor: {type: date, from: 2023-01-01, to: 2024-01-01, format: 2006-01-02}}
      - {name: kind, type: set, processor: {values: [talk, walk], weights: [90, 10]}}
      - {name: fair, type: const, processor: {values: ["true", "false"]}}
  - name: visit
    columns:
      - {name: person, type: each, processor: {table: person, column: id}}
      - {name: event, type: each, processor: {table: event, column: id}}
      - {name: price, type: gen, processor: {value: "${uint8}"}}
"""


# datagen-cli: columns by name and in a list, every kind of key, generators, distributions, patterns, rules, series.
DATAGEN = r"""
{
  "version": "1.0",
  "database": {"name": "shop", "encoding": "UTF8", "locale": "en_US.utf8"},
  "custom_types": {"state": {"kind": "enum", "definition": "ENUM ('new', 'paid', 'sent')"}},
  "tables": {
    "line": {
      "columns": {
        "order_id": {"type": "bigint"}, "product_id": {"type": "integer"},
        "quantity": {"type": "smallint", "distribution": {"type": "poisson", "mean": 3, "min": 1, "max": 20}}
      },
      "primary_key": ["order_id", "product_id"],
      "foreign_keys": [
        {"columns": ["order_id"], "referenced_table": "order", "referenced_columns": ["id"], "on_delete": "CASCADE"},
        {"columns": ["product_id"], "referenced_table": "product", "referenced_columns": ["id"]}
      ],
      "check_constraints": [{"expression": "quantity > 0", "name": "some"}],
      "row_count": 6000
    },
    "customer": {
      "columns": [
        {"name": "id", "type": "serial"},
        {"name": "email", "type": "varchar(100)", "unique": true},
        {"name": "first_name", "type": "varchar(40)"}, {"name": "last_name", "type": "varchar(40)"},
        {"name": "phone", "type": "varchar(12)"}, {"name": "country_code", "type": "char(2)"},
        {"name": "tier", "type": "varchar(10)", "generator": "weighted_enum", "generator_config": {"weights": {"basic": 0.7, "gold": 0.3}}},
        {"name": "age", "type": "integer", "distribution": {"type": "normal", "mean": 40, "std_dev": 12, "min": 18, "max": 90}},
        {"name": "referrer_id", "type": "integer", "nullable": true},
        {"name": "created_at", "type": "timestamp"}, {"name": "updated_at", "type": "timestamp"},
        {"name": "settings", "type": "jsonb"}, {"name": "address", "type": "inet"}, {"name": "active", "type": "boolean", "default": "true"}
      ],
      "primary_key": ["id"],
      "foreign_keys": [{"columns": ["referrer_id"], "referenced_table": "customer", "referenced_columns": ["id"]}],
      "row_count": 1000
    },
    "order": {
      "columns": {
        "id": {"type": "bigserial"},
        "number": {"type": "varchar(20)", "pattern": {"template": "ORD-{year}-{sequence:8}"}},
        "customer_id": {"type": "integer", "distribution": {"type": "zipf", "alpha": 1.2, "min": 1, "max": 1000}},
        "state": {"type": "state"},
        "discount": {"type": "integer", "rules": [{"if": {"state": "new"}, "then": {"value": 0}}, {"if": {"state": "paid"}, "then": {"min": 5, "max": 20}}]},
        "total": {"type": "numeric(8,2)", "distribution": {"type": "normal", "mean": 120, "std_dev": 40, "min": 5, "max": 500}},
        "at": {"type": "timestamptz", "generator": "timeseries",
               "generator_config": {"start": "2024-01-01T00:00:00Z", "end": "2024-12-31T23:59:59Z", "interval": "1h", "pattern": "business_hours"}}
      },
      "primary_key": ["id"],
      "unique_constraints": [{"columns": ["number"], "name": "order_number"}],
      "foreign_keys": [{"columns": ["customer_id"], "referenced_table": "customer", "referenced_columns": ["id"]}],
      "indexes": [{"columns": ["customer_id"], "name": "order_customer"}],
      "row_count": 3000
    },
    "product": {
      "columns": {
        "id": {"type": "integer"}, "sku": {"type": "varchar(12)", "generator": "pattern", "generator_config": {"pattern": "[A-Z]{3}-[0-9]{4}"}},
        "name": {"type": "varchar(60)"}, "description": {"type": "text"}, "price": {"type": "numeric(10,2)"}, "tags": {"type": "text[]"}
      },
      "check_constraints": [{"expression": "price > 0", "name": "above_0"}],
      "indexes": [{"columns": ["tags"], "name": "tagged", "type": "gin"}],
      "comment": "what isn't bought",
      "primary_key": ["id"],
      "row_count": 200
    }
  }
}
"""


class Forms(Case):
    def test_dg(self):
        db = server.database("dg")
        self.write("market.csv", 'code,region\nus,"North, America"\nde,Europe\njp,Asia\n')
        plan = self.write("dg.yaml", DG)
        self.spate_ok("generate", plan, "--to", server.uri(db), "--create", "--progress", "none")

        def ask(sql):
            return str(server.value(sql, db))

        people = int(ask("SELECT count(*) FROM person"))
        self.assertTrue(900 <= people <= 1000)
        self.assertEqual(ask("SELECT count(DISTINCT email) FROM person"), str(people))
        self.assertEqual(ask("SELECT count(*) FROM person WHERE code !~ '^[A-Z]{3}-[0-9]{4}$'"), "0")
        self.assertEqual(ask("SELECT count(*) FROM person WHERE region IS DISTINCT FROM "
                             "CASE market WHEN 'us' THEN 'North, America' WHEN 'de' THEN 'Europe' ELSE 'Asia' END"), "0")
        self.assertEqual(ask("SELECT count(*) FROM visit"), str(people * 50))
        self.assertEqual(ask("SELECT count(*) FROM (SELECT DISTINCT person, event FROM visit) v"), str(people * 50))
        self.assertEqual(ask("SELECT count(*) FROM visit v LEFT JOIN person p ON p.id = v.person WHERE p.id IS NULL"), "0")
        self.assertEqual(ask("SELECT min(ref) || ' ' || max(ref) FROM event"), "E00001 E00050")
        self.assertEqual(ask("SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns "
                             "WHERE table_name = 'person'"), "id,email,code,born,score,market,region")
        self.assertEqual(ask("SELECT count(*) FROM information_schema.tables WHERE table_name = 'market'"), "0")

    def test_dg_command_line(self):
        """What dg writes and says, then loaded as its users load it: by COPY, with nulls as empty fields."""
        db = server.database("dgfiles")
        self.write("market.csv", 'code,region\nus,"North, America"\nde,Europe\njp,Asia\n')
        self.write("dg.yaml", DG)
        done = self.spate_ok("as", "dg", "-c", "dg.yaml", "-o", "csvs", "-i", "import.sql")
        self.assertIn("loaded data source: market", done.out)
        self.assertEqual(done.out.splitlines()[-1].split("took")[0].strip(), "done")
        people = (self.dir / "csvs/person.csv").read_text().splitlines()
        self.assertEqual(people[0], "id,email,code,born,score,market,region")
        self.assertEqual((self.dir / "csvs/visit.csv").read_text().count("\n"), (len(people) - 1) * 50 + 1)
        server.psql("CREATE TABLE person (id uuid PRIMARY KEY, email text UNIQUE, code text, born date, score numeric, market text, region text);"
                    "CREATE TABLE event (fair boolean, id int PRIMARY KEY, ref text, at date, kind text);"
                    "CREATE TABLE visit (person uuid REFERENCES person, event int REFERENCES event, price int)", db)
        self.assertEqual((self.dir / "csvs/event.csv").read_text().splitlines()[0], "fair,id,ref,at,kind")
        for table in "person", "event", "visit":
            server.psql(f"\\copy {table} FROM '{self.dir}/csvs/{table}.csv' WITH (FORMAT csv, HEADER)", db)
        self.assertEqual(int(server.value("SELECT count(*) FROM person", db)), len(people) - 1)
        self.assertGreater(int(server.value("SELECT count(*) FROM person WHERE born IS NULL", db)), 50)
        self.assertEqual(server.value("SELECT min(at) || ' ' || max(at) || ' ' || count(DISTINCT at) FROM event", db),
                         "2023-01-01 2023-12-24 50")
        imports = (self.dir / "csvs/import.sql").read_text()
        self.assertEqual(imports.count("IMPORT INTO "), 3)
        self.assertIn("IMPORT INTO visit (\n\tperson, event, price\n)\nCSV DATA (\n    '.../visit.csv'\n)\n", imports)

    def test_dgs_command_lines(self):
        """A schema as dgs's documents have it, with what its 'gen config' writes and its 'gen data' makes."""
        db = server.database("dgs")
        server.psql(DGS_SCHEMA, db)
        url = server.uri(db)
        config = self.spate_ok("as", "dgs", "gen", "config", "--url", url, "--schema", "public", "--row-count",
                               "member:1000,product:200,purchase:3000,purchase_line:5000,nothing:7").out
        self.write("dgs.yaml", config)
        self.spate_ok("as", "dgs", "gen", "data", "--url", url, "--config", "dgs.yaml", "--insert-mode", "insert")
        for table, rows in (("member", 1000), ("product", 200), ("purchase", 3000), ("purchase_line", 5000)):
            self.assertEqual(int(server.value(f"SELECT count(*) FROM {table}", db)), rows)
        self.assertEqual(server.value("SELECT count(DISTINCT status) FROM purchase", db), "3")

    def test_dgs_documents(self):
        """Every kind of column of a dgs configuration, into tables as it needs them, in each of its modes."""
        db = server.database("dgskinds")
        server.psql(DGS_TABLES, db)
        self.write("kinds.yaml", DGS)
        for mode, rows in (("insert", 1000), ("conflict", 1000), ("upsert", 1000)):
            done = self.spate_ok("as", "dgs", "gen", "data", "--url", server.uri(db), "--config", "kinds.yaml", "--insert-mode", mode,
                                 "--batch", "100", "--workers", "2")
            self.assertIn("INF done", done.err)
            self.assertEqual(int(server.value("SELECT count(*) FROM kind", db)), rows)
        odd = server.value("SELECT count(*) FROM kind WHERE num NOT BETWEEN 5 AND 9 OR length(word) NOT BETWEEN 3 AND 6"
                           " OR octet_length(raw) NOT BETWEEN 1 AND 3 OR seen NOT BETWEEN '2023-01-01' AND '2024-01-01'"
                           " OR wait NOT BETWEEN '10 m' AND '3 h' OR array_length(fruits, 1) NOT BETWEEN 1 AND 4", db)
        self.assertEqual(odd, "0")
        self.assertEqual(server.value("SELECT min(n) || ' ' || max(n) FROM kind", db), "10 1009")
        self.assertEqual(server.value("SELECT count(*) FROM part WHERE kind_id IS NULL", db), "0")

    def test_datagen(self):
        db = server.database("datagen")
        plan = self.write("shop.json", DATAGEN)
        self.spate_ok("generate", plan, "--to", server.uri(db), "--create", "--progress", "none")

        def ask(sql):
            return str(server.value(sql, db))

        self.assertEqual(ask("SELECT string_agg(n::text, ',' ORDER BY t) FROM (SELECT 'line' t, count(*) n FROM line UNION ALL SELECT 'customer', "
                             "count(*) FROM customer UNION ALL SELECT 'order', count(*) FROM \"order\" UNION ALL SELECT 'product', count(*) FROM product) c"),
                         "1000,6000,3000,200")
        self.assertEqual(ask("SELECT string_agg(contype || n, ' ' ORDER BY contype) FROM (SELECT contype::text, count(*) n FROM pg_constraint "
                             "WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace GROUP BY 1) c"), "f4 p4 u2")
        self.assertEqual(ask("SELECT count(*) FROM customer WHERE updated_at < created_at OR age NOT BETWEEN 18 AND 90 OR tier NOT IN ('basic', 'gold') "
                             "OR position(lower(left(regexp_replace(last_name, '[^A-Za-z]', '', 'g'), 3)) IN lower(email)) = 0"), "0")
        self.assertEqual(ask("SELECT count(*) FROM \"order\" WHERE number !~ '^ORD-2026-[0-9]{8}$' OR extract(isodow FROM at AT TIME ZONE 'UTC') > 5 OR "
                             "extract(hour FROM at AT TIME ZONE 'UTC') NOT BETWEEN 9 AND 16 OR CASE state WHEN 'new' THEN discount <> 0 "
                             "WHEN 'paid' THEN discount NOT BETWEEN 5 AND 20 ELSE false END"), "0")
        self.assertEqual(ask("SELECT string_agg(pg_get_constraintdef(oid), ',') FROM pg_constraint WHERE conrelid = 'line'::regclass AND confdeltype = 'c'"),
                         'FOREIGN KEY (order_id) REFERENCES "order"(id) ON DELETE CASCADE')
        self.assertEqual(ask("SELECT string_agg(indexname, ',') FROM pg_indexes WHERE indexname IN ('order_customer', 'order_number', 'tagged')").count(","), 2)
        self.assertEqual(ask("INSERT INTO customer (email, first_name, last_name, phone, country_code, tier, age, created_at, updated_at, settings, address) "
                             "VALUES ('a', 'b', 'c', 'd', 'DE', 'e', 1, now(), now(), '{}', '::1') RETURNING id || ' ' || active"), "1001 true")
        self.assertEqual(ask("SELECT obj_description('product'::regclass) || conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'product'::regclass"),
                         "what isn't boughtabove_0")
        self.assertEqual(ask("SELECT count(*) FROM product WHERE sku !~ '^[A-Z]{3}-[0-9]{4}$'"), "0")
        self.assertGreater(int(ask("SELECT max(n) FROM (SELECT count(*) n FROM \"order\" GROUP BY customer_id) c")), 100)

    def test_composite_types_within_one_another(self):
        """Rows of rows: PostgreSQL reads each level of their texts."""
        db = server.database("composites")
        types = {"point2": {"kind": "composite", "definition": "(x integer, y integer)"},
                 "spot": {"kind": "composite", "definition": "AS (label varchar(30), at point2, note text)"},
                 "trip": {"kind": "composite", "definition": "(start spot, finish spot, tags text)"}}
        plan = self.write("rows.json", json.dumps({
            "version": "1.0", "database": {"name": "d"}, "custom_types": types,
            "tables": {"ride": {"row_count": 500, "columns": {"id": {"type": "serial", "primary_key": True}, "trip": {"type": "trip"},
                                                              "home": {"type": "spot", "nullable": True}}}}}))
        self.spate_ok("generate", plan, "--to", server.uri(db), "--create", "--progress", "none")
        server.psql("""CREATE TYPE point2 AS (x integer, y integer); CREATE TYPE spot AS (label varchar(30), at point2, note text);
            CREATE TYPE trip AS (start spot, finish spot, tags text); ALTER TABLE ride ALTER trip TYPE trip USING trip::trip""", db)
        self.assertEqual(server.value("SELECT count(*) || ' ' || count(((trip).start).at) || ' ' || count(((trip).finish).label) || ' '"
                                      " || count(DISTINCT (((trip).start).at).x) FILTER (WHERE (((trip).start).at).x IS DISTINCT FROM"
                                      " (((trip).finish).at).x) FROM ride", db)[:12], "500 500 500 ")
        self.assertGreater(int(server.value("SELECT count(DISTINCT (((trip).finish).at).y) FROM ride", db)), 400)
        server.psql("ALTER TABLE ride ALTER home TYPE spot USING home::spot", db)
        self.assertGreater(int(server.value("SELECT count(home) FROM ride", db)), 400)
        types["point2"]["definition"] = "(x integer, back trip)"
        self.write("rows.json", json.dumps({"version": "1.0", "database": {"name": "d"}, "custom_types": types,
                                            "tables": {"ride": {"row_count": 5, "columns": {"trip": {"type": "trip"}}}}}))
        self.spate_fails(2, "validate", "rows.json", says="8 within one another at most")

    def test_datagen_command_line(self):
        """The dumps of a schema and of a template, as psql takes them: each makes its database."""
        text = DATAGEN.replace('"name": "shop", "encoding"', '"name": "dump & co", "encoding"')
        self.write("shop.json", text)
        for form in "sql", "copy":
            self.spate_ok("as", "datagen", "generate", "-i", "shop.json", "-o", "dump.sql", "-f", form, "--validate-output")
            server.psql((self.dir / "dump.sql").read_text(), "postgres")
            self.assertEqual(str(server.value('SELECT count(*) FROM "order" o JOIN customer c ON c.id = o.customer_id', "dump & co")), "3000")
            server.psql('DROP DATABASE "dump & co"', "postgres")


DGS_SCHEMA = """
CREATE TABLE member (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, registered timestamptz NOT NULL DEFAULT now());
CREATE TABLE product (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, price decimal NOT NULL);
CREATE TYPE purchase_status AS ENUM ('pending', 'paid', 'dispatched');
CREATE TABLE purchase (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), member_id uuid NOT NULL REFERENCES member(id),
    amount decimal NOT NULL, status purchase_status NOT NULL, ts timestamp NOT NULL DEFAULT now());
CREATE TABLE purchase_line (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), purchase_id uuid NOT NULL REFERENCES purchase(id),
    product_id uuid NOT NULL REFERENCES product(id), quantity int NOT NULL DEFAULT 1);
"""

DGS_TABLES = """
CREATE TABLE kind (n bigint PRIMARY KEY, id uuid, name text, hail text, num int, share float8, word text, raw bytea, seen timestamptz,
    wait interval, spot text, flag text, fruits text[]);
CREATE TABLE part (kind_id bigint REFERENCES kind, code text PRIMARY KEY);
"""

DGS = """
tables:
  - name: kind
    rows: 1000
    columns:
      - {name: n, inc: 10}
      - {name: id, value: "${uuid}"}
      - {name: name, value: "${first_name} ${last_name}"}
      - {name: hail, value: hello}
      - {name: num, range: int, props: {min: 5, max: 10}}
      - {name: share, range: float, props: {min: 0, max: 1}}
      - {name: word, range: string, props: {min: 3, max: 7}}
      - {name: raw, range: bytes, props: {min: 1, max: 4}}
      - {name: seen, range: timestamp, props: {min: 2023-01-01T00:00:00Z, max: 2024-01-01T00:00:00Z, format: "2006-01-02T15:04:05Z"}}
      - {name: wait, range: interval, props: {min: 10m, max: 3h}}
      - {name: spot, range: point, props: {lat: 51.5, lon: -0.1, distance_km: 10}}
      - {name: flag, set: [a, 2, true]}
      - {name: fruits, array: "${fruit}", props: {min: 1, max: 5}}
  - name: part
    rows: 500
    columns:
      - {name: kind_id, ref: kind.n}
      - {name: code, value: "${uint32_hex}"}
"""


class Existing(Case):
    """Rows of a live PostgreSQL as parents, and masked."""

    @classmethod
    def setUpClass(cls):
        cls.db = server.database("existing")
        server.psql("""
            CREATE TABLE customer (id bigint PRIMARY KEY, email text UNIQUE NOT NULL, name varchar(60), tags text[], ip inet, doc jsonb,
                                   born date, rating real, wait interval);
            CREATE TABLE booking (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customer, mail text REFERENCES customer (email));
            INSERT INTO customer SELECT i * 7, 'c' || i || '@real.example', CASE WHEN i % 10 > 0 THEN 'Real ' || i END, ARRAY['t' || i],
                '10.0.0.1', '{"a": 1}', date '1990-01-01' + (i % 3000)::int, i / 2.0, '1 day' FROM generate_series(1, 20000) i;
            INSERT INTO booking SELECT i, (1 + i % 20000) * 7, 'c' || (1 + i % 20000) || '@real.example' FROM generate_series(1, 30000) i;
            ANALYZE""", cls.db)

    def test_a_sample_is_the_parent(self):
        self.write("child.yaml", f"""
inputs:
  - {{name: customer, from: "{server.uri(self.db)}", columns: [id, name, ip, doc, born, rating], sample: 2000}}
tables:
  - name: visit
    rows: 10000
    columns:
      - {{name: customer_id, ref: customer.id}}
      - {{name: ip, expr: customer_id.ip}}
      - {{name: doc, expr: customer_id.doc}}
      - {{name: rating, expr: customer_id.rating}}
""")
        server.psql("CREATE TABLE visit (customer_id bigint REFERENCES customer, ip inet, doc jsonb, rating real)", self.db)
        self.spate_ok("generate", "child.yaml", "--to", server.uri(self.db), "--progress", "none")
        self.assertEqual(server.value("SELECT count(*) FROM visit v JOIN customer c ON c.id = v.customer_id AND c.ip = v.ip"
                                      " AND c.rating = v.rating AND c.doc = v.doc", self.db), "10000")
        self.assertGreater(int(server.value("SELECT count(DISTINCT customer_id) FROM visit", self.db)), 1900)

    def test_masked_into_another_database(self):
        to = server.database("masked")
        self.write("mask.yaml", f"""
seed: 42
tables:
  - name: customer
    from: "{server.uri(self.db)}"
    columns:
      - {{name: email, value: "${{email}}", unique: true}}
      - {{name: name, person: name, by: id}}
      - {{name: ip, value: "${{ipv4_address}}"}}
      - {{name: born, range: timestamp, props: {{min: 1950-01-01, max: 2000-01-01, format: 2006-01-02}}}}
  - name: booking
    from: "{server.uri(self.db)}"
    columns: [{{name: mail, value: "${{email}}", unique: true}}]
""")
        self.spate_ok("generate", "mask.yaml", "--to", server.uri(to), "--create", "--progress", "none")
        self.assertEqual(server.value("SELECT count(*) || ' ' || count(name) || ' ' || count(DISTINCT email) || ' ' || sum(rating)"
                                      " || ' ' || count(*) FILTER (WHERE email LIKE '%@real.example') FROM customer", to),
                         "20000 18000 20000 " + server.value("SELECT sum(rating) FROM customer", self.db) + " 0")
        self.assertEqual(server.value("SELECT count(*) FROM booking b JOIN customer c ON c.id = b.customer_id AND c.email = b.mail", to), "30000")
        self.assertEqual(server.value("SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'", to),
                         "booking_customer_id_fkey booking_mail_fkey")
        same = "SELECT md5(string_agg(tags::text || wait || doc, ',' ORDER BY id)) FROM customer"
        self.assertEqual(server.value(same, to), server.value(same, self.db))
        all_of_it = "SELECT md5(string_agg(c::text, ',' ORDER BY id)) || count(*) FROM customer c"
        masked = server.value(all_of_it, to)
        server.psql("TRUNCATE customer CASCADE", to)
        for part in range(3):  # of a server's table: each part reads all of it, and writes its own rows
            self.spate_ok("generate", "mask.yaml", "--to", server.uri(to), "--table", "customer", "--part", f"{part}/3", "--progress", "none")
            self.assertGreater(20000, int(server.value("SELECT count(*) FROM customer", to)) - 6000 * part)
        self.assertEqual(server.value(all_of_it, to), masked)

    def test_values_in_documents(self):
        """json keeps its bytes, jsonb its meaning; the address in a document is replaced as the address in a column is."""
        there, to = server.database("documents"), server.database("documents_masked")
        server.psql("""
            CREATE TABLE person (id int PRIMARY KEY, mail text NOT NULL, doc json, docb jsonb, many jsonb[]);
            INSERT INTO person SELECT i, m, format('{"mail" :"%s",  "n": 1.50, "n": 2, "deep": [{"mail": "%s"}, {"other": ["%s", null]}, 7]}', m, m, m)::json,
                CASE WHEN i % 7 > 0 THEN jsonb_build_object('contact', jsonb_build_object('mail', m, 'phone', i, 'ok', true), 'list', jsonb_build_array(m, i, null)) END,
                ARRAY[jsonb_build_object('mail', m), '{}', '[]', NULL]
            FROM (SELECT i, 'c' || i % 1000 || '@real.example' m FROM generate_series(1, 5000) i) r""", there)
        self.write("mask.yaml", f"""
seed: 42
tables:
  - name: person
    from: "{server.uri(there)}"
    columns:
      - {{name: mail, value: "${{email}}", unique: true}}
      - {{name: doc, path: $.mail, value: "${{email}}", unique: true}}
      - {{name: doc, path: "$.deep[*].mail", value: "${{email}}", unique: true}}
      - {{name: doc, path: "$.deep[1].other[*]", value: "${{email}}", unique: true}}
      - {{name: docb, path: contact.mail, value: "${{email}}", unique: true}}
      - {{name: docb, path: contact.phone, range: int, props: {{min: 100000, max: 200000}}}}
      - {{name: docb, path: contact.ok, set: [7], type: int}}
      - {{name: docb, path: "list[0]", value: "${{email}}", unique: true}}
      - {{name: docb, path: nowhere.at.all, value: x}}
      - {{name: many, path: mail, value: "${{email}}", unique: true}}
""")
        self.spate_ok("generate", "mask.yaml", "--to", server.uri(to), "--create", "--progress", "none")
        self.assertEqual(server.value("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'person'::regclass AND attname = 'doc'", to), "json")
        expected = """SELECT count(*) FROM person WHERE mail LIKE '%@%' AND mail NOT LIKE '%real.example' AND doc::text =
            format('{"mail" :"%s",  "n": 1.50, "n": 2, "deep": [{"mail": "%s"}, {"other": ["%s", null]}, 7]}', mail, mail, mail)
            AND (id % 7 = 0) = (docb IS NULL) AND many = ARRAY[jsonb_build_object('mail', mail), '{}', '[]', NULL]
            AND (docb IS NULL OR docb = jsonb_build_object('contact', jsonb_build_object('mail', mail, 'phone', docb #> '{contact,phone}', 'ok', 7),
                 'list', jsonb_build_array(mail, id, null)) AND (docb #>> '{contact,phone}')::int BETWEEN 100000 AND 199999)"""
        self.assertEqual(server.value(expected, to), "5000")
        self.assertEqual(server.value("SELECT count(DISTINCT mail) || ' ' || count(DISTINCT docb #> '{contact,mail}') FROM person", to), "1000 1000")

if __name__ == "__main__":
    unittest.main()
