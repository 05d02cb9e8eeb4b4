"""`make migration`: a new migration's number, and what is said about a wrong name."""

import pytest

from qe_ban import migrations
from tests.factories import migration


def test_a_new_migration_has_the_next_number():
    assert migration.next_revision() == f"{int(migrations.head()) + 1:04}"


@pytest.mark.parametrize("words", [[], ["Add"], ["a b"], ["add-it"], ["../x"], ["a" * 62], ["two", "names"]])
def test_a_wrong_name_is_one_line_and_exit_code_2(words, capsys):
    assert migration.main(words) == 2
    assert capsys.readouterr().err == f"{migration.USAGE}\n"
