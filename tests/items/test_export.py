"""Exports: what comes back is what went out, and the templates that people fill in."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import text

from qe_ban.items.errors import OtherPlace
from qe_ban.items.models import Topic
from qe_ban.items.rules.content import faults
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.items.rules.layouts import LAYOUTS
from qe_ban.items.service import exporting
from qe_ban.items.service.publishing import Draft
from qe_ban.jobs.service import JobState
from qe_ban.kernel import field_types
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place
from tests.factories.imports import Imports, counts, editor
from tests.factories.items import add_department, add_item, content, full_content, item_code

DISTRICT = "370285"
"""Of these tests alone: what others make meanwhile is not in their exports."""
SLUGS = ("export-birth", "export-firm")


@pytest.fixture(scope="module")
def imports(database, settings):
    made = Imports(database, parse(settings.city_text()))
    with database.transaction() as session:
        for number, slug in enumerate(SLUGS):
            # of one name, as topics of residents and of firms may be
            audience = ("person", "firm")[number]
            session.merge(
                Topic(slug=slug, name="出生", audience=audience, parent=None, position=1, updated_at=system_clock())
            )
    return made


@pytest.fixture(scope="module")
def export(imports):
    def do(kind="xlsx", table="items", place=Place(district=DISTRICT)):  # noqa: B008
        file = io.BytesIO()
        with imports.database.transaction() as session:
            city, now = imports.importer.city, system_clock()
            exporting.export(session, city, file, format=kind, table=table, place=place, now=now)
        return file.getvalue()

    return do


@pytest.fixture(scope="module")
def department(database):
    return add_department(database, district=DISTRICT)


def rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"],
        exclude_characters="\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=20,
) | st.text("'\"=+-@无、；, _x0041&<>", min_size=1, max_size=12)


def values(field):
    match field.type:
        case field_types.WHOLE:
            return st.integers(0, field.max)
        case field_types.FLAG:
            return st.booleans()
        case field_types.CHOICE:
            return st.sampled_from(list(field.choices))
        case field_types.CHOICES:
            return st.lists(st.sampled_from(list(field.choices)), min_size=1, unique=True)
        case field_types.WORDS:
            return st.lists(TEXT, max_size=4)
        case field_types.TOPICS:
            return st.lists(st.sampled_from(SLUGS), unique=True)
        case field_types.LINK:
            return st.just("https://example.cn/?a=1&b=二")
        case field_types.LINES:
            return st.lists(TEXT, min_size=1, max_size=3).map("\n".join)
    return TEXT


def rows_of(fields):
    wanted = {field.name: values(field) for field in fields if field.required}
    return st.fixed_dictionaries(wanted, optional={f.name: values(f) for f in fields if not f.required})


FREE = [field for field in ITEM if field.type not in (field_types.DEPARTMENT, field_types.DISTRICT)]
CONTENTS = st.builds(
    lambda item, tables: item | tables,
    rows_of(FREE),
    st.fixed_dictionaries({}, optional={table.name: st.lists(rows_of(table.fields), max_size=3) for table in TABLES}),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_import_of_an_export_changes_nothing(imports, export, department, data):
    said = data.draw(CONTENTS) | {"department": department, "district": DISTRICT}
    wrong = {fault.place.split(".")[0] for fault in faults(said) if fault.severity == "error"}
    said = {name: value for name, value in said.items() if name not in wrong}
    if any(fault.severity == "error" for fault in faults(said)):
        said = content(department, district=DISTRICT, name=said.get("name", "甲"))
    code = add_item(imports.database, Draft(item_code(department), said))
    before = imports.content(code)
    for kind, tables in (("xlsx", ["items"]), ("csv", list(LAYOUTS))):
        for table in tables:
            exported = export(kind, table)
            if kind == "csv" and len(rows(exported)) == 1:
                continue
            view = imports.run(exported)
            assert (view.state, view.error) == (JobState.DONE, None), view.faults
            assert set(counts(view)) == {"unchanged"}, (kind, table, counts(view))
    assert len(imports.versions(code)) == 1
    assert imports.content(code) == before
    # the next example's export holds it alone
    with imports.database.transaction() as session:
        session.execute(text("UPDATE items SET ends_at = '2020-01-01' WHERE code = :code"), {"code": code})


def test_an_export_made_from_nothing_makes_the_same_items(imports, export, department, database):
    code = add_item(database, Draft(item_code(department), full_content(department, district=DISTRICT)))
    exported = export()
    said = imports.content(code)
    other = item_code(department)
    # the same file with another code: every field must come from the file
    book = load_workbook(io.BytesIO(exported))
    for sheet in book.worksheets:
        for row in sheet.iter_rows(min_row=2):
            if row[0].value == code:
                row[0].value = other
    file = io.BytesIO()
    book.save(file)
    assert counts(imports.run(file.getvalue()))["created"] == 1
    assert imports.content(other) == said


def test_scheduled_versions_and_ends_come_back_as_they_were(imports, export, department, database):
    code = add_item(database, Draft(item_code(department), content(department, district=DISTRICT)))
    later = datetime(2190, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)
    ends = datetime(2191, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)
    add_item(database, Draft(code, content(department, district=DISTRICT, name="新名"), later, ends))
    assert "changed" not in counts(imports.run(export()))
    assert (imports.item(code).ends_at, len(imports.versions(code))) == (ends, 2)


def test_an_export_holds_the_own_place_and_what_has_not_ended(imports, export, department, database):
    code = add_item(database, Draft(item_code(department), content(department, district=DISTRICT)))
    over = item_code(department)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    add_item(database, Draft(over, content(department, district=DISTRICT), past, past.replace(month=2)))
    codes = {row[0] for row in rows(export("csv"))}
    assert code in codes
    assert over not in codes
    assert code in {row[0] for row in rows(export("csv", place=Place(department=department)))}
    assert code not in {row[0] for row in rows(export("csv", place=Place(district="370202")))}
    with pytest.raises(OtherPlace):
        export("csv", place=Place(hall="shinan"))


def test_no_cell_of_a_csv_is_a_formula(imports, export, department, database):
    names = ["=1+1", "+86", "-1", "@SUM(A1)"]
    for name in names:
        said = content(department, district=DISTRICT, name=name, phone=name, aliases=[name])
        add_item(database, Draft(item_code(department), said))
    cells = [cell for row in rows(export("csv")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert {"'" + name for name in names} <= set(cells)


def test_a_workbook_shows_codes_as_text_and_no_formulas(imports, export, department, database):
    code = add_item(database, Draft(item_code(department), content(department, district=DISTRICT, name="=1+1")))
    sheet = load_workbook(io.BytesIO(export()))["事项"]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == code)
    assert (row[0].number_format, row[0].data_type, row[1].value, row[1].data_type) == ("@", "s", "=1+1", "s")


class TestTemplate:
    def test_the_workbook_has_all_tables_with_text_columns_and_lists(self):
        book = load_workbook(io.BytesIO(exporting.template("xlsx")))
        assert book.sheetnames == ["事项", "材料", "收费", "常见问题"]
        sheet = book["事项"]
        assert [cell.value for cell in sheet[1]] == [column.heading for column in LAYOUTS["items"].columns]
        assert sheet["A2"].value.startswith("填写说明")
        assert sheet.freeze_panes == "B3"
        assert sheet.column_dimensions["A"].number_format == "@"
        offered = {validation.formula1 for validation in sheet.data_validations.dataValidation}
        assert '"是,否"' in offered
        assert '"即办件,承诺件"' in offered

    @pytest.mark.parametrize("kind", ["xlsx", "csv"])
    def test_a_template_that_is_filled_in_is_imported(self, imports, kind):
        view = imports.run(exporting.template(kind))
        assert (view.state, counts(view), view.faults) == (JobState.DONE, {}, ())

    @pytest.mark.parametrize("table", list(LAYOUTS))
    def test_a_csv_template_of_each_table(self, table):
        made = rows(exporting.template("csv", table))
        assert made[0] == [column.heading for column in LAYOUTS[table].columns]
        assert len(made) == 2


def test_staff_of_a_district_bring_back_their_own_export(imports, export, department, database):
    add_item(database, Draft(item_code(department), full_content(department, district=DISTRICT)))
    view = imports.run(export(), editor(Place(district=DISTRICT)))
    assert set(counts(view)) == {"unchanged"}
