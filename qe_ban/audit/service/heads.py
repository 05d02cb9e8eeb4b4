"""The chain's heads outside the database: a file of JSON lines that only grows, for the operator to ship away."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from qe_ban.audit.models import Seal
from qe_ban.audit.rules import statement

_TAIL = 65536
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """One seal as it is told outside. Who has it can tell whether the chain up to it was written anew."""

    n: int
    at: str
    leaves: int
    head: str
    jws: str = ""

    def line(self) -> str:
        """Return the line of the file."""
        fields = {"n": self.n, "at": self.at, "leaves": self.leaves, "head": self.head, "jws": self.jws}
        return json.dumps(fields, separators=(",", ":"))


class HeadsDiffer(Exception):
    """The file's last head is not in the database's chain: one of the two was changed, or is of another time."""


def statement_of(seal: Seal) -> statement.Statement:
    """Return what a seal of the database states; its ids are loaded where they were not yet."""
    return statement.Statement(
        n=seal.n,
        at=statement.epoch_text(seal.at),
        leaves=seal.leaves,
        top=seal.top,
        more=seal.more,
        root=seal.root,
        previous=seal.previous,
        ids=statement.digest(seal.ids),
    )


def head_of(seal: Seal) -> Head:
    """Return a seal's head."""
    content = statement_of(seal)
    return Head(
        seal.n,
        content.at,
        seal.leaves,
        content.head(seal.kid, seal.signature).hex(),
        content.jws(seal.kid, seal.signature),
    )


def read(lines: Iterable[str]) -> tuple[list[Head], int]:
    """Return the heads of a file's lines, and how many lines were none: a crash may leave half a line."""
    heads, unreadable = [], 0
    for line in lines:
        if not line.strip():
            continue
        head = _parse(line)
        if head is None:
            unreadable += 1
        else:
            heads.append(head)
    return heads, unreadable


def append(session: Session, path: Path) -> None:
    """Write those heads of the chain that the file lacks, to the disk; call it when the seals have committed.

    Raises OSError, and HeadsDiffer when what the file says last is not so in the database: nothing is written then.
    """
    last = _last(path)
    if last is not None:
        last_seal = session.get(Seal, last.n)
        if last_seal is None or head_of(last_seal).head != last.head:
            raise HeadsDiffer
    after = last.n if last is not None else 0
    following = select(Seal).options(undefer(Seal.ids)).order_by(Seal.n).limit(_AT_ONCE)
    while seals := session.scalars(following.where(Seal.n > after)).all():
        _write(path, [head_of(seal).line() for seal in seals])
        after = seals[-1].n
        session.expunge_all()


def _write(path: Path, lines: Sequence[str]) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640), "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        needs_newline = bool(end) and os.pread(file.fileno(), 1, end - 1) != b"\n"
        file.write(("\n" * needs_newline + "".join(f"{line}\n" for line in lines)).encode())
        os.fsync(file.fileno())


def _last(path: Path) -> Head | None:
    """Return the file's last head; a line that a crash cut is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            tail = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    heads, _ = read(tail.split("\n"))
    return heads[-1] if heads else None


def _parse(line: str) -> Head | None:
    try:
        fields: Any = json.loads(line)
        head = Head(fields["n"], str(fields["at"]), fields["leaves"], fields["head"], str(fields.get("jws", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return head if isinstance(head.n, int) and isinstance(head.head, str) else None
