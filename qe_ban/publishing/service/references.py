"""What pages refer to: looked up for showing, and looked at for what no longer stands."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.kernel.shapes import Severity
from qe_ban.publishing.rules import references as rules
from qe_ban.publishing.rules.references import LINK, MEDIA, Found
from qe_ban.publishing.service.desks import Sources
from qe_ban.publishing.service.links import LinkState

__all__ = ["LINK", "MEDIA", "Finding", "dress", "inspect", "links", "look_up", "one", "pictures"]

_GONE: Final = {
    "item": "事项不存在或已终止",
    "app": "应用不存在或已下线",
    "place": "网点不存在或已撤销",
    "media": "图片不存在",
    "hall": "分厅不存在",
    "zone": "专区不存在或已结束",
    "code_kind": "没有这种码",
}
_LINKS: Final[Mapping[LinkState, tuple[str, Severity]]] = {
    LinkState.DEAD: ("链接已失效", "error"),
    LinkState.UNREACHABLE: ("链接暂时无法打开，请核对", "warning"),
}

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A reference that does not stand: where, of which sort, what it names, and what is the matter, in Chinese.

    A warning hinders nothing: a link that could not be reached just now.
    """

    place: str
    reference: str
    key: str
    message: str
    severity: Severity = "error"


def dress(session: Session, sources: Sources, content: Content, now: datetime) -> list[dict[str, Any]]:
    """Give a content's blocks with every reference but links replaced by what it names.

    A row or a block whose required reference does not stand is left out, an optional one becomes null.
    """
    return rules.dressed(content, look_up(session, sources, content, now))


def one(session: Session, sources: Sources, sort: str, key: str | None, now: datetime) -> Any:
    """Give what a single reference names (a page's banner); None where it does not stand, or nothing is named."""
    return sources[sort](session, [key], now).get(key) if key else None


def inspect(
    session: Session,
    sources: Sources,
    content: Content,
    now: datetime,
    followed: Mapping[str, LinkState] | None = None,
) -> list[Finding]:
    """Give every reference that does not stand; `followed`: what came of those links that were followed."""
    found, states = look_up(session, sources, content, now), followed or {}
    findings = []
    for reference in rules.references(content):
        if reference.sort == LINK:
            if states.get(reference.key) in _LINKS:
                said, severity = _LINKS[states[reference.key]]
                findings.append(_finding(reference, said, severity))
        elif reference.key not in found[reference.sort]:
            findings.append(_finding(reference, _GONE[reference.sort], "error"))
    return findings


def links(content: Content) -> frozenset[str]:
    """Give the addresses that a content leads to."""
    return frozenset(reference.key for reference in rules.references(content) if reference.sort == LINK)


def pictures(content: Content) -> frozenset[str]:
    """Give the digests of the pictures that a content shows."""
    return frozenset(reference.key for reference in rules.references(content) if reference.sort == MEDIA)


def look_up(session: Session, sources: Sources, content: Content, now: datetime) -> Found:
    """Give what a content's references name, each sort looked up once."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for reference in rules.references(content):
        if reference.sort != LINK:
            keys[reference.sort].add(reference.key)
    return {sort: sources[sort](session, sorted(wanted), now) for sort, wanted in keys.items()}


def told(findings: Collection[Finding], severity: Severity) -> Sequence[Finding]:
    """Give the findings of one severity."""
    return [finding for finding in findings if finding.severity == severity]


def _finding(reference: rules.Reference, said: str, severity: Severity) -> Finding:
    return Finding(reference.place, reference.sort, reference.key, f"{said}：{reference.key}", severity)
