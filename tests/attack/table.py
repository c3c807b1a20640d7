"""Every attack: its name, the function that carries it out, and what is not counted against Talas.

The sentence that says what an attack is stands in its function's docstring.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from attack import local, pages, rushes, sockets, sources
from attack.target import Outcome, Target

Run = Callable[[Target, float], Outcome]
"""Attacks for at most so many seconds, with a bounded number of bytes."""


class Attack(msgspec.Struct, frozen=True):
    """`spared` names bars that do not count, since the attack's own first step, a kill, breaks
    them; `short` says that the journeys run it too; it gets so many `stations` of its own."""

    name: str
    run: Run
    spared: tuple[str, ...] = ()
    short: bool = False
    stations: int = 0

    @property
    def sentence(self) -> str:
        """What it is."""
        return " ".join((self.run.__doc__ or "").split())


ATTACKS = (
    Attack("false-headers", sources.false_headers, short=True, stations=1),
    Attack("false-headers-3", sources.false_headers_thrice, stations=3),
    Attack("links-listener", sources.links_with_listener, stations=1),
    Attack("links", sources.links, short=True, stations=1),
    Attack("padded-opus", sources.padded_opus, short=True, stations=1),
    Attack("voids", sources.voids, short=True, stations=1),
    Attack("false-pages", sources.false_pages, stations=1),
    Attack("empty-pages", sources.empty_pages, stations=1),
    Attack("one-sample-frames", sources.samples, stations=1),
    Attack("one-byte-chunks", sources.crumbs, stations=1),
    Attack("pings", sockets.pings, short=True),
    Attack("pings-signed-in", sockets.pings_signed_in, short=True),
    Attack("pings-10", sockets.pings_of_ten),
    Attack("pings-10-signed-in", sockets.pings_of_ten_signed_in),
    Attack("pongs", sockets.pongs),
    Attack("empty-frames", sockets.empty_frames, short=True),
    Attack("fragments", sockets.fragments, short=True),
    Attack("unmasked", sockets.unmasked, short=True),
    Attack("close-1006", sockets.close_1006, short=True),
    Attack("remembered-sign-in", pages.remembered_sign_in, short=True),
    Attack("other-names", pages.other_names, short=True),
    Attack("bad-gzip", pages.bad_gzip, short=True),
    Attack("script-address", pages.script_address, short=True, stations=1),
    Attack("idle-sockets", pages.idle_sockets),
    Attack("event-streams", pages.event_streams),
    Attack("connections", rushes.connections, short=True),
    Attack("requests", rushes.requests, short=True),
    Attack("many-rooms", pages.many_rooms),
    Attack("environments", local.environments, short=True),
    Attack("stolen-bus", local.stolen_bus, ("chat", "unanswered")),
    Attack("stolen-stream-port", local.stolen_stream_port,
           ("gap", "health", "health at worst", "unanswered", "workers")),
)  # fmt: skip
"""In the order in which they run: those that kill something come last."""

HONEST = Attack("honest", sources.honest, stations=1)
"""For comparison, before the attacks: no attack. Where it breaks the bars, the machine is too busy
to tell."""

BY_NAME = {attack.name: attack for attack in (*ATTACKS, HONEST)}
