"""Changes the secret of the holders' hashes: disputes are found under the newest, scans pass away by retention."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts.service import fresh_consents, reindexing
from qe_ban.codes.models import Dispute, Entitlement, Scan
from qe_ban.codes.service.hashing import dispute_hash, dispute_hashes
from qe_ban.db.engine import Database
from qe_ban.db.walking import walk
from qe_ban.kernel.clock import Clock
from qe_ban.keys import retirement
from qe_ban.keys.models import Key
from qe_ban.keys.rings import KeyRings

STEP = 5000
LATE_UPLOADS = timedelta(days=7)


def rehash(
    session: Session, rings: KeyRings, after: int, now: datetime, *, limit: int = STEP
) -> tuple[int | None, int]:
    """Keep the disputes of the next entitlements under the hash that is written now; done anew it changes nothing.

    Return up to which number it came (None: there are no more) and how many disputes it changed.
    """
    retirement.lengthen(session)
    query = select(Entitlement.number).where(Entitlement.number > after).order_by(Entitlement.number).limit(limit)
    numbers = session.scalars(query).all()
    newest = {}
    for number in numbers:
        newest.update(dict.fromkeys(dispute_hashes(rings, number), dispute_hash(rings, number, now)))
    newest = {older: first for older, first in newest.items() if older != first}
    holders = (
        session.scalars(select(Dispute.holder).where(Dispute.holder.in_(newest)).distinct()).all() if newest else ()
    )
    for holder in holders:
        session.execute(
            update(Dispute)
            .where(Dispute.holder == holder)
            .values(holder=newest[holder])
            .execution_options(synchronize_session=False)
        )
    return (numbers[-1] if len(numbers) == limit else None), len(holders)


def rehash_disputes(database: Database, rings: KeyRings, clock: Clock) -> int:
    """Keep all disputes under the hash that is written now, in steps; return how many it changed."""
    return walk(database, lambda session, after: rehash(session, rings, after, clock()), 0)


def retire(session: Session, key: Key, now: datetime) -> None:
    """Delete a secret of holders' hashes under which no scan is left; rehash first. Raises KeyIsLast, KeyNeeded."""
    since = retirement.superseded_at(session, key)
    retirement.require_past(since + LATE_UPLOADS, now)
    retirement.lengthen(session)
    if session.scalar(select(exists().where(Scan.at < since, Scan.holder.is_not(None)))):
        raise retirement.KeyNeeded("还有用码记录保存在这个密钥之下，超过保存期限后才能退役")
    if reindexing.wards_before(session, since):
        raise retirement.KeyNeeded("还有待确认的监护申请保存在这个密钥之下，确认或结束后才能退役")
    if reindexing.sign_ins_before(session, since):
        raise retirement.KeyNeeded("还有登录记录保存在这个密钥之下，最多三十天后才能退役")
    if fresh_consents.written_before(session, since):
        raise retirement.KeyNeeded("还有居民的授权决定保存在这个密钥之下，后台进程归档后才能退役")
    session.delete(key)
