"""When a scan asked for a consent is kept as a day, and the day is the city's."""

import hashlib
import uuid
from datetime import datetime, time, timedelta

from qe_ban.accounts.models import Consent
from qe_ban.codes.queries import scanning
from qe_ban.kernel.clock import CITY_TIME


def test_a_scan_after_midnight_asks_on_the_day_that_has_begun_in_the_city(town):
    person, terminal = town.resident(), town.terminal("senior-discount")
    day = datetime.combine(town.now.astimezone(CITY_TIME).date() - timedelta(days=1), time.min, CITY_TIME)
    asking = scanning.Outcome(
        id=uuid.uuid4(),
        scanner=terminal.id,
        scan_id=uuid.uuid4(),
        request=hashlib.sha256(b"").digest(),
        venue=terminal.venue,
        at=day + timedelta(hours=1, minutes=7),
        purpose="senior-discount",
        accepted=False,
        reason="consent_required",
        kind=None,
        profile=None,
        cti=None,
        showing=None,
        holder=None,
        fields=(),
        detail={},
        as_of=None,
        ask_consent_of=person.id,
    )
    with town.parts.database.statements() as connection:
        scanning.keep(connection, asking)
    with town.parts.database.transaction() as session:
        assert session.get_one(Consent, (person.id, "senior-discount")).requested_at == day
