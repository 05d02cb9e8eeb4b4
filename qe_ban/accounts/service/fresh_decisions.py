"""How what was decided about consents lies sealed until the worker turns it over: by whom, when, about what."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from uuid import UUID

from qe_ban.accounts.rules import ConsentState
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyMissing, KeyRings

CONTENT = "fresh_consents.content"
BY_GUARDIAN = "fresh_consents.by_guardian"
"""What a guardian had a part in has a name of its own: to release 0.4.0, which would take it for the resident's own, it
does not open, and so gives no consent."""
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Decision:
    """That a consent was given or taken back, at an exact moment.

    `guardianship_id`: by which guardianship, None by the resident. What was given so counts as long as that stands.
    """

    state: ConsentState
    at: datetime
    guardianship_id: UUID | None = None

    @property
    def is_grant(self) -> bool:
        """Return whether the consent was given."""
        return self.state is ConsentState.GRANTED


@dataclass(frozen=True, slots=True)
class FreshDecisions:
    """What a resident decided about one purpose since the worker came by, the newest last.

    `rows`: so many have it, one for each entitlement that is scanned for the purpose.
    """

    resident: UUID
    purpose: str
    rows: int
    decisions: tuple[Decision, ...]

    @property
    def newest(self) -> Decision:
        """Return what counts."""
        return self.decisions[-1]

    @property
    def guardianships(self) -> set[UUID]:
        """Return by which guardianships something was decided."""
        return {one.guardianship_id for one in self.decisions if one.guardianship_id is not None}


def seal(rings: KeyRings, holder: bytes, fresh: FreshDecisions, now: datetime) -> bytes:
    """Seal decisions for the row of a hash. Raises KeyMissing."""
    row, text = vault.row_key((holder,)), _text(fresh)
    if fresh.guardianships:
        return vault.seal(rings, BY_GUARDIAN, row, text, now)
    return vault.seal(rings, CONTENT, row, text, now)


def unseal(rings: KeyRings, holder: bytes, sealed: bytes) -> FreshDecisions | None:
    """Return the decisions of the row of a hash; None where it does not open."""
    for name in (CONTENT, BY_GUARDIAN):
        with suppress(vault.SealBroken, KeyMissing):
            content = json.loads(vault.unseal(rings, name, vault.row_key((holder,)), sealed))
            # release 0.4.0 does not say by whom: by the resident
            by = content.get("by", [str(_NOBODY)] * len(content["decisions"]))
            decisions = tuple(starmap(_decision, zip(content["decisions"], by, strict=True)))
            return FreshDecisions(UUID(content["resident"]), content["purpose"], content["rows"], decisions)
    return None


def _text(fresh: FreshDecisions) -> str:
    """Return what is sealed: of residents' own decisions and guardians' it has one length."""
    decisions = [[decision.state.value, decision.at.isoformat()] for decision in fresh.decisions]
    by = [str(decision.guardianship_id or _NOBODY) for decision in fresh.decisions]
    content = {"resident": str(fresh.resident), "purpose": fresh.purpose, "rows": fresh.rows, "decisions": decisions}
    return json.dumps(content | {"by": by})


def _decision(decided: list[str], by: str) -> Decision:
    state, at = decided
    guardianship_id = UUID(by) if by != str(_NOBODY) else None
    return Decision(ConsentState(state), datetime.fromisoformat(at), guardianship_id)
