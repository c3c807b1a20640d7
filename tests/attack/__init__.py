"""Attacks on a fresh Talas, and what each costs everybody else: `python -m tests.attack.run`."""
