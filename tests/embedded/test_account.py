"""As root and as an ordinary user: PostgreSQL never runs as root, and finds its way where it can."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.factories.waits import HANG_TIMEOUT

from .conftest import REPOSITORY, Tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")

ONCE = """
import json, os, sys
from qe_ban.embedded.errors import EngineError
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
try:
    server = Postgres(Home(sys.argv[1]), settings={"fsync": "off"})
    server.start()
except EngineError as error:
    print(json.dumps(str(error)))
else:
    print(json.dumps(os.stat(f"/proc/{server.pid}").st_uid))
    server.stop()
"""


def once(home: Path, path: str = os.defpath, prefix: tuple[str, ...] = ()) -> int | str:
    """Who the server of this home runs as when it is started by a process of its own, or why it does not."""
    result = subprocess.run(
        [*prefix, sys.executable, "-c", ONCE, str(home)],
        cwd="/",
        env={"PATH": path, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        check=True,
    )
    answer = json.loads(result.stdout)
    assert isinstance(answer, int | str)
    return answer


@pytest.fixture
def nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


@pytest.fixture
def as_nobody(nobody: pwd.struct_passwd) -> tuple[str, ...]:
    """A command that runs another as an ordinary user, who can read this checkout."""
    switch = ("setpriv", "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups")
    readable = subprocess.run(
        [*switch, "/bin/sh", "-c", 'exec "$@"', "sh", sys.executable, "-c", "import qe_ban.embedded, psycopg"],
        cwd="/",
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=False,
    )
    if readable.returncode == 0:
        return switch
    return (*switch, "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")


def test_below_closed_directories_it_runs_as_another_and_their_modes_stay(directory: Path) -> None:
    parent = directory / "closed"
    parent.mkdir(mode=0o700)
    user = once(parent / "home")
    assert isinstance(user, int)
    assert user != 0
    assert [path.stat().st_mode & 0o777 for path in (parent, parent / "home")] == [0o700, 0o700]


def test_without_setpriv_it_runs_where_everybody_may_pass(directory: Path) -> None:
    assert once(directory / "home", path="/nowhere") != 0
    assert (directory / "home").stat().st_mode & 0o066 == 0


def test_without_setpriv_closed_directories_are_refused_with_one_line(directory: Path) -> None:
    parent = directory / "closed"
    parent.mkdir(mode=0o700)
    refused = once(parent / "home", path="/nowhere")
    assert isinstance(refused, str)
    assert "run as an ordinary user" in refused
    assert "\n" not in refused
    assert parent.stat().st_mode & 0o777 == 0o700


def test_root_that_may_not_become_others_is_refused_with_one_line(directory: Path) -> None:
    refused = once(directory / "home", prefix=("setpriv", "--bounding-set=-setuid,-setgid"))
    assert isinstance(refused, str)
    assert "run as an ordinary user" in refused


def test_data_made_by_an_ordinary_user_are_served_by_root_as_that_user(
    directory: Path, nobody: pwd.struct_passwd, as_nobody: tuple[str, ...]
) -> None:
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    assert once(directory / "home", prefix=as_nobody) == nobody.pw_uid
    assert once(directory / "home") == nobody.pw_uid


def test_an_ordinary_user_runs_the_whole_tree_and_is_refused_a_home_of_root(
    directory: Path, nobody: pwd.struct_passwd, as_nobody: tuple[str, ...], plant: Callable[..., Tree]
) -> None:
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    tree = plant(directory / "home", prefix=as_nobody)
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in (tree.supervisor, *tree.children)} == {nobody.pw_uid}
    with psycopg.connect(tree.postgres_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    tree.process.terminate()
    assert tree.process.wait(HANG_TIMEOUT) == 0
    (directory / "roots").mkdir(mode=0o700)
    assert "belongs to another user" in str(once(directory / "roots", prefix=as_nobody))
    shutil.rmtree(directory / "roots")
