"""Icecast's administration: shapes that panels read, and orders that are carried out."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from support.pages import MP3, admin, get, on_air, reported
from support.stream import KEY, Stream, auth, head, running_stream
from support.wait import auntil
from talas_core.messages import SecurityEvent, StreamEvent


async def xml(stream: Stream, target: str, line: str) -> Element:
    status, start, body = await get(stream, target, line)
    assert status == 200, body
    assert "Content-Type: text/xml; charset=utf-8" in start
    assert body.startswith(b"<?xml version=")
    return fromstring(body)  # noqa: S314 - our own answer


async def test_stats_tell_of_the_server_and_of_each_mount(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        root = await xml(stream, "/admin/stats", await admin(stream))
        assert root.tag == "icestats"
        assert (root.findtext("server_id"), root.findtext("sources")) == ("Talas", "1")
        assert root.findtext("listeners") == "0"
        [source] = root.findall("source")
        assert source.get("mount") == "/live"
        assert source.findtext("server_name") == "Night Line"
        assert source.findtext("bitrate") == "128"
        assert source.findtext("listenurl") == "http://radio.example:3002/live.mp3"
        assert source.findtext("source_ip") == "127.0.0.1"
        assert source.findtext("slow_listeners") == "0"
        assert source.findtext("max_listeners") == "unlimited"
        own = await xml(stream, "/admin/stats?mount=/live.mp3", auth())
        assert [s.get("mount") for s in own.findall("source")] == ["/live"]

        async def measured() -> bool:
            [source] = (await xml(stream, "/admin/stats?mount=/live", auth())).findall("source")
            return -30 < float(source.findtext("loudness_integrated") or 0) < -5

        await auntil(measured)
        [source] = (await xml(stream, "/admin/stats?mount=/live", auth())).findall("source")
        assert source.findtext("loudness_silent_seconds") == "0.0"
        assert source.find("loudness_range") is None, "too early to tell"


async def test_bytes_and_connections_are_counted(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        line = await admin(stream)
        wrong = await stream.source(key="f" * 32)
        assert b" 401 " in await wrong[0].readline()
        _, reader, writer = await stream.listen("/live.mp3")
        heard = await reader.readexactly(30_000)
        root = await xml(stream, "/admin/stats", line)
        [source] = root.findall("source")
        assert source.findtext("total_bytes_read") == str(len(MP3))
        assert len(heard) <= int(source.findtext("total_bytes_sent") or 0) <= len(MP3)
        writer.close()

        async def left() -> bool:
            return (await xml(stream, "/admin/stats", line)).findtext("listeners") == "0"

        await auntil(left)
        root = await xml(stream, "/admin/stats", line)
        counted = {name: root.findtext(name) for name in COUNTERS}
        assert counted == COUNTERS
        assert int(root.findtext("source/total_bytes_sent") or 0) >= len(heard)
        wrong[1].close()


COUNTERS = {
    "clients": "1",
    "file_connections": "0",
    "listener_connections": "1",
    "listeners": "0",
    "source_client_connections": "1",
    "source_relay_connections": "0",
    "source_total_connections": "1",
    "sources": "1",
    "stats": "0",
    "stats_connections": "0",
}
"""With one source on the air, one that was refused, and a listener who has gone."""


async def test_listeners_are_not_moved_and_those_who_ask_are_told(tmp_path: Path) -> None:
    move = "/admin/moveclients?mount=/live&destination=/demo"
    async with on_air(tmp_path) as stream:
        _, reader, writer = await stream.listen("/live.mp3")
        status, start, body = await get(stream, move, auth())
        assert status == 501
        assert "Content-Type: text/xml; charset=utf-8" in start
        answer = fromstring(body)  # noqa: S314 - our own answer
        assert (answer.tag, answer.findtext("return")) == ("iceresponse", "0")
        assert answer.findtext("message") == "Listeners cannot be moved on this server"
        assert (await get(stream, move))[0] == 401
        assert (await get(stream, move.replace("/live", "/nobody"), auth()))[0] == 404
        assert await reader.readexactly(30_000)
        writer.close()


async def test_mounts_are_listed(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        line = await admin(stream)
        [source] = (await xml(stream, "/admin/listmounts", line)).findall("source")
        assert source.get("mount") == "/live"
        assert source.findtext("content-type") == "audio/mpeg"
        assert source.findtext("fallback") == ""
        assert int(source.findtext("Connected") or "-1") >= 0
        assert (await xml(stream, "/admin/listmounts?mount=/demo", line)).findall("source") == []


async def test_clients_are_listed_with_their_address_for_admins_only(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        agent = "User-Agent: <b>&\"'\xe9"
        _, _, writer = await stream.listen("/live.mp3", agent)
        for line, address in ((await admin(stream), "127.0.0.1"), (auth(), None)):
            root = await xml(stream, "/admin/listclients?mount=/live", line)
            source = root.find("source")
            assert source is not None
            assert (source.get("mount"), source.findtext("Listeners")) == ("/live", "1")
            [listener] = source.findall("listener")
            assert listener.findtext("ID") == listener.get("id")
            assert listener.findtext("IP") == address
            assert listener.findtext("UserAgent") == "<b>&\"'\xe9"
            assert int(listener.findtext("Connected") or "-1") >= 0
            assert KEY not in str(root)
        writer.close()

        async def empty() -> bool:
            root = await xml(stream, "/admin/listclients?mount=/live", auth())
            return root.findtext("source/Listeners") == "0"

        await auntil(empty)


async def test_a_client_is_cut_and_the_others_stay(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        _, first, one = await stream.listen("/live.mp3")
        _, _, two = await stream.listen("/live.opus")
        root = await xml(stream, "/admin/listclients?mount=/live", auth())
        number, other = (entry.text for entry in root.iter("ID"))
        kill = f"/admin/killclient?mount=/live&id={number}"
        done = await xml(stream, kill, auth())
        assert done.tag == "iceresponse"
        assert done.findtext("return") == "1"
        with pytest.raises(ConnectionError):
            while await first.read(65_536):
                pass

        async def gone() -> bool:
            found = await xml(stream, "/admin/listclients?mount=/live", auth())
            return [entry.text for entry in found.iter("ID")] == [other]

        await auntil(gone)
        again = await xml(stream, kill, auth())
        assert (again.findtext("return"), again.findtext("message")) == (
            "0",
            f"Client {number} not found",
        )
        elsewhere = await xml(stream, f"/admin/killclient?mount=/demo&id={other}", auth())
        assert elsewhere.findtext("return") == "0"
        one.close()
        two.close()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30])
async def test_a_client_s_number_is_a_number(tmp_path: Path, number: str) -> None:
    async with running_stream(tmp_path) as stream:
        target = f"/admin/killclient?mount=/live&id={number}"
        assert (await get(stream, target, auth()))[0] == 400


async def test_a_source_is_cut_and_may_come_back(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        head_only = "HEAD /admin/killsource?mount=/live HTTP/1.1\nHost: x\n" + auth()
        assert b" 405 " in (await stream.ask(head_only)).splitlines()[0]
        assert len(await stream.status()) == 1
        done = await xml(stream, "/admin/killsource?mount=/live", auth())
        assert (done.findtext("message"), done.findtext("return")) == ("Source Removed", "1")
        assert await stream.status() == []
        done = await xml(stream, "/admin/killsource?mount=/live", auth())
        assert done.findtext("return") == "0"
        reader, writer = await stream.connect()
        request = f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\nExpect: 100-continue\n{auth()}"
        writer.write(head(request))
        assert b" 100 " in await reader.readline()
        writer.close()


@pytest.mark.checklist(29)
@pytest.mark.parametrize(
    ("order", "kind", "outcome"),
    [
        ("killsource?mount=/live", StreamEvent.SOURCE_CUT, "done"),
        ("killsource?mount=/demo", StreamEvent.SOURCE_CUT, "not_found"),
        ("killclient?mount=/live&id=7", StreamEvent.LISTENER_CUT, "not_found"),
        ("moveclients?mount=/live&destination=/demo", StreamEvent.MOVE_REFUSED, "not_possible"),
    ],
)
async def test_orders_are_reported(
    tmp_path: Path, order: str, kind: StreamEvent, outcome: str
) -> None:
    async with on_air(tmp_path) as stream:
        await get(stream, f"/admin/{order}", await admin(stream))
        event = await reported(stream, kind)
        slug = "demo" if "/demo" in order.partition("&")[0] else "live"
        assert event == SecurityEvent(
            kind, 1, "127.0.0.1", f"id-{slug}", "owner", "root", "s1", "access_token", outcome
        )


@pytest.mark.checklist(29)
async def test_by_what_means_an_order_was_given_is_reported(tmp_path: Path) -> None:
    async with on_air(tmp_path, admin_password="battery-staple") as stream:
        _, _, writer = await stream.listen("/live.mp3")
        [seat] = await xml_of(stream, "listclients?mount=/live", "listener")
        kill = f"/admin/killclient?mount=/live&id={seat.get('id')}"
        await get(stream, kill, auth())
        event = await reported(stream, StreamEvent.LISTENER_CUT)
        assert (event.method, event.actor_id, event.outcome) == ("stream_key", "", "done")
        await get(stream, "/admin/killsource?mount=/live", auth("battery-staple", user="admin"))
        event = await reported(stream, StreamEvent.SOURCE_CUT)
        assert (event.method, event.actor_id, event.outcome) == ("admin_password", "", "done")
        writer.close()


async def xml_of(stream: Stream, page: str, name: str) -> list[Element]:
    """Elements of that name on a page, as the source sees it."""
    return list((await xml(stream, f"/admin/{page}", auth())).iter(name))
