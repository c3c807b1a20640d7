"""How every service process starts, drains and ends.

Does:        load the settings, refuse to start without what the service needs, run its `serve` on
             uvloop, turn SIGTERM and Ctrl-C into a drain with a deadline.
Never:       outlives the deadline: a drain that hangs is cut.
Guarantees:  exit status 0 after a clean drain, 2 with one line for a mistake of the operator's,
             1 for anything else, with the reason logged. Nobody but root reads the environment or
             the memory of a running service.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from talas_core import process
from talas_core import settings as knobs
from talas_core.errors import UsageError
from talas_core.knobs import PREFIX
from talas_core.settings import Settings
from talas_core.telemetry import logs
from talas_core.web import headers

Serve = Callable[[Settings, asyncio.Event], Awaitable[None]]
"""Runs until the event, which asks for a drain, and returns when drained."""

CLEAN, FAILED, USAGE = 0, 1, 2
_STUCK_SECONDS = 1.0
GC_OBJECTS = 20_000
"""New objects after which the collector looks for cycles; Python's 700 are a few packets' worth."""


def run(name: str, serve: Serve, *, needs: Sequence[str] = ()) -> NoReturn:
    """Be the service `name`: run `serve` to its end and exit the process.

    `needs` are fields of Settings that must not be empty, e.g. `("database_url", "nats_url")`.
    """
    process.hold_standard_streams()
    try:
        settings = knobs.load(os.environ)
        _require(settings, needs)
    except UsageError as error:
        sys.exit(complain(error))
    if settings.env != "test":  # tests look into their processes
        process.close_to_others()
    logs.configure(settings.log_format, name)
    headers.configure(https=settings.https)
    sys.exit(_run(name, serve, settings))


def complain(error: UsageError) -> int:
    """Tell the operator, in one line on standard error. Returns the exit status."""
    sys.stderr.write(f"talas: {' '.join(str(error).split())}\n")
    return USAGE


def _require(settings: Settings, needs: Sequence[str]) -> None:
    missing = [field for field in needs if not getattr(settings, field)]
    if missing:
        names = " and ".join(f"{PREFIX}{field.upper()}" for field in missing)
        raise UsageError(f"{names} must be set for a service that starts alone")


def _run(name: str, serve: Serve, settings: Settings) -> int:
    import uvloop  # here, so that the supervisor may use `complain` without loading it

    # What is there before the first request stays; to look through it again and again for cycles
    # would stop every thread each time.
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_until_drained(name, serve, settings))
        except UsageError as error:
            return complain(error)
        except Exception:
            logs.logger(name).exception("service failed")
            return FAILED


async def _until_drained(name: str, serve: Serve, settings: Settings) -> int:
    """Run `serve`; once a signal asks for the drain, allow it `shutdown_seconds`."""
    drain = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, number, drain, settings)
    work = asyncio.ensure_future(serve(settings, drain))
    asked = asyncio.ensure_future(drain.wait())
    await asyncio.wait((work, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not work.done():
        await asyncio.wait((work,), timeout=settings.shutdown_seconds)
    if not work.done():
        logs.logger(name).error("drain cut", seconds=settings.shutdown_seconds)
        os._exit(FAILED)  # whatever hung would hang the loop's own clean-up too
    work.result()
    return CLEAN


def _on_signal(number: int, drain: asyncio.Event, settings: Settings) -> None:
    if drain.is_set():
        os._exit(128 + number)
    drain.set()
    # Even a drain that blocks the loop ends: this counts in a thread that needs no Python.
    faulthandler.dump_traceback_later(settings.shutdown_seconds + _STUCK_SECONDS, exit=True)
