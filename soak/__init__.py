"""A mixed load on a system of real processes whose parts die, and a count that nothing was lost: `make soak`."""
