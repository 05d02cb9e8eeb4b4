"""The interface of items: for everybody who reads, and for the staff who keep the catalogue."""
