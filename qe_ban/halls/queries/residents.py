"""The statements by which residents' own are read and held."""

from typing import Final

from sqlalchemy import text

HOLD: Final = text("SELECT id FROM residents WHERE id = :resident FOR NO KEY UPDATE")
"""One at a time changes what a resident keeps: else of two at once each would find room for the last one."""

HOME: Final = text("""
    SELECT r.assurance, h.hall, h.age_mode
    FROM residents r LEFT JOIN resident_halls h ON h.resident_id = r.id
    WHERE r.id = :resident
""")
"""What a home is shown by; the resident's lists are ordered by what is sealed (service.own_lists)."""
