"""Writes that may be repeated, on a real PostgreSQL."""

import hashlib
import hmac
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Response
from flask.testing import FlaskClient
from sqlalchemy import select

from qe_ban.db.engine import Database
from qe_ban.kernel.errors import Conflict
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.web import fields, guard, idempotency, parts
from qe_ban.web.api import Blueprint
from qe_ban.web.idempotency import IdempotencyKey
from qe_ban.web.parts import part
from qe_ban.web.schema import Schema
from tests.factories.endings import end as end_rows
from tests.factories.waits import HANG_TIMEOUT


class Refused(Conflict):
    code = "orders.refused"


class Order(Schema):
    name = fields.Text(required=True)


class Orders:
    """Records the orders that are carried out, and lets a test hold one up."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.in_progress = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()


blp = Blueprint("orders", url_prefix="/orders")


@blp.route("", methods=["POST"])
@guard.requires("orders.write")
@blp.arguments(Order)
@blp.idempotent
@blp.response(201)
def order(body: dict[str, str]) -> Response:
    orders = part(Orders)

    def produce() -> tuple[int, dict[str, object]]:
        orders.in_progress.set()
        assert orders.may_end.wait(HANG_TIMEOUT)
        orders.names.append(body["name"])
        if body["name"] == "refused":
            raise Refused
        return 201, {"number": len(orders.names), "name": body["name"]}

    with part(Database).transaction() as session:
        return idempotency.once(session, guard.principal(), "POST /orders", body, produce)


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def client(edge_app, database, rings, principals, orders) -> FlaskClient:
    for name in ("one", "two"):
        principals[name] = Principal(PrincipalKind.RESIDENT, uuid.uuid4(), frozenset({"orders.write"}), uuid.uuid4())

    def install(app) -> None:
        parts.provide(app, database)
        parts.provide(app, rings)
        parts.provide(app, orders)

    return edge_app(blp, install=install)


def send(client: FlaskClient, key: str | None, name: str = "noodles", caller: str = "one"):
    headers = {"Authorization": f"Bearer {caller}"} | ({"Idempotency-Key": key} if key is not None else {})
    return client.post("/api/v1/orders", json={"name": name}, headers=headers)


def test_a_repeat_gets_the_first_answer_and_does_nothing(client, orders):
    first, second = send(client, "k1", "饺子"), send(client, "k1", "饺子")
    assert (first.status_code, first.json) == (201, {"number": 1, "name": "饺子"})
    assert (second.status_code, second.data) == (201, first.data)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert orders.names == ["饺子"]


def test_without_a_key_each_is_done(client, orders):
    assert [send(client, None).json["number"] for _ in range(2)] == [1, 2]


def test_keys_are_of_one_caller(client, orders):
    assert send(client, "k1", caller="one").json["number"] == 1
    assert send(client, "k1", caller="two").json["number"] == 2


def test_the_key_for_another_body_is_422(client, orders):
    send(client, "k1", "noodles")
    answer = send(client, "k1", "rice")
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_reused")
    assert orders.names == ["noodles"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "é", "a\tb"])
def test_a_strange_key_is_422(client, orders, key):
    answer = client.post(
        "/api/v1/orders",
        json={"name": "noodles"},
        headers={"Authorization": "Bearer one"},
        environ_overrides={"HTTP_IDEMPOTENCY_KEY": key},
    )
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_invalid")
    assert orders.names == []


def test_a_refusal_is_not_kept(client, orders):
    for _ in range(2):
        assert send(client, "k1", "refused").json["code"] == "orders.refused"
    assert orders.names == ["refused", "refused"]


def test_a_repeat_while_the_first_is_worked_on_is_409(client, orders):
    orders.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, client.application.test_client(), "k1")
        assert orders.in_progress.wait(HANG_TIMEOUT)
        meanwhile = send(client, "k1")
        orders.may_end.set()
        assert first.result().status_code == 201
    assert (meanwhile.status_code, meanwhile.json["code"]) == (409, "idempotency_in_flight")
    assert send(client, "k1").headers["Idempotency-Replayed"] == "true"
    assert orders.names == ["noodles"]


def test_of_many_at_once_one_is_done(client, orders):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(client.application.test_client(), "k1"), range(24)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert orders.names == ["noodles"]


def test_a_day_later_the_key_is_free_again(edge_app, client, database, orders):
    send(client, "k1")
    app = client.application
    tomorrow = parts_now(app) + idempotency.LIFETIME
    parts.set_clock(app, lambda: tomorrow - timedelta(seconds=1))
    assert send(client, "k1").json["number"] == 1
    parts.set_clock(app, lambda: tomorrow)
    assert send(client, "k1", "rice").json == {"number": 2, "name": "rice"}
    assert send(client, "k1", "rice").headers["Idempotency-Replayed"] == "true"


def hashes_of(database, principals):
    ids = [f"resident:{principal.id}" for principal in principals.values()]
    with database.transaction() as session:
        rows = select(IdempotencyKey.body_hash).where(IdempotencyKey.principal.in_(ids))
        return list(session.scalars(rows))


def test_a_body_is_kept_by_a_hash_that_nobody_makes_without_our_keys(client, database, principals):
    """Nor do two rows show that they are of one body."""
    for caller in ("one", "two"):
        send(client, "k1", "noodles", caller)
    first, second = hashes_of(database, principals)
    assert first != second
    assert {len(first), len(second)} == {32}
    assert plain_hash("noodles") not in {first, second}


def plain_hash(name):
    """What release 0.3.0 keeps."""
    return hashlib.sha256(json.dumps({"name": name}, sort_keys=True).encode()).digest()


class TwoSecrets:
    """Rings after a rotation: the newest secret first."""

    def __init__(self, *secrets):
        self.secrets = secrets

    def macs(self, ring, purpose, message):
        assert ring is Ring.DERIVE
        return [hmac.digest(secret, purpose.encode() + message, "sha256") for secret in self.secrets]


def test_a_repeat_after_a_rotation_of_keys_gets_the_first_answer(client, orders):
    parts.provide(client.application, TwoSecrets(b"old"), as_=KeyRings)
    send(client, "k1")
    parts.provide(client.application, TwoSecrets(b"new", b"old"), as_=KeyRings)
    assert send(client, "k1").headers["Idempotency-Replayed"] == "true"
    assert send(client, "k1", "rice").json["code"] == "idempotency_reused"
    assert orders.names == ["noodles"]


def test_while_the_previous_release_may_serve_each_knows_the_others_rows(client, database, principals, monkeypatch):
    with monkeypatch.context() as upgrade:
        upgrade.setattr(idempotency.overlaps, "is_over", lambda _session, _now: False)
        send(client, "k1")
        assert hashes_of(database, principals) == [plain_hash("noodles")]
        assert send(client, "k1").headers["Idempotency-Replayed"] == "true"
    assert send(client, "k1").headers["Idempotency-Replayed"] == "true"
    assert send(client, "k1", "rice").json["code"] == "idempotency_reused"


def test_sweeping_forgets_the_old(client, database, principals):
    send(client, "k1")
    moment = parts_now(client.application)
    mine = select(IdempotencyKey.key).where(IdempotencyKey.principal == f"resident:{principals['one'].id}")
    with database.transaction() as session:
        end_rows(session, idempotency.ENDINGS, moment + idempotency.LIFETIME - timedelta(seconds=1))
        assert session.scalars(mine).all() == ["k1"]
        end_rows(session, idempotency.ENDINGS, moment + idempotency.LIFETIME)
        assert session.scalars(mine).all() == []


def parts_now(app):
    with app.app_context():
        return parts.now()
