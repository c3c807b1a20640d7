"""Attacks by browsers and HTTP clients: remembered sign-ins, other names, bad bodies, too many."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time

from attack import payloads
from attack.target import (
    ADDRESS,
    NEWCOMER,
    NoAttack,
    Outcome,
    Target,
    allow_files,
    ask,
    basic,
    dial,
    status,
)
from support.wait import until

EVIL = "evil.example"
LOGINS = 200
"""Sign-ins of one address: more than the limit lets through in a minute."""
IDLE_SOCKETS = 4100
"""On each port: more than the API port takes in all."""
EVENT_STREAMS = 2000
DIALS_PER_SECOND, DIALS_AT_ONCE = 2000, 20
ROOMS = 60
"""More than one person may have open."""
ROOM_SECONDS, ROOM_AGAIN_SECONDS = 30.0, 0.25
NEWCOMER_SECONDS = 3.0
ANSWER_SECONDS = 20.0
NAVIGATION = (
    "Connection: keep-alive", "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding: gzip, deflate", "Accept-Language: en-GB,en;q=0.9",
)  # fmt: skip
"""What Chromium sends of a navigation over plain HTTP to a name that is not loopback: nothing of
`Sec-Fetch-Site`."""


def remembered_sign_in(target: Target, seconds: float) -> Outcome:
    """A page of another site navigates to an order, and the browser adds the remembered admin
    password."""
    login = f"Authorization: {basic('admin', target.password)}"
    host = f"Host: 127.0.0.1:{target.stream}"
    program = ask(target.stream, ["GET /admin/stats HTTP/1.1", host, login, "Connection: close"])
    if status(program) != 200:
        raise NoAttack(f"the password is not taken from a program: {program[:80]!r}")
    order = "GET /admin/killsource?mount=/demo HTTP/1.1"
    forms = {
        "with a referrer": (f"Referer: http://{EVIL}/",),
        "with none": (),
        "from a sandbox": ("Origin: null",),
    }
    codes = {}
    for name, lines in forms.items():
        answer = ask(target.stream, [order, host, *NAVIGATION, login, *lines], seconds=2.0)
        codes[name] = status(answer)
    said = ", ".join(f"{name} {code}" for name, code in codes.items())
    on_air = _on_air(target)
    said += "; the demo is on the air" if on_air else "; THE DEMO IS OFF THE AIR"
    return Outcome(said, held=set(codes.values()) == {403} and on_air)


def other_names(target: Target, seconds: float) -> Outcome:
    """Requests for a host name that is none of ours, as of a page whose name was bound to us."""
    codes = {}
    for name, path in (("api", "/api/stations"), ("chat", "/ws"), ("stream", "/status-json.xsl"),
                       ("stream", "/demo.mp3")):  # fmt: skip
        port = target.ports()[name]
        lines = [f"GET {path} HTTP/1.1", f"Host: {EVIL}:{port}"]
        if path == "/ws":
            lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]  # fmt: skip
        with dial(port) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            codes[f"{name} {path}"] = status(connection.recv(4096))
    said = ", ".join(f"{name} {code}" for name, code in codes.items())
    return Outcome(said, held=set(codes.values()) == {421})


def bad_gzip(target: Target, seconds: float) -> Outcome:
    """Sign-ins whose bodies say that they are compressed, and are not."""
    head = ["POST /api/auth/login HTTP/1.1", f"Host: 127.0.0.1:{target.api}", "Connection: close",
            "Content-Type: application/json", "Content-Encoding: gzip"]  # fmt: skip
    body = b"\x1f\x8b\x08\x00not compressed at all"
    codes: dict[int, int] = {}
    sent = 0
    for _ in range(LOGINS):
        code = status(ask(target.api, [*head, f"Content-Length: {len(body)}"], body))
        codes[code] = codes.get(code, 0) + 1
        sent += len(body)
        if code == 429:
            break
    said = ", ".join(f"{count} of {code}" for code, count in codes.items())
    return Outcome(said, held=429 in codes, sent=sent)


def script_address(target: Target, seconds: float) -> Outcome:
    """A source whose page's address is a script."""
    slug, key = next(iter(target.keys.items()))
    host = f"Host: 127.0.0.1:{target.stream}"
    script = "javascript:alert(1)"
    body = payloads.loud_wav()
    head = [f"PUT /{slug} HTTP/1.1", host, f"Authorization: {basic('source', key)}",
            f"Content-Type: {body.kind}", f"Ice-URL: {script}", f"icy-url: {script}",
            "", ""]  # fmt: skip
    with dial(target.stream) as source:
        source.sendall("\r\n".join(head).encode() + body.start + body.again * 20)
        status_page = ["GET /status-json.xsl HTTP/1.1", host, "Connection: close"]
        with contextlib.suppress(AssertionError):
            until(lambda: f"/{slug}".encode() in ask(target.stream, status_page), 5.0)
        page = ask(target.stream, status_page)
        if f"/{slug}".encode() not in page:
            return Outcome("the source is refused", held=True)
        with dial(target.stream) as listener:
            listener.sendall(f"GET /{slug}.opus HTTP/1.1\r\n{host}\r\n\r\n".encode())
            answer = listener.recv(4096)
    shown = [name for name, data in (("the status page", page), ("a listener", answer))
             if b"javascript" in data]  # fmt: skip
    said = f"shown on {' and to '.join(shown)}" if shown else "not passed on"
    return Outcome(said, held=not shown)


def idle_sockets(target: Target, seconds: float) -> Outcome:
    """4,100 sockets of one address that say nothing, on each port in turn, and then a newcomer from
    elsewhere, who must be served."""
    allow_files(IDLE_SOCKETS + 500)
    said, held = [], True
    for name, port in target.ports().items():
        sockets = _idle(port, IDLE_SOCKETS)
        began = time.monotonic()
        request = ["GET /health HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
        code = status(ask(port, request, address=NEWCOMER, seconds=NEWCOMER_SECONDS))
        took = time.monotonic() - began
        here = sum(not _ended(one) for one in sockets)
        for one in sockets:
            one.close()
        served = "served" if code == 200 else "SHUT OUT"
        said.append(f"{name}: {here:,} kept, the newcomer {served} in {took:.1f} s")
        held &= code == 200
    return Outcome("; ".join(said), held=held)


def event_streams(target: Target, seconds: float) -> Outcome:
    """Two thousand streams of the demo's events for one address."""
    allow_files(EVENT_STREAMS + 500)
    request = f"GET /demo/events HTTP/1.1\r\nHost: 127.0.0.1:{target.stream}\r\n\r\n".encode()
    sockets = _idle(target.stream, EVENT_STREAMS, request)
    answers: dict[socket.socket, int] = {}

    def answered() -> bool:
        for one in sockets:
            if one not in answers and (code := _answered(one)) is not None:
                answers[one] = code
        return len(answers) == len(sockets)

    with contextlib.suppress(AssertionError):
        until(answered, ANSWER_SECONDS)
    for one in sockets:
        one.close()
    refused = [code for code in answers.values() if code != 200]
    kept = len(sockets) - len(refused)
    codes = "/".join(sorted({str(code or "closed") for code in refused}))
    said = f"{kept} kept" + (f", others {codes}" if refused else "")
    return Outcome(said, held=kept < EVENT_STREAMS, sent=len(request) * EVENT_STREAMS)


def many_rooms(target: Target, seconds: float) -> Outcome:
    """Sixty rooms in a row, made by one person who comes again where they are told to wait."""
    made, code = asyncio.run(_make_rooms(target))
    said = f"{made} made" + (f", then {code}" if code else "")
    return Outcome(said, held=made < ROOMS)


async def _make_rooms(target: Target) -> tuple[int, str]:
    """How many there were, and the code of the last error."""
    # Dear to import, and needed here alone.
    import aiohttp

    from support.chat import Talker

    made, code = 0, ""
    give_up_at = time.monotonic() + ROOM_SECONDS
    connector = aiohttp.TCPConnector(local_addr=(ADDRESS, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        talker = Talker(await session.ws_connect(f"http://127.0.0.1:{target.chat}/ws"))
        await talker.sign_in(target.token)
        try:
            while made < ROOMS and time.monotonic() < give_up_at:
                reply = await talker.ask("room.create", name=f"Room {made}")
                if reply["type"] == "error":
                    code = str(reply["code"])
                    await asyncio.sleep(ROOM_AGAIN_SECONDS)
                else:
                    made, code = made + 1, ""
        except ConnectionError:
            code = f"closed with {talker.code}"
        finally:
            await talker.close()
    return made, code


def _on_air(target: Target) -> bool:
    request = ["GET /status-json.xsl HTTP/1.1", f"Host: 127.0.0.1:{target.stream}",
               "Connection: close"]  # fmt: skip
    body = ask(target.stream, request).partition(b"\r\n\r\n")[2]
    found = json.loads(body or b"{}").get("icestats", {}).get("source", [])
    found = found if isinstance(found, list) else [found]
    return any("/demo" in str(one.get("listenurl")) for one in found)


def _idle(port: int, count: int, request: bytes = b"") -> list[socket.socket]:
    """So many connections that send `request` and no more; fewer where they are refused. They come
    at a rate: it is what stays that is the attack."""
    found = []
    for number in range(count):
        if number % DIALS_AT_ONCE == 0:
            time.sleep(DIALS_AT_ONCE / DIALS_PER_SECOND)
        try:
            connection = dial(port, seconds=2.0)
            if request:
                connection.sendall(request)
        except OSError:
            continue
        connection.setblocking(False)
        found.append(connection)
    return found


def _ended(connection: socket.socket) -> bool:
    """Whether the other end has closed it, or said something, which here comes before that."""
    try:
        connection.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _answered(connection: socket.socket) -> int | None:
    """The status it was answered with, 0 where it was closed; None where nothing was said yet."""
    try:
        return status(connection.recv(4096))
    except BlockingIOError:
        return None
    except OSError:
        return 0
