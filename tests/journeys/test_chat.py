"""Chat as people have it: the real product with two workers, good days first, then bad ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from support.chat import Talker, talking
from support.chat_probe import ChatProbe
from support.people import Person
from support.serve import STOP_SECONDS, Served, running_serve
from support.wait import PATIENCE, auntil, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

WORKERS = ("api-1", "api-2")
TROUBLE_SECONDS = 5.0
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One Talas with two API workers, for all of this file."""
    env = {"TALAS_CHAT_REQUESTS_PER_SECOND": "1000", "TALAS_CHAT_SOCKETS_PER_USER": "200"}
    with running_serve(tmp_path_factory.mktemp("chat"), "--api-workers", "2", env=env) as served:
        yield served.wait_ready()


@pytest.fixture(scope="module")
def tokens(served: Served) -> dict[str, str]:
    """Access tokens of some people."""
    found = {}
    for name in ("ada", "bob", "cal", "dora"):
        person = Person(served.api, name)
        assert (person.register(), person.sign_in()) == (201, 200)
        found[name] = person.token
    return found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.chat}/ws"


def port(talker: Talker) -> int:
    """The client's own end of the socket."""
    return int(talker.socket.get_extra_info("sockname")[1])


def connections(served: Served, name: str) -> list[Any]:
    """The TCP sockets of an API worker; none where it has just died."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(served.child(name).net_connections("tcp"))
    return []


def worker_of(served: Served, port: int) -> str:
    """Which API worker has the socket whose other end is `port`."""
    for name in WORKERS:
        if any(one.raddr and one.raddr.port == port for one in connections(served, name)):
            return name
    return ""


async def both_take_sockets(served: Served) -> None:
    """Wait for the worker that the test before has killed."""

    def listen() -> bool:
        return all(any(one.status == psutil.CONN_LISTEN and one.laddr.port == served.chat
                       for one in connections(served, name)) for name in WORKERS)  # fmt: skip

    await asyncio.to_thread(until, listen)


@contextlib.asynccontextmanager
async def one_on_each(
    served: Served, session: aiohttp.ClientSession, token: str, other: str
) -> AsyncIterator[tuple[Talker, Talker]]:
    """Two people on different workers: whoever has the first socket, the second is elsewhere."""
    await both_take_sockets(served)
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(talking(session, token, url(served)))
        home = worker_of(served, port(first))
        for _ in range(50):
            second = await stack.enter_async_context(talking(session, other, url(served)))
            if worker_of(served, port(second)) not in ("", home):
                yield first, second
                return
        raise AssertionError("fifty sockets, all on one worker")


async def make_room(served: Served, session: aiohttp.ClientSession, token: str) -> str:
    async with talking(session, token, url(served)) as talker:
        return str((await talker.insist("room.create", name="Hall"))["room"])


async def test_workers_share_rooms_history_and_nonces(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    room = await make_room(served, session, tokens["ada"])
    async with one_on_each(served, session, tokens["ada"], tokens["bob"]) as (ada, bob):
        for talker in (ada, bob):
            await talker.join(room)
        await ada.send(room, "from ada")
        await bob.send(room, "from bob")
        for talker in (ada, bob):
            await talker.hears("from bob")
            assert talker.texts() == ["from ada", "from bob"]
        past = await bob.ask("history", room=room)
        assert [one["text"] for one in past["messages"]] == ["from ada", "from bob"]
    async with one_on_each(served, session, tokens["ada"], tokens["ada"]) as (here, there):
        for talker in (here, there):
            await talker.join(room)
        first, again = await here.send(room, "once", "n"), await there.send(room, "once", "n")
        assert (first["offset"], first["id"]) == (again["offset"], again["id"])
        other = await there.ask("message.send", room=room, nonce="n", text="twice")
        assert other["code"] == "nonce_reused"


async def test_a_removed_room_is_gone_on_every_worker(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    room = await make_room(served, session, tokens["ada"])
    async with one_on_each(served, session, tokens["ada"], tokens["bob"]) as (ada, bob):
        for talker in (ada, bob):
            await talker.join(room)
        await ada.send(room, "hello")
        assert (await bob.ask("room.remove", room=room))["code"] == "forbidden"
        assert (await ada.ask("room.remove", room=room))["type"] == "room.removed"
        for talker in (ada, bob):
            await auntil(
                lambda talker=talker: {"type": "room.removed", "room": room} in talker.frames
            )
            assert (await talker.ask("room.join", room=room))["code"] == "not_found"


async def test_rooms_a_person_makes_at_once_on_two_workers_are_counted_together(
    served: Served, session: aiohttp.ClientSession
) -> None:
    person = Person(served.api, "maker")
    assert (person.register(), person.sign_in()) == (201, 200)
    async with one_on_each(served, session, person.token, person.token) as pair:
        replies = await asyncio.gather(*(
            talker.ask("room.create", name=f"Hall {number}")
            for talker in pair for number in range(40)
        ))  # fmt: skip
    kinds = [reply["type"] for reply in replies]
    assert kinds.count("room.created") == 50
    assert {reply["code"] for reply in replies if reply["type"] == "error"} == {"too_many"}


async def test_busy_room_is_heard_the_same_by_all(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    room = await make_room(served, session, tokens["ada"])
    async with one_on_each(served, session, tokens["ada"], tokens["bob"]) as pair:
        for talker in pair:
            await talker.join(room)
        acks = await asyncio.gather(*(
            talker.ask("message.send", room=room, nonce=f"{n} {id(talker)}", text=str(n))
            for n in range(200) for talker in pair
        ))  # fmt: skip
        assert sorted(ack["offset"] for ack in acks) == list(range(1, 401))
        for talker in pair:
            await auntil(lambda talker=talker: len(talker.messages()) == 400)
            assert [one["offset"] for one in talker.messages()] == list(range(1, 401))


async def test_a_station_has_its_room(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    api = f"http://127.0.0.1:{served.api}/api/stations"
    headers = {"Authorization": f"Bearer {tokens['ada']}"}
    wish = {"slug": "evening", "name": "Evening"}
    async with session.post(api, json=wish, headers=headers) as answer:
        room = (await answer.json())["data"]["room"]
    async with talking(session, tokens["bob"], url(served)) as bob:
        await bob.join(room)
        await bob.send(room, "great show")
        await bob.hears("great show")
        async with session.delete(f"{api}/evening", headers=headers) as answer:
            assert answer.status == 204
        gone = await bob.ask("message.send", room=room, nonce="late", text="still there?")
        assert gone["code"] == "not_found"
        await auntil(lambda: {"type": "room.removed", "room": room} in bob.frames)


async def test_page_of_another_origin_opens_no_socket(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect(url(served), origin="https://evil.example")
    assert caught.value.status == 403
    page = f"http://127.0.0.1:{served.api}"
    async with talking(session, tokens["ada"], url(served), origin=page):
        pass


async def test_signing_out_ends_the_socket_on_every_worker(
    served: Served, session: aiohttp.ClientSession
) -> None:
    leaver = Person(served.api, "leaver")
    assert (leaver.register(), leaver.sign_in()) == (201, 200)
    async with one_on_each(served, session, leaver.token, leaver.token) as pair:
        headers = {"Authorization": f"Bearer {leaver.token}"}
        api = f"http://127.0.0.1:{served.api}/api/auth/logout"
        async with session.post(api, headers=headers) as answer:
            assert answer.status == 204
        assert [await talker.closed() for talker in pair] == [4102, 4102]


async def test_socket_of_nonsense_is_closed_with_4201_and_a_silent_one_with_4100(
    served: Served, session: aiohttp.ClientSession
) -> None:
    async with talking(session, url=url(served)) as mute, talking(session, url=url(served)) as odd:
        await odd.socket.send_str("nonsense")
        assert await odd.closed() == 4201
        assert await mute.closed() == 4100


async def test_client_that_never_reads_is_cut_with_4000_alone(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    room = await make_room(served, session, tokens["ada"])
    async with talking(session, tokens["bob"], url(served)) as bob:
        await bob.join(room)
        sleeper = await asyncio.to_thread(sleeping, served.chat, tokens["cal"], room)
        told_before = served.log().count("slow clients cut")

        def told() -> bool:
            return served.log().count("slow clients cut") > told_before

        for number in range(400):
            await bob.send(room, f"{number} ".ljust(4000, "🎧"), str(number))
            if told():
                break
        await auntil(told, every=0.1)  # 6 MB at most, but it may be told a little later
        await bob.send(room, "still here")
        await bob.hears("still here")
        assert [one["offset"] for one in bob.messages()] == list(range(1, number + 3))
        assert await asyncio.to_thread(last_code, sleeper) == 4000


def sleeping(port: int, token: str, room: str) -> socket.socket:
    """A client in the room that reads nothing from now on."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    sock.sendall(UPGRADE)
    for request in ({"type": "auth", "token": token}, {"type": "room.join", "room": room}):
        payload = msgspec.json.encode(request)
        sock.sendall(bytes((0x81, 0xFE)) + len(payload).to_bytes(2) + bytes(4) + payload)
    heard = b""
    while b"room.joined" not in heard:
        heard += sock.recv(4096)
    return sock


def last_code(sock: socket.socket) -> int:
    """The close code at the end of everything that waited."""
    data = b""
    with sock, contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(1 << 16):
            data = (data + piece)[-4096:]
    at = data.rindex(b"\x88")
    return int.from_bytes(data[at + 2 : at + 4])


@contextlib.asynccontextmanager
async def probes(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> AsyncIterator[list[ChatProbe]]:
    """People on both workers who chat until the end of the block; then what they saw is compared
    with each other, with what they were promised, and with the log."""
    await both_take_sockets(served)
    room = await make_room(served, session, tokens["ada"])
    people: list[ChatProbe] = []
    while len(people) < 4 or len({worker_of(served, one.port()) for one in people} - {""}) < 2:
        token = list(tokens.values())[len(people) % len(tokens)]
        people.append(ChatProbe(session, url(served), token, room))
        await people[-1].here()
    done = asyncio.Event()

    async def chat(name: int, person: ChatProbe) -> None:
        number = 0
        while not done.is_set():
            number += 1
            await person.say(f"{name}:{number}")
            await asyncio.sleep(0.02)

    chatting = [asyncio.create_task(chat(name, one)) for name, one in enumerate(people)]
    try:
        await auntil(lambda: all(len(one.kept) >= 5 for one in people))
        yield people
        done.set()
        await asyncio.gather(*chatting)
        await compare(people, await history(served, session, tokens["ada"], room))
    finally:
        for task in chatting:
            task.cancel()
        for person in people:
            await person.leave()


async def compare(people: list[ChatProbe], log: list[tuple[int, str]]) -> None:
    """Nothing acknowledged is lost, nothing is there twice, and all saw the same."""
    assert [offset for offset, _ in log] == list(range(1, len(log) + 1))
    assert len({text for _, text in log}) == len(log)
    for person in people:
        await auntil(lambda person=person: person.offset == log[-1][0])
        assert person.seen == log[-len(person.seen) :]
        assert len(person.seen) >= len(log) - 100  # they came a moment after each other
        for text, offset in person.kept.items():
            assert log[offset - 1] == (offset, text)
        name = next(iter(person.kept)).partition(":")[0]
        mine = [text for _, text in log if text.partition(":")[0] == name]
        assert mine == list(person.kept)


async def history(
    served: Served, session: aiohttp.ClientSession, token: str, room: str
) -> list[tuple[int, str]]:
    """Everything that was said. A worker that is starting again is asked later."""

    async def read() -> list[tuple[int, str]]:
        try:
            return await pages(served, session, token, room)
        except aiohttp.ClientError as error:
            raise AssertionError(f"nobody there: {error}") from error

    return await auntil(read)


async def pages(
    served: Served, session: aiohttp.ClientSession, token: str, room: str
) -> list[tuple[int, str]]:
    """Everything that was said, page by page."""
    found: list[Any] = []
    async with talking(session, token, url(served)) as talker:
        before: dict[str, int] = {}
        while True:
            page = await talker.insist("history", room=room, limit=100, **before)
            found = page["messages"] + found
            if page["next"] is None:
                return [(one["offset"], one["text"]) for one in found]
            before = {"before": page["next"]}


async def for_a_while(people: list[ChatProbe], messages: int = 20) -> None:
    """Until everybody was promised that many further messages."""
    wanted = [len(one.kept) + messages for one in people]
    await auntil(lambda: all(len(one.kept) >= n for one, n in zip(people, wanted, strict=True)))


def freeze(process: psutil.Process) -> list[psutil.Process]:
    """Stop a server and its children where they are."""
    family = [process, *process.children(recursive=True)]
    for one in family:
        one.suspend()
    return family


@pytest.mark.parametrize("part", ["nats", "postgres", "api-2"])
async def test_killed_part_loses_no_acknowledged_message(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str], part: str
) -> None:
    async with probes(served, session, tokens) as people:
        before = served.child(part).pid
        os.kill(before, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: served.child(part).pid != before)
        await for_a_while(people)


@pytest.mark.parametrize("part", ["nats", "postgres"])
async def test_part_that_hangs_for_five_seconds_loses_no_acknowledged_message(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str], part: str
) -> None:
    async with probes(served, session, tokens) as people:
        frozen = freeze(served.child(part))
        await asyncio.sleep(TROUBLE_SECONDS)
        for one in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()
        await for_a_while(people)


async def test_drain_closes_sockets_with_4002_and_loses_no_acknowledged_message(
    served: Served, session: aiohttp.ClientSession, tokens: dict[str, str]
) -> None:
    room = await make_room(served, session, tokens["ada"])
    async with talking(session, tokens["ada"], url(served)) as ada:
        await ada.join(room)
        asked = [ada.begin("message.send", room=room, nonce=str(n), text=str(n))
                 for n in range(50)]  # fmt: skip
        await ada.ask("ping")
        served.process.send_signal(signal.SIGTERM)
        assert await ada.closed() == 4002
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert await asyncio.to_thread(served.process.wait, STOP_SECONDS) == 0
    served.start()
    await asyncio.to_thread(served.wait_ready)
    log = dict(await history(served, session, tokens["bob"], room))
    promised = [one for one in answers if isinstance(one, dict) and one["type"] == "ack"]
    assert len(promised) == 50
    assert {one["offset"]: one["nonce"] for one in promised} == log
