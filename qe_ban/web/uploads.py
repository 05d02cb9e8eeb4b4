"""Bodies that are files: read to the disk in pieces, as strictly framed as every other body."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from flask import request
from werkzeug.http import parse_options_header

from qe_ban.web import requests
from qe_ban.web.refusals import TooLarge, Unreadable, WrongType
from qe_ban.web.wire import body_length

OCTETS: Final = "application/octet-stream"
"""A file whose content says what it is: what clients that generators make can send."""
PIECE: Final = 1 << 18
_CHARSETS: Final = frozenset({"utf-8", "utf8", "gb18030", "gbk", "gb2312"})


@dataclass(frozen=True, slots=True)
class Upload:
    """A body as a file at its beginning, which goes when the view has answered; `digest` is its SHA-256."""

    file: BinaryIO
    content_type: str
    size: int
    digest: bytes


@contextmanager
def receive(kinds: Sequence[str], limit: int) -> Iterator[Upload]:
    """Read the request's body, of one of some content types and at most `limit` bytes.

    Raises LengthRequired, TooLarge, WrongType, Unreadable.
    """
    environ = request.environ
    size = body_length(environ)
    if size > limit:
        raise TooLarge(limit)
    if not size:
        raise Unreadable("请求内容为空")
    kind = _kind(environ.get("CONTENT_TYPE", ""))
    if kind not in kinds:
        raise WrongType(tuple(kinds))
    with tempfile.TemporaryFile() as file:
        digest = _spool(environ["wsgi.input"], file, size)
        # the body was read: what comes next on this connection is another request
        environ[requests.BODY] = b""
        file.seek(0)
        yield Upload(cast(BinaryIO, file), kind, size, digest)


def _spool(stream: BinaryIO, file: BinaryIO, size: int) -> bytes:
    digest, left = hashlib.sha256(), size
    while left:
        piece = stream.read(min(PIECE, left))
        if not piece:
            raise Unreadable("请求内容不完整")
        file.write(piece)
        digest.update(piece)
        left -= len(piece)
    return digest.digest()


def _kind(content_type: str) -> str:
    """Return the content type; a charset is let pass and not believed: the reader of the file tells it by itself."""
    kind, options = parse_options_header(content_type)
    if set(options) - {"charset"} or options.get("charset", "utf-8").lower() not in _CHARSETS:
        return ""
    return kind.lower()
