"""Makes what tests need, slice by slice."""
