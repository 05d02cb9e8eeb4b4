"""A scanner's key file, and what a scanner signs with it: the proof at enrolment and assertions (RFC 7523)."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from qe_ban.cli import refusals
from qe_ban.cli.api import TOKEN_PATH, Api
from qe_ban.cli.home import write_private
from qe_ban.cli.refusals import Refused

ALGORITHM = "ES256"
ASSERTION_SECONDS = 120
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ScannerKey:
    """An enrolled scanner: its server, its id, and its private key."""

    server: str
    scanner_id: str
    issuer: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    def assertion(self, now: datetime) -> str:
        """Sign an assertion for one sign-in."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.scanner_id,
            "sub": self.scanner_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": issued_at,
            "exp": issued_at + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self.private, ALGORITHM)

    def sign_in(self, api: Api, now: datetime) -> Mapping[str, Any]:
        """Get an access token from the server; gives its whole answer. Raises Away, Refused."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.assertion(now),
        }
        return api.get("POST", TOKEN_PATH, body=form).data

    def write(self, path: Path) -> None:
        """Keep it in a new file (0600): whoever has it is this scanner. Raises OSError."""
        document = {
            "server": self.server,
            "scanner_id": self.scanner_id,
            "issuer": self.issuer,
            "jwk": json.loads(ECAlgorithm.to_jwk(self.private)),
        }
        write_private(path, (json.dumps(document, indent=1) + "\n").encode())


def enrol(api: Api, *, code: str, label: str) -> tuple[ScannerKey, Mapping[str, Any]]:
    """Enrol a new key with an enrolment code; gives it with what the server told of the scanner.

    Raises Away, Refused.
    """
    issuer = str(api.get("GET", "/auth/metadata").data["issuer"])
    nonce = api.get("GET", "/auth/nonce").data["nonce"]
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(ECAlgorithm.to_jwk(private.public_key()))
    body = {
        "enrolment_code": code,
        "jwk": {name: jwk[name] for name in ("kty", "crv", "x", "y")},
        "label": label,
        "proof": jwt.encode({"nonce": nonce, "aud": issuer}, private, ALGORITHM),
    }
    answer = api.get("POST", "/venues/scanners/enrol", status=201, body=body).data
    return ScannerKey(api.server, answer["scanner_id"], issuer, private), answer


def read(path: Path) -> ScannerKey:
    """Read a key file. Raises Refused."""
    try:
        document = json.loads(path.read_text("utf-8"))
        private = ECAlgorithm.from_jwk(document["jwk"])
        server, scanner_id, issuer = (document[name] for name in ("server", "scanner_id", "issuer"))
    except OSError as error:
        raise Refused(f"{path}: {refusals.strerror(error)}") from error
    except (ValueError, KeyError, TypeError, jwt.InvalidKeyError) as error:
        raise Refused(_("{path}: no key file of `qe-ban scanner enrol`").format(path=path)) from error
    texts = all(isinstance(text, str) for text in (server, scanner_id, issuer))
    if not texts or not isinstance(private, ec.EllipticCurvePrivateKey):
        raise Refused(_("{path}: no key file of `qe-ban scanner enrol`").format(path=path))
    return ScannerKey(server, scanner_id, issuer, private)


def require_new(path: Path) -> None:
    """See that a key file can be written before an enrolment code is used up for it. Raises Refused."""
    if path.exists():
        raise Refused(_("{path} exists: a scanner's key is never overwritten").format(path=path))
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise Refused(_("{parent}: no directory that can be written to").format(parent=path.parent))
