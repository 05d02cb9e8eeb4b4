"""The help of every command in the reader's language, and in lines that fit where characters are two columns wide."""

import inspect
import re
from collections.abc import Iterable
from copy import copy
from gettext import gettext as _
from typing import Final, TypeVar

import click
from rich.cells import cell_len

from qe_ban.cli import language

C = TypeVar("C", bound=click.Command)

FIRST_COLUMN: Final = 30
GAP: Final = 2
NARROWEST: Final = 10
UNIT: Final = re.compile(r"\s+|[（“《\[]*(?:[!-~]+|\S)[，。；：、！？）”》\]]*")
"""What no line is broken in: a word, or one Chinese character, with the marks that belong to it."""


class Formatter(click.HelpFormatter):
    """Writes help whose lines are measured in columns, not in characters."""

    def write_text(self, text: str) -> None:
        """Write paragraphs, indented."""
        indent = " " * self.current_indent
        paragraphs = ["\n".join(f"{indent}{line}" for line in wrap(each, self.width - self.current_indent))
                      for each in text.split("\n\n")]  # fmt: skip
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = FIRST_COLUMN, col_spacing: int = GAP) -> None:
        """Write names and what they mean, in two columns."""
        rows = list(rows)
        first = min(max(cell_len(name) for name, _meaning in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, meaning in rows:
            lines = wrap(meaning, max(self.width - first - self.current_indent, NARROWEST))
            head = f"{indent}{name}"
            if cell_len(name) + col_spacing > first:
                self.write(f"{head}\n")
                head = ""
            for line in lines:
                self.write(head + " " * (first + self.current_indent - cell_len(head)) + line + "\n")
                head = ""
            if head:
                self.write(f"{head}\n")


class Context(click.Context):
    """click's context with our formatter."""

    formatter_class = Formatter


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a paragraph, none wider than `width` columns unless one word is."""
    lines, line = [], ""
    for unit in UNIT.findall(" ".join(text.split("\n"))):
        if line and not unit.isspace() and cell_len(line + unit) > width:
            lines.append(line.rstrip())
            line = ""
        line += unit if line or not unit.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


def in_language(command: C) -> C:
    """Return a copy of a command, and of the commands that it has, whose help is in the language that was chosen."""
    clone = copy(command)
    clone.context_class = Context
    if command.help:
        clone.help = _(inspect.cleandoc(command.help))
        if not language.is_english():
            clone.short_help = clone.help.partition("。")[0].partition("\n")[0]
    clone.params = [_option(param) if isinstance(param, click.Option) else param for param in command.params]
    if isinstance(clone, click.Group):
        clone.commands = {name: in_language(each) for name, each in clone.commands.items()}
    return clone


def _option(option: click.Option) -> click.Option:
    clone = copy(option)
    clone.help = _(option.help) if option.help else option.help
    return clone
