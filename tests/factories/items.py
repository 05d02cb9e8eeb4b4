"""Items, departments and topics for tests: each call makes its own, so that tests never meet."""

import itertools
import secrets
from datetime import UTC, datetime
from typing import Any

from qe_ban.db.engine import Database
from qe_ban.items.service import departments, publishing
from qe_ban.items.service.departments import NewDepartment
from qe_ban.items.service.publishing import Draft

SHINAN, LAOSHAN = "370202", "370212"
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = [pow(3, place, 31) for place in range(17)]
_counter = itertools.count(secrets.randbits(36))


def department_code() -> str:
    """A new department's code (USCC, GB 32100) with its check digit."""
    body = "11370200" + "".join(secrets.choice(_ALPHABET) for _ in range(9))
    total = sum(_ALPHABET.index(char) * weight for char, weight in zip(body, _WEIGHTS, strict=True))
    return body + _ALPHABET[-total % 31]


def basic_code() -> str:
    """A new basic code of 12 digits."""
    return f"{next(_counter) % 10**12:012}"


def item_code(agency: str | None = None, basic: str | None = None, suffix: str = "") -> str:
    """A new implementation code of 31 characters; with a suffix of two digits a handling item's of 33."""
    return f"{agency or department_code()}3{basic or basic_code()}{suffix}"


def content(department: str, /, **fields: Any) -> dict[str, Any]:
    """The least that an item says, and what is given."""
    return {
        "name": "社会保障卡申领",
        "item_type": "public_service",
        "department": department,
        "reach": "office",
        "audiences": ["person"],
        "channels": ["window"],
        "handling": "instant",
    } | fields


def full_content(department: str, /, **fields: Any) -> dict[str, Any]:
    """An item that says something in every field."""
    return (
        content(department)
        | {
            "aliases": ["社保卡", "办社保卡"],
            "summary": "为参保人员制发社会保障卡。\n可立等可取。",
            "legal_basis": "《中华人民共和国社会保险法》第五十八条",
            "power_source": "own",
            "level": "city",
            "channels": ["app", "web", "window"],
            "statutory_days": 20,
            "statutory_unit": "working_days",
            "promised_days": 5,
            "promised_unit": "working_days",
            "conditions": "在本市参保",
            "flow": "申请—受理—制卡—领卡",
            "visits": 1,
            "special_procedures": ["听证"],
            "charged": True,
            "place": "市政务服务中心二楼",
            "hours": "周一至周五 9:00-17:00",
            "phone": "0532-12345",
            "complaint_phone": "0532-12333",
            "online_url": "https://zwfw.example.cn/item?id=1",
            "mobile_url": "https://m.example.cn/item",
            "online_depth": "accepting",
            "appointment": True,
            "courier": False,
            "online_payment": True,
            "result_name": "社会保障卡",
            "result_type": "licence",
            "township": True,
            "village": False,
            "materials": [
                {"name": "居民身份证", "need": "required", "type": "original", "form": "either", "copies": 1},
                {"name": "近期照片", "need": "later", "blank_url": "https://zwfw.example.cn/a.doc"},
            ],
            "fees": [{"name": "工本费", "standard": "20元/张", "reducible": True}],
            "questions": [{"question": "可以代办吗？", "answer": "可以。\n请带双方身份证。"}],
        }
        | fields
    )


def add_department(database: Database, *, district: str | None = None, code: str | None = None) -> str:
    """Make a department; gives its code."""
    code = code or department_code()
    with database.transaction() as session:
        departments.ensure(session, [NewDepartment(code, f"测试局{code[-6:]}", district=district)], datetime.now(UTC))
    return code


def add_item(database: Database, draft: Draft | None = None, *, now: datetime | None = None, **fields: Any) -> str:
    """Publish a draft, or a new item of a new department with these fields; gives the code."""
    if draft is None:
        department = fields.pop("department", None) or add_department(database, district=fields.get("district"))
        draft = Draft(item_code(department), content(department, **fields))
    with database.transaction() as session:
        publishing.put(session, [draft], by=None, source="sample", now=now or datetime.now(UTC))
    return draft.code
