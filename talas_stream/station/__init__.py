"""Stations: what is on, what is made of it, and for how long."""
