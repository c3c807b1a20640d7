"""What a listener is answered before the audio, or instead of it.

Does:        make the head that says what comes, who sends it and which part of it, where one was
             asked for; make refusals, and what a browser asks before it asks.
Never:       writes to a socket; says how long the whole is: it does not end.
Guarantees:  any page may read an answer, the station's fields in it too; what is answered to HEAD
             has no body.
From / to:   egress.wish, station.py  ->  here  ->  egress.http
"""

from __future__ import annotations

from talas_core.errors import TalasError
from talas_stream.door.answers import PUBLIC, Header, head, refusal_bytes
from talas_stream.egress.wish import PREFLIGHT, Wish
from talas_stream.media import CONTENT_TYPE, Rendition
from talas_stream.output.delivery import Wire
from talas_stream.output.packetise import METAINT
from talas_stream.station.station import Station
from talas_stream.wire.request import RequestHead

END_OF_HEAD = b"\r\n\r\n"

EXPOSED = "icy-metaint, icy-name, icy-description, icy-genre, icy-url, icy-br, Content-Range"


def welcome(station: Station, rendition: Rendition, asked: Wish) -> bytes:
    """For what was `asked`, of a station in a rendition that it has."""
    headers, size = _headers(station, rendition), asked.probe
    if asked.delivery.wire is Wire.ICY:
        headers.append(("icy-metaint", str(METAINT)))
    if size is None:
        return head(200, headers)
    span = [("Content-Range", f"bytes 0-{size - 1}/*"), ("Content-Length", str(size))]
    return head(206, headers + span)


def preflight() -> bytes:
    """For OPTIONS (Fetch standard, CORS-preflight request)."""
    return head(204, (*PUBLIC, *PREFLIGHT))


def refusal(request: RequestHead, error: TalasError) -> bytes:
    """For who is not served."""
    wait = getattr(error, "retry_after", None)
    whole = refusal_bytes(error.status, error.code, str(error), wait)
    return whole if request.method != "HEAD" else whole.partition(END_OF_HEAD)[0] + END_OF_HEAD


def _headers(station: Station, rendition: Rendition) -> list[Header]:
    info, offer = station.info, station.offer
    rate = offer.bit_rate(rendition)
    said = (
        ("icy-name", offer.name),
        ("icy-description", offer.description),
        ("icy-genre", info.genre),
        ("icy-url", info.url),
        ("icy-br", str(rate) if rate else ""),
    )
    return [
        ("Content-Type", CONTENT_TYPE[rendition.codec]),
        ("Cache-Control", "no-cache, no-store"),
        ("Access-Control-Expose-Headers", EXPOSED),
        *PUBLIC,
        *((name, value) for name, value in said if value),
    ]
