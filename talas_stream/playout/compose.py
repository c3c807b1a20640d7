"""Everything real, put together: the one place of this program that names concrete classes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from talas_core.clock import SystemClock
from talas_core.hosts import reachable
from talas_core.secrets import secret
from talas_core.settings import Settings
from talas_stream import kernels
from talas_stream.codec.tools import tools
from talas_stream.playout.client import Client
from talas_stream.playout.deck import Deck
from talas_stream.playout.icecast import Target
from talas_stream.playout.library import Library
from talas_stream.playout.player import BIT_RATE, Player
from talas_stream.playout.programme import Programme
from talas_stream.playout.track import Playlist

STATION = "demo"
KEY = "station-demo.key"

_INFO = {
    "ice-name": "Talas Demo",
    "ice-public": "0",
    "ice-bitrate": str(BIT_RATE // 1000),
    "ice-audio-info": f"ice-samplerate=48000;ice-channels=2;ice-bitrate={BIT_RATE // 1000}",
}
_DEMO = {"ice-description": "The demo programme, always on.", "ice-genre": "Electronic"}
_FOLDER = {"ice-description": "Music from a folder, always on.", "ice-genre": "Various"}


async def serve(settings: Settings, drain: asyncio.Event) -> None:
    """Keep the demo station on the air until `drain`.

    Raises UsageError for a music folder without music, or a data directory that cannot be used.
    """
    target = Target(
        host=reachable(settings.host)[0],
        port=settings.stream_port,
        mount=f"/{STATION}",
        key=secret(settings.data_dir, KEY),
    )
    playlist: Playlist
    if settings.music_dir:
        library = Library(Path(settings.music_dir))
        await asyncio.to_thread(library.check)
        playlist, about = library, _FOLDER
    else:
        playlist, about = Programme(settings.data_dir), _DEMO
    deck = Deck(lambda: Player(playlist, tools(kernels.select(settings.native))))
    client = Client(target, {**_INFO, **about}, deck, SystemClock(), asyncio.sleep)
    try:
        await client.run(drain)
    finally:
        await deck.close()
        await asyncio.to_thread(playlist.close)
