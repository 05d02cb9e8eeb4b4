"""Hands files in and runs their imports, as a worker would, and looks at what came of it."""

import io
from functools import partial
from uuid import UUID

from sqlalchemy import select

from qe_ban.db.engine import Database
from qe_ban.items.models import Item, ItemVersion
from qe_ban.items.service import importing
from qe_ban.jobs import service as jobs
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal, PrincipalKind


def editor(place: Place = Place()) -> Principal:  # noqa: B008 - a frozen value
    """A member of staff who may write the items of a place."""
    return Principal(PrincipalKind.STAFF, new_id(), frozenset({"items.write"}), new_id(), place=place)


class Imports:
    """Imports into one database."""

    def __init__(self, database: Database, city: City, clock: Clock = system_clock) -> None:
        self.database, self.clock = database, clock
        self.importer = importing.Importer(city, clock)

    def submit(self, data: bytes, owner: Principal | None = None, **options: object) -> UUID:
        kind = "xlsx" if data.startswith(b"PK") else "csv"
        with self.database.transaction() as session:
            return importing.submit(
                session,
                file=io.BytesIO(data),
                file_name=f"事项.{kind}",
                format=kind,
                options=importing.Options(**options),
                owner=owner,
                now=self.clock(),
            )

    def runner(self, run=None) -> jobs.Jobs:
        return jobs.Jobs(self.database, self.clock, {importing.KIND: run or partial(importing.run, self.importer)})

    def run(self, data: bytes, owner: Principal | None = None, **options: object) -> jobs.JobView:
        return self.runner().run_one(self.submit(data, owner, **options))

    def items(self, *codes: str) -> list[Item]:
        with self.database.transaction() as session:
            return list(session.scalars(select(Item).where(Item.code.in_(codes)).order_by(Item.code)))

    def item(self, code: str) -> Item | None:
        return next(iter(self.items(code)), None)

    def content(self, code: str) -> dict:
        """What the newest version of an item says."""
        return self.versions(code)[-1].content

    def versions(self, code: str) -> list[ItemVersion]:
        statement = select(ItemVersion).join(Item, Item.id == ItemVersion.item_id).where(Item.code == code)
        with self.database.transaction() as session:
            return list(session.scalars(statement.order_by(ItemVersion.number)))


def counts(view: jobs.JobView) -> dict[str, int]:
    """How many items came of an import, without what came of nothing."""
    other_keys = ("faults", "ending", "refusals")
    return {name: count for name, count in view.result.items() if name not in other_keys and count}


def errors(view: jobs.JobView) -> list[tuple[int | None, str | None, str]]:
    """The errors by row and column."""
    return [(one.row, one.column, one.message) for one in view.faults if one.severity is jobs.Severity.ERROR]
