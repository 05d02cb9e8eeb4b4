"""What documents and code point at is there: files, anchors, headings, sources."""

import re

from tests.docs.documents import LINK, REPOSITORY, anchors, documents, headings, prose, read, sources

MENTION = re.compile(r"\bdocs/(?P<name>[\w./-]+\.md)(?:#(?P<anchor>[\w-]+))?(?:, \"(?P<heading>[^\"]+)\")?")
SOURCE = re.compile(r"`(?P<path>(?:qe_ban|tests|bench|docs)/[\w./-]*[\w/])`")
# these files say what was so at a time
HISTORY = {"CHANGELOG.md"}
# written by a run, and not kept
MADE = "bench/results/"


def broken(path):
    """Return the links of a document that lead nowhere."""
    for number, line in prose(path):
        for match in LINK.finditer(line):
            target = match["target"] or match["source"]
            name, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
                yield f"{path.relative_to(REPOSITORY)}:{number}: {target}"


def test_every_link_and_anchor_of_a_document_leads_somewhere():
    assert [line for path in documents() for line in broken(path)] == []


def is_heading(file, words):
    return any(title.startswith(words) for title in headings(file))


def lost_mentions(path):
    for match in MENTION.finditer(read(path)):
        file = REPOSITORY / "docs" / match["name"]
        anchor_is_lost = match["anchor"] and file.exists() and match["anchor"] not in anchors(file)
        heading_is_lost = match["heading"] and file.exists() and not is_heading(file, match["heading"])
        if not file.exists() or anchor_is_lost or heading_is_lost:
            yield f"{path.relative_to(REPOSITORY)}: {match[0]}"


def test_every_document_that_the_code_mentions_is_there():
    assert [line for path in sources() for line in lost_mentions(path)] == []


def test_every_source_that_a_document_mentions_is_there():
    lost = [
        f"{path.name}: {match['path']}"
        for path in documents()
        if path.name not in HISTORY
        for match in SOURCE.finditer(read(path))
        if not (REPOSITORY / match["path"]).exists() and not match["path"].startswith(MADE)
    ]
    assert lost == []


def test_every_document_is_on_the_map():
    page = REPOSITORY / "docs" / "README.md"
    links = [match["target"] or "" for _, line in prose(page) for match in LINK.finditer(line)]
    names = {link.partition("#")[0] for link in links}
    assert {path.name for path in (REPOSITORY / "docs").glob("*.md")} - names == {"README.md"}
