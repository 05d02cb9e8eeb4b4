"""Loads the sandbox through the services of the slices: again loads nothing twice and changes no secret."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.service import RealName
from qe_ban.codes import service as codes
from qe_ban.codes.service import Answer, State
from qe_ban.config import sandbox_data
from qe_ban.kernel.city import City
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys.rings import KeyRings
from qe_ban.sandbox.secrets_file import StaffSecrets
from qe_ban.venues import service as venues

RULE = "sandbox.seed/1"
HEALTH_LIFE = timedelta(days=14)
LOADER = Principal(kind=PrincipalKind.STAFF, id=UUID(int=0), scopes=frozenset({"venues.read"}), session=UUID(int=0))
"""Asks for venues of the whole city; no such member of staff exists."""


@dataclass(frozen=True, slots=True)
class Loader:
    """What loading works with. `outside`: the kinds that an outside source answers for, so that nothing is put in."""

    accounts: accounts.Accounts
    city: City
    outside: Collection[str]

    def load(self, session: Session, staff: Iterable[StaffSecrets], now: datetime) -> None:
        """Load residents with their register records, venues with their enrolment codes, and staff."""
        data = sandbox_data()
        # whoever has no phone may be a ward of those who have one
        for row in sorted(data["residents"], key=lambda row: row["phone"] is None):
            self._resident(session, row, now)
        for row in data["scanners"]:
            self._venue(session, row, now)
        for member in staff:
            accounts.seed_staff(
                session,
                self.accounts.rings,
                username=member.username,
                password=member.password,
                totp_secret=member.totp_secret,
                roles=member.roles,
                place=member.place,
                now=now,
            )

    def _resident(self, session: Session, row: Mapping[str, Any], now: datetime) -> None:
        real_name = None
        if row["name"] is not None:
            real_name = accounts.RealName(row["name"], IdType(row.get("id_type", IdType.RESIDENT_ID)), row["id_number"])
        if row["phone"] is None and real_name is not None:
            resident = accounts.seed_ward(self.accounts, session, said=real_name, now=now)
            self._guardians(session, row, resident, real_name, now)
        else:
            resident = accounts.seed_resident(self.accounts, session, phone=row["phone"], said=real_name, now=now)
        for kind, record in row["register"].items():
            if kind in self.outside:
                continue
            answer = Answer(State(record["state"]), now, now, record.get("reason"), record["detail"])
            until = now + HEALTH_LIFE if kind == "health" else None
            codes.record_answer(session, resident, kind, answer, until, rule=RULE)

    def _guardians(
        self, session: Session, row: Mapping[str, Any], ward: UUID, real_name: RealName, now: datetime
    ) -> None:
        for one in row.get("guardians", ()):
            guardian = accounts.seed_resident(self.accounts, session, phone=one["phone"], said=None, now=now)
            accounts.seed_guardianship(
                session,
                guardian_id=guardian,
                ward_id=ward,
                said=real_name,
                relation=accounts.Relation(one["relation"]),
                basis=accounts.WardBasis(one["basis"]),
                now=now,
            )

    def _venue(self, session: Session, row: Mapping[str, Any], now: datetime) -> None:
        venue_id = _seed(session, self.city, row, now)
        venue = venues.venue(session, reader=LOADER, venue_id=venue_id)
        # a code that somebody used stays used until `sandbox reset`
        if venue.created_at == now:
            _add_code(session, self.accounts.rings, venue_id, row, now)


def renew_codes(session: Session, rings: KeyRings, city: City, now: datetime) -> list[str]:
    """Make the fixed enrolment codes usable once more; return them. Raises KeyMissing."""
    rows = sandbox_data()["scanners"]
    for row in rows:
        _add_code(session, rings, _seed(session, city, row, now), row, now)
    return [row["enrolment_code"] for row in rows]


def _seed(session: Session, city: City, row: Mapping[str, Any], now: datetime) -> UUID:
    address = f"青岛市{city.districts.get(row['district'], '')}（沙盒示例）"
    return venues.seed_venue(session, city, venues.NewVenue(row["name"], row["district"], address, row["scene"]), now)


def _add_code(session: Session, rings: KeyRings, venue_id: UUID, row: Mapping[str, Any], now: datetime) -> None:
    venues.add_fixed_enrolment(
        session, rings, code=row["enrolment_code"], venue_id=venue_id, purposes=row["purposes"], now=now
    )
