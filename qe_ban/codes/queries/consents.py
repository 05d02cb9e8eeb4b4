"""The part of the hot path's statement that reads what the resident decided just now about a consent."""

_FRESH = "(SELECT array_agg(f.holder || f.content_sealed) FROM fresh_consents f WHERE f.holder IN ({hashes}))"


def fresh_consents(hashes: int) -> str:
    """Return an expression for what stands under so many hashes, sealed, each after its hash; of none NULL."""
    return _FRESH.format(hashes=", ".join(f"%(consent{n})b" for n in range(hashes))) if hashes else "NULL"
