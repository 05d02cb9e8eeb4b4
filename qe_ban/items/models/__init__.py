"""The tables of the catalogue, of its search and of its imports."""

from qe_ban.items.models.catalogue import Department, Entry, Item, ItemVersion, Topic
from qe_ban.items.models.imports import Import, ImportChunk, ImportRow
from qe_ban.items.models.search import ItemHead, ItemText, SearchMiss, SearchTerm, SynonymGroup

__all__ = [
    "Department",
    "Entry",
    "Import",
    "ImportChunk",
    "ImportRow",
    "Item",
    "ItemHead",
    "ItemText",
    "ItemVersion",
    "SearchMiss",
    "SearchTerm",
    "SynonymGroup",
    "Topic",
]
