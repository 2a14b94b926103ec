"""Makes tests/fuzz/corpus/store anew: small segments of every type, encoding and flag, cut out of stores that the program writes.

    python3 tests/fuzz/make_store_corpus.py [SPATE]

A file is what fuzz_store.c takes: a byte for the type, one for the first row, one for how many, and the segment. Its name: type, encoding,
how its numbers are packed (0 line, 1 delta), flags, number. The smallest of each kind stay; names of what can no longer be written go.
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from store_reader import LIST, Store  # noqa: E402

# Places of kinds among the types of fuzz_store.c; dates, times and timestamps are packed as their integers are.
PLACES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 12, 8: 7, 12: 8, 13: 9, 14: 10, 16: 11}
TEXTS = 13  # lists of them
LARGEST, OF_EACH = 12 << 10, 2
ROWS = (3, 70, 200, 1100, 2300)
COLUMNS = """
      - {name: flag, value: "${bool}", null: NULL}
      - {name: always, value: "true", type: boolean}
      - {name: i16, range: int, type: smallint, props: {min: -300, max: 300}, null: NULL}
      - {name: i32, range: int, type: int, props: {min: 0, max: 2000000000}, null: NULL}
      - {name: climbs, range: int, type: int, sorted: true, props: {min: 0, max: 90000000}}
      - {name: far, set: [1, 900000000, 2000000000], type: int, null: NULL}
      - {name: i64, range: int, type: bigint, props: {min: -9000000000, max: 9000000000}, null: NULL}
      - {name: n, inc: 1}
      - {name: rarely, set: [5, 6000000000], weights: [990, 10], type: bigint}
      - {name: real, range: float, type: real, props: {min: -1, max: 1}, null: NULL}
      - {name: double, range: float, type: double precision, props: {min: -1, max: 1}, null: NULL}
      - {name: tenths, range: decimal, type: double precision, props: {min: 0, max: 40, scale: 1}, null: NULL}
      - {name: money, range: decimal, props: {min: -10, max: 10, scale: 2}, null: NULL}
      - {name: day, range: timestamp, props: {min: 1990-01-01, max: 2030-01-01}, type: date, null: NULL}
      - {name: at, range: timestamp, props: {min: 2000-01-01T00:00:00Z, max: 2020-01-01T00:00:00Z}, null: NULL}
      - {name: wait, range: interval, props: {min: 1s, max: 48h}, null: NULL}
      - {name: id, value: "${uuid}", null: NULL}
      - {name: same, value: same}
      - {name: word, set: [lorem, ipsum, dolor, "sit amet"], null: NULL}
      - {name: mail, value: "${email}", null: NULL}
      - {name: letters, range: string, props: {min: 1, max: 12}, null: NULL}
      - {name: blob, range: bytes, props: {min: 0, max: 9}, null: NULL}
      - {name: tags, array: "${fruit}", props: {min: 0, max: 4}, null: NULL}
"""
DEVICES = """
      - {name: turn, range: int, sorted: true, unique: true, props: {min: 0, max: MOST}, hidden: true}
      - {name: device, expr: turn % 20 * 77, type: bigint}
      - {name: i16, expr: "int(30000 * drift(turn / 20000, device))", type: smallint}
      - {name: i32, expr: "int(800000000 * drift(turn / 90000, device))", type: int, null: NULL}
      - {name: i64, expr: "int(turn % 20 * 90000000000 + 30 * random())", type: bigint, null: NULL}
      - {name: tenths, expr: "round(90000 * drift(turn / 90000, device), 1)", type: double precision, null: NULL}
      - {name: real, expr: "round(9000 * drift(turn / 20000, device), 1)", type: real, null: NULL}
      - {name: double, expr: "5 + drift(turn / 90000, device)", null: NULL}
"""


def plan():
    tables = [f"  - name: t{rows}_{i}\n    rows: {rows}\n    columns:{COLUMNS.replace('NULL', null)}" for rows in ROWS for i, null in enumerate(("0", "0.03", "0.7"))]
    tables += [f"  - name: d{rows}_{i}\n    rows: {rows}\n    columns:{DEVICES.replace('NULL', null).replace('MOST', str(rows + rows // 50))}"
               for rows in ROWS[1:] for i, null in enumerate(("0", "0.03"))]
    return "seed: 3\ntables:\n" + "".join(tables)


def place_of(segment):
    """Which of the fuzzer's types it is; None for those it does not have."""
    return TEXTS if segment[9] == LIST else PLACES.get(segment[9])


def mode_of(segment):
    """The first byte of the integers behind header and bitmap; packed ones keep theirs to themselves."""
    encoding, flags, rows = segment[8], segment[11], int.from_bytes(segment[12:16], "little")
    at = 24 + ((rows + 63) // 64 * 8 if flags & 1 else 0)
    return segment[at] if encoding in (3, 4, 5, 7, 8, 9, 10) and not flags & 12 else 0


def main(program):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "plan.yaml").write_text(plan())
        for words in ("", "?pack=lz4", "?pack=zstd"):
            path = folder / f"{words[-3:] or 'plain'}.spate"
            subprocess.run([program, "generate", folder / "plan.yaml", "--to", f"{path}{words}", "--progress", "none"], check=True, stderr=subprocess.DEVNULL)
            for segment in Store(path).segments():
                place = place_of(segment)
                if place is not None and len(segment) <= LARGEST:
                    found.setdefault((place, segment[8], mode_of(segment), segment[11]), set()).add(segment)
    corpus = HERE / "corpus" / "store"
    for path in corpus.iterdir():
        path.unlink()
    for key, segments in sorted(found.items()):
        for i, segment in enumerate(sorted(segments, key=lambda s: (len(s), s))[:OF_EACH]):
            (corpus / "-".join(map(str, (*key, i)))).write_bytes(bytes((key[0], 0, 0)) + segment)
    print(f"{len(list(corpus.iterdir()))} segments of {len(found)} kinds, {sum(p.stat().st_size for p in corpus.iterdir())} bytes")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent / "build" / "spate")
