"""What a check of the seals may find, in words for the person at the shell."""

from dataclasses import dataclass
from enum import StrEnum


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


EXPLAINED = {
    What.ALTERED: "is not what was sealed",
    What.REMOVED: "was sealed and is gone",
    What.SLIPPED_IN: "pretends to a place in a seal that is not its own",
    What.UNSEALED: "stands there unsealed for more than two minutes: slipped in, or no worker runs",
    What.LATE: "was dated back: an earlier seal would have taken it",
    What.SEAL_ALTERED: "its signature or its hashes do not hold",
    What.SEAL_MISSING: "is gone from the chain",
    What.CHAIN_BROKEN: "does not follow the seal before it",
    What.UNKNOWN_KEY: "is signed by a key that is no audit key, or was none then",
    What.DENIED_KEY: "is signed by a denied key and no head kept outside vouches for it",
    What.CUT: "was told outside and is gone: the chain was cut",
    What.REWRITTEN: "is not the one that was told outside: the chain was written anew",
    What.FOREIGN_KEY: "stands in the table, but nobody with the master key made it so: what it signed is not trusted",
    What.FALSE_ERASURE: "says that old rows were erased, but the worker did not sign it, or it is beyond its date",
    What.SET_BACK: "was sealed, but the counter of ids stands below it: it was set back, or a row got past it",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with the event's id or the seal's number or both, or a key's kid."""

    what: What
    event: int | None = None
    seal: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        named = f"event {self.event}" if self.event is not None else f"seal {self.seal}"
        if self.key is not None:
            named = f"key {self.key}"
        where = f" (seal {self.seal})" if self.event is not None and self.seal is not None else ""
        return f"{self.what}: {named}{where} {EXPLAINED[self.what]}"
