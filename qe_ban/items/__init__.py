"""Service items: the catalogue of the city, its import and its search."""
