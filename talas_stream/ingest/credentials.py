"""Which station a source is for and what it says of itself, from its request head and its tags.

Does:        find the slug in a path, compare the key, collect the ice- and icy- headers; make one
             title of tags.
Never:       keeps or logs a key.
Guarantees:  keys are compared by hash and in constant time; what a source says of itself is cleaned
             of control characters and cut to a bound; of addresses only those of web pages are
             kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from itertools import islice

from talas_core.errors import Forbidden, Unauthorized
from talas_core.messages import StationRecord
from talas_stream.media import SourceInfo
from talas_stream.station.titles import DASH
from talas_stream.wire.request import RequestHead, basic_credentials, text

USER = "source"
CLOSED = "the station is closed: its owner's account is disabled"
MAX_TEXT = 500

SAYS_NOTHING = frozenset(
    ("no name", "no title", "no description", "unnamed", "unnamed server", "unnamed stream",
     "unspecified name", "unspecified description", "untitled", "unknown", "none", "n/a", "(null)")
)  # fmt: skip
"""What encoders and their libraries fill in where nobody has said anything, in lower case."""

_WEB_ADDRESS = re.compile(r"https?://[^/?#@]+(?:[/?#].*)?", re.IGNORECASE)
_ADDRESS_TEXT = re.compile(r"[!#$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]*")
"""What may stand in an address (RFC 3986, section 2), but for the apostrophe: some put it into
quotes of that kind."""


class WrongKey(Unauthorized):
    """A user and a key were given, and are not the station's."""


def slug_of(path: str) -> str:
    """The station's slug in `/slug` or `/slug.ext`, however it is written."""
    return path.strip("/").partition(".")[0].lower()


def check_source(head: RequestHead, record: StationRecord) -> None:
    """Raises Unauthorized unless the request carries the station's key, WrongKey where it carries
    another; Forbidden where the station is closed: strangers do not learn that."""
    given = basic_credentials(head)
    if given is None:
        raise Unauthorized("a source signs in with Basic auth: user source, password the key")
    user, key = given
    if not key_matches(user, key, record):
        raise WrongKey("wrong user or stream key")
    if record.closed:
        raise Forbidden(CLOSED)


def key_matches(user: str, key: str, record: StationRecord) -> bool:
    """Whether `user` is `source` and `key` the station's."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return hmac.compare_digest(digest, record.key_hash) and user == USER


def source_info(head: RequestHead, address: str = "") -> SourceInfo:
    """What the source at `address` says of itself, from `ice-*` or their `icy-*` twins."""

    def given(*names: str) -> str:
        values = (head.headers.get(f"{kind}-{name}") for name in names for kind in ("ice", "icy"))
        return next((value for value in values if value), "")

    def said(*names: str) -> str:
        return telling(clean(given(*names)), head.path)

    return SourceInfo(
        name=said("name"),
        description=said("description"),
        genre=telling(clean(given("genre")), ""),  # a genre may be what the mount is called
        url=web_address(given("url")),
        bit_rate=clean(given("bitrate", "br")) or _audio_info(head).get("bitrate", ""),
        user_agent=clean(head.headers.get("user-agent", "")),
        content_type=clean(head.headers.get("content-type", "")),
        address=address,
    )


def clean(value: str) -> str:
    """`value` as text, without control characters and at most MAX_TEXT characters."""
    return "".join(islice(filter(str.isprintable, text(value)), MAX_TEXT)).strip()


def title_of(tags: Mapping[str, str]) -> tuple[str, str]:
    """The title that a stream's tags tell, as listeners see it, and who of it is the artist; both
    empty where they tell none."""
    artist, title = clean(tags.get("ARTIST", "")), clean(tags.get("TITLE", ""))
    return (clean(DASH.join(filter(None, (artist, title)))), artist) if title else ("", "")


def telling(value: str, mount: str) -> str:
    """`value` where it says anything, else nothing: `mount` is known, and dashes are no words."""
    plain = value.casefold().strip("/")
    nothing = plain in SAYS_NOTHING or plain in (slug_of(mount), mount.casefold().strip("/"))
    return "" if nothing or not any(map(str.isalnum, plain)) else value


def web_address(value: str) -> str:
    """`value` where it is an address of a web page, of at most MAX_TEXT characters, else nothing:
    players make a link of it, and `javascript:` is an address too."""
    plain = _ADDRESS_TEXT.fullmatch(value) and _WEB_ADDRESS.fullmatch(value)
    return value if plain and len(value) <= MAX_TEXT else ""


def _audio_info(head: RequestHead) -> dict[str, str]:
    """`ice-audio-info: ice-samplerate=44100;ice-bitrate=128`, names without their prefix."""
    pairs = (part.partition("=") for part in head.headers.get("ice-audio-info", "").split(";"))
    return {key.strip().removeprefix("ice-"): clean(value) for key, _, value in pairs}
