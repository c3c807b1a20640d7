"""`python -m talas_stream.playout`: keep the demo station on the air."""

from __future__ import annotations

from talas_core.service import run
from talas_stream.playout.compose import serve

if __name__ == "__main__":
    run("playout", serve)
