"""The names by which a request may call us: what keeps rebound host names out.

A page of evil.example can have its own name resolve to 127.0.0.1 (DNS rebinding). A browser then
lets that page read our answers, but tells us in `Host` which name it used.

Does:        decide whether the host of a request is one of ours.
Never:       looks at the port, which proxies and containers change; asks a resolver.
Guarantees:  an IP address is always ours, for an address has no name that could be rebound. A
             request without a host passes: every browser names one, old encoders do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from talas_core.errors import Misdirected, SettingError
from talas_core.hosts import addresses
from talas_core.settings import BY_NAME, Settings

ANY = "*"
LOOPBACK = "localhost"
LONGEST = 320
"""Characters of a host that is looked at: 253 of a name, and a port."""
_REMEMBERED = 256

_HOST = re.compile(
    r"(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])\.?"
    r"(?::\d{0,5})?",
    re.ASCII,
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", re.ASCII)


class Name(msgspec.Struct, frozen=True):
    """A host without its port: in small letters, an address as it is usually written."""

    text: str
    is_address: bool


class Hosts:
    """The names that are ours."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` besides localhost and all addresses; with `*` among them every name is ours."""
        named = frozenset(names)
        self._any = ANY in named
        self._names = named

    @classmethod
    def own(cls, settings: Settings) -> Hosts:
        """Those of the settings. Raises SettingError for an entry of TALAS_HOSTS that is no name of
        a host: it would never match."""
        for entry in settings.hosts:
            if entry != ANY and (":" in entry or name_of(entry) is None):
                sentence = BY_NAME["TALAS_HOSTS"].sentence
                raise SettingError("TALAS_HOSTS", f"{entry!r} is not the name of a host", sentence)
        return cls(_configured(settings))

    def check(self, host: str | None, target: str) -> None:
        """Raises Misdirected for a request of another host: by its Host field, or by its target
        where that is a whole address (RFC 9112, section 3.2.2)."""
        if not (self._takes(host) and self._takes(authority(target))):
            raise Misdirected("This server does not go by that name: TALAS_HOSTS lists its names.")

    def names(self, host: str) -> bool:
        """Whether `host` is one of the names listed: neither localhost nor a mere address, which
        are also those of others."""
        found = name_of(host)
        return found is not None and found.text in self._names

    def _takes(self, host: str | None) -> bool:
        if self._any or not host:
            return True
        found = name_of(host)
        if found is None:
            return False
        return found.is_address or found.text == LOOPBACK or found.text in self._names


def authority(address: str) -> str | None:
    """Host and port of a whole address, as they stand there; None of anything else."""
    found = None if address.startswith("/") else _ABSOLUTE.match(address)
    return found[1] if found else None


def name_of(host: str) -> Name | None:
    """The name or address in the value of a Host field; None where it is not plainly one."""
    return _name_of(host) if len(host) <= LONGEST else None


@lru_cache(maxsize=_REMEMBERED)
def _name_of(host: str) -> Name | None:
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    name = found["name"].lower()
    try:
        return Name(str(ip_address(name.strip("[]"))), True)
    except ValueError:
        return None if name.startswith("[") else Name(name, False)


def _configured(settings: Settings) -> Iterator[str]:
    """The names in the settings, each as `name_of` has it."""
    places = (
        settings.public_url, settings.chat_url, settings.source_url, settings.site_url,
        *settings.origins,
    )  # fmt: skip
    for host in (*settings.hosts, *addresses(settings.host), *map(authority, places)):
        name = name_of(host or "")
        if name is not None and not name.is_address:
            yield name.text
    if ANY in settings.hosts:
        yield ANY
