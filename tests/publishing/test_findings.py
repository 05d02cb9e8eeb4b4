"""What breaks after publication: found by the worker, told to editors, gone when it is mended."""

import secrets
from datetime import timedelta

from sqlalchemy import delete

from qe_ban.app.working import create_worker
from qe_ban.publishing.models import LinkCheck, Media, MediaUse
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import findings
from qe_ban.publishing.service.page_types import PageTypes
from tests.factories.items import add_item
from tests.factories.pages import content, notice
from tests.publishing.asking import done, followed

ZONE = PageKind.ZONE


def inspect(town):
    with town.database.transaction() as session:
        return findings.inspect_all(session, town.parts.get(PageTypes), town.clock())


def found(town, slug):
    items = done(town.get(town.staff("editor", zone=slug), ZONE, f"{slug}/findings")).json["items"]
    return {(one["version"], one["place"], one["reference"]): one for one in items}


def test_what_stands_is_not_found_and_what_broke_since_is(town, picture):
    slug, link = town.zone(), followed(town, f"https://www.qingdao.gov.cn/{secrets.token_hex(8)}", "alive", 200)
    town.publish(ZONE, slug, content(notice(link=link), banner=picture))
    inspect(town)
    assert found(town, slug) == {}
    with town.database.transaction() as session:
        session.execute(delete(MediaUse).where(MediaUse.digest == picture))
        session.execute(delete(Media).where(Media.digest == picture))
        session.get_one(LinkCheck, link).state = "dead"
    assert inspect(town) >= 2
    broken = found(town, slug)
    assert set(broken) == {(1, "banner", "media"), (1, "blocks.0.notices.0.link", "link")}
    assert picture in broken[1, "banner", "media"]["message"]
    with town.clock.shift(hours=1):
        inspect(town)
        assert found(town, slug) == broken


def test_an_item_that_ended_is_found_until_the_page_is_mended(town):
    code = add_item(town.database)
    slug = town.zone()
    grid = {"id": "grid", "type": "service_grid", "services": [{"item": code, "label": "社保卡"}]}
    town.publish(ZONE, slug, content(grid))
    inspect(town)
    assert found(town, slug) == {}
    admin = town.staff()
    done(town.client.post(f"/api/v1/items/{code}/end", json={}, headers=admin.headers | {"If-Match": "*"}))
    inspect(town)
    assert set(found(town, slug)) == {(1, "blocks.0.services.0.item", "item")}
    assert town.client.get(f"/api/v1/zones/{slug}").json["blocks"] == []
    town.publish(ZONE, slug)
    inspect(town)
    assert found(town, slug) == {}


def test_only_what_is_in_force_is_looked_at(town, picture):
    slug = town.zone()
    town.publish(ZONE, slug, content(banner=picture))
    town.publish(ZONE, slug, at=(town.clock() + timedelta(hours=1)).isoformat())
    with town.database.transaction() as session:
        session.execute(delete(MediaUse).where(MediaUse.digest == picture))
        session.execute(delete(Media).where(Media.digest == picture))
    inspect(town)
    assert set(found(town, slug)) == {(1, "banner", "media")}
    with town.clock.shift(hours=2):
        inspect(town)
        assert found(town, slug) == {}
    inspect(town)
    assert set(found(town, slug)) == {(1, "banner", "media")}
    done(town.do(town.staff(), ZONE, slug, "withdraw", {"version": 1, "reason": "有误", "later": "keep"}))
    inspect(town)
    assert found(town, slug) == {}


def test_a_link_that_could_not_be_reached_is_no_finding(town):
    slug, link = town.zone(), followed(town, f"https://www.qingdao.gov.cn/{secrets.token_hex(8)}", "unreachable")
    town.publish(ZONE, slug, content(notice(link=link)))
    inspect(town)
    assert found(town, slug) == {}


def test_the_worker_looks_by_itself(town):
    schedules = {schedule.name for schedule in create_worker(town.settings)._schedules._schedules}
    assert "pages.findings" in schedules
