#!/usr/bin/env python3
"""Runs the tests against one or more builds and prints the plain totals.

    run.py [--quick] [--only WORD] BUILD...

A build directory's name says what is run on it: the plain build gets everything; one with "asan" in its name everything again
under the sanitizers; one with "tsan" what has threads. Unit tests are C programs that print TAP; the rest are Python modules
(unittest) that drive the built program. A live test that is skipped where CI is set counts as failed: a server that could not be
started is no success. Several builds are tested at the same time, as many as there are processors.
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
UNIT_TIMEOUT_S = 1200

SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1",
    "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": f"suppressions={HERE}/tsan.supp:halt_on_error=1:exitcode=99",
}


# Not run under a sanitizer: DuckDB is not built with ThreadSanitizer, which sees races where it cannot see the locks.
LEFT_OUT = {"plain": (), "asan": (), "tsan": ("test_duckdb",)}


FAILURES = "\n==== what failed ====\n"


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, name, status, why=""):
        if status == "ok":
            self.passed += 1
        elif status == "skip":
            if os.environ.get("CI") and "live" in name:
                return self.add(name, "fail", f"skipped: {why}")
            self.skipped += 1
            print(f"skipped: {name}: {why}", flush=True)
        else:
            self.failed += 1
            self.failures.append(f"FAILED: {name}\n{why}")
            print(f"failed: {name}", flush=True)


def run_unit(build, program, totals):
    """One C test program: a result a TAP line, and a failure more if it dies."""
    label = f"{build.name}/{program.name}"
    try:
        done = subprocess.run([str(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=UNIT_TIMEOUT_S, cwd=ROOT)
    except subprocess.TimeoutExpired:
        totals.add(label, "fail", "timed out")
        return
    notes, planned, seen, failed = [], None, 0, 0
    for line in done.stdout.splitlines():
        result = re.match(r"(not )?ok (\d+) - (.*?)(?: # SKIP (.*))?$", line)
        plan = re.match(r"1\.\.(\d+)$", line)
        if result:
            seen += 1
            bad, _, name, skip = result.groups()
            failed += bool(bad)
            status = "skip" if skip else "fail" if bad else "ok"
            totals.add(f"{label}: {name}", status, skip or "\n".join(notes))
            notes = []
        elif plan:
            planned = int(plan.group(1))
        else:
            notes.append(line)
    if planned != seen or seen == 0 or (done.returncode != 0 and not failed):
        totals.add(label, "fail", f"exit {done.returncode}, {seen} of {planned} tests\n{done.stdout[-2000:]}{done.stderr[-6000:]}")


class Result(unittest.TestResult):
    def __init__(self, totals, label):
        super().__init__()
        self.totals, self.label = totals, label

    def name(self, test):
        return f"{self.label}/{test.id()}"

    def addSuccess(self, test):
        self.totals.add(self.name(test), "ok")

    def addFailure(self, test, err):
        self.totals.add(self.name(test), "fail", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self.totals.add(self.name(test), "skip", reason)

    def addSubTest(self, test, subtest, err):
        if err:
            self.totals.add(self.name(subtest), "fail", self._exc_info_to_string(err, test))


def python_modules(kind, quick):
    wanted = ["golden", "cli"] if quick else {
        "plain": ["golden", "cli", "conform", "live", "docs", "fuzz"],
        "asan": ["golden", "cli", "conform", "live"],
        "tsan": ["golden", "conform"],
    }[kind]
    for folder in wanted:
        for path in sorted((HERE / folder).glob("test_*.py")):
            yield f"{folder}.{path.stem}"


def flat(suite, left_out):
    """Suites of test cases (whose classes set up and tear down together) without the tests left out."""
    for by_class in suite:
        yield unittest.TestSuite(test for test in by_class if test.id().rsplit(".", 1)[1] not in left_out)


def run_python(build, kind, args, totals):
    os.environ["SPATE"] = str(build / "spate")
    os.environ["SPATE_BUILD_KIND"] = kind
    for module in python_modules(kind, args.quick):
        if args.only and args.only not in module:
            continue
        started = time.monotonic()
        for case in flat(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module)), LEFT_OUT[kind]):
            case.run(Result(totals, build.name))
        print(f"# {build.name}/{module}: {time.monotonic() - started:.1f} s", flush=True)


def kind_of(build):
    return "asan" if "asan" in build.name else "tsan" if "tsan" in build.name else "plain"


def run_builds(args):
    """A process a build. What it says is shown as a whole when it ends, and what failed anywhere at the very end."""
    def run(build):
        words = [sys.executable, __file__, *(["--quick"] if args.quick else []), *(["--only", args.only] if args.only else []), str(build)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        rest, _, last = done.stdout.rstrip("\n").rpartition("\n")
        said, _, why = rest.partition(FAILURES)
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
        print(said, flush=True)
        if counts:
            return *map(int, counts.groups()), why
        return 0, 1, 0, f"{rest}\n{last}\nFAILED: the tests of {build} ended with {done.returncode}\n"

    slowest_first = sorted(args.builds, key=lambda build: ("asan", "plain", "tsan").index(kind_of(build)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        passed, failed, skipped, why = zip(*pool.map(run, slowest_first))
    passed, failed, skipped = sum(passed), sum(failed), sum(skipped)
    print("".join(why), end="")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--quick", action="store_true", help="unit, golden and command line tests only")
    args.add_argument("--only", help="only tests whose module or program name holds this word")
    args.add_argument("builds", nargs="+", type=pathlib.Path)
    args = args.parse_args()
    os.environ.update({k: os.environ.get(k, v) for k, v in SANITIZER_ENV.items()})
    if len(args.builds) > 1:
        return run_builds(args)
    sys.path.insert(0, str(HERE))
    totals = Totals()
    build, kind = args.builds[0].resolve(), kind_of(args.builds[0])
    for program in sorted((build / "tests").glob("test_*")):
        wanted = program.name not in LEFT_OUT[kind] and (not args.only or args.only in program.name)
        if program.is_file() and os.access(program, os.X_OK) and wanted:
            run_unit(build, program, totals)
    run_python(build, kind, args, totals)
    if totals.failures:
        print(FAILURES + "\n".join(totals.failures))
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
