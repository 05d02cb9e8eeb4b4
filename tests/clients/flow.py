"""A client made by openapi-python-client goes through the product: flow.py SERVER PHONE SCANNER_TOKEN STAFF_TOKEN."""

import importlib
import io
import pkgutil
import sys
import uuid

import qe_ban_client
from qe_ban_client import AuthenticatedClient, Client
from qe_ban_client.api.auth import auth_issue_token, auth_request_otp, auth_step_up
from qe_ban_client.api.codes import codes_issue, codes_wallet
from qe_ban_client.api.halls import halls_get_hall
from qe_ban_client.api.item_imports import item_imports_import_items
from qe_ban_client.api.jobs import jobs_get_job
from qe_ban_client.api.scanning import scanning_verify
from qe_ban_client.models import (
    BannerBlock,
    CodeKindChoice,
    HallScreen,
    IssueRequest,
    OtpGrant,
    OtpRequest,
    StepUp,
    Unknown,
    Verdict,
    VerifyCode,
    VerifyShortNumber,
)
from qe_ban_client.types import File

for module in pkgutil.walk_packages(qe_ban_client.__path__, "qe_ban_client."):
    importlib.import_module(module.name)

server, phone, scanner_token, staff_token = sys.argv[1:]
anybody = Client(server)
scanner, staff = AuthenticatedClient(server, scanner_token), AuthenticatedClient(server, staff_token)

sent = auth_request_otp.sync(client=anybody, body=OtpRequest(phone))
grant = OtpGrant(grant_type="otp", phone=phone, challenge=str(sent.challenge), otp=sent.otp)
tokens = auth_issue_token.sync(client=anybody, body=grant)
stepped_up = auth_step_up.sync(client=AuthenticatedClient(server, tokens.access_token), body=StepUp("face", "sandbox"))
resident = AuthenticatedClient(server, stepped_up.access_token)

wallet = codes_wallet.sync(client=resident)
assert {one.kind: one.state for one in wallet.items}["identity"] == "active"
issued = codes_issue.sync(client=resident, body=IssueRequest([CodeKindChoice.IDENTITY]))
scan = VerifyCode(scan_id=uuid.uuid4(), purpose="identity-check", code=issued.codes[0].code)
verdict = scanning_verify.sync(client=scanner, body=scan)
assert (verdict.accepted, verdict.reason) == (True, "ok"), verdict
assert verdict.holder.masked_name.endswith("甲")
refused = scanning_verify.sync(
    client=scanner, body=VerifyShortNumber(scan_id=uuid.uuid4(), purpose="identity-check", short_number="0000000000")
)
assert not refused.accepted

hall = halls_get_hall.sync("city", client=anybody)
assert hall.slug == "city"
assert hall.theme.primary.startswith("#")

table = "基本编码,事项名称\n".encode()
started = item_imports_import_items.sync(client=staff, body=File(payload=io.BytesIO(table)), dry_run=True)
job = jobs_get_job.sync(started.job, client=staff)
assert job.state in ("queued", "running", "done", "failed"), job

# what comes after this client was made: a reason, a field, a type of block
later = verdict.to_dict() | {"accepted": False, "reason": "a_reason_of_tomorrow", "a_field_of_tomorrow": 1}
assert Verdict.from_dict(later).reason == "a_reason_of_tomorrow"
blocks = [{"id": "one", "type": "a_type_of_tomorrow", "heading": None, "rows": []}, {**later, "type": "x"}]
blocks.append({"id": "two", "type": "banner", "heading": None, "slides": []})
screen = HallScreen.from_dict(hall.to_dict() | {"blocks": blocks})
assert [type(block) for block in screen.blocks] == [Unknown, Unknown, BannerBlock]
sys.stdout.write("done\n")
