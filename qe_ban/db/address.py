"""The address of a database in every form that libpq takes, read by libpq itself, for all that connects.

SQLAlchemy's own reading differs: it knows no list of hosts before the path, and gives one port to all of them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from qe_ban.message import Message

Server: TypeAlias = tuple[str, str, str]
"""Host, numeric address and port, as libpq takes them; each may be empty."""

_DRIVER: Final = re.compile(r"^postgres(?:ql)?(?:\+psycopg)?://")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[^/@:\[\]]+):(?P<port>\d+)")
DEFAULT_PORT: Final = "5432"
SPELLING: Final = Message("in a password spell @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25")
_OPTION: Final = re.compile(r'invalid (?:URI query parameter: "|connection option ")[a-z_]{1,40}"\s*')


class AddressInvalid(ValueError):
    """The text is no address of a PostgreSQL database."""


class Address:
    """One database on one server or on several, of which the one that answered last is asked first."""

    def __init__(self, text: str) -> None:
        """Take a `postgresql://` URL or libpq's `host=... dbname=...`. Raises AddressInvalid."""
        try:
            options = conninfo_to_dict(_to_libpq(text))
        except (psycopg.ProgrammingError, UnicodeError) as error:
            raise AddressInvalid(_safe_message(str(error))) from error
        self._options: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        self.servers = _servers(self._options)
        self._first = 0

    @property
    def options(self) -> dict[str, Any]:
        """Return what psycopg connects with: the servers in the order in which they are to be tried."""
        servers = self.servers[self._first :] + self.servers[: self._first]
        lists = zip(("host", "hostaddr", "port"), zip(*servers, strict=True), strict=True)
        return self._options | {name: ",".join(values) for name, values in lists if any(values)}

    def prefer(self, host: str, port: int) -> None:
        """Try this server first from now on: each attempt at a machine that is gone takes seconds."""
        for number, (name, numeric, own_port) in enumerate(self.servers):
            if host in (name, numeric) and (own_port or DEFAULT_PORT) == str(port):
                self._first = number
                return

    def __str__(self) -> str:
        """Return the servers for a person, without user and password."""
        return ", ".join(_server_text(name or numeric, port) for name, numeric, port in self.servers)


def _server_text(host: str, port: str) -> str:
    if host.startswith(("/", "@")) or not host:
        return host or "the local socket"
    return f"{f'[{host}]' if ':' in host else host}:{port or DEFAULT_PORT}"


def _to_libpq(text: str) -> str:
    """Spell as libpq does what SQLAlchemy's users know: its scheme, and one `host` of the query for each server."""
    scheme = _DRIVER.match(text.strip())
    if scheme is None:
        return text.strip()
    place, mark, query = text.strip()[scheme.end() :].partition("?")
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        values.setdefault(name, []).append(value)
    _separate_ports(values)
    options = {
        name: ",".join(texts) if name in ("host", "hostaddr", "port") else texts[-1] for name, texts in values.items()
    }
    return f"postgresql://{place}{mark}{urlencode(options, quote_via=quote, errors='surrogateescape')}"


def _separate_ports(values: dict[str, list[str]]) -> None:
    """Turn each `host=name:port` of a query into a host and a port of their own. Raises AddressInvalid."""
    hosts = [host for value in values.get("host", ()) for host in value.split(",")]
    matches = [_HOST_AND_PORT.fullmatch(host) for host in hosts]
    if not any(matches):
        return
    if "port" in values:
        raise AddressInvalid(Message("the hosts have ports of their own, and `port` gives others"))
    pairs = [
        (match["host"], match["port"]) if match else (host, "") for match, host in zip(matches, hosts, strict=True)
    ]
    values["host"], values["port"] = [[",".join(column)] for column in zip(*pairs, strict=True)]


def _servers(options: Mapping[str, Any]) -> tuple[Server, ...]:
    """Pair hosts with ports as libpq does: one port for all, or one for each. Raises AddressInvalid."""
    lists = [str(options.get(name) or "").split(",") for name in ("host", "hostaddr", "port")]
    number = max(len(values) for values in lists[:2])
    for values, name in zip(lists, ("hosts", "addresses", "ports"), strict=True):
        if len(values) not in (1, number):
            raise AddressInvalid(
                Message("{number} hosts and {values} {name}", number=number, values=len(values), name=name)
            )
    hosts, _, ports = lists
    _check_hosts(hosts)
    _check_ports(ports)
    return tuple(zip(*(values * number if len(values) == 1 else values for values in lists), strict=True))


def _check_hosts(hosts: Sequence[str]) -> None:
    if any("@" in host[1:] and not host.startswith("/") for host in hosts):
        raise AddressInvalid(Message("a host has an @; {spelling}", spelling=SPELLING))


def _check_ports(ports: Sequence[str]) -> None:
    for place, port in enumerate(ports, 1):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
            # never the text itself: it may be a part of a password that is spelled otherwise
            raise AddressInvalid(
                Message(
                    "the port of host {place} is no number from 1 to 65535; {spelling}", place=place, spelling=SPELLING
                )
            )


def _safe_message(message: str) -> str:
    """Return libpq's message where it names an option; others quote parts of the address, which may be a password."""
    if _OPTION.fullmatch(message):
        return message.strip()
    return Message("it cannot be read; {spelling}", spelling=SPELLING)
