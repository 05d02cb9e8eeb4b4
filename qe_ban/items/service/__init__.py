"""The use cases of items, by module; with `items.errors` all that other slices may call."""
