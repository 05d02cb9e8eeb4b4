"""The command and its groups."""

import sys
from typing import NoReturn

import click
import structlog

from qe_ban.cli.refusals import Cli

COMMANDS = (
    "up",
    "demo",
    "worker",
    "keys",
    "proposals",
    "staff",
    "scanner",
    "items",
    "audit",
    "sandbox",
    "vectors",
    "interface",
)


@click.group(
    cls=Cli,
    modules=[f"qe_ban.cli.{name}" for name in COMMANDS],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="qe-ban", message="%(prog)s %(version)s")
def cli() -> None:
    """qe-ban: the backend of a city's one government app, with its code wallet.

    Settings are QE_* variables; docs/install.md lists them.
    """


def main() -> NoReturn:
    """Run the command line of this process."""
    # what a command tells stands alone on its output
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    cli.main()
