"""The web process: the parts, the views, and what `/readyz` asks."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from qe_ban.accounts import service as accounts
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.app import alarms, pages
from qe_ban.app.assembly import Parts, assemble
from qe_ban.app.slices import SLICES
from qe_ban.audit import routes as audit_routes
from qe_ban.config import Settings
from qe_ban.db import valkey
from qe_ban.db.connecting import REQUEST_WAITS
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.keys.models import Ring
from qe_ban.keys.wrapping import MasterKeyWrong
from qe_ban.web import application, guard, health, metrics, parts

WORKER_SILENT = timedelta(seconds=90)


def create_app(settings: Settings, *, clock: Clock = system_clock) -> Flask:
    """Give the WSGI app. Raises ConfigInvalid."""
    made = assemble(settings, clock, waits=REQUEST_WAITS)
    app, api = application.build(settings, clock, name="qe_ban")
    provided = (
        made.database,
        made.rings,
        made.city,
        made.limiter,
        made.accounts,
        made.wallet,
        made.popularity,
        made.askers,
    )
    for collaborator in (
        *provided,
        made.health,
        made.pictures,
        pages.shelf(made),
        pages.desks(made),
        pages.links(made),
        audit_routes.IdsOfResidents(lambda reader, at: LookUpIds(made.rings, reader, at)),
    ):
        parts.provide(app, collaborator)
    guard.install(
        app,
        lambda token: accounts.principal_from(made.accounts, token, clock()),
        lambda resident: made.day_hashes.resident_name(resident, clock()),
    )
    health.install(app, _checks(made))
    metrics.add(app, alarms.gauge(made.database))
    application.serve(app, api, (operations for one in SLICES for operations in one.operations))
    return app


def _checks(made: Parts) -> dict[str, health.Check]:
    client = valkey.connect(made.settings.redis_url)

    def database() -> None:
        # both pools: each connects by itself, and codes are issued and verified by the second
        with made.database.transaction() as session:
            session.execute(text("SELECT 1"))
        with made.database.statements() as connection:
            connection.execute("SELECT 1")

    def keys() -> None:
        now = made.clock()
        made.rings.signing(Ring.CODE, now)
        made.rings.signing(Ring.TOKEN, now)
        made.rings.column_key_of_day(now)

    def worker() -> None:
        with made.database.transaction() as session:
            beat = jobs.last_beat(session)
        if beat is None or made.clock() - beat > WORKER_SILENT:
            raise TimeoutError("no worker was heard of")

    return {
        "postgresql": health.Check(database),
        "keys": health.Check(keys, failures=(*health.FAILURES, MasterKeyWrong)),
        "valkey": health.Check(client.ping, required=False),
        "worker": health.Check(worker, required=False),
    }
