"""What a person at a shell can cause: each fault is one line on standard error, and the exit code is 2."""

from collections.abc import Iterable, Sequence
from gettext import gettext as _
from importlib import import_module
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from qe_ban.cli import language, terminal, usage
from qe_ban.config import ConfigInvalid
from qe_ban.embedded.errors import EngineError, StartCancelled
from qe_ban.kernel.errors import DomainError, Invalid
from qe_ban.message import translate
from qe_ban.sandbox.secrets_file import SecretsUnreadable

NAME = "qe-ban"
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


class Refused(Exception):
    """The command cannot be done, for reasons that the person can change; one line each."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


FAULTS = (
    Refused,
    click.ClickException,
    ConfigInvalid,
    DomainError,
    EngineError,
    SecretsUnreadable,
    OSError,
    UnicodeError,
    language.LanguageUnknown,
)


class Lazy(click.Group):
    """A group whose commands are imported when they are used: what talks to a server needs no database."""

    def __init__(self, *args: Any, modules: Sequence[str] = (), **settings: Any) -> None:
        """`modules`: where the commands are, as ``package.module``; a command has its module's name."""
        super().__init__(*args, **settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """Return the commands' names in their order."""
        return [module.rpartition(".")[2] for module in self._modules]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own
        """Import a command."""
        module = next((module for module in self._modules if module.endswith(f".{cmd_name}")), None)
        if module is None:
            return None
        command: click.Command = getattr(import_module(module), cmd_name)
        return usage.in_language(command)


class Cli(Lazy):
    """The group of all commands: it ends with an exit code, and turns what a person can cause into lines."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command and end the process: 0, what the command gives, or 2 with a line for each fault."""
        raise SystemExit(self._run(args, prog_name or NAME, extra))

    def _run(self, args: Sequence[str] | None, prog_name: str, extra: dict[str, Any]) -> int:
        terminal.forgive()
        extra["standalone_mode"] = False
        try:
            language.choose()
            code = super(Cli, usage.in_language(self)).main(args, prog_name, **extra)
        except NoArgsIsHelpError as error:
            error.show()
            return EXIT_REFUSED
        except (click.Abort, StartCancelled):
            return EXIT_INTERRUPTED
        except FAULTS as error:
            for line in _lines(error):
                click.echo(f"{NAME}: {' '.join(line.split())}", err=True)
            return EXIT_REFUSED
        return code if isinstance(code, int) else 0


def _lines(error: Exception) -> Iterable[str]:
    """Return in lines what went wrong."""
    if isinstance(error, Refused | ConfigInvalid):
        return map(translate, error.lines)
    if isinstance(error, Invalid) and error.fields:
        return [f"{field}: {fault}" for field, fault in error.fields.items()]
    return [_line(error)]


def _line(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, DomainError):
        return _domain_error_line(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {strerror(error)}" if error.filename else strerror(error)
    if isinstance(error, UnicodeError):
        return _("what was given is not text in UTF-8")
    return str(translate(error.args[0])) if error.args else type(error).__name__


def _domain_error_line(error: DomainError) -> str:
    """Return the Chinese detail; in English the stable code, what its class means, and a detail that is more exact."""
    if not language.is_english():
        return error.message
    meaning = (type(error).__doc__ or "").partition("\n")[0]
    exact = f" ({error.message})" if error.message != error.detail else ""
    return f"{error.code}: {meaning or error.detail}{exact}"


def strerror(error: OSError) -> str:
    """Return what the operating system says of an error."""
    return _(error.strerror) if error.strerror else type(error).__name__
