"""A tiny app with throw-away blueprints: the edge by itself, without a slice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qe_ban.config import Mode, Settings
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.web import application, guard
from qe_ban.web.api import Blueprint

NOON = datetime(2026, 10, 2, 4, 0, 0, tzinfo=UTC)
RESIDENT = UUID("01998c00-0000-7000-8000-000000000001")

EdgeApp = Callable[..., FlaskClient]


@pytest.fixture
def edge_settings() -> Settings:
    """Settings of a production system, of which the edge reads only the mode and the proxies."""
    return Settings(
        mode=Mode.PRODUCTION,
        database_url="postgresql://nowhere/none",
        redis_url="redis://nowhere",
        master_key=bytes(32),
        issuer="https://qe.example",
    )


@pytest.fixture
def principals() -> dict[str, Principal]:
    """The callers that the app knows, by token; tests add to them."""
    return {"good": Principal(PrincipalKind.RESIDENT, RESIDENT, frozenset({"things.read"}), RESIDENT)}


@pytest.fixture
def edge_app(edge_settings: Settings, principals: dict[str, Principal]) -> EdgeApp:
    """Make a client of an app with these blueprints and settings, whose clock stands at NOON."""

    def principal_from(token: str) -> Principal:
        if token not in principals:
            raise AuthenticationRequired("登录已失效，请重新登录")
        return principals[token]

    def make(
        *blueprints: Blueprint, install: Callable[[Flask], None] | None = None, now: datetime = NOON, **changes: object
    ) -> FlaskClient:
        app, api = application.build(replace(edge_settings, **changes), lambda: now, name="tiny")
        guard.install(app, principal_from, lambda resident: f"name-{resident.hex[-4:]}")
        for blueprint in blueprints:
            api.register_blueprint(blueprint)
        if install is not None:
            install(app)
        return app.test_client()

    return make
