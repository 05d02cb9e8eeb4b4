"""The kinds of pages."""

from enum import StrEnum


class PageKind(StrEnum):
    """What a page belongs to."""

    HALL = "hall"
    ZONE = "zone"
