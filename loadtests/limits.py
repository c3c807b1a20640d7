"""What a run must keep to. A table: one row a limit, and an option `--limit-NAME` for each."""

from __future__ import annotations

import msgspec

FAILURES, API, SIGN_IN, ACK, DELIVER = "failures", "api", "sign-in", "ack", "deliver"
FIRST_SOUND, GAP, PACE, DRIVER = "first-sound", "gap", "pace", "driver"
MEAN, RATE, SOURCES = "mean", "rate", "sources"


class Limit(msgspec.Struct, frozen=True):
    """One limit: at most `default` `unit`, or `least` so much. Its name is the option's after
    `--limit-`."""

    name: str
    default: float
    unit: str
    sentence: str
    least: bool = False

    @property
    def option(self) -> str:
        """As it is written on the command line."""
        return f"--limit-{self.name}"

    @property
    def field(self) -> str:
        """As it is called in parsed options."""
        return f"limit_{self.name.replace('-', '_')}"


LIMITS: tuple[Limit, ...] = (
    Limit(FAILURES, 0.1, "%", "Share of all measured moments that may fail"),
    Limit(API, 200.0, "ms", "95th percentile of the slowest API read"),
    Limit(MEAN, 200.0, "ms", "Mean of all API requests but sign-ins"),
    Limit(RATE, 0.0, "requests/s", "API requests a second, at least; 0 asks for none", least=True),
    Limit(
        SOURCES, 0.0, "sources", "Sources on the air at once, at least; 0 asks for none", least=True
    ),
    Limit(SIGN_IN, 2500.0, "ms", "95th percentile of the slowest of register, login, refresh"),
    Limit(ACK, 300.0, "ms", "95th percentile from message.send to ack"),
    Limit(DELIVER, 300.0, "ms", "95th percentile from publish to deliver"),
    Limit(FIRST_SOUND, 2000.0, "ms", "95th percentile from connect to the first sound"),
    Limit(GAP, 1500.0, "ms", "Longest time without a byte, in any stream"),
    Limit(PACE, 5.0, "%", "How far sound and bytes a second may be off"),
    Limit(DRIVER, 90.0, "% of a core", "Processor use of a load-making process, or it is at fault"),
)
BY_NAME: dict[str, Limit] = {limit.name: limit for limit in LIMITS}
