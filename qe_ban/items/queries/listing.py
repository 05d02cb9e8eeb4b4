"""The statements that make of ranked wordings a page of items, one for each entry, with counts by filter."""

from typing import Final

from sqlalchemy import text

FIRST_DEPARTMENTS: Final = 20

PAGE: Final = text("""
    WITH RECURSIVE below (slug) AS (
        SELECT CAST(:topic AS text)
        UNION SELECT topics.slug FROM topics JOIN below ON topics.parent = below.slug
    ),
    matched AS MATERIALIZED (
        SELECT i.id, f.place, f.score, i.department, i.district, i.audiences, i.topics, i.online,
               CASE WHEN i.district = :near THEN 0 WHEN i.district IS NULL THEN 1 WHEN i.reach <> 'office' THEN 2 ELSE 3
               END AS fit,
               CAST(:department AS text) IS NULL OR i.department = :department AS is_department,
               CAST(:audience AS text) IS NULL OR CAST(:audience AS text) = ANY (i.audiences) AS is_audience,
               CAST(:topic AS text) IS NULL OR i.topics && ARRAY(SELECT slug FROM below) AS is_topic,
               CAST(:online AS boolean) IS NULL OR i.online = :online AS is_online
        FROM unnest(CAST(:texts AS bigint[]), CAST(:places AS int[]), CAST(:scores AS real[])) AS f (text, place, score)
        JOIN items i ON i.text_id = f.text
        WHERE i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
          AND (CAST(:hall AS text) IS NULL OR i.district = :hall OR i.district IS NULL OR i.reach <> 'office')
          AND (CAST(:reach AS text) IS NULL OR i.reach = :reach)
    ),
    wanted AS MATERIALIZED (
        SELECT * FROM matched WHERE is_department AND is_audience AND is_topic AND is_online
    ),
    shapes AS MATERIALIZED (
        SELECT DISTINCT place, audiences, topics, online, is_audience, is_topic, is_online
        FROM matched WHERE is_department
    ),
    best AS MATERIALIZED (
        SELECT DISTINCT ON (place) place, id, district,
               score + CASE fit WHEN 0 THEN CAST(:own AS real) ELSE 0 END AS score
        FROM wanted ORDER BY place, fit, wanted.score DESC, id
    ),
    departments_of AS (
        SELECT DISTINCT place, department FROM matched
        WHERE CAST(:hall AS text) IS NULL AND is_audience AND is_topic AND is_online
        UNION ALL (
            SELECT DISTINCT ON (place) place, department FROM matched
            WHERE CAST(:hall AS text) IS NOT NULL AND is_audience AND is_topic AND is_online
            ORDER BY place, fit, score DESC, id
        )
    ),
    districts_of AS (
        SELECT DISTINCT place, district FROM wanted WHERE CAST(:hall AS text) IS NULL
        UNION ALL SELECT place, district FROM best WHERE CAST(:hall AS text) IS NOT NULL
    ),
    page AS MATERIALIZED (
        SELECT best.place, best.score AS rank, i.code, i.entry, i.name, i.item_type, i.department, i.district,
               i.reach, i.audiences, i.topics, i.online, i.handling
        FROM (SELECT * FROM best ORDER BY score DESC, place OFFSET :offset LIMIT :limit) AS best
        JOIN items i ON i.id = best.id
    )
    SELECT
        (SELECT count(*) FROM best) AS total,
        (SELECT json_agg(row_to_json(shown)) FROM (
            SELECT page.*, d.name AS department_name, (
                SELECT count(*) FROM items o
                WHERE o.entry = page.entry AND o.starts_at <= :now AND (o.ends_at IS NULL OR o.ends_at > :now)
            ) - 1 AS offices
            FROM page JOIN departments d ON d.code = page.department ORDER BY page.rank DESC, page.place
        ) AS shown) AS items,
        (SELECT json_agg(json_build_array(value, many, name)) FROM (
            SELECT counted.*, d.name FROM (
                SELECT department AS value, count(*) AS many FROM departments_of
                GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :departments
            ) AS counted JOIN departments d ON d.code = value ORDER BY many DESC, value
        ) AS shown) AS departments,
        (SELECT json_agg(json_build_array(value, many) ORDER BY many DESC, value) FROM (
            SELECT value, count(DISTINCT place) AS many FROM shapes, unnest(audiences) AS value
            WHERE is_topic AND is_online GROUP BY 1
        ) AS counted) AS audiences,
        (SELECT json_agg(json_build_array(value, many, name) ORDER BY many DESC, value) FROM (
            SELECT value, count(DISTINCT place) AS many FROM shapes, unnest(shapes.topics) AS value
            WHERE is_audience AND is_online GROUP BY 1
        ) AS counted JOIN topics ON topics.slug = value) AS topics,
        (SELECT json_agg(json_build_array(online, many)) FROM (
            SELECT online, count(DISTINCT place) AS many FROM shapes WHERE is_audience AND is_topic GROUP BY 1
        ) AS counted) AS online,
        (SELECT json_agg(json_build_array(district, many) ORDER BY many DESC, district) FROM (
            SELECT district, count(*) AS many FROM districts_of GROUP BY 1
        ) AS counted) AS districts
""")
"""Takes ranked wordings; `place` is the entry's. In a hall the district's own item stands for the entry, else the
city's, else one done anywhere. Counts are of entries; each is of what all filters but its own let through (hall and
reach always hold). In a hall departments and districts are those of the items shown, else of all offices.
"""

BROWSE: Final = text("""
    SELECT t.id, t.entry FROM (
        SELECT id, entry, name, weight FROM item_texts ORDER BY weight DESC, name, id LIMIT :walked
    ) AS t
    WHERE EXISTS (
        SELECT FROM items i WHERE i.text_id = t.id
          AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
          AND (CAST(:hall AS text) IS NULL OR i.district = :hall OR i.district IS NULL OR i.reach <> 'office')
          AND (CAST(:audience AS text) IS NULL OR CAST(:audience AS text) = ANY (i.audiences))
          AND (CAST(:online AS boolean) IS NULL OR i.online = :online)
          AND (CAST(:reach AS text) IS NULL OR i.reach = :reach)
    )
    ORDER BY t.weight DESC, t.name, t.id LIMIT :most
""")
"""Walks so many wordings from the most popular one: what most filters want is found soon."""

BROWSE_FEW: Final = text("""
    WITH RECURSIVE below (slug) AS (
        SELECT CAST(:topic AS text)
        UNION SELECT topics.slug FROM topics JOIN below ON topics.parent = below.slug
    ),
    wanted AS MATERIALIZED (
        SELECT DISTINCT i.text_id FROM items i
        WHERE (CAST(:department AS text) IS NULL OR i.department = :department)
          AND (CAST(:topic AS text) IS NULL OR i.topics && ARRAY(SELECT slug FROM below))
          AND i.starts_at <= :now AND (i.ends_at IS NULL OR i.ends_at > :now)
          AND (CAST(:hall AS text) IS NULL OR i.district = :hall OR i.district IS NULL OR i.reach <> 'office')
          AND (CAST(:audience AS text) IS NULL OR i.audiences @> ARRAY[CAST(:audience AS text)])
          AND (CAST(:online AS boolean) IS NULL OR i.online = :online)
          AND (CAST(:reach AS text) IS NULL OR i.reach = :reach)
    )
    SELECT t.id, t.entry FROM item_texts t JOIN wanted ON wanted.text_id = t.id
    ORDER BY t.weight DESC, t.name, t.id LIMIT :most
""")
"""Begins with the items of a department, a topic or an audience, where these are few."""
