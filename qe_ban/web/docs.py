"""The API's description as a document and as a page, with no asset from another host and no inline script."""

from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from flask import Flask, Response
from werkzeug.exceptions import NotFound

from qe_ban.web import conditional, guard, wire
from qe_ban.web.api import PREFIX
from qe_ban.web.openapi import Api

CSP: Final = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


_HTML: Final = "text/html; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_BUNDLE_TYPES: Final = {"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": _SCRIPT}
_PUBLIC: Final = "public, no-cache"


def install(app: Flask, api: Api) -> None:
    """Serve the document, the page and its assets; the document is made when it is first asked for."""
    documents: list[bytes] = []

    @guard.anyone
    def openapi() -> Response:
        if not documents:
            documents.append(wire.dumps(api.document()))
        return conditional.respond(documents[0], cache_control=_PUBLIC)

    @guard.anyone
    def page() -> Response:
        return _with_policy(conditional.respond(_own("templates/docs.html"), content_type=_HTML, cache_control=_PUBLIC))

    @guard.anyone
    def asset(name: str) -> Response:
        if name == "docs.js":
            return conditional.respond(_own("static/docs.js"), content_type=_SCRIPT, cache_control=_PUBLIC)
        if name not in _BUNDLE_TYPES:
            raise NotFound
        data = (_bundle() / name).read_bytes()
        return conditional.respond(data, content_type=_BUNDLE_TYPES[name], cache_control=_PUBLIC)

    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", openapi)
    app.add_url_rule(f"{PREFIX}/docs", "docs", page)
    app.add_url_rule(f"{PREFIX}/docs/assets/<name>", "docs_asset", asset)


def _with_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _own(name: str) -> bytes:
    return (resources.files("qe_ban.web") / name).read_bytes()


def _bundle() -> Traversable:
    return resources.files("flask_swagger_ui") / "dist"
