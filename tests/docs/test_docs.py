"""The documents are true: what they link to exists, their options, commands and exit codes are the program's, and what they show
is what happens.

Every ```sh block is run by bash, the blocks of a document one after the other in one scratch directory that has examples/ in it,
with spate on the PATH. A ```text block right behind it is what the commands print, standard output and standard error as a
terminal would show them; times, rates and a server's version may differ, and a line "..." stands for any number of lines. Comments right above a block
say what is special about it:

    <!-- run: needs postgresql -->       there is a server at localhost; PG* variables say the rest
    <!-- run: exits 2 -->                the code of the last command; 0 if nothing is said
    <!-- run: shape only -->             the rows come out in another order each time: only the first line and the number of lines
                                         are compared. These three can be joined with ";"
    <!-- not run: why -->
    <!-- file: people.yaml -->           above any other block: its text is put into this file of the scratch directory
    <!-- fragment: why -->               above a ```yaml block that is no whole plan; all others must be good plans

    python3 tests/docs/test_docs.py --write     runs all blocks and puts what they printed into the documents
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import ROOT, SPATE, TIMEOUT_S, Case, spate
from live.servers import POSTGRES_BIN, Postgres

DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if p.relative_to(ROOT).parts[0] in ("docs", "bench", p.name))
RUN = sorted(p for p in DOCUMENTS if p.name == "README.md" or ROOT / "docs" in p.parents)


# ---- reading documents -----------------------------------------------------------------------------------------------------


class Block:
    """A fenced block: its language, its text, the comments above it, and the line (from 1) it begins on."""

    def __init__(self, lang, lines, comments, line):
        self.lang, self.lines, self.comments, self.line = lang, lines, comments, line
        self.shown = None  # of a sh block: the text block behind it

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)

    def said(self, word):
        """What the comment "word: ..." says, or None."""
        return next((m.group(1) for m in (re.fullmatch(rf"<!-- {word}: (.+) -->", c) for c in self.comments) if m), None)


def blocks_of(text):
    lines, found, i = text.split("\n"), [], 0
    while i < len(lines):
        if not lines[i].startswith("```"):
            i += 1
            continue
        start, comments = i, []
        while start > len(comments) and lines[start - len(comments) - 1].startswith("<!--"):
            comments.append(lines[start - len(comments) - 1].strip())
        i += 1
        while i < len(lines) and not lines[i].startswith("```"):
            i += 1
        if i == len(lines):
            raise ValueError(f"the block in line {start + 1} has no end")
        block = Block(lines[start][3:].strip(), lines[start + 1:i], comments, start + 1)
        near = found and start - (found[-1].line + len(found[-1].lines) + 1) <= 1
        if block.lang == "text" and near and found[-1].lang == "sh":
            found[-1].shown = block
        found.append(block)
        i += 1
    return found


def prose_of(text):
    """The text without its fenced and indented blocks."""
    return re.sub(r"^    .*$", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)


# ---- links and paths ----------------------------------------------------------------------------------------------------------


def anchors_of(path):
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


def broken_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"link to {target}: there is no such file"
        elif anchor and anchor not in anchors_of(file):
            yield f"link to {target}: there is no such heading"


def missing_paths(text):
    """Words in backticks that begin with a folder of the repository, or of src/, and are in neither."""
    folders = {p.name for base in (ROOT, ROOT / "src") for p in base.iterdir() if p.is_dir()}
    for word in re.findall(r"`([^`\s]+)`", prose_of(text)):
        if not re.fullmatch(r"\.?[\w-]+(/[\w.*-]+)+/?", word) or word.split("/")[0] not in folders:
            continue
        if not any(any(base.glob(word.rstrip("/"))) for base in (ROOT, ROOT / "src")):
            yield f"`{word}`: there is no such file"


# ---- options, commands, exit codes -----------------------------------------------------------------------------------------------


def options_of_help(text):
    return set(re.findall(r"^  (--[a-z-]+(?: \S+)?) {2,}", text, flags=re.M))


def options_of_document(text):
    """First cells of tables that begin with an option."""
    return set(re.findall(r"^\| `(--[a-z-]+(?: [^`]+)?)` \|", text, flags=re.M))


def unknown_words(text, commands, options):
    """`spate WORD` and --options anywhere that are none."""
    scripts = "".join(b.text for b in blocks_of(text) if b.lang == "sh")
    for word in re.findall(r"`spate ([a-z]+)", prose_of(text)) + re.findall(r"\bspate ([a-z]+)", scripts):
        if word not in commands:
            yield f"spate {word}: there is no such command"
    for word in re.findall(r"`(--[a-z][a-z-]*)", prose_of(text)):
        if word not in options:
            yield f"{word}: there is no such option"


def codes_of_header(text):
    return {int(n) for n in re.findall(r"^\s+EXIT_\w+ = (\d+),", text, flags=re.M)}


def codes_of_document(text):
    return {int(n) for n in re.findall(r"^\| (\d+) \|", text, flags=re.M)}


# ---- running blocks ---------------------------------------------------------------------------------------------------------------


def masked(line):
    line = re.sub(r"\s+[\d.]+ s\b", " T s", line)
    line = re.sub(r"\s+[\d.]+(?: [kMGT])? rows/s", " R rows/s", line)
    line = re.sub(r'"(seconds|started|finished)": [\d.]+', r'"\1": T', line)
    line = re.sub(r"\(PostgreSQL [\d.]+\)", "(PostgreSQL V)", line)
    return line.rstrip()


def lines_of(text):
    """Without the lines that only slow runs have."""
    slow = re.compile(r"spate: [\d,]+ of [\d,]+ rows |  keys, checks and sync ")
    lines = [masked(line) for line in text.split("\n") if not slow.match(line)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def same(shown, printed, shape_only):
    shown, printed = lines_of(shown), lines_of(printed)
    if shape_only:
        return shown[:1] == printed[:1] and len(shown) == len(printed)
    pattern = "".join("(?:.*\n)*" if line == "..." else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


class Runner:
    """The scratch directory of a document."""

    def __init__(self, server=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="spate-docs-"))
        self.dir.chmod(0o755)  # the servers of a lab may run as another user
        bin_dir = self.dir / ".bin"
        bin_dir.mkdir()
        (bin_dir / "spate").symlink_to(SPATE)
        shutil.copytree(ROOT / "examples", self.dir / "examples", ignore=shutil.ignore_patterns("*.duckdb*"))
        os.environ["XDG_STATE_HOME"] = str(self.dir / ".state")  # of jobs: a document begins without any
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.env["PATH"] = f"{bin_dir}:{POSTGRES_BIN}:{self.env['PATH']}"
        if server:
            self.env.update(PGHOST="127.0.0.1", PGPORT=str(server.port), PGUSER="postgres")

    def close(self):
        for lab in self.dir.rglob("lab.yaml"):
            spate("lab", "destroy", "--yes", "--lab", lab.parent)
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, block):
        """Runs a sh block: exit code, and what a terminal would have shown."""
        done = subprocess.run(["stdbuf", "-oL", "bash", "-e", "-c", block.text], cwd=self.dir, env=self.env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
        return done.returncode, done.stdout

    def complaints(self, block):
        """Runs or stores a block and says what is not as the document has it; and what it printed, if it ran."""
        name = block.said("file")
        if name:
            (self.dir / name).parent.mkdir(parents=True, exist_ok=True)
            (self.dir / name).write_text(block.text)
        if block.lang != "sh" or block.said("not run"):
            return [], None
        found, wants = [], [w.strip() for w in (block.said("run") or "").split(";") if w.strip()]
        for want in wants:
            if not re.fullmatch(r"needs postgresql|exits \d+|shape only", want):
                found.append(f"line {block.line}: nobody knows what \"{want}\" means")
        code, printed = self.run(block)
        expected = next((int(w.split()[1]) for w in wants if w.startswith("exits")), 0)
        if code != expected:
            found.append(f"line {block.line}: exit {code}, not {expected}:\n{printed[-3000:]}")
        if block.shown and not same(block.shown.text, printed, "shape only" in wants):
            found.append(f"line {block.line}: it prints\n{printed[:6000]}")
        return found, printed


def needs_server(blocks):
    return any("needs postgresql" in (b.said("run") or "") for b in blocks)


def complaints_of(path, server=None, keep=None):
    """Of all blocks of a document. keep: called with each block and what it printed."""
    runner, found = Runner(server), []
    try:
        for block in blocks_of(path.read_text()):
            more, printed = runner.complaints(block)
            found += more
            if keep:
                keep(block, printed, bool(more))
    finally:
        runner.close()
    return found


# ---- tests --------------------------------------------------------------------------------------------------------------------------


class Words(Case):
    def test_links_lead_somewhere(self):
        for path in DOCUMENTS:
            self.assertEqual(list(broken_links(path, path.read_text())), [], path)

    def test_paths_exist(self):
        for path in DOCUMENTS:
            self.assertEqual(list(missing_paths(path.read_text())), [], path)

    def commands(self):
        return set(re.findall(r"^  ([a-z]+) {2,}", self.spate_ok("--help").out, flags=re.M))

    def help_of(self, command):
        """Of a group (spate store --help lists "store info" and others), the help of all its commands."""
        text = self.spate_ok(command, "--help").out
        members = re.findall(rf"^  {command} ([a-z-]+) {{2,}}", text, flags=re.M)
        return text + "".join(self.spate_ok(command, member, "--help").out for member in members)

    def test_every_command_has_its_document(self):
        documents = {p.stem for p in (ROOT / "docs/commands").glob("*.md")}
        self.assertEqual(documents, self.commands() - {"help", "version"})

    def test_options_are_those_of_the_help(self):
        for path in sorted((ROOT / "docs/commands").glob("*.md")):
            text = self.help_of(path.stem)
            self.assertEqual(options_of_document(path.read_text()), options_of_help(text), path)

    def test_no_other_commands_and_options(self):
        options = {"--help", "--version", "--man", "--completion"}
        for command in self.commands() - {"help", "version"}:
            options |= {o.split()[0] for o in options_of_help(self.help_of(command))}
        for path in RUN:
            self.assertEqual(list(unknown_words(path.read_text(), self.commands(), options)), [], path)

    def test_exit_codes_are_those_of_the_program(self):
        self.assertEqual(codes_of_document((ROOT / "docs/reference/exit-codes.md").read_text()),
                         codes_of_header((ROOT / "src/cli/cli.h").read_text()))


class Blocks(Case):
    def test_blocks(self):
        for path in RUN:
            if not needs_server(blocks_of(path.read_text())):
                with self.subTest(path.name):
                    self.assertEqual(complaints_of(path), [], path)

    def test_blocks_that_need_live_servers(self):
        if not (POSTGRES_BIN / "initdb").exists():
            self.skipTest("no PostgreSQL server is installed")
        for path in RUN:
            if needs_server(blocks_of(path.read_text())):
                with self.subTest(path.name), Postgres() as server:
                    self.assertEqual(complaints_of(path, server), [], path)

    def test_plans_are_good(self):
        seen = 0
        for path in RUN:
            for block in blocks_of(path.read_text()):
                if block.lang == "yaml" and not block.said("fragment"):
                    done = spate("generate", "-", "--dry-run", "--to", "-?format=insert", stdin=block.text)
                    self.assertEqual((done.code, "warning:" in done.err), (0, False), f"{path}:{block.line}\n{done}")
                    seen += 1
        self.assertGreater(seen, 0)


class Canaries(Case):
    """Each check finds the mistake it is there for."""

    def document(self, text):
        return self.write("canary.md", text)

    def test_links_and_paths(self):
        here = ROOT / "docs/canary.md"
        self.assertEqual(len(list(broken_links(here, "[a](nowhere.md) [b](formats/plan.md) [c](formats/plan.md#nothing)"))), 2)
        self.assertEqual(len(list(missing_paths("`src/nowhere.c` `plan/read.c` `plan/nowhere.c` `tests/run.py` `a/b`"))), 2)

    def test_options_and_codes(self):
        self.assertEqual(options_of_help("  --to URI         where\n  --json            x\n"), {"--to URI", "--json"})
        self.assertEqual(options_of_document("| `--to URI` | where |\n| `--json` | x |\n"), {"--to URI", "--json"})
        self.assertEqual(len(list(unknown_words("`spate frob` and `spate query --frob`, `--json`", {"query"}, {"--json"}))), 1)
        self.assertEqual(len(list(unknown_words("`--frob`", {"query"}, {"--json"}))), 1)
        self.assertEqual(codes_of_document("| 0 | fine |\n| 7 | odd |\n"), {0, 7})

    def test_blocks(self):
        good = "```sh\necho a; echo b >&2; sleep 0; echo '  1.25 s'\n```\n\n```text\na\n...\n 3 s\n```\n"
        cases = [
            (good, 0),
            (good.replace("\na\n", "\nc\n"), 1),
            (good.replace(" 3 s\n", " 3 s\nmore\n"), 1),
            ("```sh\nfalse\n```\n", 1),
            ("<!-- run: exits 1 -->\n```sh\nfalse\n```\n", 0),
            ("<!-- run: exits 1 -->\n```sh\ntrue\n```\n", 1),
            ("<!-- run: perhaps -->\n```sh\ntrue\n```\n", 1),
            ("<!-- not run: it must not be -->\n```sh\nfalse\n```\n", 0),
            ("<!-- not run: -->\n```sh\nfalse\n```\n", 1),
            ("<!-- file: a -->\n```yaml\nx\n```\n```sh\ncat a\n```\n```text\nx\n```\n", 0),
            ("```sh\necho 'a (PostgreSQL 15.3).'\n```\n```text\na (PostgreSQL 15.20).\n```\n", 0),
            ("```sh\necho 'a (PostgreSQL 15.3).'\n```\n```text\nb (PostgreSQL 15.3).\n```\n", 1),
            ("```sh\nspate version | cut -c1-6\n```\n```text\nspate\n```\n", 0),
            ("<!-- run: shape only -->\n```sh\nprintf 'h\\n2\\n'\n```\n```text\nh\n1\n```\n", 0),
            ("<!-- run: shape only -->\n```sh\nprintf 'h\\n'\n```\n```text\nh\n1\n```\n", 1),
        ]
        for text, n in cases:
            self.assertEqual(len(complaints_of(self.document(text))), n, text)


# ---- writing ----------------------------------------------------------------------------------------------------------------------


def rewrite(path, server):
    """Puts what the blocks print into the document, where it is not what is there."""
    changes = []

    def keep(block, printed, differs):
        if block.shown and differs:
            if "..." in block.shown.lines:
                print(f"{path}:{block.line}: edit by hand; it prints\n{printed}")
            else:
                changes.append((block.shown, printed))

    for complaint in complaints_of(path, server, keep):
        print(f"{path.relative_to(ROOT)}: {complaint}")
    lines = path.read_text().split("\n")
    for shown, printed in reversed(changes):
        lines[shown.line:shown.line + len(shown.lines)] = printed.rstrip("\n").split("\n")
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        chosen = [pathlib.Path(p).resolve() for p in sys.argv[2:]] or RUN
        for document in chosen:
            with Postgres() as running:
                rewrite(document, running)
    else:
        unittest.main()
