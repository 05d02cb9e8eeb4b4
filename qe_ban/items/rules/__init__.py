"""What the catalogue decides by itself: fields, codes, contents and their differences, who may change what."""
