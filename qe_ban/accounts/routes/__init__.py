"""The interface of accounts: signing in, the caller's own account, and looking residents up."""

from qe_ban.accounts.routes import auth, me, residents

blueprints = (auth.blp, me.blp, residents.blp)
