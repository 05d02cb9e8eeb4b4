"""The selects by which pages and their versions are read."""
