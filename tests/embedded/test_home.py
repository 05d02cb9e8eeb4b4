"""The home: private, locked by one process, with sockets at short paths wherever it lies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qe_ban.embedded.errors import HomeInUse, HomeUnusable
from qe_ban.embedded.home import Home
from tests.factories.waits import HANG_TIMEOUT

from .conftest import REPOSITORY

HOLDER = """
import sys
from qe_ban.embedded.home import Home
home = Home(sys.argv[1])
home.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the home `directory/home`."""
    command = [sys.executable, "-c", HOLDER, str(directory / "home")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_new_home_and_its_runtime_directory_are_private(directory: Path) -> None:
    home = Home(directory / "a" / "home")
    assert mode(home.path) == 0o700
    assert mode(home.run_dir) == 0o700
    assert home.run_dir == home.path / "run"


def test_an_empty_directory_open_to_others_is_closed(directory: Path) -> None:
    (directory / "home").mkdir(mode=0o755)
    assert mode(Home(directory / "home").path) == 0o700


def test_somebodys_open_directory_is_refused_and_left_as_it_is(directory: Path) -> None:
    (directory / "letters").write_text("mine")
    with pytest.raises(HomeUnusable, match="open to others"):
        Home(directory)
    assert mode(directory) == 0o755


def test_a_file_is_no_home(directory: Path) -> None:
    (directory / "home").write_text("")
    with pytest.raises(HomeUnusable, match="cannot be used"):
        Home(directory / "home")


def test_a_second_process_is_refused_with_one_line_that_names_home_and_holder(
    directory: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(HomeInUse) as refused:
        Home(directory / "home").acquire()
    assert str(refused.value) == f"home {directory / 'home'} is in use by process {holder.pid}"


def test_a_symlink_to_a_home_is_the_same_home(directory: Path, holder: subprocess.Popen[str]) -> None:
    (directory / "link").symlink_to(directory / "home")
    with pytest.raises(HomeInUse):
        Home(directory / "link").acquire()


def test_the_lock_ends_with_its_holder_however_it_ends(directory: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(HANG_TIMEOUT)
    with Home(directory / "home").lock():
        pass


def test_two_objects_of_one_process_exclude_each_other(directory: Path) -> None:
    with (
        Home(directory / "home").lock() as home,
        pytest.raises(HomeInUse, match=f"{home.path} is in use by process {os.getpid()}"),
    ):
        Home(directory / "home").acquire()


def test_a_descriptor_left_behind_holds_the_home_for_the_given_time(directory: Path) -> None:
    home = Home(directory / "home")
    home.acquire()
    descriptor = os.dup(home.lock_fd)
    home.release()
    # the pid of the writer must not look alive: that of a process that has ended
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    (home.path / "home.lock").write_text(f"{process.pid} 1\n")
    with pytest.raises(HomeInUse, match=f"engines that process {process.pid} left behind"):
        Home(home.path).acquire(patience=0.2)
    os.close(descriptor)
    Home(home.path).acquire(patience=0.2)


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "空 格"])
def test_a_path_unfit_for_sockets_gets_a_short_private_directory(directory: Path, name: str) -> None:
    home = Home(directory / name)
    assert home.run_dir.parent != home.path
    assert mode(home.run_dir) == 0o700
    assert len(str(home.run_dir / "postgres" / ".s.PGSQL.5432").encode()) < 108
    assert Home(directory / name).run_dir == home.run_dir
    assert Home(directory / (name + "2")).run_dir != home.run_dir
    for other in (home, Home(directory / (name + "2"))):
        other.run_dir.rmdir()


@pytest.fixture
def short(directory: Path) -> Iterator[tuple[Home, Path]]:
    """A home with a long path, whose short directory has been taken away."""
    home = Home(directory / ("x" * 120))
    place = home.run_dir
    place.rmdir()
    yield Home(home.path), place
    if place.is_symlink():
        place.unlink()
    else:
        place.rmdir()


def test_a_symlink_in_place_of_the_short_directory_is_not_followed(directory: Path, short: tuple[Home, Path]) -> None:
    home, place = short
    place.symlink_to(directory)
    with pytest.raises(HomeUnusable, match="not a private directory of ours"):
        _ = home.run_dir


def test_a_short_directory_open_to_others_is_refused(short: tuple[Home, Path]) -> None:
    home, place = short
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(HomeUnusable, match="not a private directory of ours"):
        _ = home.run_dir


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_short_directory_of_somebody_else_is_refused(short: tuple[Home, Path]) -> None:
    home, place = short
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    with pytest.raises(HomeUnusable, match="not a private directory of ours"):
        _ = home.run_dir
