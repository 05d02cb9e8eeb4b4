"""The file that takes what an engine prints, read back to say in one line why it did not start."""

import os
from pathlib import Path

KEPT_BYTES = 8 * 1024 * 1024
READ_BYTES = 64 * 1024


class Output:
    """An append-only file, 0600; beyond 8 MiB it is moved aside once at the next opening."""

    def __init__(self, path: Path) -> None:
        """Open `path`, which is made when missing."""
        if path.exists() and path.stat().st_size > KEPT_BYTES:
            path.replace(path.with_name(path.name + ".1"))
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._since = os.fstat(self.fd).st_size

    def mark(self) -> None:
        """Count from here what `new` gives."""
        self._since = os.fstat(self.fd).st_size

    def new(self) -> str:
        """Return what was printed since the mark, at most 64 KiB."""
        return os.pread(self.fd, READ_BYTES, self._since).decode("utf-8", "replace")

    def reason(self, *words: str) -> str:
        """Return the last new line that holds one of `words`, else the last new line, and where to read on."""
        lines = [line.strip() for line in self.new().splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line for word in words)] or lines or ["it said nothing"]
        return f"{telling[-1]} (see {self.path})"

    def close(self) -> None:
        """Close the file; a running engine keeps writing to it."""
        os.close(self.fd)
