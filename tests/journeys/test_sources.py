"""Other people's encoders, as they are: what they play is heard, and their titles are shown."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from support.icy import IcyParser
from support.pages import data, get
from support.ports import free_port
from support.programs import TONE_HERTZ, end, microphone, needs, recorded_microphone, start
from support.sound import Array, coded, decoded, likeness, programme
from support.stream import KEY, Stream, auth, head, record, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.output.packetise import METAINT

pytestmark = pytest.mark.journey

RATE = 48_000
ARTIST, TITLE = "N\u00efna; 'Q'", "It's \u65e5\u672c"


@pytest.fixture
async def stream(tmp_path: Path) -> AsyncIterator[Stream]:
    """The station live has no name of its own: what the program says is seen."""
    async with running_stream(tmp_path) as running:
        running.api.stations["live"] = record("live", name="")
        yield running


async def heard(stream: Stream, path: str, size: int = 80_000) -> bytes:
    """What a listener gets who comes now."""
    _, reader, writer = await stream.listen(path)
    async with asyncio.timeout(PATIENCE):
        audio = await reader.readexactly(size)
    writer.close()
    return audio


async def stream_titles(stream: Stream, size: int = 100_000) -> list[str]:
    """The titles between the audio for a player that comes now."""
    _, reader, writer = await stream.listen("/live.mp3", "Icy-MetaData: 1")
    async with asyncio.timeout(PATIENCE):
        mixed = await reader.readexactly(size)
    writer.close()
    return IcyParser(METAINT).feed(mixed)[1]


async def shows(stream: Stream, text: str) -> bool:
    return bool((await data(stream, "/live/now"))["text"] == text)


def tagged(file: Path, sound: Array) -> Path:
    """`sound` as a file of that name's coding, with ARTIST and TITLE in it."""
    wav = file.with_suffix(".wav")
    soundfile.write(wav, sound.T, RATE)
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", wav, "-b:a", "128k",
         "-metadata", f"artist={ARTIST}", "-metadata", f"title={TITLE}", file], check=True,
    )  # fmt: skip
    return file


def has_tone(audio: bytes) -> bool:
    """Whether the microphone's tone is what was heard most, and loud."""
    sound = decoded(audio)[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    loudest = np.argmax(spectrum) * RATE / len(sound)
    return bool(abs(loudest - TONE_HERTZ) < 3 and np.abs(sound).max() > 0.05)


def ezstream_config(folder: Path, port: int, coding: str, files: list[Path]) -> str:
    playlist, config = folder / "list.m3u", folder / "ezstream.xml"
    playlist.write_text("".join(f"{file}\n" for file in files))
    config.write_text(
        f"<ezstream><servers><server><hostname>127.0.0.1</hostname><port>{port}</port>"
        f"<password>{KEY}</password></server></servers><streams><stream>"
        f"<mountpoint>/live</mountpoint><format>{coding}</format>"
        "<stream_name>From ezstream</stream_name></stream></streams>"
        f"<intakes><intake><type>playlist</type><filename>{playlist}</filename>"
        "</intake></intakes></ezstream>"
    )
    config.chmod(0o600)
    return str(config)


@needs("ezstream")
@pytest.mark.parametrize(("coding", "file"), [("MP3", "song.mp3"), ("Ogg", "song.ogg")])
async def test_ezstream_sends_a_playlist(
    tmp_path: Path, stream: Stream, coding: str, file: str
) -> None:
    sound = programme(20.0)
    song = tagged(tmp_path / file, sound)
    sender = await start("ezstream", "-c", ezstream_config(tmp_path, stream.port, coding, [song]))
    try:
        await auntil(stream.status)
        assert (await stream.status())[0]["server_name"] == "From ezstream"
        await auntil(lambda: shows(stream, f"{ARTIST} - {TITLE}"))
        now = await data(stream, "/live/now")
        assert (now["artist"], now["title"]) == (ARTIST, TITLE)
        audio = await heard(stream, "/live.mp3")
        titles = await stream_titles(stream)
    finally:
        output = await end(sender)
    assert titles[-1] == f"{ARTIST} - {TITLE}"
    score, _ = likeness(decoded(audio)[RATE // 4 :], sound.mean(axis=0))
    assert score > 0.95, output[-2000:]


@needs("darkice", "pulseaudio")
@pytest.mark.parametrize("coding", ["mp3", "vorbis", "opus"])
async def test_darkice_sends_what_the_microphone_hears(
    tmp_path: Path, stream: Stream, coding: str
) -> None:
    config = tmp_path / "darkice.cfg"
    config.write_text(
        "[general]\nduration = 0\nbufferSecs = 2\nreconnect = no\nrealtime = no\n"
        "[input]\ndevice = pulseaudio\npaSourceName = default\n"
        "sampleRate = 48000\nbitsPerSample = 16\nchannel = 2\n"
        "[icecast2-0]\nbitrateMode = cbr\nbitrate = 128\nquality = 0.8\n"
        f"format = {coding}\nserver = 127.0.0.1\nport = {stream.port}\npassword = {KEY}\n"
        "mountPoint = live\nname = From darkice\n"
    )
    async with microphone(tmp_path) as env:
        sender = await start("darkice", "-c", str(config), env=env)
        try:
            await auntil(stream.status)
            assert (await stream.status())[0]["server_name"] == "From darkice"
            assert has_tone(await heard(stream, "/live.mp3", 40_000))
        finally:
            await end(sender)


@needs("butt", "xvfb-run")
@pytest.mark.parametrize("coding", ["mp3", "opus", "flac"])
async def test_butt_sends_what_the_microphone_hears(
    tmp_path: Path, stream: Stream, coding: str
) -> None:
    port, config, env = str(free_port()), tmp_path / "butt.conf", recorded_microphone(tmp_path)
    # It wants every setting in its file, and writes one itself where there is none.
    first = await butt(config, port, env)
    await control(port, "-q")
    await asyncio.wait_for(first.wait(), PATIENCE)
    settings = config.read_text().replace("num_of_srv = 0", "num_of_srv = 1")
    settings = settings.replace("\ncodec = mp3\n", f"\ncodec = {coding}\n", 1)
    settings = settings.replace("\nsamplerate = 44100\n", "\nsamplerate = 48000\n", 1)
    settings = settings.replace("\nserver = \nsrv_ent = \n", "\nserver = Talas\nsrv_ent = Talas\n")
    config.write_text(
        f"{settings}\n[Talas]\naddress = 127.0.0.1\nport = {stream.port}\npassword = {KEY}\n"
        "type = 1\ntls = 0\nmount = live\nusr = source\n"
    )
    sender = await butt(config, port, env)
    try:
        await control(port, "-s", "Talas")
        await auntil(stream.status)
        await control(port, "-u", f"{ARTIST} - {TITLE}")
        await auntil(lambda: shows(stream, f"{ARTIST} - {TITLE}"))
        assert has_tone(await heard(stream, "/live.mp3", 40_000))
    finally:
        await end(sender)
    await auntil(lambda: empty(stream))


async def butt(config: Path, port: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    """Start it, up to where it takes orders."""
    running = await start("xvfb-run", "-a", "butt", "-c", str(config), "-p", port, env=env)
    try:
        await auntil(lambda: control(port, "-S"), every=0.2)
    except AssertionError as error:
        raise AssertionError(await end(running)) from error
    return running


async def control(port: str, *order: str) -> bool:
    """Give butt an order; False where it does not take any."""
    said, _ = await (await start("butt", "-p", port, *order)).communicate()
    return b"No butt instance" not in said


async def empty(stream: Stream) -> bool:
    return not await stream.status()


LIBSHOUT_TLS = """OPTIONS * HTTP/1.1
Host: here
User-Agent: libshout/2.4.6
Connection: Upgrade
Upgrade: TLS/1.0, HTTP/1.1"""

LIBSHOUT_PUT = """PUT /live HTTP/1.1
{auth}Host: here
User-Agent: libshout/2.4.6
Content-Type: audio/mpeg
{how}
ice-public: 0
ice-name: Replayed
Prefer: return=minimal"""

MIXXX = """SOURCE /live HTTP/1.0
{auth}Host: here
User-Agent: libshout/2.4.1
Content-Type: audio/mpeg
ice-public: 0
ice-name: Replayed
ice-description: 
ice-genre: 
ice-url: 
ice-irc: 
ice-aim: 
ice-icq: 
ice-audio-info: bitrate=128"""  # noqa: W291 - that is how it comes


async def test_libshout_2_4_6_sends_and_is_heard(stream: Stream) -> None:
    """ezstream, MPD and others: is there TLS, who may send, then the audio."""
    answer = await stream.ask(LIBSHOUT_TLS)
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"Upgrade" not in answer
    idle = "Content-Length: 0\nConnection: Keep-Alive"
    answer = await stream.ask(LIBSHOUT_PUT.format(auth="", how=idle))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nWWW-Authenticate: Basic " in answer
    await plays(
        stream, LIBSHOUT_PUT.format(auth=auth() + "\n", how="Expect: 100-continue"), b" 100 "
    )


async def test_mixxx_sends_and_is_heard(stream: Stream) -> None:
    """Mixxx 2.3 brings its own libshout, which asks without the key first."""
    answer = await stream.ask(MIXXX.format(auth=""))
    assert answer.startswith(b"HTTP/1.1 401 ")
    await plays(stream, MIXXX.format(auth=auth() + "\n"), b" 200 ")


async def plays(stream: Stream, request: str, welcome: bytes) -> None:
    """Send `request` and audio; the station is on the air with it, and tells its titles."""
    reader, writer = await stream.connect()
    writer.write(head(request))
    assert welcome in await reader.readuntil(b"\r\n\r\n")
    writer.write(coded(programme(10.0), "mp3"))
    await auntil(stream.status)
    [source] = await stream.status()
    assert source["server_name"] == "Replayed"
    title = (
        "/admin/metadata?mode=updinfo&mount=%2flive&charset=UTF%2d8&artist=N%c3%afna&title=It%27s"
    )
    assert (await get(stream, title))[0] == 401
    assert (await get(stream, title, auth()))[0] == 200
    await auntil(lambda: shows(stream, "N\u00efna - It's"))


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("song=Bl\u00fce%3b%20%27Hour%27%20\u2013%20It%27s", "Bl\u00fce; 'Hour' \u2013 It's"),
        ("song=Caf%E9", "Caf\u00e9"),
        ("song=%CF%F0%E8&charset=windows-1251", "\u041f\u0440\u0438"),
        ("artist=N%EFna&title=Caf%E9", "N\u00efna - Caf\u00e9"),
    ],
)
async def test_a_title_is_shown_alike_between_the_audio_and_on_the_page(
    stream: Stream, sent: str, text: str
) -> None:
    """UTF-8 as butt sends it, unescaped; Latin-1 as old encoders do; a charset that is named."""
    _, writer = await stream.source()
    writer.write(coded(programme(10.0), "mp3"))
    await auntil(stream.status)
    assert (await get(stream, f"/admin/metadata?mode=updinfo&mount=/live&{sent}", auth()))[0] == 200
    assert await shows(stream, text)
    assert (await stream_titles(stream, 60_000))[-1] == text
    assert (await stream.status())[0]["title"] == text
    writer.close()
