"""The fuzzer of the plan reader: the corpus is clean, some seconds of new bytes find nothing, and a planted bug is found."""
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, SPATE

BUILD = pathlib.Path(SPATE).resolve().parent
PLAIN, CANARY = BUILD / "tests/fuzz_plan", BUILD / "tests/fuzz_plan_canary"
CORPUS = ROOT / "tests/fuzz/corpus/plan"
SMOKE_S = 12
CANARY_RUNS = 600_000


class Fuzz(unittest.TestCase):
    def setUp(self):
        self.assertTrue(PLAIN.exists(), f"not built: ninja -C {BUILD} fuzz")
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
        """Starts from the corpus and the examples, with the words of the dictionary; new finds go into a scratch directory."""
        new = self.dir / "new"
        new.mkdir()
        return self.fuzz(program, f"-seed={seed}", "-max_len=4096", f"-dict={ROOT}/tests/fuzz/plan.dict", *words, new, CORPUS)

    def test_the_corpus_is_clean(self):
        files = sorted(p for p in CORPUS.iterdir() if p.is_file())
        self.assertGreater(len(files), 5)
        done = self.fuzz(PLAIN, *files, *sorted(ROOT.glob("examples/*.yaml")), *sorted(ROOT.glob("bench/plans/*.yaml")))
        self.clean(done)
        self.assertGreaterEqual(len(re.findall(r"^Executed ", done.stderr, re.M)), len(files))

    def test_some_seconds_find_nothing(self):
        seed = random.randrange(1, 1 << 31)
        print(f"# fuzz_plan: seed {seed}, {SMOKE_S} s", flush=True)
        self.clean(self.search(PLAIN, seed, f"-max_total_time={SMOKE_S}"))

    def test_the_canary_is_found(self):
        done = self.search(CANARY, 1, f"-runs={CANARY_RUNS}")
        self.assertIn("the canary is found", done.stderr, f"not within {CANARY_RUNS} runs: {done.stderr[-1000:]}")
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
