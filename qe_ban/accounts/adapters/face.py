"""The check that the person at the phone is the account's holder: more than a one-time password proves.

The HTTP service takes `{"name", "id_type", "id_number", "proof"}`, where `proof` is what its own kit on the phone gave
(text of at most 4,096 characters), and answers 200 with `{"match": true|false}`. It compares with the register's
picture: who has no real name yet is refused before it is asked (`service.step_up`), in the sandbox as well.
"""

import hmac
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from qe_ban.accounts.adapters.http import JsonPost


@dataclass(frozen=True, slots=True)
class Person:
    """Whose face it should be. Its repr shows nothing of it."""

    name: str = field(repr=False)
    id_type: str
    id_number: str = field(repr=False)


class Face(Protocol):
    """Checks faces; `method` is told to the client."""

    method: ClassVar[str]

    def confirms(self, person: Person, proof: str) -> bool:
        """Tell whether the proof shows this person. Raises OutsideUnavailable."""


class SandboxFace:
    """The sandbox's check: takes one fixed word, and says that it is the sandbox's."""

    method: ClassVar[str] = "sandbox"

    def __init__(self, proof: str) -> None:
        """Take the word that passes."""
        self._proof = proof

    def confirms(self, person: Person, proof: str) -> bool:  # noqa: ARG002 - made-up people have no faces
        """Tell whether the word is the fixed one."""
        return hmac.compare_digest(proof.encode(), self._proof.encode())


class HttpFace:
    """A service that speaks HTTP, as the module says."""

    method: ClassVar[str] = "face"

    def __init__(self, url: str, token: str) -> None:
        """Take the service's address and bearer token."""
        self._post = JsonPost(url, token)

    def confirms(self, person: Person, proof: str) -> bool:
        """Ask the service. Raises OutsideUnavailable."""
        return self._post.matches(
            {"name": person.name, "id_type": person.id_type, "id_number": person.id_number, "proof": proof}
        )
