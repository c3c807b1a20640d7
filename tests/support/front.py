"""Proxies in front of a running Talas, set up as docs/proxies.md has it.

Does:        take the example out of the page, put the test's ports and names in, start the program.
Never:       changes what an example does with a request.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.serve import ROOT, Served
from support.wait import PATIENCE, until

DOCS = ROOT / "docs" / "proxies.md"
NAME = "localhost"
STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
needs_nginx = pytest.mark.skipif(
    shutil.which("nginx") is None or not STREAM_MODULE.exists(),
    reason="nginx-light or libnginx-mod-stream is not installed; CI installs both",
)
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def example(kind: str, number: int = 0) -> str:
    """The block of `kind` in the docs, the first or a later one."""
    blocks = re.findall(
        rf"^( *)```{kind}\n(.*?)^ *```$", DOCS.read_text(), re.DOTALL | re.MULTILINE
    )
    return str(blocks[number][1])


def addressed(text: str, served: Served) -> str:
    """An example with the ports of a running Talas in it."""
    ports = {3001: served.chat, 3002: served.stream, 8080: served.api}
    for usual, port in ports.items():
        text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}")
    return text


@contextlib.contextmanager
def caddy(folder: Path, served: Served, port: int, _: int = 0) -> Iterator[None]:
    """Caddy on `port`, without TLS; it passes no TCP through."""
    site = addressed(example("caddy"), served).replace("radio.example", f"http://{NAME}:{port}")
    config = folder / "Caddyfile"
    config.write_text("{\n\tadmin off\n\tauto_https off\n\tgrace_period 1s\n}\n" + site)
    command = ("caddy", "run", "--config", str(config), "--adapter", "caddyfile")
    with _running(port, *command, env={"HOME": str(folder)}):
        yield


@contextlib.contextmanager
def nginx(
    folder: Path, served: Served, port: int, tcp_port: int = 0, *, bare: bool = False
) -> Iterator[None]:
    """nginx on `port`, without TLS; with a `tcp_port` it passes TCP through there. A `bare` one is
    what people write who have not read the page."""
    site = addressed(example("nginx"), served)
    site = re.sub(r"^ *ssl_.*\n", "", site, flags=re.MULTILINE)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    site = site.replace("radio.example", NAME)
    if bare:
        site = re.sub(r"^ *proxy_(set_header (Host|X-).*|http_version.*|request_.*)\n", "", site,
                      flags=re.MULTILINE)  # fmt: skip
    kept = "".join(f"{name}_temp_path {folder}/{name};\n" for name in _TEMPORARY)
    text = f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    if tcp_port:
        through = addressed(example("nginx", 1), served).split("server {")
        plain = through[1].replace("listen 8000", f"listen 127.0.0.1:{tcp_port}")
        text = f"load_module {STREAM_MODULE};\n{text}stream {{ server {{ {plain} }}\n"
    config = folder / "nginx.conf"
    config.write_text(f"{text}http {{\naccess_log off;\n{kept}{site}\n}}\n")
    with _running(port, "nginx", "-c", str(config), "-e", "stderr"):
        yield


@contextlib.contextmanager
def _running(port: int, *command: str, env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until(lambda: _listens(process, port))
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the proxy ended with {process.returncode}")
    with socket.create_connection(("127.0.0.1", port)):
        return True
