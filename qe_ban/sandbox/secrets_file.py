"""The file in a home that keeps the sandbox's staff passwords and TOTP secrets, and marks the home as a sandbox."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyotp

from qe_ban.config import sandbox_data
from qe_ban.kernel.principal import Place
from qe_ban.message import Message

NAME = "sandbox-accounts.json"


class SecretsUnreadable(ValueError):
    """The file is not one of ours, or was changed; the message is one line."""


@dataclass(frozen=True, slots=True)
class StaffSecrets:
    """A made-up member of staff with the secrets that this home gave them; the TOTP secret in Base32."""

    username: str
    roles: Sequence[str]
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    district: str | None = None
    hall: str | None = None
    zone: str | None = None
    department: str | None = None

    @property
    def place(self) -> Place:
        """What they answer for."""
        return Place(self.district, self.hall, self.zone, self.department)


def exists(home: Path) -> bool:
    """Return whether a home is a sandbox's."""
    return (home / NAME).is_file()


def read(home: Path) -> list[StaffSecrets]:
    """Return what the file holds, nobody where there is none. Raises SecretsUnreadable."""
    path = home / NAME
    try:
        return [StaffSecrets(**row) for row in json.loads(path.read_text("utf-8"))["staff"]]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SecretsUnreadable(
            Message("{path} cannot be read: {fault}", path=path, fault=type(error).__name__)
        ) from error


def complete(home: Path) -> list[StaffSecrets]:
    """Return everybody's secrets; those that are not there yet are made and kept (0600). Raises SecretsUnreadable."""
    by_username = {row.username: row for row in read(home)}
    everybody = [by_username.get(row["username"]) or _new(row) for row in sandbox_data()["staff"]]
    if len(by_username) != len(everybody):
        _write(home / NAME, everybody)
    return everybody


def _new(row: dict[str, Any]) -> StaffSecrets:
    return StaffSecrets(password=secrets.token_urlsafe(15), totp_secret=pyotp.random_base32(), **row)


def _write(path: Path, everybody: list[StaffSecrets]) -> None:
    """Replace the file atomically: a torn one would lock everybody out."""
    text = json.dumps({"staff": [asdict(row) for row in everybody]}, ensure_ascii=False, indent=1)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
