"""Other people's programs, as they are: two that send, and the players that listen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from support.listeners import count_is
from support.pages import retitle
from support.programs import end, needs, start
from support.sound import Array, coded, decoded, likeness, programme
from support.stream import KEY, Stream, record, running_stream
from support.wait import PATIENCE, auntil

pytestmark = pytest.mark.journey

RATE = 48_000
PLAYED_SECONDS = 70.0


@pytest.fixture
async def stream(tmp_path: Path) -> AsyncIterator[Stream]:
    """The station live has no name of its own: what the program says is seen."""
    async with running_stream(tmp_path) as running:
        running.api.stations["live"] = record("live", name="")
        yield running


@needs("liquidsoap")
@pytest.mark.parametrize(
    ("encoder", "extension"),
    [("%mp3(bitrate=128)", "opus"), ("%opus(bitrate=96)", "mp3")],
)
async def test_liquidsoap_sends_and_is_heard(
    tmp_path: Path, stream: Stream, encoder: str, extension: str
) -> None:
    sound = programme(20.0)
    soundfile.write(tmp_path / "song.wav", sound.T, RATE)
    script = tmp_path / "radio.liq"
    script.write_text(
        "settings.init.allow_root.set(true)\n"
        f'output.icecast({encoder}, host="127.0.0.1", port={stream.port}, password="{KEY}",\n'
        f'  mount="live", name="From Liquidsoap", single("{tmp_path}/song.wav"))\n'
    )
    sender = await start("liquidsoap", str(script))
    try:
        station = (await auntil(stream.status, 2 * PATIENCE))[0]
        assert station["server_name"] == "From Liquidsoap"
        _, reader, writer = await stream.listen(f"/live.{extension}")
        async with asyncio.timeout(PATIENCE):
            data = await reader.readexactly(80_000)
        writer.close()
    finally:
        output = await end(sender)
    score, _ = likeness(decoded(data)[RATE // 4 :], sound.mean(axis=0))
    assert score > 0.95, output[-2000:]


@needs("curl")
async def test_curl_sends_chunked_and_hears_itself(tmp_path: Path, stream: Stream) -> None:
    """curl waits for 100 Continue, sends in chunks, and reports the last answer."""
    data = coded(programme(6.0), "mp3")
    (tmp_path / "song.mp3").write_bytes(data)
    url = f"http://127.0.0.1:{stream.port}"
    sender = await asyncio.create_subprocess_exec(
        "sh", "-c",
        f"cat {tmp_path}/song.mp3 - | curl -sS -T - -u source:{KEY} "
        f"-H 'Content-Type: audio/mpeg' -w '%{{http_code}}' {url}/live",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await auntil(stream.status)
    listener = await start("curl", "-sS", f"{url}/live.mp3")
    await auntil(lambda: count_is(stream, 1))
    assert sender.stdin
    sender.stdin.close()  # the song has its end
    heard, _ = await asyncio.wait_for(listener.communicate(), PATIENCE)
    said, _ = await asyncio.wait_for(sender.communicate(), PATIENCE)
    # It came after the beginning: a burst of the newest, then all the rest.
    assert len(heard) >= 65_536
    assert data.endswith(heard)
    assert said == b"200"


@needs("mpv")
async def test_mpv_listens_and_shows_the_title(tmp_path: Path, stream: Stream) -> None:
    """mpv looks for a new title once a second; so it must have more to play than the burst, which
    it has encoded in less."""
    wav = tmp_path / "heard.wav"
    async with titled(stream) as sound:
        player = await start(
            "mpv", "--no-config", "--no-video", "--length=7", f"--o={wav}", "--oac=pcm_s16le",
            f"http://127.0.0.1:{stream.port}/live.mp3",
        )  # fmt: skip
        output, _ = await asyncio.wait_for(player.communicate(), PATIENCE)
    heard, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert rate == RATE
    score, _ = likeness(heard.mean(axis=1)[RATE // 4 :], sound.mean(axis=0))
    assert score > 0.95
    assert "Blue Hour" in output.decode(errors="replace")


@needs("ffplay")
async def test_ffplay_listens_and_shows_the_title(tmp_path: Path, stream: Stream) -> None:
    """SDL's disk driver keeps what the loudspeaker would have got: 16-bit stereo."""
    sound = programme(20.0)
    _, sending = await stream.source()
    sending.write(coded(sound, "mp3"))
    await auntil(stream.status)
    assert await retitle(stream, "song=Blue%20Hour") == 200
    raw = tmp_path / "heard.raw"
    player = await start(
        "ffplay", "-nodisp", "-autoexit", "-t", "4", f"http://127.0.0.1:{stream.port}/live.mp3",
        env={"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(raw)},
    )  # fmt: skip
    await auntil(lambda: count_is(stream, 1))
    sending.close()  # however long it was to play, it ends with its stream
    output, _ = await asyncio.wait_for(player.communicate(), 2 * PATIENCE)
    heard = np.fromfile(raw, "<i2").reshape(-1, 2).astype(np.float32) / 32768
    score, _ = likeness(heard.mean(axis=1)[RATE // 2 : 3 * RATE], sound.mean(axis=0))
    assert score > 0.95
    assert "Blue Hour" in output.decode(errors="replace")


@needs("mpg123")
@pytest.mark.parametrize("path", ["/live/;", "/;stream/1", "/live", "/live.mp3.m3u"])
async def test_mpg123_hears_a_stream(tmp_path: Path, stream: Stream, path: str) -> None:
    wav = tmp_path / "heard.wav"
    url = f"http://127.0.0.1:{stream.port}{path}"
    playlist = ["-@"] if path.endswith("m3u") else []
    async with titled(stream):
        player = await start("mpg123", "-q", "-n", "100", "-w", str(wav), *playlist, url)
        try:
            await asyncio.wait_for(player.wait(), PATIENCE)
        finally:
            output = await end(player)
    assert soundfile.info(wav).frames >= 99 * 1152, output[-2000:]


@needs("vlc")
@pytest.mark.parametrize("path", ["/live.mp3", "/live/;"])
async def test_vlc_hears_a_stream(stream: Stream, path: str) -> None:
    """VLC will not run as root; what its loudspeaker would have got is kept as WAV."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        wav = folder / "heard.wav"
        async with titled(stream) as sound:
            player = await start(
                *(nobody if os.geteuid() == 0 else []), "vlc", "-I", "dummy", "--no-video",
                "--aout=afile", f"--audiofile-file={wav}", "--run-time=6", "--play-and-exit",
                f"http://127.0.0.1:{stream.port}{path}", "vlc://quit",
                env={"HOME": name},
            )  # fmt: skip
            try:
                await asyncio.wait_for(player.wait(), PATIENCE)
            finally:
                output = await end(player)
        heard, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert rate == RATE
    score, _ = likeness(heard.mean(axis=1)[RATE // 2 : 3 * RATE], sound.mean(axis=0))
    assert score > 0.95, output[-2000:]


async def send_in_real_time(sending: asyncio.StreamWriter, data: bytes, rate: float) -> None:
    """`data` in pieces of a quarter of a second, of `rate` bytes each second."""
    piece = int(rate / 4)
    for at in range(0, len(data), piece):
        sending.write(data[at : at + piece])
        await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def titled(stream: Stream) -> AsyncIterator[Array]:
    """A programme on the air as MP3, with a title: ten seconds of it at once, the rest in real
    time, as long as a player may take on a busy machine."""
    sound = programme(PLAYED_SECONDS)
    data = coded(sound, "mp3")
    rate = len(data) / PLAYED_SECONDS
    _, sending = await stream.source()
    sending.write(data[: int(10 * rate)])
    await auntil(stream.status)
    assert await retitle(stream, "song=Blue%20Hour") == 200
    going_on = asyncio.create_task(send_in_real_time(sending, data[int(10 * rate) :], rate))
    yield sound
    going_on.cancel()
    sending.close()
