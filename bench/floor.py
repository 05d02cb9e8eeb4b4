"""The floors, bare Flask views: base45, CBOR and the ES256 check of one code and no more; bytes as they are."""

import os

import base45
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from flask import Flask, Response, request

_ALGORITHM = ec.ECDSA(hashes.SHA256())
_pages: dict[str, bytes] = {}
app = Flask(__name__)
key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(os.environ["BENCH_PUBLIC_KEY"]))


@app.post("/")
def check() -> str:
    """Raise, so answer 500, for whatever does not hold."""
    protected, _, payload, signature = cbor2.loads(base45.b45decode(request.get_data()[4:])).value
    cbor2.loads(payload)
    pair = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key.verify(pair, cbor2.dumps(["Signature1", protected, b"", payload]), _ALGORITHM)
    return "verified"


@app.put("/pages/<name>")
def take(name: str) -> str:
    """Take the gzipped bytes that `page` gives; there is one process of this."""
    _pages[name] = request.get_data()
    return "taken"


@app.get("/pages/<name>")
def page(name: str) -> Response:
    """Return the bytes."""
    return Response(_pages[name], headers={"Content-Encoding": "gzip"}, content_type="application/json")
