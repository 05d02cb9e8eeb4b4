"""An XLSX file as a ZIP archive that nobody is trusted about: sizes are measured, not believed."""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
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

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile says of damaged, truncated, encrypted or oddly packed entries: a name that is no text is a ValueError,
# a place before the file's begin an OSError, a size beyond all sizes an OverflowError.
_DAMAGE_ERRORS = (
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
class EntryMeasures:
    """What unpacking an entry once shows: its real size, merged ranges, about how many rows."""

    size: int = 0
    rows: int = 0
    merges: list[str] = field(default_factory=list)


class Part:
    """An entry as a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end. Raises FileInvalid."""
        with _refusing_damage():
            return self._stream.read(size)


class Archive:
    """The entries of a harmless file: each was unpacked once, in pieces, and measured."""

    def __init__(self, file: zipfile.ZipFile, measures: dict[str, EntryMeasures]) -> None:
        self._file, self.measures = file, measures
        # OPC compares the names of parts without case (ECMA-376-2, 6.2.2.3)
        self._names = {name.casefold(): name for name in measures}

    def name_of(self, name: str) -> str:
        """Return how an entry is written in this file."""
        return self._names.get(name.casefold(), name)

    def has(self, name: str) -> bool:
        """Return whether there is such an entry."""
        return name.casefold() in self._names

    @contextmanager
    def open(self, name: str) -> Iterator[Part]:
        """Yield an entry as a stream. Raises FileInvalid where there is none, or none that can be read."""
        if not self.has(name):
            raise FileInvalid(f"XLSX 文件不完整，缺少 {name[:100]}；{ADVICE}")
        with _refusing_damage():
            stream = self._file.open(self.name_of(name))
        with stream:
            yield Part(stream)

    def read(self, name: str, limit: int) -> bytes:
        """Return an entry of at most `limit` bytes. Raises FileInvalid."""
        if self.has(name) and self.measures[self.name_of(name)].size > limit:
            raise FileInvalid(f"XLSX 文件的 {name[:100]} 过大；{ADVICE}")
        with self.open(name) as stream:
            return stream.read()


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an XLSX file, measure it, and refuse bombs, macros and encryption. Raises FileInvalid."""
    with _refusing_damage():
        file = zipfile.ZipFile(path)
    with file:
        with _refusing_damage():
            measures = _measure(file, path.stat().st_size)
        # what the reader of the rows raises is not the file's fault
        yield Archive(file, measures)


@contextmanager
def _refusing_damage() -> Iterator[None]:
    try:
        yield
    except _DAMAGE_ERRORS as error:
        raise FileInvalid(f"XLSX 文件已损坏或不完整；{ADVICE}") from error


def _measure(file: zipfile.ZipFile, file_size: int) -> dict[str, EntryMeasures]:
    """Unpack every entry once, into nothing. Raises FileInvalid."""
    entries = file.infolist()
    _check_directory(entries)
    measures: dict[str, EntryMeasures] = {}
    bytes_left = MOST_BYTES
    for entry in entries:
        measures[entry.filename] = _measure_entry(file, entry, bytes_left, file_size)
        bytes_left -= measures[entry.filename].size
    return measures


def _check_directory(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what the archive's directory says of itself, before anything is unpacked. Raises FileInvalid."""
    if len(entries) > MOST_ENTRIES:
        raise FileInvalid(f"XLSX 文件内含 {len(entries)} 个部件，最多 {MOST_ENTRIES} 个；{ADVICE}")
    if len({entry.filename.casefold() for entry in entries}) < len(entries):
        raise FileInvalid(f"XLSX 文件内有重名的部件；{ADVICE}")
    for is_refused, message in _ENTRY_REFUSALS:
        if any(map(is_refused, entries)):
            raise FileInvalid(message)
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise FileInvalid(_too_large())


def _is_encrypted(entry: zipfile.ZipInfo) -> bool:
    return entry.filename == "EncryptedPackage" or bool(entry.flag_bits & 0x1)


def _has_unknown_compression(entry: zipfile.ZipInfo) -> bool:
    return entry.compress_type not in _COMPRESSIONS


def _is_macro(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.casefold().endswith("vbaproject.bin")


_ENTRY_REFUSALS: Final[tuple[tuple[Callable[[zipfile.ZipInfo], bool], str], ...]] = (
    (_is_encrypted, f"文件加了密码；请取消密码，{ADVICE[1:]}"),
    (_has_unknown_compression, f"XLSX 文件的压缩方式不受支持；{ADVICE}"),
    (_is_macro, "文件含有宏（.xlsm）；请另存为不含宏的 .xlsx 再上传"),
)
"""Which entries make a file unwelcome, and what is said then: of several reasons the first."""


def _measure_entry(file: zipfile.ZipFile, entry: zipfile.ZipInfo, bytes_left: int, file_size: int) -> EntryMeasures:
    """Unpack an entry into nothing, in pieces, and stop when there is more than may be."""
    measures, tail = EntryMeasures(), b""
    is_sheet = entry.filename.casefold().startswith("xl/worksheets/")
    max_size = max(SMALL, min(entry.compress_size, file_size) * MOST_RATIO)
    with file.open(entry) as stream:
        while piece := stream.read(PIECE):
            measures.size += len(piece)
            if measures.size > bytes_left:
                raise FileInvalid(_too_large())
            if measures.size > max_size:
                raise FileInvalid(f"XLSX 文件的压缩比异常，拒绝解压；{ADVICE}")
            if is_sheet:
                measures.rows += piece.count(b"<row ")
                tail = _find_merges(measures, tail + piece)
    return measures


def _find_merges(measures: EntryMeasures, text: bytes) -> bytes:
    """Note the merged ranges in a piece of a sheet, and return its end, in which one may have begun.

    They stand behind all rows, where a reader of rows learns of them last.
    """
    if b"mergeCell" not in text:
        return text[-_MARKUP_OVERLAP:]
    end = 0
    for match in _MERGE.finditer(text):
        end = match.end()
        if len(measures.merges) < _LONGEST_MERGE:
            measures.merges.append(match[1].decode("ascii"))
    return text[max(end, len(text) - _MARKUP_OVERLAP) :]


def _too_large() -> str:
    return f"XLSX 文件解压后超过 {MOST_BYTES >> 20} MiB；请删除空白的格式行，或分成几个文件"
