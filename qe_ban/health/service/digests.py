"""What the audit says of the residents of a change beside their number: a keyed hash, another one for each change."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

PURPOSE: Final = "health-change"


def digest_of(rings: KeyRings, change_id: UUID, residents: Collection[UUID]) -> bytes:
    """Return the hash of a change's residents, whatever their order. Raises KeyMissing.

    Without the key nobody finds out by trying whom a change concerns, nor that two concern the same. Whoever has the
    key and the change makes it anew, as long as the ring holds the key.
    """
    text = "\n".join(sorted(map(str, residents)))
    return rings.mac(Ring.HOLDER, PURPOSE, change_id.bytes + text.encode())
