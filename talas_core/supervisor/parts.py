"""What the supervisor keeps running: the port every part fits, and the services' own fit.

Does:        say how a part is prepared, launched, known to be ready, and stopped.
Never:       restarts anything by itself: that is the keeper's work.
Guarantees:  a service sees settings of the supervisor's and no others.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from talas_core import process
from talas_core.process import Process

_STANDARD_ERROR = 2


class Part(Protocol):
    """Something that runs as one process. The embedded servers and the services fit it."""

    @property
    def name(self) -> str:
        """What the logs call it."""
        ...

    async def prepare(self) -> None:
        """What must be done once before the first launch. Raises UsageError."""
        ...

    async def launch(self) -> Process:
        """Start it."""
        ...

    async def ready(self, running: Process) -> None:
        """Return once those who need it may start. Raises TalasError if it ends before."""
        ...

    async def stop(self, running: Process) -> int:
        """End it in order, by force if it must be. Returns the exit status."""
        ...


class Backing(Part, Protocol):
    """A part that the services reach by an address. One that `keeps_data` has files in the data
    directory, and must not run on when they are gone. One that is `found_again` may move: the
    services look up where it is (run_file.py); for another that moves they are restarted."""

    @property
    def keeps_data(self) -> bool:
        """Whether it has."""
        ...

    @property
    def found_again(self) -> bool:
        """Whether it is."""
        ...

    def url(self) -> str:
        """The address, secrets included, once it is ready."""
        ...


class ServiceSpec(msgspec.Struct, frozen=True):
    """One row of the table of services: its command, the backing parts it waits for, and what it is
    told. `secrets` are the fields of Settings that are secret and yet for it; `only`, where there
    are any, the others it gets, which otherwise are all."""

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


Environment = Callable[[ServiceSpec], Mapping[str, str]]
"""From a row to the environment of its next launch."""


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a Python module. `-P`: never one that lies in the working folder."""
    return (sys.executable, "-P", "-m", name, *arguments)


class Service:
    """A service of Talas as a part. `environment` is asked for its own at each launch."""

    def __init__(self, spec: ServiceSpec, environment: Environment, seconds: float) -> None:
        self.name = spec.name
        self._spec = spec
        self._environment = environment
        self._seconds = seconds

    async def prepare(self) -> None:
        """Nothing: a service prepares itself."""

    async def launch(self) -> Process:
        """Start it. Its log is our standard error; what it prints goes there too."""
        return process.spawn(
            self._spec.argv, env=self._environment(self._spec), stdout=_STANDARD_ERROR
        )

    async def ready(self, running: Process) -> None:
        """At once: nothing is started because of a service."""

    async def stop(self, running: Process) -> int:
        """Ask for the drain; SIGKILL when its time is over."""
        return await running.stop(signal.SIGTERM, self._seconds)
