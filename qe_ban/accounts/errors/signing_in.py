"""Why a sign-in or a token is refused."""

from typing import ClassVar

from qe_ban.kernel.errors import AuthenticationRequired, Conflict, Invalid, NotFound, Unavailable


class TokenInvalid(AuthenticationRequired):
    """An access token that is not ours, was changed, is over or was revoked: not told apart."""

    code = "accounts.token_invalid"
    detail = "登录已失效，请重新登录"


class GrantRequestInvalid(Invalid):
    """The token endpoint was asked without something that the grant needs (RFC 6749, 5.2)."""

    code = "accounts.invalid_request"
    detail = "登录请求缺少必要的内容"
    oauth_error: ClassVar[str] = "invalid_request"


class GrantUnsupported(Invalid):
    """The token endpoint knows no such grant type."""

    code = "accounts.unsupported_grant_type"
    detail = "不支持的登录方式"
    oauth_error: ClassVar[str] = "unsupported_grant_type"


class OtpRefused(Invalid):
    """The one-time password is wrong, used, over or was tried too often: not told apart."""

    code = "accounts.otp_refused"
    detail = "验证码错误或已失效，请核对或重新获取"
    oauth_error: ClassVar[str] = "invalid_grant"


class StaffRefused(Invalid):
    """User name, password or dynamic code is wrong; which one is not told."""

    code = "accounts.staff_refused"
    detail = "用户名、密码或动态口令错误"
    oauth_error: ClassVar[str] = "invalid_grant"


class RefreshRefused(Invalid):
    """The refresh token is unknown, over, or its sign-in was ended."""

    code = "accounts.refresh_refused"
    detail = "登录已过期，请重新登录"
    oauth_error: ClassVar[str] = "invalid_grant"


class RefreshReused(RefreshRefused):
    """A refresh token came a second time: somebody else may hold it, so the whole sign-in was ended."""

    code = "accounts.refresh_reused"
    detail = "登录凭证被重复使用，为安全起见已退出登录，请重新登录"


class AssertionRefused(AuthenticationRequired):
    """A scanner's assertion does not prove who it is (RFC 7523, 3; RFC 6749, 5.2 `invalid_client`)."""

    code = "accounts.assertion_refused"
    detail = "设备身份验证失败：断言签名或内容不正确"
    oauth_error: ClassVar[str] = "invalid_client"


class AssertionClock(AssertionRefused):
    """The assertion's times do not fit the server's: most often the scanner's clock is wrong."""

    code = "accounts.assertion_clock"
    detail = "设备身份验证失败：设备时钟与服务器时间不符"


class AssertionReplayed(AssertionRefused):
    """The assertion's `jti` was used before."""

    code = "accounts.assertion_replayed"
    detail = "设备身份验证失败：该断言已使用过，请重新生成"


class ProofInvalid(Invalid):
    """The proof that the caller holds a key's private half does not hold."""

    code = "accounts.proof_invalid"
    detail = "密钥持有证明无效，请获取新的随机数后重新签名"


class ClientExists(Conflict):
    """This key is enrolled already."""

    code = "accounts.client_exists"
    detail = "该密钥已注册过"


class ClientNotFound(NotFound):
    """No client has this id."""

    code = "accounts.client_not_found"
    detail = "没有这个客户端"


class SignInBusy(Unavailable):
    """Too many passwords are being checked at this moment."""

    code = "accounts.sign_in_busy"
    detail = "登录人数较多，请稍后重试"


class SessionEnded(AuthenticationRequired):
    """The sign-in that a token belongs to was ended."""

    code = "accounts.session_ended"
    detail = "登录已退出，请重新登录"


class FaceRefused(Invalid):
    """The face check did not confirm the person."""

    code = "accounts.face_refused"
    detail = "人脸核验未通过，请重试"
