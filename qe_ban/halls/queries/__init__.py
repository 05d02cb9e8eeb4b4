"""The statements of halls that the ORM would need several for."""
