"""An earlier release from the repository's history, run beside the code of today as it would be during an upgrade."""

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import urllib3

from qe_ban.cli.api import Api
from tests.factories.accounts import ClientKey
from tests.factories.waits import HANG_TIMEOUT, wait_for

LAST_RELEASE = "0.4.0"
"""The last release: put the next one's version here when it is out."""
REPOSITORY = Path(__file__).parents[2]
VERSIONS = "qe_ban/migrations/versions"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("QE_", "GRANIAN_", "PYTHON"))}
# what its commands say is read in English
CLEAN["QE_LANG"] = "en"
FAULT = re.compile(r'Traceback|"level": ?"(?:error|critical)"|\[ERROR\]')


class NoHistory(Exception):
    """The release is not to be had from here; the message says why."""


def git(*words):
    try:
        result = subprocess.run(["git", "-C", REPOSITORY, *words], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise NoHistory("git is not installed") from None
    except subprocess.CalledProcessError as error:
        raise NoHistory(f"git {words[0]}: {error.stderr.strip()}") from None
    return result.stdout


def commit_of_release():
    """Return the commit that gave the product the last release's version. Raises NoHistory.

    A released migration is never edited, so those of that commit stand here as they were. Raises AssertionError.
    """
    line = f'version = "{LAST_RELEASE}"'
    commits = git("log", "--first-parent", "--reverse", "--format=%H", f"-S{line}", "HEAD", "--", "pyproject.toml")
    if not commits:
        raise NoHistory(f"no commit here is release {LAST_RELEASE}: a shallow clone, or no clone at all")
    commit = commits.split()[0]
    edits = migrations_of(commit).items() - migrations_of("HEAD").items()
    assert not edits, f"released migrations were edited: {edits}"
    return commit


def migrations_of(commit):
    """Return the migrations of a commit: names, and what tells their content."""
    lines = (line.split() for line in git("ls-tree", commit, f"{VERSIONS}/").splitlines())
    return {Path(name).name: blob for _, _, blob, name in lines if name.endswith(".py")}


def unpack(directory):
    """Write the release's files into a directory. Raises NoHistory."""
    archive = directory.with_suffix(".tar")
    git("archive", "--format=tar", f"--output={archive}", commit_of_release(), "qe_ban")
    directory.mkdir(parents=True, exist_ok=True)
    # tarfile asks for a filter in newer versions of Python and does not know it in older ones
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", directory], check=True)
    archive.unlink()
    return directory


class Program:
    """A process of one release, with its output."""

    def __init__(self, tree, words, env, output):
        self.output = output
        with output.open("a") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**CLEAN, **env, "PYTHONPATH": str(tree)},
            )

    def log(self):
        return self.output.read_text("utf-8")

    def faults(self):
        return [line for line in self.log().splitlines() if FAULT.search(line)]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(HANG_TIMEOUT)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(HANG_TIMEOUT)


class Release:
    """One release on a database: its commands, its servers, its worker of jobs."""

    def __init__(self, name, tree, env, directory):
        self.name, self.tree, self.env, self.directory = name, tree, env, directory
        self.programs = []
        self.api = None

    def __repr__(self):
        return self.name

    def command(self, *words, **env):
        """Run one of the release's commands to its end, with more of an environment; return exit code and output."""
        program = self._start("command", ("qe_ban.cli", *map(str, words)), env)
        code = program.process.wait(HANG_TIMEOUT)
        self.programs.remove(program)
        return code, program.log()

    def run_script(self, name):
        """Run a script of this directory with the release's code; return what it writes. Raises AssertionError."""
        words = [sys.executable, "-P", Path(__file__).with_name(name)]
        env = {**CLEAN, **self.env, "PYTHONPATH": str(self.tree)}
        result = subprocess.run(
            words, cwd="/", env=env, capture_output=True, text=True, timeout=HANG_TIMEOUT, check=False
        )
        assert result.returncode == 0, result.stderr[-3000:]
        return result.stdout

    def work(self):
        return self._start("worker", ("qe_ban.cli", "worker"))

    def serve(self):
        """Start a server with one worker; gives the program once it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = ("granian", "--interface", "wsgi", "--http", "1", "--host", "127.0.0.1", "--port", str(port))
        program = self._start("server", (*words, "--workers", "1", "--blocking-threads", "4", "qe_ban.wsgi:app"))
        self.api = Api(f"http://127.0.0.1:{port}")
        wait_for(lambda: is_ready(self.api.server), lambda: f"{self} is not ready: {program.log()[-3000:]}")
        return program

    def _start(self, name, words, env=None):
        output = self.directory / f"{self.name}-{name}-{len(self.programs)}.log"
        program = Program(self.tree, words, self.env | (env or {}), output)
        self.programs.append(program)
        return program

    def stop(self):
        for program in self.programs:
            program.stop()


def is_ready(address):
    with suppress(urllib3.exceptions.HTTPError):
        return (
            urllib3.PoolManager(retries=False, timeout=HANG_TIMEOUT).request("GET", f"{address}/readyz").status == 200
        )
    return False


@contextmanager
def old_and_new(env, directory):
    """The last release and the code of today, neither started yet; nothing of them runs on. Raises NoHistory."""
    old = Release("old", unpack(directory / "old"), env, directory)
    new = Release("new", REPOSITORY, env, directory)
    try:
        yield old, new
    finally:
        for release in (old, new):
            release.stop()
        shutil.rmtree(directory / "old")


def chief(at):
    """Make the first member of staff at the shell; gives an access token."""
    code, output = at.command("staff", "add", "chief", "--role", "city_admin")
    assert code == 0, output
    password, secret = (re.search(rf"{what}: (\S+)", output)[1] for what in ("password", "TOTP secret"))
    grant = {"grant_type": "password", "username": "chief", "password": password, "totp": pyotp.TOTP(secret).now()}
    return at.api.get("POST", "/auth/token", body=grant).data["access_token"]


def enrol_scanner(at, staff, issuer):
    """Make a venue and a scanner in it; gives the scanner's access token."""
    venue = {"name": "五四广场站", "district": "370202", "address": "香港中路9号", "scene": "transport"}
    venue_id = at.api.get("POST", "/venues", token=staff, body=venue, status=201).data["id"]
    invitation = {"purposes": ["gate-entry"], "label": "1号闸机"}
    ticket = at.api.get("POST", f"/venues/{venue_id}/scanners", token=staff, body=invitation, status=201).data
    key, nonce = ClientKey(), at.api.get("GET", "/auth/nonce").data["nonce"]
    body = {"enrolment_code": ticket["enrolment_code"], "jwk": key.jwk, "label": "1号闸机"}
    body_with_proof = body | {"proof": key.proof(nonce, issuer)}
    scanner = at.api.get("POST", "/venues/scanners/enrol", body=body_with_proof, status=201).data["scanner_id"]
    return scanner_token(at, key.assertion(scanner, issuer, datetime.now(UTC)))


def scanner_token(at, assertion):
    way = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    grant = {"grant_type": "client_credentials", "client_assertion_type": way, "client_assertion": assertion}
    return at.api.get("POST", "/auth/token", body=grant).data["access_token"]
