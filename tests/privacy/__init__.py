"""What a thief of the database learns: over all tables."""
