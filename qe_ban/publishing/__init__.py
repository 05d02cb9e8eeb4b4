"""Pages of typed blocks: drafts, review, versions, schedule and media, which halls and zones share."""
