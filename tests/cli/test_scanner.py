"""A scanner at a shell, as far as it gets without a server."""

import json

import pytest

from tests.cli.conftest import refused

NOWHERE = "http://127.0.0.1:1"


def enrol(qe, key, server=NOWHERE):
    return qe("scanner", "enrol", "--server", server, "--code", "X", "--label", "x", "--key", key)


def test_a_server_that_is_away_is_one_line_and_leaves_no_key(qe, tmp_path):
    refused(enrol(qe, tmp_path / "key.json"), "does not answer")
    assert not (tmp_path / "key.json").exists()


@pytest.mark.parametrize("server", ["", "localhost:8000", "ftp://x", "http://", "http://[", "http://x:port"])
def test_an_address_that_is_none_is_one_line(qe, tmp_path, server):
    result = enrol(qe, tmp_path / "key.json", server)
    refused(result, "is no address")


def test_a_key_is_never_overwritten(qe, tmp_path):
    (tmp_path / "key.json").write_text("kept")
    refused(enrol(qe, tmp_path / "key.json"), "exists")
    assert (tmp_path / "key.json").read_text() == "kept"
    refused(enrol(qe, tmp_path / "missing" / "key.json"), "missing")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"server": NOWHERE, "scanner_id": "x", "issuer": "y", "jwk": {"kty": "EC"}}),
        json.dumps({"server": 1, "scanner_id": "x", "issuer": "y", "jwk": {}}),
    ],
)
def test_a_key_file_that_is_none_is_one_line(qe, tmp_path, content):
    (tmp_path / "key.json").write_text(content)
    refused(qe("scanner", "token", "--key", tmp_path / "key.json"), "no key file")


def test_verify_wants_one_code_from_one_place(qe, tmp_path):
    words = ("scanner", "verify", "--purpose", "identity-check", "--key", tmp_path / "key.json")
    refused(qe(*words), "give either a code")
    refused(qe(*words, "QE1:X", "--image", "x.png"), "give either a code")
    refused(qe(*words, "-", stdin=""), "the code is empty")
    (tmp_path / "x.png").write_text("no picture")
    refused(qe(*words, "--image", tmp_path / "x.png"), "no picture")
    refused(qe(*words, "--image", tmp_path / "missing.png"), "No such file")
