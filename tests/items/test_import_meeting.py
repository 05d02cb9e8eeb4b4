"""Imports that meet each other, and staff who edit meanwhile: nothing is lost."""

import threading
from uuid import uuid4

import pytest

from qe_ban.audit import service as audit
from qe_ban.items.errors import TopicInUse
from qe_ban.items.models import Topic
from qe_ban.items.service import importing, progress, publishing, topics
from qe_ban.items.service.publishing import Draft
from qe_ban.jobs.service import JobState
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import together
from tests.factories.imports import Imports, counts
from tests.factories.sheets import CODE, NAME, csv_file, row
from tests.factories.venues import AdminFactory
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


@pytest.fixture
def small(monkeypatch):
    """Steps of three rows, so that few rows are many steps."""
    for module in (progress, importing.checking, importing.comparing, importing.applying):
        monkeypatch.setattr(module, "STEP", 3)


def test_two_imports_at_once_go_one_after_the_other(imports):
    rows = [row() for _ in range(30)]
    first, second = csv_file(rows), csv_file([one | {NAME: "后来的名字"} for one in rows])
    ids = [imports.submit(first), imports.submit(second)]
    # each in a process of its own: whichever comes first, they do not mix
    views = together(2, lambda number: imports.runner().run_one(ids[number]))
    assert [view.state for view in views] == [JobState.DONE] * 2
    assert sorted(next(iter(counts(view))) for view in views) == ["changed", "created"]
    names = {item.name for item in imports.items(*(one[CODE] for one in rows))}
    assert len(names) == 1


def test_staff_who_edit_meanwhile_lose_nothing(imports, small):
    rows = [row(咨询电话="1") for _ in range(6)]
    imports.run(csv_file(rows))
    edited = rows[4][CODE]

    def editing(work):
        step, done = work.step, []

        def edit_once():
            if work.cursor.get("phase") == "applying" and not done:
                done.append(True)
                content = imports.content(edited) | {"phone": "0532-2", "name": "改名"}
                with imports.database.transaction() as session:
                    draft = Draft(edited, content)
                    publishing.put(session, [draft], by=None, source="staff", now=system_clock())
            return step()

        work.step = edit_once
        importing.run(imports.importer, work)

    data = csv_file([{CODE: one[CODE], "简介": "新简介"} for one in rows])
    view = imports.runner(editing).run_one(imports.submit(data))
    assert counts(view) == {"changed": 6}
    content = imports.content(edited)
    assert (content["phone"], content["name"], content["summary"]) == ("0532-2", "改名", "新简介")
    assert [version.source for version in imports.versions(edited)] == ["import", "staff", "import"]


def test_what_staff_made_wrong_meanwhile_is_skipped_and_told(imports, small):
    one = row(法定办结时限="20", 法定办结时限单位="工作日", 承诺办结时限单位="工作日", 承诺办结时限="9")
    imports.run(csv_file([one]))

    def editing(work):
        step, done = work.step, []

        def edit_once():
            if work.cursor.get("phase") == "applying" and not done:
                done.append(True)
                content = imports.content(one[CODE]) | {"statutory_days": 5, "promised_days": 4}
                with imports.database.transaction() as session:
                    publishing.put(session, [Draft(one[CODE], content)], by=None, source="staff", now=system_clock())
            return step()

        work.step = edit_once
        importing.run(imports.importer, work)

    data = csv_file([{CODE: one[CODE], "承诺办结时限": "9"}])
    view = imports.runner(editing).run_one(imports.submit(data))
    assert (view.state, counts(view), view.faults[0].row) == (JobState.DONE, {"skipped": 1}, 2)
    assert imports.content(one[CODE])["promised_days"] == 4


def add_topic(imports):
    slug = f"t-{uuid4().hex[:12]}"
    with imports.database.transaction() as session:
        session.add(Topic(slug=slug, name=slug, audience="person", position=0, updated_at=system_clock()))
    return slug


@pytest.mark.parametrize("starts", ["", "2190-01-01 08:00"], ids=["at once", "later"])
def test_a_topic_that_goes_meanwhile_keeps_its_item_out(imports, small, starts):
    slug = add_topic(imports)
    one, other = row(主题=slug, 生效时间=starts), row(主题="")

    def deleting(work):
        step, done = work.step, []

        def delete_once():
            if work.cursor.get("phase") == "applying" and not done:
                done.append(True)
                with imports.database.transaction() as session:
                    change = audit.Change(AdminFactory(), system_clock())
                    topics.delete(session, slug=slug, precondition=lambda _: None, change=change)
            return step()

        work.step = delete_once
        importing.run(imports.importer, work)

    view = imports.runner(deleting).run_one(imports.submit(csv_file([one, other])))
    assert (view.state, counts(view)) == (JobState.DONE, {"created": 1, "skipped": 1})
    assert [(fault.row, fault.column) for fault in view.faults] == [(2, "主题")]
    assert imports.item(one[CODE]) is None


def test_a_topic_of_what_is_being_published_waits_to_be_deleted(imports):
    slug = add_topic(imports)
    one, outcomes = row(主题=slug, 生效时间="2190-01-01 08:00"), []
    put = publishing.put

    def deleting():
        with imports.database.transaction() as session:
            change = audit.Change(AdminFactory(), system_clock())
            try:
                topics.delete(session, slug=slug, precondition=lambda _: None, change=change)
            except TopicInUse:
                outcomes.append("in use")

    def slow(*words, **settings):
        # between the look at the file's topics and the writing of what names them
        thread = threading.Thread(target=deleting)
        threads.append(thread)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        return put(*words, **settings)

    threads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing.applying.publishing, "put", slow)
        view = imports.run(csv_file([one]))
    threads[0].join(HANG_TIMEOUT)
    assert (counts(view), outcomes) == ({"created": 1}, ["in use"])
