"""The sample's halls and zones: without faults, nothing that leads nowhere, published by two people, loaded once."""

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select

from qe_ban import migrations
from qe_ban.accounts.service import Accounts
from qe_ban.app import assemble, create_app
from qe_ban.audit import service as audit
from qe_ban.audit.models import AuditEvent
from qe_ban.halls.models import App, Place
from qe_ban.halls.service import apps as registry
from qe_ban.halls.service import places
from qe_ban.keys import lifecycle
from qe_ban.publishing.models import Media, MediaUse, Page, PageVersion
from qe_ban.publishing.rules import content as rules
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.service import drafts, pages, references, withdrawals
from qe_ban.publishing.service.media import Pictures
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.sandbox import secrets_file
from qe_ban.sandbox.catalogue import loading as catalogue
from qe_ban.sandbox.catalogue.offices import Offices
from qe_ban.sandbox.loading import Loader as People
from qe_ban.sandbox.pages import files, spelling
from qe_ban.sandbox.pages.loading import Loader
from qe_ban.sandbox.pages.painting import Painter
from qe_ban.sandbox.pages.people import pairs
from tests.conftest import closing_pool
from tests.factories import databases

pytestmark = pytest.mark.xdist_group("sandbox_pages")

TABLES = (App, Place, Page, PageVersion, Media, MediaUse)
PAGES = [("hall", slug) for slug in ("city", "shinan", "shibei", "huangdao", "laoshan", "licang", "chengyang", "jimo",
         "jiaozhou", "pingdu", "laixi")] + [("zone", slug) for slug in ("karos", "epidemic", "sanmin", "finance",
         "social-security", "private-enterprise", "live")]  # fmt: skip


@pytest.fixture(scope="module")
def parts(settings, tmp_path_factory):
    home = tmp_path_factory.mktemp("sandbox-pages")
    own_parts = assemble(replace(databases.another(settings, "sandbox_pages"), media_dir=home / "media"))
    migrations.upgrade(own_parts.database.engine)
    now = datetime.now(UTC)
    with own_parts.database.transaction() as session:
        lifecycle.init(session, settings.master_key, now)
    with own_parts.database.transaction() as session:
        People(own_parts.get(Accounts), own_parts.city, {"medical"}).load(session, secrets_file.complete(home), now)
    names = set(_items([files.content(*page) for page in PAGES]))
    candidates = [place for place in catalogue.places(Offices()) if place[1].name in names]
    # of each the city's office and one district's: enough to resolve to
    catalogue.load(own_parts.database, now, [place for place in candidates if place[2].district in (None, "370212")])
    yield own_parts
    own_parts.database.dispose()


@pytest.fixture(scope="module")
def loader(parts):
    return Loader(parts.database, parts.city, parts.get(PageTypes), parts.get(Pictures).store)


@pytest.fixture(scope="module")
def first_load(loader):
    """Everything, and the moment at which it came."""
    now = datetime.now(UTC)
    return loader.load(now), now


@pytest.fixture(scope="module")
def client(parts, first_load):
    app = create_app(parts.settings)
    with closing_pool(app):
        yield app.test_client()


def _items(content):
    if isinstance(content, list):
        return [name for one in content for name in _items(one)]
    if not isinstance(content, dict):
        return []
    return [text for name, value in content.items() for text in ([value] if name == "item" else _items(value))]


def counts(parts):
    with parts.database.transaction() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) for table in TABLES}


def screen(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.json
    return answer.json


def blocks(page, kind):
    return [block for block in page["blocks"] if block["type"] == kind]


def content(kind, slug, now=None):
    page = files.content(kind, slug)
    speller = spelling.Speller(
        spelling.items(), dict.fromkeys(spelling.pictures(page), "0" * 64), now or datetime.now(UTC)
    )
    return speller.resolve(page)


@pytest.mark.parametrize(("kind", "slug"), PAGES)
def test_contents_are_without_faults_and_warnings(kind, slug, parts):
    page = content(kind, slug)
    district = kind == "hall" and slug != "city"
    assert list(rules.faults(page, district_hall=district, link_hosts=parts.city.link_hosts)) == []
    assert rules.clean(page, parts.city.link_hosts)[1] == []
    colours = {page["primary_colour"], page["background_colour"]}
    assert len(colours) == 2


def test_every_page_of_the_city_has_a_content(parts):
    assert sorted(PAGES) == sorted(
        [("hall", slug) for slug in parts.city.halls] + [("zone", slug) for slug in parts.city.zones]
    )


def test_every_type_of_block_is_shown_somewhere():
    assert {block["type"] for page in PAGES for block in files.content(*page)["blocks"]} == set(TYPES)


def test_registers_are_of_the_size_that_the_city_says_and_spread_over_it(parts):
    apps, spots = files.apps(), files.places()
    assert len(apps) >= 56
    assert len(spots) >= 60
    for rows in (
        (row["districts"][0] for row in apps.values() if row["districts"]),
        (row["district"] for row in spots.values() if "district" in row),
    ):
        spread = Counter(rows)
        assert set(spread) == set(parts.city.districts)
        assert min(spread.values()) >= 5
    assert Counter(row["state"] for row in apps.values())["suspended"] == 2
    assert {row["kind"] for row in apps.values()} == {"native", "h5", "mini_program"}
    assert {row["kind"] for row in spots.values()} >= {"hall", "office", "self_service", "testing"}


def test_pictures_are_always_the_same_and_of_every_sign():
    painter = Painter()
    for name in ("sea/12589e", "icon/car"):
        assert painter.paint(name) == Painter().paint(name)
    names = {
        *spelling.pictures([files.content(*page) for page in PAGES]),
        *(row["icon"] for row in files.apps().values()),
    }
    for name in names:
        picture = Image.open(io.BytesIO(painter.paint(name)))
        assert picture.size == ((192, 192) if name.startswith("icon/") else (800, 320))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 2


def test_everything_is_published_by_two_people_and_nothing_leads_nowhere(first_load, loader, parts):
    came, now = first_load
    assert (len(came.apps), len(came.places), len(came.pages)) == (len(files.apps()), len(files.places()), len(PAGES))
    with parts.database.transaction() as session:
        for page_type in loader.page_types.types.values():
            for slug in page_type.names:
                in_force = pages.in_force(session, page_type.kind, slug, now)
                assert in_force is not None, slug
                assert references.inspect(session, loader.page_types.sources, in_force.content, now, {}) == []
        for version in session.scalars(select(PageVersion)):
            assert version.approved_by not in version.editors
        page = session.get(Page, ("hall", "laoshan"))
        own = session.scalar(
            select(AuditEvent.actor_id).where(
                AuditEvent.action == "pages.approve", AuditEvent.subject == "hall/laoshan"
            )
        )
        assert page.state == "published"
        page_type = next(page_type for page_type in loader.page_types.types.values() if page_type.kind == "hall")
        pair = pairs(session)(page_type, "laoshan")
        assert pair.reviewer.id == own
        assert pair.reviewer.place.hall == "laoshan"


def test_each_districts_hall_shows_its_own_apps_and_the_citys_blocks(client, parts):
    assert len(screen(client, "halls/city")["apps"]) == 14
    for slug, district in parts.city.halls.items():
        page = screen(client, f"halls/{slug}")
        grids = blocks(page, "app_grid")
        assert page["notices"]
        if district is None:
            continue
        own = {app["slug"] for grid in grids for app in grid["apps"] if app["districts"] == [district]}
        assert len(own) == 5
        assert all(name.startswith(f"{slug}-") for name in own)
        names = [block["id"] for block in page["blocks"]]
        assert {"codes", "services", f"{slug}-banner", f"{slug}-contacts"} <= set(names)
        assert not {"banner", "contacts"} & set(names)
    assert "season" not in {block["id"] for block in screen(client, "halls/laoshan")["blocks"]}


def test_laoshan_offers_its_own_office(client):
    grid = next(block for block in screen(client, "halls/laoshan")["blocks"] if block["id"] == "services")
    items = {row["label"]: row["item"] for row in grid["services"]}
    assert len(items) == 20
    assert items["社保卡申领"]["district"] == "370212"


def test_zones_are_fit_for_their_themes(client):
    karos = screen(client, "zones/karos")
    solutions = blocks(karos, "solution_list")[0]
    assert solutions["total"] >= 24
    assert blocks(karos, "demand_form")
    page = files.content("zone", "karos")
    rows = next(block for block in page["blocks"] if block["type"] == "solution_list")
    assert len({industry for row in rows["solutions"] for industry in row["industries"]}) >= 8
    assert len(rows["cases"]) >= 8
    assert blocks(screen(client, "zones/private-enterprise"), "policy_list")[0]["total"] >= 30
    testing = next(block for block in screen(client, "zones/epidemic")["blocks"] if block["id"] == "testing")
    assert {place["kind"] for place in testing["places"]} == {"testing"}
    assert len({place["district"] for place in testing["places"]}) == 10
    for slug in ("epidemic", "sanmin", "finance", "social-security"):
        assert len(screen(client, f"zones/{slug}")["blocks"]) >= 5


def test_the_live_zone_always_has_something_live_and_something_to_come(client):
    events = blocks(screen(client, "zones/live"), "event")[0]["events"]
    states = Counter(event["state"] for event in events)
    assert states["live"] == 1
    assert states["upcoming"] >= 3
    assert {"ended", "replay", "postponed", "cancelled"} <= set(states)
    assert next(event for event in events if event["state"] == "live")["stream"].endswith(".m3u8")


def test_a_second_load_brings_nothing_and_keeps_what_staff_did(first_load, loader, parts):
    before, now = counts(parts), datetime.now(UTC)
    withdrawn = files.apps()["laoshan-tea"] | {"icon": None, "state": "withdrawn", "state_reason": "改版"}
    page_type = next(page_type for page_type in loader.page_types.types.values() if page_type.kind == "zone")
    with parts.database.transaction() as session:
        registry.upsert(
            session, parts.city, "laoshan-tea", withdrawn, precondition=lambda _: None, change=audit.AtShell(now)
        )
        session.delete(session.get(Place, "laixi-clinic"))
        pair = pairs(session)(page_type, "live")
        admin = replace(pair.reviewer, scopes=pair.reviewer.scopes | {"pages.withdraw"})
        withdrawals.withdraw(
            session,
            loader.page_types,
            page_type.kind,
            "live",
            1,
            "停办",
            precondition=lambda _: None,
            change=audit.Change(admin, now),
        )
    later = loader.load(now + timedelta(minutes=1))
    assert (later.apps, later.places, later.pages) == ([], ["laixi-clinic"], [])
    assert len(loader.load(now + timedelta(minutes=2))) == 0
    after = counts(parts)
    assert after == before | {"media_uses": before["media_uses"] - 1}
    with parts.database.transaction() as session:
        assert pages.in_force(session, page_type.kind, "live", now) is None
        assert session.get(App, "laoshan-tea").state == "withdrawn"


def test_what_somebody_makes_while_it_is_loaded_stays_theirs(settings, loader, tmp_path):
    """Everything is missing when the loader looks, and an app, a place and a page are there when it writes."""
    other_city = assemble(replace(databases.another(settings, "sandbox_pages_raced"), media_dir=tmp_path / "media"))
    migrations.upgrade(other_city.database.engine)
    now = datetime.now(UTC)
    with other_city.database.transaction() as session:
        lifecycle.init(session, settings.master_key, now)
    with other_city.database.transaction() as session:
        People(other_city.get(Accounts), other_city.city, {"medical"}).load(
            session, secrets_file.complete(tmp_path), now
        )
    page_types = other_city.get(PageTypes)
    zones = next(page_type for page_type in page_types.types.values() if page_type.kind == "zone")
    theirs = {"title": "编辑正在写的"}

    class Meanwhile(Loader):
        def missing(self):
            missing = super().missing()
            change = audit.AtShell(now)
            app = files.apps()["parking"] | {"name": "别人的应用", "icon": None}
            spot = files.places()["city-hall"] | {"name": "别人的网点"}
            with self.database.transaction() as session:
                registry.upsert(session, self.city, "parking", app, precondition=lambda _: None, change=change)
                places.upsert(session, self.city, "city-hall", spot, precondition=lambda _: None, change=change)
            return replace(missing, pages=[page for page in missing.pages if page == (zones, "live")])

        def _publish(self, session, page, *more):
            editor = audit.Change(pairs(session)(*page).editor, now)
            with self.database.transaction() as other:
                drafts.save(other, page_types, zones.kind, "live", theirs, precondition=lambda _: None, change=editor)
            super()._publish(session, page, *more)

    came = Meanwhile(other_city.database, other_city.city, page_types, other_city.get(Pictures).store).load(now)
    assert (len(came.apps), len(came.places)) == (len(files.apps()) - 1, len(files.places()) - 1)
    assert came.pages == []
    with other_city.database.transaction() as session:
        assert session.get(App, "parking").name == "别人的应用"
        assert session.get(Place, "city-hall").name == "别人的网点"
        page = session.get(Page, ("zone", "live"))
        assert (page.content, page.state, page.latest) == (theirs | {"blocks": []}, "draft", 0)
    other_city.database.dispose()


def test_a_city_that_the_sample_does_not_know_gets_nothing(loader):
    elsewhere = replace(loader, city=replace(loader.city, districts={"110101": "东城区"}))
    assert len(elsewhere.missing()) == 0


def test_a_page_without_two_people_waits_for_them(loader, parts):
    with parts.database.transaction() as session:
        find = pairs(session)
        lonely = replace(
            next(iter(loader.page_types.types.values())), covers=lambda place, _slug: place.zone == "karos"
        )
        assert find(lonely, "any") is not None
        assert find(replace(lonely, covers=lambda _place, _slug: False), "any") is None
