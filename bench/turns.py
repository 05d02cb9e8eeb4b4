"""Serves requests in this process, so many at each word on standard input, and says what each took of the processor.

Run as a script with another checkout first on PYTHONPATH, it measures that one: see `bench.beside`.
"""

import gc
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.people import People
from bench.stand import Stand
from qe_ban.app import create_app

PROC = Path("/proc")
LOADS = ("verify", "wallet")
Environ = dict[str, Any]


def main() -> int:
    """Say "ready"; then for each line `load count`: microseconds of ours and of PostgreSQL's for each request."""
    with Stand() as stand:
        people = People(stand.parts, residents=400)
        app = create_app(stand.settings)
        gc.collect()
        gc.freeze()
        _say("ready")
        for line in sys.stdin:
            load, count = line.split()
            requests = getattr(people, load)(int(count))
            _say(json.dumps(_turn(app, [_environ(request) for request in requests])))
    return 0


def _turn(app: Any, requests: list[Environ]) -> tuple[float, float]:
    statuses: list[str] = []

    def start(status: str, _headers: object, _error: object = None) -> None:
        statuses.append(status)

    engine, ours = _of_postgres(), time.thread_time()
    for environ in requests:
        for _ in app(environ, start):
            pass
    ours, engine = time.thread_time() - ours, _of_postgres() - engine
    wrong = [status for status in statuses if not status.startswith("200")]
    if wrong or len(statuses) != len(requests):
        raise SystemExit(f"bench: an answer was not right: {wrong[:1]}")
    return ours / len(requests) * 1e6, engine / len(requests) * 1e6


def _environ(request: bytes) -> Environ:
    head, body = request.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    environ: Environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    for name, value in (line.split(": ", 1) for line in lines):
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


def _of_postgres() -> float:
    """Return the processor seconds of PostgreSQL's processes below this one."""
    parents, engines = {}, set()
    for path in PROC.glob("[0-9]*"):
        try:
            name, rest = (path / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        parents[int(path.name)] = int(rest.split()[1])
        if name.endswith("(postgres"):
            engines.add(path)
    return sum(_seconds(path) for path in engines if _is_below(int(path.name), parents))


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = parents.get(pid, 0)
    return pid == os.getpid()


def _seconds(path: Path) -> float:
    try:
        return int((path / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
