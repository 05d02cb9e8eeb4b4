"""The code wallet: issuing, verifying, scans and the ledger of who looked."""
