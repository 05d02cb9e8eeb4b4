"""What may stand in a path: our ids, and words without the characters that no name has; all else is 404."""

from uuid import UUID

from werkzeug.routing import BaseConverter, UnicodeConverter, ValidationError

from qe_ban.kernel.ids import parse_id
from qe_ban.web.fields import FORBIDDEN

_LONGEST = 128
# What Werkzeug puts where the bytes are not UTF-8.
_REPLACEMENT = "\ufffd"


class IdConverter(BaseConverter):
    """`<id:scanner_id>`: one of our ids, in small letters or capitals, as a UUID."""

    regex = "[0-9A-Fa-f-]{36}"

    def to_python(self, value: str) -> UUID:
        """Give the id, or let the path match nothing."""
        identifier = parse_id(value)
        if identifier is None:
            raise ValidationError
        return identifier

    def to_url(self, value: UUID) -> str:
        """Give the id as it stands in a path."""
        return str(value)


class WordConverter(UnicodeConverter):
    """`<kind>`: one segment of readable text."""

    def to_python(self, value: str) -> str:
        """Give the text, or let the path match nothing."""
        if len(value) > _LONGEST or _REPLACEMENT in value or FORBIDDEN.search(value):
            raise ValidationError
        return value


def id_schema(_converter: IdConverter) -> dict[str, str]:
    """Describe an id in a path for the API document."""
    return {"type": "string", "format": "uuid"}
