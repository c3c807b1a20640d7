"""Whether a source that is held back has ended: seen by reading it ahead of its time.

Does:        read a source that another wants to replace, for READ_ON_SECONDS at most.
Never:       lets more wait than READ_ON_BYTES, and what one read gives.
Guarantees:  whose end shows no sooner is held back again afterwards.
From / to:   ingest.icecast  ->  here
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talas_stream.ingest.intake import Intake

READ_ON_BYTES = 4 << 20
"""What is read of a source ahead of its time when another comes: as much as the kernels between us
hold of one that has ended."""
READ_ON_SECONDS = 1.0
"""How long another may have to wait for that."""
_READ_ON_STEP = 0.02


async def read_on(
    transport: asyncio.Transport,
    intake: Intake,
    ahead: Callable[[], bool],
    gone: Callable[[], bool],
) -> None:
    """Read what stands before the end of a source, which stands behind all that it sent: while it
    is `ahead`, until it is `gone` or READ_ON_BYTES wait in its `intake`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + READ_ON_SECONDS
    try:
        while ahead() and not gone() and loop.time() < until:
            if intake.waiting_bytes >= READ_ON_BYTES:
                break
            transport.resume_reading()
            await asyncio.sleep(_READ_ON_STEP)
    finally:
        if ahead() and not transport.is_closing():
            transport.pause_reading()
