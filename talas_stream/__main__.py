"""`python -m talas_stream`: the audio service on its own."""

from talas_core.service import run
from talas_stream.compose import serve

if __name__ == "__main__":
    run("stream", serve, needs=("nats_url",))
