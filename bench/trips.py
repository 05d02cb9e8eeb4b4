"""Counts round trips: the app runs in this process, and its engines are reached through relays that count."""

import select
import shutil
import socket
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

from flask.testing import FlaskClient

from bench.load import BenchFailed
from qe_ban.app import create_app
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.web.parts import part

POSTGRES_SOCKET = ".s.PGSQL.5432"
WARM_UP, SAMPLES = 5, 25
Send = Callable[[FlaskClient], None]


@dataclass(frozen=True, slots=True)
class Trips:
    """Round trips of one request."""

    postgresql: int
    valkey: int


class Relay:
    """A Unix socket in front of another one; a trip begins whenever a client writes after it was answered."""

    def __init__(self, path: Path, target: Path) -> None:
        """Listen at `path`; connections are made to `target`."""
        self.trips = 0
        self._target = str(target)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            has_answered = True
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client and has_answered:
                        self.trips += 1
                    has_answered = source is server
                    (server if source is client else client).sendall(data)


class Counter:
    """A context: inside it an app of its own answers, whose every word to PostgreSQL and Valkey is counted."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings of a running instance with its engines on Unix sockets."""
        self._settings = settings

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="qe-bench-"))
        sockets = parse_qs(urlsplit(self._settings.database_url).query)["host"][0]
        valkey = urlsplit(self._settings.redis_url)
        self.postgresql = Relay(self._directory / POSTGRES_SOCKET, Path(sockets) / POSTGRES_SOCKET)
        self.valkey = Relay(self._directory / "valkey", Path(unquote(valkey.path)))
        url = self._settings.database_url.partition("?")[0]
        self._app = create_app(
            replace(
                self._settings,
                database_url=f"{url}?host={quote(str(self._directory))}",
                redis_url=f"unix://{quote(str(self._directory / 'valkey'))}?{valkey.query}",
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._app.app_context():
            part(Database).dispose()
        self.postgresql.close()
        self.valkey.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def count(self, requests: Iterable[bytes], right: bytes, status: int = 200) -> Trips:
        """Send raw requests one by one; return the median of what one takes. Raises BenchFailed for a wrong answer."""
        client, counts = self._app.test_client(), []
        for request in requests:
            before = self.postgresql.trips, self.valkey.trips
            _send(client, request, right, status)
            counts.append((self.postgresql.trips - before[0], self.valkey.trips - before[1]))
        # the first ones also connect and prepare their statements; now and then one polls keys and revocations
        samples = counts[WARM_UP:]
        return Trips(*(int(statistics.median(column)) for column in zip(*samples, strict=True)))


def _send(client: FlaskClient, request: bytes, right: bytes, status: int) -> None:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split()
    headers = [line.partition(": ")[::2] for line in lines]
    answer = client.open(path, method=method, headers=headers, data=body or None)
    if answer.status_code != status or right not in answer.get_data():
        raise BenchFailed(f"a counted answer was wrong: {answer.status_code} {answer.get_data()[:300]!r}")
