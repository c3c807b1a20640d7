"""What a source is answered, in the words that its client waits for.

Does:        tell the bytes for the beginning, the end and a refusal, from the request's head.
Never:       writes to a socket.
Guarantees:  a source that was told 200 is told nothing more: its client would take that for audio,
             or for the answer to something else.

    PUT, Expect: 100-continue    100 at once, 200 at the end          (ffmpeg, libshout, curl)
    PUT                          200 at the end
    SOURCE                       200 at once, nothing more            (ffmpeg legacy_icecast, butt)
    a head and no more           411               (what a proxy of HTTP leaves of any of the three)

From / to:   wire.request  ->  here  ->  ingest.icecast
"""

from __future__ import annotations

from talas_core.errors import TalasError, Unauthorized
from talas_stream.door.answers import CHALLENGE, head, refusal_bytes
from talas_stream.wire.request import RequestHead


def welcome(request: RequestHead) -> bytes:
    """For one that was let in."""
    if request.method == "SOURCE":
        return b"HTTP/1.0 200 OK\r\n\r\n"
    if "100-continue" in request.headers.get("expect", "").lower():
        return b"HTTP/1.1 100 Continue\r\n\r\n"
    return b""


def goodbye(request: RequestHead) -> bytes:
    """For one whose body was taken to its end."""
    return head(200, [("Content-Length", "0")]) if request.method == "PUT" else b""


def refusal(request: RequestHead, error: TalasError, *, admitted: bool) -> bytes:
    """For one that may not send, or may no longer after it was `admitted`."""
    if admitted and request.method != "PUT":
        return b""
    extra = [CHALLENGE] if isinstance(error, Unauthorized) else []
    wait = getattr(error, "retry_after", None)
    return refusal_bytes(error.status, error.code, str(error), wait, extra)
