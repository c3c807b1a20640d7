"""Tokens and keys, as both towers need them."""
