"""The ways of attack: each looks at rows and gives, by name, scores of people for trails of scans.

A way knows no table by name. It takes every table, column and order that there is, so that a table of tomorrow is
attacked as those of today.
"""

from collections.abc import Callable, Iterator, Sequence

from tests.privacy.attack.joins import View
from tests.privacy.attack.statistic import Scores
from tests.privacy.attack.ways import counts, equality, orders, times, transactions

Way = Callable[[View], Iterator[tuple[str, Scores]]]

VALUES: Sequence[Way] = (equality.shared_rows, times.nearest, orders.same_rank, counts.rows, counts.sizes)
"""What needs values and their order alone."""
ORDERS: Sequence[Way] = (equality.shared_rows, orders.same_rank)
"""What is tried where rows of people that stand in an order are to meet others of which only the order is known."""
TRANSACTIONS: Sequence[Way] = (transactions.same, transactions.near)
"""What needs to know which transaction wrote a row."""


def attack(view: View, ways: Sequence[Way] = (*VALUES, *TRANSACTIONS)) -> Iterator[tuple[str, Scores]]:
    """Yield what each way gives for a view, with its name."""
    for way in ways:
        yield from way(view)
