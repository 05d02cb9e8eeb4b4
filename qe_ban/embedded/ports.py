"""Whether a TCP port is free, also against servers that share ports with SO_REUSEPORT."""

import errno
import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

CONNECT_SECONDS = 0.5
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where to ask for who listens everywhere
NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def port_is_free(host: str, port: int) -> bool:
    """Return whether nobody listens on `port` of `host` (a local name or address) and we could.

    Raises OSError when `host` is unknown or not of this machine, or the port is not allowed to us.
    """
    absent: OSError | None = None
    bound = False
    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        try:
            if _somebody_answers(family, address) or not _can_bind(family, address):
                return False
            bound = True
        except OSError as error:
            # a name may also stand for an address that this machine lacks, as localhost for ::1
            if error.errno not in NOT_HERE:
                raise
            absent = error
    if absent is not None and not bound:
        raise absent
    return True


def free_port() -> int:
    """Return a port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def reserve(port: int) -> int | None:
    """Claim a port among this user's instances before anything listens on it; return a descriptor to hold, or None.

    Two servers of one user may share a port with SO_REUSEPORT and would serve two cities in turns. Raises OSError.
    """
    path = Path(tempfile.gettempdir()) / f"qe-ban-{os.geteuid()}-port-{port}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _somebody_answers(family: int, address: tuple[Any, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS)
        return probe.connect_ex((ANY_ADDRESS.get(address[0], address[0]), *address[1:])) == 0


def _can_bind(family: int, address: tuple[Any, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # connections of a server that just ended (TIME_WAIT) are no reason to refuse; one that listens still is
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
