"""What a bug writes to a log of the values that codes pass through names no code, no number and no document."""

from datetime import UTC, datetime
from uuid import uuid4

from qe_ban.codes import service as codes
from qe_ban.codes.service.issuing import Code
from qe_ban.codes.service.scanning import VerifyRequest

NOW = datetime.now(UTC)


def test_a_question_shows_neither_code_nor_number_nor_document():
    request = VerifyRequest(
        uuid4(), uuid4(), "gate-entry", code="QE1:SECRET", short_number="1234567897", document="03071X"
    )
    assert "gate-entry" in repr(request)
    for secret in ("QE1:SECRET", "1234567897", "03071X"):
        assert secret not in repr(request)


def test_what_is_given_out_shows_no_code_and_no_number():
    assert "QE1:SECRET" not in repr(Code("identity", "QE1:SECRET", NOW, NOW, 60, 30))
    assert "1234567897" not in repr(codes.IssuedNumber("1234567897", NOW))
