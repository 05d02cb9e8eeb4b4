"""Places where codes are scanned, and the scanners that stand in them."""
