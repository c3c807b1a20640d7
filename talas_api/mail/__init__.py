"""Letters to people: written here, carried by an adapter, never in a request's time."""
