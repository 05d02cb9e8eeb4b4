"""Patterns of what has a fixed form, as regular expressions that Python and JSON Schema both read; each stands here."""

from typing import Final

SLUG: Final = "[a-z0-9][a-z0-9-]{0,39}"
"""What a thing is named by in addresses."""
USCC: Final = "[0-9A-HJ-NPQRTUWXY]{18}"
"""A unified social credit code (GB 32100), without its check digit's meaning."""
DISTRICT: Final = "[0-9]{6}"
"""A district's code (GB/T 2260)."""
DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
COLOUR: Final = "#[0-9a-f]{6}"
MEDIA: Final = "[0-9a-f]{64}"
"""A picture's SHA-256."""
ENTRY: Final = "[0-9A-Za-z]{12,33}"
"""A service item's basic or implementation code."""
RFC3339: Final = DATE + r"[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
