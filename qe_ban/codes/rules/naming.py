"""What people read for the words of a scan: profiles, reasons, fields."""

from collections.abc import Mapping
from typing import Final

from qe_ban.codes.rules.case import Profile, Reason

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
