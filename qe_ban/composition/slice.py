"""The declaration of a slice: `qe_ban/<slice>/slice.py` makes one, and `app` has them all."""

from dataclasses import dataclass

from qe_ban.web.ranks import Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a slice brings to the product.

    `operations`: its blueprints, each with the ranks of its operations in overload. `scopes`: the rights that it
    defines; who has them is said by the roles of accounts.
    """

    name: str
    operations: tuple[Operations, ...]
    scopes: frozenset[str]
