"""The register that knows which name, document number and phone belong together, and who has custody of whom.

The HTTP register takes `{"name", "id_type", "id_number", "phone"?, "guardian"?}` (types as `kernel.identifiers.IdType`,
the number in its normal form, the phone as 11 digits, the guardian again a name, type and number) and answers 200 with
`{"match": true}` only when all of it belongs to one person, and where a guardian is given, that one has custody of the
person; else `{"match": false}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from qe_ban.accounts.adapters.http import JsonPost
from qe_ban.kernel.identifiers import IdType, normalise_holder_name


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says to be, or to have as a ward: then without a phone. Normal forms; its repr shows nothing."""

    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)


class Register(Protocol):
    """Confirms real names."""

    def confirms(self, claim: Claim) -> bool:
        """Tell whether name, number and, where it is given, phone belong to one person. Raises OutsideUnavailable."""

    def has_custody(self, guardian: Claim, ward: Claim) -> bool:
        """Tell whether the ward is such a person and in the guardian's custody. Raises OutsideUnavailable."""


_Person: TypeAlias = tuple[str, str, str]


class SandboxRegister:
    """The sandbox's register: the people of `sandbox.json`."""

    def __init__(self, people: Iterable[Mapping[str, Any]]) -> None:
        """Take people as `{"name", "id_number", "phone"?, "id_type"?, "custodians"?}`, custodians by their numbers.

        Who lacks a name or a number is not registered.
        """
        rows = [row for row in people if row["name"] and row["id_number"]]
        self._phones: Mapping[_Person, str | None] = {_person(row): row["phone"] for row in rows}
        self._custody = frozenset(
            (custodian, row["id_number"]) for row in rows for custodian in row.get("custodians", ())
        )

    def confirms(self, claim: Claim) -> bool:
        """Tell whether such a person was made up."""
        person = (normalise_holder_name(claim.id_type, claim.name), claim.id_type.value, claim.id_number)
        return person in self._phones and claim.phone in (None, self._phones[person])

    def has_custody(self, guardian: Claim, ward: Claim) -> bool:
        """Tell whether such a ward was made up with this guardian, whose name and phone must fit too."""
        both = self.confirms(ward) and self.confirms(guardian)
        return both and (guardian.id_number, ward.id_number) in self._custody


def _person(row: Mapping[str, Any]) -> _Person:
    id_type = IdType(row.get("id_type") or IdType.RESIDENT_ID)
    return normalise_holder_name(id_type, row["name"]), id_type.value, row["id_number"]


class HttpRegister:
    """A register that speaks HTTP, as the module says."""

    def __init__(self, url: str, token: str) -> None:
        """Take the register's address and bearer token."""
        self._post = JsonPost(url, token)

    def confirms(self, claim: Claim) -> bool:
        """Ask the register. Raises OutsideUnavailable."""
        return self._post.matches(_told(claim))

    def has_custody(self, guardian: Claim, ward: Claim) -> bool:
        """Ask the register. Raises OutsideUnavailable."""
        return self._post.matches(_told(ward) | {"guardian": _told(guardian)})


def _told(claim: Claim) -> dict[str, Any]:
    body = {"name": claim.name, "id_type": claim.id_type, "id_number": claim.id_number}
    return body if claim.phone is None else body | {"phone": claim.phone}
