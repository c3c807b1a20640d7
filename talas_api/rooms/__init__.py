"""Rooms: places to talk, open ones and those of stations."""
