"""Real names: what a person says, and how a confirmed one is written into an account."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import residents
from qe_ban.kernel.identifiers import IdType, normalise_holder_name
from qe_ban.keys import moments, vault
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class RealName:
    """What a resident says: a name and a document number in its normal form. Its repr shows nothing of it."""

    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)


def real_name_of(name: str, id_type: IdType, id_number: str) -> RealName:
    """Return who somebody says to be, the name in the form in which the register is asked for it."""
    return RealName(normalise_holder_name(id_type, name), id_type, id_number)


def is_same_name(id_type: IdType, name: str, other: str) -> bool:
    """Return whether two names of a document are one, however each is typed or was stored; in constant time."""
    pair = (normalise_holder_name(id_type, text).encode() for text in (name, other))
    return hmac.compare_digest(*pair)


def bind(rings: KeyRings, resident: Resident, said: RealName, now: datetime) -> None:
    """Write a confirmed name into the account; flushing it fails where another account has the number."""
    resident.id_type = said.id_type.value
    resident.id_index, resident.id_index_next = residents.id_index(rings, said.id_type, said.id_number)
    key, number = resident.data_key, said.id_number
    resident.name_sealed = vault.seal(rings, residents.NAME, resident.id, said.name, now, data_key=key)
    resident.id_number_sealed = vault.seal(rings, residents.ID_NUMBER, resident.id, number, now, data_key=key)
    resident.assurance = Assurance.VERIFIED.value
    moments.write(rings, resident, now, data_key=key, verified_at=now)
