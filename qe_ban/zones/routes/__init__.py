"""The interface of zones: what they show, demands for residents and for editors, their end."""

from typing import Final

from qe_ban.zones.routes import demands, ending, handling, screens

BLUEPRINTS: Final = (screens.blp, demands.sending, demands.mine, handling.blp, ending.blp)
