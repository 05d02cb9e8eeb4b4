"""The sample catalogue: valid throughout, the same every time, of the size that the city speaks of; loaded once."""

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from qe_ban.config import sandbox_data
from qe_ban.db.engine import Database
from qe_ban.items.models import Department, Entry, Item, ItemVersion, SynonymGroup, Topic
from qe_ban.items.rules import codes, content
from qe_ban.items.service import publishing
from qe_ban.kernel.identifiers import normalise_uscc
from qe_ban.sandbox.catalogue import entries, files, loading
from qe_ban.sandbox.catalogue.contents import Contents
from qe_ban.sandbox.catalogue.entries import item_name
from qe_ban.sandbox.catalogue.offices import Offices

TABLES = (Department, Topic, Entry, Item, ItemVersion, SynonymGroup)


@pytest.fixture(scope="module")
def sample():
    """Every item: code, entry, office and content."""
    contents, places = Contents(), loading.places(Offices())
    return [(code, entry, office, contents.content(entry, office, code)) for code, entry, office in places]


def test_every_content_is_without_faults_and_warnings(sample):
    wrong = Counter((fault.place, fault.message) for *_, fields in sample for fault in content.faults(fields))
    assert wrong == {}


def test_it_is_as_large_as_the_city_says(sample):
    assert len(sample) > 7000
    assert sum(office.district is not None for _, _, office, _ in sample) > 5000
    assert {office.district for _, _, office, _ in sample} == {None} | {row["district"] for row in files.read("places")}
    assert len(files.kinds()) >= 220
    assert len(files.read("synonyms")) >= 80
    assert sum(not office.district for office in Offices().departments()) >= 45


def test_codes_are_right_and_each_is_there_once(sample):
    assert len({code for code, *_ in sample}) == len(sample)
    for code, entry, office, fields in sample:
        parts = codes.parse(code)
        assert (parts.entry, parts.agency) == (entry.code, office.department.code)
        assert fields["department"] == office.department.code
        assert codes.agency_checks(parts.agency)


def test_names_tell_entries_apart_and_every_reference_is_known():
    all_entries, kinds = list(entries.entries()), files.kinds()
    assert len({entry.name for entry in all_entries}) == len({entry.code for entry in all_entries}) == len(all_entries)
    topics = files.read("topics")
    assert {slug for kind in kinds for slug in kind["topics"]} <= {row["slug"] for row in topics}
    assert len({row["slug"] for row in topics}) == len({row["name"] for row in topics}) == len(topics)
    slugs = set()
    for row in topics:
        assert row.get("parent") is None or row["parent"] in slugs
        slugs.add(row["slug"])


def test_departments_have_codes_of_the_right_form_and_names_of_their_own():
    departments = Offices().departments()
    assert [normalise_uscc(row.code) for row in departments] == [row.code for row in departments]
    assert len({row.code for row in departments}) == len({row.name for row in departments}) == len(departments)
    assert {member["department"] for member in sandbox_data()["staff"] if "department" in member} <= {
        row.code for row in departments
    }


def test_another_expansion_is_the_same(sample):
    again = Contents()
    digests = [content.digest(again.content(entry, office, code)) for code, entry, office, _ in sample[::50]]
    assert digests == [content.digest(fields) for *_, fields in sample[::50]]


@pytest.mark.parametrize(
    ("name", "label", "first", "full_name"),
    [
        ("社会保障卡申领", None, False, "社会保障卡申领"),
        ("食品经营许可", "新办", True, "食品经营许可新办"),
        ("药品经营许可（零售）", "变更", False, "药品经营许可（零售）变更"),
        ("合伙企业登记", "设立", True, "合伙企业设立登记"),
        ("小餐饮登记", "新办", True, "小餐饮登记"),
        ("小餐饮登记", "延续", False, "小餐饮登记（延续）"),
        ("旅行社设立许可", "新办", True, "旅行社设立许可"),
        ("诊所备案", "备案", True, "诊所备案"),
        ("诊所备案", "变更", False, "诊所备案变更"),
        ("导游证核发", "补证", False, "导游证核发（补证）"),
    ],
)
def test_handling_items_are_named_as_governments_do(name, label, first, full_name):
    assert item_name(name, label, {"first": first}) == full_name


class Dying(Database):
    """A database whose process dies when its last transaction is about to commit."""

    def __init__(self, url: str, transactions: int) -> None:
        super().__init__(url)
        self.remaining = transactions

    @contextmanager
    def transaction(self):
        with super().transaction() as session:
            yield session
            self.remaining -= 1
            if not self.remaining:
                raise KeyboardInterrupt


def counts(parts):
    with parts.database.transaction() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) for table in TABLES}


def test_loading_goes_on_where_it_was_stopped_and_then_keeps_what_staff_did(parts):
    selection = loading.places(Offices())[:1300]
    # looks what there is, puts departments, then batches of 500: the second one dies
    dying = Dying(parts.settings.database_url, 4)
    with pytest.raises(KeyboardInterrupt):
        loading.load(dying, datetime.now(UTC), selection)
    dying.dispose()
    assert counts(parts)["items"] == 500
    ended_code = selection[0][0]
    with parts.database.transaction() as session:
        publishing.end(session, [ended_code], at=datetime.now(UTC), now=datetime.now(UTC))
    assert loading.load(parts.database, datetime.now(UTC), selection) == 800
    before = counts(parts)
    assert before["items"] == before["item_versions"] == len(selection)
    assert before["entries"] == len({entry.code for _, entry, _ in selection})
    assert before["synonym_groups"] == len(files.read("synonyms"))
    with parts.database.transaction() as session:
        session.delete(session.scalars(select(SynonymGroup).limit(1)).one())
    assert loading.load(parts.database, datetime.now(UTC), selection) == 0
    assert counts(parts) == before | {"synonym_groups": before["synonym_groups"] - 1}
    with parts.database.transaction() as session:
        assert session.scalar(select(Item.ends_at).where(Item.code == ended_code)) is not None
        assert session.scalar(select(func.min(Entry.popularity))) > 0
        assert set(session.scalars(select(ItemVersion.source).distinct())) == {"sample"}
