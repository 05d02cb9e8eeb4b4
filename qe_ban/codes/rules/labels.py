"""What people read for the words of a scan: profiles, reasons, fields."""

from collections.abc import Mapping
from typing import Final

from qe_ban.codes.rules.scan_facts import Profile, Reason

PROFILE_NAMES: Final[Mapping[Profile, str]] = {
    Profile.ISSUED: "在线码",
    Profile.PRINTED: "纸质码",
    Profile.PRESENTED: "离线亮码",
}
REASON_NAMES: Final[Mapping[Reason, str]] = {
    Reason.MALFORMED: "无法识别",
    Reason.UNKNOWN_KEY: "签名密钥无效",
    Reason.FORGED: "签名不符",
    Reason.NOT_YET_VALID: "尚未生效",
    Reason.EXPIRED: "已过期",
    Reason.UNKNOWN_KIND: "码种不支持",
    Reason.KIND_NOT_ACCEPTED: "此用途不接受该码种",
    Reason.PURPOSE_NOT_ALLOWED: "终端未登记此用途",
    Reason.WRONG_SCANNER: "限其他终端使用",
    Reason.REVOKED: "已注销",
    Reason.SUSPENDED: "已停用",
    Reason.NOT_ENTITLED: "未开通",
    Reason.CONSENT_REQUIRED: "待您同意",
    Reason.STALE: "暂时无法核实",
    Reason.DOCUMENT_MISMATCH: "证件信息不符",
    Reason.REPLAYED: "重复出示",
    Reason.USED: "本次权益已用",
    Reason.OK: "通过",
    Reason.STALE_OK: "通过（依据较早数据）",
}
SUSPENSION_NAMES: Final[Mapping[str, str]] = {
    "held_by_resident": "已由本人挂失停用，可在本人的手机上恢复",
    "held_by_guardian": "已由监护人或代办人挂失停用",
    "held_by_window": "政务服务窗口已办理手机挂失，此码随之停用；本人重新登录并通过人脸核验后可恢复",
}
"""By the wallet's reason for a suspended kind: `held_by_` and a `SuspendedBy`."""
FIELD_NAMES: Final[Mapping[str, str]] = {
    "masked_name": "姓名（脱敏）",
    "name": "姓名",
    "id_number": "证件号码",
    "social_number": "社会保障号码",
    "card_state": "社保卡状态",
    "age_60_or_over": "是否年满60周岁",
    "insured_type": "参保类型",
    "insured_place": "参保地",
    "health_level": "健康码等级",
    "masked_phone": "手机号（脱敏）",
    "id_type": "证件类型",
    "phone": "手机号",
}
