"""Zones of a town of its own, published at once, and residents and editors with real tokens."""

import random
from datetime import timedelta

import pytest

from qe_ban.accounts.rules import STEPPED_UP
from qe_ban.accounts.service import Accounts, residents, tokens
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.publishing.models import PageVersion
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import pages, stamps
from qe_ban.publishing.service.page_cache import PageCache
from tests.conftest import closing_pool
from tests.factories.accounts import random_phone
from tests.factories.pages import API, make_town

USCC = "91370200163562681G"
CONSENT = "同意将企业需求提供给专区运营人员。"
FORM = {"id": "form", "type": "demand_form", "consent": CONSENT, "industries": ["machinery", "food"]}
SOLUTIONS = {
    "id": "solutions",
    "type": "solution_list",
    "solutions": [
        {"name": "注塑产线联网", "provider": "卡奥斯", "industries": ["machinery"], "summary": "设备联网与能耗分析"},
        {"name": "冷链追溯", "provider": "卡奥斯", "industries": ["food", "logistics"], "summary": "全程温度记录"},
        {"name": "AGV 调度", "provider": "海尔", "industries": ["logistics"], "summary": "厂内物流"},
    ],
    "cases": [
        {"title": "某食品厂", "firm": "青岛某食品", "industry": "food", "solution": "冷链追溯", "result": "损耗下降"}
    ],
    "shown": 1,
}


class Zones:
    """What tests do with the zones of a town."""

    def __init__(self, town):
        self.town, self.clock, self.database = town, town.clock, town.database

    def publish(self, *blocks, slug=None, starts_in=-1.0, ends_in=None, **fields):
        """Put a content in force without review, from and until so many seconds from now; gives the zone's slug."""
        slug, now = slug or self.town.zone(), self.clock()
        with self.database.transaction() as session:
            page = pages.hold(session, PageKind.ZONE, slug)
            page.latest += 1
            page.revision += 1
            session.add(
                PageVersion(
                    kind="zone", slug=slug, number=page.latest, content={"blocks": list(blocks or [FORM])} | fields,
                    digest=b"x", starts_at=now + timedelta(seconds=starts_in),
                    ends_at=now + timedelta(seconds=ends_in) if ends_in is not None else None,
                    editors=[new_id()], approved_by=new_id(), published_by=new_id(), published_at=now, rollback_of=None,
                )
            )  # fmt: skip
            session.flush()
            stamps.bump(session, PageKind.ZONE, slug)
        self.publish_invalidation()
        return slug

    def publish_invalidation(self):
        with self.town.app.app_context():
            from qe_ban.web.parts import part  # noqa: PLC0415

            part(PageCache).publish_invalidation()

    def resident(self):
        """The headers of a resident who stepped up."""
        now = self.clock()
        with self.database.transaction() as session:
            resident = residents.of_phone(self.town.parts.rings, session, phone=random_phone(), now=now)
        token = tokens.access(
            self.town.parts.get(Accounts),
            kind=PrincipalKind.RESIDENT,
            subject=resident,
            session=new_id(),
            scopes=STEPPED_UP,
            now=now,
            stepped_up_at=now,
        )
        return {"Authorization": f"Bearer {token.access}"}

    def call(self, method, path, headers=None, body=None, **more):
        options = {} if body is None else {"json": body}
        return self.town.client.open(f"{API}{path}", method=method, headers=(headers or {}) | more, **options)

    def get(self, path, headers=None, **more):
        return self.call("GET", path, headers, **more)

    def send(self, slug, headers=None, **changes):
        """Send a demand; gives the answer."""
        key = changes.pop("key", None)
        more = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", f"/zones/{slug}/demands", headers or self.resident(), demand(**changes), **more)

    def send_demand(self, slug, headers=None, **changes):
        answer = self.send(slug, headers, **changes)
        assert answer.status_code == 201, answer.json
        return answer.json["id"]

    def take(self, slug, demand_id, verb, who, body=None, tag="*"):
        headers = dict(who.headers) | ({"If-Match": tag} if tag is not None else {})
        return self.call("POST", f"/zones/{slug}/demands/{demand_id}/{verb}", headers, body)

    def end(self, slug, who=None, *, tag="*", verb="end", **body):
        headers = dict((who or self.town.staff()).headers) | ({"If-Match": tag} if tag is not None else {})
        return self.call(
            "POST", f"/zones/{slug}/{verb}", headers, ({"delete": False} | body) if verb == "end" else None
        )


def demand(**changes):
    """What a firm sends; what is None is left out."""
    body = {
        "block": "form",
        "firm": "青岛测试机械有限公司",
        "uscc": USCC,
        "industry": "machinery",
        "title": "求产线数字化方案",
        "text": f"现有三条注塑产线，希望联网。编号{random.randint(0, 10**9)}",
        "contact": "李测试",
        "phone": "13800138000",
        "consent": True,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def short(value):
    """Name a case by the beginning of what it is about."""
    return ascii(value)[:30]


@pytest.fixture(scope="module")
def zones(settings, tmp_path_factory):
    town = make_town(settings, tmp_path_factory.mktemp("town"), halls=2)
    with closing_pool(town.app):
        yield Zones(town)
    town.database.dispose()
