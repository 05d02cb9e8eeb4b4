"""What a terminal cannot show is escaped: printing never ends a program, whatever the locale and the names of files."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CLEAN, REPOSITORY
from tests.factories.databases import another
from tests.factories.waits import HANG_TIMEOUT

ODD = "办\udcff"
"""The name of a directory: Chinese in UTF-8, and a byte that is text nowhere."""
TERMINALS = {
    "UTF-8": {"PYTHONIOENCODING": "utf-8:strict"},
    "GB18030": {"PYTHONIOENCODING": "gb18030:strict"},
    "ASCII": {"PYTHONIOENCODING": "ascii:strict"},
    "LC_ALL=C": {"LC_ALL": "C"},
    "LC_ALL=POSIX, without UTF-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "LANG=C": {"LC_ALL": "", "LANG": "C"},
    "a locale that is not there": {"LC_ALL": "zh_CN.GB18030"},
    "no locale": {"LC_ALL": "", "LANG": "", "LC_CTYPE": ""},
}


def run(*words, **env):
    path = {"PYTHONPATH": str(REPOSITORY), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-m", "qe_ban.cli", *words],
        check=False,
        env=CLEAN | path | env,
        cwd="/",
        capture_output=True,
        timeout=HANG_TIMEOUT,
    )


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS)
def test_a_path_is_printed_on_any_terminal(tmp_path, terminal):
    home = os.fsencode(tmp_path) + os.fsencode(f"/{ODD}")
    Path(os.fsdecode(home)).mkdir(mode=0o755)
    (Path(os.fsdecode(home)) / "file").touch()
    # a line on standard error with the path
    refused = run("keys", "list", "--home", os.fsdecode(home) + "/none", **TERMINALS[terminal])
    assert (refused.returncode, refused.stderr.count(b"\n")) == (2, 1), refused.stderr
    assert b"there is no home at" in refused.stderr
    assert b"Traceback" not in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("terminal", ["GB18030", "ASCII", "LC_ALL=POSIX, without UTF-8"])
def test_what_was_done_is_said_on_standard_output(settings, tmp_path, terminal):
    own_settings = another(settings, "terminal")
    env = {
        "QE_DATABASE_URL": own_settings.database_url,
        "QE_MASTER_KEY": base64.b64encode(own_settings.master_key).decode(),
    }
    result = run("keys", "init", "--roots", str(tmp_path / ODD), **env, **TERMINALS[terminal])
    assert result.returncode == 0, result.stderr
    assert b"root-1.pem" in result.stdout
    assert len(list((tmp_path / ODD).iterdir())) == 2
