"""`qe-ban keys deny`: a key that leaked is proposed to be refused; a second person approves."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.accounts.service import proposals
from qe_ban.cli import signing_in
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import lifecycle
from qe_ban.keys.lifecycle import KeyNotFound

ACTION = "keys.deny"


@click.command()
@home_option
@click.argument("kid")
@signing_in.as_option
def deny(home: Path, kid: str, name: str, password_file: Path | None, totp: str | None) -> None:
    """Propose to refuse all that the signing key KID has signed; another security_admin approves.

    Prints the proposal's id. `qe-ban proposals approve ID --as OTHER` then does it, everywhere within ten seconds; it
    cannot be taken back.
    """
    with open_installation(home) as installation:
        actor = signing_in.prove(installation, name, password_file, totp)
        now = system_clock()
        with installation.database.transaction() as session:
            try:
                ring = lifecycle.require_deniable(session, kid, now).ring
            except KeyNotFound as error:
                raise Refused(
                    _("no signing key has the kid {kid!r}, or it is denied already").format(kid=kid)
                ) from error
            request = proposals.Wanted(ACTION, kid, {"ring": ring})
            proposal = proposals.propose(session, request, by=actor, now=now)
    if proposal.proposed_by != actor.id:
        click.echo(
            _("somebody else proposed it already: approve it with `qe-ban proposals approve ID --as NAME`"), err=True
        )
    click.echo(str(proposal.id))
