"""Shows the made-up city to whoever tries it out: who can sign in, and how scanners enrol."""

from collections.abc import Sequence
from gettext import gettext as _

from rich.console import Console
from rich.table import Table

from qe_ban.config import sandbox_data
from qe_ban.message import Message, translate
from qe_ban.sandbox.secrets_file import StaffSecrets

ROLES = {
    "adult, all five codes active": Message("all five codes"),
    "adult, health code yellow": Message("health code yellow"),
    "adult, social security card reported lost: social code suspended": Message("social security card reported lost"),
    "adult, not insured: no medical code": Message("not insured, no medical code"),
    "born in 1950 under a county code that began later; uses paper codes": Message("born in 1950"),
    "holds a residence permit for Hong Kong, Macao and Taiwan residents (83...)": _(
        "residence permit for Hong Kong, Macao and Taiwan residents"
    ),
    "child of the first adult, no phone of their own": Message("a minor, ward of the first resident"),
    "child of the first two adults, nobody's ward yet": _(
        "a minor, child of the first two residents, can be added as a ward"
    ),
    "old parent of the third adult without a phone, nobody's ward yet": _(
        "an old person without a phone, can be verified at a counter"
    ),
    "signed in, real name not yet verified": Message("real name not yet verified"),
}
PIPE_WIDTH = 160


def console() -> Console:
    """Return a console on standard output; a pipe has no width and gets wide lines."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_accounts(staff: Sequence[StaffSecrets], screen: Console | None = None) -> None:
    """Print residents, staff with their secrets, and the enrolment codes."""
    screen = screen or console()
    data = sandbox_data()
    residents = _table(
        _("Sandbox residents (one-time passwords come back in the answers)"),
        _("phone"),
        _("name"),
        _("ID number"),
        _("situation"),
    )
    for row in data["residents"]:
        cells = (row["phone"] or _("no phone"), row["name"] or "—", row["id_number"] or "—")
        residents.add_row(*cells, translate(ROLES.get(row["role"], "")))
    members = _table(_("Sandbox staff"), _("user name"), _("password"), _("TOTP secret"), _("roles"), _("answers for"))
    for member in staff:
        members.add_row(member.username, member.password, member.totp_secret, ", ".join(member.roles), _place(member))
    codes = _table(
        _("Enrolment codes of scanners (once used, renewed by qe-ban sandbox reset)"),
        _("enrolment code"),
        _("venue"),
        _("purposes"),
    )
    for row in data["scanners"]:
        codes.add_row(row["enrolment_code"], row["name"], ", ".join(row["purposes"]))
    for table in (residents, members, codes):
        screen.print(table)
    screen.print(_("What the sandbox takes as a face: {step_up_proof}").format(step_up_proof=data["step_up_proof"]))


def _place(member: StaffSecrets) -> str:
    """Return what a member of staff answers for; a hall and a district may have the same name."""
    places = (
        (_("district"), member.district),
        (_("hall"), member.hall),
        (_("zone"), member.zone),
        (_("department"), member.department),
    )
    return next((f"{what} {which}" for what, which in places if which is not None), _("the whole city"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    return table
