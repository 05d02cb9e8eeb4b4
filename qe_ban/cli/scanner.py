"""`qe-ban scanner`: a person at a shell plays a scanner, which curl cannot: a scanner signs."""

import json
import sys
import time
from collections.abc import Mapping
from gettext import gettext as _
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from qe_ban.cli import pictures, refusals, scanner_key
from qe_ban.cli.api import Api, Away
from qe_ban.cli.refusals import Refused
from qe_ban.codes.service import undo_keyboard
from qe_ban.kernel.clock import system_clock

MAX_CODE_LENGTH = 65536
TRIES, PAUSE = 3, 0.5

key_option = click.option(
    "--key",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The scanner's key file.",
)


@click.group()
def scanner() -> None:
    """Play a scanner: enrol one, get its token, verify codes."""


@scanner.command()
@click.option("--server", required=True, help="Address of the server, such as http://127.0.0.1:8000.")
@click.option("--code", required=True, help="The enrolment code, such as SANDBOX-GOV-0001.")
@click.option("--label", required=True, help="What the scanner is called.")
@key_option
def enrol(server: str, code: str, label: str, path: Path) -> None:
    """Enrol a new scanner; its private key is written to the new file KEY (0600)."""
    scanner_key.require_new(path)
    key, answer = scanner_key.enrol(Api(server), code=code, label=label)
    key.write(path)
    _print(answer)


@scanner.command()
@key_option
def token(path: Path) -> None:
    """Print an access token for the scanner."""
    key = scanner_key.read(path)
    _print(key.sign_in(Api(key.server), system_clock()))


@scanner.command()
@key_option
@click.option("--purpose", required=True, help="What the scan is for, such as identity-check.")
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), help="Read the code off this picture.")
@click.option("--document", help="Last six characters of the identity document in hand.")
@click.argument("code", required=False)
def verify(path: Path, purpose: str, image: Path | None, document: str | None, code: str | None) -> int:
    """Verify a CODE ("-" reads it from standard input) and print the verdict.

    Exits with 0 when it is accepted, with 1 when it is refused.
    """
    text = _code(code, image)
    key = scanner_key.read(path)
    api = Api(key.server)
    access = key.sign_in(api, system_clock())["access_token"]
    scan = {"scan_id": str(uuid4()), "code": text, "purpose": purpose}
    verdict = _verify_with_retries(api, access, scan | ({"document": document} if document else {}))
    _print(verdict)
    return 0 if verdict["accepted"] else 1


def _code(code: str | None, image: Path | None) -> str:
    if (code is None) == (image is None):
        raise Refused(_("give either a code, or - to read it from standard input, or --image"))
    if image is not None:
        try:
            return pictures.text_of(image.read_bytes(), str(image))
        except OSError as error:
            raise Refused(f"{image}: {refusals.strerror(error)}") from error
    text = undo_keyboard(_read_input().rstrip("\r\n") if code == "-" else str(code))
    if not text:
        raise Refused(_("the code is empty"))
    return text


def _read_input() -> str:
    """Read standard input, which may be closed: then nothing was typed."""
    return sys.stdin.read(MAX_CODE_LENGTH) if sys.stdin is not None else ""


def _verify_with_retries(api: Api, token: str, scan: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask, and ask the same again when no answer comes: the scan's id makes it one scan."""
    for remaining in reversed(range(TRIES)):
        try:
            answer = api.ask("POST", "/codes/verify", token=token, body=scan)
        except Away:
            if not remaining:
                raise
        else:
            if answer.status == 200:
                return answer.data
            if answer.status != 503 or not remaining:
                raise Refused(f"POST /codes/verify: {answer.problem}")
        time.sleep(PAUSE)
    raise AssertionError


def _print(data: Mapping[str, Any]) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))
