"""Hosts that links may lead to, on this machine: each says one thing, or nothing, and notes what it was asked."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from tests.factories.waits import HANG_TIMEOUT

Answering = Callable[[socket.socket, str], None]


class Host:
    """A host that answers every request by `answering`, given the connection and the request's first line."""

    def __init__(self, answering: Answering, tls: ssl.SSLContext | None = None) -> None:
        self._answering, self._tls = answering, tls
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(connection)
            connection.settimeout(HANG_TIMEOUT)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
                head += piece
            text = head.decode("latin-1")
            self.asked.append(text.partition(" HTTP/")[0])
            self.heads.append(text)
            self._answering(connection, text)


def status(number: int, *headers: str, body: bytes = b"") -> Answering:
    """Answer with a status, headers and a body."""

    def answer(connection: socket.socket, _request: str) -> None:
        lines = "".join(f"{header}\r\n" for header in headers)
        connection.sendall(f"HTTP/1.1 {number} Said\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body)

    return answer


def by_method(**answers: Answering) -> Answering:
    """Answer each method in its own way."""
    return lambda connection, request: answers[request.partition(" ")[0]](connection, request)


def raw(data: bytes) -> Answering:
    """Answer with these bytes, whatever they are."""
    return lambda connection, _request: connection.sendall(data)
