"""Checks the whole log against its seals, and names every row and seal that is not as it was."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from qe_ban.audit import rules
from qe_ban.audit.queries import checking, rows
from qe_ban.audit.queries.checking import Link, SealedRow
from qe_ban.audit.rules import merkle, statement
from qe_ban.audit.rules.findings import Finding, What
from qe_ban.audit.service.heads import Head
from qe_ban.audit.service.retaining import ACTION, signed_through
from qe_ban.keys import wrapping
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import Key, Ring

_MOST_MISSING: Final = 1000
_NO_TIMEOUTS = text("""
SELECT set_config(name, '0', true)
FROM unnest(ARRAY['statement_timeout', 'idle_in_transaction_session_timeout']) AS name
""")


def hold_still(session: Session) -> None:
    """Let a fresh transaction see the database as it is now until it ends, and take as long as it needs."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(_NO_TIMEOUTS)


@dataclass(frozen=True, slots=True)
class _AuditKey:
    public: ec.EllipticCurvePublicKey
    begins: float
    ends: float
    is_denied: bool
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without seals, in seconds since 1970: after this seal, and until the next one or the check."""

    seal: int
    since: float
    until: float


class Check:
    """One check. `seals`, `rows` and `gaps` say afterwards what was looked at, and when nothing was sealed.

    `thumbprints` has the thumbprints (RFC 7638) of the keys by which seals were believed, by kid.
    """

    def __init__(
        self, session: Session, now: datetime, heads: Sequence[Head] = (), *, judge: Judge | None = None
    ) -> None:
        """`heads`: what was kept outside. `hold_still` first, where others write meanwhile.

        `judge` knows our own keys, by the master key. Without it every audit key in the table is believed.
        """
        self._session, self._now = session, now.timestamp()
        self._keys, self._foreign = _audit_keys(session, judge)
        self.thumbprints = {kid: key.thumbprint for kid, key in self._keys.items()}
        self._heads: dict[int, list[str]] = {}
        for head in heads:
            self._heads.setdefault(head.n, []).append(head.head)
        self._erasures: deque[tuple[int, float, int]] = deque()
        self._false: list[int] = []
        self._read_erasures()
        self._through = max((through for through, _, _ in self._erasures), default=0)
        self.gaps: list[Gap] = []
        self._before: Link | None = None
        self._whole_at = float("-inf")
        self._denied_seals: list[int] = []
        self._vouched_through = 0
        self._overdue_top = 0
        self.seals = self.rows = 0

    def run(self) -> Iterator[Finding]:
        """Yield every finding: of keys, in the order of the chain, then what no seal knows."""
        yield from (Finding(What.FOREIGN_KEY, key=kid) for kid in self._foreign)
        sealed_rows = checking.sealed_rows(self._session)
        row = next(sealed_rows, None)
        for link in checking.links(self._session):
            yield from self._link(link)
            batch = []
            while row is not None and row.seal <= link.n:
                if row.seal < link.n:
                    yield Finding(What.SLIPPED_IN, row.event, row.seal)
                else:
                    batch.append(row)
                row = next(sealed_rows, None)
            yield from self._rows(link, batch)
            self._pass(link)
        for stray in chain([row] if row else [], sealed_rows):
            yield Finding(What.SLIPPED_IN, stray.event, stray.seal)
        before = self._now - rules.SEAL_OVERDUE_AFTER.total_seconds()
        for event in checking.unsealed_ids(self._session, before=before, top=self._overdue_top):
            yield Finding(What.UNSEALED, event)
        yield from self._end()

    def _end(self) -> Iterator[Finding]:
        """Check what shows only when the whole chain was seen."""
        last = self._before.n if self._before else 0
        if self._before is not None:
            self._gap(self._before, self._now, rules.SEAL_OVERDUE_AFTER.total_seconds())
            if self._before.top > rows.last_issued_id(self._session):
                yield Finding(What.SET_BACK, self._before.top, last)
        yield from (Finding(What.FALSE_ERASURE, event) for event in self._false)
        yield from (Finding(What.FALSE_ERASURE, event) for _, _, event in self._erasures)
        yield from (Finding(What.CUT, seal=n) for n in sorted(self._heads) if n > last)
        yield from (Finding(What.DENIED_KEY, seal=n) for n in self._denied_seals if n > self._vouched_through)

    def _read_erasures(self) -> None:
        """Read what retention says of itself, by seal; what no worker signed is false."""
        keys = {kid: key.public for kid, key in self._keys.items() if not key.is_denied}
        denied_keys = {kid: key.public for kid, key in self._keys.items() if key.is_denied}
        erasures = []
        for event, at, details in checking.erasures(self._session, ACTION):
            through = signed_through(details, at, keys)
            if through is not None:
                erasures.append((through, float(at), event))
            elif signed_through(details, at, denied_keys) is None:
                self._false.append(event)
        self._erasures.extend(sorted(erasures))

    def _gap(self, link: Link, until: float, longest: float) -> None:
        if until - float(link.at) > longest:
            self.gaps.append(Gap(link.n, float(link.at), until))

    def _link(self, link: Link) -> Iterator[Finding]:
        """Check a seal on its own, and its place in the chain."""
        self.seals += 1
        yield from self._check_place(link)
        yield from self._check_signature(link, _statement_of(link))
        is_whole = len(link.ids) == link.leaves * statement.ID and len(link.hashes) == link.leaves * merkle.HASH
        if not is_whole or merkle.root(_leaves(link)) != link.root:
            yield Finding(What.SEAL_ALTERED, seal=link.n)
        yield from self._check_outside_heads(link)

    def _check_place(self, link: Link) -> Iterator[Finding]:
        """Check that no seal is missing before this one, and that it names the one before."""
        before = self._before
        next_number = before.n + 1 if before else 1
        for n in range(next_number, min(link.n, next_number + _MOST_MISSING)):
            yield Finding(What.SEAL_MISSING, seal=n)
        previous = _head(before) if before else statement.NONE_BEFORE
        if link.n <= next_number and (link.n != next_number or link.previous != previous):
            yield Finding(What.CHAIN_BROKEN, seal=link.n)

    def _check_outside_heads(self, link: Link) -> Iterator[Finding]:
        outside_heads = self._heads.get(link.n)
        if not outside_heads:
            return
        head = _head(link).hex()
        if all(outside_head == head for outside_head in outside_heads):
            self._vouched_through = link.n
        else:
            yield Finding(What.REWRITTEN, seal=link.n)

    def _check_signature(self, link: Link, content: statement.Statement) -> Iterator[Finding]:
        key = self._keys.get(link.kid)
        if key is None or not key.begins <= float(link.at) < key.ends + 1:
            yield Finding(What.UNKNOWN_KEY, seal=link.n)
        elif not content.is_signed(link.kid, key.public, link.signature):
            yield Finding(What.SEAL_ALTERED, seal=link.n)
        elif key.is_denied:
            self._denied_seals.append(link.n)

    def _rows(self, link: Link, batch: Sequence[SealedRow]) -> Iterator[Finding]:
        """Check the rows that a seal has taken."""
        ids, hashes = statement.unpack_ids(link.ids), _leaves(link)
        missing = dict(enumerate(ids))
        absent: list[int] = []
        for one in batch:
            self.rows += 1
            if missing.get(one.position) != one.event or one.position >= len(hashes):
                yield Finding(What.SLIPPED_IN, one.event, link.n)
                continue
            del missing[one.position]
            if one.row is None:
                absent.append(one.event)
            elif merkle.leaf(one.salt, one.row.content) != hashes[one.position]:
                yield Finding(What.ALTERED, one.event, link.n)
            elif self._is_late(link, one.event, float(one.row.content["at"] or 0)):
                yield Finding(What.LATE, one.event, link.n)
        if not self._may_be_erased(link):
            absent += missing.values()
        yield from self._absences(link, absent)

    def _absences(self, link: Link, absent: Sequence[int]) -> Iterator[Finding]:
        """Yield what became of rows that a seal has taken and that are not there with their content."""
        if absent:
            existing = checking.existing_ids(self._session, absent)
            for event in absent:
                yield Finding(What.ALTERED if event in existing else What.REMOVED, event, link.n)

    def _is_late(self, link: Link, event: int, at: float) -> bool:
        """Return whether a seal that was made long after the row's moment would have taken it, had it been there."""
        latest = self._whole_at
        if self._before is not None and self._before.top >= event:
            latest = max(latest, float(self._before.at))
        # a clock that stepped forth and back: what comes after is not late by the hour that never was
        return min(latest, float(link.at)) > at + rules.SETTLING_TIME.total_seconds()

    def _may_be_erased(self, link: Link) -> bool:
        """Return whether a row's absence is retention's work: sealed half a year ago, and a sealed event says so."""
        return link.n <= self._through and float(link.at) <= self._now - rules.LEAST_KEPT.total_seconds()

    def _pass(self, link: Link) -> None:
        if self._before is not None:
            self._gap(self._before, float(link.at), rules.GAP.total_seconds())
        self._before = link
        if not link.more:
            self._whole_at = float(link.at)
        while self._erasures and self._erasures[0][0] <= link.n:
            through, at, event = self._erasures.popleft()
            if through != link.n or float(link.at) > at - rules.LEAST_KEPT.total_seconds():
                self._false.append(event)
        if float(link.at) <= self._now - rules.SEAL_OVERDUE_AFTER.total_seconds():
            self._overdue_top = max(self._overdue_top, link.top)


def _audit_keys(session: Session, judge: Judge | None) -> tuple[dict[str, _AuditKey], list[str]]:
    """Return the keys that may have signed seals, and the kids of foreign ones. One that is no key signs nothing."""
    keys, foreign = {}, []
    for key in session.scalars(select(Key).where(Key.ring == Ring.AUDIT).order_by(Key.kid)):
        if judge is not None and not judge.is_genuine(key):
            foreign.append(key.kid)
            continue
        jwk = key.public or {}
        try:
            public = wrapping.public_key(jwk)
        except ValueError:
            continue
        begins, ends = key.not_before.timestamp(), key.expires.timestamp()
        keys[key.kid] = _AuditKey(public, begins, ends, key.denied_at is not None, wrapping.thumbprint(jwk).hex())
    return keys, foreign


def _statement_of(link: Link) -> statement.Statement:
    return statement.Statement(
        link.n, link.at, link.leaves, link.top, link.more, link.root, link.previous, statement.digest(link.ids)
    )


def _head(link: Link) -> bytes:
    return _statement_of(link).head(link.kid, link.signature)


def _leaves(link: Link) -> list[bytes]:
    return [link.hashes[i : i + merkle.HASH] for i in range(0, len(link.hashes), merkle.HASH)]
