"""Runs a file of QE1 vectors, so that makers of scanners can test with the same file as we do."""

from qe_ban.codes.token import vector_file
from qe_ban.codes.token.claims import Claims, Refused
from qe_ban.codes.token.vector_file import Vector
from qe_ban.codes.token.verification import Keys, Policy, verify
from qe_ban.message import Message


def check(document: object) -> list[str]:
    """The disagreements of the JSON value `document` with this implementation, a line each; raises VectorsInvalid."""
    file = vector_file.read(document)
    lines: list[str] = []
    for vector in file.vectors:
        found = disagreement(vector, file.keys, file.policy)
        if found is not None:
            lines.append(Message("{vector}: {found}", vector=vector_file.line(vector.name), found=found))
    return lines


def disagreement(vector: Vector, keys: Keys, policy: Policy) -> Message | None:
    """How the vector differs from what we find, None if it does not."""
    got = _verdict(vector.code, keys, policy, vector.at)
    if not isinstance(got, Claims):
        return None if got == vector.want else Message("want {want}, got {got}", want=vector.want, got=got)
    if vector.want not in ("ok", "same"):
        return Message("want {want}, got {got}", want=vector.want, got="ok")
    if (got.kind.slug, got.profile) != (vector.kind, vector.profile):
        wanted, found = f"{vector.kind} {vector.profile}", f"{got.kind.slug} {got.profile}"
        return Message("want {want}, got {got}", want=wanted, got=found)
    if vector.twin is not None:
        twin = _verdict(vector.twin, keys, policy, vector.at)
        if not isinstance(twin, Claims):
            return Message("want same, got {got} for the twin", got=twin)
        if twin.identity != got.identity:
            return Message("want same, got another identity for the twin")
    return None


def _verdict(code: str, keys: Keys, policy: Policy, now: int) -> Claims | str:
    try:
        return verify(code, keys, policy, now)
    except Refused as refused:
        return refused.reason.value
