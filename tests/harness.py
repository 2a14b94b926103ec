"""What every Python test needs: the built program, a scratch directory, and readers of what it wrote."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SPATE = os.environ.get("SPATE", str(ROOT / "build" / "spate"))
KIND = os.environ.get("SPATE_BUILD_KIND", "plain")  # plain, asan or tsan
SLOW = KIND != "plain"                              # sanitized builds are many times slower
TIMEOUT_S = 600


class Done:
    """A run that has ended."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[:3000]}\n--- stderr\n{self.err[:6000]}"


def spate(*words, cwd=None, text=True, stdin="", timeout=TIMEOUT_S, env=None):
    """Runs spate with these words and waits."""
    process = subprocess.run([SPATE, *map(str, words)], cwd=cwd, capture_output=True, text=text, timeout=timeout,
                             input=stdin if text else stdin.encode(), env={**os.environ, **(env or {})})
    return Done(process)


def wait_until(ready, run=None, seconds=120):
    """Waits until ready() says something, and returns that. A machine may be slow: nothing is to be read from how long it takes.
    None: the process ended first."""
    deadline = time.monotonic() + seconds
    while not (said := ready()):
        if run and run.poll() is not None:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds} s")
        time.sleep(0.002)
    return said


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="spate-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.state = pathlib.Path(f"{self.dir}.state")  # of jobs: no test sees another's
        self.addCleanup(shutil.rmtree, self.state, ignore_errors=True)
        os.environ["XDG_STATE_HOME"] = str(self.state)

    def spate_ok(self, *words, **more):
        done = spate(*words, **{"cwd": self.dir, **more})
        self.assertEqual(done.code, 0, str(done))
        return done

    def spate_fails(self, code, *words, says=(), **more):
        """The run fails with this exit code, and every pattern of says is on stderr."""
        done = spate(*words, **{"cwd": self.dir, **more})
        self.assertEqual(done.code, code, str(done))
        for pattern in [says] if isinstance(says, str) else says:
            self.assertRegex(done.err, pattern)
        return done

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path


def read_csv(path):
    """Rows of a CSV file as lists; None where the field is empty and not quoted."""
    rows, row, i = [], [], 0
    text = pathlib.Path(path).read_bytes().decode("utf-8")
    field = re.compile(r'"((?:[^"]|"")*)"|([^,\n"]*)')
    while i < len(text):
        m = field.match(text, i)
        if not m:
            raise ValueError(f"no field at byte {i}: {text[i:i + 40]!r}")
        row.append(m.group(1).replace('""', '"') if m.group(1) is not None else (m.group(2) or None))
        i = m.end()
        if i < len(text) and text[i] == ",":
            i += 1
            if i == len(text) or text[i] == "\n":
                row.append(None)
        if i < len(text) and text[i] == "\n":
            rows.append(row)
            row = []
            i += 1
        elif i < len(text) and text[i - 1] != ",":
            raise ValueError(f"junk at byte {i}: {text[i:i + 40]!r}")
    if row:
        rows.append(row)
    return rows


def read_ndjson(path_or_text):
    text = path_or_text if isinstance(path_or_text, str) else path_or_text.read_text(encoding="utf-8")
    return [json.loads(line, parse_float=str, parse_int=int) for line in text.split("\n") if line]


def query(target, sql, cwd=None):
    """Rows of a DuckDB or SQLite file, every value the text that stands in NDJSON."""
    done = spate("query", target, sql, "--format", "ndjson", cwd=cwd)
    if done.code:
        raise AssertionError(str(done))
    words = {True: "true", False: "false"}
    rows = (json.loads(line, parse_float=str, parse_int=str) for line in done.out.split("\n") if line)
    return [{name: words[value] if isinstance(value, bool) else value for name, value in row.items()} for row in rows]


def duckdb_script(path, sql):
    """Runs SQL on a DuckDB file that spate would only read: with the library itself."""
    lib = ctypes.CDLL(str(ROOT / "deps" / "duckdb" / "libduckdb.so"))
    lib.duckdb_result_error.restype = ctypes.c_char_p
    db, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), (ctypes.c_char * 256)()
    if lib.duckdb_open(str(path).encode(), ctypes.byref(db)) or lib.duckdb_connect(db, ctypes.byref(connection)):
        raise RuntimeError(f"could not open {path}")
    failed = lib.duckdb_query(connection, sql.encode(), ctypes.byref(result))
    why = lib.duckdb_result_error(ctypes.byref(result)).decode() if failed else ""
    lib.duckdb_disconnect(ctypes.byref(connection))
    lib.duckdb_close(ctypes.byref(db))
    if failed:
        raise RuntimeError(why)
