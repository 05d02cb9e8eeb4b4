"""Shows the made-up city to whoever tries it out: who can sign in, and how scanners enrol."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from qe_ban.config import sandbox_data
from qe_ban.sandbox.secrets_file import StaffSecrets

ROLES = {
    "adult, all five codes active": "五码齐全",
    "adult, health code yellow": "健康码黄码",
    "adult, social security card reported lost: social code suspended": "社保卡已挂失",
    "adult, not insured: no medical code": "未参保，无医保码",
    "born in 1950 under a county code that began later; uses paper codes": "1950年出生的老人",
    "holds a residence permit for Hong Kong, Macao and Taiwan residents (83...)": "持港澳台居民居住证",
    "child of the first adult, no phone of their own": "未成年，测试甲为监护人",
    "child of the first two adults, nobody's ward yet": "未成年，测试甲、测试乙的子女，可添加为被监护人",
    "old parent of the third adult without a phone, nobody's ward yet": "无手机的老人，可由窗口核验后代办",
    "signed in, real name not yet verified": "尚未实名",
}
PIPE_WIDTH = 160


def console() -> Console:
    """Give a console on standard output; a pipe has no width and gets wide lines."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_accounts(staff: Sequence[StaffSecrets], screen: Console | None = None) -> None:
    """Print residents, staff with their secrets, and the enrolment codes."""
    screen = screen or console()
    data = sandbox_data()
    residents = _table("沙盒居民（验证码由接口直接返回）", "手机", "姓名", "证件号码", "情形")
    for row in data["residents"]:
        said = (row["phone"] or "无手机", row["name"] or "—", row["id_number"] or "—")
        residents.add_row(*said, ROLES.get(row["role"], ""))
    members = _table("沙盒工作人员", "用户名", "密码", "动态口令密钥", "角色", "范围")
    for member in staff:
        members.add_row(member.username, member.password, member.totp_secret, ", ".join(member.roles), _place(member))
    codes = _table("设备注册码（用过后以 qe-ban sandbox reset 恢复）", "注册码", "场所", "用途")
    for row in data["scanners"]:
        codes.add_row(row["enrolment_code"], row["name"], ", ".join(row["purposes"]))
    for table in (residents, members, codes):
        screen.print(table)
    screen.print(f"人脸核验在沙盒中提交固定内容：{data['step_up_proof']}")


def _place(member: StaffSecrets) -> str:
    """Say what a member of staff answers for; a hall and a district may have the same name."""
    places = (("区", member.district), ("分厅", member.hall), ("专区", member.zone), ("部门", member.department))
    return next((f"{what} {which}" for what, which in places if which is not None), "全市")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    return table
