"""Documents that a second person reviews: drafts, review, immutable versions in force by the clock, withdrawal."""
