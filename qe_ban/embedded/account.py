"""Whom PostgreSQL runs as: it refuses root, so root lends it an unprivileged account that can still reach the home."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qe_ban.embedded import launch
from qe_ban.embedded.errors import EngineFailed
from qe_ban.message import Message

CANDIDATES = ("postgres", "nobody")
# the first only passes closed parent directories; some containers grant root the second alone
CAPABILITIES = ("dac_read_search", "dac_override")
PROBE_SECONDS = 20


@dataclass(frozen=True)
class Account:
    """A user and group id, and how a child comes to run as them."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    popen_switches: bool = False

    @classmethod
    def own(cls) -> "Account":
        """Return the account of this process: nothing is switched."""
        return cls(os.geteuid(), os.getegid())

    @property
    def is_switched(self) -> bool:
        """Whether this is another account than that of this process."""
        return self.popen_switches or bool(self.prefix)


def unprivileged_ids(directory: Path) -> tuple[int, int]:
    """Return user and group id for a server that refuses root: the owner of `directory`, else the first candidate.

    Raises EngineFailed when the machine has none of the candidates.
    """
    if directory.exists() and directory.stat().st_uid != 0:
        return directory.stat().st_uid, directory.stat().st_gid
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry.pw_uid, entry.pw_gid
    raise EngineFailed(
        Message(
            "PostgreSQL refuses to run as root and this machine has no user {candidates}",
            candidates=" or ".join(CANDIDATES),
        )
    )


def reaching(uid: int, gid: int, *, directories: Sequence[Path], program: Path) -> Account:
    """Return an account of these ids that really enters `directories` and runs `program`; only root may ask.

    Tried in order: setpriv lending a capability to pass closed directories, then a plain switch, for which the first
    two `directories` (ours) are opened for passage, not for listing. Raises EngineFailed when none works.
    """
    for account in _ways(uid, gid):
        if not account.prefix:
            for directory in directories[:2]:
                directory.chmod(0o711)
        if _works(account, directories, program):
            return account
    raise EngineFailed(
        Message(
            "user {uid} cannot be given access to {directory}: run as an ordinary user, or choose "
            "a home below directories that everyone may enter",
            uid=uid,
            directory=directories[0],
        )
    )


def _ways(uid: int, gid: int) -> Iterator[Account]:
    setpriv = shutil.which("setpriv")
    switch = ("--reuid", str(uid), "--regid", str(gid), "--clear-groups")
    for capability in CAPABILITIES if setpriv is not None else ():
        capabilities = (f"--inh-caps=-all,+{capability}", f"--ambient-caps=-all,+{capability}")
        yield Account(uid, gid, prefix=(str(setpriv), *switch, *capabilities))
    yield Account(uid, gid, popen_switches=True)


def _works(account: Account, directories: Sequence[Path], program: Path) -> bool:
    change_directories = " && ".join('cd "$1" && shift' for _ in directories)
    arguments = ["/bin/sh", "-c", f'{change_directories} && exec "$@"', "sh", *map(str, directories)]
    command = [sys.executable, "-I", "-S", launch.__file__, "9", str(os.getpid()), str(program), "--version"]
    try:
        result = subprocess.run(  # noqa: S603  the engine of our own wheel
            [*account.prefix, *arguments, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=PROBE_SECONDS,
            check=False,
            user=account.uid if account.popen_switches else None,
            group=account.gid if account.popen_switches else None,
            extra_groups=[] if account.popen_switches else None,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return result.returncode == 0
