import pytest

from support.api import Composed
from support.chat import talking
from talas_core.ids import uuid7


async def test_what_was_said_is_read_page_by_page(composed: Composed) -> None:
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


@pytest.mark.parametrize("room", ["nowhere", str(uuid7())])
async def test_a_room_that_is_not_there(composed: Composed, room: str) -> None:
    token = (await composed.sign_up())["access_token"]
    status, body = await composed.call("GET", f"/api/rooms/{room}/messages", token=token)
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_a_bad_query_names_its_fields(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    path = f"/api/rooms/{uuid7()}/messages?before=0&limit=101"
    status, body = await composed.call("GET", path, token=token)
    assert status == 400
    assert set(body["error"]["fields"]) == {"before", "limit"}
