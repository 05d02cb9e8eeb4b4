"""Decisions of halls: inheritance, opening hours, distances, what an app may be."""
