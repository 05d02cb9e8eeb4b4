"""What a check of the seals may find, in words for the person at the shell."""

from dataclasses import dataclass
from enum import StrEnum

from qe_ban.message import Message


class What(StrEnum):
    """What is wrong with a row, a seal, or the chain."""

    ALTERED = "altered"
    REMOVED = "removed"
    SLIPPED_IN = "slipped in"
    UNSEALED = "unsealed"
    LATE = "late"
    SEAL_ALTERED = "seal altered"
    SEAL_MISSING = "seal missing"
    CHAIN_BROKEN = "chain broken"
    UNKNOWN_KEY = "unknown key"
    DENIED_KEY = "denied key"
    CUT = "cut"
    REWRITTEN = "rewritten"
    FOREIGN_KEY = "foreign key"
    FALSE_ERASURE = "false erasure"
    SET_BACK = "set back"


EXPLANATIONS = {
    What.ALTERED: Message("is not what was sealed"),
    What.REMOVED: Message("was sealed and is gone"),
    What.SLIPPED_IN: Message("pretends to a place in a seal that is not its own"),
    What.UNSEALED: Message("stands there unsealed for more than two minutes: slipped in, or no worker runs"),
    What.LATE: Message("was dated back: an earlier seal would have taken it"),
    What.SEAL_ALTERED: Message("its signature or its hashes do not hold"),
    What.SEAL_MISSING: Message("is gone from the chain"),
    What.CHAIN_BROKEN: Message("does not follow the seal before it"),
    What.UNKNOWN_KEY: Message("is signed by a key that is no audit key, or was none then"),
    What.DENIED_KEY: Message("is signed by a denied key and no head kept outside vouches for it"),
    What.CUT: Message("was told outside and is gone: the chain was cut"),
    What.REWRITTEN: Message("is not the one that was told outside: the chain was written anew"),
    What.FOREIGN_KEY: Message(
        "stands in the table, but nobody with the master key made it so: what it signed is not trusted"
    ),
    What.FALSE_ERASURE: Message(
        "says that old rows were erased, but the worker did not sign it, or it is beyond its date"
    ),
    What.SET_BACK: Message("was sealed, but the counter of ids stands below it: it was set back, or a row got past it"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with the event's id or the seal's number or both, or a key's kid."""

    what: What
    event: int | None = None
    seal: int | None = None
    key: str | None = None

    def line(self) -> Message:
        """Return it in one line."""
        return Message(
            "{what}: {named} {explained}",
            what=Message(self.what),
            named=self._place(),
            explained=EXPLANATIONS[self.what],
        )

    def __str__(self) -> str:
        return str(self.line())

    def _place(self) -> Message:
        if self.key is not None:
            return Message("key {key}", key=self.key)
        if self.event is None:
            return Message("seal {seal}", seal=self.seal)
        if self.seal is None:
            return Message("event {event}", event=self.event)
        return Message("event {event} (seal {seal})", event=self.event, seal=self.seal)
