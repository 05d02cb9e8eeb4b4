"""Ids that staff get for residents: each for one member of staff and one case, with an end; nothing is stored for them.

Such an id is the resident's, enciphered as one block of AES under a key of the day (`keys.day_hashes`), the member of
staff, the case number and half a day. With any other of these it deciphers to an id that nobody has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Resident
from qe_ban.db import overlaps
from qe_ban.keys.day_hashes import DayHashes
from qe_ban.keys.rings import KeyRings

WINDOW: Final = 12 * 3600
"""Seconds. An id holds in the window in which it was given, and in the next: for twelve hours at least, 24 at most."""
NO_CASE: Final = ""
"""The case of ids that come with something read, such as a request for correction."""


@dataclass(frozen=True, slots=True)
class LookUpIds:
    """The ids of one member of staff at a moment."""

    rings: KeyRings
    staff: UUID
    now: datetime

    def id_of(self, resident: UUID, case_number: str = NO_CASE) -> UUID:
        """Return what this member of staff calls a resident in a case. Raises KeyMissing."""
        return UUID(bytes=self._cipher(case_number, self._window).encryptor().update(resident.bytes))

    def resolve(self, session: Session, ids: Iterable[UUID], case_number: str) -> dict[UUID, UUID]:
        """Return the residents that these ids name for this case; an id that names nobody here is left out.

        An id that came with something read names its resident in every case. Raises KeyMissing.
        """
        distinct = list(dict.fromkeys(ids))
        readings = [
            self._deciphered(distinct, case, window) for case in (case_number, NO_CASE) for window in self._windows()
        ]
        if not overlaps.is_over(session, self.now):
            # programs of the previous release still answer look-ups with the resident's own id
            readings.append(distinct)
        candidates = {candidate for reading in readings for candidate in reading}
        residents = set(session.scalars(select(Resident.id).where(Resident.id.in_(candidates))))
        return {
            id_: candidate
            for reading in readings
            for id_, candidate in zip(distinct, reading, strict=True)
            if candidate in residents
        }

    def ids_of(self, session: Session, candidates: Iterable[UUID]) -> dict[UUID, UUID]:
        """Return what this member of staff calls those of these ids that are residents'. Raises KeyMissing."""
        residents = session.scalars(select(Resident.id).where(Resident.id.in_(list(candidates))))
        return {resident: self.id_of(resident) for resident in residents}

    def resident_of(self, session: Session, id_: UUID) -> UUID | None:
        """Return whom an id names that came with something read. Raises KeyMissing."""
        return self.resolve(session, [id_], NO_CASE).get(id_)

    def _deciphered(self, ids: Sequence[UUID], case_number: str, window: int) -> list[UUID]:
        decryptor = self._cipher(case_number, window).decryptor()
        return [UUID(bytes=decryptor.update(id_.bytes)) for id_ in ids]

    def _cipher(self, case_number: str, window: int) -> Cipher[modes.ECB]:
        message = b"\0".join((self.staff.bytes, str(window).encode(), case_number.encode()))
        key = DayHashes(self.rings).digest("look-up", _day_of(window), message)
        # one block for each id, never two: there is nothing for a mode to hide
        return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305

    def _windows(self) -> list[int]:
        """Return the window of the moment, and the one before where it had a key: no id was given without one."""
        before = self._window - 1
        return [self._window, before] if DayHashes(self.rings).has_key(_day_of(before)) else [self._window]

    @property
    def _window(self) -> int:
        return int(self.now.timestamp()) // WINDOW


def _day_of(window: int) -> date:
    return datetime.fromtimestamp(window * WINDOW, UTC).date()
