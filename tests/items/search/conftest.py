"""What the tests of search share: a small catalogue in a database of its own, and what asks it."""

from datetime import UTC, datetime

import pytest

from qe_ban import migrations
from qe_ban.app import load_city
from qe_ban.db.engine import Database
from qe_ban.items.models import Entry
from qe_ban.items.service import indexing, searching, seeding, suggesting
from qe_ban.items.service.publishing import Draft
from tests.factories import databases
from tests.factories.items import LAOSHAN, SHINAN, add_department, add_item, basic_code, content, item_code

NAMES = {
    "社会保障卡申领": {"aliases": ["社保卡", "办社保卡"], "topics": ["work"], "popularity": 2000},
    "社会保障卡补领、换领、换发": {"aliases": ["补办社保卡"], "topics": ["work"], "popularity": 300},
    "居民身份证申领": {"aliases": ["办身份证"], "popularity": 1600},
    "居民身份证补领": {"aliases": ["补身份证"], "popularity": 500},
    "居住证申领": {"popularity": 200, "reach": "citywide"},
    "机动车驾驶证补领": {"aliases": ["补驾照"], "popularity": 400, "channels": ["web"]},
    "机动车驾驶证期满换证": {"aliases": ["换驾照"], "popularity": 900, "channels": ["app"]},
    "内地居民结婚登记": {"aliases": ["领结婚证"], "topics": ["marriage"], "result_name": "结婚证", "popularity": 1200},
    "有限责任公司设立登记": {"aliases": ["开公司"], "audiences": ["firm"], "popularity": 600},
    "食品经营许可新办": {"audiences": ["firm"], "popularity": 550, "item_type": "licence"},
    "城乡居民基本医疗保险参保登记": {"aliases": ["参加医保"], "topics": ["work"], "popularity": 650},
    "ETC办理": {"popularity": 100},
}
CITY_OFFICE = "11370200YECA21BAGX"
"""A department's code in which a syllable stands before a digit, as with a tone."""
ONLY_IN_LAOSHAN = "崂山风景区登山证核发"


@pytest.fixture(scope="session")
def city(settings):
    return load_city(settings)


@pytest.fixture(scope="session")
def catalogue(settings):
    """A dozen entries at the city's office and two districts', and one item of Laoshan's own."""
    made = Database(databases.another(settings, "search").database_url, pool=8)
    migrations.upgrade(made.engine)
    fill(made)
    yield made
    made.dispose()


def fill(database):
    now = datetime.now(UTC)
    offices = {district: add_department(database, district=district) for district in (SHINAN, LAOSHAN)}
    offices = {None: add_department(database, code=CITY_OFFICE)} | offices
    with database.transaction() as session:
        rows = [
            {"slug": "life", "name": "生活", "audience": "person", "parent": None},
            {"slug": "work", "name": "就业社保", "audience": "person", "parent": "life"},
            {"slug": "marriage", "name": "婚姻", "audience": "person", "parent": "life"},
        ]
        seeding.topics(session, rows, now)
        seeding.synonyms(session, [["医保", "医疗保险"], ["驾照", "驾驶证"], ["丢了", "补领", "补办"]], now)
    used = {}
    for name, given in NAMES.items():
        fields = dict(given)
        basic, popularity = basic_code(), fields.pop("popularity")
        used[basic] = popularity
        for district, department in offices.items():
            said = {"name": name, **fields} | ({"district": district} if district else {})
            add(database, department, item_code(department, basic), **said)
    add(database, offices[LAOSHAN], item_code(offices[LAOSHAN]), name=ONLY_IN_LAOSHAN, district=LAOSHAN)
    with database.transaction() as session:
        for entry, popularity in used.items():
            session.get_one(Entry, entry).popularity = popularity
        session.flush()
        indexing.tidy(session, now)


def add(database, department, code, **fields):
    return add_item(database, Draft(code, content(department, **fields)))


@pytest.fixture
def search(catalogue, city):
    def ask(q=None, *, offset=0, limit=20, **filters):
        with catalogue.transaction() as session:
            return searching.search(
                session, city, q, searching.Filters(**filters), offset=offset, limit=limit, now=datetime.now(UTC)
            )

    return ask


@pytest.fixture
def names(search):
    """The names that a query finds, in order."""
    return lambda q=None, **options: [item.name for item in search(q, **options).items]


@pytest.fixture
def suggest(catalogue, city):
    def ask(q, hall=None):
        with catalogue.transaction() as session:
            return suggesting.suggest(session, city, q, hall=hall, now=datetime.now(UTC))

    return ask
