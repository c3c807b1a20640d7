"""Who may look after a station: source, owner, admin, stranger."""

from pathlib import Path

import pytest

from support.pages import admin, get, on_air, reported
from support.stream import Stream, auth, record
from support.tokens import token
from support.wait import auntil
from talas_core.messages import StreamEvent

PAGE = "/admin/listclients?mount=/live"


def bearer(sub: str, role: str = "user") -> str:
    return f"Authorization: Bearer {token(sub, role=role)}"


async def test_source_owner_and_admin_see_a_mount_and_nobody_else(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        root = await admin(stream)
        for line, status in (
            (root, 200),
            (bearer("owner"), 200),
            (auth(), 200),
            (bearer("somebody"), 403),
            (auth("f" * 32), 401),
            (auth(user="admin"), 401),
            ("X: y", 401),
        ):
            assert (await get(stream, PAGE, line))[0] == status, line


@pytest.mark.parametrize("page", ["stats", "listmounts", "listclients", "killsource"])
async def test_page_that_concerns_all_stations_is_for_admins(tmp_path: Path, page: str) -> None:
    async with on_air(tmp_path) as stream:
        root = await admin(stream)
        status, start, _ = await get(stream, f"/admin/{page}", auth())
        assert status == 401
        assert 'WWW-Authenticate: Basic realm="Talas source"' in start
        assert (await get(stream, f"/admin/{page}"))[0] == 401
        assert (await get(stream, f"/admin/{page}", bearer("owner")))[0] == 403
        expected = 200 if page in ("stats", "listmounts") else 400
        assert (await get(stream, f"/admin/{page}", root))[0] == expected


async def test_the_key_of_one_station_opens_no_other(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        stream.api.stations["demo"] = record("demo", key="another")
        assert (await get(stream, "/admin/killsource?mount=/demo", auth()))[0] == 401
        assert (await get(stream, "/admin/killsource?mount=/demo", auth("another")))[0] == 200
        assert len(await stream.status()) == 1
        assert (await get(stream, "/admin/killsource?mount=/nobody", auth()))[0] == 404


async def test_closed_station_is_404_to_everybody(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        root = await admin(stream)
        stream.api.stations["demo"] = record("demo", closed=True)
        for page in ("/demo/now", "/demo.m3u", "/admin/listclients?mount=/demo"):
            assert (await get(stream, page, root))[0] == 404, page


async def test_another_site_s_page_cannot_kill_with_a_remembered_key(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        lines = (auth(), "Sec-Fetch-Site: cross-site")
        assert (await get(stream, "/admin/killsource?mount=/live", *lines))[0] == 403
        assert len(await stream.status()) == 1


PASSWORD = "battery-staple"
BASIC = auth(PASSWORD, user="admin")


async def test_the_admin_password_opens_what_an_admin_s_token_does(tmp_path: Path) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        for page in (
            "stats",
            "listmounts",
            "listclients?mount=/live",
            "killclient?mount=/live&id=1",
        ):
            assert (await get(stream, f"/admin/{page}", BASIC))[0] == 200, page
        title = "/admin/metadata?mode=updinfo&mount=/live&song=New"
        assert (await get(stream, title, BASIC))[0] == 200
        assert (await get(stream, "/admin/stats", auth("not-the-password", user="admin")))[0] == 401
        assert (await get(stream, "/admin/stats", auth(PASSWORD)))[0] == 401
        put = f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{BASIC}"
        assert b" 401 " in (await stream.ask(put)).splitlines()[0], "it is no stream key"
        assert (await get(stream, PAGE, auth()))[0] == 200


async def test_without_an_admin_password_there_is_no_such_user(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        for password in ("", PASSWORD):
            assert (await get(stream, "/admin/stats", auth(password, user="admin")))[0] == 401


async def test_another_site_s_page_cannot_use_a_remembered_admin_password(tmp_path: Path) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        lines = (BASIC, "Sec-Fetch-Site: cross-site")
        for page in ("stats", "killsource?mount=/live"):
            assert (await get(stream, f"/admin/{page}", *lines))[0] == 403
        assert len(await stream.status()) == 1


AGENT = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
NAVIGATION = (AGENT, "Accept: text/html,application/xhtml+xml", "Upgrade-Insecure-Requests: 1")
ORDERS = (
    "killsource?mount=/live", "killclient?mount=/live&id=1", "moveclients?mount=/live",
    "metadata?mode=updinfo&mount=/live&song=Forged",
)  # fmt: skip


@pytest.mark.checklist(17, 29)
@pytest.mark.parametrize("order", ORDERS)
async def test_a_browser_s_order_without_a_sign_of_our_page_is_refused_and_reported(
    tmp_path: Path, order: str
) -> None:
    """Over plain HTTP to a name of the local network, where browsers send no Sec-Fetch-Site."""
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        for sign_in in (BASIC, auth()):
            status, _, body = await get(stream, f"/admin/{order}", sign_in, *NAVIGATION)
            assert status == 403, order
            assert b"which page gave the order" in body
        foreign = (*NAVIGATION, "Referer: http://evil.example/")
        assert (await get(stream, f"/admin/{order}", BASIC, *foreign))[0] == 403
        [source] = await stream.status()
        assert source["title"] == ""

        def told() -> set[tuple[str, str]]:
            kinds = [one for one in stream.api.audit if one.kind is StreamEvent.ACCESS_REFUSED]
            return {(event.method, event.outcome) for event in kinds}

        wanted = {("admin_password", "other_site"), ("stream_key", "other_site")}
        await auntil(lambda: told() == wanted)


@pytest.mark.checklist(17)
@pytest.mark.parametrize(
    "proof",
    [
        ("Referer: http://radio.example:3002/admin/stats",), ("Origin: http://radio.example:8080",),
        ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Site: none",),
    ],
)  # fmt: skip
async def test_an_order_from_our_own_page_is_carried_out(
    tmp_path: Path, proof: tuple[str, ...]
) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        title = "/admin/metadata?mode=updinfo&mount=/live&song=New"
        assert (await get(stream, title, BASIC, *NAVIGATION, *proof))[0] == 200
        kill = "/admin/killsource?mount=/live"
        assert (await get(stream, kill, BASIC, *NAVIGATION, *proof))[0] == 200
        await auntil(lambda: _silent(stream))


async def _silent(stream: Stream) -> bool:
    return await stream.status() == []


async def test_a_browser_reads_by_an_address_typed_in_and_a_token_needs_no_proof(
    tmp_path: Path,
) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        root = await admin(stream)
        assert (await get(stream, "/admin/stats", BASIC, *NAVIGATION))[0] == 200
        assert (await get(stream, PAGE, BASIC, *NAVIGATION))[0] == 200
        assert (await get(stream, "/admin/killclient?mount=/live&id=1", root, *NAVIGATION))[
            0
        ] == 200
        assert (await get(stream, "/admin/killsource?mount=/live", *NAVIGATION))[0] == 401


async def test_guessing_the_admin_password_is_slowed(tmp_path: Path) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        wrong = auth("f" * 20, user="admin")
        answers = [await get(stream, "/admin/stats", wrong) for _ in range(11)]
        assert [status for status, _, _ in answers] == [401] * 10 + [429]
        assert "Retry-After" in answers[-1][1]
        assert (await get(stream, PAGE, auth()))[0] == 200, "a source is not concerned"


async def test_guesses_of_the_password_are_counted_for_a_whole_ipv6_subscriber(
    tmp_path: Path,
) -> None:
    settings = {"admin_password": "the right one", "trusted_proxies": ("127.0.0.1/32",)}
    async with on_air(tmp_path, **settings) as stream:

        async def guess(password: str, address: str) -> int:
            lines = (auth(password, user="admin"), f"X-Forwarded-For: {address}")
            return (await get(stream, "/admin/stats", *lines))[0]

        seen = {await guess("wrong", f"2001:db8:0:1::{number:x}") for number in range(1, 40)}
        assert seen == {401, 429}
        assert await guess("the right one", "2001:db8:0:1::ffff") == 429
        assert await guess("the right one", "2001:db8:0:2::1") == 200


@pytest.mark.checklist(29)
@pytest.mark.parametrize("page", ["killsource?mount=/live", "stats"])
async def test_a_refused_sign_in_is_reported_without_what_was_shown(
    tmp_path: Path, page: str
) -> None:
    async with on_air(tmp_path, admin_password=PASSWORD) as stream:
        wrong = auth("not-the-password", user="admin")
        for _ in range(12):
            await get(stream, f"/admin/{page}", wrong)
        await auntil(lambda: {event.outcome for event in stream.api.audit} == {"wrong", "limited"})
        station = ("id-live", "owner") if "mount" in page else ("", "")
        for event in stream.api.audit:
            assert event.kind is StreamEvent.SIGN_IN_REFUSED
            assert (event.address, event.method) == ("127.0.0.1", "admin_password")
            assert (event.station_id, event.owner_id) == station
            assert (event.actor_id, event.session_id) == ("", "")
        assert "not-the-password" not in repr(stream.api.audit)


@pytest.mark.checklist(29)
async def test_a_wrong_key_is_reported_and_who_shows_none_is_not(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        for line in ("X: y", "Authorization: Bearer none.of.ours"):
            assert (await get(stream, PAGE, line))[0] == 401
        assert (await get(stream, PAGE, auth("f" * 32)))[0] == 401
        event = await reported(stream, StreamEvent.SIGN_IN_REFUSED)
        assert (event.method, event.outcome, event.count) == ("stream_key", "wrong", 1)
        assert "f" * 32 not in repr(event)


@pytest.mark.checklist(29)
@pytest.mark.parametrize("page", ["listclients?mount=/live", "stats"])
async def test_person_whose_token_does_not_allow_it_is_reported(tmp_path: Path, page: str) -> None:
    async with on_air(tmp_path) as stream:
        await admin(stream)
        assert (await get(stream, f"/admin/{page}", bearer("somebody")))[0] == 403
        event = await reported(stream, StreamEvent.ACCESS_REFUSED)
        assert (event.actor_id, event.session_id) == ("somebody", "s1")
        assert (event.method, event.outcome) == ("access_token", "not_allowed")
        assert event.station_id == ("id-live" if "mount" in page else "")
