"""The OpenAPI document of one app: apispec makes it of our declarations, `document` finishes it."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from flask_smorest import Api as SmorestApi

from qe_ban.web import document, error_codes, fields, guard, operation
from qe_ban.web.api import PREFIX, Blueprint

LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
SERVERS: Final = [{"url": "/", "description": "The city's own host: where this document comes from."}]


class Api(SmorestApi):  # type: ignore[misc]
    """The description of one app's interface, and the way its blueprints get into the app."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, *, title: str, version: str, description: str) -> None:
        app.config.update(API_TITLE=title, API_VERSION=version, OPENAPI_VERSION="3.1.0")
        self.app = app
        self.views: dict[str, Callable[..., Any]] = {}
        info = {"description": description, "license": LICENSE}
        super().__init__(app, spec_kwargs={"info": info, "servers": SERVERS})
        self.spec.components.security_scheme("bearer", operation.BEARER)
        for name, header in operation.HEADERS.items():
            self.spec.components.header(name, header)
        for name, parameter in operation.PARAMETERS.items():
            self.spec.components.parameter(name, "header", parameter)
        self.ma_plugin.converter.add_attribute_function(_describe)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Serve a blueprint's views under /api/v1 and describe them."""
        super().register_blueprint(blueprint, url_prefix=PREFIX + (blueprint.url_prefix or ""))
        self.views |= blueprint.views
        for schema in blueprint.extra_schemas:
            self.spec.components.schema(schema.__name__.removesuffix("Schema"), schema=schema)

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1.0 document of all that is registered."""
        spec: dict[str, Any] = self.spec.to_dict()
        schemas = spec["components"].get("schemas", {})
        for key, name in self.ma_plugin.converter.refs.items():
            schemas[name].setdefault("description", inspect.cleandoc(key[0].__doc__ or name))
        output = document.finish(spec)
        self._add_error_codes(output)
        return output

    def _add_error_codes(self, output: dict[str, Any]) -> None:
        for operations in output["paths"].values():
            for entry in operations.values():
                view = self.views.get(entry["operationId"]) if "operationId" in entry else None
                if view is not None:
                    entry["x-error-codes"] = self._error_codes(view, entry)

    def _error_codes(self, view: Callable[..., Any], entry: dict[str, Any]) -> dict[str, list[str]]:
        """Return the codes that an operation may answer, by status."""
        views = [view, guard.principal_source(self.app)] if entry["security"] else [view]
        is_oauth = getattr(view, "__oauth__", False)
        codes = error_codes.by_status(views, entry["responses"], is_oauth=is_oauth)
        never = {"body_not_allowed"} if "requestBody" in entry else set()
        never |= set() if "x-step-up" in entry else {"step_up_required"}
        return {status: [code for code in names if code not in never] for status, names in codes.items()}

    def _register_error_handlers(self) -> None:
        """Leave failures to `web.errors`, which answers them for the whole app."""

    def _register_etag_headers(self) -> None:
        """Leave ETags to `operation`, which describes them where they are."""

    def _register_pagination_header(self) -> None:
        """Leave pages to `paging`: ours are in the body, not in a header."""

    def _register_responses(self) -> None:
        for name, response in operation.problem_responses().items():
            self.spec.components.response(name, response, lazy=True)


def _describe(converter: Any, field: object, **_: object) -> dict[str, Any]:
    """Return what is said of a field that is described by shapes; apispec calls this with each field there is."""
    if isinstance(field, fields.RawShape):
        shape: dict[str, Any]
        if isinstance(field.shape, dict):
            shape = dict(field.shape)
        elif isinstance(field.shape, str):
            shape = {"$ref": f"#/components/schemas/{field.shape}"}
        else:
            shape = converter.resolve_nested_schema(field.shape)
        return {"anyOf": [shape, {"type": "null"}]} if field.allow_none else shape
    if not isinstance(field, fields.OneOf):
        return {}
    shapes = {word: converter.resolve_nested_schema(shape) for word, shape in field.shapes.items()}
    mapping = {word: shape["$ref"] for word, shape in shapes.items()}
    return {
        "title": field.union,
        "oneOf": list(shapes.values()),
        "discriminator": {"propertyName": field.member, "mapping": mapping},
    }
