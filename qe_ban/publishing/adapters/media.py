"""Where pictures are kept: a store of files by the digest of the picture, and one that is a directory."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from qe_ban.publishing.errors import StoreAway

FULL: Final = "full"
"""The name of a picture's file in its whole size; the smaller ones are named by their width (`320`)."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"full|[1-9][0-9]{0,4}", re.ASCII)
_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_NEW: Final = "new-"
_TRIES: Final = 10


class MediaStore(Protocol):
    """Keeps the files of pictures, each by its digest (64 hexadecimal digits) and name. All raise StoreAway."""

    def store(self, digest: str, files: Mapping[str, bytes]) -> None:
        """Keep a picture's files, all or none of them, durable when this returns; those of one that is kept stay."""

    def open(self, digest: str, name: str) -> BinaryIO | None:
        """Open one file at its beginning; None where there is none."""

    def remove(self, digest: str) -> None:
        """Let a picture go, if it is there."""

    def digests(self, *, before: datetime) -> Iterator[str]:
        """Return the digests of pictures that were last handed in before a moment."""

    def tidy(self, *, before: datetime) -> None:
        """Remove what was begun before a moment and never ended: a process died in the midst of it."""


class DirectoryStore:
    """Pictures in a directory, `ab/<digest>/{full,320,...}`: complete or not there, whoever else works in it.

    A picture is written beside its place, to the disk, and appears by one renaming. The directory may be shared by
    machines; it is made when it is missing. Without a directory the store is away.
    """

    def __init__(self, path: Path | None) -> None:
        """`path`: an absolute one, or None where this installation keeps no pictures."""
        self._path = path

    def store(self, digest: str, files: Mapping[str, bytes]) -> None:
        """Keep a picture's files. Raises StoreAway, with nothing half done; ValueError for a digest that is none."""
        with _away():
            place = self._place(digest)
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            if _touch(place):
                return
            new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
            try:
                for name, data in files.items():
                    _write(new / name, data)
                _sync(new)
                _appear(new, place)
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def open(self, digest: str, name: str) -> BinaryIO | None:
        """Open one file. Raises StoreAway."""
        if not _DIGEST.fullmatch(digest) or not _NAME.fullmatch(name):
            return None
        with _away():
            try:
                return (self._place(digest) / name).open("rb")
            except FileNotFoundError:
                return None

    def remove(self, digest: str) -> None:
        """Let a picture go. Raises StoreAway; ValueError for a digest that is none."""
        with _away():
            place, trash = self._place(digest), Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
            try:
                # away in one step: nobody sees a picture without some of its sizes
                place.rename(trash / digest)
            except FileNotFoundError:
                return
            finally:
                shutil.rmtree(trash, ignore_errors=True)

    def digests(self, *, before: datetime) -> Iterator[str]:
        """Return the digests of pictures last handed in before a moment. Raises StoreAway."""
        with _away():
            shards = [shard for shard in _entries(self._root) if _SHARD.fullmatch(shard.name)]
        for shard in shards:
            with _away():
                names = [place.name for place in _entries(shard) if _DIGEST.fullmatch(place.name)]
                old = [name for name in names if _is_older(shard / name, before)]
            yield from old

    def tidy(self, *, before: datetime) -> None:
        """Remove what was begun before a moment and never ended. Raises StoreAway."""
        with _away():
            for place in _entries(self._root):
                if place.name.startswith(_NEW) and _is_older(place, before):
                    shutil.rmtree(place, ignore_errors=True)

    @property
    def _root(self) -> Path:
        if self._path is None:
            raise StoreAway
        return self._path

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a digest has 64 hexadecimal digits")
        return self._root / digest[:2] / digest


@contextmanager
def _away() -> Iterator[None]:
    """Turn what the system says of a directory into StoreAway."""
    try:
        yield
    except OSError as error:
        raise StoreAway from error


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Have a directory's entries on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _appear(new: Path, place: Path) -> None:
    """Move a complete picture to its place; where another process was faster, its picture is the same."""
    for _ in range(_TRIES):
        try:
            new.rename(place)
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        if _touch(place):
            break
        # gone again in between: a third process removed it
    else:
        raise StoreAway
    _sync(place.parent)
    _sync(place.parent.parent)


def _touch(place: Path) -> bool:
    """Note that a picture was handed in again; False where it is not kept."""
    try:
        os.utime(place)
    except FileNotFoundError:
        return False
    return True


def _entries(directory: Path) -> list[Path]:
    """Return what is in a directory; nothing where it has never been made."""
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []


def _is_older(place: Path, before: datetime) -> bool:
    try:
        return datetime.fromtimestamp(place.lstat().st_mtime, UTC) < before
    except FileNotFoundError:
        return False
