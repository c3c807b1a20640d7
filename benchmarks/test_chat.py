"""The chat's promise: a thousand people in one room, a hundred committed messages a second, each of
them with everybody within 50 ms; beside what uvloop alone needs to write the same bytes.

`TALAS_BENCH=short` runs the same with fewer people for less time, to see that nothing is lost or
reordered; latencies are judged in the full form alone, on a machine that does nothing else.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest
from listeners import compiled
from load import drive, yardstick

from support.chat import talking
from support.serve import Served, running_serve

SHORT = os.environ.get("TALAS_BENCH") == "short"
SOCKETS = 200 if SHORT else 1000
SECONDS = 3.0 if SHORT else 20.0
WARMUP = 1.0
RATE = 100
LONGEST_P99_MS = 50.0


@pytest.mark.timeout(300)
def test_a_thousand_people_in_one_room(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = compiled("room", tmp_path)
    with running_serve(tmp_path) as served:
        served.wait_ready()
        tokens = make_people(served, tmp_path)
        room, frame_bytes = asyncio.run(make_room(served, tokens.read_text().split()[0]))
        plan = {"program": str(program), "host": "127.0.0.1", "port": served.chat,
                "sockets": SOCKETS, "rate": RATE, "seconds": SECONDS, "warmup": WARMUP}  # fmt: skip
        chat = benchmark.pedantic(
            drive, args=("chat", {**plan, "room": room, "tokens": str(tokens)}, tmp_path),
            kwargs={"watched": parts(served)}, rounds=1,
        )  # fmt: skip
    bare = yardstick(plan, frame_bytes, tmp_path)
    benchmark.extra_info.update(chat=chat, bare=bare, frame_bytes=frame_bytes)
    with capsys.disabled():
        sys.stdout.write(table(chat, bare, frame_bytes))
    assert chat["errors"] == []
    assert chat["acked"] == chat["sent"] == (SECONDS + WARMUP) * RATE
    assert chat["delivered"] == chat["wanted"], "messages were lost"
    assert chat["disorder"] == 0, "messages came out of order, or twice"
    if not SHORT:
        assert chat["p99_ms"] <= LONGEST_P99_MS


def make_people(served: Served, folder: Path) -> Path:
    """A file with one access token for each socket."""
    file = folder / "tokens"
    command = [sys.executable, "-P", "-m", "talas_core", "seed", "--people", str(SOCKETS)]
    subprocess.run(
        [*command, "--tokens", str(file)], cwd=folder, check=True, timeout=60,
        env={**served.env, "TALAS_LOG_FORMAT": "json"}, capture_output=True,
    )  # fmt: skip
    return file


async def make_room(served: Served, token: str) -> tuple[str, int]:
    """An empty room, and how long the frame of one of the driver's messages will be."""
    url = f"http://127.0.0.1:{served.chat}/ws"
    async with aiohttp.ClientSession() as session, talking(session, token, url) as talker:
        trial = (await talker.ask("room.create", name="Trial"))["room"]
        await talker.send(trial, "." * 100)
        frame_bytes = len(msgspec.json.encode(await talker.hears("." * 100)))
        return (await talker.ask("room.create", name="Benchmark"))["room"], frame_bytes


def parts(served: Served) -> dict[str, list[psutil.Process]]:
    """The processes that a chat message passes through."""
    found = {name: served.child(name) for name in ("api-1", "nats", "postgres")}
    return {name: [one, *one.children(recursive=True)] for name, one in found.items()}


def table(chat: dict[str, Any], bare: dict[str, Any], frame_bytes: int) -> str:
    """What was measured, for people."""
    lines = [
        f"\n\n{SOCKETS} sockets in one room, {RATE} messages/s for {SECONDS:g} s, "
        f"{frame_bytes} bytes a frame, {SOCKETS * RATE:,} deliveries/s",
        f"{'':24}{'p50':>9}{'p99':>9}{'p99.9':>9}{'max':>9}   cores used",
    ]
    for name, row in (("Talas, send to deliver", chat), ("uvloop, write to deliver", bare)):
        times = "".join(f"{row[key]:7.2f}ms" for key in ("p50_ms", "p99_ms", "p999_ms", "max_ms"))
        shares = ", ".join(f"{part} {share:.2f}" for part, share in row["shares"].items())
        driver = f"driver {row['driver_share']:.2f}, {row['reads']:,} reads"
        lines.append(f"{name:24}{times}   {shares} ({driver})")
    return "\n".join(lines) + "\n\n"
