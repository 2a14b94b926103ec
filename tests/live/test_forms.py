"""Configurations in the forms of others, as their documents show them, loaded into a real PostgreSQL."""
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


if __name__ == "__main__":
    unittest.main()
