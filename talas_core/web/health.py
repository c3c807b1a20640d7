"""`/health` and `/ready`, the same on every port.

Does:        show a `Health` report in the envelope.
Never:       asks the parts itself.
Guarantees:  `/health` is 200 while the service does its job, with failing parts named;
             `/ready` is 503 until every part works, and while draining.
"""

from __future__ import annotations

from aiohttp import web

from talas_core.telemetry.health import Health
from talas_core.web.answers import answer, failed


def routes(health: Health) -> list[web.RouteDef]:
    """GET and HEAD for both paths."""

    async def alive(_: web.Request) -> web.Response:
        return answer(await health.report())

    async def ready(_: web.Request) -> web.Response:
        report = await health.report()
        if report.ready:
            return answer(report)
        failing = {part: outcome for part, outcome in report.parts.items() if outcome != "ok"}
        message = f"{report.service} is {report.status}."
        return failed(503, "not_ready", message, failing, headers={"Retry-After": "1"})

    return [web.get("/health", alive), web.get("/ready", ready)]
