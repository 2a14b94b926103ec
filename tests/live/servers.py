"""Real PostgreSQL and MariaDB servers for tests and benches: made in a temporary directory, reached over loopback and a Unix socket,
stopped by process id. Works as root too, by running the server as an ordinary user, since PostgreSQL refuses to run as root.

    with Postgres() as server:
        server.psql("CREATE TABLE t (n int)")
        print(server.uri())
"""
import csv
import io
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from harness import Case

POSTGRES_BIN = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(n=1):
    """The first of n ports that nobody listens on: neither of those that the system hands out to whoever connects, one of whom might
    have it when the server comes back, nor of those that labs take."""
    while True:
        first = random.SystemRandom().randrange(10000, 20000 - n)
        if all(is_free(first + i) for i in range(n)):
            return first


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


def children_of(parent):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def signal_all(pids, what):
    """Those of them that are still there: a server's own processes come and go."""
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            pass


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
        self.process = self.pid = None
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
        """As a child of ours, not by pg_ctl: then we can wait for it, and a killed one does not linger as a zombie whose process
        id keeps the next one from starting."""
        with open(self.directory / "log", "a") as log:
            self.process = subprocess.Popen(self.as_user(POSTGRES_BIN / "postgres", "-D", self.data), cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            ready = subprocess.run([POSTGRES_BIN / "pg_isready", "-q", "-h", self.directory, "-p", str(self.port)])
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("the server did not start:\n" + self.log())

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown; SIGQUIT: immediate, as after a power cut."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill9(self):
        """The server and all its processes, at once and without a word."""
        children = children_of(self.pid)
        signal_all([self.pid, *children], signal.SIGKILL)
        self.process.wait()
        self.process = None
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not (all(map(self.is_gone, children)) and self.is_unattached()):
            time.sleep(0.02)

    def is_unattached(self):
        """Whether nobody uses the server's shared memory: not even a process that it was just starting when it was killed."""
        try:
            id = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
        except (OSError, IndexError):
            return True
        shared = pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
        return all(line.split()[6] == "0" for line in shared if line.split()[1] == id)

    @staticmethod
    def is_gone(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

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


class MariaDB:
    """A server with a superuser "root" without password over its socket, and "spate" with the password "secret" over loopback."""

    def __init__(self, directory=None):
        self.user = server_user()
        self.port = free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="spate-maria-", dir=directory))
        self.socket = self.directory / "socket"
        self.process = None
        shutil.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self.directory.chmod(0o755)

    as_user, run, log = Postgres.as_user, Postgres.run, Postgres.log

    def __enter__(self):
        try:
            self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data", "--auth-root-authentication-method=normal",
                     "--skip-test-db", f"--user={self.user.pw_name}")
            self.start()
            self.sql("CREATE USER spate@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO spate@'%'")
        except BaseException:
            self.remove()
            raise
        return self

    def start(self):
        """As a child of ours, for the reason that Postgres.start gives."""
        words = ["mariadbd", "--no-defaults", f"--datadir={self.directory}/data", f"--socket={self.socket}", f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--pid-file={self.directory}/pid", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=256M", "--skip-name-resolve",
                 f"--tmpdir={self.directory}", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
        with open(self.directory / "log", "a") as log:
            self.process = subprocess.Popen(self.as_user(*words), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            ready = subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"], capture_output=True)
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("the server did not start:\n" + self.log())

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def __exit__(self, *exc):
        self.remove()

    def uri(self, database, tcp=False):
        return f"mysql://spate:secret@127.0.0.1:{self.port}/{database}" if tcp else f"mysql://root@/{database}?socket={self.socket}"

    def sql(self, text, database=None, mode=None):
        """Runs a script and returns the rows as lists of text. Raises with the server's words when it fails."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch", "--skip-column-names",
                   "--default-character-set=utf8mb4",
                   *([f"--init-command=SET SESSION sql_mode='{mode}'"] if mode else []), *([database] if database else [])]
        done = subprocess.run(command, input=text, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return [line.split("\t") for line in done.stdout.splitlines()]

    def rows(self, database, table, columns):
        """The rows of a table as lists of text, exactly: bytes as hexadecimal digits, numbers with all of theirs."""
        types = dict(self.sql(f"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '{database}'"
                              f" AND table_name = '{table}'"))

        def shown(name):
            if types[name] in ("longblob", "blob", "varbinary", "binary"):
                return f"hex(hex(`{name}`))"
            return f"hex(cast(`{name}`{' + 0e0' if types[name] == 'float' else ''} AS char CHARACTER SET utf8mb4))"

        listed = ", ".join(shown(name) for name in columns)
        return [[None if cell == "NULL" else bytes.fromhex(cell).decode() for cell in row]
                for row in self.sql(f"SELECT {listed} FROM `{table}` ORDER BY 1", database)]

    def database(self, name):
        """A new empty database."""
        self.sql(f"DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}`")
        return name


class PostgresCase(Case):
    """Tests that share one server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.server = Postgres()
            cls.server.__enter__()
        except (OSError, RuntimeError) as why:
            raise unittest.SkipTest(f"no PostgreSQL server could be started: {why}")

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()
        super().tearDownClass()


class MariaDBCase(Case):
    """Tests that share one server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = MariaDB()
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()
        super().tearDownClass()

    def new(self, name, sql=""):
        """A database of this name, and nothing in it but what sql makes; its URI."""
        self.server.database(name)
        if sql:
            self.server.sql("SET time_zone = '+00:00'; " + sql, name)
        return self.server.uri(name)

    def copy(self, source, target, *words):
        return self.spate_ok("copy", source, target, "--progress", "none", *words)

    def value(self, sql, database):
        return self.server.sql(sql, database)[0][0]

    def kill(self, connection):
        try:
            self.server.sql(f"KILL {connection}")
        except RuntimeError:  # it has gone by itself
            return False
        return True
