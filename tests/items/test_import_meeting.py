"""Imports that meet each other, and staff who edit meanwhile: nothing is lost."""

import pytest

from qe_ban.items.service import importing, progress, publishing
from qe_ban.items.service.publishing import Draft
from qe_ban.jobs.service import JobState
from qe_ban.kernel.city import parse
from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import together
from tests.factories.imports import Imports, counts
from tests.factories.sheets import CODE, NAME, csv_file, row


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
