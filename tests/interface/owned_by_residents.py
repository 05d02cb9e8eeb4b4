"""What residents own: wards and guardians, consents, codes and scans, disputes, demands, halls and items they keep.

Each maker takes the owner where that is a certain person, else makes one.
"""

import random
from dataclasses import replace
from uuid import UUID

from qe_ban.accounts.models import Guardianship, RecoveryCase
from qe_ban.kernel.ids import new_id
from tests.factories.items import add_item
from tests.interface.owned import PURPOSE, Thing
from tests.zones.conftest import demand

CONSENTS = ("senior-discount", "social-enquiry", "visitor-registration")


def _of(world, owner, *paths, **fields):
    """Something of a resident that a stranger asks for."""
    others = (world.person().headers, *fields.pop("others", ()))
    return Thing(owner.headers, others, world.reads(owner.headers, *paths), **fields)


def account(world, owner=None):
    owner = owner or world.person()
    return _of(world, owner, "/me", marks=(str(owner.id),))


def ward(world, owner=None):
    """Somebody whom the owner acts for; the ward's own token opens nothing of it either."""
    owner, child = owner or world.person(), world.person()
    guardianship_id = world.people.guard(owner, child)
    read = world.reads(child.headers, "/me/guardians", "/codes/ledger", "/me/disputes")
    states = world.reads(child.headers, "/codes")
    thing = _of(
        world, owner, names={"guardianship_id": guardianship_id, "for": guardianship_id}, others=[child.headers]
    )

    def read_both():
        return read(), [card["state"] for card in states()[0]["items"]]

    return replace(thing, read=read_both)


def leaving_ward(world, owner=None):
    """A ward whose account is to be closed, because the guardian asked for it."""
    thing = ward(world, owner)
    path = f"/me/wards/{thing.names['guardianship_id']}/closing"
    world.succeed("post", path, thing.owner, json={"confirm": True})
    return thing


def wards(world, owner=None):
    owner = owner or world.person()
    ids = tuple(world.people.guard(owner, world.person()) for _ in range(2))
    return _of(world, owner, "/me/wards", marks=ids)


def suspended_ward(world, owner=None):
    thing = ward(world, owner)
    world.succeed("post", f"/codes/identity/suspend?for={thing.names['for']}", thing.owner)
    return thing


def scanned_ward(world, owner=None):
    owner, child = owner or world.person(), world.person()
    guardianship_id = world.people.guard(owner, child)
    scans = tuple(world.scan(child) for _ in range(2))
    thing = _of(world, child, names={"for": guardianship_id, "scan": scans[0]}, marks=scans)
    return replace(thing, owner=owner.headers)


def disputed_ward(world, owner=None):
    owner, child = owner or world.person(), world.person()
    guardianship_id = world.people.guard(owner, child)
    thing = _of(world, child, "/me/disputes", names={"for": guardianship_id}, marks=(world.open_dispute(child),))
    return replace(thing, owner=owner.headers)


def request_correction(world, person):
    """Have somebody wait for a correction of the health level; gives the request's id."""
    waiting = world.succeed("get", "/me/health/corrections", person.headers)["items"]
    if waiting and waiting[0]["state"] == "open":
        return waiting[0]["id"]
    return world.succeed("post", "/me/health/corrections", person.headers, json={"text": "等级有误"})["id"]


def corrections(world, owner=None):
    """Two requests to have a level corrected: one that is answered, one that is open."""
    owner = owner or world.person()
    first, reviewer = request_correction(world, owner), world.places.staff("health_reviewer").headers
    answer = {"text": "等级无误", "corrected": False}
    world.succeed("post", f"/health/corrections/{first}/answer", reviewer, json=answer)
    return _of(world, owner, "/me/health/corrections", marks=(first, request_correction(world, owner)))


def level(world, owner=None):
    """A level whose resident waits for an answer, which only the resident is told."""
    owner = owner or world.person()
    request_correction(world, owner)
    return _of(world, owner, "/me/health/corrections", marks=('"open":true',))


def level_of_ward(world, owner=None):
    owner, child = owner or world.person(), world.person()
    guardianship_id = world.people.guard(owner, child)
    thing = _of(
        world,
        child,
        "/me/health/corrections",
        names={"for": guardianship_id},
        marks=(request_correction(world, child),),
    )
    return replace(thing, owner=owner.headers)


def guardians(world, owner=None):
    """Those who wait for the owner's word; whoever asks cannot give it."""
    owner, asking = owner or world.person(), (world.person(), world.person())
    ids = tuple(world.people.guard(one, owner, state="pending") for one in asking)
    with world.database.transaction() as session:
        for one in ids:
            # on the owner's word alone, not on papers that are seen at a window
            session.get_one(Guardianship, UUID(one)).basis = "entrusted"
    return _of(world, owner, "/me/guardians", names={"guardianship_id": ids[0]}, marks=ids, others=[asking[0].headers])


def consents(world, owner=None):
    owner = owner or world.person()
    for purpose in CONSENTS[:2]:
        world.succeed("put", f"/me/consents/{purpose}", owner.headers)
    return _of(world, owner, "/me/consents", "/me/consents/history", marks=CONSENTS[:2])


def consent(world, owner=None):
    """A consent by its purpose, which is the city's: others give and take back their own by that name."""
    return replace(consents(world, owner), marks=(), names={"purpose": CONSENTS[0]}, never={"purpose": CONSENTS[2]})


def consented_ward(world, owner=None):
    """What a ward agreed to; whom the guardian acts for sees it, and only the two may change it."""
    owner, child = owner or world.person(), world.person()
    guardianship_id = world.people.guard(owner, child)
    thing = replace(consents(world, child), names={"for": guardianship_id, "purpose": CONSENTS[0]})
    return replace(thing, owner=owner.headers)


def recovery(world, owner=None):
    """Cases about somebody's account, which only the holder may stop."""
    owner, now = owner or world.person(), world.places.clock()
    kinds, ids = ("new_phone", "lost_phone"), []
    with world.database.transaction() as session:
        for kind in kinds:
            case = RecoveryCase(id=new_id(), kind=kind, holder_id=owner.id, state="open", opened_at=now)
            session.add(case)
            ids.append(str(case.id))
    return _of(world, owner, "/me/recovery", names={"case_id": ids[0]}, marks=tuple(ids))


def wallet(world, owner=None):
    owner = owner or world.person()
    world.succeed("post", "/codes/dining/suspend", owner.headers)
    return _of(world, owner, "/me", marks=('"suspended"',))


def scans(world, owner=None):
    owner = owner or world.person()
    ids = tuple(world.scan(owner) for _ in range(2))
    return _of(world, owner, "/codes/ledger", "/me/disputes", names={"scan": ids[0]}, marks=ids)


def dismissed_dispute(world, owner=None):
    """A dispute that the district dismissed."""
    owner = owner or world.person()
    dispute_id = world.dismiss(world.open_dispute(owner))
    return _of(world, owner, "/me/disputes", names={"dispute_id": dispute_id}, marks=(dispute_id,))


def dismissed_for_a_ward(world, owner=None):
    """A dispute of a ward's scan that the guardian opened, and the district dismissed."""
    thing = scanned_ward(world, owner)
    path = f"/codes/ledger/{thing.names['scan']}/dispute?for={thing.names['for']}"
    dispute_id = world.dismiss(world.succeed("post", path, thing.owner, json={"text": "不对"})["id"])
    read = world.reads(thing.owner, f"/me/disputes?for={thing.names['for']}")
    return replace(thing, names={"for": thing.names["for"], "dispute_id": dispute_id}, read=read)


def disputes(world, owner=None):
    owner = owner or world.person()
    return _of(world, owner, "/me/disputes", marks=tuple(world.open_dispute(owner) for _ in range(2)))


def demands(world, owner=None):
    owner = owner or world.person()
    ids = tuple(world.zones.send_demand(world.zone, owner.headers) for _ in range(2))
    return _of(world, owner, "/me/demands", f"/me/demands/{ids[0]}", names={"demand_id": ids[0]}, marks=ids)


def sent_once(world, owner=None):
    """A demand that was sent under a key, which its sender may send again."""
    owner, key, payload = owner or world.person(), f"k-{random.getrandbits(64)}", demand()
    demand_id = world.succeed(
        "post", f"/zones/{world.zone}/demands", owner.headers | {"Idempotency-Key": key}, json=payload
    )["id"]
    names = {"slug": world.zone, "Idempotency-Key": key}
    return _of(world, owner, "/me/demands", names=names, marks=(demand_id,), body=payload)


def home(world, owner=None):
    owner = owner or world.person()
    world.succeed("put", "/me/hall", owner.headers, json={"hall": world.hall, "age_mode": "elder"})
    body = {"hall": world.other_hall, "age_mode": "standard"}
    return _of(world, owner, "/me/hall", marks=('"age_mode":"elder"',), body=body)


def followed_hall(world, owner=None):
    owner = owner or world.person()
    for slug in (world.hall, world.other_hall):
        world.succeed("put", f"/me/halls/{slug}", owner.headers)
    marks = (f'"{world.hall}"', f'"{world.other_hall}"')
    return _of(world, owner, "/me/halls", names={"slug": world.hall}, marks=marks)


def plan(world, owner=None):
    return replace(followed_hall(world, owner), marks=('"关注的分厅","rows":2',))


def _item_list(world, owner, where):
    owner = owner or world.person()
    codes = [add_item(world.database) for _ in range(2)]
    for code in codes:
        world.succeed("put", f"/me/items/{where}/{code}", owner.headers)
    # whichever office it was kept at, it is told by its basic code
    marks = tuple(code[19:31] for code in codes)
    return _of(world, owner, f"/me/items/{where}", names={"code": codes[0]}, marks=marks)


def favourites(world, owner=None):
    return _item_list(world, owner, "favourites")


def recent(world, owner=None):
    return _item_list(world, owner, "recent")


def scan_of_a_scanner(world):
    """A scan under the scanner's own number for it; another scanner may happen to use that number too."""
    mine, other = (world.people.terminal(PURPOSE) for _ in range(2))
    code = world.succeed("post", "/codes/identity/issue", world.person().headers)["code"]
    body = {"code": code, "purpose": PURPOSE}
    scan_id = str(UUID(int=random.getrandbits(128)))

    def verdict():
        answer = world.succeed("post", "/codes/verify", mine.headers, json=body | {"scan_id": scan_id})
        return {name: value for name, value in answer.items() if name not in ("server_time", "repeat")}

    verdict()
    return Thing(mine.headers, (other.headers,), verdict, {"scan_id": scan_id}, ('"repeat":true',), body=body)
