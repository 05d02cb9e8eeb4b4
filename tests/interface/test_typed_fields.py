"""Every field for a name, phone or code that people type takes it as keyboards give it: none is a plain text."""

import json

import marshmallow
import pytest
from marshmallow.class_registry import _registry

from qe_ban.web import typed_fields
from qe_ban.web.schema import Schema
from tests.interface.test_openapi import DOOR

FIELD_TYPES = {
    "case_number": typed_fields.HyphenatedNumber,
    "document": typed_fields.Number,
    "enrolment_code": typed_fields.Number,
    "id_number": typed_fields.Number,
    "new_phone": typed_fields.Number,
    "otp": typed_fields.Number,
    "phone": (typed_fields.Number, typed_fields.HyphenatedNumber),
    "short_number": typed_fields.Number,
    "totp": typed_fields.Number,
    "uscc": typed_fields.Number,
}
PUBLISHED = {"PutItemSchema", "PutDepartmentSchema"}
"""Their phones are texts that departments publish, with hours and extensions: nobody judges them as numbers."""
DOCUMENT = DOOR.app.test_client().get("/api/v1/openapi.json").get_json()


def request_schemas():
    """The names of all schemas that a request's body consists of, as the description has them."""
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values() if isinstance(one, dict)]
    names, pending = set(), [one["requestBody"] for one in operations if "requestBody" in one]
    while pending:
        for name in set(_references(json.dumps(pending.pop()))) - names:
            names.add(name)
            pending.append(DOCUMENT["components"]["schemas"][name])
    return names


def _references(text):
    return (part.split('"')[0] for part in text.split("#/components/schemas/")[1:])


def classes():
    return [
        one for entries in _registry.values() for one in entries if isinstance(one, type) and issubclass(one, Schema)
    ]


REQUEST_SCHEMAS = request_schemas()
FIELDS = [
    (shape.__name__, name, field)
    for shape in {one.__qualname__: one for one in classes() if one.__module__.startswith("qe_ban.")}.values()
    if shape.__name__ in REQUEST_SCHEMAS or shape.__name__.removesuffix("Schema") in REQUEST_SCHEMAS
    for name, field in shape._declared_fields.items()
]


OF_DOCUMENTS = {shape for shape, name, _ in FIELDS if name == "id_number"}


def test_the_walk_sees_the_fields_that_are_known():
    names = {name for _, name, _ in FIELDS}
    assert set(FIELD_TYPES) <= names


@pytest.mark.parametrize(
    ("shape", "name", "field"),
    [(shape, name, field) for shape, name, field in FIELDS if name in FIELD_TYPES and shape not in PUBLISHED],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_people_type_is_normalised_before_it_is_judged(shape, name, field):
    assert isinstance(field, FIELD_TYPES[name]), f"{shape}.{name} refuses what a keyboard or an address book gives"


@pytest.mark.parametrize(
    ("shape", "field"),
    [(shape, field) for shape, name, field in FIELDS if name == "name" and shape in OF_DOCUMENTS],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_beside_a_documents_number_is_a_persons(shape, field):
    assert isinstance(field, typed_fields.PersonName), shape


def load(field, value):
    return Schema.from_dict({"f": field})().load({"f": value})["f"]


@pytest.mark.parametrize("value", ["", " ", "\u200b", "-", 1, None, [], "1" * 65, "a\0b", "a" * 11])
def test_what_is_none_after_that_is_refused(value):
    with pytest.raises(marshmallow.ValidationError):
        load(typed_fields.Number(1, 10), value)


def test_bounds_and_pattern_are_those_of_the_normal_form():
    assert load(typed_fields.Number(10, 10, pattern="[0-9]{10}"), "０12 345-678\u202d9") == "0123456789"
    with pytest.raises(marshmallow.ValidationError):
        load(typed_fields.Number(10, 10, pattern="[0-9]{10}"), "012345678")
