"""A process that was asked to end says so with each answer; nobody's handlers are replaced."""

import subprocess
import sys
import threading

import pytest

from qe_ban.web import draining, edge
from tests.factories.waits import HANG_TIMEOUT

PROGRAM = """
import os, signal, time
from qe_ban.web import draining
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append("before"))
draining.listen()
# as granian does, after the app was loaded
signal.signal(signal.SIGTERM, lambda *_: heard.append("after"))
os.kill(os.getpid(), signal.SIGCHLD)
assert not draining.is_draining()
os.kill(os.getpid(), signal.SIGTERM)
for _ in range(1000):
    if draining.is_draining():
        break
    time.sleep(0.05)
print(draining.is_draining(), heard)
"""


def test_the_signal_is_heard_beside_whoever_handles_it():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=HANG_TIMEOUT, check=False
    )
    assert (result.returncode, result.stdout) == (0, "True ['after']\n"), result.stderr


def test_in_another_thread_nothing_is_heard_and_nothing_fails():
    failures = []

    def load():
        try:
            draining.listen()
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    thread.join(HANG_TIMEOUT)
    assert failures == []


@pytest.mark.parametrize(("drains", "connection"), [(False, None), (True, "close")])
def test_while_it_drains_each_answer_closes_its_connection(client, monkeypatch, drains, connection):
    monkeypatch.setattr(edge, "is_draining", lambda: drains)
    assert client.get("/healthz").headers.get("Connection") == connection
    assert client.get("/nowhere").headers.get("Connection") == connection
