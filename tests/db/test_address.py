"""One reading of addresses for all that connects: libpq's forms, with the servers and ports that each names."""

import pytest

from qe_ban.db.address import Address, AddressInvalid
from qe_ban.db.engine import Database

FORMS = {
    "postgresql://qe@a:5433,b:5434/qe": "a:5433, b:5434",
    "postgresql://qe@a,b,c:6000/qe": "a:5432, b:5432, c:6000",
    "postgresql://qe@/qe?host=a,b&port=1,2": "a:1, b:2",
    "postgresql://qe@/qe?host=a,b&port=7": "a:7, b:7",
    "postgresql://qe@a,b/qe?port=7": "a:7, b:7",
    "postgresql://qe@/qe?host=a&host=b&port=1&port=2": "a:1, b:2",
    "postgresql://qe@/qe?host=a:1&host=b:2": "a:1, b:2",
    "postgresql+psycopg://qe@/qe?host=a:1,b": "a:1, b:5432",
    "postgres://qe@a/qe": "a:5432",
    "host=a,b port=1,2 dbname=qe user=qe": "a:1, b:2",
    "postgresql://qe@[::1]:5,b:6/qe": "[::1]:5, b:6",
    "postgresql://qe@/qe?hostaddr=127.0.0.1,127.0.0.2&port=1,2": "127.0.0.1:1, 127.0.0.2:2",
    "postgresql://qe@%2Frun%2Fpg/qe": "/run/pg",
    "postgresql://qe@/qe?host=/run/a,/run/b": "/run/a, /run/b",
    "postgresql://qe@/qe?host=/run/pg@18,@abstract": "/run/pg@18, @abstract",
    "postgresql:///qe": "the local socket",
}


@pytest.mark.parametrize(("text", "servers"), FORMS.items())
def test_each_form_names_its_servers(text, servers):
    assert str(Address(text)) == servers


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("postgresql://qe:secret@a:port/qe", "the port of host 1 is no number"),
        ("postgresql://qe:secret@a,b:99999/qe", "the port of host 2 is no number"),
        ("postgresql://qe:pass@word:secret@a/qe", "the port of host 1 is no number"),
        ("postgresql://qe:pass@secret@a/qe", "%40"),
        ("postgresql://qe:secret/word@a/qe", "the port of host 1 is no number"),
        ("postgresql://qe:1?secret@a/qe", "cannot be read"),
        ("postgresql://qe:secret@a,b/qe?port=1,2,3", "2 hosts and 3 ports"),
        ("postgresql://qe:secret@/qe?host=a:1&port=3", "ports of their own"),
        ("postgresql://qe:secret@[a/qe", "cannot be read"),
        ("postgresql://qe:secret@a/qe?colour=red", "colour"),
        ("host=a secret", "cannot be read"),
        ("postgresql://qe:secret%zz@a/qe", "cannot be read"),
        ("secret", "cannot be read"),
        ("postgresql://qe:secret@a/qe?host=%D6%D0", ""),
        ("postgresql://qe:secret@a/%zz", ""),
    ],
)
def test_an_invalid_address_is_reported_without_the_password(text, reason):
    for use in (Address, Database):
        with pytest.raises(AddressInvalid) as refused:
            use(text)
        assert reason in str(refused.value)
        assert "secret" not in str(refused.value)


def test_everything_else_in_the_address_is_kept():
    options = Address("postgresql://qe:p%40w@a:1,b:2/qe?sslmode=verify-full&application_name=hall").options
    assert options == {
        "host": "a,b",
        "port": "1,2",
        "user": "qe",
        "password": "p@w",
        "dbname": "qe",
        "sslmode": "verify-full",
        "application_name": "hall",
    }


def test_the_server_that_answered_last_is_tried_first():
    address = Address("postgresql://qe@a:1,b:2,c/qe")
    address.prefer("c", 5432)
    assert (address.options["host"], address.options["port"]) == ("c,a,b", ",1,2")
    address.prefer("b", 2)
    address.prefer("elsewhere", 2)
    assert (address.options["host"], address.options["port"]) == ("b,c,a", "2,,1")
