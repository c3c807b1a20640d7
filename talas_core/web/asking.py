"""A request that changes something is done for a client that is there.

Does:        look whether the other end has closed the connection; have what serves a request that
             changes something know it, see talas_core/caller.py.
Never:       reads a byte: the kernel is asked, which knows of a close before we have read up to it.
Guarantees:  what a client has sent, and given up before this process came to it, is not done,
             however long the process stood still.

A client that closes only its sending side, and would still read, counts as gone as well: one that
left cannot be told from it, and no answer would reach it (aiohttp closes such a connection).
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from contextlib import AbstractContextManager

from aiohttp import web

from talas_core import caller

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
ORDERS = "/admin/"
"""Where it is otherwise: Icecast's orders come by GET."""
TITLE = "/admin/metadata"
"""The one that is done anyway: encoders tell a title and hang up without the answer (butt does)."""
_CLOSED = getattr(select, "POLLRDHUP", 0)
"""Only Linux tells of a half-closed end; others tell once both are closed."""


def asking(request: web.Request) -> AbstractContextManager[None]:
    """Inside, `request` is served. Raises CallerGone if it would change something and its client
    has left; so does, inside, the first change of it."""
    order = request.path.startswith(ORDERS) and request.path != TITLE
    if request.method in SAFE and not order:
        return contextlib.nullcontext()
    transport = request.transport
    return caller.serving(lambda: gone(transport))


def gone(transport: asyncio.BaseTransport | None) -> bool:
    """Whether the other end of a connection has closed it."""
    if transport is None or transport.is_closing():
        return True
    connection = transport.get_extra_info("socket")
    if connection is None:
        return False  # no socket of the system's: nobody knows
    poll = select.poll()
    try:
        poll.register(connection.fileno(), _CLOSED)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
