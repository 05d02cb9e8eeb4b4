"""Decisions of zones: how a demand goes on, and what a list search finds."""
