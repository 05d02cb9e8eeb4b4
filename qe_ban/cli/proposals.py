"""`qe-ban proposals`: what takes two persons, and what happens when the second one approves it at a shell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.service import proposals as service
from qe_ban.audit import service as audit
from qe_ban.cli import signing_in
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.keys import deny
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import rfc3339, system_clock
from qe_ban.kernel.ids import parse_id
from qe_ban.kernel.principal import Actor
from qe_ban.keys import lifecycle
from qe_ban.message import Message


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal that was approved a moment ago, and by whom."""

    id: UUID
    subject: str
    details: Mapping[str, Any]
    by: Actor
    at: datetime


def _deny(session: Session, approval: Approval) -> None:
    lifecycle.deny(session, approval.subject, approval.at)
    after = {"ring": approval.details.get("ring"), "proposal": str(approval.id)}
    audit.record(
        session,
        at=approval.at,
        actor=approval.by,
        action="keys.deny",
        subject=approval.subject,
        details={"before": None, "after": after},
    )


COLUMNS = (Message("id"), Message("action"), Message("subject"), Message("expires"), Message("details"))
EFFECTS: Mapping[str, Callable[[Session, Approval], None]] = {deny.ACTION: _deny}
"""What an approved proposal does, in the same transaction; all others are approved where they arise."""


@click.group()
def proposals() -> None:
    """What takes two persons: listed, approved, withdrawn."""


@proposals.command("list")
@home_option
def list_(home: Path) -> None:
    """Print what waits for a second person: id, action, subject, until when, and what it says."""
    with open_installation(home) as installation, installation.database.transaction() as session:
        click.echo("\t".join(_(column) for column in COLUMNS))
        for one in service.open_proposals(session, system_clock()):
            details = " ".join(f"{name}={value}" for name, value in sorted(one.details.items()))
            click.echo(f"{one.id}\t{one.action}\t{one.subject}\t{rfc3339(one.expires_at)}\t{details}")


@proposals.command()
@home_option
@click.argument("proposal", metavar="ID")
@signing_in.as_option
def approve(home: Path, proposal: str, name: str, password_file: Path | None, totp: str | None) -> None:
    """Approve what another person proposed; it is done at once and in one piece."""
    with open_installation(home) as installation:
        actor = signing_in.prove(installation, name, password_file, totp)
        now = system_clock()
        with installation.database.transaction() as session:
            row = service.approve(session, _id(proposal), by=actor, now=now)
            action = EFFECTS.get(row.action)
            if action is None:
                raise Refused(
                    _("{action} is approved in the staff's interface, not at a shell").format(action=row.action)
                )
            action(session, Approval(row.id, row.subject, row.details, actor, now))
    click.echo(_("{action} {subject}: done").format(action=row.action, subject=row.subject))


@proposals.command()
@home_option
@click.argument("proposal", metavar="ID")
@signing_in.as_option
def withdraw(home: Path, proposal: str, name: str, password_file: Path | None, totp: str | None) -> None:
    """Take back what nobody has approved yet."""
    with open_installation(home) as installation:
        actor = signing_in.prove(installation, name, password_file, totp)
        with installation.database.transaction() as session:
            withdrawn = service.withdraw(session, _id(proposal), by=actor, now=system_clock())
    click.echo(_("{action} {subject}: withdrawn").format(action=withdrawn.action, subject=withdrawn.subject))


def _id(text: str) -> UUID:
    proposal_id = parse_id(text)
    if proposal_id is None:
        raise errors.ProposalNotFound
    return proposal_id
