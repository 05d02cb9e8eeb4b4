"""What closing an account deletes or ends."""

from typing import Final

from qe_ban.accounts.rules.traces.trace import Lookup, Outcome, Trace

_ID, _RELATED, _HASH, _SEALED, _NEVER = Lookup
_DELETED, _ENDED, _ = Outcome

GOING: Final = (
    Trace(
        "personal_columns",
        "residents",
        (
            "phone_index",
            "phone_index_next",
            "phone_sealed",
            "id_type",
            "id_index",
            "id_index_next",
            "name_sealed",
            "id_number_sealed",
            "moments_sealed",
            "guardian_codes_after",
            "verified_at",
        ),
        _ID,
        _DELETED,
        "手机号码、姓名、证件号码及其检索值、精确时间",
    ),
    Trace("consents", "consents", ("resident_id", "moments_sealed"), _ID, _DELETED, "授权"),
    Trace("consents", "fresh_consents", ("holder", "owner", "content_sealed"), _HASH, _DELETED, "授权"),
    Trace("consent_events", "consent_events", ("resident_id", "id", "moments_sealed"), _ID, _DELETED, "授权历史"),
    Trace("refresh_families", "refresh_families", ("principal_id", "content_sealed"), _HASH, _DELETED, "登录记录"),
    Trace("refresh_families", "refresh_tokens", ("family_id", "token_hash"), _RELATED, _DELETED, "登录记录"),
    Trace(
        "recovery_cases",
        "recovery_cases",
        ("phone_sealed", "basis", "decision_basis", "basis_sealed", "decision_basis_sealed"),
        _ID,
        _DELETED,
        "账号找回案件中的手机号码与办理说明",
    ),
    Trace("source_answers", "source_answers", ("entitlement",), _RELATED, _DELETED, "各码的状态与详情"),
    Trace("source_answers", "answers_of_sources", ("holder", "owner"), _HASH, _DELETED, "各码的状态与详情"),
    Trace(
        "disputes",
        "disputes",
        (
            "holder",
            "scan",
            "scan_sealed",
            "text_sealed",
            "answer_sealed",
            "appeal_sealed",
            "appeal_answer_sealed",
            "appellant_sealed",
        ),
        _HASH,
        _DELETED,
        "用码记录异议",
    ),
    Trace("disputes_for_wards", "disputes", ("resident_sealed",), _SEALED, _DELETED, "为他人提出的异议中您的编号"),
    Trace("health_levels", "health_levels", ("resident_id",), _ID, _DELETED, "人工变更的健康码等级"),
    Trace(
        "health_corrections",
        "health_corrections",
        ("resident_id", "text_sealed", "answer_sealed"),
        _ID,
        _DELETED,
        "健康码纠错申请",
    ),
    Trace("resident_halls", "resident_halls", ("resident_id",), _HASH, _DELETED, "首页分厅与字号设置"),
    Trace("followed_halls", "followed_halls", ("resident_id", "moments_sealed"), _HASH, _DELETED, "关注的分厅"),
    Trace("favourite_items", "favourite_items", ("resident_id", "moments_sealed"), _HASH, _DELETED, "收藏的事项"),
    Trace("recent_items", "recent_items", ("resident_id", "moments_sealed"), _HASH, _DELETED, "最近使用的事项"),
    Trace(
        "demands",
        "demands",
        ("resident_id", "title_sealed", "text_sealed", "contact_sealed", "phone_sealed", "answer_sealed"),
        _ID,
        _DELETED,
        "企业需求",
    ),
    Trace("demand_steps", "demand_steps", ("demand_id", "by", "note_sealed"), _RELATED, _DELETED, "企业需求的办理过程"),
    Trace(
        "idempotency_keys",
        "idempotency_keys",
        ("principal", "body_hash", "answer"),
        _ID,
        _DELETED,
        "重复提交的判重记录",
    ),
    Trace("attempts", "attempts", ("subject",), _HASH, _DELETED, "实名、人脸和代办申请的次数"),
    Trace("sessions", "refresh_families", ("principal_id",), _HASH, _ENDED, "登录"),
    Trace(
        "guardianships",
        "guardianships",
        ("name_sealed", "id_number_sealed", "ward_mac"),
        _HASH,
        _ENDED,
        "监护与代办关系",
    ),
    Trace("recovery_cases", "recovery_cases", ("phone_sealed",), _ID, _ENDED, "在办的账号找回案件"),
)
"""A table stands several times where its columns end differently."""
