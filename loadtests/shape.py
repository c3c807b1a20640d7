"""The crowd, as locust asks for it: once a second.

Does:        bring the pure crowd together with locust's clock and options; announce storms.
Never:       runs without an end.
Guarantees:  a storm reaches every process that has users.
"""
# mypy: disable-error-code="no-untyped-call"
# Locust leaves its own shape untyped.

from __future__ import annotations

from locust import LoadTestShape

from loadtests.crowd import DEFAULT_SECONDS, Crowd, step

STORM_MESSAGE = "talas-storm"
_ARRIVAL_SECONDS = 3.0
"""Without --spawn-rate, everybody is there after so long."""


class CrowdShape(LoadTestShape):
    """Reads --crowd, --users, --run-time, --spawn-rate and --storm-every as they are now."""

    use_common_options = True

    def __init__(self) -> None:
        super().__init__()
        self._storms = 0

    def reset_time(self) -> None:
        """A run begins."""
        super().reset_time()
        self._storms = 0

    def tick(self) -> tuple[int, float] | None:
        """How many users, and how fast they may come; None at the end."""
        now = step(self._crowd(), self.get_run_time())
        if now is None or self.runner is None:
            return None
        while self._storms < now.storms:
            self._storms += 1
            self.runner.send_message(STORM_MESSAGE, {"number": self._storms})
        return now.people, now.arrivals

    def _crowd(self) -> Crowd:
        options = self.runner.environment.parsed_options if self.runner else None
        people = int(getattr(options, "num_users", None) or 1)
        return Crowd(
            shape=getattr(options, "crowd", "steady"),
            people=people,
            seconds=float(getattr(options, "run_time", None) or DEFAULT_SECONDS),
            arrivals=float(getattr(options, "spawn_rate", None) or people / _ARRIVAL_SECONDS),
            storm_every=float(getattr(options, "storm_every", 10.0)),
        )
