"""Stations: what a broadcaster sends to and a listener hears."""
