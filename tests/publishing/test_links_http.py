"""Links are followed for seconds, not further than their first answer, and never into our own network."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qe_ban.publishing.adapters import links
from qe_ban.publishing.adapters.links import Answer, HttpLinks, LinkState
from tests.factories.waits import HANG_TIMEOUT, wait_for
from tests.publishing.hosts import Host, by_method, raw, status

ALIVE, DEAD, UNREACHABLE = LinkState.ALIVE, LinkState.DEAD, LinkState.UNREACHABLE


@pytest.fixture
def host():
    made = []

    def make(answering, tls=None):
        made.append(Host(answering, tls))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def http():
    return HttpLinks(private=True, patience=HANG_TIMEOUT, over_all=HANG_TIMEOUT)


@pytest.fixture
def silent(host):
    """Return a host that says nothing as long as the test runs."""
    over = threading.Event()
    yield host(lambda _connection, _request: over.wait())
    over.set()


def follow(http, url):
    return http.follow([url])[url]


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (200, ALIVE),
        (204, ALIVE),
        (301, ALIVE),
        (302, ALIVE),
        (304, ALIVE),
        (404, DEAD),
        (410, DEAD),
        (400, UNREACHABLE),
        (401, UNREACHABLE),
        (403, UNREACHABLE),
        (418, UNREACHABLE),
        (429, UNREACHABLE),
        (500, UNREACHABLE),
        (503, UNREACHABLE),
        (999, UNREACHABLE),
    ],
)
def test_what_a_host_says_decides(host, http, number, state):
    one = host(status(number))
    assert follow(http, one.url("/a?b=c")) == Answer(state, number)
    assert one.asked[0] == "HEAD /a?b=c"
    assert f"Host: 127.0.0.1:{one.port}\r\n" in one.heads[0]
    assert "User-Agent: qe-ban" in one.heads[0]


@pytest.mark.parametrize("number", [404, 405, 410, 501])
def test_a_host_that_knows_no_head_is_asked_again_by_get(host, http, number):
    one = host(by_method(HEAD=status(number), GET=status(200, body=b"page")))
    assert follow(http, one.url()) == Answer(ALIVE, 200)
    assert one.asked == ["HEAD /", "GET /"]


def test_a_redirection_is_an_answer_and_a_loop_is_not_run_through(host, http):
    one = host(status(302, "Location: /"))
    assert follow(http, one.url()).state is ALIVE
    assert one.asked == ["HEAD /"]
    inside = host(status(200))
    outside = host(status(301, f"Location: {inside.url()}"))
    assert follow(http, outside.url()).state is ALIVE
    assert inside.asked == []


def test_a_page_without_end_is_not_read(host, http):
    sent = []

    def pour(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(bytes(100_000))
            sent.append(1)

    one = host(by_method(HEAD=status(405), GET=pour))
    assert follow(http, one.url()) == Answer(ALIVE, 200)
    assert len(sent) < 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 -1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n",
        "青岛".encode() * 100,
    ],
)
def test_what_is_no_http_is_unreachable(host, http, data):
    assert follow(http, host(raw(data)).url()).state is UNREACHABLE


@pytest.mark.parametrize("seconds", [{"patience": 0.2, "over_all": HANG_TIMEOUT}, {"over_all": 0.2}], ids=str)
def test_a_host_that_says_nothing_is_unreachable_while_it_is_still_silent(silent, seconds):
    assert follow(HttpLinks(private=True, **seconds), silent.url()) == Answer(UNREACHABLE, None)


def test_a_host_that_drips_is_given_up_and_holds_no_thread(host):
    http = HttpLinks(private=True, patience=HANG_TIMEOUT, over_all=0.8)
    ended = threading.Event()

    def drip(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        try:
            while True:
                connection.sendall(b"y")
                time.sleep(0.05)
        except OSError:
            ended.set()

    one = host(drip)
    assert follow(http, one.url()) == Answer(UNREACHABLE, None)
    assert ended.wait(HANG_TIMEOUT), "the connection is closed"
    wait_for(lambda: not any(thread.name.startswith("links") for thread in threading.enumerate()), "it goes on")


def test_a_port_where_nobody_listens_is_unreachable(http):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert follow(http, f"http://127.0.0.1:{port}/") == Answer(UNREACHABLE, None)


def test_many_links_are_followed_eight_at_once_and_each_once(host, http):
    at_once, counted, lock = [0], [], threading.Lock()

    def count(change):
        with lock:
            at_once[0] += change
            counted.append(at_once[0])

    def slow(connection, request):
        count(1)
        time.sleep(0.1)
        # before it is answered: whoever has the answer asks for the next one at once
        count(-1)
        status(200)(connection, request)

    one = host(slow)
    urls = [one.url(f"/{number}") for number in range(24)]
    assert {answer.state for answer in http.follow(urls + urls).values()} == {ALIVE}
    assert len(one.asked) == 24
    assert 2 <= max(counted) <= links.AT_ONCE


def test_what_there_is_no_time_for_is_not_answered(silent):
    http = HttpLinks(private=True, patience=HANG_TIMEOUT, over_all=0.5)
    answers = http.follow([silent.url(f"/{number}") for number in range(100)])
    assert 1 <= len(answers) <= links.AT_ONCE
    assert set(answers.values()) == {Answer(UNREACHABLE, None)}


def test_nothing_to_follow_is_nothing(http):
    assert http.follow([]) == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "http://",
        "https:///x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://a:b@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://[::1",
        "http://" + "a" * 300 + ".example/",
        "http://no-such-host.invalid/",
        "http://exa mple/",
        "http://a..b/",
        "http://\0/",
        "http://青岛.invalid/",
        "http://127.0.0.1:1/\r\nX: y",
    ],
)
def test_what_is_no_address_is_unreachable(http, url):
    assert follow(http, url) == Answer(UNREACHABLE, None)


def certificate(directory, name):
    """A key and a certificate of its own making for a name; gives the file of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / f"{name}.pem").write_bytes(private + made.public_bytes(pem))
    return directory / f"{name}.pem"


@pytest.mark.parametrize(("name", "state"), [("localhost", ALIVE), ("elsewhere.example", UNREACHABLE)])
def test_a_host_must_show_a_certificate_of_its_name_that_is_trusted(host, http, tmp_path, monkeypatch, name, state):
    path = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    one = host(status(200), context)
    url = f"https://localhost:{one.port}/"
    assert follow(http, url) == Answer(UNREACHABLE, None), "nobody trusts it"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert follow(http, url).state is state


def test_a_host_that_speaks_no_tls_is_unreachable(host):
    # it waits for a request, and we for its hello
    http, plain = HttpLinks(private=True, patience=0.2), host(raw(b"HTTP/1.1 200 OK\r\n\r\n"))
    assert follow(http, f"https://127.0.0.1:{plain.port}/") == Answer(UNREACHABLE, None)
