"""Whether a holder is sixty is told by whatever document's number tells it, and null by those that do not."""

from uuid import uuid4

import pytest

from qe_ban.accounts.service import residents
from qe_ban.kernel.identifiers import IdType, resident_id_check
from qe_ban.keys import vault
from tests.factories.accounts import API


def with_check(body):
    return body + resident_id_check(body)


@pytest.mark.parametrize(
    ("id_type", "number", "age"),
    [
        (IdType.RESIDENT_ID, with_check("37020219400515001"), True),
        (IdType.RESIDENT_ID, with_check("81000019400515001"), True),  # a residence permit of somebody from Hong Kong
        (IdType.RESIDENT_ID, with_check("83000020200515001"), False),  # and from Taiwan
        (IdType.FOREIGN_PERMANENT_RESIDENT, with_check("93784019400515001"), True),
        (IdType.FOREIGN_PERMANENT_RESIDENT, with_check("93784020200515001"), False),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "USA370082051502", None),  # the year in two digits tells no century
        (IdType.PASSPORT, "E12345678", None),
        (IdType.HK_MACAO_PERMIT, "H01234567", None),
        (IdType.TAIWAN_PERMIT, "01234567", None),
    ],
)
def test_an_age_is_told_by_the_number_or_not_at_all(client, town, id_type, number, age):
    person, terminal = town.resident(), town.terminal("senior-discount")
    with town.parts.database.transaction() as session:
        row = session.get_one(residents.Resident, person.id)
        row.id_type = id_type.value
        row.id_number_sealed = vault.seal(town.parts.rings, residents.ID_NUMBER, person.id, number, town.now)
    assert client.put(f"{API}/me/consents/senior-discount", headers=person.headers).status_code == 200
    code = client.post(f"{API}/codes/identity/issue", headers=person.headers).get_json()["code"]
    body = {"scan_id": str(uuid4()), "code": code, "purpose": "senior-discount"}
    verdict = client.post(f"{API}/codes/verify", json=body, headers=terminal.headers).get_json()
    assert (verdict["reason"], verdict["holder"]) == ("ok", {"age_60_or_over": age})
