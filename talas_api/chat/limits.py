"""What one client may use: every limit of the chat, in one place.

Does:        gather the limits from the settings; count requests against a rate.
Never:       looks at a clock itself.
"""

from __future__ import annotations

import msgspec

from talas_core.settings import Settings

FRAME_BYTES = 64 * 1024
TEXT_CHARACTERS = 4_000
NONCE_CHARACTERS = 64
REF_CHARACTERS = 64
TOKEN_CHARACTERS = 4_096
PAGE_CHARACTERS = 32_000
"""Text in one page of history; what is over waits for the next page. Of whatever script, a page
fits into a client's budget."""
STRANGERS_SHARE = 10
FEWEST_STRANGERS = 100
"""Before the sign-in one address may have a tenth of a worker's sockets, so that it cannot shut out
all others; where that is fewer than 100, it may have 100."""
COUNTED_BYTES = 16 * 1024
"""A frame counts once more for each of these that it fills. The longest message fits, in any
script, unless it is written in escapes."""


def cost(size: int) -> int:
    """What a client's frame of `size` bytes takes out of its allowance."""
    return 1 + size // COUNTED_BYTES


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, counts and seconds, for one worker."""

    queue_bytes: int = 256 * 1024
    """What may wait for a client that does not read."""
    sockets: int = 20_000
    sockets_per_person: int = 20
    rooms_per_socket: int = 100
    requests_per_second: float = 20.0
    burst_seconds: float = 10.0
    """This many seconds' worth of requests may come at once; as many refusals end the socket."""
    stranger_frames: float = 20.0
    """Instead of these until the sign-in: so many, with one more a second, make no more work than
    the handshake did, so that coming back to send them again is no better than coming back."""
    strangers_per_address: int = 2_000
    """Sockets that have not signed in, from one address; of IPv6, from one /64."""
    sign_in_seconds: float = 10.0
    quiet_seconds: float = 25.0
    """Silence after which a client is pinged."""
    pong_seconds: float = 15.0
    """Silence after the ping that ends the socket."""
    farewell_seconds: float = 5.0
    """Time a closed client has to take its leave."""

    @classmethod
    def of(cls, settings: Settings, sockets: int) -> Limits:
        """Those of the settings, with room for `sockets`; the rest are the protocol's own."""
        return cls(
            queue_bytes=settings.chat_queue_bytes,
            sockets=sockets,
            strangers_per_address=max(FEWEST_STRANGERS, sockets // STRANGERS_SHARE),
            sockets_per_person=settings.chat_sockets_per_user,
            requests_per_second=settings.chat_requests_per_second,
        )
