"""The interface of accounts: signing in, the caller's own account, and looking residents up."""

from qe_ban.accounts.routes import auth, closing, consents, me, recovery, residents, wards

_OWN = (auth.blp, me.blp, consents.blp, closing.blp, closing.proofs, recovery.mine, wards.mine)
_STAFF = (residents.blp, recovery.blp, wards.window)

blueprints = (*_OWN, *_STAFF)
