"""The statements by which pages find the offices of items, and which items are hot."""

from typing import Final

from sqlalchemy import text

OFFICES: Final = text("""
    SELECT i.entry, i.code, i.name, d.name AS department, i.district, i.online, i.reach,
           v.content ->> 'mobile_url' AS link
    FROM items i
    JOIN departments d ON d.code = i.department
    JOIN item_versions v ON v.item_id = i.id AND v.number = i.version
    WHERE i.entry = ANY(CAST(:entries AS text[])) AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
    ORDER BY i.entry, i.district NULLS FIRST, i.code
""")
"""Gives every office that now does one of these entries, the city's own first, then by district."""

LAST_NAMES: Final = text("""
    SELECT DISTINCT ON (i.entry) i.entry, i.name
    FROM unnest(CAST(:entries AS text[])) AS asked (entry) JOIN items i ON i.entry = asked.entry
    WHERE i.starts_at <= :now
    ORDER BY i.entry, i.district NULLS FIRST, i.code
""")
"""Gives what entries are or were called, also those that no office does any more."""

HOT: Final = text("""
    WITH used AS MATERIALIZED (
        SELECT e.entry, e.popularity
        FROM (SELECT entry, popularity FROM entries WHERE popularity > 0 ORDER BY popularity DESC, entry) AS e
        CROSS JOIN LATERAL (
            SELECT FROM items i WHERE i.entry = e.entry
              AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
              AND (i.district = :district OR i.district IS NULL OR i.reach <> 'office')
            LIMIT 1
        ) AS done
        ORDER BY e.popularity DESC, e.entry LIMIT :most
    ),
    named AS (
        SELECT t.entry, t.weight, t.name, t.id FROM item_texts t
        WHERE (SELECT count(*) FROM used) < :most AND EXISTS (
            SELECT FROM items i WHERE i.text_id = t.id
              AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
              AND (i.district = :district OR i.district IS NULL OR i.reach <> 'office')
        )
        ORDER BY t.weight DESC, t.name, t.id LIMIT :wordings
    ),
    others AS (
        SELECT entry, min(name) AS name FROM named WHERE entry NOT IN (SELECT entry FROM used) GROUP BY entry
    )
    SELECT entry FROM (
        SELECT entry, popularity, '' AS name FROM used UNION ALL SELECT entry, 0, name FROM others
    ) AS found
    ORDER BY popularity DESC, name, entry LIMIT :most
""")
"""Gives the entries most used of those that a hall has an office for (`district`, empty for the city's own).

Entries are gone through from the most used on, until enough have an office: as a semijoin all items would be read.

Where too few are used at all, further ones by name: so many wordings are looked through, of which an entry may have
one for each office.
"""
