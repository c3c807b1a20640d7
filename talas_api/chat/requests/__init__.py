"""Requests: what a client asks. One file a verb, and one table of them."""
