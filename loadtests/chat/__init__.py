"""The chat as a load test speaks it: a pure conversation, and the socket that carries it."""
