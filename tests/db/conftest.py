"""Here the product's own limits of time hold: they are what is tested."""

from tests.factories.limits import real_limits

__all__ = ["real_limits"]
