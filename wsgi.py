"""A thin door to `qe_ban.wsgi`, for servers that look here."""

from qe_ban.wsgi import app

__all__ = ["app"]
