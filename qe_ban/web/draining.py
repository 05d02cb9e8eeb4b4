"""Whether this process was asked to end: then each answer closes its connection, so that the next call goes elsewhere.

The server has signal handlers of its own. Python's wakeup descriptor hears of every signal beside them.
"""

import os
import signal
import threading
from typing import Final

SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})

_shutdown = threading.Event()


def is_draining() -> bool:
    """Return whether SIGTERM or SIGINT has come."""
    return _shutdown.is_set()


def listen() -> None:
    """Hear of signals from now on; whoever handles them stays as it is.

    Only the main thread may ask: under a server that loads the app in another one nothing is heard.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_hear, args=(reading,), name="draining", daemon=True).start()


def _hear(reading: int) -> None:
    while numbers := os.read(reading, 64):
        if SIGNALS & set(numbers):
            _shutdown.set()
