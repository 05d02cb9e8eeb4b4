"""The wire shapes of items, departments, topics, imports and search."""
