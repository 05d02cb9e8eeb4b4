"""Writes rows of any table for tests: columns that must hold something and are of no interest get something."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Boolean, Date, DateTime, Integer, LargeBinary, Uuid, insert
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from qe_ban.accounts import models as accounts
from qe_ban.audit.models import Alarm
from qe_ban.codes import models as codes
from qe_ban.db.base import Base
from qe_ban.health import models as health
from qe_ban.jobs.models import Job
from qe_ban.publishing import models as pages
from qe_ban.venues.models import Enrolment, Scanner
from qe_ban.zones.models import Demand

ENDS = datetime(2040, 1, 1, tzinfo=UTC)
Values = Mapping[str, Any]

# what the checks of a table want of a row that has nothing special
PLAIN: dict[type[Base], Callable[[], Values]] = {
    accounts.Resident: lambda: {"assurance": "none", "phone_index": secrets.token_bytes(8), "phone_sealed": b"x"},
    accounts.Staff: lambda: {"username": secrets.token_hex(8), "roles": ["auditor"]},
    accounts.Consent: lambda: {"purpose": secrets.token_hex(4)},
    accounts.Guardianship: lambda: {"relation": "parent", "basis": "custody"},
    accounts.RecoveryCase: lambda: {"state": "rejected"},
    accounts.Proposal: lambda: {"subject": secrets.token_hex(8)},
    Alarm: lambda: {"kind": "guessing", "subject": secrets.token_hex(4)},
    codes.Dispute: lambda: {"state": "upheld", "answered_by": None},
    Demand: lambda: {"size": None, "text_sealed": b"x", "contact_sealed": b"x", "phone_sealed": b"x"},
    Job: lambda: {"state": "done"},
    health.HealthChange: lambda: {"level": "red", "state": "proposed", "ends_at": ENDS},
    Scanner: lambda: {"purposes": ["x"]},
    Enrolment: lambda: {"purposes": ["x"], "code_hash": secrets.token_bytes(8)},
    pages.Page: lambda: {"kind": "zone", "slug": secrets.token_hex(4), "state": "draft"},
    pages.PagePreview: lambda: {"token_hash": secrets.token_bytes(8)},
}


class Planter:
    """Writes rows; columns that must hold something and are of no interest get something."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now

    def row(self, model: type[Base], **values: Any) -> dict[str, Any]:
        """Write a row, and those that it refers to; returns its primary key."""
        values = {**(PLAIN[model]() if model in PLAIN else {}), **values}
        table = model.__table__
        pairs = [key for key in table.foreign_key_constraints if len(key.elements) > 1]
        for constraint in pairs:
            parent = self.row(_model_of(constraint.referred_table))
            for element in constraint.elements:
                values.setdefault(element.parent.name, parent[element.column.name])
        for column in table.columns:
            if column.name in values or column.nullable or column.server_default is not None or column.identity:
                continue
            keys = list(column.foreign_keys)
            values[column.name] = (
                self.row(_model_of(keys[0].column.table))[keys[0].column.name] if keys else self._any(column.type)
            )
        done = self._session.execute(insert(model).values(values).returning(*table.primary_key.columns))
        return dict(done.one()._mapping)

    def closed(self, at: datetime) -> Any:
        """Write a resident whose account was closed."""
        return self.row(accounts.Resident, closed_at=at, phone_index=None, phone_sealed=None)["id"]

    def _any(self, type_: Any) -> Any:
        kinds = (
            (Uuid, uuid4),
            (LargeBinary, lambda: secrets.token_bytes(8)),
            (DateTime, lambda: self._now),
            (Date, self._now.date),
            (JSONB, dict),
            (ARRAY, list),
            (Boolean, lambda: False),
            (Integer, lambda: 1),
        )
        return next((make() for kind, make in kinds if isinstance(type_, kind)), secrets.token_hex(4))


def _model_of(table: Any) -> type[Base]:
    return next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
