"""The interface of the wallet and of scanning: for residents, scanners, and staff who answer disputes."""
