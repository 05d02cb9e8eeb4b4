"""What somebody owns, made for real: a thing, its owner, and others with the same rights elsewhere who ask for it."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from qe_ban.accounts.service import residents
from tests.factories.codes import Person, Town
from tests.factories.pages import API
from tests.factories.pages import Town as Places
from tests.zones.conftest import FORM, Zones

Headers = dict[str, str]
PURPOSE, PLACE_OF_SCAN = "gate-entry", "370202"


@dataclass(frozen=True)
class Thing:
    """Something that is somebody's: by which values it is named, and what its owner sees of it."""

    owner: Headers
    others: tuple[Headers, ...]
    read: Callable[[], object]
    names: Mapping[str, str] = field(default_factory=dict)
    # what its owner is told, and nobody else
    marks: tuple[str, ...] = ()
    # what others put in place of a value: a zone of their own, that they may enter, and then another's demand
    own: Mapping[str, str] = field(default_factory=dict)
    # what never was, where that is not an id
    never: Mapping[str, str] = field(default_factory=dict)
    # what is to be done so that other tests do not meet it
    over: Callable[[], object] = lambda: None
    # what is sent, where the row of the table cannot know it
    body: object = None


class World:
    """A city of one's own for one module: everything is made anew for each row, so that rows never meet."""

    def __init__(self, places: Places) -> None:
        self.places, self.people, self.zones = places, Town(places.parts), Zones(places)
        self.zone, self.other_zone = (self.zones.publish(FORM) for _ in range(2))
        self.hall, self.other_hall = places.hall(), places.hall()
        self.district, self.other_district = places.district[self.hall], places.district[self.other_hall]

    @property
    def database(self):
        return self.places.database

    def call(self, method, path, headers=None, **options):
        return self.places.client.open(f"{API}{path}", method=method.upper(), headers=headers, **options)

    def succeed(self, method, path, headers=None, **options):
        """Call what must succeed; gives the answer's JSON."""
        answer = self.call(method, path, headers, **options)
        assert answer.status_code < 300, (method, path, answer.get_data(as_text=True))
        return answer.get_json(silent=True)

    def reads(self, headers, *paths):
        """Give what reads these paths as somebody, whenever it is called."""
        return lambda: [self.succeed("get", path, headers) for path in paths]

    def person(self) -> Person:
        """A resident with a confirmed name and a face check, of whose number there is one only."""
        born = f"{random.randint(1950, 1999)}{random.randint(1, 12):02d}{random.randint(1, 28):02d}"
        return self.people.resident(born=born, records=False)

    def heir(self, person: Person) -> Headers:
        """Whoever signs in by the phone of somebody whose account is closed."""
        with self.database.transaction() as session:
            heir_id = residents.of_phone(self.places.parts.rings, session, phone=person.phone, now=self.people.now)
        assert heir_id != person.id
        return {"Authorization": f"Bearer {self.people.access(heir_id)}"}

    def scan(self, person: Person, district=PLACE_OF_SCAN) -> str:
        """Let somebody be scanned once; gives the ledger's entry."""
        code = self.succeed("post", "/codes/identity/issue", person.headers)["code"]
        terminal = self.people.terminal(PURPOSE, district=district)
        request = {"scan_id": str(UUID(int=random.getrandbits(128))), "code": code, "purpose": PURPOSE}
        assert self.succeed("post", "/codes/verify", terminal.headers, json=request)["accepted"]
        return self.succeed("get", "/codes/ledger", person.headers)["items"][0]["id"]

    def open_dispute(self, person: Person, district=PLACE_OF_SCAN) -> str:
        path = f"/codes/ledger/{self.scan(person, district)}/dispute"
        return self.succeed("post", path, person.headers, json={"text": "我当天不在青岛"})["id"]

    def dismiss(self, dispute_id: str) -> str:
        """Answer a dispute: it is dismissed; gives its id."""
        staff = self.places.staff("city_admin").headers
        self.succeed("post", f"/disputes/{dispute_id}/answer", staff, json={"text": "不成立", "upheld": False})
        return dispute_id


def place_of(name: str, path: str) -> str:
    """Tell where a value stands that names something: path, header, query or body."""
    if "{" + name + "}" in path:
        return "path"
    return {"Idempotency-Key": "header", "for": "query", "cursor": "query"}.get(name, "body")


def ask(world: World, operation: str, who: Headers, names: Mapping[str, str], *, query=None, body=None):
    """Ask for an operation of the description (`get /path/{name}`), each value where it belongs."""
    method, path = operation.split(" ")
    headers, query, payload = dict(who), dict(query or {}), body
    if method != "get":
        headers["If-Match"] = "*"
    for name, value in names.items():
        match place_of(name, path):
            case "path":
                path = path.replace("{" + name + "}", value)
            case "header":
                headers[name] = value
                headers.pop("If-Match")
            case "query":
                query[name] = value
            case _:
                payload = (payload or {}) | {name: value}
    if isinstance(payload, bytes):
        return world.call(method, path, headers | {"Content-Type": "text/csv"}, query_string=query, data=payload)
    options = {} if payload is None else {"json": payload}
    return world.call(method, path, headers, query_string=query, **options)


def comparable(answer) -> tuple[object, ...]:
    """Give all that an answer tells, but what differs from call to call."""
    body = answer.get_json(silent=True)
    content = json.dumps({name: value for name, value in (body or {}).items() if name != "request_id"}, sort_keys=True)
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-Id", "Date")}
    return answer.status_code, content, headers
