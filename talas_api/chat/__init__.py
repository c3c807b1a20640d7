"""Chat: MESSAGE -> ROOM -> LOG -> FAN-OUT.

    endpoint -> conversation -> outbox -> log      one client's requests, into the database
    hub -> room -> line                            committed messages, out to every client

frames and wire are pure: what is said, and how it looks on a WebSocket. docs/chat.md is the
protocol as clients see it.
"""
