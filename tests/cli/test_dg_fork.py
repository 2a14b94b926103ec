"""The configurations of dg's fork: its processors, its expressions, several files as one; and the parts of spate's own form that they became."""
import csv
import hashlib
import re
import unittest
from collections import Counter
from datetime import date, timedelta

from harness import Case, read_csv

FORK = r"""
inputs:
  - {name: region, type: csv, source: {file_name: region.csv}}
tables:
  - name: person
    count: 200
    columns:
      - {name: id, type: range, processor: {type: int, from: 1, step: 1}}
      - {name: email, type: gen, processor: {template: '{{Email}}'}}
      - {name: about, type: gen, processor: {template: '{{FirstName}} has {{Number 1 9}} {{"Pets" | ToLower}}. {{LoremIpsumSentence 4}}{{- /* nothing */ -}}'}}
      - {name: code, type: gen, processor: {template: '{{Numerify "##-##"}} {{DigitN 3}} {{Lexify "a?c"}}'}}
      - {name: key, type: cuid2, processor: {length: 14}}
      - {name: born, type: rand, processor: {type: date, low: '2010-01-01', high: '2010-01-03'}}
      - {name: age, type: rand, processor: {type: int, low: 20, high: 18}}
      - {name: salary, type: rand, processor: {type: float64, low: 2000.0, high: 5000.0, format: '%.2f'}}
      - {name: kind, type: dist, processor: {values: [a, b, c], weights: [5, 3, 2]}}
      - {name: even, type: dist, processor: {values: [x, y, z]}}
      - name: greeting
        type: case
        processor:
          - {when: "int(age) == 18 && kind == 'a'", then: 'Little guy'}
          - {when: "int(age) in [18, 19] and not (kind contains 'c')", then: "'teen ' + kind + age"}
          - {when: "kind", then: Hi}
      - {name: nth, type: map, processor: {column: kind, expression: "string(index) + ':' + value + ':' + string(count)"}}
      - {name: region, type: pick, processor: {source_table: region, source_column: kind, source_value: name, match_column: kind}}
  - name: loan
    count: 40
    columns:
      - {name: id, type: inc, processor: {start: 1}}
      - {name: n, type: rand, processor: {type: int, low: 2, high: 5}}
      - {name: due, type: rand, processor: {type: float64, low: 1000.0, high: 2000.0, format: '%.2f'}}
      - {name: each, type: expr, processor: {expression: float(due) / int(n), format: '%.4f'}}
      - {name: most, type: expr, processor: {expression: "float(match('person', 'id', id, 'salary')) / 0.3", format: '%.2f'}}
      - {name: about_now, type: rel_date, processor: {unit: day, after: '-7', before: '7', format: '02/01/2006'}}
      - {name: year, type: rel_date, processor: {date: '2020-12-25', unit: year, after: 4, before: -4}}
      - {name: later, type: relative_date, processor: {date: year, unit: month, after: 'int(n)', before: 'int(n)'}}
      - {name: again, type: rel_date, processor: {date: "date(about_now, '02/01/2006')", after: 1, before: 1, format: '2006/01/02'}}
      - {name: drawn, type: expr, processor: {expression: "randr(1, int(n)) + 0 * rand(3)"}}
      - {name: sum, type: expr, processor: {expression: "add_date(1, 1, 1, '2024-12-25')"}}
      - {name: record, type: expr, processor: {expression: "get_record('person', row_number).email"}}
      - {name: column, type: expr, processor: {expression: "get_column('person', 'id')"}}
      - {name: words, type: expr, processor: {expression: "fakeit('sentence', {'wordCount': 3})"}}
      - {name: least, type: expr, processor: {expression: "min(5, -3, 0.3, 7, -0.5, int(n))"}}
      - {name: paid, type: expr, processor: {expression: "payments(100, 4, 20)", format: '%.2f'}}
      - {name: rate, type: expr, processor: {expression: "pmt(0.01, 12, 1000, 0, 0)", format: '%.2f'}}
      - {name: hash, type: expr, processor: {expression: "sha256(string(id))"}}
      - {name: much, type: expr, processor: {expression: "let m = int(n) * 2; m > 6 ? 'many' : n | string()"}}
      - {name: padded, type: expr, processor: {expression: "pad(string(id), '0', 5, true) + '/' + upper(slug('A b', 'en'))"}}
      - {name: parts, type: expr, processor: {expression: "date(year).Year() * 100 + date(year).Month()"}}
  - name: item
    columns:
      - {name: id, type: range, processor: {type: int, from: 1, step: 1}}
      - {name: word, type: gen, processor: {value: '${word}'}}
      - {name: loan, type: fk, processor: {table: loan, column: id, repeat: 'int(parent.n)', filter: 'int(parent.n) > 2'}}
      - name: email
        type: lookup
        processor:
          match_column: loan
          ignore_missing: true
          tables:
            - {source_table: loan, source_column: id, source_value: column}
            - {source_table: person, source_column: id, expression: "upper(email)", predicate: "int(id) != 7"}
  - name: part
    columns:
      - {name: item, type: fk, processor: {reference: item, column: id, repeat: '2'}}
      - {name: n, type: inc, processor: {start: 1}}
  - name: few
    count: 10
    columns:
      - {name: item, type: fk, processor: {table: item, column: id}}
      - {name: who, type: ref, processor: {table: person, column: id}}
  - name: twice
    columns:
      - {name: loan, type: fk, processor: {table: loan, column: id, repeat: '2'}}
  - name: pairs
    count: 7
    columns:
      - {name: x, type: each, processor: {table: region, column: name}}
      - {name: id, type: inc, processor: {start: 1}}
  - name: pairs.2
    count: 5
    columns:
      - {name: id, type: range, processor: {table: pairs, type: int, step: 1}}
"""
REGIONS = "kind,name\na,north\nb,south\na,west\nc,east\n"


class Fork(Case):
    def make(self, *more, config="fork.yaml"):
        self.spate_ok("generate", config, "--to", "out/", "--truncate", "--progress", "none", *more)
        return {p.stem: list(csv.DictReader(p.open(newline=""))) for p in (self.dir / "out").iterdir()}

    def setUp(self):
        super().setUp()
        self.write("fork.yaml", FORK)
        self.write("region.csv", REGIONS)

    def test_people(self):
        people = self.make()["person"]
        self.assertEqual(list(people[0]), ["id", "email", "about", "code", "key", "born", "age", "salary", "kind", "even", "greeting", "nth", "region"])
        self.assertEqual(len(people), 200)
        self.assertEqual(Counter(p["kind"] for p in people), {"a": 100, "b": 60, "c": 40})
        self.assertEqual(sorted(Counter(p["even"] for p in people).values()), [66, 67, 67])
        self.assertEqual({p["born"] for p in people}, {"2010-01-01", "2010-01-02", "2010-01-03"})
        self.assertEqual({p["age"] for p in people}, {"18", "19", "20"})
        seen, regions = Counter(), {"a": ["north", "west"], "b": ["south"], "c": ["east"]}
        for p in people:
            self.assertRegex(p["email"], r"^[^@ ]+@[^@ ]+\.[a-z]+$")
            self.assertRegex(p["about"], r"^\w[\w' -]* has [1-9] pets\. [A-Z]\w+( \w+){3}\.$")
            self.assertRegex(p["code"], r"^\d\d-\d\d \d{3} a[a-z]c$")
            self.assertRegex(p["key"], r"^[a-z][a-z0-9]{13}$")
            self.assertRegex(p["salary"], r"^[2-4]\d{3}\.\d\d$")
            greeting = ("Little guy" if p["age"] == "18" and p["kind"] == "a" else
                        f"teen {p['kind']}{p['age']}" if p["age"] != "20" and p["kind"] != "c" else "Hi")
            self.assertEqual(p["greeting"], greeting)
            seen[p["kind"]] += 1
            self.assertEqual(p["nth"], f"{seen[p['kind']]}:{p['kind']}:{dict(a=100, b=60, c=40)[p['kind']]}")
            of = regions[p["kind"]]
            self.assertEqual(p["region"], of[(seen[p["kind"]] - 1) % len(of)])
        self.assertGreater(len({p["about"] for p in people}), 190)

    def test_expressions(self):
        made = self.make()
        people = made["person"]
        months = {}
        for i, row in enumerate(made["loan"]):
            n, due = int(row["n"]), float(row["due"])
            self.assertAlmostEqual(float(row["each"]), due / n, places=3)
            self.assertAlmostEqual(float(row["most"]), float(people[i]["salary"]) / 0.3, places=1)
            day, month, year = (int(v) for v in row["about_now"].split("/"))
            near = date(year, month, day)
            self.assertLessEqual(abs((near - date(2026, 1, 1)).days), 7)
            self.assertEqual(row["again"], (near + timedelta(days=1)).strftime("%Y/%m/%d"))
            self.assertRegex(row["year"], r"^20(1[6-9]|2[0-4])-12-25$")
            year = int(row["year"][:4])
            self.assertEqual(row["later"], f"{year + 1}-{n:02}-25")
            self.assertEqual(row["parts"], f"{year}12")
            self.assertTrue(1 <= int(row["drawn"]) <= n)
            self.assertEqual(row["sum"], "2026-01-26")
            self.assertEqual(row["record"], people[i]["email"])
            self.assertEqual(row["column"], people[i]["id"])
            self.assertRegex(row["words"], r"^[A-Z][\w-]*( [\w-]+){2,}\.$")
            self.assertEqual((row["least"], row["paid"], row["rate"]), ("-3", "20.00", "-88.85"))
            self.assertEqual(row["hash"], hashlib.sha256(row["id"].encode()).hexdigest())
            self.assertEqual(row["much"], "many" if n > 3 else str(n))
            self.assertEqual(row["padded"], f"{i + 1:05}/A-B")
            months[n] = True
        self.assertEqual(set(months), {2, 3, 4, 5})

    def test_each_item_of_a_list(self):
        """Functions of expr-lang that look at each item, mixed numbers, and rows of a table as a whole."""
        columns = {
            "drawn": "randr(0, 9)",
            "any": "any([2, 4, int(drawn)], {# % 2 == 1})", "all": "all([2, 4, int(drawn)], # % 2 == 0)",
            "none": "none([1, int(drawn)], {# > 4})", "one": "one([1, int(drawn)], {# < 5})",
            "count": "count([int(drawn), 3, 5], {# > 2})", "find": "find([1, int(drawn), 8], {# > 3})",
            "sum": "sum(map([1, 2, int(drawn)], {# * 10}))", "piped": "[int(drawn), 1] | map(# + 1) | sum()",
            "deep": "sum(map([1, 2], {let x = #; sum([10, 20], {# * x})}))",
            "few": "len(filter([1, int(drawn), 8], {# > 3}))", "first": "filter([1, int(drawn), 8], # > 3)[0]",
            "of_few": "sum(filter([1, int(drawn), 8], # > 3), # * 2)", "least": "min(filter([9, int(drawn), 8], # > 3))",
            "among": "int(drawn) in filter([1, 2, 3, 4], {# % 2 == 0})", "every": "all(filter([int(drawn), 6], {# > 4}), {# > 5})",
            "mapped": "[int(drawn), 1] | filter(# > 2) | map(# * 10) | sum()",
            "folded": "reduce([1, int(drawn), 3], {#acc * 10 + #})", "joined": "reduce(['a', 'b'], {#acc + # + string(#index)}, 'x')",
            "most": "reduce([3, int(drawn), 5], #acc > # ? #acc : #)", "folded_few": "reduce(filter([int(drawn), 2], {# > 4}), {#acc + #}, 100)",
            "lets": "sum(map(1..30, {let x = #; x * int(drawn)}))",
            "who": "get_model('p')[row_number % 3].t", "mixed": "rand_perm(40)",
        }
        self.write("lists.yaml", "tables:\n- {name: p, count: 3, columns: [{name: t, type: const, processor: {values: [a, b, c]}}]}\n"
                   "- name: q\n  count: 40\n  columns:\n" + "".join(
                       f"  - {{name: {name}, type: expr, processor: {{expression: \"{e}\"}}}}\n" for name, e in columns.items()))
        rows = self.make(config="lists.yaml")["q"]
        for i, row in enumerate(rows):
            n = int(row["drawn"])
            said = {"any": n % 2 == 1, "all": n % 2 == 0, "none": n <= 4, "one": n >= 5}
            self.assertEqual({k: row[k] for k in said}, {k: str(v).lower() for k, v in said.items()})
            self.assertEqual([row[k] for k in ("count", "find", "sum", "piped", "deep", "who")],
                             [str(v) for v in ((n > 2) + 2, n if n > 3 else 8, 30 + 10 * n, n + 3, 90, "abc"[i % 3])])
            big = [v for v in (1, n, 8) if v > 3]
            self.assertEqual([row[k] for k in ("few", "first", "of_few", "least", "among", "every", "mapped")], [str(v).lower() for v in (
                len(big), big[0], 2 * sum(big), min(v for v in (9, n, 8) if v > 3), n in (2, 4), n != 5, 10 * n if n > 2 else 0)])
            self.assertEqual([row[k] for k in ("folded", "joined", "most", "folded_few", "lets")], [str(v) for v in (
                103 + 10 * n, "xa0b1", max(5, n), 100 + (n if n > 4 else 0), 465 * n)])
        self.assertEqual(sorted(int(r["mixed"]) for r in rows), list(range(40)))
        self.assertNotEqual([int(r["mixed"]) for r in rows], list(range(40)))

    def test_texts_that_match(self):
        """As Python's re finds them; an expression has other backslashes than a YAML text between single quotes."""
        patterns = ["^[a-m]", r"@.*\.(com|net)$", "(ab|ba|[0-9]{2,})", "(?i)A[E-I]", r"^\w+@\w+\.[a-z]{2,3}$", r"\bx", "n{2}", "^$", "", "a.*a.*a.*a",
                    "[^a-z@.0-9]", r"\.(io|info|org)\b", "^(?:[^aeiou]*[aeiou]){4}", "é|ü+n", "^.{19}é?.$", "(a|aa)+$", "r?s?t?u$", r"\d{3,}", r"^\D*\B.z"]
        values = "".join(f"  - {{name: m{i}, expr: \"matches(e, '{p}')\"}}\n".replace("\\", "\\\\") for i, p in enumerate(patterns))
        self.write("own.yaml", "tables:\n- name: t\n  rows: 3000\n  columns:\n  - {name: e, value: '${email}'}\n" + values)
        self.write("dg.yaml", "tables:\n- name: t\n  count: 3000\n  columns:\n  - {name: n, type: gen, processor: {value: '${name} é ${uint16}'}}\n" + "".join(
            f"  - {{name: m{i}, type: expr, processor: {{expression: 'n {'not ' * (i % 2)}matches `{p}`'}}}}\n" for i, p in enumerate(patterns)))
        for config, field, turned in (("own.yaml", "e", 0), ("dg.yaml", "n", 1)):
            rows = self.make(config=config)["t"]
            self.assertEqual(len(rows), 3000)
            for i, p in enumerate(patterns):
                has = [str(bool(re.search(p, r[field], re.ASCII)) != bool(turned * i % 2)).lower() for r in rows]
                self.assertEqual([r[f"m{i}"] for r in rows], has, p)
        for wrong, says in (("'(a'", "a ( is not closed"), ("n", "is no regular expression that is written out"), ("'(a{1000}){1000}'", "it is too long")):
            plan = f'tables: [{{name: t, rows: 1, columns: [{{name: n, value: b}}, {{name: m, expr: "matches(n, {wrong})"}}]}}]'
            self.assertRegex(self.spate_fails(2, "generate", self.write("w.yaml", plan), "--to", "x/").err, r"w\.yaml:1:88: .*" + re.escape(says))

    def test_a_ref_to_the_own_table(self):
        """Any row, as dg has it, this one and later ones too."""
        self.write("own.yaml", "tables:\n- name: t\n  count: 400\n  columns:\n  - {name: id, type: inc, processor: {start: 1}}\n"
                   "  - {name: of, type: ref, processor: {table: t, column: id}}\n")
        rows = [int(r["of"]) - int(r["id"]) for r in self.make(config="own.yaml")["t"]]
        self.assertTrue(len(rows) == 400 and min(rows) < -200 and max(rows) > 200)

    def test_children_are_as_many_as_cells_say(self):
        for seed in ("0", "7"):
            made = self.make("--seed", seed)
            items = made["item"]
            self.assertEqual([r["loan"] for r in items], [r["id"] for r in made["loan"] if int(r["n"]) > 2 for _ in range(int(r["n"]))])
            self.assertEqual([r["id"] for r in items], [str(i + 1) for i in range(len(items))])
            emails = {p["id"]: p["email"].upper() for p in made["person"] if p["id"] != "7"}
            of = {r["id"]: r["column"] for r in made["loan"]}
            self.assertEqual([r["email"] for r in items], [emails.get(of[r["loan"]], "") for r in items])
            self.assertEqual([r["item"] for r in made["part"]], [r["id"] for r in items for _ in range(2)])
            self.assertEqual([r["n"] for r in made["part"]], [str(i + 1) for i in range(2 * len(items))])
            self.assertEqual([r["item"] for r in made["few"]], [str(i + 1) for i in range(10)])
            self.assertEqual([r["loan"] for r in made["twice"]], [r["id"] for r in made["loan"] for _ in range(2)])
            self.assertEqual([r["x"] for r in made["pairs"]], ["north", "south", "west", "east", "north", "south", "west"])
            self.assertEqual([r["id"] for r in made["pairs.2"]], ["8", "9", "10", "11", "12"])

    def test_what_was_left_out_so_far(self):
        """A filter and a repeat may speak of how many parents the filter left out before."""
        self.write("skipped.yaml", """
tables:
  - name: p
    count: 5000
    columns:
      - {name: id, type: inc, processor: {start: 1}}
      - {name: v, type: rand, processor: {type: int, low: 0, high: 99}}
  - {name: behind, columns: [{name: id, type: fk, processor: {table: p, column: id, filter: 'skipped >= 3'}}]}
  - name: more
    columns:
      - {name: id, type: fk, processor: {table: p, column: id, filter: 'int(parent.v) > left % 100', skipped_as: left, repeat: 'left % 3'}}
      - {name: n, type: map, processor: {column: id, expression: index}}
  - {name: none, columns: [{name: id, type: fk, processor: {table: p, column: id, filter: 'skipped < 0'}}]}
  - {name: few, count: 7, columns: [{name: id, type: fk, processor: {table: p, column: id, filter: 'rand(2) == 0 && skipped > 10'}}]}
""")
        made = self.make(config="skipped.yaml")
        self.assertEqual([r["id"] for r in made["behind"]], [str(i) for i in range(4, 5001)])
        left, ids = 0, []
        for r in made["p"]:
            if int(r["v"]) > left % 100:
                ids += [r["id"]] * (left % 3)
            else:
                left += 1
        self.assertEqual([r["id"] for r in made["more"]], ids)
        self.assertGreater(left, 500)
        self.assertEqual((len(made["none"]), len(made["few"])), (0, 7))
        self.assertGreater(int(made["few"][0]["id"]), 11)
        self.assertEqual(made, self.make("--workers", "2", config="skipped.yaml"))
        self.write("same.yaml", "tables:\n- {name: p, count: 3, unique_columns: [a], columns: [{name: a, type: set, processor: {values: [x, y]}}]}\n"
                   "- {name: c, columns: [{name: a, type: fk, processor: {table: p, column: a, filter: 'skipped > 1'}}]}\n")
        self.assertRegex(self.spate_fails(2, "validate", "same.yaml").err, r'same.yaml:3:\d+: error: "skipped" cannot be counted of a table with unique_columns')

    def test_any_worker_makes_the_same(self):
        one = self.make("--workers", "1")
        two = self.make("--workers", "2")
        self.assertEqual(one, two)

    def test_as_dg(self):
        done = self.spate_ok("as", "dg", "-c", "fork.yaml", "-o", "dg")
        self.assertIn("generated table: item", done.out)
        self.assertEqual(read_csv(self.dir / "dg/item.csv")[0], ["id", "word", "loan", "email"])

    def test_several_configurations_are_one(self):
        (self.dir / "sub").mkdir()
        self.write("sub/region.csv", "kind,name\nz,middle\n")
        self.write("sub/base.yaml", """
inputs: [{name: region, type: csv, source: {file_name: region.csv}}]
tables:
  - {name: person, count: 5, suppress: true, unique_columns: [id], columns: [{name: id, type: inc, processor: {start: 1}}, {name: x, type: const, processor: {values: [a, b]}}]}
  - {name: area, columns: [{name: name, type: each, processor: {table: region, column: name}}]}
""")
        self.write("over.yaml", """
extends: [sub/base.yaml]
tables:
  - {name: person, count: 3, unique_columns: [x]}
  - {name: more, count: 2, columns: [{name: id, type: ref, processor: {table: person, column: id}}]}
""")
        made = self.make(config="over.yaml")
        self.assertEqual(made["person"], [{"id": "1", "x": "a"}, {"id": "2", "x": "b"}, {"id": "3", "x": "a"}])
        self.assertEqual(made["area"], [{"name": "middle"}])
        self.write("last.yaml", "tables: [{name: person, count: 4, suppress: true}]\n")
        self.spate_ok("as", "dg", "-c", "over.yaml", "-c", "last.yaml", "-o", "dg")
        self.assertEqual(sorted(p.name for p in (self.dir / "dg").iterdir()), ["area.csv", "more.csv"])
        self.write("loop.yaml", "extends: [loop2.yaml]\n")
        self.write("loop2.yaml", "extends: loop.yaml\n")
        self.assertIn('loop2.yaml:1:10: error: "loop.yaml" is the very file', self.spate_fails(2, "validate", "loop.yaml").err)

    def test_mistakes_have_their_place(self):
        base = "tables:\n- {name: p, count: 3, columns: [{name: id, type: inc, processor: {start: 1}}, {name: t, type: set, processor: {values: [a]}}]}\n"
        cases = [
            ("type: expr, processor: {expression: '1 +'}", "ends where a value should be"), ("type: expr, processor: {expression: 'nothing + 1'}", "is no column of the table"),
            ("type: expr, processor: {expression: 'mean(1)'}", "is no function that is known here"), ("type: expr, processor: {expression: 'upper()'}", "takes 1 argument, and here are 0"),
            ("type: expr, processor: {expression: 'any(k, {# > 1})'}", "no list of values that is written out"),
            ("type: expr, processor: {expression: 'filter([1, 2], # > 1)'}", "is a list that was filtered"),
            ("type: expr, processor: {expression: 'reduce(1..20, #acc * #acc)'}", "too often for a list so long"),
            ("type: expr, processor: {expression: 'reduce(filter([1], # > 1), #acc)'}", "begins a reduce with no value"),
            ("type: expr, processor: {expression: 'rand_perm(int(k))'}", "so many numbers as are not written out"),
            ("type: expr, processor: {expression: 'k matches k'}", "is no regular expression that is written out"),
            ('type: expr, processor: {expression: "get_model(\'p\')"}', "a record or a table as a whole"),
            ('type: expr, processor: {expression: "get_model(\'p\').id"}', "of which no row is named"),
            ("type: gen, processor: {template: '{{if 1}}a{{end}}'}", "is no part of templates"), ("type: gen, processor: {template: '{{Emial}}'}", 'did you mean "email"'),
            ("type: gen, processor: {template: '{{Email'}", "lacks its closing }}"), ("type: range, processor: {type: int, cmd: ls}", "plans run none"),
            ("type: fk, processor: {table: q, column: id}", "is no table or input before this one"), ("type: cuid2, processor: {}", 'cuid2 needs a "length"'),
            ("type: fk, processor: {table: p, column: id, repeat: 'other'}", "is not known before rows are counted"),
            ("type: pick, processor: {source_table: p, source_column: t, source_value: id, match_column: k, unique: true}", "has no row left for row 4"),
            ("type: case, processor: [{when: 'true'}]", "expected a case"), ("type: rand, processor: {type: text, low: 1, high: 2}", "is not int, date or float64"),
        ]
        for text, says in cases:
            with self.subTest(text):
                plan = base + "- {name: c, count: 5, columns: [{name: k, type: set, processor: {values: [a]}}, {name: x, " + text + "}]}\n"
                done = self.spate_fails(2, "generate", self.write("plan.yaml", plan), "--to", "x/")
                self.assertIn(says, done.err)
                self.assertIn("plan.yaml:3:", done.err)


OWN = """
tables:
  - name: orders
    rows: 3000
    columns:
      - {name: id, inc: 1}
      - {name: lines, range: int, props: {min: 0, max: 5}, "null": 10%}
      - {name: text, value: "0${hour}"}
      - {name: day, set: [2024-02-29, 2023-05-06, never]}
      - {name: number, expr: int(text) + 1}
      - {name: half, expr: float(text) / 2}
      - {name: then, expr: "date(day) + 1"}
      - {name: other, expr: "date('06/05/2023', '02/01/2006')"}
      - {name: drawn, expr: "random(-number, number)"}
      - {name: state, set: [new, paid, lost], weights: [1, 2, 1], distribution: exact}
      - {name: which, expr: "occurrence(state)"}
      - {name: all_of, expr: "occurrences(state)", format: "%04d"}
  - name: line
    columns:
      - {name: order_id, ref: orders.id, children: {column: lines}, primary_key: true}
      - {name: n, expr: nth(order_id), primary_key: true}
      - {name: first, lookup: shelf.name, props: {key: kind, by: kind, which: first}}
      - {name: last, lookup: shelf.name, props: {key: kind, by: kind}}
      - {name: turn, lookup: shelf.name, props: {key: kind, by: kind, which: cycle}}
      - {name: kind, set: [a, b]}
  - name: shelf
    rows: 5
    columns:
      - {name: name, inc: 10}
      - {name: kind, set: [a, b, a, a, b], distribution: cycle}
"""


class Own(Case):
    def test_children_counted_by_a_column(self):
        self.spate_ok("generate", self.write("own.yaml", OWN), "--to", "out/", "--progress", "none")
        orders = list(csv.DictReader((self.dir / "out/orders.csv").open()))
        lines = list(csv.DictReader((self.dir / "out/line.csv").open()))
        self.assertEqual([(r["order_id"], r["n"]) for r in lines], [(o["id"], str(n + 1)) for o in orders for n in range(int(o["lines"] or 0))])
        shelves = {"a": ["10", "12", "13"], "b": ["11", "14"]}
        seen = Counter()
        for r in lines:
            of = shelves[r["kind"]]
            self.assertEqual((r["first"], r["last"], r["turn"]), (of[0], of[-1], of[seen[r["kind"]] % len(of)]))
            seen[r["kind"]] += 1
        self.assertEqual(Counter(o["state"] for o in orders), {"new": 750, "paid": 1500, "lost": 750})
        seen = Counter()
        for o in orders:
            seen[o["state"]] += 1
            hour = int(o["text"])
            self.assertEqual((o["number"], float(o["half"]), o["other"]), (str(hour + 1), hour / 2, "2023-05-06"))
            self.assertEqual(o["then"], {"2024-02-29": "2024-03-01", "2023-05-06": "2023-05-07", "never": ""}[o["day"]])
            self.assertTrue(-hour - 1 <= int(o["drawn"]) <= hour + 1)
            self.assertEqual((o["which"], o["all_of"]), (str(seen[o["state"]]), "1500" if o["state"] == "paid" else "0750"))
        for i in range(3):
            self.spate_ok("generate", "own.yaml", "--to", "parts/?format=csv&header=false", "--part", f"{i}/3")
        parts = b"".join((self.dir / f"parts/line.{i}-of-3.csv").read_bytes() for i in range(3))
        self.assertEqual((self.dir / "out/line.csv").read_bytes().split(b"\n", 1)[1], parts)

    def test_rows_are_the_most_there_are(self):
        self.spate_ok("generate", self.write("own.yaml", OWN), "--to", "out/", "--rows", "line=100", "--progress", "none")
        self.assertEqual(len((self.dir / "out/line.csv").read_text().splitlines()), 101)

    def test_mistakes(self):
        for column, says in (("{column: nothing}", "is no column of the table"), ("{column: text}", "is no column of whole numbers"), ("{column: lines, max: 3}", "nothing goes with it")):
            plan = OWN.replace("{column: lines}", column)
            self.assertIn(says, self.spate_fails(2, "generate", self.write("own.yaml", plan), "--to", "x/").err)


if __name__ == "__main__":
    unittest.main()
