#!/usr/bin/env python3
"""Runs the tests against one or more builds and prints the plain totals.

    run.py [--quick] [--only WORD] BUILD...

A build directory's name says what is run on it: the plain build gets everything; one with "asan" in its name everything again
under the sanitizers; one with "tsan" what has threads. Unit tests are C programs that print TAP; the rest are Python modules
(unittest) that drive the built program. A live test that is skipped where CI is set counts as failed: a server that could not be
started is no success. Each module runs in a process of its own, one more at a time than there are processors.

In a whole run a module that failed is run once more with nothing beside it, if there are no more than SECOND_TRIES of them: servers
of three modules on two processors can keep one waiting longer than its test does. What it said at first is printed in any case,
and its name among those that passed only when alone: each of them is to be looked into, and made independent of speed.
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
UNIT_TIMEOUT_S = 1200
SECOND_TRIES = 3

SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1",
    "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": f"suppressions={HERE}/tsan.supp:halt_on_error=1:exitcode=99",
}


# Not run under ThreadSanitizer: what starts no threads; and DuckDB, which is not built with it: it sees races where it cannot see the locks.
LEFT_OUT = {"plain": (), "asan": (), "tsan": (
    "test_duckdb", "test_functions", "test_language", "test_locales", "test_number", "test_rowtext", "test_spread", "test_sqlite_pages",
    "test_store_crash", "test_store_damage", "test_store_lagged", "test_store_pack", "test_store_rows", "test_time", "test_unique")}


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
        self.totals, self.label, self.seconds = totals, label, {}

    def name(self, test):
        return f"{self.label}/{test.id()}"

    def startTest(self, test):
        super().startTest(test)
        self.seconds[test.id()] = -time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.seconds[test.id()] += time.monotonic()

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


def modules(kind, quick):
    """What is run of the Python modules on a build of that kind."""
    wanted = ["golden", "cli"] if quick else {
        "plain": ["live", "fuzz", "conform", "docs", "cli", "golden"],
        "asan": ["live", "conform", "cli", "golden"],
        "tsan": ["conform", "golden"],
    }[kind]
    for folder in wanted:
        for path in sorted((HERE / folder).glob("test_*.py")):
            yield f"{folder}.{path.stem}"


def flat(suite, left_out):
    """Suites of test cases (whose classes set up and tear down together) without the tests left out."""
    for by_class in suite:
        yield unittest.TestSuite(test for test in by_class if test.id().rsplit(".", 1)[1] not in left_out)


def kind_of(build):
    return "asan" if "asan" in build.name else "tsan" if "tsan" in build.name else "plain"


def units(build):
    for program in sorted((build / "tests").glob("test_*")):
        if program.name not in LEFT_OUT[kind_of(build)] and program.is_file() and os.access(program, os.X_OK):
            yield program.name


def run_module(build, module, totals):
    os.environ["SPATE"] = str(build / "spate")
    os.environ["SPATE_BUILD_KIND"] = kind = kind_of(build)
    sys.path.insert(0, str(HERE))
    result = Result(totals, build.name)
    cases = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
    unittest.TestSuite(flat(cases, LEFT_OUT[kind])).run(result)
    for name, seconds in sorted(result.seconds.items(), key=lambda item: -item[1])[:3]:
        if seconds > 20:
            print(f"#   {name.removeprefix(module + '.')}: {seconds:.1f} s")


def run_part(build, part):
    """In a process of its own: a module, or a program of unit tests."""
    totals, started = Totals(), time.monotonic()
    if "." in part:
        run_module(build, part, totals)
    else:
        run_unit(build, build / "tests" / part, totals)
    print(f"# {build.name}/{part}: {time.monotonic() - started:.1f} s")
    if totals.failures:
        print(FAILURES + "\n".join(totals.failures))
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed else 0


def start_part(build, part):
    """What a part says is shown as a whole when it ends. Its counts, and why something failed."""
    words = [sys.executable, __file__, "--part", part, str(build)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    rest, _, last = done.stdout.rstrip("\n").rpartition("\n")
    said, _, why = rest.partition(FAILURES)
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
    print(said, flush=True)
    if counts:
        return *map(int, counts.groups()), why
    return 0, 1, 0, f"{rest}\n{last}\nFAILED: {build.name}/{part} ended with {done.returncode}\n"


def all_parts(args):
    """What takes longest begins first: what needs servers, and under the address sanitizer."""
    parts = []
    for build in sorted(args.builds, key=lambda build: ("asan", "plain", "tsan").index(kind_of(build))):
        named = [*modules(kind_of(build), args.quick), *units(build)]
        parts += [(place, build, part) for place, part in enumerate(named) if not args.only or args.only in part]
    return [(build, part) for _, build, part in sorted(parts, key=lambda p: p[0])]


def tried_again(parts, results):
    """The results, with those of a second try, alone, in place of the few that failed."""
    bad = [at for at, (_, failed, _, _) in enumerate(results) if failed]
    if len(bad) > SECOND_TRIES:
        return results
    results, alone = list(results), []
    for at in bad:
        build, part = parts[at]
        print(f"# {build.name}/{part} failed beside others, and is run alone:\n{results[at][3]}", flush=True)
        results[at] = start_part(build, part)
        alone += [f"{build.name}/{part}"] if not results[at][1] else []
    if alone:
        print(f"# passed only when alone, see above: {', '.join(alone)}")
    return results


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--quick", action="store_true", help="unit, golden and command line tests only")
    args.add_argument("--only", help="only tests whose module or program name holds this word")
    args.add_argument("--part", help=argparse.SUPPRESS)
    args.add_argument("builds", nargs="+", type=pathlib.Path)
    args = args.parse_args()
    args.builds = [build.resolve() for build in args.builds]
    if args.part:
        return run_part(args.builds[0], args.part)
    os.environ.update({k: os.environ.get(k, v) for k, v in SANITIZER_ENV.items()})
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it would be ignored, also by what tests interrupt
    parts = all_parts(args)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:  # one more, since they often wait for servers
        results = list(pool.map(start_part, *zip(*parts)))
    if not args.quick and not args.only:
        results = tried_again(parts, results)
    passed, failed, skipped, why = zip(*results)
    passed, failed, skipped = sum(passed), sum(failed), sum(skipped)
    for text in filter(None, why):
        print(text)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
