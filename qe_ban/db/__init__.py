"""The database and Valkey: naming, engines, transactions, limits. The only place that commits."""
