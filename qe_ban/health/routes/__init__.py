"""The interface of health levels: for residents, for who proposes and approves changes, for who answers requests."""

from typing import Final

from qe_ban.health.routes import changes, corrections, mine

BLUEPRINTS: Final = (mine.blp, changes.blp, corrections.blp)
