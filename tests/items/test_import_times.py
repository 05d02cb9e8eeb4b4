"""What an import does to the times of items: nothing that was in force, or waits, goes without a word."""

from datetime import timedelta

import pytest

from qe_ban.items.rules.planning import Outcome
from qe_ban.items.service import importing, publishing
from qe_ban.items.service.publishing import Draft
from qe_ban.jobs.service import JobState
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place
from tests.factories.imports import Imports, counts, editor, errors
from tests.factories.sheets import CODE, csv_file, material, row


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


def test_staff_who_edited_a_moment_ago_by_a_faster_clock_lose_nothing(imports, database):
    one = row(咨询电话="1")
    imports.run(csv_file([one]))
    ahead = system_clock() + timedelta(seconds=20)
    with database.transaction() as session:
        draft = Draft(one[CODE], imports.content(one[CODE]) | {"phone": "0532-2"})
        assert publishing.put(session, [draft], by=None, source="staff", now=ahead) == [Outcome.CHANGED]
    assert counts(imports.run(csv_file([{CODE: one[CODE], "简介": "新简介"}]))) == {"changed": 1}
    content = imports.content(one[CODE])
    assert (content["phone"], content["summary"]) == ("0532-2", "新简介")


def test_who_waited_for_the_lock_builds_upon_what_was_done_meanwhile(database, imports):
    one = row(咨询电话="1")
    imports.run(csv_file([one]))
    early = system_clock()
    with database.transaction() as session:
        said = imports.content(one[CODE])
        publishing.put(session, [Draft(one[CODE], said | {"phone": "2"})], by=None, source="staff", now=system_clock())
    with database.transaction() as session:
        existing = publishing.hold(session, [one[CODE]])
        assert publishing.moment(existing, early) > early
        publishing.put(session, [Draft(one[CODE], said | {"phone": "3"})], by=None, source="staff", now=early)
        marks = publishing.hold(session, [one[CODE]])[one[CODE]].times.marks
    assert [mark.number for mark in marks] == [1, 2, 3], "the second was in force and stays readable"


@pytest.mark.parametrize("told", ["2020-01-01 00:00", "2020-01-01"])
def test_an_end_in_the_past_is_an_error(imports, told):
    one = row()
    imports.run(csv_file([one]))
    view = imports.run(csv_file([one | {"终止时间": told}, row(终止时间=told)]))
    assert view.state is JobState.FAILED
    assert [(number, column) for number, column, _ in errors(view)] == [(2, "终止时间"), (3, "终止时间")]
    assert imports.item(one[CODE]).ends_at is None


def test_an_end_before_the_start_is_an_error(imports):
    view = imports.run(csv_file([row(生效时间="2190-02-01", 终止时间="2190-01-01")]))
    assert [column for _, column, _ in errors(view)] == ["终止时间"]


def test_a_version_that_waits_is_not_replaced_without_a_warning(imports):
    one = row()
    imports.run(csv_file([one]))
    imports.run(csv_file([{CODE: one[CODE], "办理时间": "明年", "生效时间": "2090-01-01 08:00"}]))
    change = csv_file([{CODE: one[CODE], "咨询电话": "0532-1"}])
    for options in ({"dry_run": True}, {}):
        view = imports.run(change, **options)
        assert [(fault.row, fault.message) for fault in view.faults] == [
            (2, "原定于 2090-01-01 08:00 生效的第 2 版不再生效")
        ]


def test_none_beside_rows_is_a_contradiction(imports):
    one = row()
    imports.run(csv_file([one]))
    view = imports.run(csv_file([material(one[CODE]), {CODE: one[CODE], "材料名称": "无"}]))
    assert [message for *_, message in errors(view)] == ["“无”与该事项的其他行矛盾，请删去其一"]


def test_what_is_not_the_importers_is_told_before_what_is_wrong_with_it(imports):
    one = row(所属区划="崂山区")
    imports.run(csv_file([one]))
    wrong = {
        CODE: one[CODE],
        "法定办结时限": "3",
        "法定办结时限单位": "工作日",
        "承诺办结时限": "9",
        "承诺办结时限单位": "工作日",
    }
    view = imports.run(csv_file([wrong]), editor(Place(district="370202")))
    assert [message for *_, message in errors(view)] == ["不属于您负责的区市或部门，不能导入"]


def test_what_was_given_away_after_the_decision_does_not_end(imports, database):
    agency_rows = [row(所属区划="崂山区") for _ in range(2)]
    agency_rows[1] = agency_rows[1] | {name: agency_rows[0][name] for name in ("实施主体编码",)}
    imports.run(csv_file(agency_rows))
    gone = agency_rows[1][CODE]

    def moving(work):
        step, done = work.step, []

        def move_once():
            if work.cursor.get("phase") == "applying" and not done:
                done.append(True)
                with database.transaction() as session:
                    draft = Draft(gone, imports.content(gone) | {"district": "370202"})
                    publishing.put(session, [draft], by=None, source="staff", now=system_clock())
            return step()

        work.step = move_once
        importing.run(imports.importer, work)

    owner = editor(Place(district="370212"))
    options = {"missing": "end", "ending_at_most": 1}
    view = imports.runner(moving).run_one(imports.submit(csv_file(agency_rows[:1]), owner, **options))
    assert (view.state, counts(view)) == (JobState.DONE, {"unchanged": 1})
    assert imports.item(gone).ends_at is None
