"""The interface of accounts: signing in, the caller's own account, and looking residents up."""
