"""The statements by which wordings, their beginnings and the vocabulary are written and kept true."""

from typing import Final

from sqlalchemy import text

FIND: Final = text("""
    SELECT t.id, t.entry, t.digest
    FROM item_texts t JOIN unnest(CAST(:entries AS text[]), CAST(:digests AS bytea[])) AS asked (entry, digest)
      USING (entry, digest)
    ORDER BY t.entry, t.digest
    FOR KEY SHARE OF t
""")
"""Find wordings, and keep them from being dropped until this transaction ends."""

ADD_TEXTS: Final = text("""
    INSERT INTO item_texts (entry, digest, name, names, others, weight, words)
    SELECT entry, decode(made.digest, 'hex'), name, names, others,
           least(round(4 * log(2, (1 + popularity)::numeric)), 200)::smallint, words
    FROM json_to_recordset(CAST(:rows AS json))
      AS made (entry text, digest text, name text, names text[], others text, words tsvector)
    JOIN entries USING (entry)
    ORDER BY entry, made.digest
    ON CONFLICT (entry, digest) DO NOTHING
    RETURNING id, entry, digest
""")

ADD_HEADS: Final = text("""
    INSERT INTO item_heads (text_id, key, weight)
    SELECT t.id, made.key, t.weight
    FROM unnest(CAST(:ids AS bigint[]), CAST(:keys AS text[])) AS made (id, key) JOIN item_texts t USING (id)
    ON CONFLICT DO NOTHING
""")

ADD_TERMS: Final = text("""
    INSERT INTO search_terms AS known (term, texts, word, pinyin, initials, grams)
    SELECT term, 1, word, pinyin, initials, grams
    FROM json_to_recordset(CAST(:rows AS json))
      AS made (term text, word boolean, pinyin text, initials text, grams text[])
    WHERE NOT EXISTS (
        SELECT FROM search_terms s WHERE s.term = made.term AND s.texts > 0 AND (s.word OR NOT made.word)
    )
    ORDER BY term
    ON CONFLICT (term) DO UPDATE SET
        texts = greatest(known.texts, 1),
        word = known.word OR excluded.word,
        grams = CASE WHEN known.word THEN known.grams ELSE excluded.grams END
""")
"""Add words that nobody has yet, in one order everywhere, so that two writers never wait for each other."""

UNUSED: Final = text("""
    SELECT t.id FROM item_texts t
    WHERE NOT EXISTS (SELECT FROM items WHERE items.text_id = t.id)
    ORDER BY t.id LIMIT :most
    FOR UPDATE SKIP LOCKED
""")

DROP: Final = text("""
    DELETE FROM item_texts t
    WHERE t.id = ANY(CAST(:ids AS bigint[])) AND NOT EXISTS (SELECT FROM items WHERE items.text_id = t.id)
""")
"""A statement of its own after UNUSED has locked the rows: it sees what was committed in between."""

CHANGED: Final = text("""
    SELECT (SELECT count(*) FROM item_texts) <> coalesce((SELECT texts FROM search_terms WHERE term = ''), -1)
""")

RECOUNT: Final = text("""
    WITH counted AS MATERIALIZED (
        SELECT word AS term, ndoc FROM ts_stat('SELECT words FROM item_texts')
        UNION ALL SELECT '', count(*) FROM item_texts
    ),
    stale AS MATERIALIZED (
        SELECT s.term, coalesce(counted.ndoc, 0) AS texts FROM search_terms s LEFT JOIN counted USING (term)
        WHERE s.texts <> coalesce(counted.ndoc, 0)
        ORDER BY s.term FOR NO KEY UPDATE OF s
    )
    UPDATE search_terms s SET texts = stale.texts FROM stale WHERE stale.term = s.term
""")
"""Also counts the texts themselves, as the empty word: what is rare depends on how many there are.

Rows are locked in the order in which ADD_TERMS writes them. A word that no text has any more stays with a count of
nothing: somebody may just now be adding a text that has it.
"""

REWEIGH: Final = text("""
    WITH stale AS MATERIALIZED (
        SELECT t.id, popular.weight
        FROM item_texts t JOIN (
            SELECT entry, least(round(4 * log(2, (1 + popularity)::numeric)), 200)::smallint AS weight FROM entries
        ) AS popular USING (entry)
        WHERE t.weight <> popular.weight ORDER BY t.id LIMIT :most
    ),
    changed AS (
        UPDATE item_texts t SET weight = stale.weight FROM stale WHERE t.id = stale.id RETURNING t.id, t.weight
    ),
    heads AS (UPDATE item_heads h SET weight = changed.weight FROM changed WHERE h.text_id = changed.id)
    SELECT count(*) FROM changed
""")
"""Bring so many weights after the entries' popularity: quarters of a doubling, so that most stay as they are. Gives how
many there were; each takes some thirty beginnings with it, so all at once would take longer than a statement may."""
