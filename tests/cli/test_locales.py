"""Plans with locales: who they are said of, rows that agree, the same rows however they are made, mistakes and their places."""
import json
import re
import unittest

from harness import Case, query

HEAD = "tables:\n- name: t\n  rows: 3000\n  columns:\n"
CYRILLIC, KANA = re.compile("[\u0400-\u04ff]"), re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
SEVERAL = """
locale: {ru: 3, ja: 1}
tables:
  - name: t
    rows: 8000
    columns:
      - {name: id, value: "${uuid}", sorted: true, primary_key: true}
      - {name: name, value: "${name}"}
      - {name: street, value: "${street}"}
      - {name: person, person: name}
      - {name: first, person: first_name}
      - {name: last, person: last_name}
      - {name: initials, person: initials}
      - {name: email, person: email, unique: true}
      - {name: pair, expr: "${last_name} || ' ' || ${first_name}"}
      - {name: number, range: int, props: {min: 0, max: 10}}
      - {name: english, value: "${name}", locale: en}
"""


def script(text):
    return "ja" if KANA.search(text) else "ru" if CYRILLIC.search(text) else "other"


class Locales(Case):
    def rows(self, plan, *more, name="out"):
        self.spate_ok("generate", self.write("plan.yaml", plan), "--to", f"duckdb:{name}.duckdb", "--create", *more)
        return query(f"{name}.duckdb", "select * from t", self.dir)

    def test_the_nearest_locale_wins(self):
        plan = ("locale: ru\ntables:\n- name: t\n  rows: 50\n  columns:\n  - {name: a, value: \"${name}\"}\n  - {name: b, person: name, locale: ja}\n"
                "  - {name: c, value: \"${last_name}\", locale: en}\n  - {name: k, set: [x, y]}\n"
                "  - {name: d, by: k, cases: {x: \"${first_name}\", y: {value: \"${first_name}\", locale: en}}, locale: ja}\n")
        for row in self.rows(plan):
            self.assertEqual([script(row[c]) for c in "abc"], ["ru", "ja", "other"], row)
            self.assertEqual(script(row["d"]), "ja" if row["k"] == "x" else "other", row)
        for row in self.rows(plan.replace("  rows: 50\n", "  rows: 50\n  locale: ja\n"), name="table"):
            self.assertEqual([script(row[c]) for c in "abc"], ["ja", "ja", "other"], row)

    def test_rows_of_several_locales_agree(self):
        rows = self.rows(SEVERAL)
        shares = {"ru": 0, "ja": 0}
        for row in rows:
            of = script(row["name"])
            shares[of] += 1
            self.assertEqual({of}, {script(row[c]) for c in ("street", "person", "first", "last", "initials", "pair")}, row)
            first, last = row["first"], row["last"]
            self.assertEqual(row["person"], f"{first} {last}" if of == "ru" else f"{last} {first}")
            self.assertEqual(row["initials"], first[0] + last[0] if of == "ru" else last[0] + first[0])
            self.assertRegex(row["email"], r"^[a-z0-9._]+@[a-z.]+$")
            self.assertEqual(script(row["english"]), "other")
        self.assertAlmostEqual(shares["ru"] / len(rows), 0.75, delta=4.5 * (0.75 * 0.25 / len(rows)) ** 0.5)
        self.assertEqual(len({row["email"] for row in rows}), len(rows))

    def test_the_same_rows_on_any_number_of_workers(self):
        plan = self.write("plan.yaml", SEVERAL)
        made = [self.spate_ok("generate", plan, "--to", "-?format=csv", "--workers", str(w)).out for w in (1, 2, 5)]
        self.assertEqual(made[0], made[1])
        self.assertEqual(made[0], made[2])

    def test_english_is_as_without(self):
        columns = '  - {name: a, value: "${name} ${email} ${street} ${lorem_sentence}"}\n  - {name: b, person: email}\n  - {name: c, place: phone}\n'
        without = self.spate_ok("generate", self.write("plan.yaml", HEAD + columns), "--to", "-?format=csv").out
        self.assertEqual(self.spate_ok("generate", self.write("plan.yaml", "locale: en\n" + HEAD + columns), "--to", "-?format=csv").out, without)

    def test_persons_and_places_are_of_the_locale(self):
        columns = "".join(f"  - {{name: {c}, {c.split('_')[0]}: {c.split('_', 1)[1]}}}\n"
                          for c in ("person_gender", "person_title", "person_username", "person_email", "place_country_code", "place_phone", "place_postcode"))
        for row in self.rows("locale: de\n" + HEAD + columns):
            self.assertIn((row["person_gender"], row["person_title"]), {(g, t) for g, own in (("weiblich", "Frau"), ("männlich", "Herr")) for t in (own, "Dr.", "Prof. Dr.")})
            self.assertRegex(row["person_username"], "^[a-z0-9._]+$")
            self.assertTrue(row["person_email"].startswith(row["person_username"] + "@"))
            self.assertEqual(row["place_country_code"], "DE")
            self.assertRegex(row["place_phone"], r"^\+49 ")
            self.assertRegex(row["place_postcode"], r"^[0-9]{5}$")

    def test_letters_of_other_scripts(self):
        columns = "  - {name: last, person: last_name}\n  - {name: account, person: username}\n"
        found = {row["last"]: row["account"] for row in self.rows("locale: de\n" + HEAD + columns) if "ü" in row["last"] or "ß" in row["last"]}
        self.assertGreater(len(found), 20)
        for last, account in found.items():
            self.assertIn(re.sub("[^a-z]", "", last.lower().replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss")), account)
        found = {row["last"]: row["account"] for row in self.rows("locale: ru\n" + HEAD + columns, name="ru")}
        self.assertIn("abramov", found["Абрамов"])

    def test_mistakes_have_their_place(self):
        cases = [
            ("locale: dee\n", 1, 9, '"dee" is no locale; did you mean "de"'), ("locale: [de]\n", 1, 9, "expected a locale, such as de"),
            ("locale: {de: 0}\n", 1, 9, "a sum above 0"), ("locale: {de: x}\n", 1, 14, '"x" is not a weight'), ("locale: {de: 1, frr: 2}\n", 1, 17, "is no locale"),
            ("locale: {}\n", 1, 9, "expected a locale"),
        ]
        for text, line, column, says in cases:
            with self.subTest(text):
                plan = self.write("plan.yaml", text + HEAD + '  - {name: a, value: "${name}"}\n  - {name: b, person: name}\n')
                done = self.spate_fails(2, "generate", plan, "--to", "-?format=csv")
                self.assertIn(says, done.err)
                self.assertEqual(re.findall(r":(\d+):(\d+): error", done.err), [(str(line), str(column))])
        plan = self.write("plan.yaml", "locale: {de: 1, fr: 1}\n" + HEAD + '  - {name: a, array: "${name}", props: {min: 1, max: 3}}\n')
        self.assertIn("an array takes one locale", self.spate_fails(2, "generate", plan, "--to", "-?format=csv").err)
        plan = self.write("plan.yaml", HEAD + "  - {name: a, inc: 1, locale: de}\n")
        self.assertRegex(self.spate_ok("generate", plan, "--to", "-?format=csv").err, r':5:\d+: warning: "locale" .*nothing')

    def test_functions_shows_locales(self):
        listed = self.spate_ok("functions", "--locales").out.splitlines()
        self.assertEqual(listed, sorted(listed))
        self.assertGreater(len(listed), 50)
        told = json.loads(self.spate_ok("functions", "--locales", "--json").out)
        self.assertEqual([t["locale"] for t in told], [line.split()[0] for line in listed])
        samples = json.loads(self.spate_ok("functions", "name", "--locale", "ru", "--json").out)[0]["samples"]
        self.assertEqual({script(s) for s in samples}, {"ru"})
        self.spate_fails(2, "functions", "--locale", "xx", says=['there is no locale "xx"', "spate functions --locales lists them"])
        self.spate_fails(2, "functions", "nothing_like_it", "--locale", "de", says=['there is no function "nothing_like_it"', "spate functions lists them"])
        self.spate_fails(2, "functions", "--locale", "de_A", says=['there is no locale "de_A"', 'did you mean "de_AT"'])


if __name__ == "__main__":
    unittest.main()
