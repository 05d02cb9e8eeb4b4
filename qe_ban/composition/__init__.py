"""What a slice declares of itself, and how a process is put together from such declarations."""

from qe_ban.composition.slice import Slice

__all__ = ["Slice"]
