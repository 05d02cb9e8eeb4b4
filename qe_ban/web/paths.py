"""What may stand in a path: our ids, and words without the characters that no name has; all else is 404.

It is the expressions that refuse, not `to_python`: where two methods have views of their own, what that refuses is
answered with 405.
"""

from uuid import UUID

from werkzeug.routing import BaseConverter

from qe_ban.kernel.texts import FORBIDDEN
from qe_ban.web.fields import ID_PATTERN

_LONGEST = 128
# What Werkzeug puts where the bytes are not UTF-8.
_REPLACEMENT = "\ufffd"


class IdConverter(BaseConverter):
    """`<id:scanner_id>`: one of our ids, in small letters or capitals, as a UUID."""

    regex = ID_PATTERN

    def to_python(self, value: str) -> UUID:
        """Return the id."""
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        """Return the id as it stands in a path."""
        return str(value)


class WordConverter(BaseConverter):
    """`<kind>`: one segment of readable text."""

    regex = f"[^/{_REPLACEMENT}{FORBIDDEN.pattern[1:-1]}]{{1,{_LONGEST}}}"
    part_isolating = True


def id_schema(_converter: IdConverter) -> dict[str, str]:
    """Describe an id in a path for the API document."""
    return {"type": "string", "format": "uuid"}
