"""Run with the previous release's code: seals a text for each of its sealed columns, and writes them as JSON.

The rows lie in no table: a seal is bound to the names of its column and its row, and to its keys.
"""

import json
import os
import sys
import uuid
from datetime import UTC, datetime

from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.keys import data_keys, resealing, vault
from qe_ban.keys.rings import KeyRings

SEALED_COLUMNS = getattr(resealing, "SEALED_COLUMNS", None) or resealing.SEALED  # SEALED: its name in 0.4.0


def main() -> None:
    settings = Settings.from_env(os.environ)
    database = Database(settings.database_url)
    rings = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)
    now = datetime.now(UTC)
    with database.transaction() as session:
        numbers = {owner: data_keys.allocate(rings, session, owner, now) for owner in data_keys.Owner}
    seals = []
    for column in SEALED_COLUMNS:
        if column.name is None:  # sealed by their services alone, and gone within the hour
            continue
        row = vault.row_key(tuple(str(uuid.uuid4()) for _ in column.key))
        text = f"{column.table}.{column.column} of {row}"
        number = None if column.owner is None else numbers[column.owner]
        envelope = vault.seal(rings, column.name, row, text, now, data_key=number)
        place = {"table": column.table, "column": column.column, "key": column.key, "owner": column.owner}
        place |= {"owner_id": column.owner_id, "data_key": number}
        seals.append(place | {"row": row, "text": text, "sealed": envelope.hex()})
    database.dispose()
    json.dump(seals, sys.stdout)


if __name__ == "__main__":
    main()
