"""The documents of the repository, and what their lines are: prose, code, tables, headings, links."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FENCE = re.compile(r" *(```|~~~)")
HEADING = re.compile(r"#{1,6} +(?P<title>.+?) *#*$")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^()\s]+(?:\([^()]*\))?)\)|(?:src|href)=\"(?P<source>[^\"]+)\"")
SKIPPED = {"var", "build", ".venv", ".git", "node_modules"}
SOURCES = ("qe_ban", "tests", "bench", ".ci", ".github")


def documents() -> list[Path]:
    """Return all Markdown of the repository, but for what tools fetch or make."""
    roots = [REPOSITORY, REPOSITORY / "docs", *(REPOSITORY / name for name in SOURCES)]
    found = {path for root in roots[:1] for path in root.glob("*.md")}
    found |= {path for root in roots[1:] for path in root.rglob("*.md")}
    return sorted(path for path in found if not SKIPPED & set(path.relative_to(REPOSITORY).parts))


def sources() -> Iterator[Path]:
    """Return all files that may mention a document."""
    yield from (REPOSITORY / name for name in ("Makefile", "pyproject.toml", "wsgi.py"))
    for name in SOURCES:
        for suffix in (".py", ".po", ".html", ".json", ".yml", ".cfg", ".sh", ""):
            for path in sorted((REPOSITORY / name).rglob(f"*{suffix}" if suffix else "run")):
                if path.is_file() and not SKIPPED & set(path.parts):
                    yield path


@cache
def read(path: Path) -> str:
    return path.read_text("utf-8")


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Return the lines outside fences, with their numbers."""
    fenced = False
    for number, line in enumerate(read(path).splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors that GitHub makes of the headings."""
    seen: Counter[str] = Counter()
    result = set()
    for _, line in prose(path):
        if match := HEADING.match(line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match["title"])
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            result.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return frozenset(result)


def headings(path: Path) -> list[str]:
    return [match["title"] for _, line in prose(path) if (match := HEADING.match(line))]
