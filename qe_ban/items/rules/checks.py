"""Says what is wrong with an item's content: types, lengths and choices by the table of fields, and how they agree."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel.field_types import has_value
from qe_ban.kernel.shapes import Fault, row_faults, table_faults, unknown_faults

_NAMES: Final = frozenset(field.name for field in ITEM) | {table.name for table in TABLES}


def faults(content: Mapping[str, Any]) -> list[Fault]:
    """Return everything that is wrong with a content, whatever it holds: nothing of it need have the right type.

    Null, an empty text and an empty list are not told, as if left out. Whether departments, districts and topics exist
    is not looked at.
    """
    field_faults = [*unknown_faults(_NAMES, content), *row_faults(ITEM, content)]
    for table in TABLES:
        field_faults.extend(table_faults(table, content.get(table.name)))
    return field_faults + list(_disagreements(content))


def _disagreements(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Compare fields with each other; what has not even the right type was named already."""
    yield from _time_limit_faults(content)
    yield from _fee_faults(content)


def _time_limit_faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    days: dict[str, int] = {}
    for name in ("statutory", "promised"):
        amount, unit = content.get(f"{name}_days"), content.get(f"{name}_unit")
        if has_value(amount) and not has_value(unit):
            yield Fault(f"{name}_unit", "填写了时限，须同时填写单位")
        elif has_value(unit) and not has_value(amount):
            yield Fault(f"{name}_days", "填写了单位，须同时填写时限")
        elif type(amount) is int:
            days[name] = amount
    same_unit = content.get("statutory_unit") == content.get("promised_unit")
    if len(days) == 2 and same_unit and days["promised"] > days["statutory"]:
        yield Fault("promised_days", "承诺办结时限不得长于法定办结时限")


def _fee_faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    has_fees = has_value(content.get("fees"))
    if content.get("charged") is False and has_fees:
        yield Fault("fees", "不收费的事项不应有收费项目")
    if content.get("charged") is True and not has_fees:
        yield Fault("charged", "收费的事项尚未填写收费项目", "warning")
