"""What an import tells beside its counts: dry runs, warnings, the order of faults, who did it."""

import pytest
from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.items.models import Department
from qe_ban.jobs.service import JobState, Severity
from qe_ban.kernel.city_file import parse
from tests.factories.imports import Imports, counts, editor, errors
from tests.factories.items import department_code
from tests.factories.sheets import CODE, csv_file, material, row, xlsx_file


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


def test_a_dry_run_of_a_wrong_file_is_done_and_tells_what_is_wrong(imports):
    good, bad = row(), row(事项类型="错")
    view = imports.run(csv_file([good, bad]), dry_run=True)
    assert (view.state, view.error, counts(view)) == (JobState.DONE, None, {"created": 1, "skipped": 1})
    assert (view.result["refusals"], len(errors(view))) == (["文件有 1 处错误"], 1)
    skipping = imports.run(csv_file([good, bad]), dry_run=True, skip_invalid=True)
    assert skipping.result["refusals"] == []
    assert imports.items(good[CODE], bad[CODE]) == []


def test_faults_come_from_top_to_bottom(imports):
    first = row(法定办结时限=5, 承诺办结时限=20, 法定办结时限单位="工作日", 承诺办结时限单位="工作日")
    data = xlsx_file(items=[first, row(事项类型="错")], materials=[material(first[CODE], 份数="几份")])
    view = imports.run(data)
    assert [(one.sheet, one.row) for one in view.faults] == [("事项", 3), ("材料", 2)]
    told = imports.run(csv_file([first, row(事项类型="错")])).faults
    # the second row cannot be read, which is found first; the first is wrong as a whole
    assert [one.row for one in told] == [2, 3]


@pytest.mark.parametrize("said", ["无", "无。", " / ", "-", "／"])
def test_a_word_for_nothing_is_kept_with_a_warning(imports, said):
    one = row(简介=said, 俗称="社保卡")
    view = imports.run(csv_file([one]))
    assert (view.state, errors(view)) == (JobState.DONE, [])
    assert [(fault.severity, fault.row, fault.column) for fault in view.faults] == [(Severity.WARNING, 2, "简介")]
    assert "留空" in view.faults[0].message
    assert imports.content(one[CODE])["summary"] == said.strip()


def test_what_an_export_marks_as_a_word_is_one(imports):
    assert imports.run(csv_file([row(简介="'无")])).faults == ()


def test_another_name_of_a_known_department_is_told_once_and_not_taken(imports, database):
    agency = department_code()
    known = row(agency=agency)
    imports.run(csv_file([known]))
    rows = [known, *(row(agency=agency, 实施主体名称="另一个局") for _ in range(2))]
    view = imports.run(csv_file(rows))
    assert [(fault.severity, fault.row, fault.column) for fault in view.faults] == [
        (Severity.WARNING, 3, "实施主体名称")
    ]
    assert known["实施主体名称"] in view.faults[0].message
    with database.transaction() as session:
        assert session.get_one(Department, agency).name == known["实施主体名称"]


def test_the_audit_names_who_imported(imports, database):
    staff = editor()
    for owner, actor in ((staff, staff.id), (None, None)):
        view = imports.run(csv_file([row()]), owner)
        with database.transaction() as session:
            wanted = select(AuditEvent).where(AuditEvent.subject == str(view.id)).order_by(AuditEvent.id)
            events = session.scalars(wanted).all()
        assert [event.action for event in events] == ["items.import", "items.imported"]
        assert [event.actor_id for event in events] == [actor, actor]
        assert [event.actor_kind for event in events] == ["staff" if actor else None] * 2
