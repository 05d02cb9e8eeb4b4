"""The statements behind suggestions: what somebody has begun to type, and which item then is meant."""

from typing import Final

from sqlalchemy import text

HEADS: Final = text("""
    SELECT text_id, max(weight - rank) AS weight
    FROM unnest(CAST(:lows AS text[]), CAST(:highs AS text[]), CAST(:ranks AS int[])) AS asked (low, high, rank),
    LATERAL (SELECT text_id, weight FROM item_heads WHERE key >= low AND key < high LIMIT 2500) AS found
    GROUP BY text_id ORDER BY 2 DESC, 1 LIMIT :most
""")
"""Wordings of which something begins so, the popular first; `rank` is taken from the weight."""

MEANT: Final = text("""
    SELECT t.name, t.names, meant.code
    FROM unnest(CAST(:ids AS bigint[]), CAST(:places AS int[])) AS asked (id, place)
    JOIN item_texts t ON t.id = asked.id,
    LATERAL (
        SELECT i.code FROM items i
        WHERE i.text_id = t.id AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
          AND (CAST(:hall AS text) IS NULL OR i.district = :hall OR i.district IS NULL OR i.reach <> 'office')
        ORDER BY CASE WHEN i.district = :hall THEN 0 WHEN i.district IS NULL THEN 1 ELSE 2 END, i.code
        LIMIT 1
    ) AS meant
    ORDER BY asked.place, length(t.name), t.name, t.id
""")
"""The item that each of these wordings stands for, in a hall its own first; none where no item is open.

In the order of `places`; where these are the same, the shortest name comes first.
"""
