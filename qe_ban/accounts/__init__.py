"""Residents, real names, staff, clients' keys and tokens: who may call, and how that is proven."""
