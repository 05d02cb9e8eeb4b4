"""Settings say every fault at once, in one line each, and production refuses what the sandbox may."""

import base64
import json
from importlib import resources

import pytest

from qe_ban.app import assemble
from qe_ban.config import ConfigInvalid, Mode, Settings

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "QE_DATABASE_URL": "postgresql://qe@db/qe",
    "QE_REDIS_URL": "rediss://valkey/0",
    "QE_MASTER_KEY": KEY,
    "QE_ISSUER": "https://app.qingdao.gov.cn",
    "QE_SMS_URL": "https://sms.example/send",
    "QE_REAL_NAME_URL": "https://register.example/confirm",
    "QE_FACE_URL": "https://face.example/check",
    "QE_OUTSIDE_TOKEN": "0123456789abcdefghijklmnopqrstuv",
    "QE_MEDIA_DIR": "/srv/qe-ban/media",
    "QE_DATA_KEYS_DIR": "/srv/qe-ban/data-keys",
}


def faults(**changes):
    with pytest.raises(ConfigInvalid) as refused:
        Settings.from_env({name: value for name, value in (GOOD | changes).items() if value is not None})
    return refused.value.lines


def test_production_is_the_default_and_starts_with_good_settings():
    settings = Settings.from_env(GOOD)
    assert settings.mode is Mode.PRODUCTION
    assert settings.limits.otp_per_phone == 5


def test_the_sandbox_is_twenty_times_as_wide():
    settings = Settings.from_env(GOOD | {"QE_MODE": "sandbox"})
    assert (settings.limits.otp_per_phone, settings.limits.otp_per_address) == (100, 2000)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("QE_MODE", "demo", "QE_MODE"),
        ("QE_DATABASE_URL", None, "QE_DATABASE_URL is missing"),
        ("QE_DATABASE_URL", "mysql://qe@db/qe", "postgresql://"),
        ("QE_DATABASE_POOLED", "yes", "QE_DATABASE_POOLED must be 1 or 0"),
        ("QE_DATABASE_URL", "mysql://db", "postgresql://"),
        ("QE_REDIS_URL", "http://valkey", "redis://"),
        ("QE_MASTER_KEY", None, "master"),
        ("QE_MASTER_KEY", "secret", "32 random bytes"),
        ("QE_MASTER_KEY", base64.b64encode(b"a" * 32).decode(), "32 random bytes"),
        ("QE_MASTER_KEY", base64.b64encode(bytes(range(31))).decode(), "32 random bytes"),
        ("QE_ISSUER", None, "QE_ISSUER is missing"),
        ("QE_ISSUER", "http://app.qingdao.gov.cn", "https"),
        ("QE_ISSUER", "https://127.0.0.1:8000", "public https"),
        ("QE_ISSUER", "https://localhost", "public https"),
        ("QE_ISSUER", "https://app.qingdao.gov.cn/?x=1", "without query"),
        ("QE_ISSUER", "https://[::1", "public https"),
        ("QE_DATABASE_URL", "postgresql://u:x@[::1/x", "postgresql://"),
        ("QE_SOURCES", "medical=https://a.example,medical=https://b.example", "twice"),
        ("QE_OUTSIDE_TOKEN", "青" * 40, "visible ASCII"),
        ("QE_OUTSIDE_TOKEN", "put-a-random-text-of-32-characters-or-more-here", "example"),
        ("QE_SMS_URL", None, "QE_SMS_URL is missing"),
        ("QE_REAL_NAME_URL", "http://register.example", "https"),
        ("QE_FACE_URL", None, "QE_FACE_URL is missing"),
        ("QE_OUTSIDE_TOKEN", "short", "QE_OUTSIDE_TOKEN"),
        ("QE_SOURCES", "medical", "QE_SOURCES"),
        ("QE_SOURCES", "medical=http://bureau.example", "https"),
        ("QE_PROXIES", "-1", "QE_PROXIES"),
        ("QE_PROXIES", "many", "QE_PROXIES"),
        ("QE_CODE_LIFE", "301", "QE_CODE_LIFE"),
        ("QE_OTP_PER_PHONE", "9" * 5000, "QE_OTP_PER_PHONE"),
        ("QE_THREADS", "٣", "QE_THREADS"),
        ("QE_MEDIA_DIR", None, "QE_MEDIA_DIR is missing"),
        ("QE_MEDIA_DIR", "var/media", "absolute path"),
        ("QE_MEDIA_DIR", "/srv/a\0b", "absolute path"),
        ("QE_DATA_KEYS_DIR", None, "QE_DATA_KEYS_DIR is missing"),
        ("QE_DATA_KEYS_DIR", "var/data-keys", "absolute path"),
        ("QE_BACKUP_DAYS", "0", "QE_BACKUP_DAYS"),
        ("QE_BACKUP_DAYS", "a month", "QE_BACKUP_DAYS"),
    ],
)
def test_each_fault_is_one_line(name, value, message):
    lines = faults(**{name: value})
    assert len(lines) == 1
    assert message in lines[0]
    assert "\n" not in lines[0]


def test_all_faults_are_said_at_once_and_no_secret_among_them():
    lines = faults(QE_ISSUER=None, QE_SMS_URL=None, QE_OUTSIDE_TOKEN="hunter2", QE_MASTER_KEY="hunter2")
    assert len(lines) == 4
    assert "hunter2" not in " ".join(lines)


def test_a_master_key_file_serves_as_well(tmp_path):
    path = tmp_path / "master.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    environment = {name: value for name, value in GOOD.items() if name != "QE_MASTER_KEY"}
    assert Settings.from_env(environment | {"QE_MASTER_KEY_FILE": str(path)}).master_key == bytes(range(32))
    path.chmod(0o640)
    assert "readable by others" in faults(QE_MASTER_KEY=None, QE_MASTER_KEY_FILE=str(path))[0]
    assert "readable by others" in faults(QE_MASTER_KEY=None, QE_MASTER_KEY_FILE="/dev/zero")[0]
    assert "cannot be read" in faults(QE_MASTER_KEY=None, QE_MASTER_KEY_FILE=str(tmp_path / "none"))[0]


def test_a_source_for_a_kind_that_the_city_has_not_is_refused():
    settings = Settings.from_env(GOOD | {"QE_SOURCES": "nonsense=https://bureau.example"})
    with pytest.raises(ConfigInvalid, match="nonsense"):
        assemble(settings)


def test_a_city_file_that_is_missing_or_broken_is_one_line(tmp_path):
    path = tmp_path / "city.json"
    settings = Settings.from_env(GOOD | {"QE_CITY_FILE": str(path)})
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        assemble(settings)
    path.write_text("{}")
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        assemble(settings)


def test_a_city_file_under_which_a_red_health_code_could_pass_is_one_line(tmp_path):
    data = json.loads((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    entry = next(row for row in data["purposes"] if row["slug"] == "community-entry")
    entry["kinds"] = ["identity", "health"]
    path = tmp_path / "city.json"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        assemble(Settings.from_env(GOOD | {"QE_CITY_FILE": str(path)}))
    [line] = refused.value.lines
    assert line == "purpose community-entry accepts health codes and does not disclose health_level"


def test_records_are_kept_as_long_as_is_said_and_the_audit_never_less_than_half_a_year():
    retention = Settings.from_env(GOOD).retention
    assert (retention.scans, retention.audit, retention.disputes) == (90, 400, 400)
    environment = {"QE_SCAN_DAYS": "30", "QE_AUDIT_DAYS": "184", "QE_AUDIT_HEADS": "/var/heads"}
    settings = Settings.from_env(GOOD | environment)
    assert (settings.retention.scans, settings.retention.audit) == (30, 184)
    assert str(settings.audit_heads) == "/var/heads"
    assert "QE_AUDIT_DAYS must be a whole number from 184" in faults(QE_AUDIT_DAYS="183")[0]
    assert "absolute" in faults(QE_AUDIT_HEADS="heads")[0]
