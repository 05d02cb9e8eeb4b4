"""docs/interface.zh-CN.md is what `make interface` writes now."""

from pathlib import Path

from click.testing import CliRunner

from qe_ban.cli.interface import interface

DOCUMENT = Path(__file__).parents[2] / "docs" / "interface.zh-CN.md"


def test_the_chinese_document_is_up_to_date(tmp_path):
    output = tmp_path / "interface.zh-CN.md"
    CliRunner().invoke(interface, ["chinese", "-o", str(output)], catch_exceptions=False)
    assert DOCUMENT.read_text("utf-8") == output.read_text("utf-8"), "run `make interface` and commit what it writes"
