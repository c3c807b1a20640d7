"""PostgreSQL: the embedded server, the pool, the migration runner."""
