"""Follows links over HTTP: whether they lead somewhere, within seconds, and never into our own network."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPException
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

CONNECT_OR_READ: Final = 3.0
OVER_ALL: Final = 8.0
AT_ONCE: Final = 8
DEAD: Final = frozenset({404, 410})
NO_HEAD: Final = frozenset({405, 501})
HEADERS: Final = {"User-Agent": "qe-ban link check", "Accept": "*/*", "Accept-Encoding": "identity"}
GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All that is given out of IPv6 (RFC 4291, 2.4); outside of it an address may stand for one of IPv4, or of a site."""
MAX_ADDRESSES: Final = 2
PORTS: Final = {"http": 80, "https": 443}


class LinkState(StrEnum):
    """What came of following a link. Unreachable says nothing for certain: it may be us, or the moment."""

    ALIVE = "alive"
    DEAD = "dead"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of following one link; `status` where there was an answer."""

    state: LinkState
    status: int | None


UNREACHABLE: Final = Answer(LinkState.UNREACHABLE, None)


class HttpLinks:
    """Asks the hosts themselves: HEAD, then GET where that is not known or where it is not found; no body is read.

    A redirection is an answer and is not followed. Only public addresses are asked: a name that leads to our own
    network is unreachable, whatever it leads to the next moment: we connect to the address that was looked at.
    """

    def __init__(self, *, private: bool = False, patience: float = CONNECT_OR_READ, over_all: float = OVER_ALL) -> None:
        """`private`: ask private and loopback addresses too. `patience`: seconds for connecting, and for each read."""
        self._private, self._patience, self._over_all = private, patience, over_all

    def follow(self, urls: Sequence[str]) -> Mapping[str, Answer]:
        """Follow links, eight at once and all of them within some eight seconds.

        What there was no time to begin with is not in the answer.
        """
        visits = [_Visit(url, self._patience, private=self._private) for url in dict.fromkeys(urls)]
        if not visits:
            return {}
        pool = ThreadPoolExecutor(min(AT_ONCE, len(visits)), thread_name_prefix="links")
        try:
            futures = {pool.submit(visit.answer): visit for visit in visits}
            finished_visits, unfinished_visits = wait(futures, timeout=self._over_all)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for future in unfinished_visits:
            # a host that drips a byte now and then would hold its thread for ever
            futures[future].give_up()
        unreachable = {futures[future].url: UNREACHABLE for future in unfinished_visits if _began(future)}
        return unreachable | {
            futures[future].url: future.result() for future in finished_visits if not future.cancelled()
        }


class _Visit:
    """One link that is being followed."""

    def __init__(self, url: str, patience: float, *, private: bool) -> None:
        self.url, self._patience, self._private = url, patience, private
        self._connection: HTTPConnection | None = None
        self._lock, self._given_up = threading.Lock(), threading.Event()

    def answer(self) -> Answer:
        """Ask. What goes wrong, in whatever way, is unreachable."""
        try:
            status = self._status("HEAD")
            if status in NO_HEAD or status in DEAD:
                # some servers know no HEAD and say so by 404
                status = self._status("GET")
        except (HTTPError, HTTPException, OSError, ValueError):
            return UNREACHABLE
        if status in DEAD:
            return Answer(LinkState.DEAD, status)
        return Answer(LinkState.ALIVE if 200 <= status < 400 else LinkState.UNREACHABLE, status)

    def give_up(self) -> None:
        """End what is going on, from another thread."""
        with self._lock:
            self._given_up.set()
            sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _status(self, method: str) -> int:
        url = parse_url(self.url)
        host = (url.host or "").strip("[]")
        if url.scheme not in PORTS or not host or url.auth:
            raise ValueError("no address that is followed")
        connection = self._connect_to_any(url.scheme, host, url.port or PORTS[url.scheme])
        try:
            headers = HEADERS | {"Host": url.netloc or ""}
            connection.request(method, url.request_uri, headers=headers, preload_content=False)
            response = connection.getresponse()
            response.close()
            return response.status
        finally:
            connection.close()

    def _connect_to_any(self, scheme: str, host: str, port: int) -> HTTPConnection:
        """Return a connection to the first of the host's addresses that takes one. Raises OSError, ValueError."""
        *others, last = self._addresses(host, port)
        for address in others:
            with contextlib.suppress(OSError, HTTPError):
                return self._connect(scheme, host, address, port)
        return self._connect(scheme, host, last, port)

    def _connect(self, scheme: str, host: str, address: str, port: int) -> HTTPConnection:
        if scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                address, port, timeout=self._patience, server_hostname=host, assert_hostname=host
            )
        else:
            connection = HTTPConnection(address, port, timeout=self._patience)
        self._register(connection)
        try:
            connection.connect()
            # it may have been given up while there was nothing yet to be shut
            self._register(connection)
        except (OSError, HTTPError):
            connection.close()
            raise
        return connection

    def _register(self, connection: HTTPConnection) -> None:
        """Let this be what is shut when we are given up. Raises TimeoutError when we are."""
        with self._lock:
            if self._given_up.is_set():
                raise TimeoutError
            self._connection = connection

    def _addresses(self, host: str, port: int) -> list[str]:
        """Look the host up: one or two addresses, all of which are public. Raises OSError, ValueError."""
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        if not addresses or (not self._private and not all(_is_public(address) for address in addresses)):
            raise ValueError("leads into a private network")
        return addresses[:MAX_ADDRESSES]


def _is_public(address: str) -> bool:
    """Return whether an address is of the public network; one of IPv6 that stands for one of IPv4 is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in GLOBAL_UNICAST or ip.sixtofour or ip.teredo):
        return False
    return ip.is_global and not ip.is_multicast


def _began(future: "Future[Answer]") -> bool:
    return not future.cancelled()
