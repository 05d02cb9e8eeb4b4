"""Who of the staff does something at a shell: proven by password and dynamic code, without signing in."""

import functools
from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path
from typing import TextIO

import click

from qe_ban.accounts import errors
from qe_ban.accounts.service import passwords, staff
from qe_ban.cli.installation import Installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.kernel.typed_input import normalise_number

SCOPE = "proposals.approve"
MAX_BYTES = 4096


def as_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that say who gives it to a command; it gets `name`, `password_file` and `totp`."""

    @functools.wraps(command)
    def wrapper(*args: object, totp: str | None, totp_file: TextIO | None, **more: object) -> object:
        if totp is not None and totp_file is not None:
            raise Refused(_("give the dynamic code once: --totp or --totp-file"))
        code = totp if totp_file is None else totp_file.readline(MAX_BYTES).strip()
        return command(*args, totp=code, **more)

    for option in (
        click.option("--totp", help="The dynamic code: for tests, as every process here sees it; asked for otherwise."),
        click.option("--totp-file", type=click.File(encoding="utf-8"), help="File whose first line it is; - is stdin."),
        click.option(
            "--password-file",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="File whose first line is the password; asked for otherwise.",
        ),
        click.option("--as", "name", required=True, metavar="NAME", help="User name of a security_admin."),
    ):
        wrapper = option(wrapper)
    return wrapper


def prove(installation: Installation, name: str, password_file: Path | None, totp: str | None) -> Actor:
    """Prove who somebody is, by five tries at most, and that they may approve. Raises Refused, TooMany."""
    password = _password(password_file)
    code = normalise_number(totp or click.prompt(_("Dynamic code"), err=True))
    hasher, now = passwords.Passwords(), system_clock()
    with installation.database.transaction() as session:
        attempt = staff.begin_sign_in(session, username=name, now=now)
    with hasher.turn():
        fits = hasher.fits(password, attempt.password_hash)
    with installation.database.transaction() as session:
        member = staff.prove(
            session, installation.rings, attempt=attempt, password_fits=fits, totp=code, now=system_clock()
        )
        if isinstance(member, errors.StaffRefused):
            raise member
        standing = staff.standing(session, member.id)
    if standing is None or SCOPE not in standing.scopes or not standing.place.is_city:
        raise Refused(_("{name} may not do this: it takes a security_admin of the whole city").format(name=name))
    return Actor(PrincipalKind.STAFF, member.id)


def _password(path: Path | None) -> str:
    if path is None:
        password: str = click.prompt(_("Password"), hide_input=True, err=True)
        return password
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_BYTES).partition("\n")[0].rstrip("\r")
