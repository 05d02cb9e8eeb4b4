"""Whose code an item may have, and what departments an import registers."""

import pytest
from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.items.models import Department
from qe_ban.jobs.service import Severity
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.principal import Place
from tests.factories.imports import Imports, counts, editor, errors
from tests.factories.items import SHINAN, add_department, add_item, content, department_code, item_code
from tests.factories.sheets import CODE, csv_file, row

API = "/api/v1/items"
NEW = {"If-None-Match": "*"}
OTHER = "与事项编码中的机构代码不一致，请核对"


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


def places(own):
    return [{"department": own}, {"district": SHINAN}]


@pytest.mark.parametrize("which", [0, 1], ids=["department", "district"])
def test_nobody_makes_an_item_with_another_agency_s_code(client, staff, database, which):
    own, other = add_department(database), add_department(database)
    path, body = f"{API}/{item_code(other)}", content(own, district=SHINAN)
    refused = client.put(path, json=body, headers=staff("editor", **places(own)[which]) | NEW)
    assert (refused.status_code, refused.json["errors"]) == (422, {"code": [OTHER]})
    assert client.get(path).status_code == 404


def test_the_city_may_and_is_warned(client, staff, database):
    own, other = add_department(database), add_department(database)
    path, body = f"{API}/{item_code(other)}", content(own)
    made = client.put(path, json=body, headers=staff() | NEW)
    assert made.status_code == 201
    assert [(one["place"], one["message"]) for one in made.json["warnings"]] == [("code", OTHER)]
    # what is there already may be kept up by whoever answers for it
    tag = {"If-Match": made.headers["ETag"]}
    changed = client.put(path, json=body | {"phone": "1"}, headers=staff("editor", department=own) | tag)
    assert (changed.status_code, [one["place"] for one in changed.json["warnings"]]) == (200, ["code"])


@pytest.mark.parametrize("which", [0, 1], ids=["department", "district"])
def test_nobody_imports_an_item_with_another_agency_s_code(imports, database, which):
    own, other = add_department(database), add_department(database)
    one = row(agency=own) | {CODE: item_code(other)}
    view = imports.run(csv_file([one]), editor(Place(**places(own)[which])))
    assert errors(view) == [(2, "实施主体编码", OTHER)]
    assert imports.item(one[CODE]) is None


def test_the_city_may_import_it_and_others_may_keep_it_up(imports, database):
    own, other = add_department(database), add_department(database)
    fresh = row(agency=own) | {CODE: item_code(other)}
    view = imports.run(csv_file([fresh]))
    assert (counts(view), errors(view)) == ({"created": 1}, [])
    assert (Severity.WARNING, OTHER) in [(fault.severity, fault.message) for fault in view.faults]
    known = add_item(database, department=own, district=SHINAN)
    rows = [fresh | {"咨询电话": "1"}, row(agency=own) | {CODE: known}]
    assert errors(imports.run(csv_file(rows), editor(Place(department=own)))) == []


@pytest.mark.parametrize(
    ("heading", "said", "fault"),
    [
        ("实施主体名称", "局" * 101, "长度须为 1 至 100 个字符"),
        ("实施主体名称", "局" * 100_000, "长度须为 1 至 100 个字符"),
        ("实施主体名称", "\ue000", "不能只有空白"),
        ("实施主体性质", "私人", "不在可选范围内"),
    ],
    ids=["long", "endless", "blank", "type"],
)
def test_an_import_registers_no_department_that_staff_could_not(imports, database, heading, said, fault):
    agency = department_code()
    view = imports.run(csv_file([row(agency=agency, **{heading: said})]))
    assert [(line, column) for line, column, _ in errors(view)] == [(2, heading)]
    assert fault in errors(view)[0][2]
    with database.transaction() as session:
        assert session.get(Department, agency) is None


def test_departments_that_come_by_import_are_recorded_once(imports, database):
    known, fresh, owner = add_department(database), department_code(), editor()
    job = imports.submit(csv_file([row(agency=known), row(agency=fresh), row(agency=fresh)]), owner)
    imports.runner().run_one(job)
    imports.run(csv_file([row(agency=fresh)]))
    with database.transaction() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject.in_((known, fresh)))).all()
        (told,) = [(one.subject, one.action, one.actor_id, one.details) for one in events]
    assert told[:3] == (fresh, "items.create_department", owner.id)
    assert (told[3]["before"], told[3]["after"]["code"], told[3]["import"]) == (None, fresh, str(job))
