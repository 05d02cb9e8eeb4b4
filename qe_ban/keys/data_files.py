"""The files of data keys: outside PostgreSQL, so that neither its log nor its backups keep what was destroyed.

One file for each owner (`data_keys.Owner`), with a place of 32 bytes for each number: zeros where no key was ever
written, `TOMBSTONE` where one was destroyed, else the key. A place lies within one sector and is never used twice.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from qe_ban.kernel.errors import NotFound, Unavailable

SIZE: Final = 32
EMPTY: Final = bytes(SIZE)
TOMBSTONE: Final = b"destroyed".ljust(SIZE, b"\0")
"""No storage reads so on its own, as some read ones where nothing was written: nobody is deleted by a broken disk."""
_OPEN_FOR: Final = 2.0
"""Seconds. A shared file system shows what another machine has written at the latest when a file is opened anew."""
_PLACES: Final = 48
"""Bits of a number that say the place; those above say whose file it is."""


class DataKeysAway(Unavailable):
    """The directory of data keys cannot be reached, or is older than the database: nothing is said of what it opens."""

    code = "data_keys_away"
    detail = "数据密钥暂时不可用，请稍后重试"


class DataKeyDestroyed(NotFound):
    """What is sealed was to be deleted, and the key that opened it was destroyed: nothing opens it again."""

    code = "data_key_destroyed"
    detail = "相关信息已删除，无法恢复"


def number_of(owner: int, place: int) -> int:
    """Return the number of a data key: of whom it is, and its place in that file."""
    return (owner << _PLACES) + place


class _OpenFile:
    """A file that is open for reading until nobody reads from it any more."""

    __slots__ = ("number", "until")

    def __init__(self, path: Path) -> None:
        self.number = -1
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.until = time.monotonic() + _OPEN_FOR

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


class DataKeyFiles:
    """The directory of data keys. No key is cached: what one machine destroys no other has seconds later."""

    def __init__(self, directory: Path | None) -> None:
        """`directory`: an absolute path that all machines see, or None, with which every key is away."""
        self._directory = directory
        self._open: dict[int, _OpenFile] = {}
        self._ready: dict[int, list[int]] = {}

    def key(self, number: int) -> bytes:
        """Return a key. Raises DataKeyDestroyed, DataKeysAway."""
        owner = number >> _PLACES
        try:
            file = self._open.get(owner)
            if file is None or file.until < time.monotonic():
                self._open.pop(owner, None)
                file = self._open[owner] = _OpenFile(self._path(number))
            key = os.pread(file.number, SIZE, _offset(number))
        except OSError as error:
            raise DataKeysAway from error
        if key == TOMBSTONE:
            raise DataKeyDestroyed
        if len(key) < SIZE or key == EMPTY:
            raise DataKeysAway
        return key

    def is_destroyed(self, number: int) -> bool:
        """Return whether a key was destroyed. Raises DataKeysAway."""
        return bool(self.filter_destroyed([number]))

    def filter_destroyed(self, numbers: Sequence[int]) -> set[int]:
        """Return those keys of one owner that were destroyed. Raises DataKeysAway."""
        if not numbers:
            return set()
        with self._open_descriptor(numbers[0], os.O_RDONLY) as file:
            return {number for number in numbers if os.pread(file, SIZE, _offset(number)) == TOMBSTONE}

    def exist(self, owner: int) -> bool:
        """Return whether there is a file for an owner."""
        return self._directory is not None and self._path(number_of(owner, 0)).is_file()

    def create(self, owner: int) -> None:
        """Make an owner's file, and the directory. Raises DataKeysAway."""
        with _away():
            path = self._path(number_of(owner, 0))
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def fill(self, numbers: Sequence[int]) -> list[int]:
        """Write new keys to the disk for those numbers of one owner whose places are empty, and return these.

        Whoever restores an older database is given numbers a second time: their keys stay as they are. Raises
        DataKeysAway.
        """
        with self._open_descriptor(numbers[0], os.O_RDWR) as file:
            # of two databases that were given one directory by mistake neither overwrites the other's key
            fcntl.flock(file, fcntl.LOCK_EX)
            free = [number for number in numbers if os.pread(file, SIZE, _offset(number)) in (b"", EMPTY)]
            for number in free:
                os.pwrite(file, secrets.token_bytes(SIZE), _offset(number))
            os.fsync(file)
        return free

    def take(self, owner: int, make: Callable[[], list[int]]) -> int:
        """Return the number of one of the keys that this process has ready for an owner, by lot.

        Where there is none `make` gives the numbers of new ones. Those that are never taken open nothing.
        """
        ready = self._ready.setdefault(owner, [])
        try:
            # one call, which no other thread can come between
            return ready.pop()
        except IndexError:
            numbers = make()
            secrets.SystemRandom().shuffle(numbers)
            number = numbers.pop()
            ready += numbers
            return number

    def destroy(self, numbers: Sequence[int]) -> None:
        """Overwrite keys in their places, on the disk; done again it changes nothing. Raises DataKeysAway."""
        for number in numbers:
            with self._open_descriptor(number, os.O_RDWR) as file:
                os.pwrite(file, TOMBSTONE, _offset(number))
                os.fsync(file)

    @contextmanager
    def _open_descriptor(self, number: int, flags: int) -> Iterator[int]:
        with _away():
            file = os.open(self._path(number), flags | os.O_CLOEXEC)
            try:
                yield file
            finally:
                os.close(file)

    def _path(self, number: int) -> Path:
        if self._directory is None:
            raise DataKeysAway
        return self._directory / f"{number >> _PLACES}.keys"


def _offset(number: int) -> int:
    return (number & ((1 << _PLACES) - 1)) * SIZE


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataKeysAway from error
