"""Every place in the database that leads to one resident, how it is found, and what closing the account does with it.

The report of a closing is made of this list, and `tests/privacy/test_traces.py` compares it with the tables: whoever
adds a column that names residents adds a line here.
"""

from typing import Final

from qe_ban.accounts.rules.traces.deleted import GOING
from qe_ban.accounts.rules.traces.kept import STAYING
from qe_ban.accounts.rules.traces.trace import Lookup, Outcome, Retention, Trace

__all__ = ["TRACES", "Lookup", "Outcome", "Retention", "Trace", "kept_columns", "names_of"]

TRACES: Final = GOING + STAYING


def names_of(outcome: Outcome) -> dict[str, str]:
    """Return the residents' words for what is deleted, or for what ends, by the word of the report."""
    return {trace.what: trace.name for trace in TRACES if trace.outcome is outcome}


def kept_columns() -> frozenset[tuple[str, str]]:
    """Return the columns, with their tables, that may lead to a resident whose account is closed."""
    return frozenset(
        (trace.table, column) for trace in TRACES if trace.outcome is Outcome.KEPT for column in trace.columns
    )
