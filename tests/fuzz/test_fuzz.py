"""The fuzzers: the corpus is clean, some seconds of new bytes find nothing, and a planted bug is found."""
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, SPATE

BUILD = pathlib.Path(SPATE).resolve().parent
SMOKE_S = 12
CANARY_RUNS = 600_000


class Fuzzer:
    """A fuzzer, the files it starts from, and words that it may use."""
    name, words, more = "", [], []

    def setUp(self):
        self.plain, self.canary = BUILD / f"tests/fuzz_{self.name}", BUILD / f"tests/fuzz_{self.name}_canary"
        self.corpus = ROOT / f"tests/fuzz/corpus/{self.name}"
        self.assertTrue(self.plain.exists(), f"not built: ninja -C {BUILD} fuzz")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="spate-fuzz-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def fuzz(self, program, *words):
        # A limit on single allocations, not on the peak: a child inherits its parent's peak, and ours may be large by now.
        limits = ["-timeout=20", "-rss_limit_mb=0", "-malloc_limit_mb=512"]
        return subprocess.run([program, *words, f"-artifact_prefix={self.dir}/", *limits], cwd=self.dir,
                              capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=600)

    def clean(self, done):
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])

    def search(self, program, seed, *words):
        """Starts from the corpus; new finds go into a scratch directory."""
        new = self.dir / "new"
        new.mkdir()
        return self.fuzz(program, f"-seed={seed}", "-max_len=4096", *self.words, *words, new, self.corpus)

    def test_the_corpus_is_clean(self):
        files = sorted(p for p in self.corpus.iterdir() if p.is_file())
        self.assertGreaterEqual(len(files), 5)
        done = self.fuzz(self.plain, *files, *self.more)
        self.clean(done)
        self.assertGreaterEqual(len(re.findall(r"^Executed ", done.stderr, re.M)), len(files))

    def test_some_seconds_find_nothing(self):
        seed = random.randrange(1, 1 << 31)
        print(f"# fuzz_{self.name}: seed {seed}, {SMOKE_S} s", flush=True)
        self.clean(self.search(self.plain, seed, f"-max_total_time={SMOKE_S}"))

    def test_the_canary_is_found(self):
        """How soon a seed finds it changes with every change of the program: so several have their turn."""
        for seed in range(1, 9):
            done = self.search(self.canary, seed, f"-runs={CANARY_RUNS}")
            if "the canary is found" in done.stderr:
                break
        else:
            self.fail(f"no seed finds it within {CANARY_RUNS} runs: {done.stderr[-1000:]}")
        self.assertNotEqual(done.returncode, 0)


class Plans(Fuzzer, unittest.TestCase):
    name = "plan"
    words = [f"-dict={ROOT}/tests/fuzz/plan.dict"]
    more = [*sorted(ROOT.glob("examples/*.yaml")), *sorted(ROOT.glob("bench/plans/*.yaml"))]


class Rows(Fuzzer, unittest.TestCase):
    name = "rows"
    words = [f"-dict={ROOT}/tests/fuzz/rows.dict"]


class Arrow(Fuzzer, unittest.TestCase):
    name = "arrow"


class Segments(Fuzzer, unittest.TestCase):
    name = "store"


if __name__ == "__main__":
    unittest.main()
