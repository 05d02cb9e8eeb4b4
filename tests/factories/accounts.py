"""Makes residents, staff and scanners: random ones, so that tests which never clean up never meet."""

import json
import random
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import factory
import jwt
import pyotp
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient

from qe_ban.accounts import service
from qe_ban.kernel.identifiers import IdType, resident_id_check
from qe_ban.kernel.principal import Place
from qe_ban.keys import wrapping
from tests.factories.waits import HANG_TIMEOUT

SURNAMES, GIVEN_NAMES = "赵钱孙李周吴郑王", "甲乙丙丁戊己庚辛"
FACE_PROOF = "sandbox"
API = "/api/v1"


def random_phone() -> str:
    return f"1{random.randint(3, 9)}{random.randint(0, 999_999_999):09d}"


def random_id_number() -> str:
    return id_number_born(f"{random.randint(1950, 2005)}{random.randint(1, 12):02d}{random.randint(1, 28):02d}")


def id_number_born(yyyymmdd: str) -> str:
    """Give a number of somebody born that day; the county is random, so that few are born there that day."""
    body = f"{random.randint(370200, 379999)}{yyyymmdd}{random.randint(0, 999):03d}"
    return body + resident_id_check(body)


def random_address() -> str:
    return f"10.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


@dataclass(frozen=True)
class Person:
    """Somebody with a phone and a resident number."""

    name: str
    phone: str
    id_number: str

    def real_name(self) -> service.RealName:
        return service.RealName(self.name, IdType.RESIDENT_ID, self.id_number)

    def body(self) -> dict[str, str]:
        return {"name": self.name, "id_type": "resident_id", "id_number": self.id_number}


class PersonFactory(factory.Factory):
    class Meta:
        model = Person

    name = factory.LazyFunction(lambda: random.choice(SURNAMES) + "".join(random.choices(GIVEN_NAMES, k=2)))
    phone = factory.LazyFunction(random_phone)
    id_number = factory.LazyFunction(random_id_number)


class OpenRegister:
    """An outside register to which tests add people; `everyone` confirms whoever asks."""

    def __init__(self, *, everyone=False):
        self.people, self.everyone, self.requests, self.custody = set(), everyone, [], set()

    def confirms(self, claim):
        self.requests.append(claim)
        phones = {phone for name, number, phone in self.people if (name, number) == (claim.name, claim.id_number)}
        return self.everyone or (bool(phones) if claim.phone is None else claim.phone in phones)

    def has_custody(self, guardian, ward):
        self.requests.append(ward)
        return (guardian.id_number, ward.id_number) in self.custody

    def add(self, person):
        self.people.add((person.name, person.id_number, person.phone))
        return person


@dataclass(frozen=True)
class StaffAccount:
    """What a member of staff knows, and what they are."""

    username: str
    password: str
    totp_secret: str
    roles: tuple[str, ...]
    place: Place

    def code(self, now) -> str:
        return pyotp.TOTP(self.totp_secret).at(now)

    def create(self, database, rings, now):
        with database.transaction() as session:
            return service.create_staff(
                session,
                rings,
                username=self.username,
                password=self.password,
                totp_secret=self.totp_secret,
                roles=self.roles,
                place=self.place,
                now=now,
            )

    def grant(self, now) -> dict[str, str]:
        return {
            "grant_type": "password",
            "username": self.username,
            "password": self.password,
            "totp": self.code(now),
        }


class StaffFactory(factory.Factory):
    class Meta:
        model = StaffAccount

    username = factory.LazyFunction(lambda: f"staff-{uuid4().hex[:12]}")
    password = factory.LazyFunction(lambda: secrets.token_urlsafe(18))
    totp_secret = factory.LazyFunction(pyotp.random_base32)
    roles = ("city_admin",)
    place = Place()


class ClientKey:
    """A client's own key: signs assertions and proofs."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        full = wrapping.public_jwk(self.private.public_key(), "")
        self.jwk = {name: full[name] for name in ("kty", "crv", "x", "y")}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.PyJWS().encode(json.dumps(claims).encode(), self.private, "ES256", headers=headers or None)

    def proof(self, nonce: str, issuer: str) -> str:
        return self.sign({"nonce": nonce, "aud": issuer})

    def claims(self, client_id, issuer: str, now, **changes: Any) -> dict[str, Any]:
        seconds = int(now.timestamp())
        claims = {
            "iss": str(client_id),
            "sub": str(client_id),
            "aud": issuer,
            "iat": seconds,
            "exp": seconds + 120,
            "jti": secrets.token_hex(16),
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, client_id, issuer: str, now, **changes: Any) -> str:
        return self.sign(self.claims(client_id, issuer, now, **changes))

    def register(self, database, now):
        with database.transaction() as session:
            return service.register_client(session, jwk=self.jwk, now=now)


def sign_in(client: FlaskClient, phone: str) -> dict[str, Any]:
    """Sign a resident in over HTTP (sandbox): gives the token endpoint's answer, a visitor's."""
    otp = client.post(f"{API}/auth/otp", json={"phone": phone}).get_json()
    grant = {"grant_type": "otp", "phone": phone, "challenge": otp["challenge"], "otp": otp["otp"]}
    answer = client.post(f"{API}/auth/token", json=grant)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def sign_in_named(client: FlaskClient, person: Person) -> dict[str, Any]:
    """Sign a person in over HTTP and confirm their real name: the order in which clients do it before a step-up."""
    tokens = sign_in(client, person.phone)
    answer = client.put(f"{API}/me/real-name", json=person.body(), headers=bearer(tokens["access_token"]))
    assert answer.status_code == 200, answer.get_json()
    return tokens


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def step_up(client: FlaskClient, token: str) -> str:
    """Step a resident up over HTTP (sandbox): gives the new access token."""
    answer = client.post(f"{API}/auth/step-up", json={"method": "face", "proof": FACE_PROOF}, headers=bearer(token))
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["access_token"]


def sign_in_staff(client: FlaskClient, staff: StaffAccount, now) -> str:
    """Sign a member of staff in over HTTP: gives the access token."""
    answer = client.post(f"{API}/auth/token", json=staff.grant(now))
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["access_token"]


def together(times: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(number)` that many times at the same instant, each in its own thread; gives results or errors."""
    line = threading.Barrier(times)

    def run(number: int) -> Any:
        line.wait(HANG_TIMEOUT)
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - the race's outcome is what is looked at
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
