"""The steps of a start, as they are told to whoever waits."""

from collections.abc import Callable
from typing import Final, TypeAlias

from qe_ban.message import Message

Say: TypeAlias = Callable[[Message], object]

ENGINES: Final = Message("starting PostgreSQL and Valkey")
SCHEMA: Final = Message("bringing the database to this version")
KEYS: Final = Message("looking after keys")
PEOPLE: Final = Message("loading the sandbox's people and venues")
SAMPLES: Final = {
    "catalogue": Message("loading the sample's items (a minute or more)"),
    "pages": Message("loading the sample's halls and zones (half a minute or more)"),
}
SERVERS: Final = Message("starting the job worker and the web workers")


def progress(count: int, total: int) -> Message:
    """Return the line that says how much of a sample is there."""
    return Message("  {done} of {total}", done=count, total=total)


def waiting(seconds: float, servers: str, why: str) -> Message:
    """Return the line that says that no server takes writes yet."""
    return Message(
        "waiting up to {seconds:.0f} s for a server that takes writes ({servers}): {why}",
        seconds=seconds,
        servers=servers,
        why=why,
    )


def old_valkey(version: str) -> Message:
    """Return the warning about a Valkey or Redis that nobody has tried this with."""
    return Message(
        "warning: QE_REDIS_URL answers as version {version}; older than 7.0 has not been tried", version=version
    )
