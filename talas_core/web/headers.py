"""Headers that every answer carries, and who may read answers from a page of another origin.

Does:        name the security headers; decide CORS by an exact list of origins.
Never:       echoes an origin that is not on the list; allows credentials (tokens travel in a
             header, so no cookie is ever at stake).
Guarantees:  answers vary by Origin, so a cache cannot hand one origin's answer to another; an
             entry of the list that no browser would ever send is refused at start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType
from urllib.parse import urlsplit

from talas_core.errors import SettingError
from talas_core.settings import Settings

HSTS = "Strict-Transport-Security"
HSTS_VALUE = "max-age=63072000; includeSubDomains"
"""Two years, in seconds."""

_security = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Vary": "Origin",
}
SECURITY: MappingProxyType[str, str] = MappingProxyType(_security)
"""What an answer gets unless it set a value of its own. A view: see `configure`."""


def configure(*, https: bool) -> None:
    """Set up this process. With `https`, where browsers reach it by no other way, every answer
    tells them so for two years; it would lock them out of a host that also speaks plain HTTP."""
    _security.pop(HSTS, None)
    if https:
        _security[HSTS] = HSTS_VALUE


PRODUCT = "Talas"
"""All that the Server header says: aiohttp would name itself, Python and both versions."""

ANY = "*"
PREFLIGHT_SECONDS = 600
ALLOWED_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"

_ORIGIN = re.compile(
    r"(?!http://[^/]*:80\Z)(?!https://[^/]*:443\Z)"
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?"
)
"""An origin as browsers spell it: small letters, no path, no port that goes without saying."""


_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """The origin of a web address, as browsers spell it."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


class Cors:
    """The origins whose pages may read our answers. `*` among them means any."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    @classmethod
    def own(cls, settings: Settings) -> Cors:
        """The configured origins; where there are none, the page at its public address and at this
        machine's own.

        Raises SettingError for an entry that is no origin: it could only ever match `null`, which
        any page can make itself, or nothing.
        """
        for origin in settings.origins:
            if origin != ANY and not _ORIGIN.fullmatch(origin):
                problem = f"{origin!r} is not an origin as browsers send it"
                raise SettingError("TALAS_ORIGINS", problem, "like https://radio.example, or *")
        if settings.origins:
            return cls(settings.origins)
        names = ("127.0.0.1", "localhost", "[::1]")
        own = (f"http://{name}:{settings.api_port}" for name in names)
        return cls([*own, origin_of(settings.site_url)] if settings.site_url else own)

    def allows(self, origin: str) -> bool:
        """Whether a page of `origin` may read answers. Exact match, as browsers spell it."""
        return origin in self._origins or ANY in self._origins

    def answer(self, origin: str | None) -> dict[str, str]:
        """Headers for an answer to a request from `origin`; none for a stranger."""
        if origin is None or not self.allows(origin):
            return {}
        return {
            "Access-Control-Allow-Origin": ANY if ANY in self._origins else origin,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        }

    def preflight(self, origin: str, methods: Iterable[str]) -> dict[str, str] | None:
        """Headers that let a page of `origin` use `methods`; None for a stranger."""
        allowed = self.answer(origin)
        if not allowed:
            return None
        return allowed | {
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
