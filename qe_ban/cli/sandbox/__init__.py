"""`qe-ban sandbox`: its accounts, its fixed enrolment codes, its catalogue, its pages, its second source."""

import click

from qe_ban.cli.refusals import Lazy


@click.group(
    cls=Lazy, modules=[f"qe_ban.cli.sandbox.{name}" for name in ("accounts", "reset", "catalogue", "pages", "source")]
)
def sandbox() -> None:
    """The made-up city of `qe-ban demo` and `qe-ban up --sandbox`."""
