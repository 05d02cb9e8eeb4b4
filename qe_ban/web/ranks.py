"""How much each operation matters in overload: declared with its blueprint, looked up by method and path."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from flask import Flask
from werkzeug.routing import Rule

from qe_ban.web.api import Blueprint

READS: Final = frozenset({"GET", "HEAD"})


class Rank(IntEnum):
    """What is refused first comes first."""

    STAFF = 0
    PAGES = 1
    PEOPLE = 2
    CODES = 3


LOWEST: Final = Rank.STAFF
_EDGE: Final[Mapping[str, Rank | None]] = {
    "healthz": None,
    "readyz": None,
    "metrics": None,
    "openapi": Rank.STAFF,
    "docs": Rank.STAFF,
    "docs_asset": Rank.STAFF,
}
"""What the edge serves by itself; None for what operators ask, which is always let through."""


@dataclass(frozen=True, slots=True)
class Operations:
    """A blueprint with the ranks of its operations: what `ranks` names, else `reads` for GET, else `rank`."""

    blueprint: Blueprint
    rank: Rank
    reads: Rank | None = None
    ranks: Mapping[str, Rank] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise LookupError where `ranks` names what is no operation of the blueprint."""
        if unknown := {f"{self.blueprint.name}.{name}" for name in self.ranks} - set(self.blueprint.views):
            raise LookupError(f"no such operation: {', '.join(sorted(unknown))}")

    def rank_of(self, endpoint: str, method: str) -> Rank:
        """Return the rank of one operation."""
        rank = self.ranks.get(endpoint.rpartition(".")[2])
        if rank is not None:
            return rank
        return self.reads if self.reads is not None and method in READS else self.rank


class _Node:
    """What may follow a segment of a path."""

    __slots__ = ("children", "parameter", "ranks")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.ranks: dict[str, Rank | None] = {}


class RankTable:
    """The ranks of all operations of an app, in a tree by the segments of their paths.

    It is asked before the request is routed, once for each: five look-ups cost less than a regular expression.
    """

    def __init__(self) -> None:
        self._root = _Node()
        self._oauth_paths: set[str] = set()

    def fill(self, app: Flask, operations: Iterable[Operations]) -> None:
        """Take in all rules of an app. Raises LookupError where an operation has no rank."""
        by_blueprint = {one.blueprint.name: one for one in operations}
        for rule in app.url_map.iter_rules():
            blueprint = by_blueprint.get(rule.endpoint.partition(".")[0])
            if blueprint is None and rule.endpoint not in _EDGE:
                raise LookupError(f"nothing says how much {rule.endpoint} matters in overload")
            node = self._node(rule)
            # OPTIONS is answered by itself, and matters as little as what nobody serves
            for method in (rule.methods or set()) - {"OPTIONS"}:
                rank = blueprint.rank_of(rule.endpoint, method) if blueprint else _EDGE[rule.endpoint]
                node.ranks[method] = rank
            if getattr(app.view_functions[rule.endpoint], "__oauth__", False):
                self._oauth_paths.add(rule.rule)
        _spread(self._root)

    def rank_of(self, method: str, path: str) -> Rank | None:
        """Return the rank of a request, the lowest where nothing serves it; None where it is always let through."""
        node: _Node | None = self._root
        for segment in path.split("/"):
            node = node.children.get(segment) or node.parameter  # type: ignore[union-attr]
            if node is None:
                return LOWEST
        return node.ranks.get(method, LOWEST)  # type: ignore[union-attr]

    def is_oauth(self, path: str) -> bool:
        """Return whether problems at a path also speak the words of OAuth (RFC 6749, 5.2)."""
        return path in self._oauth_paths

    def _node(self, rule: Rule) -> _Node:
        node = self._root
        for segment in rule.rule.split("/"):
            if "<" not in segment:
                node = node.children.setdefault(segment, _Node())
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
        return node


def _spread(node: _Node) -> None:
    """Let what may follow any word follow also the words that have a node of their own, so that nothing is tried twice.

    `/codes/<kind>/issue` is so found for a kind that is called `ledger`, as the routing finds it.
    """
    if node.parameter is not None:
        for child in node.children.values():
            _merge(child, node.parameter)
        _spread(node.parameter)
    for child in node.children.values():
        _spread(child)


def _merge(node: _Node, other: _Node) -> None:
    node.ranks = other.ranks | node.ranks
    for segment, child in other.children.items():
        _merge(node.children.setdefault(segment, _Node()), child)
    if other.parameter is not None:
        node.parameter = node.parameter or _Node()
        _merge(node.parameter, other.parameter)
