"""`qe-ban sandbox source`: the second source as a process of its own, which `up` starts in the sandbox."""

import contextlib
import signal
from types import FrameType

import click

from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox import source as second_source


@click.command(hidden=True)
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--token", envvar="QE_OUTSIDE_TOKEN", required=True)
def source(port: int, token: str) -> None:
    """Serve the second source on the loopback address."""
    server = second_source.server(port, token, second_source.records(), system_clock)
    signal.signal(signal.SIGTERM, _end)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
