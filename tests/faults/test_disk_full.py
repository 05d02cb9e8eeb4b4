"""PostgreSQL with no room left on its disk: refusals in time, nothing told is lost, and with room it goes on."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg
import pytest

from tests.factories.cities import City
from tests.factories.waits import HANG_TIMEOUT, wait_for

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.privileged,
]

MIB = 1 << 20


@pytest.fixture
def small_disk():
    """Give a directory that is a disk of its own with 200 MiB."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted by root only")
    directory = Path(tempfile.mkdtemp(prefix="qe-f-"))
    result = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "tmpfs", directory], capture_output=True, check=False
    )
    if result.returncode:
        directory.rmdir()
        pytest.skip(f"no small disk can be mounted here: {result.stderr.decode().strip()}")
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)
    directory.rmdir()


@pytest.fixture
def city(small_disk):
    own_city = City(small_disk)
    yield own_city
    own_city.close()


def fill(directory):
    """Take all room that is left; gives the file that takes it."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MIB, 4096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    assert shutil.disk_usage(directory).free < 4096
    return filler


@pytest.mark.slow
def test_with_the_disk_full_scans_are_refused_or_kept_and_after_it_all_that_was_told_holds(city, small_disk):
    code = city.issue().get_json()["code"]
    assert city.verify(code).get_json()["reason"] == "ok"
    filler = fill(small_disk)
    answers, refused = {}, {}
    deadline = time.monotonic() + HANG_TIMEOUT
    while len(refused) < 5:
        assert time.monotonic() < deadline
        scan_id = str(uuid.uuid4())
        code = city.issue().get_json().get("code", code)
        answer = city.verify(code, scan_id)
        assert answer.status_code in {200, 503}
        if answer.status_code == 503:
            assert answer.headers["Retry-After"]
            refused[scan_id] = code
        else:
            answers[scan_id] = (code, answer.get_json()["reason"])
    # what no room stops outright: a write-ahead log that cannot grow
    with psycopg.connect(city.postgres.url, autocommit=True) as connection, pytest.raises(psycopg.OperationalError):  # noqa: PT012
        for _ in range(5):
            connection.execute("SELECT pg_logical_emit_message(false, 'qe', repeat('x', 9000000)), pg_switch_wal()")
    assert city.verify(code).status_code == 503
    filler.unlink()
    if city.postgres.poll() is not None or not _comes_back(city):
        city.postgres.stop()
        city.postgres.start()
    wait_for(lambda: city.verify(code, str(uuid.uuid4())).status_code == 200)
    for scan_id, (scan_code, reason) in answers.items():
        again = city.verify(scan_code, scan_id).get_json()
        assert (again["repeat"], again["reason"]) == (True, reason)
    for scan_id, scan_code in refused.items():
        assert city.verify(scan_code, scan_id).get_json()["repeat"] is False


def _comes_back(city):
    """Tell whether PostgreSQL recovers by itself, as it does after a crash of a backend."""
    deadline = time.monotonic() + 5  # then it is started again, by hand
    while time.monotonic() < deadline:
        try:
            psycopg.connect(city.postgres.url, connect_timeout=30).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return True
    return False
