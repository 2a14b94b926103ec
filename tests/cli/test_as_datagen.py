"""datagen-cli's command line behind 'spate as datagen': what it prints, where, the files it writes, and its exit codes."""
import csv
import json
import os
import subprocess
import unittest

from harness import SPATE, Case

SCHEMA = {
    "version": "1.0",
    "database": {"name": "blog & co", "encoding": "UTF8", "locale": "en_US.utf8"},
    "tables": {
        "posts": {
            "columns": {"id": {"type": "serial"}, "author_id": {"type": "integer"}, "title": {"type": "varchar(60)"}},
            "primary_key": ["id"],
            "foreign_keys": [{"columns": ["author_id"], "referenced_table": "authors", "referenced_columns": ["id"]}],
            "row_count": 30,
        },
        "authors": {
            "columns": [{"name": "id", "type": "serial"}, {"name": "email", "type": "varchar(80)", "unique": True}],
            "primary_key": ["id"],
            "row_count": 10,
        },
    },
}
LOADED = 'level=info msg="Configuration loaded"\n'


class AsDatagen(Case):
    def datagen(self, *words, stdin=None, **env):
        full = {**os.environ, "HOME": str(self.dir), **env}
        done = subprocess.run([SPATE, "as", "datagen", *words], input=stdin, capture_output=True, text=True, cwd=self.dir, env=full, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def setUp(self):
        super().setUp()
        self.schema = self.write("blog.json", json.dumps(SCHEMA, indent=2))

    def test_generate_writes_a_dump(self):
        code, out, err = self.datagen("generate", "-i", "blog.json", "-o", "blog.sql", "--validate-output")
        self.assertEqual((code, out), (0, ""))
        self.assertEqual(err, LOADED + "datagen: keys are kept, foreign keys lead to rows, and tables come parents first\n"
                         "Successfully generated dump to blog.sql\n")
        text = (self.dir / "blog.sql").read_text()
        self.assertIn("CREATE DATABASE \"blog & co\" WITH ENCODING = 'UTF8' TEMPLATE = template0;\n\\connect \"blog & co\"\n", text)
        self.assertLess(text.index('INSERT INTO "authors"'), text.index('INSERT INTO "posts"'))
        self.assertIn('FOREIGN KEY ("author_id") REFERENCES "authors" ("id")', text)
        again = self.datagen("generate", "--input=blog.json", "--format", "sql", "-j", "1")
        self.assertEqual((again[0], again[1]), (0, text))
        other = self.datagen("generate", "-i", "-", "-s", "7", "-f", "copy", stdin=json.dumps(SCHEMA))
        self.assertEqual(other[0], 0)
        self.assertIn('COPY "authors" ("id", "email") FROM STDIN;\n1\t', other[1])

    def test_generate_is_refused(self):
        for words, says in [
            (["-i", "blog.json", "--template", "saas"], "cannot specify both --input and --template"),
            ([], "must specify either --input or --template"),
            (["-i", "blog.json", "-f", "xml"], 'invalid format "xml", must be one of: sql, copy'),
            (["-i", "blog.json", "-j", "101"], "invalid number of jobs 101, must be at most 100"),
            (["-i", "blog.json", "--validate-output"], "--validate-output requires --output to be a file"),
            (["--template", "shop"], 'template "shop" not found'),
            (["--template", "saas", "--param", "usrs=3"], 'unknown parameter "usrs"'),
            (["--template", "saas", "--param", "users=many"], 'parameter "users" must be an integer'),
            (["--frob"], "unknown flag: --frob"),
        ]:
            code, out, err = self.datagen("generate", *words)
            self.assertEqual((code, out), (1, ""), words)
            self.assertTrue(err.endswith(f"Error: {says}\n"), (words, err))
            self.assertNotIn("Usage", err)
        code, _, err = self.datagen("generate", "-i", "none.json")
        self.assertEqual(code, 1)
        self.assertIn("Error: ", err)

    def test_templates(self):
        code, out, _ = self.datagen("template", "list")
        self.assertEqual(code, 0)
        lines = out.splitlines()
        self.assertEqual(lines[0], "Available Templates:")
        self.assertTrue(lines[2].startswith("  ecommerce       A web shop"))
        code, out, _ = self.datagen("template", "show", "saas")
        self.assertEqual(code, 0)
        self.assertIn("Template: saas\nDescription: Software as a service", out)
        self.assertIn("\nTables:\n  tenants              200 rows, 9 columns\n", out)
        self.assertIn("\n  users                of all tenants (default: 2000)\n", out)
        code, out, _ = self.datagen("template", "export", "ecommerce", "--param", "customers=9")
        self.assertEqual(code, 0)
        schema = json.loads(out)
        self.assertEqual((schema["version"], schema["database"]["name"], schema["tables"]["customers"]["row_count"]), ("1.0", "ecommerce", 9))
        self.assertEqual(schema["tables"]["orders"]["foreign_keys"][0]["referenced_table"], "customers")
        self.write("shop.json", out)
        self.assertEqual(self.datagen("generate", "-i", "shop.json", "-j", "2")[0], 0)
        for name in "ecommerce", "finance", "healthcare", "saas":
            self.write(f"{name}.json", self.datagen("template", "export", name)[1])
            self.spate_ok("generate", f"{name}.json", "--to", "one/", "--truncate")
            self.spate_ok("generate", "--template", name, "--to", "two/", "--truncate")
            for table in sorted((self.dir / "two").iterdir()):
                self.assertEqual((self.dir / "one" / table.name).read_bytes(), table.read_bytes(), table.name)

    def test_composite_types(self):
        self.write("rows.json", json.dumps({
            "version": "1.0", "database": {"name": "d"},
            "custom_types": {"spot": {"kind": "composite", "definition": "AS (city varchar(40), zip char(5), size numeric(8,2), since date)"},
                             "two": {"kind": "composite", "definition": {"a": "integer", "b": {"type": "text"}}}},
            "tables": {"t": {"row_count": 50, "columns": {"id": {"type": "serial"}, "at": {"type": "spot"}, "more": {"type": "two", "nullable": True}}}}}))
        self.spate_ok("generate", "rows.json", "--to", "out/")
        rows = list(csv.DictReader((self.dir / "out/t.csv").open(newline="")))
        self.assertEqual(list(rows[0]), ["id", "at", "more"])
        for row in rows:
            self.assertRegex(row["at"], r'^\("[^"]+","[^"]{1,5}",\d+\.\d\d,\d{4}-\d\d-\d\d\)$')
            self.assertRegex(row["more"], r'^(\(\d+,"[^"]+"\))?$')
        self.spate_ok("generate", "rows.json", "--to", "out.duckdb", "--create")

    def test_sequences(self):
        self.write("counted.json", json.dumps({
            "version": "1.0", "database": {"name": "d"}, "sequences": {"numbers": {"start": 100, "increment": 10}},
            "tables": {"t": {"row_count": 3, "primary_key": ["id"], "columns": {
                "id": {"type": "integer", "default": "nextval('numbers')"}, "who": {"type": "varchar(40)", "plan": {"set": ["a"]}},
                "why": {"type": "integer", "default": "nextval('numbers'::regclass)", "nullable": True}}}}}))
        self.spate_ok("generate", "counted.json", "--to", "out/")
        self.assertRegex((self.dir / "out/t.csv").read_text(), r"^id,who,why\n100,a,(100)?\n110,a,(110)?\n120,a,(120)?\n$")
        self.spate_ok("generate", "counted.json", "--to", "out.sql", "--create")
        self.assertIn("IDENTITY", (self.dir / "out.sql").read_text())
        self.write("counted.json", (self.dir / "counted.json").read_text().replace("'numbers')", "'nobody')"))
        self.assertIn('"nobody" is no sequence of this schema', self.spate_fails(2, "validate", "counted.json").err)

    def test_validate(self):
        code, out, err = self.datagen("validate", "-i", "blog.json")
        self.assertEqual((code, out, err), (0, "✓ Schema is valid\n  Database: blog & co\n  Tables: 2\n  Total rows to generate: 40\n", LOADED))
        code, out, _ = self.datagen("validate", "--format", "json", stdin=json.dumps(SCHEMA))
        self.assertEqual((code, json.loads(out)), (0, {"valid": True, "database": "blog & co", "tables": 2}))
        bad = json.loads(json.dumps(SCHEMA))
        bad["tables"]["authors"]["columns"][0]["type"] = "string"
        code, out, _ = self.datagen("validate", stdin=json.dumps(bad))
        self.assertEqual(code, 1)
        self.assertIn('"text" is, and "varchar"', out)
        bad["tables"]["authors"]["columns"][0]["type"] = "integr"
        del bad["tables"]["posts"]["row_count"]
        code, out, err = self.datagen("validate", stdin=json.dumps(bad, indent=2))
        self.assertEqual(code, 1)
        self.assertTrue(out.startswith("✗ Schema validation failed\n\nErrors found:\n1. line "), out)
        self.assertIn("Error: validation failed with 2 error(s)\n", err)
        code, out, err = self.datagen("validate", "--json", stdin=json.dumps(bad))
        said = json.loads(out)
        self.assertEqual((code, said["valid"], len(said["errors"])), (1, False, 2))
        self.assertTrue(err.endswith("Error: validation failed\n"))

    def test_settings(self):
        self.write(".datagen.yaml", "# mine\ndefault_format: copy   # not sql\nlog_format: \"json\"\n")
        code, out, err = self.datagen("generate", "-i", "blog.json")
        self.assertEqual(code, 0)
        self.assertIn('COPY "authors"', out)
        self.assertTrue(err.startswith('{"level":"info","msg":"Configuration loaded"}\n'))
        code, out, err = self.datagen("generate", "-i", "blog.json", DATAGEN_DEFAULT_FORMAT="sql", DATAGEN_LOG_LEVEL="error")
        self.assertIn("INSERT INTO", out)
        self.assertNotIn("Configuration", err)
        for key, value, says in [("WORKERS", "101", "workers must be between 1 and 100"), ("LOG_LEVEL", "loud", "log_level must be one of: debug, info, warn, error"),
                                 ("CACHE_SIZE", "-1", "cache_size must be at least 0"), ("LOG_FILE", "/none/such/file", "log_file")]:
            code, out, err = self.datagen("validate", "-i", "blog.json", **{"DATAGEN_" + key: value})
            self.assertEqual((code, out), (1, ""))
            self.assertIn(says, err)
        self.assertEqual(self.datagen("-c", "none.yaml", "validate", "-i", "blog.json")[0], 1)

    def test_version_help_and_links(self):
        self.assertRegex(self.datagen("version")[1], r"^datagen version \d")
        self.assertRegex(self.datagen("version", "--short")[1], r"^\d[\d.]*\n$")
        for words in [], ["-v"], ["--help"]:
            code, out, _ = self.datagen(*words)
            self.assertEqual(code, 0, words)
            self.assertIn("Available Commands:", out)
        for name in "datagen", "datagen-cli":
            link = self.dir / name
            link.symlink_to(SPATE)
            done = subprocess.run([link, "version"], capture_output=True, text=True)
            self.assertRegex(done.stdout, r"^datagen version \d")


if __name__ == "__main__":
    unittest.main()
