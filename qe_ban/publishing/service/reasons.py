"""Why a draft was sent back and a version withdrawn: what people typed is sealed, what the program says is not."""

from datetime import datetime
from typing import Any, Final

from qe_ban.keys import vault, words
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.models import Page, PageWithdrawal
from qe_ban.publishing.rules.states import PageState

_STATES_WITH_REASON: Final = frozenset({PageState.REJECTED.value, PageState.DRAFT.value})
"""While a draft is sent back or mended; the previous release leaves what is sealed when the draft goes on."""


def of_page(rings: KeyRings, page: Page) -> str | None:
    """Return why a page's draft was sent back, or None where it was not. Raises KeyMissing."""
    if page.state not in _STATES_WITH_REASON:
        return None
    return words.read(rings, words.REJECTION, _key(page.kind, page.slug), page.reason_sealed, page.reason)


def set_on_page(rings: KeyRings, page: Page, reason: str | None, now: datetime) -> None:
    """Set why a page's draft was sent back, or that it was not. Raises KeyMissing."""
    page.reason, page.reason_sealed = None, None
    if reason is not None:
        page.reason_sealed = words.seal(rings, words.REJECTION, _key(page.kind, page.slug), reason, now)


def of_withdrawal(rings: KeyRings, withdrawal: PageWithdrawal) -> str | None:
    """Return why a version was withdrawn. Raises KeyMissing."""
    key = _key(withdrawal.kind, withdrawal.slug, withdrawal.number)
    return words.read(rings, words.WITHDRAWAL, key, withdrawal.reason_sealed, withdrawal.reason)


def columns(rings: KeyRings, kind: str, slug: str, number: int, reason: str, now: datetime) -> dict[str, Any]:
    """Return what a withdrawal's row has of a reason that somebody typed. Raises KeyMissing."""
    sealed = words.seal(rings, words.WITHDRAWAL, _key(kind, slug, number), reason, now)
    return {"reason": words.PLACEHOLDER, "reason_sealed": sealed}


def _key(*parts: object) -> str:
    return vault.row_key(parts)
