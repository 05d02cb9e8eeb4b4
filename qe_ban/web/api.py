"""Typed wrappers round flask-smorest: what a view declares is both enforced and described (OpenAPI 3.1).

flask-smorest has no types; its surface is touched here and nowhere else. It keeps the description; the reading and
writing at run time is ours, strict and lean.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

import marshmallow
from flask import Response, request
from flask_smorest import Blueprint as SmorestBlueprint

from qe_ban.web import guard, operation, uploads, wire
from qe_ban.web.refusals import BadFields, BodyNotAllowed, flatten
from qe_ban.web.requests import OAUTH, QUERY

V = TypeVar("V", bound=Callable[..., Any])
SchemaLike = type[marshmallow.Schema] | marshmallow.Schema

PREFIX: Final = "/api/v1"


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """The views of a slice. Decorators from outside to inside: route, guard, arguments or query, response, problems."""

    def __init__(self, name: str, *, url_prefix: str = "", description: str = "") -> None:
        super().__init__(name, "qe_ban", url_prefix=url_prefix, description=description)
        self.extra_schemas: list[type[marshmallow.Schema]] = []
        self.views: dict[str, Callable[..., Any]] = {}

    def describes(self, *schemas: type[marshmallow.Schema]) -> None:
        """Add shapes to the API document that others refer to by name only (`fields.RawShape`)."""
        self.extra_schemas += schemas

    def route(
        self,
        rule: str,
        *,
        methods: Sequence[str] = ("GET",),
        endpoint: str | None = None,
        summary_zh: str | None = None,
    ) -> Callable[[V], V]:
        """Serve a view at a path below the blueprint's. Raises TypeError where the view declares no guard.

        A query string or a body is refused where the view reads none. What campaigns add to a shared link (`utm_*`) is
        passed over on reads that are open to anyone, before anything is looked up by the query. `summary_zh`:
        what the operation does, in Chinese, for docs/interface.zh-CN.md; every operation of the product has it.
        """

        def decorator(view: V) -> V:
            name = endpoint or view.__name__
            if guard.of(view) is None:
                raise TypeError(f"{self.name}.{name} declares no guard")
            entry = _entry(view)
            self.views[f"{self.name}.{name}"] = entry
            operation.finish(entry, f"{self.name}.{name}", has_path="<" in rule, summary_zh=summary_zh)
            self.add_url_rule(rule, name, entry, methods=list(methods))
            return view

        return decorator

    def arguments(
        self, schema: SchemaLike, *, limit: int = wire.DEFAULT_LIMIT, shape: dict[str, Any] | None = None
    ) -> Callable[[V], V]:
        """Read a JSON body of at most `limit` bytes (1 MiB at most); what was loaded is the view's next argument.

        `shape`: how the API document shows the body, where the schema does not say it, such as by `oneOf`.
        """
        load = _loader(schema)

        def read() -> dict[str, Any]:
            return load(wire.read_json(limit))

        return _reading(read, operation.json_body(shape or schema), "body")

    def query(self, schema: SchemaLike, *, cache_size: int = 0) -> Callable[[V], V]:
        """Read the query string; what was loaded is the view's next argument.

        `cache_size`: of so many query strings what was loaded is cached, for views that many ask in the same few ways.
        """
        load = _loader(schema)
        cached_load = lru_cache(cache_size)(lambda text: load(wire.read_query(text)))

        def read() -> dict[str, Any]:
            values = request.environ[QUERY] = cached_load(request.environ.get("QUERY_STRING", ""))
            return dict(values)

        return _reading(read, operation.query(schema), "query")

    def form_or_json(
        self, schema: SchemaLike, *, limit: int = wire.DEFAULT_LIMIT, shape: dict[str, Any] | None = None
    ) -> Callable[[V], V]:
        """Read a form or a JSON body as a token endpoint does: problems also carry the members of RFC 6749, 5.2."""
        load = _loader(schema)

        def read() -> dict[str, Any]:
            return load(wire.read_form_or_json(limit))

        return _reading(read, operation.form_or_json_body(shape or schema), "body", oauth=True)

    def upload(self, content_types: Sequence[str], *, limit: int) -> Callable[[V], V]:
        """Read a body that is a file of one of these types, of at most `limit` bytes, to the disk.

        An `uploads.Upload` is the view's next argument; its file goes when the view has answered.
        """

        def decorator(view: V) -> V:
            @wraps(view)
            def receiving(*args: Any, **kwargs: Any) -> Any:
                with uploads.receive(content_types, limit) as upload:
                    return view(*args, upload, **kwargs)

            operation.describe(receiving, operation.file_body(content_types), "body")
            return receiving  # type: ignore[return-value]

        return decorator

    def response(
        self,
        status: int,
        schema: SchemaLike | dict[str, Any] | None = None,
        *,
        content_type: str = wire.JSON,
        description: str | None = None,
    ) -> Callable[[V], V]:
        """Answer what the view returns, shaped by the schema.

        A view may return the value, (value, headers), or a finished Response, which passes as it is; a schema that is
        a dict only describes what such a Response holds.
        """
        shape = schema if isinstance(schema, dict) else None
        instance = None if isinstance(schema, dict) else schema() if isinstance(schema, type) else schema

        def decorator(view: V) -> V:
            @wraps(view)
            def answering(*args: Any, **kwargs: Any) -> Response:
                value = view(*args, **kwargs)
                if isinstance(value, Response):
                    return value
                headers = None
                if type(value) is tuple:
                    value, headers = value
                if instance is not None:
                    value = instance.dump(value)
                if value is None:
                    return Empty(b"", status, headers)
                return Response(wire.dumps(value), status, headers, content_type=content_type)

            operation.add_response(answering, status, shape or instance, content_type, description)
            return answering  # type: ignore[return-value]

        return decorator

    def alternative(
        self,
        status: int,
        *,
        content_type: str,
        schema: SchemaLike | dict[str, Any] | None = None,
        description: str | None = None,
    ) -> Callable[[V], V]:
        """Describe another success: a further status, or the same in another format (`image/png`)."""
        return _noting(
            lambda view: operation.add_response(
                view, status, schema or {"type": "string", "format": "binary"}, content_type, description
            )
        )

    def problems(self, *statuses: int) -> Callable[[V], V]:
        """Describe which problems the view may answer, besides those that its other decorators bring along."""
        return _noting(lambda view: operation.add_problems(view, *statuses))

    def with_etag(self, view: V) -> V:
        """Describe that the answer carries an ETag and that If-None-Match may bring 304; `conditional` does it."""
        operation.add_etag(view)
        return view

    def with_precondition(self, *, creating: bool = False) -> Callable[[V], V]:
        """Describe that a write wants If-Match, or If-None-Match to make a thing (`conditional.read_precondition`)."""
        return _noting(lambda view: operation.add_precondition(view, creating=creating))

    def with_location(self, view: V) -> V:
        """Describe that the answer says in `Location` where to find what was made."""
        operation.add_headers(view, "Location")
        return view

    def as_attachment(self, view: V) -> V:
        """Describe that the answer says in `Content-Disposition` under which name a file is kept."""
        operation.add_headers(view, "Content-Disposition")
        return view

    def idempotent(self, view: V) -> V:
        """Describe the header Idempotency-Key and its problems; `idempotency.once` does it."""
        operation.add_idempotency_key(view)
        return view


class Empty(Response):
    """An answer without a body, and so without a type of one."""

    default_mimetype = None


def _noting(note: Callable[[Any], None]) -> Callable[[V], V]:
    def decorator(view: V) -> V:
        note(view)
        return view

    return decorator


def _loader(schema: SchemaLike) -> Callable[[dict[str, Any]], dict[str, Any]]:
    instance = schema() if isinstance(schema, type) else schema
    return instance.load


def _reading(
    read: Callable[[], dict[str, Any]],
    description: operation.Description,
    place: str,
    *,
    oauth: bool = False,
) -> Callable[[V], V]:
    def decorator(view: V) -> V:
        @wraps(view)
        def reading(*args: Any, **kwargs: Any) -> Any:
            try:
                values = read()
            except marshmallow.ValidationError as error:
                raise BadFields(flatten(error.messages)) from None
            return view(*args, values, **kwargs)

        operation.describe(reading, description, place)
        reading.__oauth__ = oauth or getattr(view, "__oauth__", False)  # type: ignore[attr-defined]
        return reading  # type: ignore[return-value]

    return decorator


def _has_body(environ: Mapping[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or bool(environ.get("HTTP_TRANSFER_ENCODING"))


def _entry(view: Callable[..., Any]) -> Callable[..., Any]:
    places = operation.places(view)
    reads_query, reads_body = "query" in places, "body" in places
    declaration = guard.of(view)
    is_public = declaration is not None and declaration.scope is None
    oauth = getattr(view, "__oauth__", False)

    @wraps(view)
    def entry(**path: Any) -> Any:
        environ = request.environ
        if oauth:
            environ[OAUTH] = True
        if is_public and "utm" in environ.get("QUERY_STRING", "") and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            environ["QUERY_STRING"] = wire.without_campaign(environ["QUERY_STRING"])
        if not reads_query and environ.get("QUERY_STRING"):
            raise BadFields({name[:64]: ["未知的参数"] for name in wire.read_query(environ["QUERY_STRING"])})
        if not reads_body and _has_body(environ):
            raise BodyNotAllowed
        return view(**path)

    entry.__oauth__ = oauth  # type: ignore[attr-defined]
    return entry
