"""What the sample says of one item at one office: expanded from its kind's row and shared building blocks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qe_ban.sandbox.catalogue import files
from qe_ban.sandbox.catalogue.entries import Entry
from qe_ban.sandbox.catalogue.offices import Office

_CHANNELS: Final = ["window", "web", "app"]
_ONLINE: Final = frozenset({"web", "app"})
_MOST_QUESTIONS: Final = 3
_STATUTE: Final = "中华人民共和国"
_PEOPLE: Final = {
    "person": "居民", "firm": "企业", "institution": "事业单位", "society": "社会组织", "unincorporated": "个体工商户等"
}  # fmt: skip
_RESULTS: Final = (
    ("licence", ("证", "证书", "执照", "簿", "护照", "社会保障卡", "号牌", "优惠卡", "服务卡", "手册")),
    ("certificate", ("证明", "凭证", "回执", "备案证明", "证明书", "记录")),
    ("document", ("决定书", "决定", "文件", "批复", "通知书", "意见书", "批准书", "审批意见", "协议书")),
)
_PROCEDURES: Final = {"平面图": "现场核查", "检测报告": "检验检测", "体检": "体格检查", "失能评估": "专家评审"}


class Contents:
    """Makes contents; reads the building blocks once."""

    def __init__(self) -> None:
        self._materials = files.read("materials")
        self._fees = files.read("fees")
        self._questions = files.read("questions")
        self._phrases = files.read("phrases")

    def content(self, entry: Entry, office: Office, code: str) -> dict[str, Any]:
        """Return all fields, without faults or warnings."""
        kind = entry.kind
        channels = kind.get("channels", _CHANNELS)
        return (
            {
                "name": entry.name,
                "aliases": list(entry.aliases),
                "item_type": kind["type"],
                "department": office.department.code,
                "district": office.district,
                "reach": kind.get("reach", "office"),
                "audiences": kind["for"],
                "topics": kind["topics"],
                "channels": channels,
                "legal_basis": "\n".join(_law(law) for law in kind["law"]),
                "power_source": "own",
                "level": "county" if office.district else "city",
                "result_name": kind["result"],
                "result_type": _result_type(kind["result"]),
                "special_procedures": [_PROCEDURES[key] for key in kind["materials"] if key in _PROCEDURES],
                "materials": self._material_rows(entry),
            }
            | self._times(kind)
            | self._texts(entry, office)
            | _access(channels, code)
            | self._fee(kind, channels)
            | (_reaching_down(kind) if office.district else {})
        )

    def _times(self, kind: Mapping[str, Any]) -> dict[str, Any]:
        statutory, *promise = kind["days"]
        return {
            "handling": "promised" if promise else "instant",
            "statutory_days": statutory,
            "statutory_unit": "working_days",
            # what is done immediately is done within the day
            "promised_days": promise[0] if promise else min(statutory, 1),
            "promised_unit": "working_days",
        }

    def _texts(self, entry: Entry, office: Office) -> dict[str, Any]:
        kind, phrases = entry.kind, self._phrases
        days = "1个工作日" if _is_instant(kind) else f"{kind['days'][1]}个工作日"
        values = {
            "{name}": entry.name, "{office}": office.department.name, "{days}": days, "{result}": kind["result"],
            "{audience}": "、".join(_PEOPLE[word] for word in kind["for"]),
        }  # fmt: skip
        return {
            "summary": _fill(phrases["summary"], values),
            "conditions": phrases["conditions"][kind["type"]],
            "flow": _fill(phrases["flow"][_flow(kind)], values),
            "place": office.place,
            "hours": phrases["hours"],
            "phone": office.phone,
            "complaint_phone": phrases["complaint_phone"],
            "questions": [
                {name: _fill(text, values) for name, text in row.items()} for row in self._question_rows(entry)
            ],
        }

    def _question_rows(self, entry: Entry) -> list[dict[str, Any]]:
        """Return the questions of an entry, its own first, then those that its kind answers."""
        own = [] if entry.handling.get("spoken") else self._questions.get(entry.kind.get("questions"), [])
        usual = [self._phrases["questions"][key] for key in _question_keys(entry.kind)]
        return [*own, *usual][:_MOST_QUESTIONS]

    def _material_rows(self, entry: Entry) -> list[dict[str, Any]]:
        keys: list[str] = entry.handling.get("materials") or entry.kind["materials"]
        return [self._material(key, entry.name) for key in dict.fromkeys(keys)]

    def _material(self, key: str, name: str) -> dict[str, Any]:
        block = self._materials[key.rstrip("?")]
        row = {
            "name": f"{name}{block['name']}" if key == "表" else block["name"],
            "need": "optional" if key.endswith("?") else "required",
            "type": block["type"],
            "form": "either",
            "source": block["source"],
            "copies": 1,
        }
        return row | ({"note": block["note"]} if "note" in block else {})

    def _fee(self, kind: Mapping[str, Any], channels: list[str]) -> dict[str, Any]:
        if "fee" not in kind:
            return {"charged": False}
        fee = self._fees[kind["fee"]]
        rows = [fee | {"reducible": "reduction_basis" in fee}]
        return {"charged": True, "fees": rows, "online_payment": _is_online(channels)}


def _access(channels: list[str], code: str) -> dict[str, Any]:
    online = _is_online(channels)
    addresses = {
        "online_url": f"https://zwfw.qingdao.example/items/{code}",
        "mobile_url": f"https://m.qingdao.example/items/{code}",
    }
    return {
        "visits": 0 if online else 1,
        "online_depth": "deciding" if online else "consulting",
        "appointment": "window" in channels,
        "courier": online,
    } | (addresses if online else {})


def _reaching_down(kind: Mapping[str, Any]) -> dict[str, bool]:
    depth = kind.get("down_to")
    return {"township": depth is not None, "village": depth == "village"}


def _result_type(result: str) -> str:
    return next((word for word, ends in reversed(_RESULTS) if result.endswith(ends)), "other")


def _law(law: str) -> str:
    """Return a law's title; a star marks those of the People's Republic."""
    return f"《{_STATUTE if law.endswith('*') else ''}{law.removesuffix('*')}》"


def _fill(text: str, values: Mapping[str, str]) -> str:
    for word, value in values.items():
        text = text.replace(word, value)
    return text


def _is_instant(kind: Mapping[str, Any]) -> bool:
    return len(kind["days"]) == 1


def _flow(kind: Mapping[str, Any]) -> str:
    if not _is_online(kind.get("channels", _CHANNELS)):
        return "window"
    return "instant" if _is_instant(kind) else "promised"


def _question_keys(kind: Mapping[str, Any]) -> Iterator[str]:
    if not _is_instant(kind):
        yield "long"
    elif _is_online(kind.get("channels", _CHANNELS)):
        yield "trips"
    else:
        yield "present"
    if kind.get("reach", "office") != "office":
        yield "elsewhere"
    if "person" in kind["for"]:
        yield "proxy"


def _is_online(channels: list[str]) -> bool:
    return not _ONLINE.isdisjoint(channels)
