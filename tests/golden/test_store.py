"""A store that version 1 wrote is read for ever: every row as it was, by the program and by the reader of the specification."""
import hashlib
import pathlib

from harness import Case
from store_reader import Store

FILE = pathlib.Path(__file__).resolve().parent / "store_v1.spate"
ROWS = {"types": 40, "empty": 0, "narrow": 3000}
SUMS = {"types": "2d702998d364f736", "empty": "e3b0c44298fc1c14", "narrow": "75cbdd53d84b7fe8"}


class Golden(Case):
    def test_the_program_reads_it(self):
        self.assertIn("all whole", self.spate_ok("store", "verify", FILE).out)
        for table, rows in ROWS.items():
            out = self.spate_ok("store", "scan", FILE, "--table", table).out
            self.assertEqual(len(out.splitlines()), rows)
            self.assertEqual(hashlib.sha256(out.encode()).hexdigest()[:16], SUMS[table])

    def test_the_specification_reads_it(self):
        store = Store(FILE)
        for table, rows in ROWS.items():
            self.assertEqual(len(list(store.rows(table))), rows)
