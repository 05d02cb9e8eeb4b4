"""What a person can type or configure wrongly: one line for each fault, exit code 2, and nothing started."""

import json
import socket

import pytest

from qe_ban.accounts.rules import Role
from qe_ban.items.service import exporting
from qe_ban.keys.models import Ring
from tests.cli.conftest import REPOSITORY, refused

PRODUCTION = {
    "QE_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "QE_ISSUER": "https://api.qingdao.gov.cn",
    "QE_SMS_URL": "https://sms.gov.cn/send",
    "QE_REAL_NAME_URL": "https://register.gov.cn/confirm",
    "QE_FACE_URL": "https://face.gov.cn/confirm",
    "QE_OUTSIDE_TOKEN": "0123456789abcdef0123456789abcdef",
}
VECTORS = REPOSITORY / "tests" / "vectors" / "codes" / "qe1.json"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["up", "--prot", "80"], "--prot"),
        (["up", "--port", "0"], "--port"),
        (["up", "--port", "65536"], "--port"),
        (["up", "--port", "http"], "--port"),
        (["up", "--workers", "0"], "--workers"),
        (["demo", "--workers", "x"], "--workers"),
        (["keys", "rotate", "root"], "'root'"),
        (["keys", "rotate", "nonsense"], "'nonsense'"),
        (["scanner", "verify", "x"], "--key"),
        (["staff", "add", "somebody"], "--role"),
        (["sandbox", "accounts", "--home", "/nonexistent"], "/nonexistent"),
        (["sandbox", "reset", "--home", "/nonexistent"], "/nonexistent"),
        (["keys", "list", "--home", "/nonexistent"], "/nonexistent"),
        (["vectors", "check", "/nonexistent"], "/nonexistent"),
        (["scanner", "token", "--key", "/nonexistent"], "/nonexistent"),
    ],
)
def test_a_wrong_word_is_one_line(qe, words, text):
    refused(qe(*words), text)


@pytest.mark.parametrize(("name", "value"), [("QE_PORT", "x"), ("QE_WORKERS", "0")])
def test_a_wrong_variable_for_an_option_is_one_line(qe, name, value):
    refused(qe("up", **{name: value}), name.removeprefix("QE_").lower())


def test_without_words_help_is_shown(qe):
    result = qe()
    assert result.exit_code == 2
    assert "Usage: qe-ban" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", [[], ["up"], ["demo"], ["keys", "init"], ["scanner", "verify"], ["staff", "add"]])
def test_help_is_short(qe, words):
    result = qe(*words, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) < 35


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        (["staff", "add", "--help"], Role),
        (["staff", "change", "--help"], Role),
        (["keys", "rotate", "no-such"], set(Ring) - {Ring.ROOT}),
        (["items", "export", "x.csv", "--table", "no-such"], exporting.TABLE_NAMES),
    ],
)
def test_help_or_refusal_names_every_choice(qe, words, choices):
    result = qe(*words)
    text = " ".join((result.stdout + result.stderr).split())
    assert [choice for choice in choices if str(choice) not in text] == []


def test_production_says_all_that_is_missing_at_once(qe, tmp_path):
    result = qe("up", "--home", tmp_path / "home")
    refused(result, "MASTER_KEY", "QE_ISSUER", "QE_SMS_URL", "QE_REAL_NAME_URL", "QE_FACE_URL", "QE_OUTSIDE_TOKEN")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("QE_MASTER_KEY", "", "QE_MASTER_KEY"),
        ("QE_MASTER_KEY", "c2hvcnQ=", "32 random bytes"),
        ("QE_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "32 random bytes"),
        ("QE_ISSUER", "", "QE_ISSUER"),
        ("QE_ISSUER", "http://api.qingdao.gov.cn", "https"),
        ("QE_ISSUER", "https://127.0.0.1:8000", "public https"),
        ("QE_SMS_URL", "", "QE_SMS_URL"),
        ("QE_SMS_URL", "http://sms.gov.cn", "https"),
        ("QE_REAL_NAME_URL", "", "QE_REAL_NAME_URL"),
        ("QE_FACE_URL", "", "QE_FACE_URL"),
        ("QE_OUTSIDE_TOKEN", "short", "QE_OUTSIDE_TOKEN"),
        ("QE_SOURCES", "medical=http://source.gov.cn", "medical"),
        ("QE_SOURCES", "tea=https://source.gov.cn", "tea"),
        ("QE_MODE", "staging", "QE_MODE"),
        ("QE_PROXIES", "-1", "QE_PROXIES"),
        ("QE_DATABASE_URL", "mysql://localhost/x", "QE_DATABASE_URL"),
        ("QE_DATABASE_URL", "postgresql://u@h:port/x", "QE_DATABASE_URL"),
        ("QE_REDIS_URL", "http://localhost", "QE_REDIS_URL"),
        ("QE_CITY_FILE", "/nonexistent", "QE_CITY_FILE"),
        ("QE_MEDIA_DIR", "var/media", "absolute path"),
        ("QE_DATA_KEYS_DIR", "var/data-keys", "absolute path"),
    ],
)
def test_each_production_fault_is_one_line(qe, tmp_path, name, value, text):
    refused(qe("up", "--home", tmp_path / "home", **{**PRODUCTION, name: value}), text)
    assert not (tmp_path / "home").exists()


def test_production_refuses_a_sandboxs_home_and_a_sandbox_a_production_machine(qe, tmp_path):
    (tmp_path / "sandbox-accounts.json").write_text("{}")
    refused(qe("up", "--home", tmp_path, **PRODUCTION), "sandbox")
    refused(qe("demo", "--home", tmp_path / "other", QE_MODE="production"), "QE_MODE")
    assert not (tmp_path / "other").exists()


def test_a_port_in_use_is_one_line(qe, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused(qe("up", "--sandbox", "--home", tmp_path / "home", "--port", port), f"port {port} is in use")
    assert not (tmp_path / "home").exists()


def test_a_host_that_is_none_is_one_line(qe, tmp_path):
    refused(qe("up", "--sandbox", "--home", tmp_path / "home", "--host", "no-such.invalid"), "no-such.invalid")


def test_the_vectors_agree_and_a_changed_one_is_told(qe, tmp_path):
    result = qe("vectors", "check", VECTORS)
    assert (result.exit_code, result.output) == (0, "all vectors agree\n")
    document = json.loads(VECTORS.read_text("utf-8"))
    entry = next(vector for vector in document["vectors"] if vector["want"] == "ok")
    entry["want"] = "expired"
    (tmp_path / "changed.json").write_text(json.dumps(document))
    differing = qe("vectors", "check", tmp_path / "changed.json")
    assert differing.exit_code == 1
    assert differing.stdout.splitlines() == [f"{entry['name']}: want expired, got ok"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"format": "QE2"}'])
def test_a_file_of_no_vectors_is_one_line(qe, tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    refused(qe("vectors", "check", tmp_path / "file"), "file")


def test_a_master_key_is_new_each_time_and_fit_for_use(qe, tmp_path):
    one, other = (qe("keys", "master").stdout.strip() for _ in range(2))
    assert one != other
    refused(qe("up", "--home", tmp_path / "h", **{**PRODUCTION, "QE_MASTER_KEY": one, "QE_ISSUER": ""}), "QE_ISSUER")
