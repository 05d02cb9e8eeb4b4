"""The interface of zones: what they show, demands for residents and for editors, their end."""

from qe_ban.zones.routes import demands, ending, handling, screens

BLUEPRINTS = (screens.blp, demands.sending, demands.mine, handling.blp, ending.blp)

__all__ = ["BLUEPRINTS"]
