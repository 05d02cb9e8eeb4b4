"""The table of error codes in docs/interface.md and the classes that answer them say the same, both ways."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import qe_ban
from qe_ban.kernel.errors import DomainError
from qe_ban.web import errors

DOCUMENT = Path(__file__).parents[2] / "docs" / "interface.md"
NEVER_SERVED = "qe_ban.cli", "qe_ban.embedded", "qe_ban.sandbox", "qe_ban.migrations", "qe_ban.wsgi"
"""What only commands raise is no answer."""


def table():
    """Return the statuses by code, as the document's table has them; a row with `(none)` is never an answer."""
    section = DOCUMENT.read_text("utf-8").partition("\n## Error codes\n")[2]
    rows = re.findall(r"^\| (\d{3}|\(none\)) \| (.+?) \|", section, re.MULTILINE)
    statuses_by_code = {}
    for status, codes in rows:
        for code in re.findall("`([^`]+)`", codes):
            statuses_by_code.setdefault(code, set()).add(None if status == "(none)" else int(status))
    return statuses_by_code


def with_code(cls=DomainError):
    """Yield every class of errors that has a code of its own."""
    for one in cls.__subclasses__():
        if "code" in vars(one) and (one, errors.status_of_class(one)) not in errors.CATEGORIES:
            yield one
        yield from with_code(one)


def classes():
    for module in pkgutil.walk_packages(qe_ban.__path__, "qe_ban."):
        if not module.name.startswith(NEVER_SERVED):
            importlib.import_module(module.name)
    answer_classes = (cls for cls in with_code() if cls.__module__.startswith("qe_ban."))
    return sorted(
        {cls for cls in answer_classes if not cls.__module__.startswith(NEVER_SERVED)}, key=lambda cls: cls.__qualname__
    )


CLASSES = classes()
TABLE = table()
FRAMEWORK = {code: {status} for status, (code, _) in errors.BY_FRAMEWORK.items()} | {
    "internal_error": {500},
    "overloaded": {503},
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_every_error_stands_in_the_table_with_its_status(cls):
    assert cls.code in TABLE, (
        f"add `{cls.code}` ({errors.status_of_class(cls)}) to the table of error codes in docs/interface.md"
    )
    assert TABLE[cls.code] <= {errors.status_of_class(cls), None} or errors.status_of_class(cls) in TABLE[cls.code]


def test_the_table_tells_of_no_code_that_nothing_answers():
    codes = {cls.code for cls in CLASSES} | set(FRAMEWORK) | {cls.code for cls, _ in errors.CATEGORIES}
    assert sorted(set(TABLE) - codes) == []


def test_the_table_has_each_code_with_all_of_its_statuses():
    statuses = {code: set(values) for code, values in FRAMEWORK.items()}
    for cls in CLASSES:
        statuses.setdefault(cls.code, set()).add(errors.status_of_class(cls))
    for category, status in errors.CATEGORIES:
        if category.code in TABLE:
            statuses.setdefault(category.code, set()).add(status)
    never = {code for code, values in TABLE.items() if values == {None}}
    assert {code: values for code, values in TABLE.items() if code not in never} == {
        code: values for code, values in statuses.items() if code in TABLE and code not in never
    }


def test_codes_say_which_feature_they_are_of():
    strays = [cls for cls in CLASSES if "." in cls.code and not re.fullmatch(r"[a-z]+\.[a-z_]+", cls.code)]
    assert strays == []
