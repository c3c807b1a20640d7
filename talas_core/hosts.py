"""Where servers listen: what the setting TALAS_HOST stands for.

Does:        turn it into addresses; see that each is this machine's.
Never:       keeps a socket open.
Guarantees:  a refusal names the setting and the address, so that no port is blamed for it.
From / to:   settings  ->  here  ->  whoever listens
"""

from __future__ import annotations

import socket

from talas_core.errors import SettingError


def addresses(host: str) -> list[str]:
    """The addresses to bind for a `host` setting: a list may be comma-separated, and `::` or an
    empty host means every address of both families (asyncio's IPv6 sockets take IPv6 only)."""
    names = [name.strip() for name in host.split(",")]
    if names in ([""], ["::"], ["*"]):
        return ["0.0.0.0", "::"]  # noqa: S104 - the operator asked for every address
    return [name for name in names if name]


def check_host(host: str) -> None:
    """See that every address of a `host` setting is this machine's, on whatever port. Raises
    SettingError naming TALAS_HOST, so that no port is blamed for it."""
    for address in addresses(host):
        try:
            for family, kind, protocol, _, place in socket.getaddrinfo(
                address, 0, type=socket.SOCK_STREAM
            ):
                with socket.socket(family, kind, protocol) as probe:
                    probe.bind(place)
        except (OSError, UnicodeError) as error:
            problem = getattr(error, "strerror", None) or "not the name of a host"
            raise SettingError("TALAS_HOST", f"cannot listen on {address}: {problem}") from error
