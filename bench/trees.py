"""Trees of files beside the tools that people move them with; run.py's cases "trees" and "trees-slow".

The source lies on the file system of --dir, the destination on a fresh XFS image (a loop mount, so root), made anew before every copy:
ext4 that has just lost many files makes new ones up to sixteen times slower. Every tool keeps mode, owner and times, and before each of
them the source is read, data and all: what an image takes of the memory may have cost some of it its place.
"""
import os
import pathlib
import random
import shutil
import statistics
import subprocess

FILES = {"full": 300_000, "quick": 60_000}
LARGE = {"full": 2 << 30, "quick": 512 << 20}


class Image:
    """A file system in a file."""

    def __init__(self, dir):
        if os.geteuid() != 0 or not shutil.which("mkfs.xfs"):
            raise ValueError("needs root and xfsprogs, for a fresh XFS image")
        self.file, self.at = dir / "xfs.image", dir / "xfs"
        self.at.mkdir()

    def fresh(self):
        self.close()
        with open(self.file, "wb") as f:
            f.truncate(8 << 30)
        subprocess.run(["mkfs.xfs", "-q", "-f", self.file], check=True)
        subprocess.run(["mount", "-o", "loop", self.file, self.at], check=True)
        os.sync()
        return self.at / "copy"

    def close(self):
        if os.path.ismount(self.at):
            subprocess.run(["umount", self.at], check=True)
        self.file.unlink(missing_ok=True)


def make_tree(root, files):
    """About a hundred files a folder, 5 KB on the average."""
    r = random.Random(1)
    blob = r.randbytes(1 << 20)
    folders = []
    for i in range(max(1, files // 3000)):
        for k in range(30):
            folders.append(f"{root}/top-{i:03d}" + (f"/folder-{k:03d}" if k else ""))
            os.makedirs(folders[-1], exist_ok=True)
    for i in range(files):
        size = min(20_000, int(r.expovariate(1 / 5000)))
        at = r.randrange(len(blob) - size)
        fd = os.open(f"{folders[i % len(folders)]}/file-{i:07d}.data", os.O_CREAT | os.O_WRONLY, 0o640 if i % 10 == 0 else 0o644)
        os.write(fd, blob[at:at + size])
        os.utime(fd, ns=(10**18 + i, 10**18 + i))
        os.close(fd)


class Trees:
    def __init__(self, bench, run):
        self.bench, self.run = bench, run
        self.size = "quick" if bench.args.quick else "full"
        self.files = FILES[self.size]
        self.image = Image(bench.dir)
        self.source = bench.dir / "source"
        make_tree(self.source, self.files)
        self.ledger = bench.dir / "tree.ledger"
        self.warm()

    def warm(self):
        subprocess.run(["find", self.source, "-type", "f", "-size", "+0", "-exec", "cat", "{}", "+"], stdout=subprocess.DEVNULL, check=True)

    def close(self):
        self.image.close()
        shutil.rmtree(self.source, ignore_errors=True)

    def spate(self, to, *more, source=None, plan=False):
        return [self.bench.spate_program, "migrate", *(["plan"] if plan else []), source or self.source, to, "--ledger", self.ledger, "--fresh",
                "--progress", "none", *more]

    def peers(self, to):
        return {"rsync -a": ["rsync", "-a", f"{self.source}/", f"{to}/"],
                "cp -a": ["cp", "-a", self.source, to],
                "tar pipe": ["sh", "-c", f"mkdir {to}; tar -C {self.source} -cf - . | tar -C {to} -xpf -"],
                "rclone": ["rclone", "--config", "/dev/null", "copy", "-M", "--transfers", 4, self.source, to],
                "fpsync": ["fpsync", "-n", 2, "-t", self.bench.dir / "fpsync", f"{self.source}/", f"{to}/"]}

    def timed(self, argv, files=None):
        self.warm()
        done = self.run(argv)
        return dict(rate=(files or self.files) / done.wall, cpu_rate=(files or self.files) / done.cpu)

    def compare(self, what, samples, ours, goals):
        self.bench.details[f"trees {what}"] = samples
        show = lambda side: f"{statistics.median(x['rate'] for x in samples[side]) / 1e3:.1f} k files/s"
        for theirs, goal in goals.items():
            pairs = list(zip(samples[ours], samples[theirs]))
            self.bench.row(f"{what}, over {theirs}", show(ours), show(theirs), [a["rate"] / b["rate"] for a, b in pairs], goal,
                           cpu=[a["cpu_rate"] / b["cpu_rate"] for a, b in pairs])

    def case_walk(self):
        empty = self.bench.dir / "empty"
        empty.mkdir()
        walk = [self.bench.peer("walk"), self.source, 2]
        s = self.bench.interleave({"spate": lambda: self.timed(self.spate(empty, "--workers", 2, plan=True)), "getdents64 and statx": lambda: self.timed(walk)})
        self.compare(f"walk and stat, {self.files:,} files", s, "spate", {"getdents64 and statx": 0.9})

    def case_first(self, names):
        def fresh(argv_of):
            return lambda: self.timed(argv_of(self.image.fresh()))
        goals = {"rsync -a": 1.7, "cp -a": 1.7, "tar pipe": 1.25, "rclone": 4.3, "fpsync": 5.8}
        sides = {"spate": fresh(lambda to: self.spate(to, "--sync", "none"))}
        for name in names:
            sides[name] = fresh(lambda to, name=name: self.peers(to)[name])
        self.compare(f"first copy of {self.files:,} files", self.bench.interleave(sides), "spate", {n: goals[n] for n in names})

    def case_again(self, names):
        to = self.image.fresh()
        self.run(self.spate(to, "--sync", "none"))
        peers = self.peers(to)
        sides = {"spate": lambda: self.timed(self.spate(to))}
        for name in names:
            sides[name] = lambda name=name: self.timed(peers[name])
        goals = {"rsync -a": 2.9, "rclone": 6, "fpsync": 18}
        self.compare("nothing to do", self.bench.interleave(sides), "spate", {n: goals[n] for n in names})
        peak = self.run(self.spate(to), peak=True).rss_anon_kib / 1024
        limit = 64 + 100 * 2 * self.files / 2**20
        self.bench.disturbed = False
        self.bench.row(f"memory of a plan, {self.files:,} files on both sides", f"{peak:.0f} MiB", "64 MiB + 100 B a node", [peak], limit, at_least=False, unit="MiB")

    def case_verify(self, names):
        to = self.image.at / "copy"
        commands = {"rsync -c": ["rsync", "-ac", f"{self.source}/", f"{to}/"], "rclone check": ["rclone", "--config", "/dev/null", "check", self.source, to]}
        sides = {"spate": lambda: self.timed(self.spate(to, "--verify", "hash"))}
        for name in names:
            sides[name] = lambda name=name: self.timed(commands[name])
        goals = {"rsync -c": 1.7, "rclone check": 35}
        self.compare("verify by content", self.bench.interleave(sides), "spate", {n: goals[n] for n in names})

    def case_durable(self):
        part = self.bench.dir / "part"
        make_tree(part, self.files // 20)
        side = lambda how: lambda: self.timed(self.spate(self.image.fresh(), "--sync", how, source=part), self.files // 20)
        s = self.bench.interleave({"grouped": side("group"), "fsync a file": side("file")})
        shutil.rmtree(part)
        self.compare(f"durable copy of {self.files // 20:,} files, grouped", s, "grouped", {"fsync a file": 6})

    def case_large(self):
        folder = self.bench.dir / "large"
        folder.mkdir()
        with open(folder / "file", "wb") as f:
            for _ in range(LARGE[self.size] >> 20):
                f.write(os.urandom(1 << 20))
        cp = lambda to: ["cp", "--reflink=never", "-a", folder, to]
        mega = LARGE[self.size] / 1e6
        copy = lambda argv_of: lambda: self.timed(argv_of(self.image.fresh()), mega)
        s = self.bench.interleave({"spate": copy(lambda to: self.spate(to, "--sync", "none", source=folder)), "cp --reflink=never": copy(cp)})
        self.bench.details["trees large"] = s
        show = lambda side: f"{statistics.median(x['rate'] for x in s[side]):.0f} MB/s"
        self.bench.row("one large file, over cp --reflink=never", show("spate"), show("cp --reflink=never"),
                       [a["rate"] / b["rate"] for a, b in zip(s["spate"], s["cp --reflink=never"])], 0.95)
        at = self.image.fresh()
        shutil.copytree(folder, self.image.at / "large")
        shutil.rmtree(folder)
        clone = self.run(self.spate(at, "--sync", "none", source=self.image.at / "large"))
        self.bench.disturbed = False
        self.bench.row("one large file within XFS (shared blocks), in ms", f"{1e3 * clone.wall:.0f} ms", "", [1e3 * clone.wall], None, at_least=False, unit="ms")


def case_trees(bench, run):
    """The peers that take about as long as we do."""
    trees = Trees(bench, run)
    try:
        trees.case_walk()
        trees.case_first(["rsync -a", "cp -a", "tar pipe"])
        trees.case_again(["rsync -a"])
        trees.case_verify(["rsync -c"])
        trees.case_durable()
        trees.case_large()
    finally:
        trees.close()


def case_trees_slow(bench, run):
    """Those that take many times as long."""
    trees = Trees(bench, run)
    try:
        trees.case_first(["rclone", "fpsync"])
        trees.case_again(["rclone", "fpsync"])
        trees.case_verify(["rclone check"])
    finally:
        trees.close()
