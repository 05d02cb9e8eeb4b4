"""Who did what: staff's changes, disclosures and look-ups, append-only."""
