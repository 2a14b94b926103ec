"""A store that version 1 wrote is read for ever: every row as it was, by the program and by the reader of the specification."""
import hashlib
import pathlib

from harness import Case
from store_reader import Store

HERE = pathlib.Path(__file__).resolve().parent
# Of each file its tables, how many rows they have, and the beginning of the sum of what a scan says.
FILES = {
    "store_v1.spate": {"types": (40, "2d702998d364f736"), "empty": (0, "e3b0c44298fc1c14"), "narrow": (3000, "75cbdd53d84b7fe8")},
    "store_v1_lagged.spate": {"turns": (700, "a9146222b84e50a0")},
}


class Golden(Case):
    def test_the_program_reads_it(self):
        for file, tables in FILES.items():
            self.assertIn("all whole", self.spate_ok("store", "verify", HERE / file).out)
            for table, (rows, total) in tables.items():
                out = self.spate_ok("store", "scan", HERE / file, "--table", table).out
                self.assertEqual(len(out.splitlines()), rows)
                self.assertEqual(hashlib.sha256(out.encode()).hexdigest()[:16], total)

    def test_the_specification_reads_it(self):
        for file, tables in FILES.items():
            store = Store(HERE / file)
            for table, (rows, _) in tables.items():
                self.assertEqual(len(list(store.rows(table))), rows)
