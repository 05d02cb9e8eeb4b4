"""The whole tree for real: the demonstration twice, killed outright, and started again with everything there."""

import contextlib
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from qe_ban.cli.api import Api
from qe_ban.config import sandbox_data
from qe_ban.sandbox import secrets_file
from tests.cli.conftest import START_SECONDS, Program, family, parents, refused
from tests.factories.waits import HANG_TIMEOUT, eventually

STAYS = "Ctrl-C ends it"
ENGINES = ("postgres -D", "valkey-server", "qe_ban.cli worker", "sandbox source", "granian")


def resident(api: Api, phone: str = "13800000001") -> str:
    """Sign a sandbox resident in and step up."""
    answer = api.get("POST", "/auth/otp", status=202, body={"phone": phone}).data
    form = {"grant_type": "otp", "phone": phone, "challenge": answer["challenge"], "otp": answer["otp"]}
    token = api.get("POST", "/auth/token", body=form).data["access_token"]
    proof = {"method": "face", "proof": sandbox_data()["step_up_proof"]}
    return api.get("POST", "/auth/step-up", token=token, body=proof).data["access_token"]


def ledger(api: Api) -> list[dict[str, Any]]:
    return api.get("GET", "/codes/ledger?limit=100", token=resident(api)).data["items"]


def commands(pids: set[int]) -> str:
    lines = []
    for pid in pids:
        # one that has just ended
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return "\n".join(lines)


def counted_together(program: Program) -> bool:
    """Whether /metrics tells the same count of requests whichever worker answers it."""
    for _ in range(40):
        assert program.get("/healthz").status == 200
    pattern = re.compile(r'qe_requests_total\{method="GET",route="/healthz",status="200"\} ([0-9.]+)')
    return {float(pattern.search(program.get("/metrics").data.decode())[1]) for _ in range(8)} == {40.0}


def scanner_at_a_shell(qe, program: Program, home: Path, directory: Path) -> None:
    """Enrol with a fixed code, verify a resident's code as text and as picture, use the code up and renew it."""
    key, api = directory / "key.json", Api(program.address)
    words = ("scanner", "enrol", "--server", program.address, "--label", "门口", "--code", "SANDBOX-GOV-0001", "--key")
    enrolment = qe(*words, key)
    assert enrolment.exit_code == 0, enrolment.stderr
    assert json.loads(enrolment.stdout)["scene"] == "government"
    assert key.stat().st_mode & 0o777 == 0o600
    refused(qe(*words, directory / "other.json"), "venues.enrolment_code_invalid")
    reset = qe("sandbox", "reset", "--home", home)
    assert reset.exit_code == 0, reset.stderr
    assert qe(*words, directory / "other.json").exit_code == 0
    assert json.loads(qe("scanner", "token", "--key", key).stdout)["scope"] == "codes.verify"
    token = resident(api)
    code = api.get("POST", "/codes/identity/issue", token=token).data["code"]
    accepted = qe("scanner", "verify", "--key", key, "--purpose", "identity-check", "-", stdin=code + "\n")
    assert (accepted.exit_code, json.loads(accepted.stdout)["holder"]) == (0, {"masked_name": "测*甲"})
    refusal = qe("scanner", "verify", "--key", key, "--purpose", "gate-entry", code)
    assert (refusal.exit_code, json.loads(refusal.stdout)["reason"]) == (1, "purpose_not_allowed")
    png = api.get("POST", "/codes/social/issue", token=token, headers={"Accept": "image/png"}).content
    (directory / "code.png").write_bytes(png)
    scan = qe("scanner", "verify", "--key", key, "--purpose", "social-enquiry", "--image", directory / "code.png")
    assert json.loads(scan.stdout)["reason"] == "consent_required", scan.stderr


def beside_a_running_one(qe, home: Path, port: int, directory: Path) -> None:
    """A second one on the same home or port is refused; the commands on the database work."""
    refused(qe("up", "--sandbox", "--home", directory / "second", "--port", port), f"port {port} is in use")
    refused(qe("up", "--sandbox", "--home", home, "--port", 1024 + port % 60000), "is in use by process")
    accounts = qe("sandbox", "accounts", "--home", home)
    assert secrets_file.read(home)[0].password in accounts.stdout
    assert "SANDBOX-DIN-0002" in accounts.stdout
    result = qe("staff", "add", f"beside-{port}", "--role", "auditor", "--home", home)
    assert result.exit_code == 0, result.stderr


# shares its home, and the sample in it, with the tutorial
@pytest.mark.xdist_group("sandbox_home")
@pytest.mark.slow
def test_the_whole_tree(qe, start, home, port, tmp_path):
    once = start("demo", "--once", "--workers", "1")
    assert once.process.wait(START_SECONDS) == 0, once.output()
    assert "accepted (ok)" in once.output()
    assert "asked again: 304" in once.output()
    assert "s; rolled back" in once.output()
    secrets = secrets_file.read(home)

    demo = start("demo", "--workers", "2")
    demo.wait_for(STAYS)
    assert secrets_file.read(home) == secrets
    parts = json.loads(demo.get("/readyz").data)
    assert parts == {"status": "ready", "parts": dict.fromkeys(("postgresql", "keys", "valkey", "worker"), "ok")}
    assert counted_together(demo)
    assert len(ledger(Api(demo.address))) == 2
    hall = Api(demo.address).get("GET", "/halls/laoshan").data
    assert not [notice for notice in hall["notices"] if notice["title"].startswith("演示公告")]
    scanner_at_a_shell(qe, demo, home, tmp_path)
    beside_a_running_one(qe, home, port, tmp_path)
    entries = ledger(Api(demo.address))
    assert len(entries) == 5
    pids = family(demo.process.pid)
    assert all(program in commands(pids) for program in ENGINES)
    for pid in pids:
        # an engine may have followed its supervisor already
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    demo.process.wait(HANG_TIMEOUT)
    assert eventually(lambda: not pids & set(parents()))

    again = start("up", "--sandbox", "--workers", "1")
    again.wait_for("qe-ban serves at")
    assert ledger(Api(again.address)) == entries
    assert secrets_file.read(home) == secrets
    assert again.stop(signal.SIGTERM) == 0


@pytest.mark.xdist_group("sandbox_home")
@pytest.mark.slow
def test_a_supervisor_killed_alone_takes_everything_with_it(start, home, port):
    program = start("up", "--sandbox", "--workers", "1")
    program.wait_for("qe-ban serves at")
    assert program.stop(signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.slow
def test_a_start_that_is_interrupted_while_the_sample_is_loaded_goes_on_the_next_time(start, fresh, qe):
    first = start("up", "--sandbox", "--workers", "1", home=fresh)
    assert eventually(lambda: "sandbox catalogue" in commands(family(first.process.pid)))
    assert first.stop(signal.SIGINT) == 130
    assert "Traceback" not in first.output()
    catalogue = qe("sandbox", "catalogue", "--home", fresh)
    assert (catalogue.exit_code, "sample items loaded" in catalogue.stdout) == (0, True), catalogue.stderr
    assert qe("sandbox", "catalogue", "--home", fresh).stdout == "the sample items are there already\n"
    pages = qe("sandbox", "pages", "--home", fresh)
    assert (pages.exit_code, "18 sample pages" in pages.stdout) == (0, True), pages.stderr
    assert qe("sandbox", "pages", "--home", fresh).stdout == "the sample halls and zones are there already\n"


@pytest.mark.parametrize("sample", ["catalogue", "pages"])
def test_the_sample_is_for_sandboxes(qe, tmp_path, sample):
    refused(qe("sandbox", sample, "--home", tmp_path), "is no sandbox")
