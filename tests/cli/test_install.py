"""What `make install` puts into a system is enough to run the program and to build one with the library."""
import os
import subprocess
import sys
import pathlib
import shutil
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from docs.test_docs import blocks_of
from harness import ROOT, SPATE, Case

BUILD = pathlib.Path(SPATE).resolve().parent
PLAN = "tables: [{name: t, rows: 3, columns: [{name: id, inc: 1}, {name: who, value: '${name}', locale: de}]}]"
USER = """
#include <spate/spate.h>
#include <stdio.h>
#include <string.h>
#ifdef __cplusplus
static_assert(sizeof(spate_error) > 0, "");
#endif
int main(int argc, char **argv)
{
    spate_plan *plan = NULL;
    spate_error err = {};
    int rc = spate_plan_open(argv[1], &plan, &err);
    printf("%d %zu\\n", rc, strlen(err.message));
    spate_plan_free(plan);
    return argc == 2 ? rc : 1;
}
"""


class Installed(Case):
    def setUp(self):
        super().setUp()
        self.sh("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.dir / "system")
        self.prefix = next(p.parent.parent for p in (self.dir / "system").rglob("bin/spate"))

    def sh(self, *words, env=None):
        done = subprocess.run([str(w) for w in words], cwd=self.dir, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def sanitizer(self):
        return ["-fsanitize=address,undefined"] if "asan" in str(BUILD) else ["-fsanitize=thread"] if "tsan" in str(BUILD) else []

    def test_program(self):
        (self.dir / "plan.yaml").write_text(PLAN)
        self.assertEqual(self.sh(self.prefix / "bin/spate", "generate", "plan.yaml", "--to", "-").count("\n"), 4)
        for kept in ("share/spate/locales/de.words", "share/doc/spate/word-lists.LICENSE"):
            self.assertTrue((self.prefix / kept).is_file(), kept)
        self.assertTrue(list(self.prefix.rglob("spate/libduckdb.so")))

    def test_library_from_c_and_cpp(self):
        headers = {p.name for p in (ROOT / "include/spate").iterdir()}
        self.assertEqual({p.name for p in (self.prefix / "include/spate").iterdir()}, headers)
        pc = next(self.prefix.rglob("pkgconfig/spate.pc"))
        flags = self.sh("pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags", "--libs", "spate",
                        env={"PKG_CONFIG_PATH": str(pc.parent)}).split()
        more = self.sanitizer()
        (self.dir / "plan.yaml").write_text(PLAN)
        for compiler, name in (("cc", "user.c"), ("c++", "user.cpp")):
            (self.dir / name).write_text(USER)
            self.sh(compiler, "-Wall", "-Werror", name, *more, *flags, "-o", name + ".out")
            self.assertEqual(self.sh(self.dir / (name + ".out"), "plan.yaml"), "0 0\n")

    def test_examples_print_what_their_document_shows(self):
        """All of docs/reference/library.md, with the installed library."""
        pc, more = next(self.prefix.rglob("pkgconfig/spate.pc")), " ".join(self.sanitizer())
        (self.dir / "pkg-config").write_text(f'#!/bin/sh\n{shutil.which("pkg-config")} --define-variable=prefix={self.prefix} "$@"\n')
        (self.dir / "cc").write_text(f'#!/bin/sh\nexec {shutil.which("cc")} -Wall -Werror {more} "$@"\n')
        for script in ("pkg-config", "cc"):
            (self.dir / script).chmod(0o755)
        shutil.copytree(ROOT / "examples", self.dir / "examples", ignore=shutil.ignore_patterns("*.duckdb*"))
        env = {"PATH": f"{self.dir}:{os.environ['PATH']}", "PKG_CONFIG_PATH": str(pc.parent)}
        blocks = [b for b in blocks_of((ROOT / "docs/reference/library.md").read_text()) if b.lang == "sh"]
        built = {word for b in blocks for word in b.text.split() if word.endswith(".c")}
        self.assertEqual(built, {f"examples/{p.name}" for p in (ROOT / "examples").glob("*.c")})
        for block in blocks:
            self.assertEqual(self.sh("bash", "-e", "-c", block.text, env=env), block.shown.text)


if __name__ == "__main__":
    unittest.main()
