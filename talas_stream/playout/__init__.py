"""An Icecast source like any other, which keeps the demo station on the air."""
