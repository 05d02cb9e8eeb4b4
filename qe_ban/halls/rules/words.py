"""The closed sets of words of apps, places and residents' settings, with what people call them."""

from typing import Final

from qe_ban.publishing.rules.blocks import words as blocks

APP_KINDS: Final = {"native": "客户端页面", "h5": "网页应用", "mini_program": "小程序"}
APP_STATES: Final = {"active": "使用中", "suspended": "暂停服务", "withdrawn": "已下线"}
PLACE_KINDS: Final = blocks.PLACE_KINDS
PLACE_STATES: Final = {"open": "正常服务", "suspended": "暂停服务", "withdrawn": "已撤销"}
AGE_MODES: Final = blocks.AGE_MODES
ITEM_STATES: Final = ("current", "ended")
"""Of an item that a resident keeps."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
