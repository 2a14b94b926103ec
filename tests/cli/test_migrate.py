"""spate migrate on real trees: what is planned, copied, kept, left alone and deleted; killed and gone on with; full disks, odd names."""
import json
import os
import pathlib
import pty
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import SLOW, SPATE, Case, wait_until


def facts(path):
    """All that a copy must keep of one path."""
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    content = os.readlink(path) if kind == stat.S_IFLNK else path.read_bytes() if kind == stat.S_IFREG else None
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = {n: os.getxattr(path, n, follow_symlinks=False) for n in names}
    return st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, content, attributes


def tree(root):
    """{path: facts} of everything below root, and which files are one and the same."""
    root = pathlib.Path(root)
    found, inodes = {"": facts(root)}, {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = pathlib.Path(folder) / name
            key = str(path.relative_to(root))
            found[key] = facts(path)
            if not path.is_dir() or path.is_symlink():
                inodes.setdefault(os.lstat(path).st_ino, set()).add(key)
    return found, sorted(sorted(names) for names in inodes.values() if len(names) > 1)


class Migrate(Case):
    def setUp(self):
        super().setUp()
        self.src, self.dst = self.dir / "src", self.dir / "dst"
        self.src.mkdir()
        os.environ["XDG_STATE_HOME"] = str(self.dir / "state")
        self.addCleanup(os.environ.pop, "XDG_STATE_HOME")

    def put(self, path, text="x", mtime=None):
        path = self.dir / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if mtime:
            os.utime(path, (mtime, mtime))
        return path

    def migrate(self, *words, code=0):
        done = self.spate_ok("migrate", *words, "src", "dst", "--json") if code == 0 else \
            self.spate_fails(code, "migrate", *words, "src", "dst", "--json")
        return json.loads(done.out)

    def plan(self, *words):
        """{outcome: sorted paths}, without folders' slashes."""
        found = {}
        for outcome in ("same", "missing", "differs", "skipped", "conflict", "excluded", "failed", "extra"):
            report = json.loads(self.spate_ok("migrate", "plan", *words, "src", "dst", "--json", "--list", outcome).out)
            paths = sorted(item["path"] for item in report["list"])
            if paths:
                found[outcome] = paths
        return found

    def assert_same(self):
        left, right = tree(self.src), tree(self.dst)
        self.assertEqual(left[0].keys(), right[0].keys())
        for path in left[0]:
            self.assertEqual(left[0][path], right[0][path], path)
        self.assertEqual(left[1], right[1])

    def random_tree(self, seed, files):
        r = random.Random(seed)
        folders = [self.src]
        for i in range(files // 10):
            folder = r.choice(folders) / f"d{i}"
            folder.mkdir()
            folders.append(folder)
        made = []
        for i in range(files):
            path = r.choice(folders) / f"f{i}"
            what = r.random()
            if what < 0.05:
                path.symlink_to(f"target {i}")
            elif what < 0.1 and made:
                os.link(r.choice(made), path)
            else:
                path.write_bytes(r.randbytes(r.choice((0, 10, 3000, 20000))))
                os.utime(path, ns=(1, r.randrange(10**18)))
                made.append(path)
        for folder in reversed(folders):
            os.utime(folder, ns=(1, r.randrange(10**18)))

    # ---- copying ----

    def test_everything_is_kept(self):
        self.put("src/a/file", "hello").chmod(0o4751)
        os.setxattr(self.src / "a/file", "user.colour", b"blue")
        (self.src / "a/link").symlink_to("file")
        (self.src / "b").mkdir(mode=0o1770)
        os.link(self.src / "a/file", self.src / "b/second name")
        os.mkfifo(self.src / "b/pipe", 0o640)
        with open(self.src / "b/sparse", "wb") as f:
            f.truncate(8 << 20)
            f.seek(5 << 20)
            f.write(b"middle")
        subprocess.run(["setfacl", "-m", "u:1234:r", self.src / "b/sparse"], check=False)
        if os.geteuid() == 0:
            os.chown(self.src / "b", 1001, 1002)
            os.chown(self.src / "a/link", 1003, 1004, follow_symlinks=False)
        for path in ("a", "b", "a/file", "."):
            os.utime(self.src / path, ns=(10**18 + 7, 10**18 + 9))
        report = self.migrate("--verify", "hash")
        self.assertTrue(report["complete"])
        self.assert_same()
        self.assertLess(os.stat(self.dst / "b/sparse").st_blocks * 512, 1 << 20)

    def test_folders_alone_get_what_they_lack(self):
        self.put("src/a/b/c/file")
        self.put("dst/a/extra")
        self.migrate()
        folders = [".", "a", "a/b", "a/b/c"]
        for which in folders:
            for planned in (False, True):  # by the run that saw it, and by another one
                os.chmod(self.dst / which, 0o711)
                os.utime(self.dst / which, (3, 3))
                if planned:
                    self.plan()
                report = self.migrate()
                self.assertEqual((report["copied"], report["verified"]), (0, 0))
                for f in folders:
                    self.assertEqual(facts(self.src / f), facts(self.dst / f), f)
        (self.dst / "a/b/newer").mkdir()
        self.migrate("--delete-extra", "--yes")
        self.assert_same()

    def test_a_second_run_copies_nothing_and_sees_what_changed(self):
        self.random_tree(1, 300)
        self.migrate()
        again = self.migrate()
        self.assertEqual((again["copied"], again["mended"], again["verified"]), (0, 0, 0))
        self.put("src/new", "new")
        (self.src / "d0").chmod(0o711)
        changed = next(p for p in sorted(self.src.iterdir()) if p.is_file() and not p.is_symlink() and p.stat().st_nlink == 1 and p.name != "new")
        changed.chmod(0o600)
        again = self.migrate()
        self.assertEqual((again["copied"], again["mended"]), (1, 1))
        self.assert_same()

    def test_names_of_any_bytes_and_very_deep_folders(self):
        os.makedirs(os.fsencode(self.src) + b"/\xff\xfe%_'\"")
        for name in (b"new\nline", b"-rf", b" ", b"\x01\x7f", b"a" * 255, "ü".encode(), b"\\x", b"*?[]"):
            with open(os.fsencode(self.src) + b"/\xff\xfe%_'\"/" + name, "wb") as f:
                f.write(name)
        fd = os.open(self.src, os.O_RDONLY)
        deep = 200 if SLOW else 600
        for _ in range(deep):
            os.mkdir("d", dir_fd=fd)
            fd, old = os.open("d", os.O_RDONLY, dir_fd=fd), fd
            os.close(old)
        os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.close(fd)
        self.addCleanup(subprocess.run, ["rm", "-rf", self.src, self.dst])
        report = self.migrate()
        self.assertEqual(report["counts"]["same"], {"folders": deep + 1, "files": 9, "bytes": 277})
        names = {n: (pathlib.Path(os.fsdecode(os.fsencode(self.dst) + b"/\xff\xfe%_'\"")) / os.fsdecode(n)).read_bytes()
                 for n in os.listdir(os.fsencode(self.dst) + b"/\xff\xfe%_'\"")}
        self.assertEqual(len(names), 8)
        self.assertTrue(all(k == v for k, v in names.items()))
        listed = json.loads(self.spate_ok("migrate", "plan", "src", "dst", "--json", "--list", "same").out)["list"]
        self.assertIn(os.fsencode("/").hex() + b"\xff\xfe%_'\"".hex(), {i.get("path_hex") for i in listed})

    def test_names_of_one_file_become_names_of_one_file(self):
        self.put("src/a", "same", 1000)
        os.link(self.src / "a", self.src / "b")
        os.link(self.src / "a", self.src / "c")
        self.put("dst/b", "same", 1000)
        self.migrate()
        self.assert_same()
        self.assertEqual(self.migrate()["copied"], 0)

    def test_one_large_folder_is_shared_among_workers(self):
        n = 5000 if SLOW else 13000  # more than any worker takes at a time
        fd = os.open(self.src, os.O_RDONLY)
        for i in range(n):
            os.close(os.open(f"f{i}", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
        os.close(fd)
        for i in range(0, n, 1000):
            self.put(f"src/f{i}", str(i))
        report = self.migrate("--workers", "4", "--verify", "hash")
        self.assertEqual((report["copied"], report["verified"], report["differed"]), (n + 1, n, 0))
        self.assertEqual(len(os.listdir(self.dst)), n)
        self.assertEqual([(self.dst / f"f{i}").read_text() for i in range(0, n, 1000)], [str(i) for i in range(0, n, 1000)])
        self.assertEqual(self.migrate("--workers", "3", "--verify", "hash")["verified"], n)

    def test_modes_owners_and_access_lists_of_new_files(self):
        old = os.umask(0o077)  # what is made gets less than it needs
        self.addCleanup(os.umask, old)
        for mode in (0o644, 0o4755, 0o2711, 0o000, 0o666, 0o600):
            self.put(f"src/{mode:o}").chmod(mode)
            for i in range(3):  # in turn, and in a row
                self.put(f"src/shared/{i}-{mode:o}").chmod(mode)
                self.put(f"src/shared/{mode:o}-{i}").chmod(mode)
        shared = self.dst / "shared"  # whose group new files get
        shared.mkdir(parents=True)
        if os.geteuid() == 0:
            os.chown(shared, 0, 1003)
            os.chown(self.src / "shared/2-644", 0, 1003)
        shared.chmod(0o2755)
        if os.geteuid() == 0:
            os.chown(self.src / "666", 1001, 1002)
            os.chown(self.src / "4755", 1001, 0)
        subprocess.run(["setfacl", "-d", "-m", "u:1234:rwx", self.dst], check=False)  # and here an access list that it must not have
        os.chmod(self.dst, os.stat(self.src).st_mode & 0o7777)
        self.migrate()
        subprocess.run(["setfacl", "-b", self.dst], check=False)
        self.assert_same()

    def test_links_that_lead_round_are_not_followed(self):
        (self.src / "sub").mkdir()
        (self.src / "sub/up").symlink_to("..")
        (self.src / "self").symlink_to("self")
        self.migrate()
        self.assert_same()

    # ---- what does not hold ----

    def test_content_that_differs_is_found_and_copied_again(self):
        """Same size, same times: only reading both sides tells."""
        for name, at in (("a", 1000), ("b", 1000), ("sub/c", 2000), ("sub/as it is", 3000)):
            self.put(f"src/{name}", f"right {name}", at)
        os.link(self.src / "a", self.src / "sub/a again")
        (self.src / "link").symlink_to("right")
        self.migrate()
        for name in ("b", "sub/c", "a"):
            wrong = self.dst / name
            at = wrong.stat().st_mtime_ns
            wrong.write_text("wrong" + wrong.read_text()[5:])
            os.utime(wrong, ns=(at, at))
        report = self.migrate("--verify", "size")
        self.assertEqual((report["copied"], report["differed"]), (0, 0))
        report = self.migrate("--verify", "hash")
        self.assertEqual((report["copied"], report["differed"], report["complete"]), (4, 4, True))
        self.assert_same()

    def test_a_folder_that_cannot_be_read_fails_alone(self):
        self.put("src/closed/file")
        self.put("src/open/file")
        self.put("dst/extra")
        (self.src / "closed").chmod(0)
        for path in (self.dir, *self.dir.rglob("*")):
            os.chown(path, 65534, 65534)
        words = [SPATE, "migrate", "src", "dst", "--ledger", "ledger"]
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

        def run(*more):
            return subprocess.run([*words, *more], cwd=self.dir, capture_output=True, text=True, **user)
        done = run("--delete-extra", "--yes")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("nothing is deleted: not all folders of the source could be listed", done.stderr)
        done = run()
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertRegex(done.stderr, 'failed: /closed: .*permission denied')
        self.assertTrue((self.dst / "open/file").exists())
        (self.src / "closed").chmod(0o755)
        done = run("--delete-extra", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.dst / "closed/file").exists())
        self.assertFalse((self.dst / "extra").exists())

    # ---- planning ----

    def test_a_plan_tells_all_outcomes_and_changes_nothing(self):
        self.put("src/same", "same", 1000)
        self.put("dst/same", "same", 1000)
        os.utime(self.src, (5, 5))
        self.put("src/missing")
        self.put("src/older", "new text", 2000)
        self.put("dst/older", "old", 1000)
        self.put("src/newer", "old", 1000)
        self.put("dst/newer", "new text", 2000)
        self.put("src/clash/file")
        self.put("dst/clash")
        self.put("dst/extra/file")
        self.put("src/left.o")
        before = tree(self.dst)
        self.assertEqual(self.plan("--exclude", "*.o"), {
            "same": ["/same"], "missing": ["/clash/file", "/missing"], "differs": ["/older"], "skipped": ["/newer"],
            "conflict": ["/clash"], "excluded": ["/left.o"], "extra": ["/extra"]})
        self.assertEqual(tree(self.dst), before)

    def test_reasons_are_recorded(self):
        self.put("src/a.o")
        self.put("src/big", "x" * 2000)
        self.put("src/old", "x", 1000)
        self.put("src/keep.o")
        done = self.spate_ok("migrate", "plan", "--exclude", "*.o", "--include", "keep.o", "--max-size", "1KiB", "--max-age", "7d",
                             "src", "dst", "--list", "excluded")
        self.assertEqual(sorted(done.out.splitlines()), ["excluded  /a.o  (pattern: *.o)", "excluded  /big  (larger than --max-size)",
                                                         "excluded  /old  (older than --max-age)"])
        self.spate_fails(2, "migrate", "src", "dst", says="another filter or policy")
        self.migrate("--fresh", "--exclude", "*.o", "--include", "keep.o", "--max-size", "1KiB", "--max-age", "7d")
        self.assertEqual(os.listdir(self.dst), ["keep.o"])

    def test_what_is_left_out_by_hand_is_not_copied(self):
        self.put("src/a/one")
        self.put("src/b/two")
        self.spate_ok("migrate", "plan", "src", "dst", "--leave-out", "/a")
        self.migrate()
        self.assertEqual([str(p.relative_to(self.dst)) for p in sorted(self.dst.rglob("*"))], ["b", "b/two"])
        self.spate_fails(2, "migrate", "plan", "src", "dst", "--leave-out", "/nothing", says='the source has no "/nothing"')

    def test_a_plan_can_be_browsed(self):
        self.put("src/folder/one")
        self.put("src/folder/two")
        master, slave = pty.openpty()
        child = subprocess.Popen([SPATE, "migrate", "plan", "src", "dst", "--browse", "--progress", "none"], cwd=self.dir, stdin=slave,
                                 stdout=slave, stderr=slave)
        os.close(slave)
        seen = b""

        def until(word):
            nonlocal seen
            end = time.monotonic() + 30
            while word not in seen and time.monotonic() < end and select.select([master], [], [], 1) is not None:
                if select.select([master], [], [], 0.1)[0]:
                    seen += os.read(master, 65536)
            self.assertIn(word, seen)
            seen = b""

        until(b"q: done")
        os.write(master, b"\r")
        until(b"\x1b[J/folder")
        os.write(master, b"\x1b[B")
        until(b"two")
        os.write(master, b"x")
        until(b"excluded")
        os.write(master, b"q")
        while True:
            try:
                if not os.read(master, 65536):
                    break
            except OSError:
                break
        self.assertEqual(child.wait(30), 0)
        os.close(master)
        self.migrate()
        self.assertEqual(os.listdir(self.dst / "folder"), ["one"])

    # ---- conflicts ----

    def conflict(self, policy):
        shutil.rmtree(self.src)
        shutil.rmtree(self.dst, ignore_errors=True)
        self.put("src/older", "from source", 2000)
        self.put("dst/older", "old", 1000)
        self.put("src/newer", "from source", 1000)
        self.put("dst/newer", "destination's", 2000)
        self.put("src/kind", "a file")
        (self.dst / "kind").symlink_to("somewhere")
        self.migrate("--on-conflict", policy)
        read = {p.name: os.readlink(p) if p.is_symlink() else p.read_text() for p in self.dst.iterdir()}
        return read

    def test_conflicts_go_by_policy(self):
        self.assertEqual(self.conflict("newer"), {"older": "from source", "newer": "destination's", "kind": "somewhere"})
        self.assertEqual(self.conflict("skip"), {"older": "old", "newer": "destination's", "kind": "somewhere"})
        self.assertEqual(self.conflict("overwrite"), {"older": "from source", "newer": "from source", "kind": "a file"})
        self.assertEqual(self.conflict("keep-both"), {
            "older": "from source", "older.~1~": "old", "newer": "from source", "newer.~1~": "destination's", "kind": "a file",
            "kind.~1~": "somewhere"})

    def test_nothing_is_deleted_unless_asked(self):
        self.put("src/a")
        self.put("dst/extra/deep/file")
        self.put("dst/file")
        self.put("src/left.o")
        self.put("dst/left.o")
        self.migrate("--exclude", "*.o")
        self.assertTrue((self.dst / "extra/deep/file").exists())
        self.spate_fails(2, "migrate", "--delete-extra", "src", "dst", says="--yes")
        report = self.migrate("--exclude", "*.o", "--delete-extra", "--yes")
        self.assertEqual(report["deleted"], 2)
        self.assertEqual(sorted(os.listdir(self.dst)), ["a", "left.o"])
        self.assertEqual(os.stat(self.dst).st_mtime_ns, os.stat(self.src).st_mtime_ns)

    def test_an_empty_source_deletes_nothing(self):
        self.put("dst/file")
        self.spate_fails(4, "migrate", "src", "dst", "--delete-extra", "--yes", says="the source is empty")
        self.assertTrue((self.dst / "file").exists())

    # ---- what goes wrong ----

    def test_mistakes_of_use(self):
        self.put("src/a")
        self.spate_fails(2, "migrate", "src", "src", says="lies inside of the other")
        self.spate_fails(2, "migrate", "src", "src/b/c", says="lies inside of the other")
        self.spate_fails(3, "migrate", "nothing", "dst", says='could not open folder "nothing": no such file')
        self.spate_fails(2, "migrate", "sftp://host/x", "dst", says='cannot migrate "sftp"')
        self.spate_fails(2, "migrate", "src", "dst", "--min-size", "tiny", says="--min-size takes a size")
        self.spate_fails(2, "migrate", "src", "dst", "--max-age", "old", says="--max-age takes an age")

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_a_full_destination_stops_and_goes_on_when_there_is_room(self):
        for i in range(40):
            self.put(f"src/f{i}", "x" * 100000)
        self.dst.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", self.dst], capture_output=True).returncode:
            self.skipTest("cannot mount here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.dst])
        self.spate_fails(3, "migrate", "src", "dst", says="no space left on device")
        self.assertFalse([p for p in self.dst.iterdir() if p.name.startswith(".spate")])
        subprocess.run(["mount", "-o", "remount,size=20m", self.dst], check=True)
        report = self.migrate()
        self.assertLess(report["copied"], 40)
        self.assert_same()

    # ---- stopping and going on ----

    def kill_until_done(self, seed, files, times, longest):
        """Kills the run so many times at random moments; the next one must finish what is left."""
        self.random_tree(seed, files)
        r = random.Random(seed)
        for i in range(times):
            child = subprocess.Popen([SPATE, "migrate", "src", "dst", "--verify", r.choice(("size", "hash"))], cwd=self.dir,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                child.wait(r.uniform(0.005, longest))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if r.random() < 0.2:
                shutil.rmtree(self.dst, ignore_errors=True)
                shutil.rmtree(self.dir / "state", ignore_errors=True)
        report = self.migrate("--verify", "hash")
        self.assertTrue(report["complete"], f"seed {seed}")
        self.assert_same()

    def test_killed_at_random_moments(self):
        seed = int(os.environ.get("SPATE_SEED", time.time_ns() % 10**6))
        print(f"# test_killed_at_random_moments: SPATE_SEED={seed}", flush=True)
        self.kill_until_done(seed, 1500, 12, 0.25)

    def test_interrupted_says_how_to_go_on(self):
        self.random_tree(3, 1500)
        child = subprocess.Popen([SPATE, "migrate", "src", "dst", "--sync", "file"], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.dst.exists() and any(self.dst.iterdir()), child)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        if child.returncode == 0:
            self.skipTest("it was done before")
        self.assertEqual(child.returncode, -signal.SIGINT)
        self.assertIn("the same command goes on", err)
        self.assertTrue(self.migrate()["complete"])
        self.assert_same()


if __name__ == "__main__":
    unittest.main()
