"""The wire shapes of zones."""
