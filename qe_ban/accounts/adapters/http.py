"""How outside systems are called: one JSON POST with a bearer token, three seconds, no retries, no redirects.

The body is a JSON object, `Authorization: Bearer <token>`. The answer is 200 with a JSON object of at most 64 KiB;
everything else, and no answer, is OutsideUnavailable.
"""

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from qe_ban.accounts import errors

TIMEOUT = 3.0
LARGEST = 64 * 1024


class JsonPost:
    """One address of an outside system. Connects on first use, so that it may be made before the server forks."""

    def __init__(self, url: str, token: str) -> None:
        """Take the address and the bearer token that it expects."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=TIMEOUT), retries=False, maxsize=4)

    def __call__(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a body and give the answer. Raises OutsideUnavailable."""
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=json.dumps(body).encode(),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            try:
                content = response.read(LARGEST + 1)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise errors.OutsideUnavailable from error
        if response.status != 200 or len(content) > LARGEST:
            raise errors.OutsideUnavailable
        return _object(content)

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Send a question and give its `{"match": true|false}`. Raises OutsideUnavailable."""
        match = self(body).get("match")
        if not isinstance(match, bool):
            raise errors.OutsideUnavailable
        return match


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise errors.OutsideUnavailable from error
    if not isinstance(answer, dict):
        raise errors.OutsideUnavailable
    return answer
