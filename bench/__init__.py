"""Measures the product on this machine against a floor measured in the same run: `python -m bench`."""
