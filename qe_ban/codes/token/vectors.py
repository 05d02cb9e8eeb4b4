"""Runs a file of QE1 vectors, so that makers of scanners can test with the same file as we do."""

from qe_ban.codes.token import vector_file
from qe_ban.codes.token.claims import Claims, Refused
from qe_ban.codes.token.vector_file import Vector
from qe_ban.codes.token.verification import Keys, Policy, verify


def check(document: object) -> list[str]:
    """The disagreements of the JSON value `document` with this implementation, a line each; raises VectorsInvalid."""
    file = vector_file.read(document)
    lines = []
    for vector in file.vectors:
        found = disagreement(vector, file.keys, file.policy)
        if found is not None:
            lines.append(f"{vector_file.line(vector.name)}: {found}")
    return lines


def disagreement(vector: Vector, keys: Keys, policy: Policy) -> str | None:
    """How the vector differs from what we find, None if it does not."""
    got = _verdict(vector.code, keys, policy, vector.at)
    if not isinstance(got, Claims):
        return None if got == vector.want else f"want {vector.want}, got {got}"
    if vector.want not in ("ok", "same"):
        return f"want {vector.want}, got ok"
    if (got.kind.slug, got.profile) != (vector.kind, vector.profile):
        return f"want {vector.kind} {vector.profile}, got {got.kind.slug} {got.profile}"
    if vector.twin is not None:
        twin = _verdict(vector.twin, keys, policy, vector.at)
        if not isinstance(twin, Claims):
            return f"want same, got {twin} for the twin"
        if twin.identity != got.identity:
            return "want same, got another identity for the twin"
    return None


def _verdict(code: str, keys: Keys, policy: Policy, now: int) -> Claims | str:
    try:
        return verify(code, keys, policy, now)
    except Refused as refused:
        return refused.reason.value
