"""`qe-ban staff`: members of staff of a production system: the first ones, and what must happen on a bad day."""

import secrets
import sys
from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path
from typing import Any, TextIO

import click
import pyotp
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app import load_city
from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.codes import qr
from qe_ban.items.service import departments
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place

ISSUER_NAME = "青e办"
RANDOM_BYTES = 15
ROLES = ", ".join(accounts.Role)


@click.group()
def staff() -> None:
    """Members of staff."""


def _duties(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where somebody answers to a command."""
    for option in (
        click.option("--department", help="Answers for the items of this department (its code, 18 characters)."),
        click.option("--zone", help="Answers for this zone."),
        click.option("--hall", help="Answers for this hall."),
        click.option("--district", help="Answers for this district (GB/T 2260 code)."),
    ):
        command = option(command)
    return command


@staff.command()
@home_option
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help=f"{ROLES}; may be repeated.")
@_duties
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
    own_password = _read_password(password_stdin=password_stdin)
    password = own_password or secrets.token_urlsafe(RANDOM_BYTES)
    secret = pyotp.random_base32()
    place = Place(district, hall, zone, department)
    with open_installation(home) as installation, installation.database.transaction() as session:
        accounts.create_staff(
            session,
            installation.rings,
            username=name,
            password=password,
            totp_secret=secret,
            roles=roles,
            place=place,
            now=system_clock(),
        )
        _require_known(session, load_city(installation.settings), place)
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER_NAME)
    click.echo(qr.terminal(uri, ansi=sys.stdout.isatty()))
    click.echo(_("user name: {name}").format(name=name))
    if not own_password:
        click.echo(_("password: {password}").format(password=password))
    click.echo(_("TOTP secret: {secret}").format(secret=secret))
    click.echo(uri)


@staff.command()
@home_option
@click.argument("name")
@click.option("--role", "roles", multiple=True, help=f"Instead of the roles so far: {ROLES}; may be repeated.")
@_duties
@click.option("--whole-city", is_flag=True, help="Answers for the whole city from now on.")
def change(
    home: Path,
    name: str,
    roles: tuple[str, ...],
    *,
    district: str | None,
    hall: str | None,
    zone: str | None,
    department: str | None,
    whole_city: bool,
) -> None:
    """Set other roles or another place for the member of staff NAME; they must sign in again."""
    place = Place(district, hall, zone, department)
    if whole_city and not place.is_city:
        raise Refused(_("--whole-city and a district, hall, zone or department exclude each other"))
    new_place = place if whole_city or not place.is_city else None
    if not roles and new_place is None:
        raise Refused(_("nothing to change: give --role, a place, or --whole-city"))
    with open_installation(home) as installation, installation.database.transaction() as session:
        has_changed = accounts.change_staff(
            session, username=name, change=audit.AtShell(system_clock()), roles=roles or None, place=new_place
        )
        _require_known(session, load_city(installation.settings), place)
    click.echo(
        _("{name}: changed; every sign-in has ended").format(name=name)
        if has_changed
        else _("{name}: is so already").format(name=name)
    )


@staff.command()
@home_option
@click.argument("name")
def disable(home: Path, name: str) -> None:
    """Let the member of staff NAME do nothing more, at once: every sign-in ends and none is taken."""
    with open_installation(home) as installation, installation.database.transaction() as session:
        has_changed = accounts.disable_staff(session, username=name, change=audit.AtShell(system_clock()))
    click.echo(
        _("{name}: disabled; every sign-in has ended").format(name=name)
        if has_changed
        else _("{name}: is disabled already").format(name=name)
    )


@staff.command()
@home_option
@click.argument("name")
def enable(home: Path, name: str) -> None:
    """Let the member of staff NAME sign in again, with the same password and authenticator."""
    with open_installation(home) as installation, installation.database.transaction() as session:
        has_changed = accounts.enable_staff(session, username=name, change=audit.AtShell(system_clock()))
    click.echo(
        _("{name}: enabled").format(name=name) if has_changed else _("{name}: is enabled already").format(name=name)
    )


@staff.command("list")
@home_option
def list_(home: Path) -> None:
    """Print all members of staff: user name, state, roles, and what they answer for."""
    with open_installation(home) as installation, installation.database.transaction() as session:
        for row in accounts.list_staff(session):
            place = {name: getattr(row, name) for name in ("district", "hall", "zone", "department")}
            where = " ".join(f"{_(name)}={value}" for name, value in place.items() if value) or _("city")
            state = _("disabled") if row.disabled_at else _("enabled")
            click.echo(f"{row.username}\t{state}\t{','.join(row.roles)}\t{where}")


def _require_known(session: Session, city: City, place: Place) -> None:
    """Ask for a place that there is. Raises Refused; what the transaction has done is then undone."""
    if place.district is not None and place.district not in city.districts:
        raise Refused(_("--district {district}: the city has no such district").format(district=place.district))
    if place.hall is not None and place.hall not in city.halls:
        raise Refused(_("--hall {hall}: the city has no such hall").format(hall=place.hall))
    if place.zone is not None and place.zone not in city.zones:
        raise Refused(_("--zone {zone}: the city has no such zone").format(zone=place.zone))
    if place.department is not None and not departments.known(session, place.department):
        raise Refused(
            _("--department {department}: no such department is registered").format(department=place.department)
        )


def _read_password(*, password_stdin: bool) -> str:
    # where standard input is closed there is none
    stream: TextIO | None = sys.stdin
    if password_stdin:
        line = stream.readline().rstrip("\r\n") if stream else ""
        if not line:
            raise Refused(_("there is no password on standard input"))
        return line
    if stream is None or not stream.isatty():
        return ""
    prompt = _("Password (empty: a random one)")
    password: str = click.prompt(prompt, default="", show_default=False, hide_input=True, err=True)
    if password and click.prompt(_("Again"), hide_input=True, err=True) != password:
        raise Refused(_("the two passwords differ"))
    return password
