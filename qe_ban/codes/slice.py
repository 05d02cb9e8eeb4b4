"""What codes bring: the wallet, verifying, the ledger, and disputes about scans."""

from typing import Final

from qe_ban.codes.routes import disputes, ledger, scanning, wallet
from qe_ban.composition import Slice
from qe_ban.web.ranks import Operations, Rank

_AT_THE_GATE: Final = {"issue": Rank.CODES, "issue_one": Rank.CODES, "short_number": Rank.CODES}
"""What somebody waits for who stands before a scanner."""

SLICE: Final = Slice(
    name="codes",
    operations=(
        Operations(wallet.blp, Rank.PEOPLE, ranks=_AT_THE_GATE),
        Operations(ledger.blp, Rank.PEOPLE),
        Operations(disputes.raising, Rank.PEOPLE),
        Operations(disputes.mine, Rank.PEOPLE),
        Operations(disputes.handling, Rank.STAFF),
        Operations(scanning.blp, Rank.CODES),
    ),
    scopes=frozenset(
        {"codes.read", "codes.issue", "codes.manage", "codes.verify", "ledger.read", "me.disputes", "disputes.answer"}
    ),
)
