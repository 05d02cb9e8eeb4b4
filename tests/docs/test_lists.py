"""Tables of documents that repeat a list of the code have each of its members, and no other."""

import json
import re

from qe_ban.accounts.rules import Role
from qe_ban.codes.rules import Reason
from qe_ban.items.rules import fields
from qe_ban.kernel.city import CodeKind
from qe_ban.publishing.rules.blocks import TYPES
from tests.docs.documents import REPOSITORY, prose
from tests.published.inventory import NAMES

WORD = re.compile(r"`([^`]+)`")


def section(name, heading):
    """Return the lines below a heading of a document, up to the next one of its level."""
    lines = iter(line for _, line in prose(REPOSITORY / "docs" / name))
    level = heading.split()[0]
    assert heading in lines, f"{name} has no {heading}"
    for line in lines:
        if line.startswith("#") and len(line.split()[0]) <= len(level):
            return
        yield line


def column(name, heading, number=0):
    """Return the words in code font in one column of the tables below a heading."""
    rows = [line.split("|")[1:-1] for line in section(name, heading) if line.startswith("|")]
    return [word for cells in rows for word in WORD.findall(cells[number])]


def test_operators_read_of_every_schedule():
    assert column("operating.md", "## Schedules") == json.loads(NAMES.read_text())["schedules"]


def test_makers_of_terminals_read_of_every_reason():
    reasons = set(column("interface.md", "## What the terminal shows"))
    assert reasons >= set(Reason)


def test_makers_of_clients_read_of_every_role():
    assert set(column("interface.md", "## Staff")) >= set(Role)


def test_editors_read_of_every_type_of_block():
    assert [word for word in column("halls.md", "## Blocks") if word in TYPES] == list(TYPES)


def test_departments_read_of_every_field_of_an_item():
    names = {field.name for field in fields.ITEM} | {field.name for table in fields.TABLES for field in table.fields}
    assert set(column("catalogue.md", "## Fields", 1)) >= names


def test_the_code_format_has_the_number_of_every_kind():
    (line,) = [line for line in section("code-format.md", "## 3. Claims") if line.startswith("**Kinds**")]
    assert line.startswith("**Kinds**: " + ", ".join(f"{kind.value} {kind.slug}" for kind in CodeKind) + ".")
