"""The register that knows which name, document number and phone belong together.

The HTTP register takes `{"name", "id_type", "id_number", "phone"}` (types as `kernel.identifiers.IdType`, the number in
its normal form, the phone as 11 digits) and answers 200 with `{"match": true}` only when all of it belongs to one
person, else `{"match": false}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qe_ban.accounts.adapters.http import JsonPost
from qe_ban.kernel.identifiers import IdType


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says to be; the number and the phone in their normal forms. Its repr shows nothing of it."""

    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)
    phone: str = field(repr=False)


class Register(Protocol):
    """Confirms real names."""

    def confirms(self, claim: Claim) -> bool:
        """Tell whether name, number and phone belong to one person. Raises OutsideUnavailable."""


class SandboxRegister:
    """The sandbox's register: the people of `sandbox.json`."""

    def __init__(self, people: Iterable[Mapping[str, str | None]]) -> None:
        """Take people as `{"name", "id_number", "phone", "id_type"?}`; who lacks one of the three is not registered."""
        self._people = frozenset(
            (row["name"], row.get("id_type") or IdType.RESIDENT_ID.value, row["id_number"], row["phone"])
            for row in people
            if row["name"] and row["id_number"] and row["phone"]
        )

    def confirms(self, claim: Claim) -> bool:
        """Tell whether such a person was made up."""
        return (claim.name, claim.id_type.value, claim.id_number, claim.phone) in self._people


class HttpRegister:
    """A register that speaks HTTP, as the module says."""

    def __init__(self, url: str, token: str) -> None:
        """Take the register's address and bearer token."""
        self._post = JsonPost(url, token)

    def confirms(self, claim: Claim) -> bool:
        """Ask the register. Raises OutsideUnavailable."""
        return self._post.matches(
            {"name": claim.name, "id_type": claim.id_type, "id_number": claim.id_number, "phone": claim.phone}
        )
