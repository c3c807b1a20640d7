"""Attacks inside JSON: every body of every address, and every frame of the chat, found by looking
through the application, so that a new one is attacked as soon as it is there."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from support.api import settings_for
from support.attacks import PASSWORD, SETTINGS, Answer, ask, healthy, promote, sign_in, sign_up
from support.hostile import NEVER, ODD, STRANGERS, WHOLE
from support.serve import Served, running_serve
from support.wait import PATIENCE
from talas_api.chat.requests.table import BY_TYPE
from talas_api.compose import Api
from talas_api.request.route import Table
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.postgres.pool import Database

pytestmark = pytest.mark.journey

ID = "01890000-0000-7000-8000-000000000000"
Struct = type[msgspec.Struct]
_numbers = itertools.count(1)


class Door(msgspec.Struct, frozen=True):
    """An address that takes a body, and what it takes."""

    method: str
    path: str
    kind: Struct

    def knock(self, victim: Victim, body: bytes) -> Answer:
        path = re.sub(r"\{[^}]*\}", ID, self.path)
        admin = path.startswith("/api/admin/")
        for _ in range(2):
            token = victim.admin if admin else victim.token
            answer = ask(victim.served.api, self.method, path, body, token)
            if answer.status != 429:
                break
            # One account may do this only so often: go on as somebody else.
            victim.token = sign_up(victim.served, f"ada{next(_numbers)}")["access_token"]
        return answer


class Victim(msgspec.Struct):
    """A service, and the tokens of somebody and of an admin there."""

    served: Served
    token: str
    admin: str
    doors: list[Door]


def look(folder: Path) -> list[Door]:
    """Every address that takes a body, and the struct that it reads."""

    async def rows() -> Table:
        api = Api(settings_for("", folder), Database("postgresql://x"), MemoryBus(), SystemClock())
        main, chat = api.tables()
        api.close()
        return [*main, *chat]

    return [Door(row.method, row.path, row.body) for row in asyncio.run(rows()) if row.body]


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    doors = look(tmp_path_factory.mktemp("looked"))
    more = {"TALAS_CHAT_REQUESTS_PER_SECOND": "10000"}
    with running_serve(tmp_path_factory.mktemp("served"), env=SETTINGS | more) as served:
        served.wait_ready()
        sign_up(served, "boss")
        promote(served, "boss")
        admin = sign_in(served, "boss@example.org")["access_token"]
        yield Victim(served, sign_up(served, "ada")["access_token"], admin, doors)
        assert healthy(served)


def good(kind: Struct) -> dict[str, Any]:
    """Members that such a body may have, new each time where they must be."""
    number = next(_numbers)
    known: dict[str, Any] = {
        "username": f"person{number}", "email": f"person{number}@example.org",
        "password": PASSWORD, "current_password": PASSWORD, "new_password": PASSWORD + "x",
        "display_name": "Ada", "slug": f"station{number}", "name": f"Name {number}",
        "room": ID, "epoch": ID, "renditions": ["opus"], "scopes": ["profile:read"], "days": 1,
        "role": "user", "nonce": f"n{number}",
    }  # fmt: skip
    fields = msgspec.structs.fields(kind)
    return {field.encode_name: known.get(field.encode_name, "x1") for field in fields}


def members(kind: Struct) -> list[str]:
    """The names of what may be in such a body."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def with_raw(body: dict[str, Any], member: str, raw: bytes) -> bytes:
    """The body as JSON, with `raw` in the place of one member."""
    marked = json.dumps(body | {member: "\1 here \1"}).encode()
    return marked.replace(rb'"\u0001 here \u0001"', raw)


def refused(answer: Answer) -> bool:
    assert 400 <= answer.status < 500, answer
    assert answer.code
    return True


def survived(answer: Answer) -> bool:
    assert answer.status < 500, answer
    return True


def test_addresses_that_take_bodies_are_all_attacked(victim: Victim) -> None:
    found = {(door.method, door.path) for door in victim.doors}
    assert {("POST", f"/api/auth/{name}") for name in ("register", "login", "refresh")} <= found
    assert ("PATCH", "/api/auth/profile") in found
    assert ("POST", "/api/stations") in found


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", STRANGERS)
def test_body_with_members_not_asked_for_sets_nothing(victim: Victim, name: str) -> None:
    for door in victim.doors:
        if name in members(door.kind):
            continue
        for value in ("admin", None, True, {"polluted": True}):
            assert refused(door.knock(victim, json.dumps(good(door.kind) | {name: value}).encode()))
    answer = ask(victim.served.api, "GET", "/api/auth/profile", token=victim.token)
    assert answer.data["role"] == "user"


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", NEVER)
def test_malformed_member_is_refused_everywhere(victim: Victim, name: str) -> None:
    for door in victim.doors:
        for member in members(door.kind):
            assert refused(door.knock(victim, with_raw(good(door.kind), member, NEVER[name])))


@pytest.mark.checklist(23)
@pytest.mark.parametrize("text", ODD)
def test_odd_text_is_kept_or_refused_and_breaks_nothing(victim: Victim, text: str) -> None:
    for door in victim.doors:
        for member in members(door.kind):
            raw = json.dumps(text).encode()
            answer = door.knock(victim, with_raw(good(door.kind), member, raw))
            assert survived(answer)
            assert answer.field("X-Injected") is None
    answer = ask(victim.served.api, "GET", "/api/auth/profile", token=victim.token)
    assert answer.status == 200


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", WHOLE)
def test_malformed_body_is_refused_everywhere(victim: Victim, name: str) -> None:
    for door in victim.doors:
        assert refused(door.knock(victim, WHOLE[name]))


@pytest.mark.checklist(25)
def test_a_body_100_000_deep_is_too_large_before_it_is_read(victim: Victim) -> None:
    for door in victim.doors:
        for body in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000):
            assert door.knock(victim, body).status == 413


DEEP = {"lists": b"[" * 30_000 + b"]" * 30_000, "objects": b'{"":' * 13_000 + b"1" + b"}" * 13_000}
"""Within what a body may have, and far deeper than anybody means."""


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", DEEP)
def test_a_body_of_a_lawful_size_that_is_too_deep_is_refused_everywhere(
    victim: Victim, name: str
) -> None:
    for door in victim.doors:
        around = json.dumps(good(door.kind)).encode()
        for body in (DEEP[name], around[:-1] + b',"deep":' + DEEP[name][:30_000], *(
            with_raw(good(door.kind), member, DEEP[name]) for member in members(door.kind)
        )):  # fmt: skip
            assert len(body) < 64 * 1024
            assert door.knock(victim, body).status == 400, (door, body[:80])
    assert healthy(victim.served)


@pytest.mark.checklist(23)
def test_member_given_twice_is_checked_and_used_as_its_last_value(victim: Victim) -> None:
    wish = {"email": "twice@example.org", "password": PASSWORD}
    body = json.dumps(wish).encode()[:-1] + b',"username":"first","username":"second"}'
    assert ask(victim.served.api, "POST", "/api/auth/register", body).data["username"] == "second"
    assert refused(ask(victim.served.api, "POST", "/api/auth/register", body))


FRAMES = tuple((name, verb.kind) for name, verb in BY_TYPE.items())


@pytest.mark.checklist(16, 23)
@pytest.mark.parametrize("part", ["never", "odd", "whole", "strangers", "deep"])
async def test_chat_answers_or_closes_whatever_it_is_sent(victim: Victim, part: str) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{victim.served.chat}/ws"
        talker = await fresh(session, url, victim.token)
        for raw in frames_of(part):
            await talker.send_frame(raw, aiohttp.WSMsgType.TEXT)
            await talker.send_frame(b'{"type":"ping","ref":"after"}', aiohttp.WSMsgType.TEXT)
            while (reply := await talker.receive(PATIENCE)).type is aiohttp.WSMsgType.TEXT:
                said = json.loads(reply.data)
                assert said.get("code") != "internal"
                if said.get("ref") == "after":
                    break
            else:
                assert talker.close_code in (1002, 1007, 4100, 4101, 4201), raw[:200]
                await talker.close()
                talker = await fresh(session, url, victim.token)
        await talker.close()


async def fresh(
    session: aiohttp.ClientSession, url: str, token: str
) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(url, autoclose=False)
    await socket.send_json({"type": "auth", "token": token})
    assert (await socket.receive_json(timeout=PATIENCE))["type"] == "auth.ok"
    return socket


def frames_of(part: str) -> Iterator[bytes]:
    """Frames that are wrong in one place, for every kind of request and every member."""
    if part in ("whole", "deep"):
        yield from (WHOLE if part == "whole" else DEEP).values()
    for tag, kind in FRAMES:
        body = good(kind) | {"type": tag}
        if part == "strangers":
            yield from (json.dumps(body | {name: "admin"}).encode() for name in STRANGERS)
        for member in ("type", *members(kind)):
            if part == "never":
                yield from (with_raw(body, member, raw) for raw in NEVER.values())
            elif part == "deep":
                yield from (with_raw(body, member, raw) for raw in DEEP.values())
            elif part == "odd":
                yield from (json.dumps(body | {member: text}).encode() for text in ODD)
