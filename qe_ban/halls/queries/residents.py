"""The statements by which residents' own are read and held."""

from typing import Final

from sqlalchemy import text

HOLD: Final = text("SELECT id FROM residents WHERE id = :resident FOR NO KEY UPDATE")
"""One at a time changes what a resident keeps: else of two at once each would find room for the last one."""

HOME: Final = text("""
    SELECT r.assurance, h.hall, h.age_mode,
           ARRAY(SELECT hall FROM followed_halls WHERE resident_id = r.id ORDER BY at DESC, hall) AS followed,
           ARRAY(
               SELECT entry FROM favourite_items WHERE resident_id = r.id ORDER BY at DESC, entry LIMIT :first
           ) AS favourites,
           ARRAY(
               SELECT entry FROM recent_items WHERE resident_id = r.id ORDER BY at DESC, entry LIMIT :first
           ) AS recent
    FROM residents r LEFT JOIN resident_halls h ON h.resident_id = r.id
    WHERE r.id = :resident
""")
"""All of a home but its screen in one round trip."""

FORGET: Final = text("""
    DELETE FROM recent_items WHERE resident_id = :resident AND entry NOT IN (
        SELECT entry FROM recent_items WHERE resident_id = :resident ORDER BY at DESC, entry LIMIT :most
    )
""")
"""Leaves the newest."""
