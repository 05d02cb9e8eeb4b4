"""The wire shapes of departments."""

from qe_ban.items.rules.fields import DEPARTMENT_TYPES
from qe_ban.kernel import patterns
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

NAME, PHONE, ADDRESS = 100, 100, 200


class DepartmentsQuery(PageQuery):
    """A page of departments: all, or those of a hall (`city`, or a district's slug)."""

    hall = fields.Text(1, 40, patterns.SLUG, load_default=None)


class PutDepartmentSchema(Schema):
    """The whole of what is said of a department; no `district` is the city's."""

    name = fields.Text(1, NAME, required=True)
    type = fields.Choice(list(DEPARTMENT_TYPES), name="DepartmentType", required=True)
    district = fields.Text(6, 6, patterns.DISTRICT, allow_none=True, load_default=None)
    phone = fields.Text(1, PHONE, allow_none=True, load_default=None)
    address = fields.Text(1, ADDRESS, allow_none=True, load_default=None)


class DepartmentSchema(Schema):
    """A department; `items` counts what it offers now."""

    code = fields.Text(18, 18, required=True)
    name = fields.Text(1, 200, required=True)
    type = fields.Choice(list(DEPARTMENT_TYPES), name="DepartmentType", required=True)
    type_name = fields.Text(required=True)
    district = fields.Text(6, 6, required=True, allow_none=True)
    phone = fields.Text(required=True, allow_none=True)
    address = fields.Text(required=True, allow_none=True)
    items = fields.Whole(required=True)


DepartmentPage = page_schema(DepartmentSchema)
