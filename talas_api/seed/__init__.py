"""Believable content for a fresh database, and many people for load tests."""
