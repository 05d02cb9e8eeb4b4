"""The wire shapes of halls."""
