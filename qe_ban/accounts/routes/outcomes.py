"""A refusal that must be kept is given back by the service and raised here, once its transaction has committed."""

from typing import Any, TypeVar

from qe_ban.accounts.service import Tokens
from qe_ban.kernel.errors import DomainError

T = TypeVar("T")


def settled(outcome: T | DomainError) -> T:
    """Give an outcome on, or raise the refusal that it is."""
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def token_answer(tokens: Tokens) -> dict[str, Any]:
    """Give tokens as the token endpoint answers them."""
    answer: dict[str, Any] = {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": " ".join(sorted(tokens.scopes)),
    }
    return answer | ({"refresh_token": tokens.refresh} if tokens.refresh else {})
