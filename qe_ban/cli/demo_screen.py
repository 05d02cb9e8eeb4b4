"""What the demonstration prints, for people who try the product out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from qe_ban.cli import sandbox_screen
from qe_ban.cli.demo_job import Shown, StepFailed
from qe_ban.cli.demo_pages import WORD, Opened, Pages
from qe_ban.cli.plan import Asked
from qe_ban.codes import qr
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.sandbox.secrets_file import StaffSecrets

STATES = {"active": "可用", "suspended": "已停用", "revoked": "已注销", "not_entitled": "无资格"}
SUGGESTED = 3


def step(screen: Console, text: str) -> None:
    """Print the name of a step that begins."""
    screen.print(f"[dim]·[/] {text}")


def shown(screen: Console, seen: Shown) -> None:
    """Print a code to scan, the wallet, the verdict, the ledger's line and what a search found."""
    code, entry, verdict = seen.code, seen.entry, seen.verdict
    screen.print()
    screen.print(Text.from_ansi(qr.terminal(code["code"], ansi=screen.is_terminal)), no_wrap=True)
    screen.print(f"身份码，{_time(code['expires_at'])} 前有效（{code['ttl']} 秒）：")
    # one line that can be copied whole
    screen.print(code["code"], soft_wrap=True, markup=False)
    screen.print()
    states = "  ".join(f"{kind['name']} {STATES.get(kind['state'], kind['state'])}" for kind in seen.wallet)
    screen.print(f"码包　　{states}", markup=False)
    name = verdict["holder"]["masked_name"]
    screen.print(f"核验　　[bold green]通过[/]（{verdict['reason']}），扫码枪只看到：{name}")
    where = f"{entry['venue']['name']}（{entry['venue']['scanner']}）"
    fields = "、".join(entry["fields"])
    line = f"用码记录　{_time(entry['at'])}　{where}　{entry['purpose_name']}　通过　披露：{fields}"
    screen.print(line, markup=False)
    screen.print(f"搜索　　{seen.search.typed} → {_found(seen.item)}", markup=False, soft_wrap=True)
    others = [name for name in seen.search.names if name != seen.item["name"]]
    screen.print(f"输入提示　{'；'.join(others[:SUGGESTED])}", markup=False, soft_wrap=True)
    _pages(screen, seen.pages)
    screen.print()


def _pages(screen: Console, pages: Pages) -> None:
    """Print what was seen of halls and zones."""
    hall, zone = pages.hall, pages.zone
    screen.print(f"分厅　　{_opened(hall)}；再问一次：304", markup=False, soft_wrap=True)
    own = [app["name"] for app in hall.shows["apps"] if app["districts"]]
    screen.print(f"本区应用　{'、'.join(own)}", markup=False, soft_wrap=True)
    screen.print(f"专区　　{_opened(zone)}", markup=False, soft_wrap=True)
    names = "；".join(pages.solutions[:SUGGESTED])
    screen.print(f"解决方案　搜“{WORD}”找到 {pages.found} 个：{names}", markup=False, soft_wrap=True)
    if pages.seconds is None:
        screen.print("发布　　有人正在编辑崂山分厅，这一步没有做", soft_wrap=True)
    else:
        screen.print(f"发布　　起草、审核、发布，{pages.seconds:.2f} 秒后居民看到；已恢复原版", soft_wrap=True)


def _opened(page: Opened) -> str:
    size = f"{page.size / 1024:.1f} KB，压缩后 {page.sent / 1024:.1f} KB，{page.seconds * 1000:.0f} 毫秒"
    return f"{page.shows['title']}：一次调用 {len(page.shows['blocks'])} 个区块，{size}"


def failed(screen: Console, failure: StepFailed) -> None:
    """Print which step went wrong."""
    screen.print(Text(f"演示未完成：{failure.step}：{failure.why}", style="bold red"))


def addresses(screen: Console, asked: Asked, staff: list[StaffSecrets], log: str) -> None:
    """Print where everything is, who can sign in, and how it ends."""
    sandbox_screen.print_accounts(staff, screen)
    screen.print()
    for name, path in (("接口", "/api/v1"), ("接口文档", "/api/v1/docs"), ("存活", "/healthz"), ("就绪", "/readyz")):
        screen.print(f"{name}　{asked.address}{path}", markup=False)
    enrol = f"--server {asked.address} --code SANDBOX-GOV-0001 --label 我的扫码枪 --key var/scanner.json"
    screen.print("自己扮演扫码枪")
    screen.print(f"  qe-ban scanner enrol {enrol}", markup=False, soft_wrap=True)
    screen.print("  qe-ban scanner verify --key var/scanner.json --purpose identity-check '码'", markup=False)
    screen.print(f"日志　{log}", markup=False, soft_wrap=True)
    screen.print("[bold]按 Ctrl-C 结束；数据保留，下次启动仍在。[/]")


def _found(item: Mapping[str, Any]) -> str:
    days = f"承诺{item['promised_days']}个{item['labels']['promised_unit']}办结"
    return f"{item['name']}（{item['labels']['department']}，{days}）"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(CITY_TIME).strftime("%H:%M:%S")
