"""The interface of the wallet and of scanning: for residents, scanners, and staff who answer disputes."""

from qe_ban.codes.routes import disputes, ledger, scanning, wallet

BLUEPRINTS = (wallet.blp, ledger.blp, disputes.raising, disputes.mine, disputes.handling, scanning.blp)
