"""Real PostgreSQL servers for tests and benches: made in a temporary directory, reached over loopback and a Unix socket, stopped
by process id. Works as root too, by running the server as an ordinary user, since PostgreSQL refuses to run as root.

    with Postgres() as server:
        server.psql("CREATE TABLE t (n int)")
        print(server.uri())
"""
import csv
import io
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

POSTGRES_BIN = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def server_user():
    """Whom the server runs as: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither a user postgres nor nobody to run the server as")


class Postgres:
    """A server with trust authentication, superuser "postgres", database "postgres"; empty and its own."""

    def __init__(self, settings=None, directory=None):
        self.user = server_user()
        self.port = free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="spate-pg-", dir=directory))
        self.data = self.directory / "data"
        self.settings = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self.directory}'",
            "max_connections": 40,
            "max_wal_size": "'4GB'",
            "log_min_messages": "warning",
            **(settings or {}),
        }
        self.pid = None
        shutil.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self.directory.chmod(0o755)  # the client may be another user, and the socket is in here

    # ---- life -----------------------------------------------------------------------------------------------------

    def as_user(self, *command):
        if os.geteuid() == self.user.pw_uid:
            return list(map(str, command))
        ids = ["--reuid", self.user.pw_uid, "--regid", self.user.pw_gid, "--clear-groups"]
        return list(map(str, ["setpriv", *ids, *command]))

    def run(self, *command):
        done = subprocess.run(self.as_user(*command), cwd=self.directory, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{self.log()}")

    def init(self):
        self.run(POSTGRES_BIN / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                 "--locale=C", "--no-sync")
        with open(self.data / "postgresql.auto.conf", "a") as conf:
            conf.writelines(f"{key} = {value}\n" for key, value in self.settings.items())

    def start(self):
        # Not by way of a pipe: the server would keep it open for as long as it lives.
        done = subprocess.run(self.as_user(POSTGRES_BIN / "pg_ctl", "-D", self.data, "-l", self.directory / "log", "-w",
                                           "-t", "60", "start"),
                              cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError("pg_ctl start failed:\n" + self.log())
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown; SIGQUIT: immediate, as after a power cut."""
        if self.pid is None:
            return
        try:
            os.kill(self.pid, how)
            self.wait()
        except ProcessLookupError:
            pass
        self.pid = None

    def wait(self, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return
            if self.is_zombie(self.pid):
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)

    @staticmethod
    def is_zombie(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

    def children(self):
        """Process ids of the server's own processes."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.pid:
                found.append(int(stat.parent.name))
        return found

    def kill9(self):
        """The server and all its processes, at once and without a word."""
        victims = [self.pid, *self.children()]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.wait()
        self.pid = None
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not all(self.is_zombie(pid) for pid in victims):
            time.sleep(0.02)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            self.init()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *exc):
        self.remove()

    # ---- use ---------------------------------------------------------------------------------------------------------

    def log(self):
        try:
            return (self.directory / "log").read_text()
        except OSError:
            return ""

    def uri(self, database="postgres", user="postgres", password=None, tcp=False):
        secret = f":{password}" if password else ""
        if tcp:
            return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{user}{secret}@/{database}?host={self.directory}&port={self.port}"

    def psql(self, sql, database="postgres", user="postgres"):
        """Runs sql and returns the rows as lists of text. Raises with the server's words when it fails."""
        command = ["psql", "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.uri(database, user), "-f", "-"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return list(csv.reader(io.StringIO(done.stdout)))

    def value(self, sql, database="postgres"):
        return self.psql(sql, database)[0][0]

    def database(self, name):
        """A new empty database."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.psql(f'CREATE DATABASE "{name}"')
        return name
