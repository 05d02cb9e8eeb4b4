"""Every field of a service item, told once: wire, sheets, checks, differences and the template follow these tables."""

from collections.abc import Mapping
from typing import Any, Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table

Content = Mapping[str, Any]
"""An item's content as plain JSON data: the names of ITEM and TABLES; what is not told is left out, never null."""


ITEM_TYPES: Final = {
    "licence": "行政许可",
    "payment": "行政给付",
    "confirmation": "行政确认",
    "reward": "行政奖励",
    "ruling": "行政裁决",
    "levy": "行政征收",
    "other_power": "其他行政权力",
    "public_service": "公共服务",
}
AUDIENCES: Final = {
    "person": "自然人",
    "firm": "企业法人",
    "institution": "事业法人",
    "society": "社会组织法人",
    "unincorporated": "非法人企业",
    "agency": "行政机关",
    "other": "其他组织",
}
REACHES: Final = {"office": "仅限属地办理", "citywide": "全市通办", "five_cities": "胶东五市通办"}
HANDLINGS: Final = {"instant": "即办件", "promised": "承诺件"}
DAY_UNITS: Final = {"working_days": "工作日", "calendar_days": "自然日"}
CHANNELS: Final = {
    "window": "窗口",
    "web": "网上",
    "app": "青e办",
    "terminal": "自助终端",
    "phone": "电话",
    "mail": "邮寄",
}
ONLINE: Final = frozenset({"web", "app"})
"""The channels by which an item counts as done online."""

DEPARTMENT_TYPES: Final = {"statutory": "法定机关", "authorised": "授权组织", "entrusted": "受委托组织"}

_DAYS = 3650

ITEM: Final = (
    Field("name", "事项名称", required=True, hint="与设定依据一致的规范名称"),
    Field("aliases", "俗称", field_types.WORDS, max=30, most=20, hint="群众常用的叫法，便于搜索"),
    Field("summary", "简介", field_types.LINES, max=500),
    Field("item_type", "事项类型", field_types.CHOICE, required=True, choices=ITEM_TYPES),
    Field("department", "实施主体编码", field_types.DEPARTMENT, max=18, required=True, hint="18位统一社会信用代码"),
    Field("district", "所属区划", field_types.DISTRICT, max=20, hint="区市名称或6位区划代码；市级事项留空"),
    Field("reach", "通办范围", field_types.CHOICE, required=True, choices=REACHES),
    Field(
        "audiences",
        "服务对象",
        field_types.CHOICES,
        most=len(AUDIENCES),
        required=True,
        choices=AUDIENCES,
        vocabulary="ItemAudience",
    ),
    Field("topics", "主题", field_types.TOPICS, max=40, hint="主题名称，见事项主题目录"),
    Field("channels", "办理渠道", field_types.CHOICES, most=len(CHANNELS), required=True, choices=CHANNELS),
    Field("legal_basis", "设定依据", field_types.LINES, max=4000),
    Field(
        "power_source",
        "权力来源",
        field_types.CHOICE,
        choices={"own": "法定本级行使", "granted": "上级授权", "delegated": "上级下放", "entrusted": "委托行使"},
    ),
    Field(
        "level",
        "行使层级",
        field_types.CHOICE,
        vocabulary="ItemLevel",
        choices={
            "national": "国家级",
            "province": "省级",
            "city": "市级",
            "county": "县级",
            "township": "乡镇级",
            "village": "村级",
        },
    ),
    Field("handling", "办件类型", field_types.CHOICE, required=True, choices=HANDLINGS),
    Field("statutory_days", "法定办结时限", field_types.WHOLE, max=_DAYS),
    Field("statutory_unit", "法定办结时限单位", field_types.CHOICE, choices=DAY_UNITS),
    Field("promised_days", "承诺办结时限", field_types.WHOLE, max=_DAYS),
    Field("promised_unit", "承诺办结时限单位", field_types.CHOICE, choices=DAY_UNITS),
    Field("conditions", "受理条件", field_types.LINES, max=4000),
    Field("flow", "办理流程", field_types.LINES, max=4000),
    Field("visits", "到办事现场次数", field_types.WHOLE, max=20),
    Field("special_procedures", "特别程序", field_types.WORDS, max=30, most=10, hint="如听证、专家评审、检验检测"),
    Field("charged", "是否收费", field_types.FLAG),
    Field("place", "办理地点", field_types.LINES, max=500),
    Field("hours", "办理时间", field_types.LINES, max=200),
    Field("phone", "咨询电话", max=100),
    Field("complaint_phone", "监督投诉电话", max=100),
    Field("online_url", "网上办理地址", field_types.LINK, max=500),
    Field("mobile_url", "移动端办理地址", field_types.LINK, max=500),
    Field(
        "online_depth",
        "网上办理深度",
        field_types.CHOICE,
        choices={
            "consulting": "互联网咨询",
            "collecting": "互联网收件",
            "prechecking": "互联网预审",
            "accepting": "互联网受理",
            "deciding": "互联网办理",
            "informing": "互联网办理结果信息反馈",
            "licensing": "互联网电子证照反馈",
        },
    ),
    Field("appointment", "是否支持预约办理", field_types.FLAG),
    Field("courier", "是否支持物流快递", field_types.FLAG),
    Field("online_payment", "是否支持网上支付", field_types.FLAG),
    Field("result_name", "办理结果名称"),
    Field(
        "result_type",
        "办理结果类型",
        field_types.CHOICE,
        choices={"licence": "证照", "document": "批文", "certificate": "证明", "other": "其他"},
    ),
    Field("township", "是否延伸至乡镇街道", field_types.FLAG),
    Field("village", "是否延伸至村社区", field_types.FLAG),
)

MATERIALS: Final = Table(
    "materials",
    "材料",
    "name",
    100,
    (
        Field("name", "材料名称", required=True),
        Field(
            "need",
            "材料必要性",
            field_types.CHOICE,
            required=True,
            choices={"required": "必要", "optional": "非必要", "later": "容缺后补"},
        ),
        Field(
            "type",
            "材料类型",
            field_types.CHOICE,
            vocabulary="MaterialType",
            choices={"original": "原件", "copy": "复印件", "both": "原件和复印件"},
        ),
        Field(
            "form",
            "材料形式",
            field_types.CHOICE,
            choices={"paper": "纸质", "electronic": "电子", "either": "纸质或电子"},
        ),
        Field(
            "source",
            "来源渠道",
            field_types.CHOICE,
            vocabulary="MaterialSource",
            choices={"applicant": "申请人自备", "government": "政府部门核发", "other": "其他"},
        ),
        Field("source_note", "来源渠道说明", max=500),
        Field("copies", "份数", field_types.WHOLE, max=100),
        Field("blank_url", "空白表格", field_types.LINK, max=500),
        Field("sample_url", "示例样表", field_types.LINK, max=500),
        Field("basis", "要求提供材料的依据", field_types.LINES, max=2000),
        Field("note", "填报须知", field_types.LINES, max=1000),
    ),
)
FEES: Final = Table(
    "fees",
    "收费",
    "name",
    20,
    (
        Field("name", "收费项目名称", required=True),
        Field("standard", "收费标准", field_types.LINES, max=1000, required=True),
        Field("basis", "收费依据", field_types.LINES, max=2000),
        Field("reducible", "是否允许减免", field_types.FLAG),
        Field("reduction_basis", "减免依据", field_types.LINES, max=2000),
    ),
)
QUESTIONS: Final = Table(
    "questions",
    "常见问题",
    "question",
    50,
    (
        Field("question", "问题", field_types.LINES, max=300, required=True),
        Field("answer", "解答", field_types.LINES, max=3000, required=True),
    ),
)
TABLES: Final = (MATERIALS, FEES, QUESTIONS)
