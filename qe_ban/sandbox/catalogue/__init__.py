"""The made-up catalogue: real kinds of items, expanded over the city and its districts as example data."""
