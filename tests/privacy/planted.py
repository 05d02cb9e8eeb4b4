"""Rows at the edges of retention: for each ending the row whose time is over, and all those that stay."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from qe_ban.accounts import models as accounts
from qe_ban.audit.models import Alarm, AuditWords
from qe_ban.codes import models as codes
from qe_ban.db.base import Base
from qe_ban.db.limits import RateWindow
from qe_ban.halls.models import RecentItem
from qe_ban.health import models as health
from qe_ban.items.models import Import, ImportChunk, SearchMiss
from qe_ban.jobs.models import Job, OutboxMessage
from qe_ban.publishing import models as pages
from qe_ban.venues.models import Enrolment, Scanner
from qe_ban.web.idempotency import IdempotencyKey
from qe_ban.zones.models import Demand, Sunset
from tests.privacy.planter import Planter

LONG_AGO = timedelta(days=5000)


@dataclass(frozen=True)
class Case:
    """An ending's rows: `ends` plants one by its moment, `stays` those that never go, however old they are."""

    ends: Callable[[Planter, datetime], Any]
    stays: tuple[Callable[[Planter, datetime], Any], ...] = ()


def _by(model: type[Base], column: str, **values: Any) -> Callable[[Planter, datetime], Any]:
    return lambda planter, at: planter.row(model, **{column: at, **values})


def _event(planter: Planter, at: datetime, newer: bool = True, **consent: Any) -> Any:
    key = planter.row(accounts.Consent, **({"state": "granted", "granted_at": at} | consent))
    event = planter.row(accounts.ConsentEvent, state="withdrawn", at=at, **key)
    if newer:
        planter.row(accounts.ConsentEvent, state="granted", at=at, **key)
    return event


def _event_of_no_consent(planter: Planter, at: datetime) -> Any:
    return planter.row(accounts.ConsentEvent, state="withdrawn", at=at)


def _guarded(planter: Planter, at: datetime, **values: Any) -> Any:
    by = planter.row(accounts.Guardianship, state="ended", ended_at=at)["id"]
    return planter.row(accounts.Consent, state="withdrawn", guardianship_id=by, **values)


def _standing(planter: Planter, at: datetime) -> Any:
    ward = planter.row(accounts.Resident)["id"]
    return planter.row(accounts.Guardianship, state="active", ward_id=ward, requested_at=at, confirmed_at=at)


def _guarded_still(planter: Planter, at: datetime) -> Any:
    return planter.row(accounts.Consent, state="withdrawn", guardianship_id=_standing(planter, at)["id"])


def _named_guardianship(planter: Planter, at: datetime) -> Any:
    row = planter.row(accounts.Guardianship, state="ended", ended_at=at)
    planter.row(accounts.ConsentEvent, state="granted", guardianship_id=row["id"])
    return row


def _lost_phone(planter: Planter, at: datetime) -> Any:
    of_nobody = {"phone_index": None, "phone_sealed": None, "id_index": secrets.token_bytes(8)}
    holder = planter.row(accounts.Resident, assurance="verified", verified_at=at, **of_nobody)["id"]
    return planter.row(accounts.RecoveryCase, kind="recycled", state="settled", holder_id=holder, closed_at=at)


def _has_phone_again(planter: Planter, at: datetime) -> Any:
    return planter.row(accounts.RecoveryCase, kind="recycled", state="settled", closed_at=at)


def _proposal_of_case(planter: Planter, at: datetime) -> Any:
    row = planter.row(accounts.Proposal, expires_at=at)
    planter.row(accounts.RecoveryCase, state="open", proposal_id=row["id"])
    return row


def _closed_with_proof(planter: Planter, at: datetime) -> Any:
    resident = planter.closed(at)
    planter.row(accounts.Closing, resident_id=resident, closed_at=at)
    return {"id": resident}


def _number_of_closed(planter: Planter, at: datetime) -> Any:
    return planter.row(codes.Entitlement, resident_id=planter.closed(at))


def _scan(planter: Planter, at: datetime) -> Any:
    return planter.row(codes.Scan, at=at, accepted=True, reason="ok")


def _appealed(planter: Planter, at: datetime, **values: Any) -> Any:
    return planter.row(
        codes.Dispute,
        state="dismissed",
        answered_at=at,
        appeal_sealed=b"x",
        appealed_at=at,
        appeal_due_at=at,
        appeal_by_guardian=False,
        **values,
    )


def _appeal_answered(planter: Planter, at: datetime) -> Any:
    by = planter.row(accounts.Staff)["id"]
    answer = {"appeal_answer_sealed": b"x", "appeal_answered_by": by, "appeal_answered_at": at}
    return _appealed(planter, at - LONG_AGO, appeal_state="upheld", **answer)


def _naming_its_scan(planter: Planter, at: datetime) -> Any:
    return planter.row(
        codes.Dispute, state="open", opened_at=at, scan_id="01890000-0000-7000-8000-" + secrets.token_hex(6)
    )


def _chunk(planter: Planter, at: datetime, **job: Any) -> Any:
    job_id = planter.row(Job, **({"state": "done", "finished_at": at} | job))["id"]
    planter.row(Import, job_id=job_id, format="csv", missing="keep")
    return planter.row(ImportChunk, job_id=job_id)


def _in_zone(planter: Planter, at: datetime, *, state: str = "accepted", deletion: datetime | None = None) -> Any:
    zone = planter.row(pages.Page, ends_at=at)["slug"]
    if deletion is not None:
        planter.row(Sunset, zone=zone, due_at=deletion, done_at=None)
    return planter.row(Demand, state=state, zone=zone, updated_at=at)


def _level(planter: Planter, at: datetime) -> Any:
    return planter.row(health.HealthLevel, state="ended", since=at, ended_at=at, end_reason="expired")


def _refused_level(planter: Planter, at: datetime) -> Any:
    return planter.row(health.HealthLevel, state="dropped", change_id=_change(planter, at)["id"])


def _change(planter: Planter, at: datetime, state: str = "rejected", **values: Any) -> Any:
    proposer, decider = (planter.row(accounts.Staff)["id"] for _ in range(2))
    return planter.row(
        health.HealthChange,
        proposed_by=proposer,
        decided_by=decider,
        decided_at=at,
        state=state,
        proposed_at=at,
        ends_at=at + timedelta(days=1),
        **values,
    )


def _change_with_level(planter: Planter, at: datetime) -> Any:
    change = _change(planter, at, state="approved", applied=1)
    planter.row(health.HealthLevel, state="waiting", change_id=change["id"])
    return change


def _used_enrolment(planter: Planter, at: datetime) -> Any:
    return planter.row(Enrolment, expires_at=at, used_at=at, scanner_id=planter.row(Scanner)["id"])


def _correction(planter: Planter, at: datetime) -> Any:
    by = planter.row(accounts.Staff)["id"]
    return planter.row(
        health.HealthCorrection,
        level="red",
        set_by="rule",
        state="upheld",
        answer_sealed=b"x",
        answered_by=by,
        answered_at=at,
    )


def _closed_alarm(planter: Planter, at: datetime) -> Any:
    return planter.row(Alarm, closed_at=at, closed_by=uuid4(), closing_note="x")


def _save(planter: Planter, at: datetime) -> Any:
    return planter.row(pages.PageSave, saved_at=at)


CASES: dict[tuple[str, str], Case] = {
    ("otp_challenges", ""): Case(_by(accounts.OtpChallenge, "expires_at")),
    ("used_jtis", ""): Case(_by(accounts.UsedJti, "expires_at")),
    ("revocations", ""): Case(_by(accounts.Revocation, "expires_at")),
    ("attempts", ""): Case(_by(accounts.Attempt, "until")),
    ("refresh_families", ""): Case(_by(accounts.RefreshFamily, "expires_at")),
    ("consents", "scans"): Case(
        _by(accounts.Consent, "requested_at", state="requested"),
        (
            lambda planter, at: planter.row(accounts.Consent, state="granted", requested_at=at, granted_at=at),
            _by(accounts.Consent, "requested_at", state="withdrawn"),
        ),
    ),
    ("consents", "records"): Case(_guarded, (_by(accounts.Consent, "withdrawn_at", state="withdrawn"), _guarded_still)),
    ("consent_events", "records"): Case(_event, (lambda planter, at: _event(planter, at, newer=False),)),
    ("recovery_cases", "disputes"): Case(
        _by(
            accounts.RecoveryCase,
            "closed_at",
            basis="x",
            decision_basis="x",
            basis_sealed=b"x",
            decision_basis_sealed=b"x",
        ),
        (_by(accounts.RecoveryCase, "opened_at", state="open", basis="x"),),
    ),
    ("recovery_cases", "records"): Case(
        _has_phone_again, (_by(accounts.RecoveryCase, "opened_at", state="open"), _lost_phone)
    ),
    ("guardianships", "records"): Case(
        _by(accounts.Guardianship, "ended_at", state="ended"), (_standing, _named_guardianship)
    ),
    ("closings", "records"): Case(
        lambda planter, at: planter.row(accounts.Closing, closed_at=at, checked_at=at),
        (_by(accounts.Closing, "closed_at"),),
    ),
    ("proposals", "audit"): Case(_by(accounts.Proposal, "expires_at"), (_proposal_of_case,)),
    ("residents", "records"): Case(
        lambda planter, at: {"id": planter.closed(at)},
        (_by(accounts.Resident, "created_at"), _closed_with_proof),
    ),
    ("short_numbers", ""): Case(_by(codes.ShortNumber, "expires_at")),
    ("uses", ""): Case(_by(codes.Use, "expires_at")),
    ("answers_of_sources", ""): Case(_by(codes.AnswerOfSource, "asked_at")),
    ("scans", "scans"): Case(_scan),
    ("disputes", "scans"): Case(_naming_its_scan),
    ("disputes", "disputes"): Case(
        _by(codes.Dispute, "answered_at"),
        (
            _by(codes.Dispute, "opened_at", state="open"),
            lambda planter, at: _appealed(planter, at, appeal_state="open"),
        ),
    ),
    ("entitlements", ""): Case(_number_of_closed, (_by(codes.Entitlement, "made_at"),)),
    ("alarms", "audit"): Case(_closed_alarm, (_by(Alarm, "opened_at"),)),
    ("audit_words", "audit"): Case(lambda planter, at: planter.row(AuditWords, day=at.date())),
    ("rate_windows", ""): Case(_by(RateWindow, "ends_at")),
    ("idempotency_keys", ""): Case(_by(IdempotencyKey, "created_at")),
    ("jobs", ""): Case(_by(Job, "finished_at"), (_by(Job, "created_at", state="queued"),)),
    ("outbox", ""): Case(
        lambda planter, at: planter.row(OutboxMessage, payload=None, given_up_at=at),
        (_by(OutboxMessage, "created_at", payload=b"x"),),
    ),
    ("search_misses", ""): Case(_by(SearchMiss, "last_at", networks=5)),
    ("import_chunks", ""): Case(_chunk, (lambda planter, at: _chunk(planter, at, state="queued", finished_at=None),)),
    ("page_previews", ""): Case(_by(pages.PagePreview, "expires_at")),
    ("page_saves", ""): Case(_save),
    ("link_checks", ""): Case(_by(pages.LinkCheck, "checked_at")),
    ("recent_items", "scans"): Case(_by(RecentItem, "at")),
    ("health_corrections", "disputes"): Case(
        _correction,
        (
            lambda planter, at: planter.row(
                health.HealthCorrection, level="red", set_by="rule", state="open", opened_at=at
            ),
        ),
    ),
    ("health_levels", "disputes"): Case(
        _level,
        (lambda planter, at: planter.row(health.HealthLevel, state="in_force", since=at, ends_at=at),),
    ),
    ("health_changes", "disputes"): Case(_change, (_change_with_level,)),
    ("enrolments", "audit"): Case(
        _by(Enrolment, "expires_at"),
        (
            lambda planter, _at: planter.row(Enrolment, expires_at=None),
            lambda planter, at: planter.row(
                Enrolment, expires_at=at, used_at=at, scanner_id=planter.row(Scanner)["id"]
            ),
        ),
    ),
    ("demands", "disputes"): Case(
        lambda planter, at: planter.row(Demand, state="closed", updated_at=at),
        (
            _by(Demand, "updated_at", state="received"),
            _by(Demand, "updated_at", state="accepted"),
            lambda planter, at: _in_zone(planter, at, deletion=at),
        ),
    ),
}
"""By table and period: the rows at the edge of each ending."""

MORE = {
    ("disputes", "disputes"): (_appeal_answered,),
    ("consent_events", "records"): (_event_of_no_consent,),
    ("health_levels", "disputes"): (_refused_level,),
    ("demands", "disputes"): (
        _in_zone,
        *(_by(Demand, "updated_at", state=state) for state in ("answered", "refused")),
    ),
}
"""Other rows whose time is over by the same ending."""
