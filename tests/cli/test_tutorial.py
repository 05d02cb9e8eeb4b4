"""docs/tutorial.md is typed from its first line to its last, against a sandbox."""

import pytest

from tests.cli import walks
from tests.cli.conftest import START_SECONDS

# on a machine that is busy with other tests the walk takes minutes
SECONDS = 1200
REFUSED_ON_PURPOSE = [
    "qe-ban scanner verify --key var/window.json --purpose social-enquiry --image var/code.png",
    "qe-ban scanner verify --key var/$counter.json --purpose meal-redemption --image var/code.png",
]


# the sample is loaded once for all that share a home
@pytest.mark.xdist_group("sandbox_home")
@pytest.mark.timeout(SECONDS + START_SECONDS)
@pytest.mark.slow
def test_every_command_of_the_tutorial_does_what_it_says(start, qe, home, port, tmp_path):
    program = start("up", "--sandbox", "--workers", "1")
    program.wait_for("qe-ban serves at")
    assert qe("sandbox", "reset", "--home", home).exit_code == 0
    blocks = walks.blocks("tutorial.md")
    steps = [block.commands.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for block in blocks]

    walks.prepare(tmp_path)
    (tmp_path / "var").mkdir()
    session = walks.walk(steps, tmp_path, seconds=SECONDS, QE_HOME=str(home))

    assert session.failures == REFUSED_ON_PURPOSE, session.errors
    assert len(session.outputs) == len(blocks)
    for block, output in zip(blocks, session.outputs, strict=True):
        assert walks.missing(block.sample, output) == [], f"{block.commands}\n{output}"
    assert sum(bool(block.sample) for block in blocks) >= 10


def test_the_chinese_tutorial_has_the_same_commands():
    def without_comments(document):
        return [(walks.COMMENT.sub("", block.commands), block.sample) for block in walks.blocks(document)]

    assert without_comments("tutorial.zh-CN.md") == without_comments("tutorial.md")
