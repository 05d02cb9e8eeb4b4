"""The closed sets of words of blocks, with what people call them."""

from typing import Final

INDUSTRIES: Final = {
    "home-appliance": "家电",
    "chemical": "化工",
    "machinery": "机械装备",
    "textile": "纺织服装",
    "food": "食品饮料",
    "electronics": "电子信息",
    "auto": "汽车",
    "energy": "能源",
    "medicine": "医药",
    "construction": "建材家居",
    "agriculture": "现代农业",
    "logistics": "物流",
    "other": "其他",
}
SIZES: Final = {"micro": "微型企业", "small": "小型企业", "medium": "中型企业", "large": "大型企业"}
LEVELS: Final = {"info": "一般", "important": "重要", "urgent": "紧急"}
EVENT_STATUSES: Final = {"planned": "如期举行", "postponed": "延期", "cancelled": "取消"}
"""What the editor says of an event; what is shown follows the clock, too."""
EVENT_STATES: Final = {
    "upcoming": "即将开始",
    "live": "正在直播",
    "ended": "已结束",
    "replay": "可回看",
    "postponed": "已延期",
    "cancelled": "已取消",
}
PLACE_KINDS: Final = {
    "hall": "政务服务大厅",
    "office": "办事窗口",
    "self_service": "自助服务点",
    "testing": "检测点",
    "clinic": "医疗机构",
    "bank": "银行网点",
    "culture": "文化场馆",
    "other": "其他",
}
"""The kinds of places that halls keep; told here again, for publishing stands below them."""
AUDIENCES: Final = {"person": "个人", "firm": "企业"}
AGE_MODES: Final = {"standard": "标准版", "elder": "长辈版"}
