"""Whether a port is free, also where SO_REUSEPORT would let a second server in."""

import os
import socket
from collections.abc import Iterator

import pytest

from qe_ban.embedded.ports import port_is_free, reserve


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((request.param, 0))
        listening.listen()
        yield listening


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_port_that_is_listened_on_is_not_free(listener: socket.socket, host: str) -> None:
    assert not port_is_free(host, listener.getsockname()[1])


def test_a_port_is_free_again_right_after_its_server_has_gone(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)), listener.accept()[0] as connection:
        connection.close()  # the server closes first: its side goes to TIME_WAIT
    listener.close()
    assert port_is_free("127.0.0.1", port)


def test_a_port_that_is_bound_but_not_served_yet_is_not_free() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert not port_is_free("127.0.0.1", bound.getsockname()[1])


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        port_is_free("192.0.2.1", 8000)


def test_a_port_is_reserved_once_until_the_descriptor_is_closed():
    port = 65001 + os.getpid() % 500
    first = reserve(port)
    assert first is not None
    assert reserve(port) is None
    os.close(first)
    again = reserve(port)
    assert again is not None
    os.close(again)
