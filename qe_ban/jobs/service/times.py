"""How long the statements of a job's step or of a schedule may take: longer than those of a request."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.jobs import rules

_TIMES = text(
    "SELECT set_config('statement_timeout', :ms, true), set_config('idle_in_transaction_session_timeout', :idle, true)"
)


def lengthen(session: Session, *, idle: int = rules.STEP_SECONDS) -> None:
    """Let each statement of this transaction take up to a minute, and what is between two `idle` seconds."""
    session.execute(_TIMES, {"ms": str(rules.STEP_SECONDS * 1000), "idle": str(idle * 1000)})
