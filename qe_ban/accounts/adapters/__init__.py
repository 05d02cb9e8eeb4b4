"""The outside systems of accounts: text messages, the real-name register, the face check."""
