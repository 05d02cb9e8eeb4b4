"""The steps of a start, as they are told to whoever waits: in English by `up`, in Chinese by `demo`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Step:
    """A line about what begins now."""

    english: str
    chinese: str


Say: TypeAlias = Callable[[Step], object]

ENGINES: Final = Step("starting PostgreSQL and Valkey", "启动数据库与缓存")
SCHEMA: Final = Step("bringing the database to this version", "更新数据库结构")
KEYS: Final = Step("looking after keys", "准备密钥")
PEOPLE: Final = Step("loading the sandbox's people and venues", "装入演示居民与场所")
SAMPLES: Final = {
    "catalogue": Step("loading the sample's items (a minute or more)", "装入示例事项（约需一分钟或更久）"),
    "pages": Step(
        "loading the sample's halls and zones (half a minute or more)", "装入示例分厅与专区（约需半分钟或更久）"
    ),
}
SERVERS: Final = Step("starting the job worker and the web workers", "启动任务进程与服务进程")


def progress(done: int, total: int) -> Step:
    """Return the line that says how much of a sample is there."""
    return Step(f"  {done} of {total}", f"  已装入 {done}/{total}")


def waiting(seconds: float, servers: str, why: str) -> Step:
    """Return the line that says that no server takes writes yet."""
    return Step(
        f"waiting up to {seconds:.0f} s for a server that takes writes ({servers}): {why}",
        f"等待可写的数据库，最多 {seconds:.0f} 秒（{servers}）：{why}",
    )


def old_valkey(version: str) -> Step:
    """Return the warning about a Valkey or Redis that nobody has tried this with."""
    return Step(
        f"warning: QE_REDIS_URL answers as version {version}; older than 7.0 has not been tried",
        f"警告：QE_REDIS_URL 的版本为 {version}，低于 7.0 的版本未经验证",
    )
