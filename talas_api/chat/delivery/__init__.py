"""Delivery: from the log to every member: rooms, fan-out, the writer, and one client's socket."""
