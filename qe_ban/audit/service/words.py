"""Words in events: sealed beside the log, which has only what proves them; opened for whoever reads the log."""

import hmac
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.audit.models import AuditWords
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

COLUMN: Final = "audit_words.text"
DIGEST: Final = "hmac_sha256"
_KEY_BYTES = 32


def seal_words(session: Session, rings: KeyRings, text: str, at: datetime) -> dict[str, str]:
    """Return what stands for a text in an event's details, and keep the text sealed. Raises KeyMissing.

    The digest is keyed with random bytes that are sealed beside the text: nobody guesses a short text by trying.
    """
    key = secrets.token_bytes(_KEY_BYTES)
    digest = hmac.digest(key, text.encode(), "sha256")
    ciphertext = vault.seal(rings, COLUMN, digest, key.hex() + text, at)
    session.add(AuditWords(digest=digest, text_sealed=ciphertext, day=at.astimezone(UTC).date()))
    return {DIGEST: digest.hex()}


def open_words(session: Session, rings: KeyRings, details: Sequence[Any]) -> list[Any]:
    """Return details of events with the words in the places of their digests.

    A digest stays where its words are gone, do not open or are other words than those that it was made of.
    """
    digests = {digest for one in details for digest in _digests(one)}
    rows = (
        session.execute(select(AuditWords.digest, AuditWords.text_sealed).where(AuditWords.digest.in_(digests))).all()
        if digests
        else ()
    )
    texts = {digest: text for digest, ciphertext in rows if (text := _open(rings, digest, ciphertext)) is not None}
    return [_replace(one, texts) for one in details]


def _open(rings: KeyRings, digest: bytes, ciphertext: bytes) -> str | None:
    try:
        content = vault.unseal(rings, COLUMN, digest, ciphertext)
    except vault.SealBroken:
        return None
    key, text = bytes.fromhex(content[: 2 * _KEY_BYTES]), content[2 * _KEY_BYTES :]
    return text if hmac.compare_digest(hmac.digest(key, text.encode(), "sha256"), digest) else None


def _digest_of(value: Any) -> bytes | None:
    """Return the digest that stands in the place of words, or None where something else does."""
    if not isinstance(value, dict) or value.keys() != {DIGEST}:
        return None
    try:
        return bytes.fromhex(value[DIGEST])
    except (TypeError, ValueError):
        return None


def _digests(value: Any) -> Iterator[bytes]:
    digest = _digest_of(value)
    if digest is not None:
        yield digest
    elif isinstance(value, dict):
        for part in value.values():
            yield from _digests(part)


def _replace(value: Any, texts: dict[bytes, str]) -> Any:
    digest = _digest_of(value)
    if digest is not None:
        return texts.get(digest, value)
    return {name: _replace(part, texts) for name, part in value.items()} if isinstance(value, dict) else value
