"""Soak cases of spate migrate: killed at random moments while it plans, copies and verifies; and memory from 100,000 to 3 million nodes."""
import collections
import json
import os
import pathlib
import shutil
import stat
import subprocess
import time

import ledger_reader as ledger

FILES, FOLDERS = 17_500, 2_500


def make_tree(root, rng):
    """Files, links of both kinds, and odd names in nested folders: FILES + FOLDERS names."""
    folders, made = [root], []
    root.mkdir()
    for i in range(FOLDERS - 1):
        folder = rng.choice(folders[-300:]) / f"d{i}"
        folder.mkdir()
        folders.append(folder)
    for i in range(FILES):
        path = os.fsencode(rng.choice(folders)) + b"/" + (b"f%d" % i if i % 50 else b"\xff\n%d" % i)
        what = rng.random()
        if what < 0.03:
            os.symlink(f"target {i}", path)
        elif what < 0.06 and made:
            os.link(rng.choice(made), path)
        else:
            with open(path, "wb") as f:
                f.write(rng.randbytes(rng.choice((0, 100, 4000, 4000, 30_000))))
            os.chmod(path, rng.choice((0o644, 0o600, 0o755)))
            os.utime(path, ns=(1, rng.randrange(10**18)))
            made.append(path)
    for folder in reversed(folders):
        os.utime(folder, ns=(1, rng.randrange(10**18)))


def make_some_of_it(source, to, rng):
    """A destination that has a part: the same, something else under the name, and what the source has not."""
    for folder, _, files in os.walk(source):
        if rng.random() < 0.7 and folder != str(source):
            continue
        there = to / os.path.relpath(folder, source)
        there.mkdir(parents=True, exist_ok=True)
        (there / "only here").write_text("extra")
        for name in files:
            path = pathlib.Path(folder) / name
            if rng.random() < 0.5 or path.is_symlink():
                continue
            shutil.copy2(path, there / name)
            if rng.random() < 0.3:
                (there / name).write_bytes(b"older")
                os.utime(there / name, (1, 1))


def facts(path):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    content = os.readlink(path) if kind == stat.S_IFLNK else open(path, "rb").read() if kind == stat.S_IFREG else None
    return st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns if kind != stat.S_IFLNK else 0, st.st_nlink if kind == stat.S_IFREG else 0, content


def names_of(root):
    root = os.fsencode(root)
    return {b"."} | {os.path.relpath(os.path.join(folder, name), root) for folder, folders, files in os.walk(root) for name in folders + files}


def compare(soak, source, to, promise):
    names, there = names_of(source), names_of(to)
    promise(names <= there, f"{len(names - there)} names are missing: {sorted(names - there)[:3]}")
    promise(all(n.endswith(b"only here") for n in there - names), f"strange names: {sorted(there - names)[:3]}")
    for name in names:
        a, b = facts(os.path.join(os.fsencode(source), name)), facts(os.path.join(os.fsencode(to), name))
        promise(a == b, f"{name} differs: {a[:5]} and {b[:5]}")


def count_records(journal, promise, whole):
    """Nothing is in the ledger twice, nothing is done twice; whole: and everything is done. How far it is."""
    root = (0, ledger.FOLDER, b"")
    nodes = [[None, root], [None, root]]
    seen = [set(), set()]
    listed, copied, words = collections.Counter(), collections.Counter(), {}
    for record in ledger.records(journal):
        kind, side = record[:2]
        if kind == ledger.ADD:
            for type, name, _ in record[3]:
                key = (record[2], type, name)
                promise(key not in seen[side], f"{name} was found twice")
                seen[side].add(key)
                nodes[side].append(key)
        elif kind == ledger.AGAIN:
            promise(False, f"{record[3][1]} was listed again")
        elif kind == ledger.CHANGE and record[2] == ledger.SET_TRAVERSAL and record[4] == ledger.TRAVERSAL_SUCCESSFUL:
            listed[side, record[3]] += 1
        elif kind == ledger.CHANGE and record[2] == ledger.SET_COPY and record[4] == ledger.COPY_SUCCESSFUL:
            copied[record[3]] += 1
        elif kind == ledger.REMEMBER:
            words[record[2][0]] = record[2][1]
    for counts, what in ((listed, "listed"), (copied, "copied")):
        twice = [key for key, n in counts.items() if n > 1]
        promise(not twice, f"{len(twice)} nodes were {what} twice, {twice[:3]} among them")
    if whole:
        folders = [i for i, node in enumerate(nodes[0]) if node and node[1] == ledger.FOLDER]
        promise(all(listed[0, i] == 1 for i in folders), "a folder was never listed")
        promise(all(copied[i] == 1 for i in range(1, len(nodes[0]))), "a node was never copied")
        promise(len(nodes[0]) - 1 == FILES + FOLDERS, f"the ledger has {len(nodes[0]) - 1} nodes")
    if words.get(b"phase") != b"planned":
        return "plan"
    return "verify" if len(copied) == len(nodes[0]) - 1 else "copy"


def migrate(soak, promise):
    source, to, file = soak.dir / "source", soak.dir / "to", soak.dir / "ledger"
    make_tree(source, soak.rng)
    command = [soak.spate, "migrate", source, to, "--ledger", file, "--verify", "hash", "--progress", "none"]
    kills, runs, seconds = collections.Counter(), 0, 0
    while sum(kills.values()) < soak.args.kills and soak.time_left():
        shutil.rmtree(to, ignore_errors=True)
        if runs % 3 == 1:
            make_some_of_it(source, to, soak.rng)
        begin, journal = time.monotonic(), pathlib.Path(f"{file}.journal")
        more = ["--fresh"] if runs else []
        while True:
            process = subprocess.Popen(list(map(str, command + more)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            more = []
            try:
                patience = soak.rng.uniform(0.01, max(0.4, seconds / 5)) if runs and soak.time_left() else None
                _, err = process.communicate(timeout=patience)
                promise(process.returncode == 0, f"exit {process.returncode}: {err}")
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            if journal.exists() and journal.stat().st_size >= 32:
                kills[count_records(journal, promise, False)] += 1
            else:
                more = ["--fresh"] if runs else []
        count_records(journal, promise, True)
        compare(soak, source, to, promise)
        if not runs:
            seconds = max(0.5, time.monotonic() - begin)
        runs += 1
        soak.say(f"after {runs} migrations: {dict(kills)}")
    soak.say(f"{runs} migrations of {FILES + FOLDERS:,} nodes, killed {sum(kills.values())} times: "
             + ", ".join(f"{n} in {phase}" for phase, n in sorted(kills.items())) + "; nothing recorded twice, nothing missing")


def deep(soak, promise, levels):
    """A path of so many folders: no system call takes it whole."""
    source, to = soak.dir / "deep", soak.dir / "deep copy"
    source.mkdir()
    fd = os.open(source, os.O_RDONLY)
    for i in range(levels):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    begin = time.monotonic()
    done = subprocess.run([soak.spate, "migrate", source, to, "--ledger", soak.dir / "ledger", "--verify", "hash", "--json", "--progress", "none"],
                          capture_output=True, text=True)
    promise(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    promise(json.loads(done.stdout)["counts"]["same"] == {"folders": levels, "files": 1, "bytes": 0}, done.stdout)
    soak.say(f"{levels:,} folders one in the other: {time.monotonic() - begin:.1f} s")
    subprocess.run(["rm", "-rf", source, to], check=True)


def tree_scale(soak, promise, peak_of):
    """On a tmpfs, for the disk is not what is looked at."""
    deep(soak, promise, 10_000)
    source, to = soak.dir / "source", soak.dir / "to"
    for nodes in (100_000, 1_000_000, 3_000_000):
        source.mkdir()
        to.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=0", "none", source], capture_output=True).returncode == 0
        if not mounted:
            soak.say("needs root for a tmpfs")
            return
        try:
            for i in range(0, nodes, 1000):
                folder = f"{source}/d{i // 100_000}/d{i}"
                os.makedirs(folder)
                fd = os.open(folder, os.O_RDONLY)
                for k in range(i, i + 998):
                    os.close(os.open(f"file-{k:09d}.data", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
                os.close(fd)
            peak, _, seconds = peak_of([soak.spate, "migrate", "plan", source, to, "--ledger", soak.dir / "ledger", "--fresh", "--progress", "none"])
        finally:
            subprocess.run(["umount", source], check=True)
            source.rmdir()
        limit = 64 + 100 * nodes / 2**20
        soak.say(f"{nodes:,} nodes: peak RssAnon {peak:.0f} MiB of {limit:.0f}, {seconds:.1f} s")
        if peak > limit:
            soak.found(f"{nodes:,} nodes took {peak:.0f} MiB, more than {limit:.0f}")
