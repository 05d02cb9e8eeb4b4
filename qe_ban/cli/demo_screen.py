"""What the demonstration prints, for people who try the product out."""

from collections.abc import Mapping
from datetime import datetime
from gettext import gettext as _
from typing import Any

from rich.console import Console
from rich.text import Text

from qe_ban.cli import sandbox_screen
from qe_ban.cli.demo_job import Shown, StepFailed
from qe_ban.cli.demo_pages import WORD, Opened, Pages
from qe_ban.cli.plan import Asked
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
SUGGESTED = 3


def step(screen: Console, text: str) -> None:
    """Print the name of a step that begins."""
    screen.print(f"[dim]·[/] {text}")


def shown(screen: Console, seen: Shown) -> None:
    """Print a code to scan, the wallet, the verdict, the ledger's line and what a search found."""
    code, entry, verdict = seen.code, seen.entry, seen.verdict
    screen.print()
    screen.print(Text.from_ansi(qr.terminal(code["code"], ansi=screen.is_terminal)), no_wrap=True)
    screen.print(
        _("Identity code, valid until {time} ({ttl} s):").format(time=_time(code["expires_at"]), ttl=code["ttl"])
    )
    # one line that can be copied whole
    screen.print(code["code"], soft_wrap=True, markup=False)
    screen.print()
    states = "  ".join(f"{kind['name']} {translate(STATES.get(kind['state'], kind['state']))}" for kind in seen.wallet)
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
        _("Search: {typed} → {found}").format(typed=seen.search.typed, found=_found(seen.item)),
        markup=False,
        soft_wrap=True,
    )
    others = [name for name in seen.search.names if name != seen.item["name"]]
    screen.print(_("Suggestions: {others}").format(others="；".join(others[:SUGGESTED])), markup=False, soft_wrap=True)
    _pages(screen, seen.pages)
    screen.print()


def _pages(screen: Console, pages: Pages) -> None:
    """Print what was seen of halls and zones."""
    hall, zone = pages.hall, pages.zone
    screen.print(_("Hall: {opened}; asked again: 304").format(opened=_opened(hall)), markup=False, soft_wrap=True)
    own = [app["name"] for app in hall.shows["apps"] if app["districts"]]
    screen.print(_("Local apps: {own}").format(own="、".join(own)), markup=False, soft_wrap=True)
    screen.print(_("Zone: {opened}").format(opened=_opened(zone)), markup=False, soft_wrap=True)
    names = "；".join(pages.solutions[:SUGGESTED])
    screen.print(
        _("Solutions: {found} for “{word}”: {names}").format(word=WORD, found=pages.found, names=names),
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


def _opened(page: Opened) -> str:
    size = _("{size:.1f} KB, compressed {sent:.1f} KB, {seconds:.0f} ms").format(
        size=page.size / 1024, sent=page.sent / 1024, seconds=page.seconds * 1000
    )
    return _("{title}: {blocks} blocks in one call, {size}").format(
        title=page.shows["title"], blocks=len(page.shows["blocks"]), size=size
    )


def failed(screen: Console, failure: StepFailed) -> None:
    """Print which step went wrong."""
    screen.print(
        Text(_("Demonstration failed: {step}: {why}").format(step=failure.step, why=failure.why), style="bold red")
    )


def addresses(screen: Console, asked: Asked, staff: list[StaffSecrets], log: str) -> None:
    """Print where everything is, who can sign in, and how it ends."""
    sandbox_screen.print_accounts(staff, screen)
    screen.print()
    for name, path in (
        (_("Interface"), "/api/v1"),
        (_("Its documentation"), "/api/v1/docs"),
        (_("Alive"), "/healthz"),
        (_("Ready"), "/readyz"),
    ):
        screen.print(f"{name}　{asked.address}{path}", markup=False)
    enrol = _("--server {address} --code SANDBOX-GOV-0001 --label my-scanner --key var/scanner.json").format(
        address=asked.address
    )
    screen.print(_("Play a scanner yourself"))
    screen.print(f"  qe-ban scanner enrol {enrol}", markup=False, soft_wrap=True)
    screen.print(_("  qe-ban scanner verify --key var/scanner.json --purpose identity-check 'CODE'"), markup=False)
    screen.print(_("Log: {log}").format(log=log), markup=False, soft_wrap=True)
    screen.print(_("[bold]Ctrl-C ends it; the data stay for the next start.[/]"))


def _found(item: Mapping[str, Any]) -> str:
    days = _("promised in {promised_days} {promised_unit}").format(
        promised_days=item["promised_days"], promised_unit=item["labels"]["promised_unit"]
    )
    return f"{item['name']}（{item['labels']['department']}，{days}）"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(CITY_TIME).strftime("%H:%M:%S")
