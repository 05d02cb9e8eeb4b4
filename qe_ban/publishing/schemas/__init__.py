"""The wire shapes of pages, their drafts and versions, and of pictures."""
