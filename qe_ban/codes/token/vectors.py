"""Runs a file of QE1 vectors, so that makers of scanners can test with the same file as we do."""

from qe_ban.codes.token import vector_file
from qe_ban.codes.token.claims import Claims, Refused
from qe_ban.codes.token.vector_file import Vector
from qe_ban.codes.token.verification import Keys, Policy, verify
from qe_ban.message import Message


def check(document: object) -> list[str]:
    """Return how the JSON value `document` disagrees with this implementation, a line each; raises VectorsInvalid."""
    file = vector_file.read(document)
    lines: list[str] = []
    for vector in file.vectors:
        difference = disagreement(vector, file.keys, file.policy)
        if difference is not None:
            lines.append(Message("{vector}: {found}", vector=vector_file.line(vector.name), found=difference))
    return lines


def disagreement(vector: Vector, keys: Keys, policy: Policy) -> Message | None:
    """Return how the vector differs from what this implementation says, None if it does not."""
    verdict = _verdict(vector.code, keys, policy, vector.at)
    if not isinstance(verdict, Claims):
        return None if verdict == vector.want else Message("want {want}, got {got}", want=vector.want, got=verdict)
    if vector.want not in ("ok", "same"):
        return Message("want {want}, got {got}", want=vector.want, got="ok")
    if (verdict.kind.slug, verdict.profile) != (vector.kind, vector.profile):
        want, actual = f"{vector.kind} {vector.profile}", f"{verdict.kind.slug} {verdict.profile}"
        return Message("want {want}, got {got}", want=want, got=actual)
    if vector.twin is not None:
        twin = _verdict(vector.twin, keys, policy, vector.at)
        if not isinstance(twin, Claims):
            return Message("want same, got {got} for the twin", got=twin)
        if twin.identity != verdict.identity:
            return Message("want same, got another identity for the twin")
    return None


def _verdict(code: str, keys: Keys, policy: Policy, now: int) -> Claims | str:
    try:
        return verify(code, keys, policy, now)
    except Refused as refused:
        return refused.reason.value
