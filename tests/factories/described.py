"""Reads the API document for tests: what its references name."""


def resolve(document, node):
    """Return what a node is, where it may be a reference to a component."""
    while "$ref" in node:
        _, _, section, name = node["$ref"].split("/")
        node = document["components"][section][name]
    return node


def parameter_names(document, operation):
    """Return the names of all parameters of an operation."""
    return {resolve(document, parameter)["name"] for parameter in operation.get("parameters", [])}


def shapes_of(document, schema):
    """Return the objects that a schema may be: itself, or each of a union."""
    schema = resolve(document, schema)
    unions = [one for kind in ("oneOf", "anyOf") for one in schema.get(kind, ())]
    return [shape for one in unions for shape in shapes_of(document, one)] or [schema]
