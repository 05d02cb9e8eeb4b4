"""`qe-ban keys retire`: a key goes when nothing needs it any more."""

from datetime import datetime
from gettext import gettext as _
from pathlib import Path

import click
from sqlalchemy.orm import Session

from qe_ban.accounts.service import reindexing
from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Installation, open_installation
from qe_ban.cli.keys import backfill, clocks, walking
from qe_ban.cli.refusals import Refused
from qe_ban.codes.service import rehashing
from qe_ban.kernel.clock import rfc3339
from qe_ban.keys import retirement
from qe_ban.keys.lifecycle import KeyNotFound
from qe_ban.keys.models import BLIND, DAILY, SIGNING, Key, Ring


@click.command()
@home_option
@click.argument("kid", required=False)
@click.option("--unused", "only_unused", is_flag=True, help="All data keys of past days under which nothing is left.")
def retire(home: Path, kid: str | None, *, only_unused: bool) -> None:
    """Destroy the secret of the key KID, once nothing needs it; refused before that.

    A signing key still verifies what it signed. Of a blind index the emptied slot is cleared, in small steps;
    interrupted, run it again.
    """
    if (kid is None) != only_unused:
        raise Refused(_("name one key by its kid, or say --unused"))
    with open_installation(home) as installation:
        kids = _columns(installation, None) if kid is None else _one(installation, kid)
    click.echo(
        "\n".join(_("{each} is retired").format(each=each) for each in kids)
        or _("every data key is in use: nothing was changed")
    )


def _one(installation: Installation, kid: str) -> list[str]:
    with installation.database.transaction() as session:
        key = session.get(Key, kid)
        ring = None if key is None else Ring(key.ring)
    if ring is Ring.COLUMN:
        return _columns(installation, kid)
    if ring in DAILY:
        raise Refused(_("sealing keys are destroyed by the worker, when the codes of their day are over"))
    if ring is None or ring is Ring.ROOT:
        raise Refused(
            _(
                "no key has the kid {kid!r}, or it is a root's; what a blind key that is gone has left "
                "is cleared by `qe-ban keys backfill RING`"
            ).format(kid=kid)
        )
    if ring is Ring.HOLDER:
        backfill.rehash_holders(installation)
    now = clocks.right_now(installation)
    with installation.database.transaction() as session:
        try:
            _destroy(session, retirement.find(session, kid), ring, now)
            _record(session, [kid], ring, now)
        except KeyNotFound:
            if ring not in BLIND:
                raise Refused(_("{kid} is retired already").format(kid=kid)) from None
    if ring in BLIND:
        backfill.clear_slot(installation, ring)
    return [kid]


def _destroy(session: Session, key: Key, ring: Ring, now: datetime) -> None:
    if ring in SIGNING:
        retirement.retire_signing(session, key, now)
    elif ring in BLIND:
        reindexing.retire(session, key, now)
    elif ring is Ring.HOLDER:
        rehashing.retire(session, key, now)
    else:
        retirement.retire_derived(session, key, now)


def _columns(installation: Installation, only: str | None) -> list[str]:
    used = walking.count_sealed(installation.database)
    now = clocks.right_now(installation)
    if only is not None and used[only]:
        raise Refused(
            _("{used} columns lie under {only}: {advice}").format(
                used=used[only], only=only, advice=_advice(installation, only, now)
            )
        )
    with installation.database.transaction() as session:
        kids = retirement.retire_columns(session, used, now, only)
        if kids:
            _record(session, kids, Ring.COLUMN, now)
    if only is not None and not kids:
        raise Refused(_("{only} serves today or a day to come").format(only=only))
    return kids


def _advice(installation: Installation, kid: str, now: datetime) -> str:
    with installation.database.transaction() as session:
        until = session.get_one(Key, kid).expires
    reseal = _("run `qe-ban keys reseal --days 0` and then this again")
    if until <= now:
        return reseal
    return _("it serves until {until}; after that {reseal}").format(until=rfc3339(until), reseal=reseal)


def _record(session: Session, kids: list[str], ring: Ring, now: datetime) -> None:
    after = {"ring": ring, "kids": kids}
    audit.record_change(session, audit.AtShell(now), "keys.retire", ",".join(kids[:1]), before=None, after=after)
