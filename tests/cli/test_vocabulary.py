"""`qe-ban items topics` and `items synonyms`: a new city's words come once, and staff's own stay."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from qe_ban import migrations
from qe_ban.audit.models import AuditEvent
from qe_ban.db.engine import Database
from qe_ban.items.models import SynonymGroup, Topic
from qe_ban.keys import lifecycle
from qe_ban.sandbox.catalogue import files
from tests.cli.conftest import refused
from tests.factories import databases

pytestmark = pytest.mark.usefixtures("chinese")


@pytest.fixture(scope="module")
def own(settings):
    """A database of our own: what comes with the product is the same everywhere."""
    own_settings = databases.another(settings, "vocabulary")
    database = Database(own_settings.database_url)
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        lifecycle.init(session, own_settings.master_key, datetime.now(UTC) - timedelta(hours=1))
    yield own_settings, database
    database.dispose()


@pytest.fixture
def database(own):
    return own[1]


@pytest.fixture
def env(own):
    key = base64.b64encode(own[0].master_key).decode()
    return {"QE_DATABASE_URL": own[0].database_url, "QE_MASTER_KEY": key}


@pytest.fixture
def file(tmp_path):
    def make(content):
        path = tmp_path / "words.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return path

    return make


def events(database, action):
    with database.transaction() as session:
        return session.scalars(select(AuditEvent).where(AuditEvent.action == action)).all()


def test_the_products_own_come_once_and_stay_as_staff_have_them(qe, env, database):
    topics, groups = len(files.read("topics")), len(files.read("synonyms"))
    result = qe("items", "topics", **env)
    assert (result.exit_code, result.stdout) == (0, f"新增主题 {topics} 个，原有 0 个未动\n")
    assert qe("items", "synonyms", **env).stdout == f"新增同义词 {groups} 组，原有 0 组未动\n"
    creations = events(database, "items.create_topic")
    assert (len(creations), {event.actor_id for event in creations}) == (topics, {None})
    assert len(events(database, "items.create_synonyms")) == groups
    with database.transaction() as session:
        session.get_one(Topic, "birth").name = "生孩子"
        synonyms = session.scalars(select(SynonymGroup).limit(1)).one()
        synonyms.words, group = ["甲乙", "丙丁"], synonyms.id
    assert qe("items", "topics", **env).stdout.startswith(f"新增主题 0 个，原有 {topics} 个")
    assert qe("items", "synonyms", **env).stdout.startswith("新增同义词 0 组")
    with database.transaction() as session:
        assert session.get_one(Topic, "birth").name == "生孩子"
        assert session.get_one(SynonymGroup, group).words == ["甲乙", "丙丁"]
        assert session.scalar(select(func.count()).select_from(Topic)) == topics


def test_a_file_in_any_order_adds_what_is_missing(qe, env, file, database):
    rows = [
        {"slug": "x-low", "name": "下级", "audience": "firm", "parent": "x-top"},
        {"slug": "x-top", "name": "上级", "audience": "firm", "position": 7},
    ]
    data = b"\xef\xbb\xbf" + json.dumps(rows).encode()
    assert qe("items", "topics", file(data), **env).stdout.startswith("新增主题 2 个，原有 0 个")
    more = [*rows, {"slug": "x-new", "name": "再一个", "audience": "firm", "parent": "x-low"}]
    assert qe("items", "topics", file(more), **env).stdout.startswith("新增主题 1 个，原有 2 个")
    with database.transaction() as session:
        topics = {slug: session.get_one(Topic, slug) for slug in ("x-low", "x-top", "x-new")}
    assert [(one.parent, one.position) for one in topics.values()] == [("x-top", 0), (None, 7), ("x-low", 2)]
    assert qe("items", "synonyms", file([["某词", "某个词"], ["某个词", "某词"]]), **env).stdout.startswith(
        "新增同义词 1 组"
    )


def topic(slug="y-one", name="某主题", audience="person", **more):
    return {"slug": slug, "name": name, "audience": audience} | more


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"{", ["不是有效的 JSON"]),
        (b"[" * 100_000, ["不是有效的 JSON"]),
        (b"\xff", ["不是有效的 JSON"]),
        (b" " * (1 << 20) + b"[]", ["文件超过 1 MiB"]),
        ({}, ["文件: 须为主题的列表"]),
        ([1, None], ["第1项: 须为对象", "第2项: 须为对象"]),
        ([{}], ["第1项: 缺少：slug、name、audience"]),
        ([topic(color="red")], ["有未知的字段：color"]),
        ([topic(name=3), topic(position=True)], ["第1项: 类型不正确：name", "第2项: 类型不正确：position"]),
        ([topic(name="长" * 31)], ["第1项: name 须为 1 至 30 个文字"]),
        ([topic(name="换\n行")], ["第1项: name 须为"]),
        ([topic(position=-1)], ["第1项: position 须为"]),
        ([topic(slug="大写")], ["大写 的 slug: 主题代号须为"]),
        ([topic(audience="dog")], ["y-one 的 audience: 不在可选范围内"]),
        ([topic(parent="nowhere")], ["y-one 的 parent: 没有这个上级主题"]),
        ([topic(), topic()], ["y-one: 文件中有重复的主题代号"]),
        ([topic(), topic("y-two")], ["y-one 的 name: 已有同名的主题", "y-two 的 name: 已有同名的主题"]),
        ([topic(parent="y-two"), topic("y-two", "另一个", parent="y-one")], ["y-one: 主题不能是", "y-two: 主题不能是"]),
        ([topic(parent="y-one")], ["y-one: 主题不能是自己的上级或下级"]),
        ([topic(f"y-{n}", f"第{n}个") for n in range(501)], ["文件: 最多 500 个主题"]),
    ],
)
def test_topics_that_cannot_be_are_told_a_line_each_and_nothing_is_made(qe, env, file, database, content, texts):
    refused(qe("items", "topics", file(content), **env), *texts)
    with database.transaction() as session:
        assert session.scalar(select(Topic.slug).where(Topic.slug.startswith("y-"))) is None


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ({}, ["文件: 须为同义词组的列表"]),
        (["社保", [1, 2]], ["第1组: 须为词语的列表", "第2组: 须为词语的列表"]),
        ([["乙方"], ["乙方", "长" * 31]], ["第1组: 须有 2 至 30 个不同的词", "第2组: 每个词须有"]),
    ],
)
def test_synonyms_that_cannot_be_are_told_a_line_each(qe, env, file, content, texts):
    refused(qe("items", "synonyms", file(content), **env), *texts)


def test_a_file_that_is_not_there_is_one_line(qe, env, tmp_path):
    refused(qe("items", "topics", tmp_path / "none.json", **env), "none.json")
