"""Items that a file lacks: kept, or ended within bounds, and never by a file that says too little."""

import pytest

from qe_ban.jobs.service import JobState
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.principal import Place
from tests.factories.imports import Imports, counts, editor
from tests.factories.items import department_code
from tests.factories.sheets import CODE, csv_file, material, row


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


@pytest.fixture
def stock(imports):
    """A department with four items, of which one is in another district."""
    agency = department_code()
    rows = [row(agency=agency) for _ in range(3)] + [row(agency=agency, 所属区划="崂山区")]
    imports.run(csv_file(rows))
    return rows


def ended(imports, rows):
    items = {item.code: item for item in imports.items(*(one[CODE] for one in rows))}
    return [items[one[CODE]].ends_at is not None for one in rows]


def test_what_is_missing_stays_unless_it_is_to_end(imports, stock):
    assert counts(imports.run(csv_file(stock[:1]))) == {"unchanged": 1}
    assert ended(imports, stock) == [False] * 4


def test_what_is_missing_ends_and_other_departments_stay(imports, stock):
    other = row()
    imports.run(csv_file([other]))
    view = imports.run(csv_file(stock[:1]), missing="end", ending_at_most=3)
    assert counts(view) == {"unchanged": 1, "ended": 3}
    assert ended(imports, [*stock, other]) == [False, True, True, True, False]


def test_more_than_may_end_is_refused_before_anything_is_written(imports, stock):
    changed = stock[0] | {"简介": "新"}
    view = imports.run(csv_file([changed]), missing="end", ending_at_most=2)
    assert (view.state, "将终止 3 个事项，超过允许的 2 个" in view.error) == (JobState.FAILED, True)
    assert ended(imports, stock) == [False] * 4
    assert len(imports.versions(stock[0][CODE])) == 1


def test_a_dry_run_says_how_many_would_end(imports, stock):
    view = imports.run(csv_file(stock[:1]), missing="end", ending_at_most=5, dry_run=True)
    assert counts(view) == {"unchanged": 1, "ended": 3}
    assert (view.result["ending"], view.result["refusals"]) == (3, [])
    assert ended(imports, stock) == [False] * 4


def test_a_dry_run_says_how_many_would_end_although_they_may_not(imports, stock):
    view = imports.run(csv_file(stock[:1]), missing="end", dry_run=True)
    assert (view.state, view.error, view.result["ending"]) == (JobState.DONE, None, 3)
    assert view.result["refusals"] == ["将终止 3 个事项，超过允许的 0 个"]
    assert ended(imports, stock) == [False] * 4


def test_a_dry_run_tells_everything_that_would_keep_the_file_out(imports, stock):
    rows = [stock[0], stock[1] | {CODE: "1.1E+30"}, stock[2] | {"事项类型": "错"}]
    view = imports.run(csv_file(rows), missing="end", dry_run=True)
    assert (view.state, counts(view)["unchanged"], len(view.faults)) == (JobState.DONE, 1, 2)
    assert [text[:6] for text in view.result["refusals"]] == ["文件有 2 ", "有 1 行的", "将终止 2 "]
    alone = imports.run(csv_file([material(stock[0][CODE])]), missing="end", dry_run=True)
    assert (alone.state, "没有事项表" in alone.result["refusals"][0]) == (JobState.DONE, True)


def test_a_district_ends_its_own_only(imports, stock):
    staff = editor(Place(district="370202"))
    view = imports.run(csv_file(stock[:1]), staff, missing="end", ending_at_most=9)
    assert counts(view) == {"unchanged": 1, "ended": 2}
    assert ended(imports, stock) == [False, True, True, False]


def test_an_item_that_is_faulty_in_the_file_is_not_missing(imports, stock):
    rows = [stock[0], stock[1] | {"事项类型": "错"}, *stock[2:]]
    view = imports.run(csv_file(rows), missing="end", ending_at_most=9, skip_invalid=True)
    assert counts(view) == {"unchanged": 3, "skipped": 1}
    assert ended(imports, stock) == [False] * 4


def test_a_code_that_cannot_be_read_may_be_anybodys(imports, stock):
    rows = [stock[0], stock[1] | {CODE: "1.1E+30"}]
    view = imports.run(csv_file(rows), missing="end", ending_at_most=9, skip_invalid=True)
    assert (view.state, "不能据此终止" in view.error) == (JobState.FAILED, True)
    assert ended(imports, stock) == [False] * 4


def test_a_file_of_materials_ends_nothing(imports, stock):
    view = imports.run(csv_file([material(stock[0][CODE])]), missing="end", ending_at_most=9)
    assert (view.state, "没有事项表" in view.error) == (JobState.FAILED, True)


def test_what_ended_is_open_again_when_a_file_has_it(imports, stock):
    imports.run(csv_file(stock[:1]), missing="end", ending_at_most=3)
    view = imports.run(csv_file(stock), missing="end")
    assert counts(view) == {"unchanged": 1, "reopened": 3}
    assert ended(imports, stock) == [False] * 4


def test_what_was_moved_to_another_department_ends_nothing_of_the_old_one(imports, stock):
    moved = stock[0] | {"实施主体编码": department_code()}
    view = imports.run(csv_file([moved]), missing="end", ending_at_most=9)
    assert counts(view) == {"changed": 1}
    assert ended(imports, stock) == [False] * 4
