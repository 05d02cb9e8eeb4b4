"""The edge of the terminal: what it cannot show is escaped, and ends no program."""

import io
import sys


def forgive() -> None:
    """Have standard output and error escape what their encoding has no bytes for, instead of raising.

    Where the locale is not of UTF-8, a path of the home may be such, and Chinese on an ASCII terminal is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
