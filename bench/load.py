"""Drives wrk: sends prepared requests for a while, looks at every answer, gives rate and times."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("requests.lua")
CONNECTIONS = 8
GRACE = 20.0


class BenchFailed(Exception):
    """The run cannot go on, or an answer was wrong; the message is one line."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one stretch of load gave: requests, their rate a second, and the times of an answer in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float


def find_wrk() -> str:
    """Return the path of wrk, installed by apt where it is missing and we may. Raises BenchFailed."""
    path = shutil.which("wrk")
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "--no-install-recommends", "wrk"]
        for command in (install, ["apt-get", "update"], install):
            if shutil.which("wrk") is None:
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        path = shutil.which("wrk")
    if path is None:
        raise BenchFailed("wrk is missing: install it (Debian: apt-get install wrk) and start again")
    return path


def raw_request(
    method: str, path: str, *, token: str = "", body: bytes | None = None, accept: str = "application/json",
    content_type: str = "application/json", more: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """Return the bytes of an HTTP/1.1 request as a client sends it; `more` are further lines of its head."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench", f"Accept: {accept}", *more]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def run(
    wrk: str,
    port: int,
    requests: Iterable[bytes],
    *,
    right: str,
    seconds: float,
    pause: float = 0.0,
    again: bool = False,
    status: int = 200,
) -> Slice:
    """Send the requests for at most `seconds`, on a few connections, and measure.

    `right` is what every right answer contains, `pause` the mean time in milliseconds that a connection waits before
    each request, `again` starts over when all are sent (else the run is over then). Raises BenchFailed when any answer
    was not of `status` or not right.
    """
    with tempfile.NamedTemporaryFile(prefix="qe-bench-", suffix=".requests") as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
        file.flush()
        words = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(SCRIPT)]
        words += [
            f"http://127.0.0.1:{port}",
            "--",
            file.name,
            right,
            f"{pause:.3f}",
            "again" if again else "once",
            str(status),
        ]
        try:
            process = subprocess.run(words, capture_output=True, check=False, timeout=seconds + GRACE)
        except subprocess.TimeoutExpired:
            raise BenchFailed(f"wrk did not end {GRACE:.0f} s after its time") from None
    return _read(process.stdout.decode("utf-8", "replace"), process.stderr.decode("utf-8", "replace"))


def _read(output: str, errors: str) -> Slice:
    line = next((line for line in output.splitlines() if line.startswith("RESULT\t")), None)
    if line is None:
        raise BenchFailed(f"wrk said nothing of use: {(errors or output).strip()[:300]}")
    requests, micros, p50, p99, bad, without_answer, sample = line.split("\t")[1:8]
    if int(bad):
        raise BenchFailed(f"{bad} of {requests} answers were wrong, the first one: {sample}")
    if int(without_answer) or not int(requests):
        raise BenchFailed(f"{without_answer} of {requests} requests had no answer")
    return Slice(int(requests), int(requests) / (int(micros) / 1e6), int(p50) / 1000, int(p99) / 1000)
