"""Reads single variables of the environment and collects what is wrong with them."""

import base64
import binascii
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from qe_ban.message import Message

LARGEST_SECRET = 4096


class Mode(StrEnum):
    """Production is the default; the sandbox shows one-time passwords and takes a fixed face proof."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


class Reader:
    """Takes values out of the environment and collects what is wrong, so that all of it is said at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.lines: list[str] = []

    def mode(self) -> Mode:
        """Return the mode; production where it is at fault."""
        try:
            return Mode(self.env.get("QE_MODE") or Mode.PRODUCTION)
        except ValueError:
            self.lines.append(
                Message("QE_MODE must be production or sandbox, not {qe_mode!r}", qe_mode=self.env["QE_MODE"])
            )
            return Mode.PRODUCTION

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.env.get(name, "").strip()
        if not value:
            self.lines.append(Message("{name} is missing", name=name))
        return value

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        """Return an address of one of these schemes."""
        value = self.text(name)
        if value and scheme_of(value) not in schemes:
            self.lines.append(
                Message(
                    "{name} must begin with one of {schemes}",
                    name=name,
                    schemes=", ".join(f"{scheme}://" for scheme in schemes),
                )
            )
        return value

    def database(self) -> str:
        """Read the database's address: a URL, or libpq's `host=... dbname=...`."""
        value = self.env.get("QE_DATABASE_URL", "").strip()
        if value and "://" not in value and "=" in value:
            return value
        return self.url("QE_DATABASE_URL", ("postgresql", "postgres", "postgresql+psycopg"))

    def flag(self, name: str) -> bool:
        """Return whether a variable is 1."""
        value = self.env.get(name, "")
        if value not in ("", "0", "1"):
            self.lines.append(Message("{name} must be 1 or 0, not {value!r}", name=name, value=value[:20]))
        return value == "1"

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number within bounds, or the default."""
        value = self.env.get(name, "")
        if not value:
            return default
        if value.isascii() and value.isdigit() and low <= int(value[:12]) <= high:
            return int(value)
        self.lines.append(
            Message(
                "{name} must be a whole number from {low} to {high}, not {value!r}",
                name=name,
                low=low,
                high=high,
                value=value[:20],
            )
        )
        return default

    def absolute(self, name: str) -> Path | None:
        """Return an absolute path: processes that start elsewhere must find the same."""
        value = self.env.get(name, "")
        if not value:
            return None
        if not value.startswith("/") or "\0" in value:
            self.lines.append(Message("{name} must be an absolute path, not {value!r}", name=name, value=value[:60]))
        return Path(value)

    def master_key(self, name: str, meaning: str) -> bytes:
        """Read a master key from the variable or the file that `<name>_FILE` says; empty where it is at fault."""
        value, path = self.env.get(name, ""), self.env.get(f"{name}_FILE", "")
        if path and not value:
            try:
                value = self._private_text(f"{name}_FILE", Path(path))
            except (OSError, UnicodeError) as error:
                self.lines.append(
                    Message(
                        "{name}_FILE {path} cannot be read: {fault}", name=name, path=path, fault=type(error).__name__
                    )
                )
                return b""
            if not value:
                return b""
        if not value:
            self.lines.append(
                Message("{name} or {name}_FILE is missing (make one with: qe-ban keys master)", name=name)
            )
            return b""
        try:
            key = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32 or len(set(key)) < 12:
            self.lines.append(Message("{meaning} must be 32 random bytes in base64", meaning=meaning))
            return b""
        return key

    def _private_text(self, name: str, path: Path) -> str:
        """Read a secret's short file; one that others may read is refused."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                self.lines.append(Message("{name} {path} is readable by others: chmod 600 it", name=name, path=path))
                return ""
            return file.read(LARGEST_SECRET).decode("ascii")

    def sources(self) -> dict[str, str]:
        """Read `medical=https://host/path,social=https://...`: kinds whose entitlements another system knows."""
        pairs = [part.partition("=") for part in self.env.get("QE_SOURCES", "").split(",") if part.strip()]
        for kind, _, url in pairs:
            if not kind.strip() or scheme_of(url) not in ("http", "https"):
                self.lines.append(Message("QE_SOURCES must read kind=https://..., not {kind!r}", kind=kind[:20]))
        if len({kind.strip() for kind, _, _ in pairs}) < len(pairs):
            self.lines.append(Message("QE_SOURCES names a kind twice"))
        return {kind.strip(): url.strip() for kind, _, url in pairs if url.strip()}


def scheme_of(url: str) -> str:
    """Return an address's scheme; of what is no address, none."""
    try:
        return urlsplit(url.strip()).scheme
    except ValueError:
        return ""
