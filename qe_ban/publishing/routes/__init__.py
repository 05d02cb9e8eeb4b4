"""The interface of pages that halls and zones share: drafts, review, publication, versions, previews."""
