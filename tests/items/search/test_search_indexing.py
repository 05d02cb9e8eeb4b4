import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from qe_ban.items.models import Entry, ItemHead, ItemText, SearchTerm
from qe_ban.items.service import indexing
from qe_ban.items.service.indexing import Wording
from tests.factories.items import add_department, add_item, basic_code
from tests.factories.waits import HANG_TIMEOUT


def new_entry(database):
    entry = basic_code()
    with database.transaction() as session:
        session.add(Entry(entry=entry, popularity=0))
    return entry


def ids(database, *wordings):
    with database.transaction() as session:
        return indexing.text_ids(session, wordings)


def test_a_wording_has_one_text_and_another_wording_another(catalogue):
    entry = new_entry(catalogue)
    one, two, again = ids(
        catalogue,
        Wording(entry, "渔船检验"),
        Wording(entry, "渔船检验", aliases=("验船",)),
        Wording(entry, "渔船检验"),
    )
    assert one == again != two
    assert ids(catalogue, Wording(entry, "渔船检验")) == [one]
    other = new_entry(catalogue)
    assert ids(catalogue, Wording(other, "渔船检验")) != [one]


def test_topics_in_another_order_are_the_same_wording(catalogue):
    entry = new_entry(catalogue)
    one = ids(catalogue, Wording(entry, "甲", topics=("乙", "丙"), result="丁"))
    assert ids(catalogue, Wording(entry, "甲", topics=("丙", "乙"), result="丁")) == one
    assert ids(catalogue, Wording(entry, "甲", topics=("丙", "乙"))) != one


def test_hostile_names_are_only_text(catalogue):
    entry = new_entry(catalogue)
    names = ("' & | !", "\\", "a'b\\c:*", "😀", "％", "社" * 200, "x" * 200, '{"}', "\u0301", "（）")
    assert len(set(ids(catalogue, *(Wording(entry, name) for name in names)))) == len(names)


def test_two_at_once_make_one_row_and_neither_waits_for_ever(catalogue):
    entry = new_entry(catalogue)
    wordings = [Wording(entry, f"并发登记{number}号事项") for number in range(30)]
    barrier, found = threading.Barrier(4), []

    def work(mine):
        barrier.wait()
        found.append(dict(zip(mine, ids(catalogue, *mine), strict=True)))

    orders = [wordings, wordings[::-1], wordings[15:] + wordings[:15], wordings]
    threads = [threading.Thread(target=work, args=(mine,)) for mine in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_TIMEOUT)
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    with catalogue.transaction() as session:
        assert session.scalar(select(func.count()).where(ItemText.entry == entry)) == 30


def test_tidying_drops_what_no_item_has_and_counts_words(catalogue):
    entry = new_entry(catalogue)
    (unused,) = ids(catalogue, Wording(entry, "鲟鳇鱼养殖"))
    name = "鳗鲡养殖场备案"
    for _ in range(2):
        add_item(catalogue, name=name, department=add_department(catalogue))
    with catalogue.transaction() as session:
        indexing.tidy(session, datetime.now(UTC))
    with catalogue.transaction() as session:
        assert session.get(ItemText, unused) is None
        assert not session.scalars(select(ItemHead).where(ItemHead.text_id == unused)).all()
        assert session.get_one(SearchTerm, "鲟鳇").texts == 0
        assert session.get_one(SearchTerm, "鳗鲡").texts == 2
        assert session.get_one(SearchTerm, "").texts == session.scalar(select(func.count()).select_from(ItemText))


def test_a_text_in_use_by_another_transaction_is_not_dropped(catalogue):
    entry = new_entry(catalogue)
    wording = Wording(entry, "鲟鱼籽加工许可")
    (text_id,) = ids(catalogue, wording)
    with catalogue.transaction() as session:
        assert indexing.text_ids(session, [wording]) == [text_id]
        with catalogue.transaction() as other:
            indexing.tidy(other, datetime.now(UTC))
    with catalogue.transaction() as session:
        assert session.get(ItemText, text_id) is not None


@pytest.mark.parametrize("at_once", [1, 1000])
def test_weights_follow_popularity_when_tidied(catalogue, monkeypatch, at_once):
    monkeypatch.setattr(indexing, "REWEIGHED_AT_ONCE", at_once)
    code = add_item(catalogue, name="海胆采捕许可", department=add_department(catalogue))
    weight = select(ItemText.weight).where(ItemText.entry == code[19:])
    with catalogue.transaction() as session:
        assert session.scalar(weight) == 0
        session.get_one(Entry, code[19:]).popularity = 1000
        session.flush()
        indexing.tidy(session, datetime.now(UTC))
        assert session.scalar(weight) == 40
