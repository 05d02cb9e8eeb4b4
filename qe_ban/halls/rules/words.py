"""The closed sets of words of apps, places and residents' settings, with what people call them."""

from typing import Final

APP_KINDS: Final = {"native": "客户端页面", "h5": "网页应用", "mini_program": "小程序"}
APP_STATES: Final = {"active": "使用中", "suspended": "暂停服务", "withdrawn": "已下线"}
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
PLACE_STATES: Final = {"open": "正常服务", "suspended": "暂停服务", "withdrawn": "已撤销"}
AGE_MODES: Final = {"standard": "标准版", "elder": "长辈版"}
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
