"""Where a connection comes in: its request's head, the answers, and how many fit."""
