"""Checks passwords with argon2id, one at once in a process: each takes 64 MiB and most of a core."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pwdlib.hashers.argon2 import Argon2Hasher

from qe_ban.accounts import errors

WAIT = 0.5
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$cWUtYmFuLW5vYm9keTAwMQ$q2Jf0y8qk2C1c0m8o0dC1m0l5S0bq6l9j0Qb3nq8u1E"
"""The hash that an unknown user's password is compared with, so that it costs the same; no password fits it."""


class Passwords:
    """The hasher of this process."""

    def __init__(self, wait: float = WAIT) -> None:
        """`wait`: how many seconds one may stand in line."""
        self._hasher, self._wait = Argon2Hasher(), wait
        self._one = threading.BoundedSemaphore(1)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the only place for the length of one sign-in. Raises SignInBusy when the line is too long."""
        if not self._one.acquire(timeout=self._wait):
            raise errors.SignInBusy
        try:
            yield
        finally:
            self._one.release()

    def hash(self, password: str) -> str:
        """Give a new hash in the PHC string format."""
        return self._hasher.hash(password)

    def fits(self, password: str, hashed: str | None) -> bool:
        """Tell whether a password fits; None, for nobody's, costs as much and never fits."""
        return self._hasher.verify(password, hashed or NOBODYS) and hashed is not None
