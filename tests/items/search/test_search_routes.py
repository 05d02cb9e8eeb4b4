from datetime import UTC, datetime, time, timedelta

import pytest

from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.items.models import SearchMiss
from qe_ban.items.routes import search as routes
from qe_ban.items.service import askers, misses
from qe_ban.items.service.askers import Askers
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.web import application, guard, parts
from tests.factories.described import parameter_names
from tests.factories.digests import plain_digest
from tests.factories.endings import end as end_rows
from tests.factories.venues import AdminFactory

VOCABULARY, EDITOR, NOBODY = "vocabulary", "editor", "nobody"


@pytest.fixture(scope="module")
def client(settings, catalogue, rings, city):
    """An app with the interface of search alone, on the small catalogue."""
    callers = {
        VOCABULARY: AdminFactory(scopes=frozenset({"items.vocabulary", "items.write"})),
        EDITOR: AdminFactory(scopes=frozenset({"items.write"})),
        NOBODY: AdminFactory(scopes=frozenset()),
    }

    def principal_from(token):
        try:
            return callers[token]
        except KeyError:
            raise AuthenticationRequired from None

    app, api = application.build(settings, lambda: datetime.now(UTC), name="search-tests")
    limiter = Limiter(valkey.connect(settings.redis_url), catalogue, lambda: datetime.now(UTC), plain_digest)
    for part in (catalogue, city, limiter, Askers(valkey.connect(settings.redis_url), rings)):
        parts.provide(app, part)
    guard.install(app, principal_from)
    api.register_blueprint(routes.blp)
    return app.test_client()


@pytest.fixture
def call(client):
    def ask(method, path="", body=None, *, token=None, headers=None, query=None, **environ):
        given = {"Authorization": f"Bearer {token}"} if token else {}
        more = environ | ({"json": body} if body is not None else {})
        return client.open(
            f"/api/v1/items{path}", method=method, query_string=query, headers={**given, **(headers or {})}, **more
        )

    return ask


@pytest.fixture
def get(call):
    return lambda path="", token=None, **query: call("GET", path, token=token, query=query)


def test_a_list_has_one_shape_and_can_be_cached(get, call):
    answer = get(q="社会保障卡", hall="laoshan")
    assert answer.headers["Cache-Control"] == "public, max-age=30, stale-while-revalidate=300"
    assert set(answer.json) == {"items", "next", "total", "total_capped", "counts", "corrected"}
    first = answer.json["items"][0]
    assert first["name"] == "社会保障卡申领"
    assert first["district"] == {"code": "370212", "name": "崂山区"}
    assert first["offices"] == 2
    assert first["matched"] == [[0, 5]]
    assert set(answer.json["counts"]) == {"department", "audience", "topic", "online", "district"}
    again = call("GET", query={"q": "社会保障卡", "hall": "laoshan"}, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_list_is_read_on_by_its_cursor(get):
    seen, cursor = [], {}
    while True:
        page = get(limit="5", **cursor).json
        seen += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == page["total"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "社" * 101},
        {"q": "社" * 10_000},
        {"q": "社\u202e保"},
        {"q": "社\0保"},
        {"q": "   "},
        {"hall": "atlantis"},
        {"audience": "nobody"},
        {"online": "yes"},
        {"reach": "moon"},
        {"limit": "0"},
        {"limit": "101"},
        {"cursor": "x"},
        {"cursor": "WzEwMDBd"},
        {"cursor": "Wy0xXQ"},
        {"sort": "name"},
    ],
)
def test_what_cannot_be_asked_is_told_by_field(get, query):
    answer = get(**query)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert set(answer.json["errors"]) == set(query)


def test_an_empty_query_is_no_query(get):
    assert get(q="").json["total"] == get().json["total"]


def test_suggestions_are_names(get):
    answer = get("/suggest", q="sheb")
    assert answer.json["items"][0] == {
        "name": "社会保障卡申领",
        "code": answer.json["items"][0]["code"],
        "alias": "社保卡",
        "matched": [],
    }
    assert answer.headers["ETag"]
    assert get("/suggest").status_code == get("/suggest", q="x" * 101).status_code == 422


def test_a_synonym_works_at_once_and_until_it_is_taken_away(get, call):
    assert not get(q="小红本").json["items"]
    made = call("POST", "/synonyms", {"words": ["小红本", "结婚证", "小红本"]}, token=VOCABULARY)
    assert (made.status_code, made.json["words"]) == (201, ["小红本", "结婚证"])
    assert get(q="小红本怎么办").json["items"][0]["name"] == "内地居民结婚登记"
    path = f"/synonyms/{made.json['id']}"
    tag = call("GET", path, token=VOCABULARY).headers["ETag"]
    changed = call("PUT", path, {"words": ["小红本", "居住证"]}, token=VOCABULARY, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert get(q="小红本").json["items"][0]["name"] == "居住证申领"
    stale = call("PUT", path, {"words": ["小红本", "社保卡"]}, token=VOCABULARY, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert call("DELETE", path, token=VOCABULARY).status_code == 428
    gone = call("DELETE", path, token=VOCABULARY, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    assert not get(q="小红本").json["items"]
    assert call("GET", path, token=VOCABULARY).status_code == 404


def test_groups_are_listed_by_word_and_page(get, call):
    for number in range(3):
        call("POST", "/synonyms", {"words": [f"甲{number}", f"乙{number}"]}, token=VOCABULARY)
    (one,) = get("/synonyms", VOCABULARY, word="甲1").json["items"]
    assert one["words"] == ["甲1", "乙1"]
    first = get("/synonyms", VOCABULARY, limit="2").json
    second = get("/synonyms", VOCABULARY, limit="2", cursor=first["next"]).json
    assert not {row["id"] for row in first["items"]} & {row["id"] for row in second["items"]}


@pytest.mark.parametrize("words", [[], ["一"], ["一", "一"], ["一", "%%"], ["一", "二" * 31], ["一", 2], "一二"])
def test_what_is_no_group_is_refused(call, words):
    answer = call("POST", "/synonyms", {"words": words}, token=VOCABULARY)
    assert answer.status_code == 422
    assert "words" in " ".join(answer.json["errors"])


def test_the_same_words_twice_are_a_conflict(call):
    assert call("POST", "/synonyms", {"words": ["重", "复"]}, token=VOCABULARY).status_code == 201
    assert call("POST", "/synonyms", {"words": ["复", "重"]}, token=VOCABULARY).json["code"] == "items.synonyms_exist"


def test_only_those_who_keep_the_vocabulary_may(call, get):
    assert call("POST", "/synonyms", {"words": ["一", "二"]}).status_code == 401
    assert call("POST", "/synonyms", {"words": ["一", "二"]}, token=EDITOR).status_code == 403
    assert get("/misses", NOBODY).status_code == 403
    assert get("/misses", EDITOR).status_code == 200


def test_what_five_networks_did_not_find_is_kept_for_staff_by_the_day(call, get):
    for n in range(askers.LEAST + 2):
        of_few = f"198.51.100.{n % (askers.LEAST - 1) + 1}"
        for q, hall, network in (
            ("飞碟　驾驶本", "laoshan", f"198.51.100.{n + 1}"),
            ("不明飞行物xyzzy", None, f"198.51.100.{n + 1}"),
            ("我的号码13800138000xyzzy", None, f"198.51.100.{n + 1}"),
            ("王小明的尿毒症xyzzy", None, of_few),
        ):
            query = {"q": q} | ({"hall": hall} if hall else {})
            call("GET", query=query, environ_base={"REMOTE_ADDR": network})
    rows = get("/misses", EDITOR).json["items"]
    kept = {(row["query"], row["hall"]): row["count"] for row in rows}
    assert kept["不明飞行物xyzzy", None] == askers.LEAST + 2
    assert not any("138" in query or "王小明" in query for query, _ in kept)
    assert {
        datetime.fromisoformat(row[at]).astimezone(CITY_TIME).time() for row in rows for at in ("first_at", "last_at")
    } == {time(0)}
    assert {row["hall"] for row in get("/misses", EDITOR, hall="laoshan").json["items"]} <= {"laoshan"}
    assert get("/misses", EDITOR, hall="atlantis").status_code == 422


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("飞碟 驾照", "飞碟 驾照"),
        ("ＵＦＯ", "ufo"),
        ("12345", "12345"),
        ("12306投诉", "12306投诉"),
        ("123456", None),
        ("13812345", None),
        ("138 0013 8000", None),
        ("١٢٣٤٥٦", None),
        ("三七零二零二一九九零饕", None),
        ("壹叁捌零零零零零零零壹", None),
        ("a@b.cn", None),
        ("长" * 41, None),
        ("  ", None),
        ("%&|", None),
        ("37020219900101123x", None),
    ],
)
def test_what_looks_like_a_number_or_an_address_is_not_kept(query, kept):
    assert misses.query_of(query) == kept


def test_a_flood_writes_little_and_never_fails_the_search(catalogue, settings, rings):
    counted = Askers(valkey.connect(settings.redis_url), rings)
    now = datetime.now(UTC)
    limiter = Limiter(valkey.connect(settings.redis_url), catalogue, lambda: now, plain_digest)
    for _ in range(60):
        misses.record(catalogue, limiter, counted, q="洪水般的查询", hall=None, network="203.0.113.9", now=now)
    with catalogue.transaction() as session:
        assert session.get(SearchMiss, ("洪水般的查询", "")) is None
    for n in range(askers.LEAST):
        misses.record(catalogue, limiter, counted, q="洪水般的查询", hall=None, network=f"203.0.113.{n}", now=now)
    for _ in range(60):
        misses.record(catalogue, limiter, counted, q="洪水般的查询", hall=None, network="203.0.113.8", now=now)
    with catalogue.transaction() as session:
        count = session.get_one(SearchMiss, ("洪水般的查询", "")).count
    assert askers.LEAST <= count <= askers.LEAST + 1 + misses.PER_NETWORK


def test_an_address_of_ipv6_makes_no_five_networks(settings, rings):
    counted = Askers(valkey.connect(settings.redis_url), rings)
    networks = [f"2001:db8:77:{n}::/64" for n in range(9)]
    assert not any(counted.is_common("一家人的事", None, network) for network in networks)
    others = [f"2001:db8:{n}::/64" for n in range(1, askers.LEAST)]
    assert [counted.is_common("一家人的事", None, network) for network in others][-1]


def test_valkey_keeps_neither_query_nor_address(settings, rings):
    engine = valkey.connect(settings.redis_url)
    Askers(engine, rings).is_common("张三丰的白血病", "laoshan", "192.0.2.77")
    names = list(engine.scan_iter("qe:misses:*"))
    kept = b" ".join([*names, *(member for name in names for member in engine.smembers(name))])
    assert names
    assert "张三丰".encode() not in kept
    assert b"192.0.2" not in kept
    assert all(0 < engine.ttl(name) <= askers.KEPT.total_seconds() for name in names)


def test_what_the_previous_release_kept_of_a_single_asker_is_shown_to_nobody_and_swept(catalogue):
    now = datetime.now(UTC) + timedelta(days=1200)
    with catalogue.transaction() as session:
        session.add(SearchMiss(query="旧版记下的", hall="", count=40, first_at=now, last_at=now))
        session.flush()
        assert misses.listed(session, hall=None, offset=0, limit=9, now=now) == []
        end_rows(session, misses.ENDINGS, now)
        assert session.get(SearchMiss, ("旧版记下的", "")) is None


def test_misses_are_forgotten(catalogue):
    now = datetime.now(UTC) + timedelta(days=400)
    with catalogue.transaction() as session:
        misses.add(session, query="旧的", hall=None, now=now - timedelta(days=91))
        misses.add(session, query="新的", hall=None, now=now)
        assert [row.query for row in misses.listed(session, hall=None, offset=0, limit=9, now=now)] == ["新的"]
        end_rows(session, misses.ENDINGS, now)
        assert session.get(SearchMiss, ("旧的", "")) is None
        assert session.get(SearchMiss, ("新的", "")) is not None


def test_at_most_five_thousand_misses_are_kept(catalogue, monkeypatch):
    monkeypatch.setattr(misses, "MOST", 3)
    now = datetime.now(UTC) + timedelta(days=800)
    with catalogue.transaction() as session:
        for number in range(5):
            for _ in range(number + 1):
                misses.add(session, query=f"多的{number}", hall=None, now=now)
        end_rows(session, misses.ENDINGS, now)
        left = [row.query for row in misses.listed(session, hall=None, offset=0, limit=9, now=now)]
    assert left == ["多的4", "多的3", "多的2"]


def test_changing_a_group_is_described_to_want_if_match(client):
    document = client.get("/api/v1/openapi.json").json
    operations = document["paths"]["/api/v1/items/synonyms/{group_id}"]
    for method in ("put", "delete"):
        assert "If-Match" in parameter_names(document, operations[method])
        assert {"412", "428"} <= set(operations[method]["responses"])


def test_a_group_that_is_part_of_a_greater_one_is_a_group_of_its_own(call):
    def make(*words):
        return call("POST", "/synonyms", {"words": words}, token=VOCABULARY)

    assert make("申领", "领取", "办领").status_code == 201
    assert make("申领", "领取").status_code == 201
    for again in (("申领", "领取", "办领"), ("办领", "领取", "申领"), ("领取", "申领")):
        assert make(*again).json["code"] == "items.synonyms_exist"
