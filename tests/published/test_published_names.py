"""What is published stays as it is.

A change on purpose is kept by `QE_KEEP_PUBLISHED=1 make test ARGS=tests/published`.
"""

import json
import os

import pytest

from tests.published import inventory


def compare(path, current):
    if os.environ.get("QE_KEEP_PUBLISHED") == "1":
        path.write_text(current)
    assert current.splitlines() == path.read_text().splitlines(), path.name


def test_the_openapi_document_is_the_same_to_the_byte(app):
    compare(inventory.DOCUMENT, inventory.document(app))


def test_constraints_indexes_triggers_functions_and_columns_are_the_same(database):
    compare(inventory.SCHEMA, inventory.schema(database.engine))


def test_names_that_rows_and_other_programs_know_are_the_same(app, settings):
    compare(inventory.NAMES, json.dumps(inventory.names(app, settings), ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize(
    "part", ["schedules", "job kinds", "outbox topics", "metrics", "labels", "sealed columns", "commands", "settings"]
)
def test_no_part_of_the_inventory_is_empty(part):
    assert json.loads(inventory.NAMES.read_text())[part]
