"""docs/new-slice.md shows a declaration as it is, and names every part that a slice may declare."""

import dataclasses
import re
from pathlib import Path

from qe_ban.composition import Slice

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "new-slice.md").read_text()


def test_the_declaration_on_the_page_is_that_of_venues():
    (declaration,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert declaration in (ROOT / "qe_ban" / "venues" / "slice.py").read_text()


def test_the_page_names_every_part_but_for_what_one_slice_alone_has():
    parts = {field.name for field in dataclasses.fields(Slice)} - {"name", "principal_from"}
    assert parts <= set(re.findall(r"`(\w+)`", PAGE))
