"""Links never lead us into our own network, however they name it."""

import socket

import pytest

from qe_ban.publishing.adapters import links
from qe_ban.publishing.adapters.links import Answer, HttpLinks, LinkState
from tests.publishing.hosts import Host, status

NOT_ASKED = Answer(LinkState.UNREACHABLE, None)


@pytest.fixture
def one():
    made = Host(status(200))
    yield made
    made.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "2130706433", "0x7f000001", "[::1]"])
def test_our_own_network_is_never_asked(one, name):
    outside = HttpLinks(patience=0.4, over_all=2.0)
    assert list(outside.follow([f"http://{name}:{one.port}/"]).values()) == [NOT_ASKED]
    assert one.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "4000::1",
    ],
)
def test_addresses_that_are_not_public(address):
    assert not links._is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "219.146.1.66", "2400:3200::1"])
def test_addresses_that_are_public(address):
    assert links._is_public(address)


def test_a_name_that_leads_to_both_networks_is_not_asked(one, monkeypatch):

    def both(_host, port, **_options):
        found = socket.AF_INET, socket.SOCK_STREAM, 6, ""
        return [(*found, ("219.146.1.66", port)), (*found, ("127.0.0.1", port))]

    monkeypatch.setattr(links.socket, "getaddrinfo", both)
    outside = HttpLinks(patience=0.2, over_all=1.0)
    assert list(outside.follow([f"http://rebound.example:{one.port}/"]).values()) == [NOT_ASKED]
    assert one.asked == []
