"""Renditions being made, from their packets to the sockets of those who listen."""
