"""The heart of the product: one scan in, one verdict out, kept (QE1 section 5)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import psycopg
import structlog
from prometheus_client import Counter

from qe_ban.codes import queries, rules, token
from qe_ban.codes.adapters import SourceAway
from qe_ban.codes.errors import ScanIdReused, ScannerUnknown, UseContention
from qe_ban.codes.rules import Answer, Reason
from qe_ban.codes.service import answers, disclosing, fresh_consents, keeping, scanning, short_numbers
from qe_ban.codes.service.scanning import Scan, VerdictResponse, VerifyRequest
from qe_ban.codes.service.wallet import Wallet
from qe_ban.db.limits import Limiter
from qe_ban.kernel.errors import TooMany, Unavailable
from qe_ban.keys.data_files import DataKeyDestroyed

log = structlog.get_logger(__name__)

ALARMS = Counter("qe_alarms", "Findings that a person must look at.", ["alarm"])
Connection: TypeAlias = psycopg.Connection[Any]
REPEAT_WINDOW = timedelta(minutes=10)
ATTEMPTS = 8
"""Each fails because another scan was accepted meanwhile: so many in a row are a crowd at one code, not bad luck."""


def verify(wallet: Wallet, connection: Connection, request: VerifyRequest, now: datetime) -> VerdictResponse:
    """Judge a code for a scanner and a purpose, and keep the scan, whatever the verdict.

    `connection` commits each statement. Raises ScanIdReused, ScannerUnknown, UseContention; a refused code is a result.
    """
    scan = scanning.read(wallet, replace(request, code=token.strip_edge(request.code)), now)
    for _ in range(ATTEMPTS):
        response = _attempt(wallet, connection, scan)
        if response is not None:
            return response
    raise UseContention


def verify_number(
    wallet: Wallet, limiter: Limiter, connection: Connection, request: VerifyRequest, now: datetime
) -> VerdictResponse:
    """Judge the code that a short number stands for, which is accepted once.

    Every try counts until it turns out to be none of guessing, so that ten misses a minute are ten however many come
    at once; a repeat is answered even then. Raises TooMany, and what `verify` raises.
    """
    try:
        window_end = short_numbers.count(limiter, request.scanner)
    except TooMany:
        scan = short_numbers.unread(wallet, request, now)
        prior = _read_facts(wallet, connection, scan, None, ()).prior
        if prior is None:
            raise
        return _repeat(wallet, connection, scan, prior)
    try:
        scan, response = _attempt_number(wallet, connection, request, now)
    except (psycopg.Error, Unavailable):
        # nothing was told of the number, so nothing was guessed; whoever cannot even say so is away, too
        with suppress(Unavailable):
            short_numbers.forgive(limiter, request.scanner, window_end)
        raise
    if response.repeat or not short_numbers.is_miss(scan):
        short_numbers.forgive(limiter, request.scanner, window_end)
    return response


def _attempt_number(
    wallet: Wallet, connection: Connection, request: VerifyRequest, now: datetime
) -> tuple[Scan, VerdictResponse]:
    for _ in range(ATTEMPTS):
        # looked up at each turn: of two scans at once the slower one finds what anybody finds who comes late
        scan = short_numbers.read(wallet, connection, request, now)
        response = _attempt(wallet, connection, scan)
        if response is not None:
            return scan, response
    raise UseContention


def _attempt(wallet: Wallet, connection: Connection, scan: Scan) -> VerdictResponse | None:
    """Judge a scan by what stands now and keep it; None where that changed meanwhile.

    Another scan took the same use, or the account was closed and what was read opens no more.
    """
    try:
        return _judge_and_record(wallet, connection, scan)
    except DataKeyDestroyed:
        return None


def _judge_and_record(wallet: Wallet, connection: Connection, scan: Scan) -> VerdictResponse | None:
    purpose = scan.purpose
    # as if the scanner were registered for the purpose: whether it is, the statement itself looks up and obeys
    readable = purpose is not None and scan.refusal((purpose.slug,)) is None
    facts = _read_facts(wallet, connection, scan, scan.number if readable else None, scan.subjects.all())
    # before any judgement: a repeat gets the verdict of its scan, whatever has changed since (QE1 section 5)
    if facts.prior is not None:
        return _repeat(wallet, connection, scan, facts.prior)
    if scan.subjects.short in facts.uses:
        return None  # since it was looked up: whoever looks now finds nothing
    verdict, answer = _judge(wallet, connection, scan, facts)
    response = VerdictResponse(
        scan.request.scan_id,
        verdict.accepted,
        verdict.reason,
        scan.kind,
        scan.claims.profile if scan.claims else None,
        scan.now,
        detail=verdict.detail,
        as_of=verdict.as_of,
        guardian=_guardian_flag(scan.guardian, verdict.reason),
    )
    # opened before it is kept: a column that does not open must not leave a disclosure on record (D-004)
    response = _with_holder_data(wallet, response, facts.holder, answer, verdict.fields)
    try:
        queries.keep(connection, keeping.outcome(wallet, scan, verdict, facts))
    except queries.UsedMeanwhile:
        return None
    return response


def _guardian_flag(guardian: bool, reason: str) -> bool | None:
    """Return True for a scanner that may know that a guardian shows the code, else None."""
    return True if guardian and reason in rules.REASONS_TELLING_GUARDIANS else None


def _read_facts(
    wallet: Wallet, connection: Connection, scan: Scan, number: int | None, subjects: Sequence[bytes]
) -> queries.ScanRecords:
    facts = queries.read_facts(
        connection,
        scanner=scan.request.scanner,
        scan_id=scan.request.scan_id,
        number=number,
        purpose=scan.request.purpose,
        now=scan.now,
        again=scan.subjects.again or b"",
        subjects=subjects,
        guardian=scan.guardian_since,
        answers=answers.hashes_of(wallet, scan.kind, number, scan.now),
        consents=fresh_consents.hashes_of(wallet, scan, number),
    )
    if facts is None:
        raise ScannerUnknown
    if facts.holder is None or not facts.fresh_consents:
        return facts
    has_consent = fresh_consents.has_consent(wallet, connection, facts.fresh_consents, scan.now)
    return replace(facts, holder=replace(facts.holder, has_consent=has_consent))


def _judge(
    wallet: Wallet, connection: Connection, scan: Scan, facts: queries.ScanRecords
) -> tuple[rules.Verdict, Answer | None]:
    refusal, purpose, claims = scan.refusal(facts.purposes), scan.purpose, scan.claims
    if refusal is not None or purpose is None or claims is None:
        return rules.Verdict(refusal or Reason.PURPOSE_NOT_ALLOWED), None
    holder = facts.holder
    if holder is None or holder.kind != scan.kind:
        _alarm("reference_opens_to_nobody" if holder is None else "reference_of_another_kind", scan)
    answer, current = _answer(wallet, connection, scan, holder)
    verdict = rules.judge(
        rules.ScanFacts(
            now=scan.now,
            scanner_id=scan.request.scanner,
            purpose=purpose,
            kind=scan.kind or "",
            profile=rules.Profile(claims.profile),
            code_ends=datetime.fromtimestamp(claims.expires_at, UTC),
            is_known=holder is not None,
            entitlement_kind=holder.kind if holder else None,
            is_suspended=holder.is_suspended if holder else False,
            is_over=holder.is_over if holder else False,
            answer=answer,
            is_current=current,
            has_consent=holder.has_consent if holder else False,
            document=_document(wallet, scan, holder),
            meal=wallet.city.meal_period(scan.now),
            subjects=replace(scan.subjects, again=facts.again) if scan.subjects.again else scan.subjects,
            uses=facts.uses,
        )
    )
    return verdict, answer


def _alarm(what: str, scan: Scan) -> None:
    """Raise an alarm: a signed code names nobody or somebody else's kind, so a key of ours may be stolen."""
    ALARMS.labels(what).inc()
    log.error("codes.alarm", alarm=what, scanner=str(scan.request.scanner), scan_id=str(scan.request.scan_id))


def _document(wallet: Wallet, scan: Scan, holder: queries.Holder | None) -> bool | None:
    """Compare the document only where it counts: paper, for a purpose that discloses."""
    document, paper = scan.request.document, scan.subjects.document is not None
    if (
        holder is None
        or holder.is_over
        or document is None
        or not paper
        or scan.purpose is None
        or not scan.purpose.fields
    ):
        return None
    return disclosing.document_matches(wallet.rings, holder, document)


def _answer(
    wallet: Wallet, connection: Connection, scan: Scan, holder: queries.Holder | None
) -> tuple[Answer | None, bool]:
    """Return the source's word and whether it is of now; the answer of a source that is asked is kept."""
    if holder is None or holder.is_over or scan.number is None:
        return None, True
    source, last = wallet.sources.get(holder.kind), holder.answer
    if source is None:
        return (replace(last, as_of=scan.now) if last else rules.default_answer(holder.kind, scan.now)), True
    if holder.is_suspended or (last and rules.is_fresh(last, scan.now)):
        return last, True
    person = wallet.person(holder.resident, holder.id_type, holder.name_sealed, holder.id_number_sealed)
    # no transaction is open on `connection`: a source that is slow holds no lock and no snapshot
    try:
        answer = source.ask(holder.kind, person, scan.now)
    except SourceAway as away:
        log.warning("codes.source_away", kind=holder.kind, why=str(away))
        return last, False
    entitlement = answers.EntitlementKey(holder.resident, holder.kind, scan.number)
    answers.keep(connection, wallet, entitlement, last, answer)
    return answer, True


def _with_holder_data(
    wallet: Wallet,
    response: VerdictResponse,
    holder: queries.Holder | None,
    answer: Answer | None,
    fields: tuple[str, ...],
) -> VerdictResponse:
    """Add the holder's data for the fields of an accepting verdict."""
    if not fields or holder is None or answer is None:
        return response
    data, health = disclosing.disclose(wallet.rings, holder, answer, fields, response.server_time)
    return replace(response, holder=data, health=health)


def _repeat(wallet: Wallet, connection: Connection, scan: Scan, prior: queries.Prior) -> VerdictResponse:
    """Return the kept verdict once more, with holder data for ten minutes only. Raises ScanIdReused."""
    if prior.request not in scan.digests:
        raise ScanIdReused
    response = VerdictResponse(
        scan.request.scan_id,
        prior.reason in rules.ACCEPTING,
        prior.reason,
        prior.kind,
        prior.profile,
        scan.now,
        detail=prior.detail,
        as_of=prior.as_of,
        repeat=True,
        guardian=_guardian_flag(prior.guardian, prior.reason),
    )
    response_without_level = scanning.without_level(response)
    if not prior.fields or scan.now - prior.at > REPEAT_WINDOW:
        return response_without_level
    if scan.number is None and scan.request.short_number is not None:
        scan = short_numbers.read_again(wallet, connection, scan)
    # the code may have expired since it was accepted, so its entitlement is read for this kept disclosure only
    holder = _read_facts(wallet, connection, scan, scan.number, ()).holder
    answer = _kept_answer(wallet, scan, holder)
    if holder is None or answer is None or not _may_disclose_again(scan, holder):
        return response_without_level
    if disclosing.hides_level(wallet.sources, holder, answer, prior.fields, scan.now):
        return response_without_level
    queries.keep_repeat(connection, keeping.repeat(wallet, scan, prior.fields))
    return _with_holder_data(wallet, response, holder, answer, prior.fields)


def _may_disclose_again(scan: Scan, holder: queries.Holder) -> bool:
    """Return whether what was disclosed may be told again: the resident may have taken back what allowed it."""
    return not holder.is_over and not holder.is_suspended and (holder.has_consent or not scan.rests_on_consent)


def _kept_answer(wallet: Wallet, scan: Scan, holder: queries.Holder | None) -> Answer | None:
    """Return what is known without asking anybody: a repeat is no new question."""
    if holder is None or holder.kind in wallet.sources:
        return holder.answer if holder else None
    return replace(holder.answer, as_of=scan.now) if holder.answer else rules.default_answer(holder.kind, scan.now)
