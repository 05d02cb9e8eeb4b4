"""Search and suggestions on 100,000 items: how long they take at the service, with their SQL, beside `SELECT 1`."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import catalogue
from bench.load import BenchFailed
from qe_ban import migrations
from qe_ban.db.engine import Database
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.items.service import departments, indexing, publishing, searching, seeding, suggesting
from qe_ban.kernel import city_file
from qe_ban.kernel.city import City
from qe_ban.sandbox.catalogue import files

RECALL = Path(__file__).parents[1] / "tests" / "vectors" / "items" / "recall.json"
ITEMS, FEW_ITEMS = 100_000, 20_000
AT_ONCE = 500
SEARCH_GOAL, SUGGEST_GOAL, MEMORY_GOAL = 25.0, 10.0, 300.0
TYPED_QUERIES = (
    "shebaoka",
    "社会保障卡申领",
    "身份证补领",
    "zhuxiaodengji",
    "jiazhao",
    "sfzbl",
    "营业执照变更",
    "gongjijin",
    "结婚登记",
)
NONSENSE = (
    "asdfghjkl",
    "啊啊啊啊啊",
    "%' OR 1=1 --",
    "& | ! :* <->",
    "zzzzzzzzzzzz",
    "今天天气真好",
    "1234567890",
    "😀😀",
)
COMMON = ("登记", "变更", "许可", "证", "办理", "企业", "zx", "bg", "dengji")
HALLS = (None, "laoshan", "city", "shinan")


@dataclass(frozen=True, slots=True)
class Times:
    """How long calls took, ms."""

    calls: int
    p50: float
    p95: float
    slowest: float
    slowest_was: str


@dataclass(frozen=True, slots=True)
class Items:
    """What was found on a catalogue of `items` items and `wordings` wordings. Memory in MiB, times in ms."""

    items: int
    wordings: int
    floor: Times
    search: Times
    suggest: Times
    memory: float

    def goals(self) -> list[tuple[str, float, str, float, bool]]:
        """Return what was wanted: name, measured, `at most`, the value, whether it is met."""
        figures = (
            ("search, p95, ms", self.search.p95, SEARCH_GOAL),
            ("suggest, p95, ms", self.suggest.p95, SUGGEST_GOAL),
            ("memory of a process that searches, MiB", self.memory, MEMORY_GOAL),
        )
        return [(name, figure, "at most", value, figure <= value) for name, figure, value in figures]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON data."""
        return asdict(self)

    def table(self) -> Table:
        """Return everything for people."""
        table = Table(title=f"{self.items} items, {self.wordings} wordings; ms at the service, its SQL included")
        for name in ("call", "calls", "p50", "p95", "slowest", "which was"):
            table.add_column(name, justify="left" if name in {"call", "which was"} else "right")
        for name, times in (("SELECT 1", self.floor), ("search", self.search), ("suggest", self.suggest)):
            figures = (times.p50, times.p95, times.slowest)
            table.add_row(name, str(times.calls), *(f"{value:.1f}" for value in figures), times.slowest_was)
        return table


def measure(count: int) -> Items:
    """Make a catalogue on a PostgreSQL of its own and measure. Raises BenchFailed, EngineError."""
    with _engine() as url:
        # in a process of its own: jieba is for those who publish, and this one's memory is measured
        process = subprocess.run([sys.executable, "-m", "bench.items", url, str(count)], check=False)
        if process.returncode:
            raise BenchFailed("the catalogue could not be made")
        database = Database(url, pool=1)
        try:
            return _measure(database)
        finally:
            database.dispose()


def make(database: Database, count: int) -> None:
    """Fill an empty database with so many items."""
    now = datetime.now(UTC)
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        departments.ensure(session, catalogue.departments(), now)
        seeding.topics(session, catalogue.topics(), now)
        seeding.synonyms(session, files.read("synonyms"), now)
    drafts = catalogue.drafts(count)
    while some := list(islice(drafts, AT_ONCE)):
        with database.transaction() as session:
            publishing.put(session, some, by=None, source=publishing.VersionSource.SAMPLE, now=now)
    with database.transaction() as session:
        seeding.popularity(session, catalogue.popularity())
        indexing.tidy(session, now)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def queries() -> list[str]:
    """Return what is searched for: the recall set, words that are everywhere, nonsense."""
    return [case["query"] for case in json.loads(RECALL.read_text("utf-8"))] + [*COMMON, *NONSENSE]


def beginnings() -> list[str]:
    """Return what is typed: some queries letter by letter, nonsense."""
    prefixes = [word[:end] for word in TYPED_QUERIES for end in range(1, len(word) + 1)]
    return [*prefixes, *NONSENSE[:2], *COMMON]


def _measure(database: Database) -> Items:
    city, now = _city(), datetime.now(UTC)
    texts, prefixes = queries(), beginnings()
    with database.transaction() as session:
        items, wordings = session.execute(
            text("SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM item_texts)")
        ).one()
    search, suggest = _search(city, now), _suggest(city, now)
    for warm in (texts, prefixes):
        _time_calls(database, search if warm is texts else suggest, warm[:40])
    return Items(
        items=items,
        wordings=wordings,
        floor=_time_calls(database, lambda session, _, __: session.execute(text("SELECT 1")), texts),
        search=_time_calls(database, search, texts),
        suggest=_time_calls(database, suggest, prefixes),
        memory=_resident(),
    )


Call = Callable[[Session, str, str | None], object]


def _search(city: City, now: datetime) -> Call:
    def call(session: Session, q: str, hall: str | None) -> object:
        return searching.search(session, city, q, searching.Filters(hall=hall), offset=0, limit=20, now=now)

    return call


def _suggest(city: City, now: datetime) -> Call:
    def call(session: Session, q: str, hall: str | None) -> object:
        return suggesting.suggest(session, city, q, hall=hall, now=now)

    return call


def _time_calls(database: Database, call: Call, texts: Sequence[str]) -> Times:
    took: list[tuple[float, str]] = []
    for place, q in enumerate(texts):
        start = time.perf_counter()
        with database.transaction() as session:
            call(session, q, HALLS[place % len(HALLS)])
        took.append(((time.perf_counter() - start) * 1000, q))
    took.sort()
    return Times(len(took), took[len(took) // 2][0], took[int(len(took) * 0.95)][0], *took[-1])


@contextmanager
def _engine() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="qe-bench-items-") as directory:
        Path(directory).chmod(0o755)
        home = Home(Path(directory) / "home")
        engine = Postgres(home)
        engine.start()
        try:
            yield engine.url
        finally:
            engine.stop()
            home.release()


def _city() -> City:
    return city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))


def _resident() -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    make(Database(sys.argv[1], pool=1), int(sys.argv[2]))
