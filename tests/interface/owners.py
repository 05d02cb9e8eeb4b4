"""The table: each guarded operation, what names something in it, whose that is, and what everybody else hears.

Keys are operations of the description without `/api/v1`; below, what names something: a path parameter, `for`,
`cursor`, an id in the body, `Idempotency-Key`; "" where the caller's token alone does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.factories.pages import content
from tests.interface import owned_by_places as places
from tests.interface import owned_by_residents as residents
from tests.interface.owned import Thing

Refusal = tuple[int, str | None]


@dataclass(frozen=True)
class Row:
    """How a real thing is made, what everybody else hears (status, code), and what its owner hears then."""

    make: Callable[..., Thing]
    others: Refusal = (200, None)
    mine: int = 200
    body: object = None
    query: Mapping[str, str] | None = None


WARD, GUARDIAN = (404, "accounts.ward_not_found"), (404, "accounts.guardianship_not_found")
SCAN, DISPUTE = (404, "codes.scan_not_found"), (404, "codes.dispute_not_found")
VENUE, SCANNER = (404, "venues.not_found"), (404, "venues.scanner_not_found")
INVITATION = (404, "venues.invitation_not_found")
DEMAND, JOB = (404, "zones.demand_not_found"), (404, "jobs.not_found")
RECOVERY, PROPOSAL = (404, "accounts.recovery_case_not_found"), (404, "accounts.proposal_not_found")
# these are public: that they are there is no secret, and whose they are is told
PAGE, ITEM, OFFER = (403, "publishing.other_place"), (403, "items.other_place"), (403, "halls.other_place")
ZONE = (403, "zones.other_zone")
# a cursor is of its own path: what it was given for is another place's list
CURSOR = (422, "bad_cursor")
OWN_DONE, OWN = (204, None), (200, None)
"""The name is the city's, what is kept under it is everybody's own."""


def by_list(make):
    """A list of what one owns: others do not find it in theirs, nor by one's cursor."""
    return {"": Row(make), "cursor": Row(make)}


RESIDENTS = {
    "get /me": {"": Row(residents.account)},
    "get /me/consents": by_list(residents.consents) | {"for": Row(residents.consented_ward, WARD)},
    "get /me/consents/history": by_list(residents.consents) | {"for": Row(residents.consented_ward, WARD)},
    "put /me/consents/{purpose}": {"purpose": Row(residents.consent, OWN), "for": Row(residents.consented_ward, WARD)},
    "delete /me/consents/{purpose}": {
        "purpose": Row(residents.consent, (404, "accounts.consent_not_found")),
        "for": Row(residents.consented_ward, WARD),
    },
    "get /me/closing": {"": Row(residents.plan)},
    "get /me/recovery": by_list(residents.recovery),
    "post /me/recovery/{case_id}/object": {"case_id": Row(residents.recovery, RECOVERY)},
    "get /me/wards": by_list(residents.wards),
    "get /me/wards/{guardianship_id}/closing": {"guardianship_id": Row(residents.ward, WARD)},
    "post /me/wards/{guardianship_id}/closing": {"guardianship_id": Row(residents.ward, WARD, 202, {"confirm": True})},
    "delete /me/wards/{guardianship_id}/closing": {"guardianship_id": Row(residents.leaving_ward, WARD, 204)},
    "delete /me/wards/{guardianship_id}": {"guardianship_id": Row(residents.ward, WARD, 204)},
    "get /me/guardians": by_list(residents.guardians),
    "post /me/guardians/{guardianship_id}/confirm": {"guardianship_id": Row(residents.guardians, GUARDIAN)},
    "delete /me/guardians/{guardianship_id}": {"guardianship_id": Row(residents.guardians, GUARDIAN, 204)},
    "get /codes": {"": Row(residents.wallet), "for": Row(residents.ward, WARD)},
    "post /codes/issue": {"for": Row(residents.ward, WARD, body={"kinds": ["identity"]})},
    "post /codes/{kind}/issue": {"for": Row(residents.ward, WARD)},
    "post /codes/{kind}/short-number": {"for": Row(residents.ward, WARD)},
    "post /codes/{kind}/suspend": {"for": Row(residents.ward, WARD)},
    "post /codes/{kind}/resume": {"for": Row(residents.suspended_ward, WARD)},
    "get /codes/ledger": by_list(residents.scans) | {"for": Row(residents.scanned_ward, WARD)},
    "get /codes/ledger/export": {
        "": Row(residents.scans, query={"format": "json"}),
        "for": Row(residents.scanned_ward, WARD, query={"format": "json"}),
    },
    "post /codes/ledger/{scan}/dispute": {
        "scan": Row(residents.scans, SCAN, 201, {"text": "不对"}),
        "for": Row(residents.scanned_ward, WARD, 201, {"text": "不对"}),
    },
    "get /me/health": {"": Row(residents.level), "for": Row(residents.level_of_ward, WARD)},
    "get /me/health/corrections": by_list(residents.corrections) | {"for": Row(residents.level_of_ward, WARD)},
    "post /me/health/corrections": {"for": Row(residents.ward, WARD, 201, {"text": "等级有误"})},
    "post /me/disputes/{dispute_id}/appeal": {
        "dispute_id": Row(residents.dismissed_dispute, DISPUTE, 201, {"text": "请市里核实"}),
        "for": Row(residents.dismissed_for_a_ward, WARD, 201, {"text": "请市里核实"}),
    },
    "get /me/disputes": by_list(residents.disputes) | {"for": Row(residents.disputed_ward, WARD)},
    "post /zones/{slug}/demands": {"Idempotency-Key": Row(residents.sent_once, (201, None), 201)},
    "get /me/demands": by_list(residents.demands),
    "get /me/demands/{demand_id}": {"demand_id": Row(residents.demands, DEMAND)},
    "post /me/demands/{demand_id}/withdraw": {"demand_id": Row(residents.demands, DEMAND)},
    # there is no answer yet to reply to
    "post /me/demands/{demand_id}/reply": {"demand_id": Row(residents.demands, DEMAND, 409, {"solved": True})},
    "get /me/home": {"": Row(residents.home)},
    "get /me/hall": {"": Row(residents.home)},
    "put /me/hall": {"": Row(residents.home)},
    "get /me/halls": {"": Row(residents.followed_hall)},
    "put /me/halls/{slug}": {"slug": Row(residents.followed_hall, OWN_DONE, 204)},
    "delete /me/halls/{slug}": {"slug": Row(residents.followed_hall, OWN_DONE, 204)},
    "get /me/items/favourites": by_list(residents.favourites),
    "put /me/items/favourites/{code}": {"code": Row(residents.favourites, OWN_DONE, 204)},
    "delete /me/items/favourites/{code}": {"code": Row(residents.favourites, OWN_DONE, 204)},
    "get /me/items/recent": by_list(residents.recent),
    "put /me/items/recent/{code}": {"code": Row(residents.recent, OWN_DONE, 204)},
    "delete /me/items/recent": {"": Row(residents.recent, OWN_DONE, 204)},
}

REASON, VERSION = {"reason": "不清楚"}, {"version": 1}


def _page(of, page, page_for_review, beside):
    """The operations of a hall's or a zone's page, whose draft waits for review: 409 says that it is there."""
    path = f"/{of}/{{slug}}"
    return {
        f"get {path}/draft": {"slug": Row(page, PAGE)},
        f"put {path}/draft": {"slug": Row(page, PAGE, body=content())},
        f"get {path}/saves": {"slug": Row(page, PAGE)},
        f"get {path}/saves/{{number}}": {"slug": Row(page, PAGE)},
        f"post {path}/restore": {"slug": Row(page, PAGE, body=VERSION)},
        f"post {path}/submit": {"slug": Row(page, PAGE, 409)},
        f"post {path}/approve": {"slug": Row(page_for_review, PAGE)},
        f"post {path}/reject": {"slug": Row(page_for_review, PAGE, body=REASON)},
        f"post {path}/publish": {"slug": Row(page, PAGE, 409, {})},
        f"post {path}/rollback": {"slug": Row(page, PAGE, body=VERSION | {"later": "keep"})},
        f"post {path}/withdraw": {"slug": Row(page, PAGE, body=REASON | {"version": 3})},
        f"get {path}/versions": {"slug": Row(page, PAGE), "cursor": Row(beside, CURSOR)},
        f"get {path}/versions/{{number}}": {"slug": Row(page, PAGE)},
        f"get {path}/versions/{{before}}/diff/{{after}}": {"slug": Row(page, PAGE)},
        f"get {path}/findings": {"slug": Row(page, PAGE)},
        f"post {path}/preview": {"slug": Row(page, PAGE, 201, {})},
    }


def _demand(verb, mine, body=None):
    """A step with a demand: by its own zone's address it is another zone's, by one's own it is not there."""
    rows = {"slug": Row(places.demands, ZONE, mine, body), "demand_id": Row(places.demands, DEMAND, mine, body)}
    return {f"{'post' if verb else 'get'} /zones/{{slug}}/demands/{{demand_id}}{verb}": rows}


PLACES = {
    "get /venues": by_list(places.venues),
    "post /venues": {"Idempotency-Key": Row(places.keyed_venue, (201, None), 201)},
    "get /venues/{venue_id}": {"venue_id": Row(places.venues, VENUE)},
    "get /venues/{venue_id}/scanners": {
        "venue_id": Row(places.scanners, VENUE),
        "cursor": Row(places.scanners, CURSOR),
    },
    "post /venues/{venue_id}/scanners": {
        "venue_id": Row(places.venues, VENUE, 201, {"purposes": ["gate-entry"], "label": "2号"})
    },
    "patch /venues/{venue_id}": {"venue_id": Row(places.venues, VENUE, body={"address": "香港中路12号"})},
    # its name needs no confirmation
    "post /venues/{venue_id}/confirm": {"venue_id": Row(places.venues_of_the_city, VENUE, 409)},
    "get /venues/{venue_id}/invitations": {
        "venue_id": Row(places.invitations, VENUE),
        "cursor": Row(places.invitations, CURSOR),
    },
    "post /venues/invitations/{invitation_id}/approve": {"invitation_id": Row(places.invitations, INVITATION)},
    "post /venues/scanners/{scanner_id}/revoke": {"scanner_id": Row(places.venues, SCANNER, 204)},
    "post /codes/verify": {"scan_id": Row(residents.scan_of_a_scanner)},
    "get /disputes": by_list(places.disputes),
    "get /disputes/{dispute_id}": {"dispute_id": Row(places.disputes, DISPUTE)},
    "post /disputes/{dispute_id}/answer": {
        "dispute_id": Row(places.disputes, DISPUTE, body={"text": "已核实", "upheld": False})
    },
    "post /disputes/{dispute_id}/appeal/answer": {
        "dispute_id": Row(places.appeal, DISPUTE, body={"text": "已核实", "upheld": False})
    },
    "get /jobs": by_list(places.running_job),
    "get /jobs/{job_id}": {"job_id": Row(places.running_job, JOB)},
    "post /jobs/{job_id}/cancel": {"job_id": Row(places.running_job, JOB)},
    "post /jobs/{job_id}/resume": {"job_id": Row(places.cancelled_job, JOB)},
    "post /items/imports": {"Idempotency-Key": Row(places.keyed_import, (202, None), 202)},
    "post /items/synonyms": {"Idempotency-Key": Row(places.keyed_synonyms, (409, "items.synonyms_exist"), 201)},
    "get /items/export": {"": Row(places.item_of_export, query={"format": "csv"})},
    "put /items/{code}": {"code": Row(places.item, ITEM)},
    "get /items/{code}/versions": {"code": Row(places.item, ITEM)},
    "get /items/{code}/draft": {"code": Row(places.item, ITEM)},
    "post /items/{code}/end": {"code": Row(places.item, ITEM, body={})},
    "post /items/{code}/reopen": {"code": Row(places.ended_item, ITEM)},
    "put /apps/{slug}": {"slug": Row(places.app, OFFER)},
    "put /places/{slug}": {"slug": Row(places.place, OFFER)},
    "get /zones/{slug}/demands": {"slug": Row(places.demands, ZONE), "cursor": Row(places.demands, CURSOR)},
    "get /zones/{slug}/demands/counts": {"slug": Row(places.demands, ZONE)},
    **_demand("", 200),
    **_demand("/accept", 200),
    **_demand("/answer", 409, {"text": "好"}),
    **_demand("/refuse", 200, REASON),
    **_demand("/close", 409),
    **_page("halls", places.hall, places.reviewed_hall, places.hall_and_hall),
    **_page("zones", places.zone, places.reviewed_zone, places.zone_and_zone),
    "post /recovery/cases/{case_id}/withdraw": {"proposal_id": Row(places.proposal, PROPOSAL)},
    "post /recovery/cases/{case_id}/approve": {"proposal_id": Row(places.proposal, PROPOSAL)},
}
TABLE = RESIDENTS | PLACES

CLERKS = "people may go to any window of the city: its clerks, whatever their place, see all of it, and it is audited"
CITY = "only who answers for the whole city has the scope, so there is no other"
HEALTH = "levels are the whole city's: its health officers and reviewers see all of them, and it is audited"
SELF = "it names nobody but the caller"
NUMBER = "a version within the page that the slug names"
KINDS = "the city's five kinds"
ZONES = "a zone of the city, to which every resident may send"
NOBODYS = {
    "post /auth/step-up": {"": SELF},
    "put /me/real-name": {"": "a number that somebody else holds opens a recovery case: tests/accounts"},
    "post /me/closing": {"": SELF},
    "delete /me/closing": {"": SELF},
    "post /me/not-mine": {"": SELF},
    "post /me/wards": {"": "a person is named by number, and the answer never tells of an account: tests/accounts"},
    "post /codes/{kind}/issue": {"kind": KINDS},
    "post /codes/{kind}/short-number": {"kind": KINDS},
    "post /codes/{kind}/suspend": {"kind": KINDS},
    "post /codes/{kind}/resume": {"kind": KINDS},
    "post /zones/{slug}/demands": {"slug": ZONES},
    "post /residents/look-up": {"": CLERKS},
    "get /recovery/cases": {"": CLERKS, "cursor": CLERKS},
    "post /recovery/cases": {"": CLERKS},
    "post /recovery/cases/{case_id}/propose": {"case_id": CLERKS},
    "post /recovery/cases/{case_id}/withdraw": {"case_id": CLERKS},
    "post /recovery/cases/{case_id}/approve": {"case_id": CLERKS},
    "post /guardianships/look-up": {"": CLERKS},
    "post /guardianships/{guardianship_id}/confirm": {"guardianship_id": CLERKS},
    "post /guardianships/{guardianship_id}/end": {"guardianship_id": CLERKS},
    "post /guardianships/{guardianship_id}/stop-closing": {"guardianship_id": CLERKS},
    "post /health/changes": {"": HEALTH},
    "get /health/changes": {"": HEALTH, "cursor": HEALTH},
    "get /health/changes/{change_id}": {"change_id": HEALTH},
    "post /health/changes/{change_id}/approve": {"change_id": HEALTH},
    "post /health/changes/{change_id}/reject": {"change_id": HEALTH},
    "post /health/changes/{change_id}/withdraw": {"change_id": "another officer may not: tests/health"},
    "get /health/corrections": {"": HEALTH, "cursor": HEALTH},
    "get /health/corrections/{correction_id}": {"correction_id": HEALTH},
    "post /health/corrections/{correction_id}/answer": {"correction_id": "who had no part in the level: tests/health"},
    "get /audit": {"": CITY, "cursor": CITY},
    "get /alarms": {"": CITY, "cursor": CITY},
    "post /alarms/{alarm_id}/close": {"alarm_id": CITY},
    "post /media": {"": "a picture is named by what is in it, and is everybody's"},
    "get /items/synonyms": {"": CITY, "cursor": CITY},
    "get /items/synonyms/{group_id}": {"group_id": CITY},
    "put /items/synonyms/{group_id}": {"group_id": CITY},
    "delete /items/synonyms/{group_id}": {"group_id": CITY},
    "get /items/misses": {"": "what people looked for in vain, without who", "cursor": "how far the list was read"},
    "get /items/imports/template": {"": "an empty file, the same for all"},
    "put /departments/{code}": {"code": CITY},
    "put /topics/{slug}": {"slug": CITY},
    "delete /topics/{slug}": {"slug": CITY},
    "get /zones/{slug}/sunset": {"slug": CITY},
    "post /zones/{slug}/end": {"slug": CITY},
    "post /zones/{slug}/reopen": {"slug": CITY},
}
for _path in ("halls", "zones"):
    NOBODYS[f"get /{_path}/{{slug}}/versions/{{number}}"] = {"number": NUMBER}
    NOBODYS[f"get /{_path}/{{slug}}/saves/{{number}}"] = {"number": NUMBER}
    NOBODYS[f"get /{_path}/{{slug}}/versions/{{before}}/diff/{{after}}"] = {"before": NUMBER, "after": NUMBER}
