"""Decoding and encoding, in processes of their own: what runs there, and what they are told."""
