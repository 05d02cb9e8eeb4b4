"""Finishes the API document: what apispec made of our declarations becomes one from which good clients are made.

Requests stay closed: an unknown field is refused, and a word is one of those listed. Answers are open: further fields
and words may come without notice (docs/interface.md, "Growth").
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from qe_ban.web import components
from qe_ban.web import operation as operation_module
from qe_ban.web.components import Node, Registry
from qe_ban.web.schema import VOCABULARY

METHODS: Final = ("get", "put", "post", "delete", "patch")
_CLOSED_ENUM: Final = "enum"
_ANSWER: Final = "Answer"
_HANDLED_APART: Final = frozenset({"default", "mapping", "additionalProperties", "readOnly", "examples", VOCABULARY})
"""Members that are written in a way of their own, or not at all."""


def finish(document: Node) -> Node:
    """Return the document finished; the one that is given is used up. Raises components.NameTaken."""
    schemas: dict[str, Node] = document["components"].setdefault("schemas", {})
    _name_titled(document, Registry(schemas))
    of_requests = components.closure(schemas, _roots(document, _request_parts))
    of_answers = components.closure(schemas, _roots(document, _answer_parts))
    output: dict[str, Node] = {}
    registry = Registry(output)
    strict = _Writer(registry, is_open=False, shared_names=frozenset())
    open_ = _Writer(registry, is_open=True, shared_names=of_requests & of_answers)
    for name in sorted(of_requests):
        registry.add(name, strict.write(schemas[name], name))
    for name in sorted(of_answers):
        registry.add(open_.name(name), open_.write(schemas[name], name))
    for operation in _operations(document):
        _rewrite(operation, strict, open_)
    for response in document["components"].get("responses", {}).values():
        response.update(open_.write(response, ""))
    for path in document["paths"].values():
        if "parameters" in path:
            path["parameters"] = strict.write(path["parameters"], "")
    document["components"]["schemas"] = dict(sorted(output.items()))
    return document


class _Writer:
    """Writes shapes as requests or as answers have them."""

    def __init__(self, registry: Registry, *, is_open: bool, shared_names: frozenset[str]) -> None:
        self.registry = registry
        self.is_open = is_open
        self.shared_names = shared_names

    def name(self, name: str) -> str:
        """Return a schema's name: the answers' version of what is asked and answered has its own."""
        return name + _ANSWER if name in self.shared_names else name

    def write(self, node: Any, prop: str) -> Any:
        """Return a part of the document as it is to be; `prop`: the name of the field that it belongs to."""
        if isinstance(node, list):
            return [self.write(inner, prop) for inner in node]
        if not isinstance(node, dict):
            return node
        if "properties" in node and isinstance(node["properties"], dict):
            node = {**node, "properties": {name: self.write(one, name) for name, one in node["properties"].items()}}
            rest = {key: value for key, value in node.items() if key != "properties"}
            return {**self._write_members(rest, prop), "properties": node["properties"]}
        return self._write_members(node, prop)

    def _write_members(self, node: Node, prop: str) -> Node:
        if isinstance(node.get("$ref"), str):
            return self._write_reference(node)
        if _CLOSED_ENUM in node and isinstance(node[_CLOSED_ENUM], list):
            return self._write_vocabulary(node, prop)
        if node.get("pattern") in components.PATTERNS:
            return self._write_pattern(node)
        return self._write_shape(node, prop)

    def _write_shape(self, node: Node, prop: str) -> Node:
        members = {key: self.write(value, prop) for key, value in node.items() if key not in _HANDLED_APART}
        members |= {key: node[key] for key in ("default", "examples") if node.get(key) is not None}
        if "mapping" in node:
            members["mapping"] = {word: self._address(target) for word, target in node["mapping"].items()}
        if self.is_open and "discriminator" in members:
            members["anyOf"] = [*members.pop("oneOf"), self._write_unknown(members["discriminator"]["propertyName"])]
        extra = node.get("additionalProperties")
        if self._keeps_additional(extra):
            members["additionalProperties"] = self.write(extra, prop)
        return members

    def _keeps_additional(self, extra: Any) -> bool:
        """Return whether a shape says what further members are; an answer never says that there are none."""
        return isinstance(extra, dict) or (extra is not None and not self.is_open)

    def _write_unknown(self, member: str) -> Node:
        """Return what stands in a union of answers for the kinds that are not known today."""
        shape = {
            "type": "object",
            "description": "Of a kind that came after this document: leave it out.",
            "required": [member],
            "properties": {member: {"type": "string"}},
        }
        return self.registry.add("Unknown", shape)

    def _write_reference(self, node: Node) -> Node:
        beside = {key: value for key, value in node.items() if key not in ("readOnly", "default")}
        return {**beside, "$ref": self._address(node["$ref"])}

    def _address(self, target: str) -> str:
        head, _, name = target.rpartition("/")
        return f"{head}/{self.name(name)}" if head.endswith("/schemas") else target

    def _write_vocabulary(self, node: Node, prop: str) -> Node:
        words = [word for word in node[_CLOSED_ENUM] if word is not None]
        is_nullable = len(words) < len(node[_CLOSED_ENUM]) or "null" in node.get("type", ())
        beside = {key: node[key] for key in ("description", "default", "examples") if node.get(key) is not None}
        if len(words) == 1:  # no vocabulary: a discriminator, or a word of a standard
            return {"type": "string", "const": words[0], **beside}
        name = node.get(VOCABULARY) or components.vocabulary_name(prop)
        reference = self.registry.vocabulary(name, words, is_open=self.is_open)
        return components.nullable({**reference, **beside}, is_nullable=is_nullable)

    def _write_pattern(self, node: Node) -> Node:
        if self.is_open and node["pattern"] in components.PROSE:
            return {key: value for key, value in node.items() if key not in ("pattern", "default")}
        beside = {key: value for key, value in node.items() if key not in ("type", "pattern", "format")}
        if beside.get("default", "") is None:
            del beside["default"]
        reference = self.registry.pattern(node["pattern"], node.get("format"))
        return components.nullable({**reference, **beside}, is_nullable="null" in node.get("type", ()))


def _name_titled(document: Node, registry: Registry) -> None:
    """Make components of the shapes that are written out where they are used and have a title."""

    def lift(node: Any) -> Any:
        if isinstance(node, list):
            return [lift(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        shape = {key: lift(value) for key, value in node.items()}
        title = shape.get("title")
        if isinstance(title, str) and ("type" in shape or "oneOf" in shape):
            del shape["title"]
            return registry.add(title, shape)
        return shape

    document["paths"] = lift(document["paths"])
    for name in list(registry.schemas):
        registry.schemas[name] = lift(registry.schemas[name])


def _rewrite(operation: Node, strict: _Writer, open_: _Writer) -> None:
    if "requestBody" in operation:
        operation["requestBody"] = strict.write(operation["requestBody"], "")
    for number, parameter in enumerate(operation.get("parameters", ())):
        if operation_module.COMPONENT in parameter:
            name = parameter[operation_module.COMPONENT]
            operation["parameters"][number] = {"$ref": f"#/components/parameters/{name}"}
            continue
        if "schema" in parameter:
            parameter["schema"] = strict.write(parameter["schema"], parameter["name"])
        if parameter.get("in") == "query":
            parameter["schema"] = _without_null(parameter["schema"])
    headers = operation_module.header_references(*operation.pop(operation_module.ANSWER_HEADERS, ()))
    for status, response in operation["responses"].items():
        if status.startswith(("2", "3")) and headers:
            response["headers"] = dict(headers)
    operation["responses"] = dict(sorted(open_.write(operation["responses"], "").items()))


def _without_null(schema: Node) -> Node:
    """Return the shape of a query parameter: what is not there is left out, for a query string has no null."""
    if "anyOf" in schema:
        return _union_without_null(schema)
    if isinstance(schema.get("type"), list):
        types = [name for name in schema["type"] if name != "null"]
        return {**schema, "type": types[0] if len(types) == 1 else types}
    return dict(schema)


def _union_without_null(schema: Node) -> Node:
    shapes = [shape for shape in schema["anyOf"] if shape != {"type": "null"}]
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**shapes[0], **beside} if len(shapes) == 1 else {"anyOf": shapes, **beside}


def _operations(document: Node) -> Iterator[Node]:
    for path in document["paths"].values():
        for method in METHODS:
            if method in path:
                yield path[method]


def _request_parts(operation: Node) -> list[Any]:
    return [operation.get("parameters"), operation.get("requestBody")]


def _answer_parts(operation: Node) -> list[Any]:
    return [operation["responses"]]


def _roots(document: Node, parts: Callable[[Node], list[Any]]) -> Iterator[str]:
    for operation in _operations(document):
        yield from components.references(parts(operation))
    if parts is _answer_parts:
        yield from components.references(document["components"].get("responses", {}))
