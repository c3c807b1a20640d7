"""What an address on the stream port asks for, in the ways that players and people write it.

Does:        read a station and a rendition's name out of a path: `/live`, `/live.mp3`, and what
             other servers have taught people to type, such as `/live/;` and `//LIVE.MP3/`.
Never:       knows which stations there are, or what they have.
Guarantees:  what is another page's, or a playlist's, is no listener's address.
From / to:   front_door.py  ->  here  ->  egress.http
"""

from __future__ import annotations

import re

import msgspec

PLAYLISTS = ("m3u", "pls")
"""How the address of a playlist ends."""

PAGES = frozenset(("admin", "health", "metrics", "ready", "status-json"))
"""What no station is called, because a page is."""

SAME = {"ogg": "opus", "oga": "opus", "aacp": "aac"}
"""Other names of renditions: of the container, and of AAC in its younger days."""

_STATION = re.compile(r"([a-z0-9-]{2,63})(?:\.([a-z0-9.]{1,32}))?", re.ASCII)


class Address(msgspec.Struct, frozen=True):
    """`slug` is empty if the path names no station, `name` (of the rendition) if it names no
    coding; a `shoutcast` player knows no coding but MP3 and AAC."""

    slug: str = ""
    name: str = ""
    shoutcast: bool = False


def address_of(path: str) -> Address | None:
    """What a listener wants that asks for `path`, decoded and without its query; None where it is
    nothing to listen to.

    Shoutcast's players put a semicolon behind the address, lest they be taken for browsers; what
    follows it says nothing.
    """
    asked, semicolon, _ = path.partition(";")
    asked, shoutcast = asked.strip("/").lower(), bool(semicolon)
    if not asked:
        return Address(shoutcast=True) if shoutcast else None
    matched = _STATION.fullmatch(asked)
    if matched is None or matched[1] in PAGES:
        return None
    name = matched[2] or ""
    if name.rpartition(".")[2] in PLAYLISTS:
        return None
    return Address(matched[1], SAME.get(name, name), shoutcast)
