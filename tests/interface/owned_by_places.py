"""What staff answer for: venues, disputes, jobs, items, pages, apps and demands of their own district, hall or zone."""

import random
import secrets
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from qe_ban.accounts.models import Proposal, RecoveryCase
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place
from qe_ban.publishing.rules.states import PageKind
from tests.factories import registers
from tests.factories.items import add_department, content, item_code
from tests.factories.pages import content as page_content
from tests.factories.sheets import csv_file, row
from tests.factories.venues import AdminFactory
from tests.interface.owned import PURPOSE, Thing

NEW = {"If-None-Match": "*"}
NAMING_PURPOSE = "window-acceptance"
"""A purpose that says who somebody is."""


def _admins(world):
    """The administrators of a district and of another."""
    staff = world.places.staff
    return (
        staff("district_admin", district=world.district).headers,
        staff("district_admin", district=world.other_district).headers,
    )


def _editors(world, *, beside):
    """An editor of the district, and all who edit elsewhere; `beside`: also where the place is of another kind."""
    places = [{"district": world.other_district}]
    if beside:
        places += [{"hall": world.other_hall}, {"zone": world.zone}, {"department": "1" * 18}]
    others = tuple(world.places.staff("editor", **place).headers for place in places)
    return world.places.staff("editor", district=world.district), others


def venues(world):
    mine, theirs = _admins(world)
    first, beside = (world.people.terminal(PURPOSE, district=world.district) for _ in range(2))
    second = world.people.terminal(PURPOSE, district=world.district, venue=first.venue)
    own = world.people.terminal(PURPOSE, district=world.other_district)
    return Thing(
        mine,
        (theirs,),
        world.reads(mine, f"/venues/{first.venue}", f"/venues/{first.venue}/scanners"),
        names={"venue_id": str(first.venue), "scanner_id": str(second.id)},
        marks=(str(first.venue), str(beside.venue)),
        own={"venue_id": str(own.venue)},
    )


def scanners(world):
    """The scanners of one venue, for who asks for those of another."""
    mine, theirs = _admins(world)
    first = world.people.terminal(PURPOSE, district=world.district)
    second = world.people.terminal(PURPOSE, district=world.district, venue=first.venue)
    own = world.people.terminal(PURPOSE, district=world.other_district)
    path = f"/venues/{first.venue}/scanners"
    return Thing(
        mine,
        (theirs,),
        world.reads(mine, path),
        names={"venue_id": str(first.venue)},
        marks=(str(first.id), str(second.id)),
        own={"venue_id": str(own.venue)},
    )


def venues_of_the_city(world):
    """A venue for the city's staff, whom nothing is foreign to but for other roles; districts ask for it."""
    thing = venues(world)
    return replace(thing, owner=world.places.staff("city_admin").headers)


def invitations(world):
    """The invitations of one venue that wait for a second person, who asks for them, and those of another venue."""
    mine, theirs = _admins(world)
    first, own = (
        world.people.terminal(NAMING_PURPOSE, district=place) for place in (world.district, world.other_district)
    )
    proposer = world.places.staff("district_admin", district=world.district).headers
    path = f"/venues/{first.venue}"
    ids = tuple(
        world.succeed("post", f"{path}/scanners", proposer, json={"purposes": [NAMING_PURPOSE]})["id"] for _ in range(2)
    )
    return Thing(
        mine,
        (theirs,),
        world.reads(mine, f"{path}/invitations"),
        names={"venue_id": str(first.venue), "invitation_id": ids[0]},
        marks=ids,
        own={"venue_id": str(own.venue)},
    )


def disputes(world):
    mine, theirs = _admins(world)
    person = world.person()
    ids = tuple(world.open_dispute(person, world.district) for _ in range(2))
    beside = world.places.staff("district_admin", district="999999").headers
    read = world.reads(mine, f"/disputes/{ids[0]}")
    return Thing(mine, (theirs, beside), read, names={"dispute_id": ids[0]}, marks=ids)


def appeal(world):
    """A dismissal that was appealed of, for somebody of the city who did not answer before."""
    thing, person = disputes(world), world.person()
    dispute_id = world.dismiss(world.open_dispute(person, world.district))
    world.succeed("post", f"/me/disputes/{dispute_id}/appeal", person.headers, json={"text": "请市里核实"})
    mine = world.places.staff("city_admin").headers
    return Thing(
        mine,
        thing.others,
        world.reads(mine, f"/disputes/{dispute_id}"),
        names={"dispute_id": dispute_id},
        marks=(dispute_id,),
    )


def running_job(world, *, with_cancellation=False):
    """Two jobs of a district, of a kind that no worker does."""
    mine, others = _editors(world, beside=True)
    place, ids = Place(district=world.district), []
    for _ in range(2):
        kind = f"test-{uuid4()}"
        with world.database.transaction() as session:
            owner = AdminFactory(id=mine.id, place=place)
            now = world.places.clock()
            ids.append(str(jobs.start(session, kind=kind, lane=kind, owner=owner, place=place, now=now)))
    if with_cancellation:
        world.succeed("post", f"/jobs/{ids[0]}/cancel", mine.headers)
    read = world.reads(mine.headers, f"/jobs/{ids[0]}")
    return Thing(mine.headers, others, read, names={"job_id": ids[0]}, marks=tuple(ids))


def cancelled_job(world):
    return running_job(world, with_cancellation=True)


def item(world, *, with_end=False):
    mine, others = _editors(world, beside=True)
    department = add_department(world.database, district=world.district)
    code, body = item_code(department), content(department, district=world.district, summary=secrets.token_hex(8))
    world.succeed("put", f"/items/{code}", mine.headers | NEW, json=body)
    if with_end:
        world.succeed("post", f"/items/{code}/end", mine.headers | {"If-Match": "*"}, json={})
    read = world.reads(mine.headers, f"/items/{code}/draft", f"/items/{code}/versions")
    payload = body | {"name": "医保关系转移"}
    return Thing(mine.headers, others, read, names={"code": code}, marks=(body["summary"],), body=payload)


def ended_item(world):
    return item(world, with_end=True)


def item_of_export(world):
    """An item in its district's export, for who exports another district's or another department's."""
    thing = item(world)
    elsewhere = ({"district": world.other_district}, {"department": "1" * 18})
    return replace(thing, others=tuple(world.places.staff("editor", **place).headers for place in elsewhere))


def app(world):
    mine, others = _editors(world, beside=True)
    slug, body = registers.slug(), registers.app_content(districts=[world.district])
    world.succeed("put", f"/apps/{slug}", mine.headers | NEW, json=body)
    read = world.reads(mine.headers, f"/apps/{slug}")
    return Thing(mine.headers, others, read, names={"slug": slug}, body=body | {"name": "另一个名称"})


def place(world):
    mine, others = _editors(world, beside=True)
    slug, body = registers.slug(), registers.place_content(district=world.district)
    world.succeed("put", f"/places/{slug}", mine.headers | NEW, json=body)
    read = world.reads(mine.headers, f"/places/{slug}")
    return Thing(mine.headers, others, read, names={"slug": slug}, body=body | {"name": "另一个名称"})


def _page(world, kind, role, mark="pagemark"):
    """A page with a version in force, one to come and a draft that waits for review, for an editor or a reviewer."""
    places, kinds = world.places, {PageKind.HALL: "hall", PageKind.ZONE: "zone"}
    slug, other = places.page(kind), places.page(kind)
    for number in range(2):
        places.publish(kind, slug, page_content(title=f"{mark}{number}"))
    later = places.clock() + timedelta(days=1)
    places.publish(kind, slug, page_content(title=f"{mark}3"), at=rfc3339(later))
    places.publish(kind, other)
    editor, draft = places.staff(), page_content(title=f"{mark}draft")
    assert places.put(editor, kind, slug, draft).status_code == 200
    assert places.do(editor, kind, slug, "submit").status_code == 200
    mine = places.staff(role, **{kinds[kind]: slug}).headers
    elsewhere = [{kinds[kind]: other}, {"district": world.other_district}, {"department": "1" * 18}]
    elsewhere.append({"zone": world.zone} if kind is PageKind.HALL else {"hall": world.hall})
    others = tuple(places.staff(role, **where).headers for where in elsewhere)
    path = f"/{kind.value}s/{slug}"
    read = world.reads(mine, f"{path}/draft", f"{path}/versions", f"{path}/versions/1")
    return Thing(mine, others, read, names={"slug": slug}, marks=(mark,), own={"slug": other})


def hall(world):
    return _page(world, PageKind.HALL, "editor")


def reviewed_hall(world):
    return _page(world, PageKind.HALL, "reviewer")


def hall_and_hall(world):
    """The same for who may enter another page."""
    return _entering(hall(world))


def zone_and_zone(world):
    return _entering(zone(world))


def _entering(thing):
    versions = thing.read()[1]["items"]
    return replace(thing, others=thing.others[:1], marks=tuple(row["published_by"] for row in versions))


def zone(world):
    return _page(world, PageKind.ZONE, "editor")


def reviewed_zone(world):
    return _page(world, PageKind.ZONE, "reviewer")


def demands(world):
    """Two demands to a zone, for editors of it, of another zone and of places that are no zones."""
    ids = tuple(world.zones.send_demand(world.zone) for _ in range(2))
    mine = world.places.staff("editor", zone=world.zone).headers
    other = world.places.staff("editor", zone=world.other_zone).headers
    read = world.reads(mine, f"/zones/{world.zone}/demands/{ids[0]}")
    names = {"slug": world.zone, "demand_id": ids[0]}
    return Thing(mine, (other,), read, names=names, marks=ids, own={"slug": world.other_zone})


def proposal(world):
    """What is proposed for one case, for who names it with another."""
    cases, officer, now = [], world.places.staff("security_admin").headers, world.places.clock()
    with world.database.transaction() as session:
        for _ in range(2):
            case = RecoveryCase(
                id=new_id(), kind="lost_phone", holder_id=world.person().id, state="open", opened_at=now
            )
            session.add(case)
            cases.append(str(case.id))
    body = {"decision": "reject", "basis": "已与登记信息核对"}
    clerk = world.places.staff("clerk").headers
    ids = [
        world.succeed("post", f"/recovery/cases/{case}/propose", clerk, json=body)["proposal"]["id"] for case in cases
    ]

    def read():
        with world.database.transaction() as session:
            rows = [session.get_one(RecoveryCase, UUID(case)) for case in cases]
            waiting = [session.get_one(Proposal, UUID(one)) for one in ids]
            return [(row.state, row.proposal_id) for row in rows] + [
                (one.approved_at, one.withdrawn_at) for one in waiting
            ]

    names = {"case_id": cases[0], "proposal_id": ids[0]}
    return Thing(officer, (officer,), read, names=names, own={"case_id": cases[1]})


def _under_a_key(world, path, body, paths, field):
    """What was made under a key, for another with the same rights who uses the same key."""
    mine, other = (world.places.staff().headers for _ in range(2))
    key = f"k-{random.getrandbits(64)}"
    options = {"json": body} if isinstance(body, dict) else {"data": body, "content_type": "text/csv"}
    value = world.succeed("post", path, mine | {"Idempotency-Key": key}, **options)[field]
    read = world.reads(mine, *(path.format(value) for path in paths))
    return Thing(mine, (other,), read, names={"Idempotency-Key": key}, marks=(value,), body=body)


def keyed_venue(world):
    body = {"name": f"馆 {uuid4()}", "district": world.district, "address": "香港中路11号", "scene": "government"}
    return _under_a_key(world, "/venues", body, ["/venues/{}"], "id")


def keyed_synonyms(world):
    letters = [chr(random.randrange(0x4E00, 0x9000)) for _ in range(8)]
    body = {"words": ["".join(letters[:4]), "".join(letters[4:])]}
    return _under_a_key(world, "/items/synonyms", body, ["/items/synonyms/{}"], "id")


def keyed_import(world):
    thing = _under_a_key(world, "/items/imports", csv_file([row()]), ["/jobs/{}"], "job")

    def over():
        """Leave no job that a worker of another test would do."""
        # ids are in the order of time (RFC 9562, 5.7)
        for job in world.succeed("get", "/jobs", thing.owner)["items"]:
            if job["id"] >= thing.marks[0] and job["state"] == "queued":
                world.succeed("post", f"/jobs/{job['id']}/cancel", thing.owner)

    return replace(thing, over=over)
