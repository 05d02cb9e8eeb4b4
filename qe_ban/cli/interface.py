"""`qe-ban interface`: the API document, and the Chinese document for makers of clients, without a server."""

import base64
from pathlib import Path
from typing import Any

import click

from qe_ban.app import create_app
from qe_ban.codes.service import REASON_NAMES
from qe_ban.config import Settings
from qe_ban.web import error_codes, manual
from qe_ban.web.api import PREFIX

NOWHERE = {
    "QE_MODE": "sandbox",
    "QE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "QE_REDIS_URL": "redis://127.0.0.1:1",
    "QE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
    "QE_ISSUER": "http://127.0.0.1",
}
"""Settings of an app that is asked for its document only, and connects to nothing."""

_output = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; without it standard output.",
)


@click.group()
def interface() -> None:
    """The description of the interface, for makers of clients."""


@interface.command()
@_output
def document(output: Path | None) -> None:
    """Write the OpenAPI document (JSON)."""
    _write(_fetch().get_data(as_text=True), output)


@interface.command()
@_output
def chinese(output: Path | None) -> None:
    """Write docs/interface.zh-CN.md."""
    reasons = {reason.value: name for reason, name in REASON_NAMES.items()}
    _write(manual.write(_fetch().get_json(), error_codes.table(), reasons), output)


def _fetch() -> Any:
    return create_app(Settings.from_env(NOWHERE)).test_client().get(f"{PREFIX}/openapi.json")


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        output.write_text(text if text.endswith("\n") else f"{text}\n", "utf-8")
