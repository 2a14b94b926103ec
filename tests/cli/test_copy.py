"""spate copy on files: dialects, guesses, mistakes with their place, pipes."""
import json
import subprocess
import unittest

from harness import SPATE, Case, spate


class Copy(Case):
    def write(self, name, text):
        path = self.dir / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def rows(self, path, *words, query=""):
        done = self.spate_ok("copy", f"{path}{query}", "-?format=ndjson", "--progress", "none", *words)
        return [json.loads(line) for line in done.out.splitlines()]

    def refused(self, code, words, *arguments):
        done = spate("copy", *arguments, "--progress", "none", cwd=self.dir)
        self.assertEqual(done.code, code, done.err)
        self.assertIn(words, done.err)

    # ---- reading ----

    def test_kinds_are_guessed_without_loss(self):
        path = self.write("t.csv", "a,b,c,d,e,f,g,h\n1,1.50,007,2024-02-29,true,1e5,12345678901234567890,\n"
                                   "-2,-0.25,8,2023-01-01,false,2,1,x\n")
        self.assertEqual(self.rows(path), [
            {"a": 1, "b": 1.5, "c": "007", "d": "2024-02-29", "e": True, "f": 100000, "g": "12345678901234567890", "h": None},
            {"a": -2, "b": -0.25, "c": "8", "d": "2023-01-01", "e": False, "f": 2, "g": "1", "h": "x"}])

    def test_types_as_text(self):
        path = self.write("t.csv", "a,b\n1,true\n")
        self.assertEqual(self.rows(path, query="?types=text"), [{"a": "1", "b": "true"}])

    def test_a_dialect(self):
        path = self.write("t.txt", "1;'x;''y''\nz';NULL\r\n2;;'NULL'\r\n")
        got = self.rows(path, query="?format=csv&header=false&delimiter=;&quote='&null=NULL&table=it")
        self.assertEqual(got, [{"column1": 1, "column2": "x;'y'\nz", "column3": None}, {"column1": 2, "column2": "", "column3": "NULL"}])

    def test_tabs_without_quotes(self):
        path = self.write("t.csv", 'a\tb\n"1\t2"\n')
        self.assertEqual(self.rows(path, query="?delimiter=tab&quote=none"), [{"a": '"1', "b": '2"'}])

    def test_a_byte_order_mark_is_no_name(self):
        self.assertEqual(self.rows(self.write("t.csv", "\ufeffa\n1\n")), [{"a": 1}])

    def test_columns(self):
        path = self.write("t.csv", "a,b,c\n1,2,3\n")
        self.assertEqual(self.rows(path, "--table", "t", "--column", "c", "--column", "a"), [{"a": 1, "c": 3}])
        self.refused(2, 'there is no column "x"', path, "-?format=ndjson", "--table", "t", "--column", "x")

    def test_json_keys_in_any_order(self):
        path = self.write("t.ndjson", '{"a":1,"b":{"x":[1]}}\n\n{"b":[],"a":null}\n{}\n')
        self.assertEqual(self.rows(path), [{"a": 1, "b": {"x": [1]}}, {"a": None, "b": []}, {"a": None, "b": None}])

    def test_standard_input(self):
        done = subprocess.run([SPATE, "copy", "-?format=csv", "-?format=ndjson"], input=b"a,b\n" + b"1,x\n" * 100000, capture_output=True)
        self.assertEqual((done.returncode, done.stdout.count(b'{"a":1,"b":"x"}\n')), (0, 100000))

    def test_a_directory_is_a_table_a_file(self):
        (self.dir / "in").mkdir()
        for name in ("in/b.csv", "in/a.csv"):
            self.write(name, "x\n1\n")
        self.write("in/notes.txt", "no rows")
        self.spate_ok("copy", f"{self.dir}/in", f"{self.dir}/out/?format=ndjson", "--verify", "checksum")
        self.assertEqual(sorted(p.name for p in (self.dir / "out").iterdir()), ["a.ndjson", "b.ndjson"])

    def test_any_number_of_workers_gives_the_same_file(self):
        path = self.write("t.csv", "id,word\n" + "".join(f'{i},"w\n{i % 7}"\n' for i in range(60000)))
        for workers in (1, 4):
            self.spate_ok("copy", path, f"{self.dir}/{workers}.ndjson", "--workers", workers)
        one, four = ((self.dir / f"{n}.ndjson").read_bytes() for n in (1, 4))
        self.assertEqual(one.count(b"\n"), 60000)
        self.assertTrue(one == four)
        self.spate_ok("copy", self.dir / "4.ndjson", f"{self.dir}/back.csv", "--workers", 4)
        want = sorted(path.read_text().split('"\n'))
        self.assertEqual(sorted((self.dir / "back.csv").read_text().split('"\n')), want)

    # ---- mistakes ----

    def test_a_bad_cell_has_its_place(self):
        path = self.write("t.csv", "a,b\n" + "1,2\n" * 300000 + "1,x\n")
        self.refused(4, 'column "b", row 300001: "x" is no int64', path, "-?format=ndjson")

    def test_text_that_is_no_utf8(self):
        path = self.write("t.csv", b"a,b\n1,ok\n2,\xff\n")
        self.refused(4, 'column "b", row 2: the text is not UTF-8', path, f"{self.dir}/out.ndjson")
        self.assertFalse((self.dir / "out.ndjson").exists())

    def test_rows_of_another_length(self):
        self.refused(4, "row 2 has 3 fields, expected 2", self.write("t.csv", "a,b\n1,2\n1,2,3\n"), "-?format=ndjson")

    def test_an_open_quote(self):
        self.refused(4, "row 1: a quoted field is not closed", self.write("t.csv", 'a,b\n1,"2\n1,2\n'), "-?format=ndjson")

    def test_keys_that_come_late(self):
        path = self.write("t.ndjson", ('{"a":"' + "x" * 1000 + '"}\n') * 2000 + '{"b":1}\n')
        self.refused(4, 'there is no column for the key "b"', path, f"{self.dir}/out.csv")

    def test_header_mistakes(self):
        self.refused(4, 'two columns are called "a"', self.write("t.csv", "a,a\n1,2\n"), "-?format=ndjson")
        self.refused(4, "the name of column 2 is empty", self.write("u.csv", "a,\n1,2\n"), "-?format=ndjson")

    def test_what_cannot_be(self):
        path = self.write("t.csv", "a\n1\n")
        out = f"{self.dir}/out.ndjson"
        self.refused(2, "a file cannot be asked for some of its rows", path, out, "--table", "t", "--where", "a > 1")
        self.refused(2, "columns and a condition are of one table", path, out, "--column", "a")
        self.refused(2, 'there is no table "u"', path, out, "--table", "u")
        self.refused(2, 'rows cannot be read as "sql"', self.write("t.sql", "SELECT 1;"), out)
        self.refused(2, 'unknown key "nul"', f"{path}?nul=x", out)
        self.refused(2, "delimiter cannot be", f"{path}?delimiter=ab", out)
        self.refused(2, "the same character", f"{path}?delimiter=|&quote=|", out)
        self.refused(3, "no such file", self.dir / "missing.csv", out)
        self.refused(2, "verify needs tables", path, f"sqlite:{self.dir}/x.db", "--verify", "count")

    # ---- reports ----

    def test_json_report(self):
        path = self.write("t.csv", "a\n1\n2\n")
        done = self.spate_ok("copy", path, f"{self.dir}/out.ndjson", "--json", "--verify", "checksum")
        report = json.loads(done.out)
        self.assertTrue(report["complete"])
        self.assertEqual([(t["name"], t["rows"], t["rows_done"]) for t in report["tables"]], [("t", 2, 2)])
        self.assertTrue(report["verified"][0]["same"])
        self.assertEqual(report["verified"][0]["rows_to"], 2)

    def test_dry_run_changes_nothing(self):
        path = self.write("t.csv", "a\n1\n")
        self.spate_ok("copy", path, f"{self.dir}/out.ndjson", "--dry-run")
        self.assertFalse((self.dir / "out.ndjson").exists())


if __name__ == "__main__":
    unittest.main()
