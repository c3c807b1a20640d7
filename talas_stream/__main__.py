"""`python -m talas_stream`: the audio service on its own."""

from __future__ import annotations

from functools import partial

from talas_core.process import hold_standard_streams
from talas_stream.codec.forker import Forker

if __name__ == "__main__":
    hold_standard_streams()
    # It loads what coding needs while this process loads the rest.
    forker = Forker()
    from talas_core.service import run
    from talas_stream.compose import serve

    run("stream", partial(serve, forker=forker), needs=("nats_url",))
