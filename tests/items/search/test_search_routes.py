from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.items.models import SearchMiss
from qe_ban.items.routes import search as routes
from qe_ban.items.service import misses
from qe_ban.kernel.errors import Unauthenticated
from qe_ban.web import application, guard, parts
from tests.factories.described import parameter_names
from tests.factories.digests import plain_digest
from tests.factories.venues import AdminFactory

VOCABULARY, EDITOR, NOBODY = "vocabulary", "editor", "nobody"


@pytest.fixture(scope="module")
def client(settings, catalogue, city):
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
            raise Unauthenticated from None

    app, api = application.build(settings, lambda: datetime.now(UTC), name="search-tests")
    limiter = Limiter(valkey.connect(settings.redis_url), catalogue, lambda: datetime.now(UTC), plain_digest)
    for part in (catalogue, city, limiter):
        parts.provide(app, part)
    guard.install(app, principal_from)
    api.register_blueprint(routes.blp)
    return app.test_client()


@pytest.fixture
def call(client):
    def ask(method, path="", body=None, *, token=None, headers=None, query=None):
        given = {"Authorization": f"Bearer {token}"} if token else {}
        more = {"json": body} if body is not None else {}
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


def test_what_finds_nothing_is_kept_for_staff(get):
    for _ in range(3):
        get(q="飞碟　驾驶本", hall="laoshan")
        get(q="不明飞行物xyzzy")
    get(q="我的号码13800138000xyzzy")
    kept = {(row["query"], row["hall"]): row["count"] for row in get("/misses", EDITOR).json["items"]}
    assert kept["不明飞行物xyzzy", None] == 3
    assert not any("138" in query for query, _ in kept)
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


def test_a_flood_writes_little_and_never_fails_the_search(catalogue, settings):
    now = datetime.now(UTC)
    limiter = Limiter(valkey.connect(settings.redis_url), catalogue, lambda: now, plain_digest)
    for _ in range(60):
        misses.record(catalogue, limiter, q="洪水般的查询", hall=None, network="203.0.113.9", now=now)
    with catalogue.transaction() as session:
        assert session.get_one(SearchMiss, ("洪水般的查询", "")).count <= misses.PER_NETWORK


def test_misses_are_forgotten(catalogue):
    now = datetime.now(UTC) + timedelta(days=400)
    with catalogue.transaction() as session:
        misses.add(session, query="旧的", hall=None, now=now - timedelta(days=91))
        misses.add(session, query="新的", hall=None, now=now)
        assert [row.query for row in misses.listed(session, hall=None, offset=0, limit=9, now=now)] == ["新的"]
        misses.sweep(session, now)
        assert session.get(SearchMiss, ("旧的", "")) is None
        assert session.get(SearchMiss, ("新的", "")) is not None


def test_at_most_five_thousand_misses_are_kept(catalogue, monkeypatch):
    monkeypatch.setattr(misses, "MOST", 3)
    now = datetime.now(UTC) + timedelta(days=800)
    with catalogue.transaction() as session:
        for number in range(5):
            for _ in range(number + 1):
                misses.add(session, query=f"多的{number}", hall=None, now=now)
        misses.sweep(session, now)
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
