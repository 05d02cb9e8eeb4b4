"""The search for words: what people said over the interface is looked for in every byte at rest, in every spelling."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import psycopg

from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import API
from tests.factories.items import add_item
from tests.privacy.attack import pages
from tests.privacy.attack.city import Resident
from tests.privacy.attack.life import Day, Phone, visit
from tests.zones.conftest import Zones, demand

CASE = {"case_number": "QD-2026-000001"}
ADDRESS = "203.0.113.177"
MARGIN = 2
"""Characters of base64 at either end that depend on what stands beside."""


def spellings(word: str) -> dict[str, bytes]:
    """Return the bytes by which a word may stand somewhere, by the name of the spelling."""
    plain = word.encode()
    escaped = "".join(char if char.isascii() else f"\\u{ord(char):04x}" for char in word)
    spelled = {
        "UTF-8": plain,
        "UTF-16 LE": word.encode("utf-16-le"),
        "UTF-16 BE": word.encode("utf-16-be"),
        "GB 18030": word.encode("gb18030"),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "JSON escapes": escaped.encode(),
        "JSON ESCAPES": escaped.upper().replace("\\U", "\\u").encode(),
        "URL escapes": quote(word, safe="").encode(),
        "url escapes": quote(word, safe="").lower().encode(),
    }
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + plain + b"\0" * (-(shift + len(plain)) % 3))
        inner = whole[MARGIN + shift : len(whole) - 4] if shift or len(plain) % 3 else whole
        spelled[f"base64, shifted by {shift}"] = inner
        spelled[f"base64 for URLs, shifted by {shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    # what is spelled alike is looked for once
    return {name: raw for raw, name in {raw: name for name, raw in reversed(spelled.items())}.items()}


@dataclass
class Phrases:
    """What people said over the interface, by what it is."""

    words: dict[str, str] = field(default_factory=dict)

    def say(self, what: str, word: str) -> str:
        self.words[what] = word
        return word


def speak(day: Day) -> Phrases:
    """Say something personal everywhere where the interface takes words; who says it is none of the city's crowd."""
    phrases, city = Phrases(), day.builder.city
    town, client = city.town, city.app.test_client()
    people = [day.builder.resident(1000 + number) for number in range(4)]
    for number, one in enumerate(people[:2]):
        _remember(phrases, number, one)
    officer = town.staff("health_officer")

    def call(method: str, path: str, headers: dict | None = None, **more) -> dict:
        answer = client.open(f"{API}{path}", method=method, headers=headers, **more)
        assert answer.status_code < 300, (path, answer.get_data(as_text=True))
        return answer.get_json() or {}

    speaker = Phone(client, people[0])
    _dispute(day, phrases, speaker, call)
    text = phrases.say("words of a request for correction", "我哮喘复诊记录有误")
    speaker.call("POST", "/me/health/corrections", {"text": text})
    look_up = call("POST", "/residents/look-up", officer, json={"phone": people[1].phone, **CASE})
    change = {
        "residents": [look_up["id"]], "expected_count": 1, "level": "yellow", "basis": "observation", **CASE,
        "reason": phrases.say("reason of a health level", "同住人确诊肺结核甲"),
        "ends_at": (system_clock().replace(microsecond=0) + timedelta(days=3)).isoformat(),
    }  # fmt: skip
    call("POST", "/health/changes", officer, json=change)
    _window(day, phrases, people[1:3], call)
    _demand(day, phrases, people[3])
    Phone(client, people[3]).call("POST", "/me/closing", {"confirm": True})
    search = phrases.say("search without a result", "乙肝携带者入职歧视求助")
    call("GET", "/items", query_string={"q": search})
    entry = add_item(city.parts.database)
    phrases.say("address of a reader", ADDRESS)
    call("GET", f"/items/{entry}", environ_base={"REMOTE_ADDR": ADDRESS})
    return phrases


def _remember(phrases: Phrases, number: int, one: Resident) -> None:
    if len(one.name) > 2:
        phrases.say(f"name {number}", one.name)
    phrases.say(f"phone {number}", one.phone)
    phrases.say(f"number of a document {number}", one.id_number)


def _dispute(day: Day, phrases: Phrases, speaker: Phone, call: Callable[..., dict]) -> None:
    for _ in visit(day, speaker, "gate-entry"):
        pass
    entry = speaker.call("GET", "/codes/ledger")["items"][0]
    text = phrases.say("words of a dispute", "我当时在做透析没有进站")
    dispute = speaker.call("POST", f"/codes/ledger/{entry['id']}/dispute", {"text": text})
    answer = {"text": phrases.say("answer to a dispute", "经核实系抑郁症患者误扫"), "upheld": True}
    call("POST", f"/disputes/{dispute['id']}/answer", day.builder.city.town.staff("city_admin"), json=answer)


def _window(day: Day, phrases: Phrases, people: list[Resident], call: Callable[..., dict]) -> None:
    clerk = day.builder.city.town.staff("clerk")
    case = {
        "kind": "lost_phone", "id_type": "resident_id", "id_number": people[1].id_number, **CASE,
        "basis": phrases.say("basis of a recovery case", "本人癫痫发作遗失手机"),
    }  # fmt: skip
    call("POST", "/recovery/cases", clerk, json=case)
    guardian, ward = (SimpleNamespace(id=one.id, name=one.name, id_number=one.id_number) for one in people)
    pending = day.builder.city.town.guard(guardian, ward, state="pending")
    papers = phrases.say("papers seen for a guardianship", "出具精神分裂诊断书")
    call("POST", f"/guardianships/{pending}/confirm", clerk, json={"basis_seen": papers, **CASE})


def _demand(day: Day, phrases: Phrases, sender: Resident) -> None:
    city = day.builder.city
    zones = Zones(
        SimpleNamespace(app=city.app, client=city.app.test_client(), clock=system_clock, database=city.parts.database)
    )
    zones.publish(slug="karos")
    words = {
        "title": phrases.say("title of a demand", "员工矽肺赔偿贷款周转"),
        "text": phrases.say("text of a demand", "厂长胃癌晚期急需转让"),
        "contact": phrases.say("contact of a demand", "欧阳菁菁"),
        "phone": phrases.say("phone of a demand", "13964271835"),
    }
    body = demand(**words)
    answer = zones.call("POST", "/zones/karos/demands", sender.headers, body, **{"Idempotency-Key": "privacy-demand"})
    assert answer.status_code == 201, answer.json


@dataclass(frozen=True)
class Hit:
    """A word that was found at rest."""

    what: str
    spelling: str
    place: str


def at_rest(day: Day, log: str) -> Iterator[tuple[str, bytes]]:
    """Yield everything that lies somewhere, with a name for the place."""
    city = day.builder.city
    home = city.home.path
    with psycopg.connect(city.postgres.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        tables = pages.relations(connection)
        ours, others = connection.execute(
            "SELECT max(oid) FILTER (WHERE datname = current_database()), array_agg(oid::text) FROM pg_database"
        ).fetchone()
    # other databases of the server were made with it, and hold nothing of the city
    ignored = {home / "postgres" / "base" / oid for oid in others if oid != str(ours)}
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.parent not in ignored:
            yield _place(path, home, tables), path.read_bytes()
    yield "log", log.encode()
    for path in sorted((city.settings.media_dir or Path("/nonexistent")).rglob("*")):
        if path.is_file():
            yield "media", path.read_bytes()


def _place(path: Path, home: Path, tables: dict[int, str]) -> str:
    parts = path.relative_to(home).parts
    if parts[0] == "postgres" and parts[1] == "base":
        number = path.name.partition(".")[0].partition("_")[0]
        return f"files of {tables.get(int(number), 'the catalogue')}" if number.isdecimal() else "/".join(parts[:2])
    return "WAL" if "pg_wal" in parts else "/".join(parts[:2])


def search(phrases: Phrases, places: Iterator[tuple[str, bytes]]) -> set[Hit]:
    """Return where words stand, and how they are spelled there."""
    patterns = [(what, name, raw) for what, word in phrases.words.items() for name, raw in spellings(word).items()]
    hits = set()
    for place, content in places:
        # what was never written is empty to its end
        text = content.rstrip(b"\0")
        hits |= {Hit(what, name, place) for what, name, raw in patterns if raw in text}
    return hits
