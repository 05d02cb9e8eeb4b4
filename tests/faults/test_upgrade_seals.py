"""What the previous release sealed opens today, in every column that it had, and in the same row under the same keys.

A column that is renamed or gone, or whose seals are bound to another name, key or owner, is data that is lost.
"""

import base64
import json

import pytest

from qe_ban.app import assemble
from qe_ban.keys import vault
from qe_ban.keys.resealing import SEALED_COLUMNS
from tests.factories import releases
from tests.factories.databases import another

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("upgrade")]
TODAY = {(column.table, column.column): column for column in SEALED_COLUMNS}


@pytest.fixture(scope="module")
def seals_and_rings(settings, tmp_path_factory):
    """Return what the previous release sealed in a database of its own, and today's key rings of it."""
    directory = tmp_path_factory.mktemp("seals")
    own = another(settings, "seals")
    env = {
        "QE_MODE": "sandbox",
        "QE_DATABASE_URL": own.database_url,
        "QE_REDIS_URL": own.redis_url,
        "QE_MASTER_KEY": base64.b64encode(own.master_key).decode(),
        "QE_ISSUER": own.issuer,
        "QE_MEDIA_DIR": str(own.media_dir),
        "QE_DATA_KEYS_DIR": str(own.data_keys_dir),
    }
    try:
        with releases.old_and_new(env, directory) as (old, _):
            code, output = old.command("keys", "init", "--roots", directory / "roots")
            assert code == 0, output
            seals = json.loads(old.run_script("seal_with_release.py"))
    except releases.NoHistory as error:
        pytest.skip(f"the last release cannot be had: {error}")
    parts = assemble(own)
    yield seals, parts.rings
    parts.database.dispose()


def test_every_sealed_column_of_the_release_opens_today(seals_and_rings):
    seals, rings = seals_and_rings
    assert len(seals) > 30
    for seal in seals:
        column = TODAY[seal["table"], seal["column"]]
        assert vault.unseal(rings, column.name, seal["row"], bytes.fromhex(seal["sealed"])) == seal["text"]


def test_rows_and_owners_are_named_by_the_same_columns(seals_and_rings):
    seals, _ = seals_and_rings
    for seal in seals:
        column = TODAY[seal["table"], seal["column"]]
        assert (list(column.key), column.owner, column.owner_id) == (seal["key"], seal["owner"], seal["owner_id"])


def test_what_belongs_to_an_owner_lies_under_the_owners_data_key(seals_and_rings):
    seals, _ = seals_and_rings
    for seal in seals:
        assert vault.data_key_of(bytes.fromhex(seal["sealed"])) == seal["data_key"]
        assert (seal["data_key"] is None) == (seal["owner"] is None)
