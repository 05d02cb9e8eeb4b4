"""Services are made once, each when something first needs it, from what the slices declare."""

from dataclasses import dataclass

import pytest

from qe_ban.composition import RetentionPlan, Services, Slice


@dataclass
class Lamp:
    number: int


@dataclass
class Room:
    lamp: Lamp


def declare(name, **parts):
    return Slice(name=name, operations=(), scopes=frozenset(), retention=RetentionPlan(), **parts)


def make(*slices):
    others = dict.fromkeys(("settings", "clock", "city", "database", "rings", "day_hashes", "limiter"))
    return Services(slices=slices, **others)


def test_a_service_is_made_once_and_may_need_that_of_a_slice_above():
    lamps = []

    def lamp(_services):
        lamps.append(Lamp(len(lamps)))
        return lamps[-1]

    services = make(
        declare("rooms", factories={Room: lambda services: Room(services.get(Lamp))}),
        declare("lamps", factories={Lamp: lamp}),
    )
    assert services.get(Room).lamp is services.get(Lamp)
    assert services.make_all() == {Room: Room(Lamp(0)), Lamp: Lamp(0)}
    assert len(lamps) == 1


def test_what_no_slice_makes_is_an_error():
    services = make(declare("rooms", factories={Room: lambda services: Room(services.get(Lamp))}))
    with pytest.raises(LookupError, match="no slice makes a Lamp"):
        services.make_all()


def test_parts_come_in_the_order_of_the_slices():
    services = make(declare("a", metrics=lambda _: (1, 2)), declare("b"), declare("c", metrics=lambda _: (3,)))
    assert services.collect(lambda slice_: slice_.metrics) == [1, 2, 3]


def test_a_key_that_two_slices_declare_is_an_error():
    services = make(declare("a", runners=lambda _: {"import": 1}), declare("b", runners=lambda _: {"import": 2}))
    with pytest.raises(LookupError, match="b declares again: import"):
        services.merge(lambda slice_: slice_.runners)


@pytest.mark.parametrize("number", [0, 2])
def test_what_exactly_one_slice_declares_is_neither_missing_nor_there_twice(number):
    slices = [declare(str(n), principal_from=lambda _: "principal") for n in range(number)]
    with pytest.raises(LookupError):
        make(*slices).single(lambda slice_: slice_.principal_from)
    assert make(declare("a", principal_from=lambda _: "x")).single(lambda slice_: slice_.principal_from) == "x"
