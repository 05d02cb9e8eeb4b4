"""Where the links of pages may lead: https addresses on the city's allowed hosts."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from qe_ban.kernel.field_types import is_link

_HOST_NAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
"""A host as the DNS has it (RFC 1123, 2.1); others are written in their ASCII form (RFC 5890)."""


def wrong(address: str, hosts: Collection[str]) -> str | None:
    """Return in Chinese why a link is not allowed; None where it is, and for what is no link at all.

    `*.example.cn` among the hosts takes example.cn and all below it.
    """
    if not is_link(address):
        return None
    parts = urlsplit(address)
    if parts.scheme != "https":
        return "须为 https 开头的网址"
    host = parts.hostname or ""
    if not _HOST_NAME.fullmatch(host):
        return f"网址的域名 {host[:60]} 不正确"
    if any(_takes(one, host) for one in hosts):
        return None
    return f"网址的域名 {host[:60]} 不在允许范围内"


def is_allowed(address: str, hosts: Collection[str] | None) -> bool:
    """Return whether an address is a link that is allowed; without hosts, on any."""
    if not is_link(address) or urlsplit(address).scheme != "https":
        return False
    return hosts is None or wrong(address, hosts) is None


def _takes(one: str, host: str) -> bool:
    if one.startswith("*."):
        return host == one[2:] or host.endswith(one[1:])
    return host == one
