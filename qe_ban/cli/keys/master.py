"""`qe-ban keys master`: a new master key."""

import click

from qe_ban.cli.installation import new_master_key


@click.command()
def master() -> None:
    """Print a new random master key in base64.

    Give it as QE_MASTER_KEY or in the file that QE_MASTER_KEY_FILE names, and keep a copy offline: without it nothing
    in the database can be read.
    """
    click.echo(new_master_key())
