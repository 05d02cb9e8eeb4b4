"""Makes the Flask app with everything of the edge installed; create_app then adds the parts and the blueprints."""

from collections.abc import Iterable
from typing import Final

from flask import Flask, Request, Response
from werkzeug.routing import MapAdapter

from qe_ban.config import Settings
from qe_ban.kernel.clock import Clock
from qe_ban.web import docs, errors, metrics, parts, paths, wire
from qe_ban.web.edge import Edge
from qe_ban.web.openapi import Api
from qe_ban.web.ranks import Operations, RankTable
from qe_ban.web.shedding import Gate

_RANKS: Final = "qe_ban.ranks"
_ABOUT = (
    "青e办 (QE Ban): the backend of a city's one government app. Errors are problem documents (RFC 9457) whose `code` "
    "is stable and whose `detail` is Chinese, for people. Times are RFC 3339 in UTC; ids are opaque. "
    "Answers are open: fields, words and kinds may come that this document does not know. Requests are closed. "
    "`x-error-codes` lists the `code`s that an operation may answer, by status. 中文说明见 docs/interface.zh-CN.md。"
)


class App(Flask):
    """A Flask app that routes by path and method alone, and whose automatic OPTIONS answers have no body."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the adapter for a request without reading its Host header, which is a tenth of a small request's work.

        Nothing of ours depends on it: no redirect and no link is built from it.
        """
        if request is None:
            return None
        environ = request.environ
        path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        return MapAdapter(self.url_map, "", "/", "", "http", path, environ["REQUEST_METHOD"])

    def make_default_options_response(self) -> Response:
        """Return 204 with Allow."""
        response = super().make_default_options_response()
        response.status_code = 204
        del response.headers["Content-Type"]
        return response


def build(settings: Settings, clock: Clock, *, name: str) -> tuple[Flask, Api]:
    """Return an app called `name` (an import name), with its API; of the parts only the settings and the clock are in.

    What create_app still does: `guard.install`, `health.install`, `parts.provide`, `serve`.
    """
    app = App(name, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = wire.GREATEST_LIMIT
    # No redirects: a path is right or it is 404, and nothing is built from the Host header.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.url_map.redirect_defaults = False
    app.url_map.converters.update(default=paths.WordConverter, string=paths.WordConverter, id=paths.IdConverter)
    parts.provide(app, settings)
    parts.set_clock(app, clock)
    errors.install(app)
    api = Api(app, title="QE Ban", version=settings.release, description=_ABOUT)
    api.register_converter(paths.IdConverter, paths.id_schema)
    docs.install(app, api)
    metrics.install(app)
    ranks = app.extensions[_RANKS] = RankTable()
    gate = Gate(app.wsgi_app, settings.threads, ranks)
    app.wsgi_app = Edge(gate, clock, metrics.Recorder())  # type: ignore[method-assign]
    return app, api


def serve(app: Flask, api: Api, operations: Iterable[Operations]) -> None:
    """Serve all operations of an app, each by its rank. Raises LookupError where one has none."""
    blueprints = tuple(operations)
    for blueprint in blueprints:
        api.register_blueprint(blueprint.blueprint)
    ranks: RankTable = app.extensions[_RANKS]
    ranks.fill(app, blueprints)
