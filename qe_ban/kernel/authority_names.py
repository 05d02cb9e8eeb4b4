"""Names that sound like an authority's: words as data, found however they are spelt."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class AuthorityNames:
    """What in the name of a venue sounds like an authority's: words, as `fold` leaves them.

    `variants`: what stands for another character, traditional ones and look-alikes; the empty text drops one.
    """

    words: tuple[str, ...] = ()
    variants: Mapping[int, str] = field(default_factory=dict)

    def fold(self, name: str) -> str:
        """Return a name as it is compared: one width and case, letters and digits alone, no variants."""
        text = unicodedata.normalize("NFKD", name).casefold()
        return "".join(sign for sign in text if unicodedata.category(sign)[0] in "LN").translate(self.variants)

    def match(self, name: str) -> bool:
        """Return whether a name holds one of the words, however it is spelt."""
        text = self.fold(name)
        # digits and Latin letters set between Chinese characters are read past
        chinese = "".join(sign for sign in text if not sign.isascii())
        return any(word in text or word in chinese for word in self.words)


NO_NAMES = AuthorityNames()


def read_authority_names(row: Mapping[str, Any]) -> AuthorityNames:
    """Read `authority_names` of a city's file. Raises TypeError, ValueError."""
    variants = {ord(sign): str(other) for sign, other in dict(row.get("variants", {})).items()}
    bare = AuthorityNames(variants=variants)
    words = tuple(bare.fold(word) for word in row.get("words", ()))
    if not all(words):
        raise ValueError("authority_names: a word without a letter")
    return replace(bare, words=words)
