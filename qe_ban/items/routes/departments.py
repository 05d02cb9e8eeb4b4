"""Departments: anybody reads them, the city's administrators keep them."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.items.routes.items import PUBLIC
from qe_ban.items.rules.fields import DEPARTMENT_TYPES
from qe_ban.items.schemas import departments as schemas
from qe_ban.items.service import departments as service
from qe_ban.items.service.departments import DepartmentView
from qe_ban.kernel.city import City
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("departments", url_prefix="/departments", description="部门")


@blp.route("", methods=["GET"], summary_zh="部门及其事项数，市级在前，再按区市")
@guard.anyone
@blp.query(schemas.DepartmentsQuery)
@blp.response(200, schemas.DepartmentPage)
@blp.with_etag
def list_departments(query: dict[str, Any]) -> Response:
    """Departments with the numbers of their items, the city's first, then by district."""
    after = None if query["cursor"] is None else tuple(paging.decode(query["cursor"], str, str))
    with part(Database).transaction() as session:
        found = service.departments(
            session, part(City), hall=query["hall"], after=after, limit=query["limit"] + 1, now=now()
        )
    page = paging.page(found, query["limit"], lambda row: [row.district or "", row.code])
    items = [_shown(view) for view in page["items"]]
    return conditional.respond(page | {"items": items}, cache_control=PUBLIC)


@blp.route("/<code>", methods=["GET"], summary_zh="查看一个部门")
@guard.anyone
@blp.response(200, schemas.DepartmentSchema)
@blp.with_etag
def get_department(code: str) -> Response:
    """One department."""
    with part(Database).transaction() as session:
        view = service.department(session, code=code, now=now())
    return conditional.respond(_shown(view), cache_control=PUBLIC, state=view.tag)


@blp.route("/<code>", methods=["PUT"], summary_zh="登记或修改部门")
@guard.requires("items.vocabulary")
@blp.arguments(schemas.PutDepartmentSchema)
@blp.response(200, schemas.DepartmentSchema)
@blp.alternative(201, content_type="application/json", schema=schemas.DepartmentSchema)
@blp.with_precondition(creating=True)
def put_department(body: dict[str, Any], code: str) -> Response:
    """Register a department (`If-None-Match: *`), or change one (`If-Match`)."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        new = service.NewDepartment(code, **body)
        made = service.put(session, part(City), new, precondition=precondition, change=change)
        session.flush()
        view = service.department(session, code=code, now=change.at)
    return conditional.respond_written(_shown(view), view.tag, 201 if made else 200)


def _shown(view: DepartmentView) -> dict[str, Any]:
    said = {name: getattr(view, name) for name in ("code", "name", "type", "district", "phone", "address", "items")}
    dumped: dict[str, Any] = schemas.DepartmentSchema().dump(said | {"type_name": DEPARTMENT_TYPES[view.type]})
    return dumped
