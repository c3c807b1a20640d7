"""The page's files, read once and served from memory.

Does:        read a folder; put its modules and its sheets together; give each file its type, its
             ETag and a packed twin; name the whole set by a version that changes when a file does.
Never:       opens a file for a request, so no path from outside can reach the disk.
Guarantees:  every file's type is one a browser may trust without sniffing: a name whose ending is
             not in the table is refused at start.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec
from aiohttp import hdrs, web

from talas_api.site.bundle import bundled

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
PACKED = frozenset(TYPES) - {".png"}
WORTH_PACKING = 512
"""Bytes; below that the packed twin saves nothing."""


class Asset(msgspec.Struct, frozen=True):
    """One answer: its bytes, its type, its ETag, and its bytes as gzip (empty: not worth it)."""

    body: bytes
    kind: str
    etag: str
    packed: bytes = b""

    @classmethod
    def of(cls, body: bytes, suffix: str) -> Asset:
        """`body` as a file whose name ends in `suffix`. Raises KeyError for an unknown ending."""
        packed = b""
        if suffix in PACKED and len(body) >= WORTH_PACKING:
            packed = gzip.compress(body, mtime=0)
        return cls(body, TYPES[suffix], f'"{_digest(body)}"', packed)


class Assets:
    """The files below a folder, by their path in it."""

    def __init__(self, folder: Path) -> None:
        read = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self._files = {
            name: Asset.of(body, PurePosixPath(name).suffix)
            for name, body in (read | bundled(read)).items()
        }
        self.version = _digest("".join(f"{n}{a.etag}" for n, a in self._files.items()).encode())

    def find(self, name: str) -> Asset | None:
        """The file of this name, e.g. `js/main.js`."""
        return self._files.get(name)


def respond(request: web.Request, asset: Asset, headers: Mapping[str, str]) -> web.Response:
    """The asset as an answer: packed for a browser that takes gzip, 304 for one that has it."""
    packed = bool(asset.packed) and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    # A strong ETag names bytes, and these differ by encoding.
    etag = asset.etag[:-1] + '-gz"' if packed else asset.etag
    sent = dict(headers) | {hdrs.ETAG: etag, hdrs.VARY: "Accept-Encoding, Origin"}
    if etag in (part.strip() for part in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")):
        return web.Response(status=304, headers=sent)
    sent[hdrs.CONTENT_TYPE] = asset.kind
    if packed:
        sent[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=asset.packed if packed else asset.body, headers=sent)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
