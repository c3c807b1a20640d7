"""How many sockets this process may have open.

Does:        raise the soft limit on open files, as far as the hard one allows, to what a setting
             promises.
Never:       lowers a limit, or asks for more than the hard one.
Guarantees:  gives a number of sockets that can really be had: whoever refuses those beyond it
             answers them, where the kernel would cut them off unheard.
"""

from __future__ import annotations

import resource

from talas_core.telemetry.logs import logger

SPARE = 256
"""Open files that are not clients' sockets: the log, the bus, the database, what is being read."""

_log = logger("files")


def room_for(sockets: int, setting: str) -> int:
    """How many sockets there can be, at most `sockets`. Where there can be fewer, the log names the
    `setting` that cannot be kept."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return sockets
    possible = max(soft - SPARE, 1)
    _log.info("the limit on open files allows fewer sockets", setting=setting, possible=possible)
    return possible
