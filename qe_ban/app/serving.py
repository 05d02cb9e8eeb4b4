"""The web process: the services, the views, and what `/readyz` asks."""

from flask import Flask

from qe_ban.app.assembly import assemble
from qe_ban.config import Settings
from qe_ban.db.connecting import REQUEST_WAITS
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.web import application, guard, health, metrics, parts


def create_app(settings: Settings, *, clock: Clock = system_clock) -> Flask:
    """Return the WSGI app. Raises ConfigInvalid."""
    services = assemble(settings, clock, waits=REQUEST_WAITS)
    app, api = application.build(settings, clock, name="qe_ban")
    for service in (services.database, services.rings, services.city, services.limiter):
        parts.provide(app, service)
    for cls, instance in services.make_all().items():
        parts.provide(app, instance, cls)
    guard.install(
        app,
        services.single(lambda slice_: slice_.principal_from),
        lambda resident: services.day_hashes.resident_name(resident, clock()),
    )
    health.install(app, services.merge(lambda slice_: slice_.readiness))
    for read in services.collect(lambda slice_: slice_.metrics):
        metrics.add(app, read)
    application.serve(app, api, (operations for slice_ in services.slices for operations in slice_.operations))
    return app
