"""People: sign-up, passwords, profiles."""
