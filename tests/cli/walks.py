"""Run the shell blocks of a document as a reader types them: one session of bash, one block after the other."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import CLEAN, REPOSITORY

BLOCK = re.compile(r"```sh\n(?P<commands>.*?)```\n(?:\n```text\n(?P<output>.*?)```)?", re.DOTALL)
COMMENT = re.compile(r" +# .*$", re.MULTILINE)
MARK = "---- next block ----"
# every command that ends with an error is noted, in pipelines and substitutions, too; so is an HTTP answer of 400 on
PRELUDE = """set -E -o pipefail
trap 'echo "$BASH_COMMAND" >> failed' ERR
curl() { command curl --fail-with-body --show-error "$@"; }
"""


@dataclass(frozen=True)
class Block:
    """A block of commands, and the lines that the document prints below it."""

    commands: str
    sample: list[str]


@dataclass(frozen=True)
class Walk:
    """What a session printed, by block, and which of its commands failed."""

    outputs: list[str]
    failures: list[str]
    errors: str


def blocks(document: str) -> list[Block]:
    text = (REPOSITORY / "docs" / document).read_text("utf-8")
    return [
        Block(match["commands"], [line for line in (match["output"] or "").splitlines() if line.strip() != "..."])
        for match in BLOCK.finditer(text)
    ]


def prepare(directory: Path) -> None:
    """Give a directory what a checkout has for a reader: the `.venv` of this run, and the test vectors."""
    (directory / "tests").symlink_to(REPOSITORY / "tests")
    (directory / ".venv").symlink_to(sys.prefix)


def walk(
    steps: list[str], directory: Path, *, seconds: float, prefix: tuple[str, ...] = (), **environment: str
) -> Walk:
    """Run the steps in a directory; `prefix` is the command that switches to another account."""
    script = PRELUDE + "".join(f"{step}\necho; echo '{MARK}'\n" for step in steps)
    result = subprocess.run(
        [*prefix, "bash", "-c", script],
        cwd=directory,
        env={**CLEAN, "PYTHONPATH": str(REPOSITORY), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
        encoding="utf-8",
    )
    failures_file = directory / "failed"
    failures = failures_file.read_text("utf-8").splitlines() if failures_file.exists() else []
    return Walk(result.stdout.split(MARK)[:-1], failures, result.stderr)


def missing(sample: list[str], output: str) -> list[str]:
    """Return the lines that an output does not have, in the order in which the document prints them."""
    lines, at = [line.strip() for line in output.splitlines()], 0
    absent = []
    for line in sample:
        # a part of a long line may be printed: `...` stands for the rest
        start = line.strip().removesuffix("...")
        position = next((number for number in range(at, len(lines)) if lines[number].startswith(start)), None)
        if position is None:
            absent.append(line)
        else:
            at = position + 1
    return absent
