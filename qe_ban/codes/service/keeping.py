"""What is kept of a scan: its row, what it uses up, the audit of a disclosure."""

from qe_ban.codes import queries, rules
from qe_ban.codes.rules import Reason
from qe_ban.codes.service import hashing, inbox, over_month
from qe_ban.codes.service.scanning import Scan
from qe_ban.codes.service.wallet import Wallet
from qe_ban.kernel.ids import new_id


def outcome(wallet: Wallet, scan: Scan, verdict: rules.Verdict, facts: queries.ScanRecords) -> queries.Outcome:
    """Return what is kept of a scan: the verdict, under keyed hashes and without any id of the resident."""
    claims, scanner, rings = scan.claims, scan.request.scanner, wallet.rings
    profile = cti = showing = None
    if claims is not None:
        profile, cti, showing = claims.profile, claims.cti, claims.shown_at
    # without a holder, so that the scan itself shows it to whoever watches
    is_unknown = verdict.reason is Reason.REVOKED and facts.holder is None
    number = None if is_unknown else scan.number
    holder = hashing.holder_hash(rings, number, scan.now) if number is not None else None
    subject = request = None
    if number is not None and verdict.fields:
        subject = hashing.disclosure_hash(rings, scanner, number, scan.now)
    if verdict.reason is Reason.CONSENT_REQUIRED and facts.holder is not None:
        request = inbox.consent_request(rings, facts.holder.resident, scan.request.purpose, scan.now)
    return queries.Outcome(
        id=new_id(),
        scanner=scanner,
        scan_id=scan.request.scan_id,
        request=scan.digests[0],
        venue=facts.venue,
        at=scan.now,
        purpose=scan.request.purpose,
        accepted=verdict.accepted,
        reason=verdict.reason,
        kind=scan.kind,
        profile=profile,
        cti=cti,
        showing=showing,
        holder=holder,
        fields=verdict.fields,
        detail=verdict.detail,
        as_of=verdict.as_of,
        guardian=scan.guardian,
        uses=verdict.uses,
        request_of_resident=request,
        request_id=scan.request.request_id,
        subject=subject,
        before_sealed=over_month.seal(rings, number, holder, scan.now) if verdict.accepted else None,
    )


def repeat(wallet: Wallet, scan: Scan, fields: tuple[str, ...]) -> queries.Repeat:
    """Return what is kept of a verdict that is told once more with holder data."""
    request = scan.request
    subject = hashing.disclosure_hash(wallet.rings, request.scanner, scan.number or 0, scan.now)
    return queries.Repeat(
        request.scanner, request.scan_id, request.purpose, scan.now, subject, fields, request.request_id
    )
