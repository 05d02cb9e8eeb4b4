"""青e办: the backend of a city's one government app, with its code wallet."""
