"""What people call districts and topics, and which they mean by a name or a code."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """What people call districts (by GB/T 2260 code) and topics (by slug)."""

    districts: Mapping[str, str]
    topics: Mapping[str, str]
    _district_codes: dict[str, str] = field(init=False, default_factory=dict)
    _topic_slugs: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._district_codes.update({code: code for code in self.districts})
        self._district_codes.update({fold(name): code for code, name in self.districts.items()})
        self._topic_slugs.update({slug: slug for slug in self.topics})
        # of two topics of one name the first has it; the other is called by its slug
        for slug, name in self.topics.items():
            self._topic_slugs.setdefault(fold(name), slug)

    def district(self, text: str) -> str | None:
        """Return the code of a district by its name or code."""
        return self._district_codes.get(fold(text))

    def topic(self, text: str) -> str | None:
        """Return the slug of a topic by its name or slug."""
        return self._topic_slugs.get(text) or self._topic_slugs.get(fold(text))

    def district_called(self, code: str) -> str:
        """Return what a district is called; its code where it has no name of its own."""
        name = self.districts.get(code, code)
        return name if self.district(name) == code else code

    def topic_called(self, slug: str) -> str:
        """Return what a topic is called; its slug where it has no name of its own."""
        name = self.topics.get(slug, slug)
        return name if self.topic(name) == slug else slug


def fold(text: str) -> str:
    """Return a text as names are compared: of one width and case, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
