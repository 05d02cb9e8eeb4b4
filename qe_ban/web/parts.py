"""The collaborators of one app, found by their class: what create_app put together, a view takes from here."""

from datetime import datetime
from typing import TypeVar, cast

from flask import Flask, current_app

from qe_ban.kernel.clock import Clock

T = TypeVar("T")

_PARTS = "qe_ban.parts"
_CLOCK = "qe_ban.clock"


def provide(app: Flask, obj: object, as_: type | None = None) -> None:
    """Make `obj` the app's collaborator of its class, or of the class `as_`; a later one takes the place."""
    app.extensions.setdefault(_PARTS, {})[as_ or type(obj)] = obj


def part(cls: type[T]) -> T:
    """Return the current app's collaborator of a class. Raises LookupError where create_app provides none."""
    try:
        return cast(T, current_app.extensions[_PARTS][cls])
    except KeyError:
        raise LookupError(f"no {cls.__name__} was provided to this app") from None


def set_clock(app: Flask, clock: Clock) -> None:
    """Make `clock` the app's clock (called by `application.build`)."""
    app.extensions[_CLOCK] = clock


def now() -> datetime:
    """Return the moment by the current app's clock, aware, in UTC."""
    return cast(datetime, current_app.extensions[_CLOCK]())
