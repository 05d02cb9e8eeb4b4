"""The selects of published versions."""
