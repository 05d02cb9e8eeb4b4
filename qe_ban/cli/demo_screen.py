"""What the demonstration prints, for people who try the product out."""

from collections.abc import Mapping
from datetime import datetime
from gettext import gettext as _
from typing import Any

from rich.console import Console
from rich.text import Text

from qe_ban.cli import sandbox_screen
from qe_ban.cli.demo_job import Observations, StepFailed
from qe_ban.cli.demo_pages import WORD, PageLoad, Pages
from qe_ban.cli.plan import StartOptions
from qe_ban.codes import qr
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.message import Message, translate
from qe_ban.sandbox.secrets_file import StaffSecrets

STATES = {
    "active": Message("active"),
    "suspended": Message("suspended"),
    "revoked": Message("revoked"),
    "not_entitled": Message("not entitled"),
}
MAX_SUGGESTIONS = 3


def print_step(screen: Console, text: str) -> None:
    """Print the name of a step that begins."""
    screen.print(f"[dim]·[/] {text}")


def print_observations(screen: Console, observations: Observations) -> None:
    """Print a code to scan, the wallet, the verdict, the ledger's line and what a search found."""
    code, entry, verdict = observations.code, observations.entry, observations.verdict
    screen.print()
    screen.print(Text.from_ansi(qr.terminal(code["code"], ansi=screen.is_terminal)), no_wrap=True)
    screen.print(
        _("Identity code, valid until {time} ({ttl} s):").format(time=_time(code["expires_at"]), ttl=code["ttl"])
    )
    # one line that can be copied whole
    screen.print(code["code"], soft_wrap=True, markup=False)
    screen.print()
    states = "  ".join(
        f"{kind['name']} {translate(STATES.get(kind['state'], kind['state']))}" for kind in observations.wallet
    )
    screen.print(_("Wallet: {states}").format(states=states), markup=False)
    name = verdict["holder"]["masked_name"]
    screen.print(
        _("Verdict: [bold green]accepted[/] ({reason}); the scanner sees only: {name}").format(
            reason=verdict["reason"], name=name
        )
    )
    where = f"{entry['venue']['name']}（{entry['venue']['scanner']}）"
    fields = "、".join(entry["fields"])
    line = _("Ledger: {time}  {where}  {purpose_name}  accepted  disclosed: {fields}").format(
        time=_time(entry["at"]), where=where, purpose_name=entry["purpose_name"], fields=fields
    )
    screen.print(line, markup=False)
    screen.print(
        _("Search: {typed} → {found}").format(typed=observations.search.query, found=_describe_item(observations.item)),
        markup=False,
        soft_wrap=True,
    )
    others = [name for name in observations.search.names if name != observations.item["name"]]
    screen.print(
        _("Suggestions: {others}").format(others="；".join(others[:MAX_SUGGESTIONS])), markup=False, soft_wrap=True
    )
    _pages(screen, observations.pages)
    screen.print()


def _pages(screen: Console, pages: Pages) -> None:
    """Print what was seen of halls and zones."""
    hall, zone = pages.hall, pages.zone
    screen.print(
        _("Hall: {opened}; asked again: 304").format(opened=_describe_load(hall)),
        markup=False,
        soft_wrap=True,
    )
    own = [app["name"] for app in hall.content["apps"] if app["districts"]]
    screen.print(_("Local apps: {own}").format(own="、".join(own)), markup=False, soft_wrap=True)
    screen.print(_("Zone: {opened}").format(opened=_describe_load(zone)), markup=False, soft_wrap=True)
    names = "；".join(pages.solutions[:MAX_SUGGESTIONS])
    screen.print(
        _("Solutions: {found} for “{word}”: {names}").format(word=WORD, found=pages.total, names=names),
        markup=False,
        soft_wrap=True,
    )
    if pages.seconds is None:
        screen.print(_("Publication: somebody is editing the Laoshan hall, this step was left out"), soft_wrap=True)
    else:
        screen.print(
            _("Publication: drafted, approved, published, seen by residents after {seconds:.2f} s; rolled back").format(
                seconds=pages.seconds
            ),
            soft_wrap=True,
        )


def _describe_load(page: PageLoad) -> str:
    size = _("{size:.1f} KB, compressed {sent:.1f} KB, {seconds:.0f} ms").format(
        size=page.size / 1024, sent=page.wire_size / 1024, seconds=page.seconds * 1000
    )
    return _("{title}: {blocks} blocks in one call, {size}").format(
        title=page.content["title"], blocks=len(page.content["blocks"]), size=size
    )


def print_failure(screen: Console, failure: StepFailed) -> None:
    """Print which step went wrong."""
    screen.print(
        Text(
            _("Demonstration failed: {step}: {why}").format(step=failure.step, why=failure.why),
            style="bold red",
        )
    )


def print_addresses(screen: Console, options: StartOptions, staff: list[StaffSecrets], log: str) -> None:
    """Print where everything is, who can sign in, and how it ends."""
    sandbox_screen.print_accounts(staff, screen)
    screen.print()
    for name, path in (
        (_("Interface"), "/api/v1"),
        (_("Its documentation"), "/api/v1/docs"),
        (_("Alive"), "/healthz"),
        (_("Ready"), "/readyz"),
    ):
        screen.print(f"{name}　{options.address}{path}", markup=False)
    enrol = _("--server {address} --code SANDBOX-GOV-0001 --label my-scanner --key var/scanner.json").format(
        address=options.address
    )
    screen.print(_("Play a scanner yourself"))
    screen.print(f"  qe-ban scanner enrol {enrol}", markup=False, soft_wrap=True)
    screen.print(_("  qe-ban scanner verify --key var/scanner.json --purpose identity-check 'CODE'"), markup=False)
    screen.print(_("Log: {log}").format(log=log), markup=False, soft_wrap=True)
    screen.print(_("[bold]Ctrl-C ends it; the data stay for the next start.[/]"))


def _describe_item(item: Mapping[str, Any]) -> str:
    days = _("promised in {promised_days} {promised_unit}").format(
        promised_days=item["promised_days"], promised_unit=item["labels"]["promised_unit"]
    )
    return f"{item['name']}（{item['labels']['department']}，{days}）"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(CITY_TIME).strftime("%H:%M:%S")
