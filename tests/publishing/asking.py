"""What several tests of pages ask of an answer and of the database."""

from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service import words
from qe_ban.publishing.models import LinkCheck


def refused(answer, status, code, *places):
    """Check a problem: its status and code, Chinese for people, the places at fault."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.mimetype == "application/problem+json"
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json["detail"])
    assert set(answer.json.get("errors", {})) == set(places), answer.json
    return answer


def done(answer, status=200):
    assert answer.status_code == status, answer.json
    return answer


def events(town, kind, slug):
    """Give what the audit says of a page, oldest first."""
    with town.database.transaction() as session:
        wanted = select(AuditEvent).where(AuditEvent.subject == f"{kind.value}/{slug}").order_by(AuditEvent.id)
        return list(session.scalars(wanted))


def words_of(town, event):
    """An event's details as an auditor reads them; the log itself has a digest in the place of words."""
    assert event.details["reason"].keys() == {"hmac_sha256"}
    with town.database.transaction() as session:
        return words.open_words(session, town.parts.rings, [event.details])[0]


def followed(town, url, state, status=None):
    """Let a link have been followed just now, so that nothing leaves this machine."""
    with town.database.transaction() as session:
        session.add(LinkCheck(url=url, state=state, status=status, checked_at=town.clock()))
    return url
