"""Believable content for a fresh database, and crowds for load tests."""
