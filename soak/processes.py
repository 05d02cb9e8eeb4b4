"""Finds the processes of one installation by its tree, and nobody else's."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """Return a process and all its descendants, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            parents.setdefault(_parent(entry), []).append(int(entry.name))
    pids = [root]
    for pid in pids:
        pids += sorted(parents.get(pid, ()))
    return pids


def command(pid: int) -> str:
    """Return a process's command line, empty when it has ended."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    return [child for child in tree(pid)[1:] if _parent(PROC / str(child)) == pid]


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes; one that has just ended is no fault."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _parent(process: Path) -> int:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] in "ZX" else int(fields[1])
