"""What every HTTP surface shares: envelope, middleware, server."""
