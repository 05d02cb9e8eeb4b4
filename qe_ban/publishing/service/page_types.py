"""What halls and zones each bring: their pages, who answers for them, and how their references are resolved."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Fault
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage

Source = Callable[[Session, Collection[str], datetime], Mapping[str, Any]]
"""Return of some keys those that stand, each with what a page shows of it."""

Sources = Mapping[str, Source]
"""By the sort of a reference: item, app, place, media, hall, zone, code_kind."""

Resolve = Callable[[Session, str, Mapping[str, Any], datetime], ResolvedPage]
"""Makes of a page's slug and content (a draft's or a version's) what can be shown."""


@dataclass(frozen=True, slots=True)
class PageType:
    """One kind of page. `names`: what its pages are called, by slug; `covers`: whether a place answers for a slug.

    `faults` tells what is wrong with a content besides its blocks' own shapes: what this very page may not say.
    """

    kind: PageKind
    names: Mapping[str, str]
    covers: Callable[[Place, str], bool]
    faults: Callable[[Session, str, Mapping[str, Any], datetime], Sequence[Fault]]
    resolve: Resolve


@dataclass(frozen=True, slots=True)
class PageTypes:
    """All kinds of pages, what their references are looked up in, and the keys that reasons are sealed with.

    `link_hosts`: where links may lead.
    """

    types: Mapping[PageKind, PageType]
    sources: Sources
    link_hosts: tuple[str, ...]
    rings: KeyRings
