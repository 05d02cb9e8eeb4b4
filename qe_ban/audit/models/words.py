"""The table of words that events were recorded with."""

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class AuditWords(Base):
    """What somebody typed as a reason, sealed; the event has `digest`, an HMAC under a key sealed with the text.

    So the log, which nobody changes, holds no words about people, and proves which they were as long as they are kept.
    `day` is the event's (UTC): the words go when the event does.
    """

    __tablename__ = "audit_words"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    text_sealed: Mapped[bytes]
    day: Mapped[date] = mapped_column(index=True)
