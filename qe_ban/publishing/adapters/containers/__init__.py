"""Reads the containers of JPEG, PNG and WebP files, and gives on to the decoder only what makes the picture.

What is to be a picture is told by its content. Sizes are looked at before anything is decoded; comments, thumbnails,
profiles and whatever else a file may carry never reach the decoder, nor can a small part of them unfold to a large one.
"""

from collections.abc import Callable
from struct import error as StructError  # noqa: N812 - struct's only exception

from qe_ban.publishing.adapters.containers import jpeg, png, webp
from qe_ban.publishing.adapters.containers.container import BROKEN, JPEG, PNG, WEBP, Container, SeeThrough
from qe_ban.publishing.errors import NotAPicture

__all__ = ["JPEG", "PNG", "WEBP", "Container", "SeeThrough", "read"]


def read(data: bytes) -> Container:
    """Read a file. Raises NotAPicture: none of the three, broken, cut off, animated, or larger than is taken."""
    reader = _reader_of(data)
    try:
        return reader(data)
    except (StructError, IndexError) as error:
        raise NotAPicture(BROKEN) from error


def _reader_of(data: bytes) -> Callable[[bytes], Container]:
    if data.startswith(jpeg.MAGIC):
        return jpeg.read
    if data.startswith(png.MAGIC):
        return png.read
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp.read
    raise NotAPicture
