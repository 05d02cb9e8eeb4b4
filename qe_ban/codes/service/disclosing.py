"""Opens exactly the fields that a purpose allows, and no other column."""

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from qe_ban.codes.queries import Holder
from qe_ban.codes.rules import Answer, has_level, is_fresh
from qe_ban.kernel import identifiers
from qe_ban.kernel.city import LEVEL_FIELD, LEVEL_KIND
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class _HolderColumns:
    """A holder whose columns are unsealed one by one, when a field asks for them."""

    rings: KeyRings
    holder: Holder
    answer: Answer
    today: date

    def column(self, name: str, ciphertext: bytes) -> str:
        return vault.unseal(self.rings, f"residents.{name}", self.holder.resident, ciphertext)

    def name(self) -> str:
        return self.column("name", self.holder.name_sealed)

    def id_number(self) -> str:
        return self.column("id_number", self.holder.id_number_sealed)

    def phone(self) -> str | None:
        """Return the phone; a ward may have none."""
        ciphertext = self.holder.phone_sealed
        return self.column("phone", ciphertext) if ciphertext is not None else None

    def masked_phone(self) -> str | None:
        """Return the phone without its middle."""
        phone = self.phone()
        return identifiers.mask_phone(phone) if phone is not None else None

    def sixty_or_over(self) -> bool | None:
        """Return whether the document's number tells an age of 60 or more; None where it tells none."""
        born = identifiers.birth_date(identifiers.IdType(self.holder.id_type), self.id_number())
        return None if born is None else identifiers.age_on(born, self.today) >= 60


DISCLOSED_BY: Mapping[str, Callable[[_HolderColumns], Any]] = {
    "masked_name": lambda columns: identifiers.mask_name(columns.name()),
    "name": _HolderColumns.name,
    "id_type": lambda columns: columns.holder.id_type,
    "id_number": _HolderColumns.id_number,
    "social_number": _HolderColumns.id_number,
    "phone": _HolderColumns.phone,
    "masked_phone": _HolderColumns.masked_phone,
    "age_60_or_over": _HolderColumns.sixty_or_over,
    "card_state": lambda columns: columns.answer.detail.get("card_state"),
    "insured_type": lambda columns: columns.answer.detail.get("insured_type"),
    "insured_place": lambda columns: columns.answer.detail.get("insured_place"),
}
"""How each field is read; a health level stands beside the holder's data."""


def disclose(
    rings: KeyRings, holder: Holder, answer: Answer, fields: tuple[str, ...], now: datetime
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the holder's data for the fields of an accepting verdict, and the health level where it is one of them."""
    columns = _HolderColumns(rings, holder, answer, now.astimezone(CITY_TIME).date())
    data = {field: DISCLOSED_BY[field](columns) for field in fields if field != LEVEL_FIELD}
    if LEVEL_FIELD not in fields:
        return data, None
    return data, {"level": answer.detail.get("level"), "as_of": answer.as_of}


def hides_level(
    sources: Collection[str], holder: Holder, answer: Answer, fields: tuple[str, ...], now: datetime
) -> bool:
    """Return whether a repeat cannot tell a health code's level: it was not disclosed, or none is known of now."""
    if holder.kind != LEVEL_KIND:
        return False
    current = holder.kind not in sources or is_fresh(answer, now)
    return not (current and LEVEL_FIELD in fields and has_level(answer))


def document_matches(rings: KeyRings, holder: Holder, document: str) -> bool:
    """Compare the last six characters of the identity document in the verifier's hand, in constant time."""
    number = vault.unseal(rings, "residents.id_number", holder.resident, holder.id_number_sealed)
    return hmac.compare_digest(number[-6:].upper().encode(), document.upper().encode())
