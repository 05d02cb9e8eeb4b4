"""An XLSX file as a ZIP archive that nobody is trusted about: sizes are measured, not believed."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from qe_ban.items.errors import FileInvalid
from qe_ban.items.sheets.formats import ADVICE

PIECE: Final = 1 << 20
MOST_ENTRIES: Final = 2000
MOST_BYTES: Final = 1536 << 20
"""Of all entries together, unpacked; they are only ever read as a stream."""
MOST_RATIO: Final = 250
SMALL: Final = 16 << 20
"""An unpacked entry of up to this many bytes may be packed however well."""

_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile says of damaged, truncated, encrypted or oddly packed entries: a name that is no text is a ValueError,
# a place before the file's begin an OSError, a size beyond all sizes an OverflowError.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    LookupError,
    RuntimeError,
)
_LONGEST_MERGE = 64
_MERGE = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,30}:)?mergeCell\s[^<>]{0,200}?ref\s*=\s*[\"']([A-Z$0-9:]{1,40})[\"']")
_MARKUP_OVERLAP = 512


@dataclass(slots=True)
class Seen:
    """What was found when an entry was unpacked once: its real size, merged ranges, about how many rows."""

    size: int = 0
    rows: int = 0
    merged: list[str] = field(default_factory=list)


class Part:
    """An entry as a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Give up to `size` bytes, none at the end. Raises FileInvalid."""
        with _telling_damage():
            return self._stream.read(size)


class Archive:
    """The entries of a file that was found harmless: each was unpacked once, in pieces, and measured."""

    def __init__(self, file: zipfile.ZipFile, seen: dict[str, Seen]) -> None:
        self._file, self.seen = file, seen
        # OPC compares the names of parts without case (ECMA-376-2, 6.2.2.3)
        self._names = {name.casefold(): name for name in seen}

    def name_of(self, name: str) -> str:
        """Return how an entry is written in this file."""
        return self._names.get(name.casefold(), name)

    def has(self, name: str) -> bool:
        """Tell whether there is such an entry."""
        return name.casefold() in self._names

    @contextmanager
    def open(self, name: str) -> Iterator[Part]:
        """Give an entry as a stream. Raises FileInvalid where there is none, or none that can be read."""
        if not self.has(name):
            raise FileInvalid(f"XLSX 文件不完整，缺少 {name[:100]}；{ADVICE}")
        with _telling_damage():
            stream = self._file.open(self.name_of(name))
        with stream:
            yield Part(stream)

    def read(self, name: str, limit: int) -> bytes:
        """Give an entry of at most `limit` bytes. Raises FileInvalid."""
        if self.has(name) and self.seen[self.name_of(name)].size > limit:
            raise FileInvalid(f"XLSX 文件的 {name[:100]} 过大；{ADVICE}")
        with self.open(name) as stream:
            return stream.read()


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an XLSX file, measure it, and refuse bombs, macros and encryption. Raises FileInvalid."""
    with _telling_damage():
        file = zipfile.ZipFile(path)
    with file:
        with _telling_damage():
            seen = _measured(file, path.stat().st_size)
        # what the reader of the rows raises is not the file's fault
        yield Archive(file, seen)


@contextmanager
def _telling_damage() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise FileInvalid(f"XLSX 文件已损坏或不完整；{ADVICE}") from error


def _measured(file: zipfile.ZipFile, packed: int) -> dict[str, Seen]:
    entries = file.infolist()
    if len(entries) > MOST_ENTRIES:
        raise FileInvalid(f"XLSX 文件内含 {len(entries)} 个部件，最多 {MOST_ENTRIES} 个；{ADVICE}")
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) < len(names):
        raise FileInvalid(f"XLSX 文件内有重名的部件；{ADVICE}")
    if "EncryptedPackage" in names or any(entry.flag_bits & 0x1 for entry in entries):
        raise FileInvalid(f"文件加了密码；请取消密码，{ADVICE[1:]}")
    if any(entry.compress_type not in _PACKED for entry in entries):
        raise FileInvalid(f"XLSX 文件的压缩方式不受支持；{ADVICE}")
    if any(name.casefold().endswith("vbaproject.bin") for name in names):
        raise FileInvalid("文件含有宏（.xlsm）；请另存为不含宏的 .xlsx 再上传")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise FileInvalid(_too_large())
    seen, left = {}, MOST_BYTES
    for entry in entries:
        seen[entry.filename] = _unpacked(file, entry, left, packed)
        left -= seen[entry.filename].size
    return seen


def _unpacked(file: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, packed: int) -> Seen:
    """Unpack an entry into nothing, in pieces, and stop when there is more than may be."""
    seen, tail = Seen(), b""
    is_sheet = entry.filename.casefold().startswith("xl/worksheets/")
    most = max(SMALL, min(entry.compress_size, packed) * MOST_RATIO)
    with file.open(entry) as stream:
        while piece := stream.read(PIECE):
            seen.size += len(piece)
            if seen.size > left:
                raise FileInvalid(_too_large())
            if seen.size > most:
                raise FileInvalid(f"XLSX 文件的压缩比异常，拒绝解压；{ADVICE}")
            if is_sheet:
                seen.rows += piece.count(b"<row ")
                tail = _find_merged(seen, tail + piece)
    return seen


def _find_merged(seen: Seen, text: bytes) -> bytes:
    """Note the merged ranges in a piece of a sheet, and give its end, in which one may have begun.

    They stand behind all rows, where a reader of rows learns of them last.
    """
    if b"mergeCell" not in text:
        return text[-_MARKUP_OVERLAP:]
    end = 0
    for found in _MERGE.finditer(text):
        end = found.end()
        if len(seen.merged) < _LONGEST_MERGE:
            seen.merged.append(found[1].decode("ascii"))
    return text[max(end, len(text) - _MARKUP_OVERLAP) :]


def _too_large() -> str:
    return f"XLSX 文件解压后超过 {MOST_BYTES >> 20} MiB；请删除空白的格式行，或分成几个文件"
