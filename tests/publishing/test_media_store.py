"""The directory of pictures: whole or not at all, with several at work in it, and clear when it is away."""

import os
import secrets
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qe_ban.publishing.adapters.media import FULL, DirectoryStore
from qe_ban.publishing.errors import StoreAway
from tests.factories.accounts import together
from tests.factories.waits import HANG_TIMEOUT

FILES = {FULL: b"whole" * 1000, "320": b"small"}
HOUR = timedelta(hours=1)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "not" / "made" / "yet"


@pytest.fixture
def store(root):
    return DirectoryStore(root)


@pytest.fixture
def digest():
    return secrets.token_hex(32)


def now():
    return datetime.now(UTC)


def read(store, digest, name=FULL):
    file = store.open(digest, name)
    if file is None:
        return None
    with file:
        return file.read()


def age(root, digest, hours):
    moment = (now() - hours * HOUR).timestamp()
    os.utime(root / digest[:2] / digest, (moment, moment))


def test_a_picture_is_kept_in_a_directory_that_is_made_and_nothing_lies_beside_it(store, root, digest):
    store.store(digest, FILES)
    assert {name: read(store, digest, name) for name in FILES} == FILES
    assert [path.name for path in root.iterdir()] == [digest[:2]]
    assert sorted(path.name for path in (root / digest[:2] / digest).iterdir()) == ["320", "full"]
    assert root.stat().st_mode & 0o077 == 0


def test_what_is_kept_already_stays_as_it_is(store, root, digest):
    store.store(digest, FILES)
    store.store(digest, {FULL: b"another"})
    assert read(store, digest) == FILES[FULL]
    assert [path.name for path in root.iterdir()] == [digest[:2]]


@pytest.mark.parametrize(
    ("digest", "name"),
    [
        ("", FULL),
        ("..", FULL),
        ("../" * 10 + "etc/passwd", FULL),
        ("A" * 64, FULL),
        ("a" * 63, FULL),
        ("a" * 65, FULL),
        ("a" * 64, "../full"),
        ("a" * 64, ""),
        ("a" * 64, "0"),
        ("a" * 64, "-320"),
        ("a" * 64, "３２０"),
        ("a" * 64, "320\n"),
        ("a" * 64, "9" * 5000),
        ("a" * 64 + "\0", FULL),
        ("a" * 64, "640"),
    ],
)
def test_a_name_that_is_none_or_unknown_is_not_there(store, digest, name):
    store.store("a" * 64, FILES)
    assert store.open(digest, name) is None


@pytest.mark.parametrize("digest", ["", "../x", "g" * 64, "a" * 65])
def test_nothing_is_written_or_removed_under_a_digest_that_is_none(store, root, digest):
    with pytest.raises(ValueError, match="64"):
        store.store(digest, FILES)
    with pytest.raises(ValueError, match="64"):
        store.remove(digest)
    assert not root.exists()


def test_a_picture_goes_as_a_whole_and_going_twice_is_nothing(store, root, digest):
    store.store(digest, FILES)
    store.remove(digest)
    store.remove(digest)
    assert read(store, digest) is None
    assert [path.name for path in root.iterdir()] == [digest[:2]]


def test_those_of_a_time_are_listed_and_one_that_is_handed_in_again_is_young(store, root):
    old, young, again = sorted(secrets.token_hex(32) for _ in range(3))
    for digest in (old, young, again):
        store.store(digest, FILES)
    age(root, old, 3)
    age(root, again, 3)
    store.store(again, FILES)
    (root / "notes.txt").write_text("of an operator")
    (root / old[:2] / "notes").mkdir()
    assert list(store.digests(before=now() - HOUR)) == [old]
    assert sorted(store.digests(before=now() + HOUR)) == sorted([old, young, again])


def test_what_a_crash_left_is_removed_when_it_is_old(store, root, digest):
    store.store(digest, FILES)
    for name in ("new-old", "new-young", "else"):
        (root / name).mkdir()
        (root / name / "full").write_bytes(b"half")
    os.utime(root / "new-old", (0, 0))
    store.tidy(before=now() - HOUR)
    assert sorted(path.name for path in root.iterdir()) == sorted(["else", "new-young", digest[:2]])
    assert read(store, digest) == FILES[FULL]


def test_a_directory_that_was_never_made_holds_nothing(store):
    assert store.open("a" * 64, FULL) is None
    assert list(store.digests(before=now())) == []
    store.tidy(before=now())


def test_many_threads_keep_one_picture_once(store, root, digest):
    outcomes = together(8, lambda _: store.store(digest, FILES))
    assert outcomes == [None] * 8
    assert read(store, digest) == FILES[FULL]
    assert [path.name for path in root.iterdir()] == [digest[:2]]


PUTTING = """
import sys
from pathlib import Path
from qe_ban.publishing.adapters.media import FULL, DirectoryStore
store, digest, whole = DirectoryStore(Path(sys.argv[1])), sys.argv[2], b"whole" * 1000
seen = 0
for _ in range(100):
    store.store(digest, {FULL: whole, "320": b"small"})
    file = store.open(digest, FULL)
    if file is not None:
        with file:
            seen += file.read() == whole or sys.exit("half a picture")
    store.remove(digest)
sys.exit(0 if seen else "nothing was ever seen")
"""


def test_several_processes_never_see_half_a_picture(root, digest):
    argv = [sys.executable, "-c", PUTTING, str(root), digest]
    workers = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [worker.communicate(timeout=HANG_TIMEOUT)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], said
    assert [path.name for path in root.iterdir()] == [digest[:2]]


def all_away(store, digest):
    for work in (
        lambda: store.store(digest, FILES),
        lambda: store.open(digest, FULL),
        lambda: store.remove(digest),
        lambda: list(store.digests(before=now())),
        lambda: store.tidy(before=now()),
    ):
        with pytest.raises(StoreAway):
            work()


def test_without_a_directory_the_store_is_away(digest):
    all_away(DirectoryStore(None), digest)


def test_a_file_where_the_directory_should_be_is_a_store_that_is_away(tmp_path, digest):
    (tmp_path / "file").write_text("x")
    all_away(DirectoryStore(tmp_path / "file"), digest)


def test_a_directory_that_cannot_be_written_is_a_store_that_is_away_for_writing(digest):
    # not even root writes there
    store = DirectoryStore(Path("/proc/qe-ban"))
    with pytest.raises(StoreAway):
        store.store(digest, FILES)
    assert store.open(digest, FULL) is None


def test_a_full_disk_leaves_nothing_half_done(root, digest):
    store = DirectoryStore(root)
    store.store("b" * 64, FILES)
    broken = {FULL: b"whole", "x" * 300: b"a name that no file system takes"}
    with pytest.raises(StoreAway):
        store.store(digest, broken)
    assert store.open(digest, FULL) is None
    assert sorted(path.name for path in root.iterdir()) == sorted({"bb", digest[:2]})
