"""`python -m talas_stream`: the audio service on its own."""

from __future__ import annotations

from functools import partial

from talas_core.process import hold_standard_streams
from talas_stream.codec.nursery import Nursery

if __name__ == "__main__":
    hold_standard_streams()
    # It loads what coding needs while this process loads the rest.
    nursery = Nursery()
    from talas_core.service import run
    from talas_stream.compose import serve

    run("stream", partial(serve, nursery=nursery), needs=("nats_url",))
