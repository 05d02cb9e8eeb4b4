"""Insiders who put together what their roles show them: over the interface alone, without the database."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from tests.privacy.attack.joins import View
from tests.privacy.attack.life import API, Day, TrueScan
from tests.privacy.attack.rows import Row
from tests.privacy.attack.statistic import Finding, Scores, judge
from tests.privacy.attack.thieves import scans_of_log, trails_of
from tests.privacy.attack.ways import VALUES, attack

CLOSE = 1.5
"""Seconds within which a scanner finds its own scan among others' moments."""


def pages_of(day: Day, headers: dict[str, str], path: str) -> list[dict]:
    """Return all entries of a list, page by page."""
    client, entries, cursor = day.builder.city.app.test_client(), [], None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        answer = client.get(f"{API}{path}", query_string=query, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        entries += answer.get_json()["items"]
        cursor = answer.get_json()["next"]
        if not cursor:
            return entries


def read_disclosures(day: Day) -> list[dict]:
    """Return what an auditor reads of the disclosures."""
    auditor = day.builder.city.town.staff("auditor")
    events = [event for event in pages_of(day, auditor, "/audit") if event["action"] == "codes.disclose"]
    return sorted(events, key=lambda event: event["at"])


def scanner_with_auditor(day: Day, events: list[dict]) -> tuple[str, Finding]:
    """Name people by one scan each, at a scanner that writes names down, and follow the audit's subject to others."""
    writing = {scan.terminal for scan in day.truth if scan.name}
    by_request = {event["request_id"]: event for event in events}
    of_scans = [(scan, by_request.get(scan.request_id) or _at_moment(events, scan)) for scan in day.truth]
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for scan, event in of_scans:
        if scan.name and event:
            names[event["subject"]][scan.resident] += 1
    scores: dict[str, Counter[str]] = {}
    owners: dict[str, str] = {}
    for scan, event in of_scans:
        if scan.terminal not in writing and event:
            # what the audit shows as one subject, at one scanner that has no name for it
            trail = f"{event['subject']}@{scan.terminal}"
            owners[trail], scores[trail] = scan.resident, names[event["subject"]]
    return "scanner with auditor: subject of codes.disclose", _judge(day, scores, owners)


def _at_moment(events: list[dict], scan: TrueScan) -> dict | None:
    """Return the disclosure of the same scanner that is nearest to a scan, where the audit tells no request."""
    at = scan.at.timestamp()
    near = [event for event in events if event["actor_id"] == scan.terminal and abs(_moment(event) - at) < CLOSE]
    return min(near, key=lambda event: abs(_moment(event) - at), default=None)


def _moment(event: dict) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def read_disputes(day: Day) -> list[dict]:
    """Return what staff of the district read of disputes: the list, and each by itself."""
    district, client = (
        day.builder.city.town.staff("district_admin", district="370202"),
        day.builder.city.app.test_client(),
    )
    ids = [row["id"] for row in pages_of(day, district, "/disputes")]
    return [client.get(f"{API}/disputes/{one}", headers=district).get_json() for one in ids]


def scanner_with_district(day: Day, disputes: list[dict]) -> Iterator[tuple[str, Finding]]:
    """Find in the notes of scanners, which write everything down, the scan that a dispute is about."""
    ids = {scan.scan_id.replace("-", ""): scan.resident for scan in day.truth}
    equal: dict[str, Counter[str]] = defaultdict(Counter)
    times: dict[str, dict[str, float]] = defaultdict(dict)
    for dispute in disputes:
        row = Row("disputes", dispute["scan"])
        equal[dispute["id"]].update(ids[atom] for atom in row.atoms() & ids.keys())
        for _, moment in row.moments():
            nearness = times[dispute["id"]]
            for scan in day.truth:
                near = CLOSE - abs(scan.at.timestamp() - moment)
                if near > nearness.get(scan.resident, 0.0):
                    nearness[scan.resident] = near
    yield "scanner with district: id in a dispute", _judge(day, equal, day.disputes)
    yield "scanner with district: moment in a dispute", _judge(day, times, day.disputes)


def look_up_everybody(day: Day) -> dict[str, str]:
    """Look everybody up at a window; return what the answers hold, each with whom it was answered for."""
    clerk, client, people = day.builder.city.town.staff("clerk"), day.builder.city.app.test_client(), {}
    for one in day.residents:
        body = {"phone": one.phone, "case_number": "QD-2026-000001"}
        answer = client.post(f"{API}/residents/look-up", json=body, headers=clerk)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        people |= dict.fromkeys(Row("look-up", answer.get_json()).atoms(), one.id)
    return people


def clerk_with_log(day: Day, log: list[Row], people: dict[str, str]) -> Iterator[tuple[str, Finding]]:
    """Go through the log with the ids that look-ups gave."""
    view = View(log, people, scans_of_log(log, day))
    of_trails = trails_of(view, day.owners, day.population)
    for name, scores in attack(view, VALUES):
        yield f"clerk with log: {name}", judge(scores, of_trails, day.population)


def _judge(day: Day, scores: Scores, owners: dict[str, str]) -> Finding:
    """Judge by one trail for each resident."""
    trail_of = {person: trail for trail, person in owners.items() if person in day.population}
    return judge(scores, {trail: person for person, trail in trail_of.items()}, day.population)
