"""A database that fails under the running product: its disk or that of its write-ahead log fills,
or it is killed."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.chat import talking
from support.people import PASSWORD, Person
from support.serve import Served, running_serve
from support.wait import auntil, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

MESSAGES = 420
MOST_MESSAGES = 12_000
KILLS = 3
DISK = "256m"
MOUNT = 'mount -t tmpfs -o size="$1" disk "$2" && shift 2 && exec "$@"'

LOG_DISK = "80m"
MOUNT_LOG = """cp -a "$2" "$3" && mount -t tmpfs -o size="$1" log "$2" && cp -a "$3/." "$2" &&
chown --reference="$3" "$2" && chmod --reference="$3" "$2" && shift 3 && exec "$@\""""
LETTERS = [chr(number) for number in range(0x4E00, 0x9F00)]
"""Three bytes each, and in no order that could be packed."""


def on_a_small_disk(folder: Path) -> list[str]:
    """The command that runs another with a disk of its own at `folder`."""
    return ["unshare", "--mount", "sh", "-c", MOUNT, "sh", DISK, str(folder)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Talas with its data directory on a disk of its own."""
    home = tmp_path / "home"
    home.mkdir()
    prefix = on_a_small_disk(home)
    needs_mounts(prefix)
    env = {"TALAS_DATA_DIR": str(home / "var"), "TALAS_CHAT_REQUESTS_PER_SECOND": "1000"}
    with running_serve(tmp_path, prefix=prefix, env=env) as running:
        yield running.wait_ready()


def needs_mounts(prefix: list[str]) -> None:
    """Skip where the command cannot mount."""
    allowed = shutil.which("unshare") and subprocess.run(
        [*prefix, "true"], check=False, capture_output=True
    )
    if not allowed or allowed.returncode != 0:
        pytest.skip("nobody may mount a disk here")


def fill(served: Served, folder: Path) -> Path:
    """Take all that is left of the disk at `folder`; returns the file that does."""
    # The disk is in the process's own view of the file system.
    inside = f"/proc/{served.process.pid}/root{folder}/filler"
    handle = os.open(inside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    size = 1 << 20
    try:
        while size >= 512:
            try:
                os.write(handle, b"\1" * size)
            except OSError:
                size //= 2
    finally:
        os.close(handle)
    return Path(inside)


async def test_full_disk_makes_talas_unready_and_passes_by_itself(
    served: Served,
) -> None:
    person = Person(served.api, "writer")
    assert person.register() == 201
    assert person.sign_in() == 200
    chat = f"http://127.0.0.1:{served.chat}/ws"
    async with aiohttp.ClientSession() as http, talking(http, person.token, chat) as talker:
        room = (await talker.ask("room.create", name="Bad days"))["room"]
        known = len(served.events())
        filler = await asyncio.to_thread(fill, served, served.data_dir.parent)
        text = "x" * 3000

        async def say(number: int) -> dict[str, Any]:
            nonce = f"n{number}"
            return await talker.ask("message.send", room=room, text=f"{number} {text}", nonce=nonce)

        replies = {number: await say(number) for number in range(MESSAGES)}
        told = {reply.get("code", "ack") for reply in replies.values()}
        assert told <= {"ack", "unavailable", "too_many"}
        assert "unavailable" in told
        assert await asyncio.to_thread(served.get, served.api, "/health") != (0, "")
        status = await asyncio.to_thread(until, lambda: served.get(served.api, "/ready")[0] == 503)
        assert status
        sign_up = {"username": "late", "email": "late@example.com", "password": PASSWORD}
        url = f"http://127.0.0.1:{served.api}/api/auth/register"

        async def refused() -> bool:
            # What there is still room for, is taken; then no more.
            sign_up["username"] = f"late{len(seen)}"
            sign_up["email"] = f"late{len(seen)}@example.com"
            async with http.post(url, json=sign_up) as answer:
                seen.append((answer.status, answer.headers.get("Retry-After", "")))
            return seen[-1][0] == 503

        seen: list[tuple[int, str]] = []
        await auntil(refused)
        assert {status for status, _ in seen} <= {201, 503}
        assert int(seen[-1][1]) >= 1
        lines = served.events()[known:]
        filler.unlink()
        await asyncio.to_thread(served.wait_ready)
        kept = {number: await acknowledged(say, number) for number in (0, MESSAGES - 1)}
        # Sent again under its nonce, what was acknowledged stands where it stood.
        assert all(kept[n]["offset"] == replies[n]["offset"]
                   for n in kept if replies[n]["type"] == "ack")  # fmt: skip
    assert not [line for line in lines if "Traceback" in str(line) or line["level"] == "error"]
    failing = [line for line in lines if line["event"] == "database fails"]
    assert sum(line["count"] for line in failing) > len(failing)


async def test_full_disk_of_the_log_loses_nothing_that_was_acknowledged_and_passes_by_itself(
    tmp_path: Path,
) -> None:
    """PostgreSQL ends itself where it cannot write its log, and again at each start."""
    env = {"TALAS_CHAT_REQUESTS_PER_SECOND": "1000", "TALAS_DATA_DIR": str(tmp_path / "var")}
    with running_serve(tmp_path, env=env) as served:
        served.wait_ready()
        person = Person(served.api, "writer")
        assert person.register() == 201
    log = tmp_path / "var" / "postgres" / "pg_wal"
    prefix = ["unshare", "--mount", "sh", "-c", MOUNT_LOG, "sh", LOG_DISK, str(log)]
    needs_mounts([*prefix, str(tmp_path / "trial")])
    with running_serve(tmp_path, prefix=[*prefix, str(tmp_path / "copy")], env=env) as served:
        served.wait_ready()
        person = Person(served.api, "writer")
        assert person.sign_in() == 200
        chat = f"http://127.0.0.1:{served.chat}/ws"
        async with aiohttp.ClientSession() as http, talking(http, person.token, chat) as talker:
            room = (await talker.ask("room.create", name="Bad days"))["room"]
            letters = random.Random(7)
            said = [f"{n} {''.join(letters.choices(LETTERS, k=3900))}" for n in range(40)]

            async def say(number: int) -> dict[str, Any]:
                text, nonce = said[number % len(said)], f"n{number}"
                return await talker.ask("message.send", room=room, text=text, nonce=nonce)

            filler = await asyncio.to_thread(fill, served, log)
            replies: list[dict[str, Any]] = []
            while len(replies) < MOST_MESSAGES and not told(replies) & {"unavailable"}:
                replies += await asyncio.gather(*(say(len(replies) + n) for n in range(20)))
            assert told(replies) <= {"ack", "unavailable"}
            assert "unavailable" in told(replies)
            filler.unlink()
            await asyncio.to_thread(served.wait_ready)
            kept = [await acknowledged(say, number) for number in range(len(replies))]
            assert all(one["offset"] == reply["offset"]
                       for one, reply in zip(kept, replies, strict=True)
                       if reply["type"] == "ack")  # fmt: skip
            assert sorted(one["offset"] for one in kept) == list(range(1, len(kept) + 1))


def told(replies: list[dict[str, Any]]) -> set[str]:
    """What they say, each once."""
    return {reply.get("code", reply["type"]) for reply in replies}


async def test_message_in_flight_when_the_database_is_killed_is_unavailable_and_there_once(
    tmp_path: Path,
) -> None:
    env = {"TALAS_CHAT_REQUESTS_PER_SECOND": "10000"}
    with running_serve(tmp_path, env=env) as served:
        served.wait_ready()
        person = Person(served.api, "writer")
        assert person.register() == 201
        assert person.sign_in() == 200
        chat = f"http://127.0.0.1:{served.chat}/ws"
        async with aiohttp.ClientSession() as http, talking(http, person.token, chat) as talker:
            room = (await talker.ask("room.create", name="Bad days"))["room"]

            async def say(number: int) -> dict[str, Any]:
                text = str(number)
                return await talker.ask("message.send", room=room, text=text, nonce=text)

            replies: list[dict[str, Any]] = []
            for _ in range(KILLS):
                replies += await while_killed(served, say, len(replies))
                await asyncio.to_thread(served.wait_ready)
            assert {reply.get("code", "ack") for reply in replies} == {"ack", "unavailable"}
            kept = [await acknowledged(say, number) for number in range(len(replies))]
            assert all(one["offset"] == reply["offset"]
                       for one, reply in zip(kept, replies, strict=True)
                       if reply["type"] == "ack")  # fmt: skip
            offsets = sorted(one["offset"] for one in kept)
            assert offsets == list(range(1, len(kept) + 1)), "each once"
            assert (await acknowledged(say, len(kept)))["offset"] == len(kept) + 1


async def while_killed(served: Served, say: Any, first: int) -> list[dict[str, Any]]:
    """The replies to messages that are sent before, while and after PostgreSQL is killed."""
    postgres = served.child("postgres")
    replies = [await acknowledged(say, first)]
    first += 1
    flying: list[asyncio.Task[dict[str, Any]]] = []
    while not any(task.done() and task.result()["type"] == "error" for task in flying):
        flying += [asyncio.create_task(say(first + len(flying) + n)) for n in range(20)]
        if len(flying) == 100:
            postgres.kill()
        await asyncio.sleep(0.005)
    return replies + await asyncio.gather(*flying)


async def acknowledged(say: Any, number: int) -> dict[str, Any]:
    """The acknowledgement of a message that is sent until there is one."""

    async def once() -> dict[str, Any] | None:
        reply = await say(number)
        return dict(reply) if reply["type"] == "ack" else None

    return dict(await auntil(once) or {})
