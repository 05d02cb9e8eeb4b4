"""The wallet's collaborators, and what of the keys it needs: verification keys and sealed references."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from qe_ban.codes import token
from qe_ban.codes.adapters import Person, Source
from qe_ban.kernel.city import City
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings, Snapshot

SERVING = {Ring.CODE: frozenset({"issued", "pass"}), Ring.CODE_PRINTED: frozenset({"printed"})}
SEALING = {
    token.Profile.ISSUED: Ring.SEAL_ISSUED,
    token.Profile.PRESENTED: Ring.SEAL_PASS,
    token.Profile.PRINTED: Ring.SEAL_PRINTED,
}


@dataclass(frozen=True, slots=True)
class Wallet:
    """What the use cases of codes work with. `code_life` in seconds; kinds without a source are the register's."""

    rings: KeyRings
    city: City
    sources: Mapping[str, Source]
    code_life: int = 60

    def person(self, resident: object, id_type: str, name_sealed: bytes, id_number_sealed: bytes) -> Person:
        """Unseal whom a source is to be asked about."""
        return Person(
            id_type,
            vault.unseal(self.rings, "residents.id_number", resident, id_number_sealed),
            vault.unseal(self.rings, "residents.name", resident, name_sealed),
        )


@lru_cache(maxsize=2)
def verification_keys(snapshot: Snapshot) -> token.Keys:
    """Return the issuer's keys of a snapshot as the format wants them."""
    return {
        key.kid: token.VerificationKey(
            key.kid, key.public, SERVING[key.ring], key.not_before, key.expires, is_denied=key.is_denied
        )
        for key in snapshot.public.values()
        if key.ring in SERVING
    }


def reference(rings: KeyRings, claims: token.Unproven) -> token.Reference | None:
    """Open the sealed reference of a verified code; None where its day's key is gone or it opens to nothing."""
    day = datetime.fromtimestamp(claims.issued_at, UTC).date()
    key = rings.daily(SEALING[claims.profile], day)
    if key is None:
        return None
    try:
        return token.open_(key[1], claims.cti)
    except token.ReferenceUnreadable:
        return None
