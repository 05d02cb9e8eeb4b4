"""The long selects and the bulk statements of the catalogue and of its search."""
