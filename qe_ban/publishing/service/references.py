"""What pages refer to: found by their fields, looked up and put in its place, and what of it no longer stands."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, Severity, moment_of
from qe_ban.publishing.rules import rich
from qe_ban.publishing.rules.blocks import TYPES, BlockType
from qe_ban.publishing.rules.field_values import field_values
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.page_types import Sources

_MEDIA: Final = "media"
_ITEM: Final = "item"
_LINK: Final = "link"
_MISSING: Final = {
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
Targets = Mapping[str, Mapping[str, Any]]
"""What stands, by the sort of a reference and its key."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference: its sort (item, app, place, media, zone, code_kind, link), what it names, and where it stands.

    When a required one falls, its row (or block) falls with it.
    """

    sort: str
    key: str
    place: str
    required: bool


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


def references(content: Content) -> list[Reference]:
    """Return every reference of a content without errors, in the order of the page; a key as often as it stands.

    Links in text with tags are told at the text's place. An event's stream is none: it only runs with the event.
    """
    banner = content.get("banner")
    result = [Reference(_MEDIA, banner, "banner", required=False)] if banner else []
    for one in field_values(content):
        result.extend(_of(one.place, one.field, one.value))
    return result


def resolve(
    session: Session, sources: Sources, content: Content, now: datetime
) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
    """Return a content's blocks, resolved, with what its references name now, and the picture that is its banner."""
    targets = _look_up(session, sources, content, now)
    return resolve_blocks(content, targets), targets.get(_MEDIA, {}).get(content.get("banner") or "")


def resolve_blocks(content: Content, targets: Targets) -> list[dict[str, Any]]:
    """Return a content's blocks with every reference but links replaced by what it names.

    Rows, and blocks, whose required reference does not stand are left out; an optional one becomes null; of several
    those remain that stand. Blocks of no known type are left out.
    """
    result = (
        _block(TYPES[block["type"]], block, targets) for block in content.get("blocks") or () if _has_known_type(block)
    )
    return [block for block in result if block is not None]


def next_changes(blocks: Iterable[Mapping[str, Any]]) -> Iterator[datetime | None]:
    """Return when what resolved blocks refer to reads otherwise next: each of their places opens or closes."""
    for block in blocks:
        if block["type"] == "places":
            for place in block.get("places") or ():
                yield moment_of(place["closes_at"] if place["open_now"] else place["opens_at"])


def inspect(
    session: Session,
    sources: Sources,
    content: Content,
    now: datetime,
    known_states: Mapping[str, LinkState] | None = None,
) -> list[Finding]:
    """Return every reference that does not stand; `known_states`: what came of those links that were followed."""
    targets, states = _look_up(session, sources, content, now), known_states or {}
    findings = []
    for reference in references(content):
        if reference.sort == _LINK:
            if states.get(reference.key) in _LINKS:
                problem, severity = _LINKS[states[reference.key]]
                findings.append(_finding(reference, problem, severity))
        elif reference.key not in targets[reference.sort]:
            findings.append(_finding(reference, _MISSING[reference.sort], "error"))
    return findings


def links(content: Content) -> frozenset[str]:
    """Return the addresses that a content leads to."""
    return frozenset(reference.key for reference in references(content) if reference.sort == _LINK)


def pictures(content: Content) -> frozenset[str]:
    """Return the digests of the pictures that a content shows."""
    return frozenset(reference.key for reference in references(content) if reference.sort == _MEDIA)


def of_severity(findings: Collection[Finding], severity: Severity) -> Sequence[Finding]:
    """Return the findings of one severity."""
    return [finding for finding in findings if finding.severity == severity]


def _look_up(session: Session, sources: Sources, content: Content, now: datetime) -> Targets:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for reference in references(content):
        if reference.sort != _LINK:
            keys[reference.sort].add(reference.key)
    return {sort: sources[sort](session, sorted(sort_keys), now) for sort, sort_keys in keys.items()}


def _finding(reference: Reference, problem: str, severity: Severity) -> Finding:
    return Finding(reference.place, reference.sort, reference.key, f"{problem}：{reference.key}", severity)


def _has_known_type(block: Mapping[str, Any]) -> bool:
    return block["type"] in TYPES


def _of(place: str, field: Field, value: Any) -> Iterator[Reference]:
    sort = _sort(field)
    if sort is not None:
        if field.type is field_types.SLUGS:
            for number, key in enumerate(value):
                yield Reference(sort, key, f"{place}.{number}", field.required)
        else:
            yield Reference(sort, value, place, field.required)
    elif field.type is field_types.LINK and not field.refers:
        yield Reference(_LINK, value, place, required=False)
    elif field.type is field_types.RICH:
        for href in dict.fromkeys(rich.hrefs(value)):
            yield Reference(_LINK, href, place, required=False)


def _sort(field: Field) -> str | None:
    if field.type in (field_types.SLUG, field_types.SLUGS):
        return field.refers or None
    return field.type.refers or None


def _block(block_type: BlockType, block: Mapping[str, Any], targets: Targets) -> dict[str, Any] | None:
    result = _row(block_type.fields, block, targets)
    if result is None:
        return None
    for table in block_type.tables:
        rows = (_row(table.fields, row, targets) for row in block.get(table.name) or ())
        result[table.name] = [row for row in rows if row is not None]
    return result


def _row(fields: Iterable[Field], row: Mapping[str, Any], targets: Targets) -> dict[str, Any] | None:
    result = dict(row)
    for field in fields:
        sort, value = _sort(field), row.get(field.name)
        if sort is None or not value:
            continue
        standing = targets.get(sort, {})
        if field.type is field_types.SLUGS:
            result[field.name] = [standing[key] for key in value if key in standing]
        else:
            result[field.name] = standing.get(value)
        if field.required and not result[field.name]:
            return None
    return result
