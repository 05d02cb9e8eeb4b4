"""`qe-ban keys adopt`: a root that an upgrade left without a seal is made known again."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import rewrapping, wrapping
from qe_ban.keys.models import Key, Ring


@click.command()
@home_option
@click.argument("kid")
@click.option("--thumbprint", required=True, help="SHA-256 thumbprint (RFC 7638) of the root's public half, in hex.")
def adopt(home: Path, kid: str, thumbprint: str) -> None:
    """Seal the root KID, whose row has no seal, when its public half has the thumbprint that you computed offline.

    For an upgrade that was cut off between its migration and its first start; all other keys prove themselves.
    """
    with open_installation(home) as installation:
        settings = installation.settings
        with installation.database.transaction() as session:
            master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
            key = session.get(Key, kid)
            if key is None or key.ring != Ring.ROOT or key.public is None or key.seal is not None:
                raise Refused(_("no root without a seal has the kid {kid!r}").format(kid=kid))
            if wrapping.thumbprint(key.public).hex() != thumbprint.lower():
                raise Refused(
                    _("the root {kid} has another thumbprint: it is not the key that you mean").format(kid=kid)
                )
            audit.adopt_keys(session, master, system_clock(), only=kid)
    click.echo(_("{kid} is adopted").format(kid=kid))
