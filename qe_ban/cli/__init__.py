"""The `qe-ban` command: everything that a person types."""

from qe_ban.cli.root import main

__all__ = ["main"]
