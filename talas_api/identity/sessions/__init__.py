"""Sign-ins: access tokens, refresh tokens, their end."""
