"""The SQL of sealing, checking and erasing: rows come as texts, exactly as PostgreSQL keeps them."""
