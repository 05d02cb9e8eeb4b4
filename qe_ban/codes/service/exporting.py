"""A resident's whole ledger as CSV for spreadsheet programs."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from qe_ban.codes.queries import Entry
from qe_ban.codes.rules.labels import FIELD_NAMES, PROFILE_NAMES, REASON_NAMES
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import CITY_TIME

HEADINGS: Final = (
    "时间（北京时间）",
    "场所",
    "区市",
    "地址",
    "终端",
    "场景",
    "用途",
    "码种",
    "出示方式",
    "由监护人或代办人出示",
    "是否通过",
    "结果",
    "告知的信息",
    "备注",
    "核验编号",
    "记录编号",
)
_BOM: Final = "\ufeff"
# what a spreadsheet program takes for a formula, full-width forms included; and what it strips before it looks
_FORMULA: Final = tuple("=+-@＝＋－＠\t\r\n")


def csv_pieces(entries: Iterable[Entry], city: City) -> Iterator[bytes]:
    """Write the entries as CSV (RFC 4180), in UTF-8 with a byte order mark, a row a piece; no cell is a formula."""
    line = io.StringIO(newline="")
    rows = csv.writer(line)
    yield _BOM.encode()
    rows.writerow(HEADINGS)
    for entry in entries:
        yield _drain(line)
        rows.writerow([_harmless(cell) for cell in _cells(entry, city)])
    yield _drain(line)


def _drain(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode()


def _cells(entry: Entry, city: City) -> tuple[str, ...]:
    purpose = city.purposes.get(entry.purpose)
    kind = city.kinds.get(entry.kind or "")
    meal = entry.detail.get("meal", {})
    return (
        entry.at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S"),
        entry.venue,
        city.districts.get(entry.district, entry.district),
        entry.address,
        entry.scanner,
        city.scenes.get(entry.scene, entry.scene),
        purpose.name if purpose else entry.purpose,
        kind.name if kind else "",
        _label(PROFILE_NAMES, entry.profile or ""),
        "是" if entry.guardian else "否",
        "是" if entry.accepted else "否",
        _label(REASON_NAMES, entry.reason),
        "、".join(FIELD_NAMES.get(field, field) for field in entry.fields),
        f"{meal['name']} {meal['date']}" if meal else "",
        str(entry.scan_id),
        str(entry.id),
    )


def _label(labels: Mapping[Any, str], word: str) -> str:
    """Return what people call a word; the word itself where a newer release stored it."""
    return labels.get(word, word)


def _harmless(cell: str) -> str:
    """Keep a spreadsheet program from computing what somebody wrote into a venue's name."""
    return f"'{cell}" if cell.lstrip(" \u3000").startswith(_FORMULA) else cell
