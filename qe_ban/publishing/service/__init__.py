"""The use cases of pages: drafts, review, publication, serving, references, and pictures."""
