"""What a process works with: what all slices stand on, and what each slice makes of it, by class."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock
from qe_ban.keys.day_hashes import DayHashes
from qe_ban.keys.rings import KeyRings

if TYPE_CHECKING:
    from qe_ban.composition.declaration import Slice

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Services:
    """Everything that a process of this product works with; connects on first use."""

    settings: Settings
    clock: Clock
    city: City
    database: Database
    rings: KeyRings
    day_hashes: DayHashes
    limiter: Limiter
    slices: "tuple[Slice, ...]"
    _instances: dict[type, object] = field(default_factory=dict, init=False, repr=False)

    def get(self, cls: type[T]) -> T:
        """Return the instance that a slice makes of a class, the same each time. Raises LookupError, ConfigInvalid."""
        if cls not in self._instances:
            factory = self.merge(lambda slice_: lambda _: slice_.factories).get(cls)
            if factory is None:
                raise LookupError(f"no slice makes a {cls.__name__}")
            self._instances[cls] = factory(self)
        return cast(T, self._instances[cls])

    def make_all(self) -> Mapping[type, object]:
        """Return what the slices make, by class. Raises ConfigInvalid, and LookupError where a part is missing."""
        return {cls: self.get(cls) for slice_ in self.slices for cls in slice_.factories}

    def collect(self, part: "Callable[[Slice], Callable[[Services], Iterable[T]]]") -> list[T]:
        """Return a part of all slices, in their order."""
        return [element for slice_ in self.slices for element in part(slice_)(self)]

    def merge(self, part: "Callable[[Slice], Callable[[Services], Mapping[K, T]]]") -> dict[K, T]:
        """Return a part of all slices by its keys. Raises LookupError where two slices have one key."""
        result: dict[K, T] = {}
        for slice_ in self.slices:
            entries = part(slice_)(self)
            if duplicates := result.keys() & entries.keys():
                raise LookupError(f"{slice_.name} declares again: {', '.join(sorted(map(str, duplicates)))}")
            result |= entries
        return result

    def single(self, part: "Callable[[Slice], Callable[[Services], T] | None]") -> T:
        """Return a part that exactly one slice has. Raises LookupError."""
        factories: list[Callable[[Any], T]] = [
            factory for slice_ in self.slices if (factory := part(slice_)) is not None
        ]
        if len(factories) != 1:
            raise LookupError(f"{len(factories)} slices declare what exactly one must")
        return factories[0](self)
