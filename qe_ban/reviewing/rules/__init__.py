"""The decisions of review: states of drafts and versions, and which version is in force at a moment."""
