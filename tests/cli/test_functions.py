"""The functions that dg and dgs know are here, and pictures are pictures."""
import csv
import json
import re
import pathlib
import shutil
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Case

DG = """
ach_account ach_routing adjective adjective_demonstrative adjective_descriptive adjective_indefinite adjective_interrogative
adjective_possessive adjective_proper adjective_quantitative adverb adverb_degree adverb_frequency_definite
adverb_frequency_indefinite adverb_manner adverb_place adverb_time_definite adverb_time_indefinite animal animal_type
app_author app_name app_version bitcoin_address bitcoin_private_key bool breakfast bs car_fuel_type car_maker car_model
car_transmission_type car_type chrome_user_agent city color company company_suffix connective connective_casual
connective_complaint connective_examplify connective_listing connective_time country country_abr credit_card_cvv
credit_card_exp credit_card_type currency_long currency_short date day dessert dinner domain_name domain_suffix email emoji
file_extension file_mime_type firefox_user_agent first_name flipacoin float32 float64 fruit gender hexcolor hobby hour
http_method http_status_code http_status_code_simple http_version int16 int32 int64 int8 ipv4_address ipv6_address
job_descriptor job_level job_title language language_abbreviation last_name latitude longitude lunch mac_address minute month
month_string name name_prefix name_suffix nanosecond nicecolors noun noun_abstract noun_collective_animal
noun_collective_people noun_collective_thing noun_common noun_concrete noun_countable noun_uncountable opera_user_agent
password pet_name phone phone_formatted phrase preposition preposition_compound preposition_double preposition_simple
programming_language pronoun pronoun_demonstrative pronoun_interrogative pronoun_object pronoun_personal pronoun_possessive
pronoun_reflective pronoun_relative quote rgbcolor safari_user_agent safecolor second snack ssn state state_abr street
street_name street_number street_prefix street_suffix time_zone time_zone_abv time_zone_full time_zone_offset time_zone_region
uint128_hex uint16 uint16_hex uint256_hex uint32 uint32_hex uint64 uint64_hex uint8 uint8_hex url user_agent username uuid
vegetable verb verb_action verb_helping verb_linking weekday word year zip
""".split()

DGS_BESIDES = """
book_author book_genre book_title buzz_word car_business car_sport celebrity_actor company_slogan credit_card_number cusip
error error_database error_grpc error_http error_http_client error_http_server error_runtime farm_animal future_date
hipster_paragraph hipster_sentence hipster_word image_jpg image_png isin lorem_paragraph lorem_sentence lorem_word movie_genre
movie_name past_date price product_category product_description product_feature product_material product_name question school
""".split()

DG_FORK = ["cnpj", "cpf"]

# What each function's values look like. Those that are words of a list share a grammar: one to some words.
TIME = r"[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?\+00"
MOMENT = r"\d{4}-[01]\d-[0-3]\d " + TIME
NAME = r"[A-Z][\w'-]*( [A-Z][\w'-]*)+"
TO_59, TO_23 = r"[1-5]?\d", r"1?\d|2[0-3]"
SENTENCE, PERCENT = r"[A-Z][\w'-]*( [\w'-]+){%s}", r"0(\.\d+)?(e-\d+)?|\d(\.\d+)?e-\d+"
BROWSER = r"Mozilla/5\.0 \([^()]+\) "
DEGREES = r"-?(%s)(\.\d{6})?"
GRAMMARS = {
    "ach_account": r"\d{12}", "ach_routing": r"\d{9}", "app_name": r"([A-Z][\w-]*){1,4}", "app_version": r"[1-5]\.1?\d\.(1?\d|20)|[1-5](\.\d{1,2}){2}",
    "app_author": r"\w[\w',. &-]+", "bitcoin_address": r"[13][1-9A-HJ-NP-Za-km-z]{25,34}", "bitcoin_private_key": r"5[HJK][1-9A-HJ-NP-Za-km-z]{49}",
    "bool": "true|false", "flipacoin": "Heads|Tails", "gender": "male|female", "cnpj": r"\d{14}", "cpf": r"\d{11}",
    "chrome_user_agent": BROWSER + r"AppleWebKit/[\d.]+ \(KHTML, like Gecko\) Chrome/[\d.]+ (Mobile )?Safari/[\d.]+",
    "firefox_user_agent": BROWSER + r"Gecko/[\d.]+ Firefox/[\d.]+", "opera_user_agent": r"Opera/[\d.]+ \([^()]+\) Presto/[\d.]+ Version/[\d.]+",
    "safari_user_agent": BROWSER + r"AppleWebKit/[\d.]+ \(KHTML, like Gecko\) Version/[\d.]+ (Mobile/\w+ )?Safari/[\d.]+",
    "user_agent": r"(Mozilla|Opera)/[\d.]+ \([^()]+\) .+/[\d.]+",
    "company": r"\w[\w',. &-]+", "country_abr": "[A-Z]{2}", "state_abr": "[A-Z]{2}", "currency_short": "[A-Z]{3}", "language_abbreviation": "[a-z]{2}",
    "credit_card_cvv": r"\d{3}", "credit_card_exp": r"(0[1-9]|1[0-2])/\d\d", "credit_card_number": r"\d{12,19}", "cusip": "[A-Z0-9]{8}[0-9]",
    "isin": "[A-Z]{2}[A-Z0-9]{9}[0-9]", "date": MOMENT, "future_date": "2026-01-01 " + TIME, "past_date": MOMENT, "day": r"[1-9]|[12]\d|3[01]",
    "hour": TO_23, "minute": TO_59, "second": TO_59, "month": r"[1-9]|1[0-2]", "year": r"(19|20)\d\d", "nanosecond": r"\d{1,9}",
    "month_string": "January|February|March|April|May|June|July|August|September|October|November|December",
    "weekday": "(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", "domain_name": r"[a-z0-9-]+\.[a-z]+", "domain_suffix": "[a-z]+",
    "email": r"[a-z0-9.'_-]+@[a-z0-9'-]+\.[a-z]+", "url": r"https?://www\.[a-z0-9-]+\.[a-z]+(/[\w-]+){1,4}", "username": r"[A-Z][\w'-]*\d{4}",
    "emoji": r"[^\x00-\x22\x24-\x29\x2b-\x2f\x3a-\xa8]+", "file_extension": r"[\w-]+", "file_mime_type": r"[a-z-]+/[\w.+-]+",
    "float32": PERCENT, "float64": PERCENT, "latitude": DEGREES % r"[1-8]?\d|90", "longitude": DEGREES % r"\d{1,2}|1[0-7]\d|180", "price": r"[1-9]\d?\.\d\d",
    "hexcolor": "#[0-9a-f]{6}", "nicecolors": r"\{#[0-9a-f]{6}(,#[0-9a-f]{6}){4}\}", "rgbcolor": r"\{\d{1,3},\d{1,3},\d{1,3}\}",
    "hipster_sentence": SENTENCE % "99,199" + r"\.", "lorem_sentence": SENTENCE % "99" + r"\.",
    "hipster_paragraph": r"([A-Z][\w '-]+\. ?){10}", "lorem_paragraph": r"(" + SENTENCE % "19" + r"\. ?){10}",
    "question": SENTENCE % "2,19" + r"\?", "quote": '"' + SENTENCE % "2,19" + r'\." - ' + NAME, "product_description": r"([A-Z][\w ,:'-]+\. ?){1,3}",
    "company_slogan": r"\w[\w ,:/.'-]+[.!]", "http_method": "[A-Z]+", "http_status_code": r"[1-5]\d\d", "http_status_code_simple": "200|301|302|400|404|500",
    "http_version": r"HTTP/(1\.0|1\.1|2\.0)", "image_jpg": r"\\x[0-9a-f]{50000,}", "image_png": r"\\x[0-9a-f]{300000,}",
    "int8": r"-?\d{1,3}", "int16": r"-?\d{1,5}", "int32": r"\d{1,10}", "int64": r"\d{1,19}", "uint8": r"\d{1,3}", "uint16": r"\d{1,5}",
    "uint32": r"\d{1,10}", "uint64": r"\d{1,20}", **{f"uint{n}_hex": f"0x[0-9a-f]{{{n // 4}}}" for n in (8, 16, 32, 64, 128, 256)},
    "ipv4_address": r"(\d{1,3}\.){3}\d{1,3}", "ipv6_address": "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}", "mac_address": "([0-9a-f]{2}:){5}[0-9a-f]{2}",
    "name": NAME, "password": r"[ -~]{25}", "phone": r"[1-9]\d{9}", "phone_formatted": r"[\d() .-]{12,16}", "ssn": r"[1-9]\d{8}", "zip": r"\d{5}",
    "street": r"\d{3,5}( [\w'.-]+){1,5}", "street_number": r"\d{3,5}", "school": r"[A-Z][\w' .-]+ (Private|State-run|Public)[\w -]+",
    "time_zone_abv": r"[\w+-]{1,6}", "time_zone_full": r"\(UTC([+-]\d\d:\d\d)?\) .+", "time_zone_offset": r"-?\d{1,2}(\.(5|25|75))?", "time_zone_region": r"[\w/+-]+",
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "uuid_v7": "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
}
WORDS = r"[\w.(#@*+'][\w .,'’!?&()/+#:*;-]*"


class Functions(Case):
    def test_every_name_of_dg_and_dgs_is_known(self):
        self.assertEqual((len(DG), len(DGS_BESIDES)), (169, 39))
        here = {f["name"] for f in json.loads(self.spate_ok("functions", "--json").out)}
        self.assertEqual(sorted(set(DG + DGS_BESIDES + DG_FORK) - here), [])

    def test_all_of_them_are_made_in_one_plan(self):
        names = DG + DGS_BESIDES + DG_FORK
        columns = "".join(f'      - {{name: {n}, value: "${{{n}}}"}}\n      - {{name: {n}_in_text, value: "a ${{{n}}} b"}}\n' for n in names)
        self.write("all.yaml", "tables:\n  - name: t\n    rows: 20\n    columns:\n" + columns)
        self.spate_ok("generate", "all.yaml", "--to", "all.csv")
        csv.field_size_limit(1 << 24)
        with open(self.dir / "all.csv", newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(len(rows), 20)
        for row in rows:
            for name in names:
                self.assertTrue(row[name], name)
                self.assertRegex(row[name + "_in_text"], r"(?s)^a .+ b$", name)

    def test_each_has_its_grammar(self):
        names = [f["name"] for f in json.loads(self.spate_ok("functions", "--json").out)]
        self.assertEqual(sorted(set(GRAMMARS) - set(names)), [])
        columns = "".join(f'      - {{name: {n}, value: "${{{n}}}"}}\n' for n in names)
        seed = 20261121
        for pictures, rows in ((True, 3), (False, 1000)):
            some = "".join(c for c in columns.splitlines(True) if ("image_" in c) == pictures)
            self.write("all.yaml", f"seed: {seed}\ntables:\n  - name: t\n    rows: {rows}\n    columns:\n{some}")
            self.spate_ok("generate", "all.yaml", "--to", "all.csv", "--truncate")
            csv.field_size_limit(1 << 24)
            with open(self.dir / "all.csv", newline="") as f:
                for row in csv.DictReader(f):
                    for name, value in row.items():
                        if not re.fullmatch(GRAMMARS.get(name, WORDS), value):
                            self.fail(f"seed {seed}: {name} gives {value[:200]!r}, which is no {GRAMMARS.get(name, WORDS)}")

    def pictures(self, name):
        self.write("p.yaml", f"tables: [{{name: t, rows: 12, columns: [{{name: p, value: \"${{{name}}}\"}}]}}]")
        csv.field_size_limit(1 << 24)
        self.spate_ok("generate", "p.yaml", "--to", "p.csv", "--truncate")
        with open(self.dir / "p.csv", newline="") as f:
            pictures = [bytes.fromhex(row["p"].removeprefix("\\x")) for row in csv.DictReader(f)]
        self.assertEqual(len(set(pictures)), 12)
        self.spate_ok("generate", "p.yaml", "--to", "again.csv", "--truncate", "--workers", "2")
        self.assertEqual((self.dir / "again.csv").read_bytes(), (self.dir / "p.csv").read_bytes())
        return pictures

    def test_unique_texts_match_their_pattern(self):
        patterns = {"two": "[A-Z]{2}", "address": r"^(https?://)?[a-z]+(-[a-z0-9]+)*\.(com|org|net)$", "either": r"(a|b|c)[0-9]{3}|x\d{2}",
                    "alike": r"(foo|far|baz)\w*", "long": r"\d{15,19}"}
        columns = "".join(f"    - {{name: {name}, pattern: '{p}', unique: true}}\n" for name, p in patterns.items())
        plan = self.write("plan.yaml", f"tables:\n- name: t\n  rows: 676\n  columns:\n{columns}")
        self.spate_ok("generate", plan, "--to", "t.csv")
        rows = list(csv.DictReader((self.dir / "t.csv").open(newline="")))
        for name, pattern in patterns.items():
            made = {row[name] for row in rows}
            self.assertEqual(len(made), 676, name)
            for text in made:
                self.assertRegex(text, f"^(?:{pattern})$")
        self.spate_fails(2, "generate", plan, "--to", "t.csv", "--rows", "t=677", says="has 676 different values")

    def test_png(self):
        for picture in self.pictures("image_png"):
            self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
            at, chunks = 8, {}
            while at < len(picture):
                n = int.from_bytes(picture[at:at + 4], "big")
                chunks[picture[at + 4:at + 8]] = picture[at + 8:at + 8 + n]
                self.assertEqual(zlib.crc32(picture[at + 4:at + 8 + n]), int.from_bytes(picture[at + 8 + n:at + 12 + n], "big"))
                at += 12 + n
            self.assertEqual(list(chunks), [b"IHDR", b"IDAT", b"IEND"])
            self.assertEqual(chunks[b"IHDR"], bytes([0, 0, 1, 0, 0, 0, 1, 0, 8, 2, 0, 0, 0]))
            points = zlib.decompress(chunks[b"IDAT"])
            self.assertEqual(len(points), 256 * 769)
            self.assertEqual(set(points[::769]), {0})
            self.noise(points)

    def test_jpeg(self):
        if not shutil.which("djpeg"):
            self.skipTest("no djpeg (libjpeg-turbo-progs)")
        for picture in self.pictures("image_jpg"):
            done = subprocess.run(["djpeg", "-pnm"], input=picture, capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout[:15], b"P6\n256 256\n255\n")
            self.assertEqual(len(done.stdout), 15 + 256 * 256 * 3)
            self.noise(done.stdout[15:])

    def noise(self, points):
        mean = sum(points) / len(points)
        self.assertTrue(115 < mean < 140, mean)
        spread = (sum((p - mean) ** 2 for p in points) / len(points)) ** 0.5
        self.assertGreater(spread, 60)


if __name__ == "__main__":
    unittest.main()
