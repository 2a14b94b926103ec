"""Soak case of spate lab reshard: rows move between shards under writers, the mover and sometimes a shard are killed at random moments."""
import collections
import json
import os
import signal
import subprocess
import time

USERS = 20_000
LEFT = ("SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_subscription) + (SELECT count(*) FROM pg_publication)"
        " + (SELECT count(*) FROM pg_namespace WHERE nspname = 'spate_lab') + (SELECT count(*) FROM pg_trigger WHERE tgname ~ 'spate')")


class Lab:
    def __init__(self, soak, promise):
        self.soak, self.promise, self.dir = soak, promise, soak.dir / "lab"

    def words(self, command, *words):
        return list(map(str, [self.soak.spate, "lab", command, "--lab", self.dir, *words]))

    def run(self, command, *words, codes=(0,)):
        done = subprocess.run(self.words(command, *words), text=True, capture_output=True, stdin=subprocess.DEVNULL, cwd=self.soak.dir)
        self.promise(done.returncode in codes, f"lab {command} {words}: exit {done.returncode}: {done.stderr[-500:]}")
        return done.stdout

    def start(self, command, *words, out=subprocess.DEVNULL):
        return subprocess.Popen(self.words(command, *words), text=True, stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def phase(self):
        return self.run("reshard").splitlines()[-1]

    def killed(self, seconds, *words):
        """False: it had ended before."""
        mover = self.start("reshard", *words)
        try:
            mover.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            mover.kill()
            return mover.wait() == -signal.SIGKILL

    def kill_a_shard(self):
        servers = json.loads(self.run("status", "--json", codes=(0, 1)))
        victim = self.soak.rng.choice([s for s in servers if s["name"] != "main" and s["pid"]])
        os.kill(victim["pid"], signal.SIGKILL)
        while json.loads(self.run("status", "--json", codes=(0, 1)))[servers.index(victim)]["state"] == "up":
            time.sleep(0.05)
        self.run("up", victim["name"])  # others may not be whole yet, or no more

    def check(self, shards):
        tables = json.loads(self.run("check", "--json"))["tables"]
        for t in tables:
            self.promise(t["misplaced"] == 0 and (t["same"] or not t["on_main"]), f"table {t['name']} is not as it was: {t}")
        for i in range(shards):
            left = self.run("psql", f"shard{i}", "--", "-X", "-A", "-t", "-c", LEFT).strip()
            self.promise(left == "0", f"shard{i} has {left} things left of a move that is over")
        self.promise(len(list(self.dir.glob("shard*/data"))) == shards, f"there are not {shards} shards")


def reshard(soak, promise):
    lab, rng, phases, early, ends = Lab(soak, promise), soak.rng, collections.Counter(), 0, 0

    def disturb(seconds, *words):
        nonlocal early
        if lab.killed(seconds, *words):
            phases[lab.phase()] += 1
        else:
            early += 1

    lab.run("run", "--users", USERS, "--progress", "none", "--seconds", "0.1")
    try:
        lab.run("check", "--seconds", "0.1")
        start = time.monotonic()
        lab.run("reshard", "--shards", 4, "--commit")
        took, shards = time.monotonic() - start, 4
        writers = lab.start("check", "--seconds", 36000, "--rate", 200, "--json", out=subprocess.PIPE)
        while phases.total() < soak.args.kills and soak.time_left():
            wanted = rng.choice([n for n in (2, 3, 4, 5) if n != shards])
            for _ in range(rng.randrange(1, 5)):
                disturb(rng.uniform(0, 1.2 * took), "--shards", wanted)
                if rng.random() < 0.2:
                    lab.kill_a_shard()
            end = rng.choice(("--rollback", "--commit"))
            words = ["--rollback"] if end == "--rollback" else ["--shards", wanted, "--commit"]
            if end == "--commit" or lab.phase() in ("copying", "following", "switching", "switched"):
                disturb(rng.uniform(0, took), *words)
                over = lab.phase() in ("committing", "committed", "rolling back", "rolled back")
                lab.run("reshard", *([end] if over else words))
                shards = wanted if end == "--commit" else shards
                lab.check(shards)
                ends += 1
        writers.send_signal(signal.SIGINT)
        seen = json.loads(writers.communicate(timeout=300)[0])
        soak.say(f"{phases.total()} kills, {dict(phases)}; {early} ended before, {ends} moves looked at; {seen['writes']} writes, {seen['refused']} refused, {seen['unknown']} unknown,"
                 f" p99.9 {seen['p999_ms']:.0f} ms, longest {seen['max_ms']:.0f} ms")
        promise(seen["lost"] == 0, f"{seen['lost']} acknowledged writes are lost")
        promise(seen["stale"] == 0, f"{seen['stale']} reads were older than what had been written")
    finally:
        lab.run("destroy", "--yes")
