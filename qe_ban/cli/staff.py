"""`qe-ban staff`: the first members of staff of a production system, who have no page to come from."""

import secrets
import sys
from pathlib import Path

import click
import pyotp

from qe_ban.accounts import service as accounts
from qe_ban.app import load_city
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import opened
from qe_ban.cli.refusals import Refused
from qe_ban.codes import qr
from qe_ban.items.service import departments
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place

ISSUER_NAME = "青e办"
RANDOM_BYTES = 15


@click.group()
def staff() -> None:
    """Members of staff."""


@staff.command()
@home_option
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="city_admin, district_admin, editor, reviewer, "
              "system_admin, security_admin, auditor; may be repeated.")  # fmt: skip
@click.option("--district", help="Answers for this district (GB/T 2260 code).")
@click.option("--hall", help="Answers for this hall.")
@click.option("--zone", help="Answers for this zone.")
@click.option("--department", help="Answers for the items of this department (its code, 18 characters).")
@click.option("--password-stdin", is_flag=True, help="Read the password's one line from standard input.")
def add(
    home: Path,
    name: str,
    roles: tuple[str, ...],
    *,
    district: str | None,
    hall: str | None,
    zone: str | None,
    department: str | None,
    password_stdin: bool,
) -> None:
    """Add the member of staff NAME, and print the secret for their authenticator once.

    The password is asked for; without an answer, and where nobody can be asked, a random one is made and printed.
    """
    given = _given_password(password_stdin=password_stdin)
    password = given or secrets.token_urlsafe(RANDOM_BYTES)
    secret = pyotp.random_base32()
    with opened(home) as installation, installation.database.transaction() as session:
        if district is not None and district not in load_city(installation.settings).districts:
            raise Refused(f"--district {district}: the city has no such district")
        if department is not None and not departments.known(session, department):
            raise Refused(f"--department {department}: no such department is registered")
        accounts.create_staff(
            session,
            installation.rings,
            username=name,
            password=password,
            totp_secret=secret,
            roles=roles,
            place=Place(district, hall, zone, department),
            now=system_clock(),
        )
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER_NAME)
    click.echo(qr.terminal(uri, ansi=sys.stdout.isatty()))
    click.echo(f"user name: {name}")
    if not given:
        click.echo(f"password: {password}")
    click.echo(f"TOTP secret: {secret}")
    click.echo(uri)


def _given_password(*, password_stdin: bool) -> str:
    if password_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise Refused("there is no password on standard input")
        return line
    if not sys.stdin.isatty():
        return ""
    prompt = "Password (empty: a random one)"
    password: str = click.prompt(prompt, default="", show_default=False, hide_input=True, err=True)
    if password and click.prompt("Again", hide_input=True, err=True) != password:
        raise Refused("the two passwords differ")
    return password
