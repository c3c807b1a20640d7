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
from support.attacks import PASSWORD, SETTINGS, Answer, ask, healthy, sign_up
from support.serve import Served, running_serve
from talas_api.chat import frames
from talas_api.compose import Api
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.postgres.pool import Database

pytestmark = pytest.mark.journey

WRITING = ("POST", "PUT", "PATCH", "DELETE")
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
        return ask(victim.served.api, self.method, path, body, victim.token)


class Victim(msgspec.Struct, frozen=True):
    """A service, and somebody signed in there."""

    served: Served
    token: str
    doors: list[Door]


def look(folder: Path) -> list[Door]:
    """Every address that takes a body: its handler names the struct that it reads."""

    async def routes() -> list[tuple[str, str, Any]]:
        api = Api(settings_for("", folder), Database("postgresql://x"), MemoryBus(), SystemClock())
        found = [(route.method, route.resource.canonical, route.handler)
                 for app in api.applications() for route in app.router.routes()
                 if route.resource is not None]  # fmt: skip
        api.close()
        return found

    return [
        Door(method, path, kind)
        for method, path, handler in asyncio.run(routes()) if method in WRITING
        for kind in map(handler.__globals__.get, handler.__code__.co_names)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        if "read" in handler.__code__.co_names
    ]  # fmt: skip


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    doors = look(tmp_path_factory.mktemp("looked"))
    more = {"TALAS_CHAT_REQUESTS_PER_SECOND": "10000"}
    with running_serve(tmp_path_factory.mktemp("served"), env=SETTINGS | more) as served:
        served.wait_ready()
        yield Victim(served, sign_up(served, "ada")["access_token"], doors)
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


def test_the_addresses_that_take_bodies_are_found(victim: Victim) -> None:
    found = {(door.method, door.path) for door in victim.doors}
    assert {("POST", f"/api/auth/{name}") for name in ("register", "login", "refresh")} <= found
    assert ("PATCH", "/api/auth/profile") in found
    assert ("POST", "/api/stations") in found


STRANGERS = (
    "id", "role", "roles", "is_admin", "admin", "disabled_at", "email_verified_at", "password_hash",
    "created_at", "updated_at", "user_id", "owner_id", "owner", "key_hash", "sid", "permissions",
    "totp_secret", "kind", "Role", "ROLE", "role ", "__proto__", "constructor", "__class__", "",
)  # fmt: skip


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", STRANGERS)
def test_no_body_sets_what_it_was_not_asked_for(victim: Victim, name: str) -> None:
    for door in victim.doors:
        if name in members(door.kind):
            continue
        for value in ("admin", None, True, {"polluted": True}):
            assert refused(door.knock(victim, json.dumps(good(door.kind) | {name: value}).encode()))
    answer = ask(victim.served.api, "GET", "/api/auth/profile", token=victim.token)
    assert answer.data["role"] == "user"


NEVER = {
    "a NUL": rb'"a\u0000b"',
    "a lone high surrogate": rb'"a\ud800b"',
    "a lone low surrogate": rb'"\udc00"',
    "surrogates the wrong way round": rb'"\udc00\ud800"',
    "half a surrogate": rb'"\ud8"',
    "a raw NUL": b'"a\0b"',
    "a raw line feed": b'"a\nb"',
    "a raw escape": b'"a\x1b[31mb"',
    "not UTF-8": b'"a\xff\xfeb"',
    "an overlong NUL": b'"a\xc0\x80b"',
    "a raw surrogate": b'"a\xed\xa0\x80b"',
    "beyond Unicode": b'"a\xf4\x90\x80\x80b"',
    "an unknown escape": rb'"\x00"',
    "an open text": b'"a',
    "30,000 characters": b'"' + b"x" * 30_000 + b'"',
    "1e400": b"1e400",
    "a number of 20,000 digits": b"9" * 20_000,
    "a fraction of 20,000 digits": b"0." + b"9" * 20_000,
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "a hexadecimal number": b"0x10",
    "a list": b"[[]]",
    "an object": b'{"$ne":"x"}',
    "12,000 lists": b"[" * 12_000 + b"]" * 12_000,
    "6,000 objects": b'{"a":' * 6_000 + b"1" + b"}" * 6_000,
    "12,000 open lists": b"[" * 12_000,
    "nothing": b"",
    "a comment": b"/* */1",
}
"""Right nowhere, raw as they stand in the JSON."""
ODD = (
    "\r\nX-Injected: yes", "a\tb", "\u001b[2J", "\u0085", "\u2028", "\u202e", "\u2066", "\ufeff",
    "\uffff", "\U0001f4a3", "e\u0301", "\u0130", "' OR 1=1 --", "\\'; DROP TABLE users; --",
    "$(id)", "`id`", "{{7*7}}", "${7*7}", "%00", "%s%n", "../../etc/passwd", "<script>alert(1)",
    "a" * 65, "\u0301" * 64, "0", "null", " ", "\u3164", "-", "\\",
)  # fmt: skip
"""Right in some places."""


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", NEVER)
def test_a_member_that_can_be_nothing_is_refused_everywhere(victim: Victim, name: str) -> None:
    for door in victim.doors:
        for member in members(door.kind):
            assert refused(door.knock(victim, with_raw(good(door.kind), member, NEVER[name])))


@pytest.mark.checklist(23)
@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_breaks_nothing(victim: Victim, text: str) -> None:
    for door in victim.doors:
        for member in members(door.kind):
            raw = json.dumps(text).encode()
            answer = door.knock(victim, with_raw(good(door.kind), member, raw))
            assert survived(answer)
            assert answer.field("X-Injected") is None
    answer = ask(victim.served.api, "GET", "/api/auth/profile", token=victim.token)
    assert answer.status == 200


WHOLE = {
    "65,000 lists": b"[" * 65_000,
    "10,000 objects": b'{"a":' * 10_000,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "two objects": b"{}{}",
    "rubbish behind": b"{}x",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-32": "{}".encode("utf-32-le"),
    "a raw NUL": b"\0",
    "a member without a name": b'{"":1}',
    "a member that is a NUL": rb'{"\u0000":1}',
    "a member that is a surrogate": rb'{"\ud800":1}',
}


@pytest.mark.checklist(23)
@pytest.mark.parametrize("name", WHOLE)
def test_a_body_that_is_nothing_is_refused_everywhere(victim: Victim, name: str) -> None:
    for door in victim.doors:
        assert refused(door.knock(victim, WHOLE[name]))


@pytest.mark.checklist(25)
def test_a_body_100_000_deep_is_too_large_before_it_is_read(victim: Victim) -> None:
    for door in victim.doors:
        for body in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000):
            assert door.knock(victim, body).status == 413


@pytest.mark.checklist(23)
def test_of_a_member_given_twice_the_last_is_checked_and_used(victim: Victim) -> None:
    wish = {"email": "twice@example.org", "password": PASSWORD}
    body = json.dumps(wish).encode()[:-1] + b',"username":"first","username":"second"}'
    assert ask(victim.served.api, "POST", "/api/auth/register", body).data["username"] == "second"
    assert refused(ask(victim.served.api, "POST", "/api/auth/register", body))


FRAMES = tuple(frames._KINDS.items())


@pytest.mark.checklist(16, 23)
@pytest.mark.parametrize("part", ["never", "odd", "whole", "strangers"])
async def test_the_chat_answers_or_closes_whatever_it_is_sent(victim: Victim, part: str) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{victim.served.chat}/ws"
        talker = await fresh(session, url, victim.token)
        for raw in frames_of(part):
            await talker.send_frame(raw, aiohttp.WSMsgType.TEXT)
            await talker.send_frame(b'{"type":"ping","ref":"after"}', aiohttp.WSMsgType.TEXT)
            while (reply := await talker.receive(20)).type is aiohttp.WSMsgType.TEXT:
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
    assert (await socket.receive_json(timeout=20))["type"] == "auth.ok"
    return socket


def frames_of(part: str) -> Iterator[bytes]:
    """Frames that are wrong in one place, for every kind of request and every member."""
    if part == "whole":
        yield from WHOLE.values()
    for tag, kind in FRAMES:
        body = good(kind) | {"type": tag}
        if part == "strangers":
            yield from (json.dumps(body | {name: "admin"}).encode() for name in STRANGERS)
        for member in ("type", *members(kind)):
            if part == "never":
                yield from (with_raw(body, member, raw) for raw in NEVER.values())
            elif part == "odd":
                yield from (json.dumps(body | {member: text}).encode() for text in ODD)
