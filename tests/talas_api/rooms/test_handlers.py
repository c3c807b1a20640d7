from support.api import Composed
from support.chat import talking


async def test_rooms_are_listed_page_by_page(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        made = [(await talker.ask("room.create", name=f"Room {n}"))["room"] for n in range(3)]
        await talker.send(made[0], "hello")
    status, body = await composed.call("GET", "/api/rooms?limit=2", token=token)
    assert status == 200
    assert [(one["id"], one["kind"], one["offset"]) for one in body["data"]] == [
        (made[0], "open", 1),
        (made[1], "open", 0),
    ]
    after = body["meta"]["next"]
    _, body = await composed.call("GET", f"/api/rooms?limit=2&after={after}", token=token)
    assert [one["id"] for one in body["data"]] == made[2:]
    assert body["meta"]["next"] is None


async def test_list_of_rooms_has_a_station_s_room(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    wish = {"slug": "my-radio", "name": "My Radio"}
    _, body = await composed.call("POST", "/api/stations", wish, token)
    _, rooms = await composed.call("GET", "/api/rooms", token=token)
    assert [(one["id"], one["kind"], one["name"]) for one in rooms["data"]] == [
        (body["data"]["room"], "station", "My Radio")
    ]


async def test_bad_query_for_rooms_names_its_fields(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    status, body = await composed.call("GET", "/api/rooms?limit=0&after=x", token=token)
    assert status == 400
    assert set(body["error"]["fields"]) == {"limit", "after"}
