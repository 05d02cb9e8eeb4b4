"""Halls and zones once over HTTP: a phone opens both, and an editor and a reviewer change what residents see."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from gettext import gettext as _
from typing import Any
from urllib.parse import quote

from qe_ban.cli.api import Answer, Api
from qe_ban.kernel.clock import CITY_TIME, rfc3339, system_clock

HALL, ZONE = "laoshan", "karos"
EDITOR, REVIEWER = "laoshan-editor", "laoshan-reviewer"
WORD = "追溯"
"""What is looked for among the zone's solutions."""
BLOCK = "demo-notice"
TITLE = "演示公告：本条由编辑起草、审核员审核后发布"
STANDS = timedelta(minutes=2)
"""For so long the notice would stand if the demonstration were cut off before it takes it back."""
SEEN_WITHIN = 2.0
"""Seconds in which what is published must be seen."""


@dataclass(frozen=True, slots=True)
class PageLoad:
    """One request for a screen: its content, its bytes plain and on the wire, seconds, and its ETag."""

    content: Mapping[str, Any]
    size: int
    wire_size: int
    seconds: float
    tag: str


@dataclass(frozen=True, slots=True)
class Pages:
    """What was seen of halls and zones; `seconds` after its publication the notice was there, None for not tried."""

    hall: PageLoad
    zone: PageLoad
    solutions: Sequence[str]
    total: int
    seconds: float | None


class PagesJob:
    """The pages' part of one run. `begin` names a step, `require` ends it with a reason, `sign_in` signs staff in."""

    def __init__(
        self, api: Api, begin: Callable[[str], None], require: Callable[[bool, str], None],
        sign_in: Callable[[str], str],
    ) -> None:  # fmt: skip
        self._api, self._begin, self._require, self._sign_in = api, begin, require, sign_in

    def run(self) -> Pages:
        """Do it. Raises Refused, and what `require` raises."""
        self._begin(_("A phone opens the Laoshan hall in one call; asked again, nothing has changed"))
        hall = self._open(f"/halls/{HALL}")
        again = self._api.ask("GET", f"/halls/{HALL}", headers={"If-None-Match": hall.tag, "Accept-Encoding": "gzip"})
        self._require(
            again.status == 304 and not again.content,
            _("answered {status} where nothing has changed, and 304 is right").format(status=again.status),
        )
        self._begin(_("Opening the Kaaosi zone, searching its solutions"))
        zone = self._open(f"/zones/{ZONE}")
        rows = self._api.get("GET", f"/zones/{ZONE}/solutions?q={quote(WORD)}").data
        self._require(rows["total"] > 0, _("no solution for {word} was found").format(word=WORD))
        self._begin(
            _("An editor drafts a notice, a reviewer approves it, it is published, seen in the hall, and rolled back")
        )
        return Pages(hall, zone, [row["name"] for row in rows["items"]], rows["total"], self._publish_notice())

    def _open(self, path: str) -> PageLoad:
        began = time.perf_counter()
        answer = self._api.get("GET", path, headers={"Accept-Encoding": "gzip"})
        seconds = time.perf_counter() - began
        wire_size = int(answer.headers.get("Content-Length", len(answer.content)))
        self._require(bool(answer.data["blocks"]), _("{path} is empty").format(path=path))
        return PageLoad(answer.data, len(answer.content), wire_size, seconds, answer.headers["ETag"])

    def _publish_notice(self) -> float | None:
        """Bring a notice as far as residents, and take it back; gives after how many seconds it was there.

        Where staff are at work on the page, they are left alone.
        """
        editor, reviewer = self._sign_in(EDITOR), self._sign_in(REVIEWER)
        draft = self._api.get("GET", f"/halls/{HALL}/draft", token=editor)
        content = draft.data["content"]
        ours = any(block["id"] == BLOCK for block in content["blocks"])
        if draft.data["state"] != "published" and not ours:
            return None
        before = draft.data["in_force"]
        page = self._change("PUT", "draft", editor, draft, _with_notice(content, system_clock()))
        page = self._change("POST", "submit", editor, page)
        page = self._change("POST", "approve", reviewer, page)
        times = {"end_at": rfc3339(system_clock() + STANDS)}
        page = self._change("POST", "publish", editor, page, times)
        seconds = self._wait_for_notice()
        if before is not None:
            self._change("POST", "rollback", editor, page, {"version": before})
        return seconds

    def _change(
        self, method: str, verb: str, token: str, last: Answer, body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Change the page if it still is as it was last answered."""
        precondition = {"If-Match": last.headers["ETag"]}
        return self._api.get(method, f"/halls/{HALL}/{verb}", token=token, body=body, headers=precondition)

    def _wait_for_notice(self) -> float:
        began = time.perf_counter()
        while True:
            notices = self._api.get("GET", f"/halls/{HALL}").data["notices"]
            seconds = time.perf_counter() - began
            if any(notice["title"] == TITLE for notice in notices):
                return seconds
            self._require(
                seconds < SEEN_WITHIN,
                _("the hall does not show it {seen_within:.0f} s after its publication").format(
                    seen_within=SEEN_WITHIN
                ),
            )
            time.sleep(0.05)


def _with_notice(content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a page with the notice; what an earlier run left of it is replaced."""
    notice = {
        "title": TITLE,
        "level": "important",
        "published_on": now.astimezone(CITY_TIME).date().isoformat(),
        "body": "两分钟内自动撤下。",
    }
    block = {"id": BLOCK, "type": "notice", "notices": [notice]}
    return {**content, "blocks": [block, *(one for one in content["blocks"] if one["id"] != BLOCK)]}
