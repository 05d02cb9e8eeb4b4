"""The option --home, and small private files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --home to a command."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="QE_HOME",
        default=Path("var"),
        show_default=True,
        help="State directory; with QE_DATABASE_URL unset its own PostgreSQL is used.  [env: QE_HOME]",
    )(command)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only we may read (0600), to the disk. Raises OSError, also when there is one already."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
