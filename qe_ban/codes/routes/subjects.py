"""Whose wallet a call is about: the caller's own, or with `?for=` that of somebody whom the caller acts for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from qe_ban.accounts import service as accounts
from qe_ban.accounts.service import Subject
from qe_ban.db.engine import Database
from qe_ban.web import guard
from qe_ban.web.parts import part


def find_subject(query: Mapping[str, Any], moment: datetime) -> Subject:
    """Return whose wallet is meant, asking the database for wards only. Raises WardNotFound."""
    caller, ward = guard.principal().id, query["for_"]
    if ward is None:
        return Subject(caller, caller)
    with part(Database).transaction() as session:
        return accounts.resolve_subject(session, caller=caller, ward=ward, now=moment)
