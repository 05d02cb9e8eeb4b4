"""The sample's entries: each kind of item with its handling items (new, changed, renewed, replaced, ended)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qe_ban.sandbox.catalogue import files

_REGISTRATION, _FILING = "登记", "备案"
_STEMS_WITH_LABEL: Final = ("许可", "许可证", _FILING)
_FOUNDING_LICENCE: Final = "设立许可"
_REGISTRATION_LABELS: Final = frozenset({"设立", "成立", "首次", "变更", "注销"})
_PAPERS: Final = ("证", "许可", "备案", "执照", "资质", "登记", "资格")
_LONGEST_ALIAS: Final = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `kind` is its row in the files; `basic` and `suffix` are the parts of its code."""

    kind: Mapping[str, Any]
    handling: Mapping[str, Any]
    basic: str
    suffix: str
    name: str
    aliases: tuple[str, ...]

    @property
    def code(self) -> str:
        """What is the same at every office."""
        return self.basic + self.suffix

    @property
    def popularity(self) -> float:
        """How much it is used at first: a handling item has a share of its kind's."""
        return float(self.kind["popularity"] * self.handling.get("share", 1.0))


def entries() -> Iterator[Entry]:
    """Yield all entries, in the order of their loading."""
    handlings = files.read("handlings")
    for kind in files.kinds():
        for label in kind.get("handlings", [None]):
            handling = handlings[label] if label else {}
            yield Entry(
                kind, handling, kind["code"], handling.get("suffix", ""), item_name(kind["name"], label, handling),
                _aliases(kind, handling),
            )  # fmt: skip


def item_name(name: str, label: str | None, handling: Mapping[str, Any]) -> str:
    """Return a handling item's name, as governments put it together.

    食品经营许可 becomes 食品经营许可新办, 合伙企业登记 becomes 合伙企业设立登记; whatever else takes it in brackets.
    """
    if label is None:
        return name
    first = handling.get("first", False)
    if name.endswith(_REGISTRATION) and label in _REGISTRATION_LABELS:
        return f"{name.removesuffix(_REGISTRATION)}{label}{_REGISTRATION}"
    stem = name.partition("（")[0]
    if stem.endswith(_STEMS_WITH_LABEL) and not stem.endswith(_FOUNDING_LICENCE):
        return name if label == _FILING else name + label
    return name if first else f"{name}（{label}）"


def _aliases(kind: Mapping[str, Any], handling: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what people say: of a handling item after the first one, its papers' names and what became of them."""
    suffixes = handling.get("spoken")
    if not suffixes:
        return tuple(kind["aliases"])
    papers = [alias for alias in kind["aliases"] if alias.endswith(_PAPERS)] or kind["aliases"][:1]
    texts = [paper + word for paper in papers[:2] for word in suffixes]
    return tuple(dict.fromkeys(text for text in texts if len(text) <= _LONGEST_ALIAS))
