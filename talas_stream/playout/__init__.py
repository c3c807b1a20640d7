"""The house DJ: an ordinary Icecast source that keeps the demo station on the air."""
