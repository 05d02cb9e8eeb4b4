"""What was deleted is still on the disk, and noise: not even with every key that there is does a thief open it."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy import text as sql

from qe_ban.kernel.clock import system_clock
from qe_ban.keys import resealing, vault, wrapping
from qe_ban.keys.models import Key, Ring
from tests.factories.accounts import API
from tests.factories.codes import turn_over
from tests.privacy.attack.city import new_city, run_worker
from tests.privacy.attack.pages import log_records
from tests.zones.conftest import Zones, demand

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Sealed:
    """A sealed value as it stood in a table, and the place that it is bound to."""

    place: str
    value: bytes

    @property
    def column(self) -> str:
        return self.place.partition("/")[0]


@dataclass(frozen=True)
class Thief:
    """Who has the database with its files, the master key and the directory of data keys, as of one moment."""

    columns: dict[bytes, bytes]
    data_keys: frozenset[bytes]

    def opens(self, sealed: Sealed) -> bool:
        """Return whether a value opens under any pair of the keys; whoever made it is not asked which."""
        value = sealed.value
        key = self.columns[value[1:5]]
        tries = [(key, 5)] if value[:1] == vault.OF_DAY else []
        tries += [(hmac.digest(key, own + b"qe-ban/vault/2", "sha256"), 13) for own in self.data_keys]
        return any(_opens(one, value, length, sealed.place) for one, length in tries)


def _opens(key: bytes, value: bytes, length: int, place: str) -> bool:
    try:
        AESGCM(key).decrypt(value[length : length + 12], value[length + 12 :], value[:length] + place.encode())
    except InvalidTag:
        return False
    return True


def stand(city) -> set[Sealed]:
    """Return every sealed value of the tables that has an owner."""
    found = set()
    with city.parts.database.transaction() as session:
        for one in resealing.SEALED_COLUMNS:
            if one.owner is None:
                continue
            rows = session.execute(sql(f"SELECT {', '.join((*one.key, one.column))} FROM {one.table}"))
            found |= {
                Sealed(f"{one.name}/{vault.row_key(tuple(key))}", bytes(value))
                for *key, value in rows
                if value is not None
            }
    return found


def thief(city) -> Thief:
    with city.parts.database.transaction() as session:
        rows = session.scalars(select(Key).where(Key.ring == Ring.COLUMN)).all()
    columns = {
        bytes.fromhex(row.kid): wrapping.unwrap(city.settings.master_key, row.kid, row.ring, row.wrapped)
        for row in rows
    }
    files = [path.read_bytes() for path in city.settings.data_keys_dir.iterdir()]
    places = {held[at : at + 32] for held in files for at in range(0, len(held), 32)}
    return Thief(columns, frozenset(places))


def on_disk(city) -> bytes:
    """Return the files of tables and the write-ahead log, put together across its pages."""
    with psycopg.connect(city.postgres.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        data = Path(connection.execute("SHOW data_directory").fetchone()[0])
    tables = [path.read_bytes() for path in sorted((data / "base").rglob("[0-9]*")) if path.is_file()]
    return b"\0".join([*tables, *(record for _, record in log_records(data))])


class Person:
    """A resident of the city with the calls of one."""

    def __init__(self, builder, number):
        self.headers = builder.resident(number).headers
        self.client = builder.city.app.test_client()

    def call(self, method, path, body=None, **headers):
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=self.headers | headers)
        assert answer.status_code < 300, (path, answer.get_data(as_text=True))
        return answer.get_json(silent=True)


def zones_of(city) -> Zones:
    town = {"app": city.app, "client": city.app.test_client(), "database": city.parts.database}
    return Zones(SimpleNamespace(clock=system_clock, **town))


def live(builder, closes, withdraws, zones):
    """Let one leave something in many places, and another send a demand; returns the demand's id."""
    city = builder.city
    closes.call("PUT", "/me/consents/social-enquiry")
    closes.call("PUT", "/me/halls/shinan")
    code = closes.call("POST", "/codes/identity/issue")["code"]
    assert city.verify(code).status_code == 200
    entry = closes.call("GET", "/codes/ledger")["items"][0]
    closes.call("POST", f"/codes/ledger/{entry['id']}/dispute", {"text": "我当时在做透析没有进站"})
    zones.publish(slug="karos")
    sent = demand(title="员工矽肺赔偿贷款周转", text="厂长胃癌晚期急需转让", contact="欧阳菁菁", phone="13964271835")
    return withdraws.call("POST", "/zones/karos/demands", sent, **{"Idempotency-Key": "shredding"})["id"]


@pytest.fixture(scope="module")
def ended():
    """A city in which one has closed the account and another withdrawn a demand: what stood, before and after."""
    with new_city() as builder, run_worker(builder.city):
        city = builder.city
        closes, withdraws = Person(builder, 1), Person(builder, 2)
        demand_id = live(builder, closes, withdraws, zones_of(city))
        # what was agreed to is written beside the resident's id by now
        turn_over(city.parts.database, city.parts.rings)
        whole = stand(city)
        before = thief(city)
        closes.call("POST", "/me/closing", {"confirm": True})
        withdraws.call("POST", f"/me/demands/{demand_id}/withdraw")
        after, left = thief(city), stand(city)
        yield whole, left, before, after, on_disk(city)


def test_before_the_end_a_thief_of_all_keys_opens_everything(ended):
    whole, _, before, _, _ = ended
    assert all(before.opens(one) for one in whole)


def test_after_it_what_was_deleted_stands_on_the_disk_and_does_not_open(ended):
    whole, left, before, after, disk = ended
    gone = whole - left
    expected = {
        "residents.phone", "residents.name", "residents.id_number", "residents.moments", "consents.moments",
        "consent_events.moments", "disputes.resident", "disputes.scan", "disputes.text",
        "demands.title", "demands.text", "demands.contact", "demands.phone",
    }  # fmt: skip
    assert expected <= {one.column for one in gone}
    found = {one for one in gone if one.value in disk}
    assert expected <= {one.column for one in found}
    assert [one.place for one in gone if after.opens(one)] == []
    assert len(before.data_keys - after.data_keys) == 3, "a resident's, a dispute's, a demand's"


def test_what_stays_opens_as_before(ended):
    _, left, _, after, _ = ended
    assert left
    assert all(after.opens(one) for one in left)


def test_nothing_that_has_an_owner_is_sealed_under_the_day_s_key_alone(ended):
    whole, *_ = ended
    assert {one.column for one in whole if one.value[:1] == vault.OF_DAY} == set()
