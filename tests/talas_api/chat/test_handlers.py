import pytest

from support.api import Composed
from support.chat import talking
from support.wait import auntil
from talas_core.ids import uuid7


async def test_messages_of_a_room_are_read_page_by_page(composed: Composed) -> None:
    token = (await composed.sign_up("ada"))["access_token"]
    async with talking(composed.chat, token) as talker:
        room = (await talker.ask("room.create", name="Hall"))["room"]
        for text in "abc":
            await talker.send(room, text)
    status, body = await composed.call("GET", f"/api/rooms/{room}/messages?limit=2", token=token)
    assert status == 200
    assert [(one["offset"], one["text"]) for one in body["data"]] == [(2, "b"), (3, "c")]
    assert body["data"][0]["sender"]["username"] == "ada"
    path = f"/api/rooms/{room}/messages?before={body['meta']['next']}"
    _, body = await composed.call("GET", path, token=token)
    assert [one["text"] for one in body["data"]] == ["a"]
    assert body["meta"]["next"] is None


async def test_messages_of_a_station_s_room_are_read_by_anybody(composed: Composed) -> None:
    token = (await composed.sign_up("ada"))["access_token"]
    wish = {"slug": "night-line", "name": "Night Line"}
    _, body = await composed.call("POST", "/api/stations", wish, token=token)
    async with talking(composed.chat, token) as talker:
        await talker.join(body["data"]["room"])
        for text in "ab":
            await talker.send(body["data"]["room"], text)
    path = "/api/stations/night-line/messages"
    status, body = await composed.call("GET", f"{path}?limit=1")
    assert (status, [one["text"] for one in body["data"]]) == (200, ["b"])
    _, body = await composed.call("GET", f"{path}?before={body['meta']['next']}")
    assert [one["text"] for one in body["data"]] == ["a"]
    assert (await composed.call("GET", f"{path}?limit=101"))[0] == 400
    assert (await composed.call("GET", "/api/stations/nosuch/messages"))[0] == 404


@pytest.mark.parametrize("room", ["nowhere", str(uuid7())], ids=["no id", "nobody's"])
async def test_unknown_room_is_404(composed: Composed, room: str) -> None:
    token = (await composed.sign_up())["access_token"]
    status, body = await composed.call("GET", f"/api/rooms/{room}/messages", token=token)
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_bad_query_for_messages_names_its_fields(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    path = f"/api/rooms/{uuid7()}/messages?before=0&limit=101"
    status, body = await composed.call("GET", path, token=token)
    assert status == 400
    assert set(body["error"]["fields"]) == {"before", "limit"}


async def test_a_room_is_removed_by_its_maker_alone_and_its_messages_with_it(
    composed: Composed,
) -> None:
    ada, bob = [(await composed.sign_up(name))["access_token"] for name in ("ada", "bob")]
    async with talking(composed.chat, ada) as talker, talking(composed.chat, bob) as other:
        room = (await talker.ask("room.create", name="Hall"))["room"]
        await talker.send(room, "hello")
        await other.join(room)
        path = f"/api/rooms/{room}"
        status, body = await composed.call("DELETE", path, token=bob)
        assert (status, body["error"]["code"]) == (403, "forbidden")
        assert (await composed.call("DELETE", path))[0] == 401
        assert (await composed.call("DELETE", path, token=ada)) == (204, None)
        for one in (talker, other):
            await auntil(lambda one=one: {"type": "room.removed", "room": room} in one.frames)
        assert (await composed.call("DELETE", path, token=ada))[0] == 404
        assert (await composed.call("GET", f"{path}/messages", token=ada))[0] == 404
        assert (await composed.call("GET", "/api/rooms", token=ada))[1]["data"] == []
        assert (await other.ask("room.join", room=room))["code"] == "not_found"


async def test_station_s_room_is_not_removed_as_a_room(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    wish = {"slug": "my-radio", "name": "My Radio"}
    _, body = await composed.call("POST", "/api/stations", wish, token)
    room = body["data"]["room"]
    assert (await composed.call("DELETE", f"/api/rooms/{room}", token=token))[0] == 403
    async with talking(composed.chat, token) as talker:
        assert (await talker.ask("room.remove", room=room))["code"] == "forbidden"
        assert (await talker.join(room))["offset"] == 0
