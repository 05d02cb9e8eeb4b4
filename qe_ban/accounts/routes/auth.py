"""Signing in and out."""

from typing import Any

from qe_ban.accounts import rules, schemas, service
from qe_ban.accounts.routes.grants import GRANTS, grant
from qe_ban.accounts.routes.outcomes import token_answer
from qe_ban.accounts.schemas.grants import TOKEN_REQUEST
from qe_ban.accounts.service import Accounts
from qe_ban.db.engine import Database
from qe_ban.web import guard, requests
from qe_ban.web.api import PREFIX, Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("auth", url_prefix="/auth", description="登录与令牌")


@blp.route("/otp", methods=["POST"], summary_zh="向手机号发送短信验证码；无论该号码有无账号，回答相同")
@guard.anyone
@blp.arguments(schemas.OtpRequestSchema)
@blp.response(202, schemas.OtpSentSchema)
@blp.problems(429)
def request_otp(body: dict[str, Any]) -> dict[str, Any]:
    """Send a one-time password to a phone; the answer is the same whether or not anybody has an account with it."""
    accounts, phone = part(Accounts), service.phone_from(body["phone"])
    network = requests.network()
    service.limit_otp(accounts, phone=phone, address=network)
    with part(Database).transaction() as session:
        message = service.request_otp(accounts, session, phone=phone, now=now(), network=network)
    answer = {"challenge": message.challenge, "expires_in": message.expires_in, "retry_after": message.retry_after}
    return answer | ({"otp": message.otp} if message.otp is not None else {})


@blp.route("/token", methods=["POST"], summary_zh="按所选方式登录，或续期登录")
@guard.anyone
@blp.form_or_json(schemas.TokenRequestSchema, shape=TOKEN_REQUEST)
@blp.response(200, schemas.TokenSchema)
@blp.problems(401, 429)
def issue_token(body: dict[str, Any]) -> dict[str, Any]:
    """Sign in by one of the grants, or refresh a sign-in."""
    return token_answer(grant(body))


@blp.route("/step-up", methods=["POST"], summary_zh="通过人脸核验证明是账号本人；只换发访问令牌，不给续期令牌")
@guard.requires("auth.step_up", is_anonymous=True)
@blp.arguments(schemas.StepUpSchema)
@blp.response(200, schemas.SteppedUpSchema)
@blp.problems(409, 429)
def step_up(body: dict[str, Any]) -> dict[str, Any]:
    """Show by a face check that the caller is the account's holder; it stays with this sign-in."""
    accounts, database, principal = part(Accounts), part(Database), guard.principal()
    with database.transaction() as session:
        person = service.begin_step_up(accounts, session, resident_id=principal.id, now=now())
    service.confirm_face(accounts, person=person, proof=body["proof"])
    with database.transaction() as session:
        tokens = service.finish_step_up(accounts, session, principal=principal, now=now())
    return token_answer(tokens) | {"method": accounts.face.method}


@blp.route("/revoke", methods=["POST"], summary_zh="退出登录：令牌所属的登录立即结束")
@guard.anyone
@blp.form_or_json(schemas.RevokeSchema)
@blp.response(200)
def revoke_token(body: dict[str, Any]) -> None:
    """End the sign-in that a refresh or access token belongs to; a token that is none of ours changes nothing."""
    accounts = part(Accounts)
    with part(Database).transaction() as session:
        has_ended = service.revoke(accounts, session, text=body["token"], now=now())
    if has_ended:
        accounts.revocations.refresh()


@blp.route("/nonce", methods=["GET"], summary_zh="领取一次性随机数，供登记密钥时签名")
@guard.anyone
@blp.response(200, schemas.NonceSchema)
def get_nonce() -> dict[str, Any]:
    """A nonce to be signed once, by a key that is to be enrolled."""
    nonce = service.nonce(part(Accounts), now())
    return {"nonce": nonce, "expires_in": int(rules.NONCE_LIFE.total_seconds())}


@blp.route("/metadata", methods=["GET"], summary_zh="登录方式的元数据（RFC 8414）")
@guard.anyone
@blp.response(200, schemas.MetadataSchema)
def get_metadata() -> dict[str, Any]:
    """Where and how clients sign in (RFC 8414)."""
    issuer = part(Accounts).issuer
    base = issuer.rstrip("/") + PREFIX
    return {
        "issuer": issuer,
        "token_endpoint": f"{base}/auth/token",
        "revocation_endpoint": f"{base}/auth/revoke",
        "response_types_supported": [],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    }
