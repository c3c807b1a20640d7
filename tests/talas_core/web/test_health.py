from aiohttp.test_utils import TestClient, TestServer

from talas_core.telemetry.health import Health
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.health import routes


async def test_health_and_ready_tell_the_state() -> None:
    broken = True

    async def database() -> None:
        if broken:
            raise ConnectionError("the database does not answer")

    health = Health("api")
    health.register("database", database)
    app = application(cors=Cors([]))
    app.add_routes(routes(health))
    async with TestClient(TestServer(app)) as client:
        async with client.get("/health") as response:
            assert response.status == 200
            body = await response.json()
            assert body["data"]["status"] == "degraded"
            assert body["data"]["parts"] == {"database": "the database does not answer"}
        async with client.get("/ready") as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "1"
            error = (await response.json())["error"]
            assert error["fields"] == {"database": "the database does not answer"}
        broken = False
        async with client.get("/ready") as response:
            assert response.status == 200
            assert (await response.json())["data"]["status"] == "ok"
        health.draining = True
        async with client.get("/ready") as response:
            assert response.status == 503
        async with client.head("/health") as response:
            assert response.status == 200
