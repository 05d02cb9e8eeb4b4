"""What reviewing brings: nothing that is served, since each document is served by the slice that it is of."""

from typing import Final

from qe_ban.composition import RetentionPlan, Slice

SLICE: Final = Slice(name="reviewing", operations=(), scopes=frozenset(), retention=RetentionPlan())
