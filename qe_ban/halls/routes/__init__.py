"""The interface of halls: for everybody who looks, and for the staff who keep apps and places."""

from typing import Final

from qe_ban.halls.routes import apps, halls, me, places

BLUEPRINTS: Final = (halls.blp, apps.blp, apps.of_halls, places.blp, places.of_halls, me.blp)
