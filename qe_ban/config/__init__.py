"""Frozen settings, parsed and checked once; the only reader of the environment."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from qe_ban.config.reading import Mode, Reader, scheme_of
from qe_ban.message import Message

__all__ = ["ConfigInvalid", "Limits", "Mode", "Outside", "Retention", "Settings", "sandbox_data"]


class ConfigInvalid(ValueError):
    """The settings cannot serve; `lines` says why, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


SANDBOX_FACTOR = 20
"""How much wider the sandbox's limits are: one laptop plays a whole city there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often something may be asked; counted in windows of `window` seconds."""

    otp_per_phone: int = 5
    otp_per_address: int = 100
    otp_per_day: int = 10
    window: int = 600
    issue_per_minute: int = 20
    tries_per_address: int = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days records are kept: scans, the audit log (never less than half a year), disputes once answered.

    `records`: what proves who agreed to what, acted for whom and had an account; never less than the three years for
    which the law wants records of processing to be kept.
    `backups`: for how long the operator keeps dumps, archives and copies of the data keys; reports say so.
    """

    scans: int = 90
    audit: int = 400
    disputes: int = 400
    records: int = 1100
    backups: int = 30


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses of the outside systems; empty in the sandbox, which has its own built-in ones."""

    sms: str | None = None
    real_name: str | None = None
    face: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs from one installation to the next."""

    mode: Mode
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    master_key: bytes = field(repr=False)
    issuer: str
    city_file: Path | None = None
    media_dir: Path | None = None
    data_keys_dir: Path | None = None
    limits: Limits = Limits()
    retention: Retention = Retention()
    audit_heads: Path | None = None
    outside: Outside = Outside()
    proxies: int = 0
    code_life: int = 60
    threads: int = 8
    is_supervised: bool = False
    is_pooled: bool = False
    release: str = version("qe-ban")
    master_key_next: bytes | None = field(default=None, repr=False)

    @property
    def sandbox(self) -> bool:
        """Return whether sandbox behaviour is on."""
        return self.mode is Mode.SANDBOX

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the QE_* variables; raises ConfigInvalid with a line for each thing that is wrong."""
        reader = Reader(env)
        mode = reader.mode()
        settings = cls(
            mode=mode,
            database_url=reader.database(),
            is_pooled=reader.flag("QE_DATABASE_POOLED"),
            redis_url=reader.url("QE_REDIS_URL", ("redis", "rediss", "unix")),
            master_key=reader.master_key("QE_MASTER_KEY", Message("the master key")),
            issuer=reader.text("QE_ISSUER"),
            city_file=Path(env["QE_CITY_FILE"]) if env.get("QE_CITY_FILE") else None,
            media_dir=reader.absolute("QE_MEDIA_DIR"),
            data_keys_dir=reader.absolute("QE_DATA_KEYS_DIR"),
            limits=_limits(reader, SANDBOX_FACTOR if mode is Mode.SANDBOX else 1),
            retention=_retention(reader),
            audit_heads=reader.absolute("QE_AUDIT_HEADS"),
            outside=_outside(reader, env),
            proxies=reader.number("QE_PROXIES", 0, 0, 10),
            code_life=reader.number("QE_CODE_LIFE", 60, 30, 300),
            threads=reader.number("QE_THREADS", 8, 1, 64),
            is_supervised=reader.flag("QE_SUPERVISED"),
            master_key_next=_master_key_next(reader, env),
        )
        if settings.master_key_next and settings.master_key_next == settings.master_key:
            reader.lines.append(Message("QE_MASTER_KEY_NEXT is the master key that is in use: make another"))
        lines = reader.lines + (_production_faults(settings) if mode is Mode.PRODUCTION else [])
        if lines:
            raise ConfigInvalid(lines)
        return settings

    def city_text(self) -> str:
        """Return the text of the city's file: the one named by QE_CITY_FILE, else Qingdao's. Raises ConfigInvalid."""
        if self.city_file is None:
            return (resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8")
        try:
            return self.city_file.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigInvalid(
                [Message("QE_CITY_FILE {city_file} cannot be read: {error}", city_file=self.city_file, error=error)]
            ) from error


def sandbox_data() -> dict[str, Any]:
    """Return the made-up people, venues and staff that come with the product."""
    data: dict[str, Any] = json.loads((resources.files("qe_ban") / "data" / "sandbox.json").read_text("utf-8"))
    return data


def _limits(reader: Reader, factor: int) -> Limits:
    """Read the limits; by default the sandbox's are wider by a factor."""
    default = Limits()
    return Limits(
        otp_per_phone=reader.number("QE_OTP_PER_PHONE", default.otp_per_phone * factor, 1, 10_000),
        otp_per_day=reader.number("QE_OTP_PER_DAY", default.otp_per_day * factor, 1, 10_000),
        otp_per_address=reader.number("QE_OTP_PER_ADDRESS", default.otp_per_address * factor, 1, 1_000_000),
        window=reader.number("QE_LIMIT_WINDOW", default.window, 1, 86_400),
        issue_per_minute=reader.number("QE_ISSUE_PER_MINUTE", default.issue_per_minute, 1, 1_000_000),
        tries_per_address=reader.number("QE_TRIES_PER_ADDRESS", default.tries_per_address * factor, 1, 1_000_000),
    )


def _retention(reader: Reader) -> Retention:
    default = Retention()
    return Retention(
        scans=reader.number("QE_SCAN_DAYS", default.scans, 7, 36_500),
        audit=reader.number("QE_AUDIT_DAYS", default.audit, 184, 36_500),
        disputes=reader.number("QE_DISPUTE_DAYS", default.disputes, 30, 36_500),
        records=reader.number("QE_RECORD_DAYS", default.records, 1096, 36_500),
        backups=reader.number("QE_BACKUP_DAYS", default.backups, 1, 36_500),
    )


def _outside(reader: Reader, env: Mapping[str, str]) -> Outside:
    return Outside(
        sms=env.get("QE_SMS_URL") or None,
        real_name=env.get("QE_REAL_NAME_URL") or None,
        face=env.get("QE_FACE_URL") or None,
        sources=reader.sources(),
        token=env.get("QE_OUTSIDE_TOKEN") or None,
    )


def _master_key_next(reader: Reader, env: Mapping[str, str]) -> bytes | None:
    if not (env.get("QE_MASTER_KEY_NEXT") or env.get("QE_MASTER_KEY_NEXT_FILE")):
        return None
    return reader.master_key("QE_MASTER_KEY_NEXT", Message("the next master key")) or None


def _production_faults(settings: Settings) -> list[str]:
    """Return what a production system must not start with."""
    lines: list[str] = []
    if settings.issuer and not _is_public(settings.issuer):
        lines.append(Message("QE_ISSUER must be the public https address in production, without query or fragment"))
    lines += _outside_faults(settings.outside)
    if settings.media_dir is None:
        lines.append(Message("QE_MEDIA_DIR is missing: the directory in which pictures are kept"))
    if settings.data_keys_dir is None:
        lines.append(Message("QE_DATA_KEYS_DIR is missing: the directory in which data keys are kept"))
    return lines + _token_faults(settings.outside.token or "")


def _outside_faults(outside: Outside) -> list[str]:
    lines: list[str] = []
    for name, url in (
        ("QE_SMS_URL", outside.sms),
        ("QE_REAL_NAME_URL", outside.real_name),
        ("QE_FACE_URL", outside.face),
    ):
        if url is None:
            lines.append(Message("{name} is missing: the sandbox's own is refused in production", name=name))
        elif scheme_of(url) != "https":
            lines.append(Message("{name} must be https in production", name=name))
    lines += [
        Message("QE_SOURCES: the source of {kind} must be https in production", kind=kind)
        for kind, url in outside.sources.items()
        if scheme_of(url) != "https"
    ]
    return lines


def _token_faults(token: str) -> list[str]:
    if len(token) < 32 or len(set(token)) < 12 or not all("!" <= char <= "~" for char in token):
        return [Message("QE_OUTSIDE_TOKEN is missing or weak: at least 32 random visible ASCII characters")]
    if token.startswith("put-a-random"):
        return [Message("QE_OUTSIDE_TOKEN is the example of the documentation")]
    return []


def _is_public(issuer: str) -> bool:
    try:
        parts = urlsplit(issuer)
    except ValueError:
        return False
    return parts.scheme == "https" and not parts.query and not parts.fragment and not _is_local(parts.hostname or "")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.endswith((".localhost", ".local", ".test", ".example", ".invalid"))
