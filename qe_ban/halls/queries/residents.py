"""The statements by which residents' own are read and held."""

from typing import Final

from sqlalchemy import Uuid, bindparam, column, text
from sqlalchemy.dialects.postgresql import ARRAY

LOCK: Final = text("SELECT id FROM residents WHERE id = :resident FOR NO KEY UPDATE")
"""One at a time changes what a resident keeps, also where the other is a program of the previous release."""

IS_OPEN: Final = text("SELECT closed_at IS NULL FROM residents WHERE id = :resident")

HOME: Final = text("""
    SELECT r.assurance, h.hall, h.age_mode
    FROM residents r LEFT JOIN resident_halls h ON h.resident_id = ANY(:owners)
    WHERE r.id = :resident
    ORDER BY h.updated_at DESC LIMIT 1
""").bindparams(bindparam("owners", type_=ARRAY(Uuid)))
"""What a home is shown by; the resident's lists are ordered by what is sealed (service.own_lists)."""

NEXT_RESIDENTS: Final = text("SELECT id FROM residents WHERE id > :after ORDER BY id LIMIT :limit").columns(
    column("id", Uuid)
)
"""Whose lists may have to be moved (service.moving)."""
