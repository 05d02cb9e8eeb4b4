"""Contents of pages for tests: strategies of all that a page may say, and short ways to write one down."""

import string
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from qe_ban.kernel import field_types
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.field_types import Field
from qe_ban.publishing.rules.blocks import TYPES, BlockType
from qe_ban.publishing.rules.content import canonical
from qe_ban.publishing.rules.page import BLOCK, PAGE
from qe_ban.publishing.rules.views import ResolvedPage
from qe_ban.publishing.service import references

HOSTS = ("*.gov.cn", "haier.com")
NOW = datetime(2022, 5, 1, 4, 0, tzinfo=UTC)
MEDIA = "0123456789abcdef" * 4
ENTRY = "370000000001"
SHINAN, LAOSHAN = "370202", "370212"
BODY = {"kind": "zone", "slug": "karos", "title": "专区"}
OFFICES = [
    {
        "district": district,
        "code": f"code-{district}",
        "name": "事项",
        "department": "局",
        "online": True,
        "reach": "office",
        "link": None,
    }
    for district in (SHINAN, LAOSHAN)
]

SLUG = st.text(alphabet=string.ascii_lowercase + string.digits, min_size=1, max_size=3)
TEXT = st.text(alphabet="青岛政务服务abc 1", min_size=1, max_size=6).filter(str.strip)
READABLE = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"])


def stamp(hours: float) -> str:
    """NOW and so many hours, as staff in the city write it."""
    return (NOW + timedelta(hours=hours)).astimezone(CITY_TIME).isoformat()


MOMENTS = st.integers(-5, 5).map(stamp)
_TEXTS = {
    "published_on": st.sampled_from(["2022-05-01", "2021-12-31"]),
    "issued_on": st.sampled_from(["2022-05-01", "2021-12-31"]),
    "stream": st.sampled_from(["https://live.gov.cn/a.m3u8", "https://live.gov.cn/b.M3U8?x=1"]),
    "shown": st.integers(1, 20),
}
_BY_TYPE = {
    field_types.TEXT: lambda _: TEXT,
    field_types.LINES: lambda _: TEXT | st.just("一\n二"),
    field_types.LINK: lambda _: st.sampled_from(["https://www.qingdao.gov.cn/a?b=1&c=2", "https://haier.com"]),
    field_types.WHOLE: lambda field: st.integers(0, field.max),
    field_types.FLAG: lambda _: st.booleans(),
    field_types.CHOICE: lambda field: st.sampled_from(list(field.choices)),
    field_types.CHOICES: lambda field: st.lists(
        st.sampled_from(list(field.choices)), min_size=1, max_size=min(4, field.most)
    ),
    field_types.WORDS: lambda _: st.lists(TEXT, min_size=1, max_size=3),
    field_types.SLUG: lambda _: SLUG,
    field_types.SLUGS: lambda _: st.lists(SLUG, min_size=1, max_size=3),
    field_types.MOMENT: lambda _: MOMENTS,
    field_types.MEDIA: lambda _: st.sampled_from([MEDIA, "f" * 64]),
    field_types.RICH: lambda _: st.sampled_from(
        ["<p>一</p>", "<h3>题</h3><p>正文<br>二 &amp; 三</p>", '<a href="https://a.gov.cn/x">看</a>', "无标签"]
    ),
    field_types.COLOUR: lambda _: st.sampled_from(["#0b5cad", "#ffffff"]),
    field_types.ENTRY: lambda _: st.sampled_from([ENTRY, "370000000002"]),
}


def _in_order(said):
    if said.get("starts_at") and said.get("ends_at") and said["ends_at"] <= said["starts_at"]:
        start, end = sorted((said["starts_at"], said["ends_at"]))
        said |= {"starts_at": start, "ends_at": end if end > start else stamp(6)}
    return said


def _one_target(said):
    targets = [name for name in ("link", "item", "app", "zone") if name in said]
    return {name: what for name, what in said.items() if name not in targets[1:]}


def _titles_once(tables):
    if "articles" in tables:
        tables["articles"] = list({one["title"]: one for one in tables["articles"]}.values())
    return tables


def _whole(block_type: BlockType, own):
    if block_type.slug == "places" and not own:
        return {"kinds": ["testing"]}
    if block_type.slug == "app_grid" and not own.get("apps"):
        return own | {"local": True}
    return own


def value(field: Field):
    """What a field may say."""
    return _TEXTS[field.name] if field.name in _TEXTS else _BY_TYPE[field.type](field)


def row(fields):
    """A row that says something in every required field, and in some others."""
    return st.fixed_dictionaries(
        {field.name: value(field) for field in fields if field.required},
        optional={field.name: value(field) for field in fields if not field.required},
    ).map(_in_order)


aims = st.fixed_dictionaries(
    {},
    optional={
        "districts": st.lists(st.sampled_from(["370202", "370212"]), max_size=2),
        "real_name": st.booleans(),
        "age_mode": st.sampled_from(["standard", "elder"]),
        "audiences": st.lists(st.sampled_from(["person", "firm"]), max_size=2),
    },
)


def blocks_of(block_type: BlockType):
    """A block of one type, without its id."""
    return st.builds(
        lambda common, own, tables, aim: common | own | tables | aim | {"type": block_type.slug},
        row([field for field in BLOCK if field.name not in ("id", "type", "replaces", "after")]),
        row(block_type.fields).map(lambda own: _whole(block_type, own)),
        st.fixed_dictionaries(
            {table.name: st.lists(row(table.fields).map(_one_target), max_size=3) for table in block_type.tables}
        ).map(_titles_once),
        st.fixed_dictionaries({}, optional={"aim": aims}),
    )


blocks = st.lists(st.one_of([blocks_of(one) for one in TYPES.values()]), max_size=5).flatmap(
    lambda made: st.permutations([f"b{number}" for number in range(len(made))]).map(
        lambda names: [{"id": name} | block for name, block in zip(names, made, strict=True)]
    )
)
contents = st.builds(
    lambda said, listed: said | {"blocks": listed},
    row([field for field in PAGE if field.name != "hides"]),
    blocks,
)


def block(type_slug: str, /, **fields):
    """A block of a type that says what is given."""
    return {"id": "one", "type": type_slug} | fields


def content(*listed, **fields):
    """A page of these blocks."""
    return {"blocks": [{**one, "id": one.get("id", f"b{at}")} for at, one in enumerate(listed)]} | fields


def found(key):
    """What a source gives of a key: an item's dict does for all."""
    return {"entry": key, "name": "事项", "offices": OFFICES}


def page(said, district=None, next_change_at=None):
    """A content with all that it refers to found."""
    plain = canonical(said)
    looked_up = {}
    for one in references.references(plain):
        looked_up.setdefault(one.sort, {})[one.key] = found(one.key)
    return ResolvedPage(BODY, references.resolve_blocks(plain, looked_up), district, next_change_at)
