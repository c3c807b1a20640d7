import pytest

from support.api import Composed
from talas_core.postgres.pool import Database

WISH = {"slug": "my-radio", "name": "My Radio"}


async def test_a_station_is_made_and_its_key_shown_once(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    status, made = await composed.call("POST", "/api/stations", WISH, token)
    assert status == 201
    assert {"id", "slug", "room", "stream_key"} <= set(made["data"])
    status, shown = await composed.call("GET", "/api/stations/my-radio")
    assert status == 200
    assert shown["data"] == {
        name: value for name, value in made["data"].items() if name != "stream_key"
    }
    _, listed = await composed.call("GET", "/api/stations")
    assert listed["data"] == [shown["data"]]
    assert listed["meta"] == {"next": None}


async def test_renditions_are_chosen_shown_and_changed(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    wish = WISH | {"renditions": ["mp3", "flac"]}
    _, made = await composed.call("POST", "/api/stations", wish, token)
    assert made["data"]["renditions"] == ["mp3", "flac"]
    change = {"renditions": ["32.opus"]}
    await composed.call("PATCH", "/api/stations/my-radio", change, token)
    _, shown = await composed.call("GET", "/api/stations/my-radio")
    assert shown["data"]["renditions"] == ["32.opus"]
    for wrong in ([], ["ogg"], ["mp3", "mp3"]):
        change = {"renditions": wrong}
        status, body = await composed.call("PATCH", "/api/stations/my-radio", change, token)
        assert (status, list(body["error"]["fields"])) == (400, ["renditions"])


async def test_taken_or_reserved_slug_is_409(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    await composed.call("POST", "/api/stations", WISH, token)
    status, body = await composed.call("POST", "/api/stations", WISH, token)
    assert (status, body["error"]["fields"]) == (409, {"slug": "is taken"})
    status, body = await composed.call("POST", "/api/stations", WISH | {"slug": "hls"}, token)
    assert (status, body["error"]["fields"]) == (400, {"slug": "is reserved"})


async def test_list_of_stations_goes_on_page_by_page(composed: Composed) -> None:
    person = await composed.sign_up()
    other = await composed.sign_up("other")
    for slug, who in (("aa", person), ("bb", other), ("cc", person)):
        wish = {"slug": slug, "name": slug}
        await composed.call("POST", "/api/stations", wish, who["access_token"])
    _, first = await composed.call("GET", "/api/stations?limit=2")
    assert [station["slug"] for station in first["data"]] == ["aa", "bb"]
    _, second = await composed.call("GET", f"/api/stations?after={first['meta']['next']}")
    assert [station["slug"] for station in second["data"]] == ["cc"]
    _, own = await composed.call("GET", f"/api/stations?owner={person['user']['id']}")
    assert [station["slug"] for station in own["data"]] == ["aa", "cc"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("after=%00", "after"),
        ("after=A", "after"),
        ("owner=me", "owner"),
        ("page=2", "page"),
    ],
)
async def test_wrong_query_for_stations_names_the_parameter(
    composed: Composed, query: str, field: str
) -> None:
    status, body = await composed.call("GET", f"/api/stations?{query}")
    assert status == 400
    assert list(body["error"]["fields"]) == [field]


async def test_a_parameter_given_twice_is_refused(composed: Composed) -> None:
    assert (await composed.call("GET", "/api/stations?limit=1&limit=2"))[0] == 400


async def test_owner_changes_their_station(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    _, made = await composed.call("POST", "/api/stations", WISH, token)
    path = "/api/stations/my-radio"
    status, body = await composed.call("PATCH", path, {"name": "Better"}, token)
    assert (status, body["data"]["name"]) == (200, "Better")
    assert "stream_key" not in body["data"]
    status, body = await composed.call("POST", f"{path}/key", token=token)
    assert status == 200
    assert body["data"]["stream_key"] != made["data"]["stream_key"]
    assert (await composed.call("DELETE", path, token=token))[0] == 204
    assert (await composed.call("GET", path))[0] == 404


async def test_station_is_not_changed_by_strangers(composed: Composed, db: Database) -> None:
    token = (await composed.sign_up())["access_token"]
    await composed.call("POST", "/api/stations", WISH, token)
    stranger = (await composed.sign_up("stranger"))["access_token"]
    path = "/api/stations/my-radio"
    for method, where, body in (
        ("PATCH", path, {"name": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/key", None),
    ):
        status, answer = await composed.call(method, where, body, stranger)
        assert (status, answer["error"]["code"]) == (403, "forbidden")
    await db.run("UPDATE users SET role = 'admin' WHERE username = 'stranger'")
    admin = (await composed.sign_in("stranger@example.com"))["access_token"]
    assert (await composed.call("PATCH", path, {"name": "Ours"}, admin))[0] == 200


@pytest.mark.parametrize("slug", ["nobodys", "A", "x" * 200, "%00", "%FF%FE", "a%2Fb", "..%2F"])
async def test_unknown_station_is_404(composed: Composed, slug: str) -> None:
    from yarl import URL

    url = URL(f"http://127.0.0.1:{composed.client.port}/api/stations/{slug}", encoded=True)
    async with composed.client.session.get(url) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "not_found"
