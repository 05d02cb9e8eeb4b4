"""The statements that look up what a query may mean, and the wordings that may answer it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from qe_ban.items.words.pieces import Piece
from qe_ban.items.words.text import runs

VOCABULARY: Final = text("""
    SELECT term, texts, word, pinyin, initials, NULL::text[] AS alike
    FROM search_terms WHERE term = ANY(CAST(:exact AS text[])) AND texts > 0
    UNION ALL
    SELECT known.* FROM unnest(CAST(:heard AS text[])) AS asked (pinyin), LATERAL (
        SELECT term, texts, word, pinyin, initials, NULL::text[] FROM search_terms
        WHERE search_terms.pinyin = asked.pinyin AND texts > 0 ORDER BY texts DESC LIMIT 16
    ) AS known
    UNION ALL
    SELECT known.* FROM unnest(CAST(:initials AS text[])) AS asked (initials), LATERAL (
        SELECT term, texts, word, pinyin, initials, NULL::text[] FROM search_terms
        WHERE search_terms.initials = asked.initials AND word AND texts > 0 ORDER BY texts DESC LIMIT 8
    ) AS known
    UNION ALL
    SELECT NULL, 0, false, NULL, NULL, words FROM synonym_groups WHERE words && CAST(:exact AS text[])
""")

LIKE: Final = text("""
    SELECT DISTINCT known.* FROM unnest(CAST(:grams AS text[])) AS asked (gram), LATERAL (
        SELECT term, texts, word, pinyin, initials FROM search_terms
        WHERE grams @> ARRAY[asked.gram] AND texts > 0 LIMIT 30
    ) AS known
    ORDER BY texts DESC, term LIMIT 200
""")
"""Words that share a gram. One lookup a gram: asked for all at once, the planner would rather read the whole table."""

ALL: Final = text("""
    (SELECT id, entry, names, others, weight, 0.0 AS direct FROM item_texts
     WHERE words @@ CAST(:query AS tsquery) ORDER BY weight DESC, name LIMIT :most)
    UNION ALL
    (SELECT t.id, t.entry, t.names, t.others, t.weight, heads.direct
     FROM (
         SELECT text_id, max(direct) AS direct
         FROM unnest(CAST(:lows AS text[]), CAST(:highs AS text[]), CAST(:sure AS real[])) AS asked (low, high, direct),
         LATERAL (SELECT text_id FROM item_heads WHERE key >= low AND key < high LIMIT 400) AS found
         GROUP BY text_id
     ) AS heads JOIN item_texts t ON t.id = heads.text_id
     ORDER BY heads.direct DESC, t.weight DESC LIMIT :most)
""")
"""Wordings that hold every piece, and those of which the whole query is a beginning."""

WITHIN: Final = text("""
    WITH RECURSIVE below (slug) AS (
        SELECT CAST(:topic AS text)
        UNION SELECT topics.slug FROM topics JOIN below ON topics.parent = below.slug
    )
    SELECT id, entry, names, others, weight, 0.0 AS direct FROM item_texts t
    WHERE words @@ CAST(:query AS tsquery) AND EXISTS (
        SELECT FROM items i WHERE i.text_id = t.id
          AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
          AND (CAST(:hall AS text) IS NULL OR i.district = :hall OR i.district IS NULL OR i.reach <> 'office')
          AND (CAST(:department AS text) IS NULL OR i.department = :department)
          AND (CAST(:audience AS text) IS NULL OR CAST(:audience AS text) = ANY (i.audiences))
          AND (CAST(:topic AS text) IS NULL OR i.topics && ARRAY(SELECT slug FROM below))
          AND (CAST(:online AS boolean) IS NULL OR i.online = :online)
          AND (CAST(:reach AS text) IS NULL OR i.reach = :reach)
    )
    ORDER BY weight DESC, name LIMIT :most
""")
"""Wordings that hold every piece and have an item that the filters let through: where ALL found too many."""

ANY: Final = text("""
    SELECT t.id, t.entry, t.names, t.others, t.weight, 0.0 AS direct
    FROM (
        SELECT * FROM item_texts WHERE words @@ CAST(:query AS tsquery) ORDER BY weight DESC, id LIMIT :looked
    ) AS t
    ORDER BY
        CASE WHEN t.words @@ CAST(:query1 AS tsquery) THEN CAST(:rarity1 AS real) ELSE 0 END
        + CASE WHEN t.words @@ CAST(:query2 AS tsquery) THEN CAST(:rarity2 AS real) ELSE 0 END
        + CASE WHEN t.words @@ CAST(:query3 AS tsquery) THEN CAST(:rarity3 AS real) ELSE 0 END
        + CASE WHEN t.words @@ CAST(:query4 AS tsquery) THEN CAST(:rarity4 AS real) ELSE 0 END DESC,
        t.weight DESC
    LIMIT :most
""")
"""Wordings that hold any piece, those first that hold the most of the four rarest ones; `looked`: of how many."""

WEIGHED: Final = 4

BY_CODE: Final = text("""
    SELECT DISTINCT t.id, t.entry, t.names, t.others, t.weight, 2.0 AS direct
    FROM (
        SELECT text_id FROM items WHERE code >= :low AND code < :high
        UNION ALL SELECT text_id FROM items WHERE entry >= :low AND entry < :high
        LIMIT :most
    ) AS found JOIN item_texts t ON t.id = found.text_id
""")

LAST: Final = "\U0010ffff"
"""Follows every character: what begins with x lies from x to x followed by this."""


def quoted(lexeme: str) -> str:
    """Give a lexeme as tsvector and tsquery read it: as text, whatever it holds."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def tsquery(piece: Piece) -> str:
    """Give the tsquery of a piece: any of its words."""
    return "(" + " | ".join(dict.fromkeys(_word(word) for word, _ in piece.words)) + ")"


def every(pieces: Sequence[Piece]) -> str:
    """Give the tsquery of all pieces."""
    return " & ".join(dict.fromkeys(map(tsquery, pieces)))


def either(pieces: Sequence[Piece]) -> str:
    """Give the tsquery of any of the pieces."""
    return " | ".join(dict.fromkeys(map(tsquery, pieces)))


def _word(word: str) -> str:
    """Give the tsquery of a word: as jieba cut it, or every two of its characters that stand together."""
    stretches = [stretch for _, stretch in runs(word)]
    if len(stretches) > 1:
        return "(" + " & ".join(_word(stretch) for stretch in stretches) + ")"
    if len(word) < 3 or word.isascii():
        return quoted(word)
    pairs = " & ".join(quoted(word[place : place + 2]) for place in range(len(word) - 1))
    return f"{quoted(word)} | ({pairs})"
