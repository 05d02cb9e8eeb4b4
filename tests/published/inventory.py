"""All published names, read out of the running parts and, for labels of keys, out of the syntax tree."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import Engine, text

import qe_ban
from qe_ban.app.working import create_worker
from qe_ban.cli.root import cli
from qe_ban.config import Settings
from qe_ban.keys.resealing import SEALED_COLUMNS

HERE = Path(__file__).parent
DOCUMENT = HERE / "openapi.json"
SCHEMA = HERE / "schema.txt"
NAMES = HERE / "names.json"

LABEL_METHODS = {"mac", "macs", "digest", "seal", "unseal"}
"""Methods whose text arguments go into a hash or into the associated data of a seal."""
_SOURCES = sorted(Path(qe_ban.__file__).parent.rglob("*.py"))
_SCHEMA_QUERIES = (
    (
        "SELECT conrelid::regclass || ' ' || conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    (
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
    ),
    (
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable"
        " || coalesce(' ' || column_default, '') FROM information_schema.columns WHERE table_schema = 'public'"
    ),
)
_SETTING = re.compile(r"\bQE_[A-Z][A-Z_]*[A-Z]\b")
_MONTH = re.compile(r"_\d{4}_\d{2}\b|_\d{6}\b")


def document(app: Flask) -> str:
    """Return the OpenAPI document in its own order, in lines, without the release's number."""
    document = json.loads(app.test_client().get("/api/v1/openapi.json").get_data())
    document["info"]["version"] = "-"
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def schema(engine: Engine) -> str:
    """Return all constraints, indexes, triggers, functions and columns of a database, a line or more each, in order.

    Partitions by month come and go, so they are left out.
    """
    with engine.connect() as connection:
        texts = [line for query in _SCHEMA_QUERIES for line in connection.execute(text(query)).scalars()]
    return "\n".join(sorted(line for line in texts if not _MONTH.search(line))) + "\n"


def names(app: Flask, settings: Settings) -> dict[str, Any]:
    """Return the names of everything else: rules of URLs, schedules, job kinds, topics, metrics, seals, labels."""
    worker = create_worker(settings)
    metrics = app.test_client().get("/metrics").get_data(as_text=True)
    return {
        "endpoints": sorted(f"{rule.endpoint} {rule.rule}" for rule in app.url_map.iter_rules()),
        "schedules": sorted(schedule.name for schedule in worker._schedules._schedules),
        "job kinds": sorted(worker._jobs._runners),
        "outbox topics": sorted(worker._outbox._handlers),
        # a counter's moment of creation stands there with its first sample
        "metrics": sorted(set(re.findall(r"^# TYPE (qe_\S+(?<!_created) \S+)$", metrics, re.MULTILINE))),
        "sealed columns": sorted(
            f"{column.table}.{column.column} as {column.name} by {' '.join(column.key)}" for column in SEALED_COLUMNS
        ),
        "labels": sorted({label for path in _SOURCES for label in _labels(ast.parse(path.read_text()))}),
        "commands": sorted(_commands(cli, "qe-ban")),
        "settings": sorted({name for path in _SOURCES for name in _SETTING.findall(path.read_text())}),
        "byte strings": sorted({text for path in _SOURCES for text in _byte_strings(ast.parse(path.read_text()))}),
    }


def _commands(command: click.Command, path: str) -> Iterator[str]:
    for parameter in command.params:
        yield f"{path} {'/'.join([*parameter.opts, *parameter.secondary_opts])}"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (inner := command.get_command(context, name)) is not None:
                yield from _commands(inner, f"{path} {name}")


def _labels(tree: ast.Module) -> Iterator[str]:
    constants = dict(_constants(tree))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in LABEL_METHODS:
            for argument in call.args:
                value = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(argument, ast.Name):
                    value = constants.get(argument.id)
                if isinstance(value, str):
                    yield value


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                    yield name.id, value.value


def _byte_strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and re.search(rb"[a-z]", node.value):
            yield repr(node.value)
