"""When a scan asked for a consent is kept as a day, and the day is the city's."""

from datetime import datetime, time, timedelta

from qe_ban.accounts.models import Consent
from qe_ban.codes.models import RequestOfScan
from qe_ban.codes.service import inbox
from qe_ban.kernel.clock import CITY_TIME


def test_a_scan_after_midnight_asks_on_the_day_that_has_begun_in_the_city(town):
    person = town.resident()
    # the day to come: its keys are there at any hour of today
    day = datetime.combine(town.now.astimezone(CITY_TIME).date() + timedelta(days=1), time.min, CITY_TIME)
    request = inbox.consent_request(town.parts.rings, person.id, "senior-discount", day + timedelta(hours=1, minutes=7))
    with town.parts.database.transaction() as session:
        session.add(RequestOfScan(id=request.id, content_sealed=request.content_sealed))
    town.turn_over()
    with town.parts.database.transaction() as session:
        assert session.get_one(Consent, (person.id, "senior-discount")).requested_at == day
