"""The declaration of a slice: `qe_ban/<slice>/slice.py` makes one, and `app` has them all."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.audit.service import Watch
from qe_ban.composition.services import Services
from qe_ban.db.retention import Ending
from qe_ban.jobs.service import Handler, Runner, Schedule
from qe_ban.keys.data_keys import Owner
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.page_cache import Load
from qe_ban.publishing.service.page_types import PageType, Source
from qe_ban.web.guard import PrincipalFrom
from qe_ban.web.health import Check
from qe_ban.web.metrics import Read
from qe_ban.web.ranks import Operations

T = TypeVar("T")
Factory: TypeAlias = Callable[[Services], T]
"""Makes a part of a slice for one process."""
Step: TypeAlias = Callable[[Session, datetime], object]
"""Something done in a transaction of its own."""


def no_elements(_services: Services) -> tuple[()]:
    """Return no elements: the slice has none of these."""
    return ()


def no_entries(_services: Services) -> Mapping[Any, Any]:
    """Return no mapping: the slice has none of these."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """How long rows of a slice's tables are kept: each of its tables is named here; docs/operating.md says it in words.

    `elsewhere`: tables whose rows end as part of something else that the worker does. `without_end`: tables whose rows
    stay, and why.
    """

    endings: tuple[Ending, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    without_end: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> Iterable[str]:
        """Return the names of the tables."""
        models = {model for ending in self.endings for model in (ending.model, *ending.also)}
        return [*sorted(model.__tablename__ for model in models), *self.elsewhere, *self.without_end]


@dataclass(frozen=True, slots=True)
class PageDeclaration:
    """A kind of page on the one mechanism of publishing: its rules, how it is loaded, and which pages there are."""

    type: PageType
    load: Load
    slugs: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a slice brings to the product. What others rely on has no default, so that it is not forgotten.

    `operations`: its blueprints, each with the ranks of its operations in overload. `scopes`: the rights that it
    defines; who has them is said by the roles of accounts. `retention`: how long its rows are kept.

    `factories`: what its routes and schedules work with, and what it makes for a slice below, by class; each is made
    once for a process, on first use. `schedules`, `handlers` (of messages, by topic) and `runners` (of long jobs, by
    kind) are the worker's.

    `eraser`: what it keeps of a resident, for a closed account. `restore_cleanup`: what ends rows that came back with a
    restore though their data key is destroyed. `rewrite`: brings rows of the previous release into today's form and
    returns how many. `partitions`: steps that make months ahead and drop those that are over.

    `detectors`: what may be an alarm. `page_types` and `page_sources`: kinds of pages, and what references of pages are
    looked up in, by their sort. `metrics` and `readiness`: what /metrics and /readyz also show. `principal_from`: makes
    a principal of a token; one slice has it.
    """

    name: str
    operations: tuple[Operations, ...]
    scopes: frozenset[str]
    retention: RetentionPlan
    factories: Mapping[type, Factory[Any]] = field(default_factory=dict)
    schedules: Factory[Sequence[Schedule]] = no_elements
    handlers: Factory[Mapping[str, Handler]] = no_entries
    runners: Factory[Mapping[str, Runner]] = no_entries
    eraser: Factory[PersonalDataEraser] | None = None
    restore_cleanup: Mapping[Owner, Callable[[Services, Sequence[UUID]], None]] = field(default_factory=dict)
    rewrite: Factory[int] | None = None
    partitions: Factory[Sequence[Step]] = no_elements
    detectors: Factory[Sequence[Watch]] = no_elements
    page_types: Factory[Mapping[PageKind, PageDeclaration]] = no_entries
    page_sources: Factory[Mapping[str, Source]] = no_entries
    metrics: Factory[Sequence[Read]] = no_elements
    readiness: Factory[Mapping[str, Check]] = no_entries
    principal_from: Factory[PrincipalFrom] | None = None
