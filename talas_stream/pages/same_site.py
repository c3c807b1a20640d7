"""Whether a request with a sign-in that a browser may have remembered was meant by its user.

A browser adds a remembered Basic sign-in to whatever any page has it fetch, so that a page of
another site could give orders. Browsers say by themselves which page is at work, but not always:
`Sec-Fetch-Site` is sent over HTTPS and to loopback only, `Origin` not with links, pictures and the
like, and a page can have `Referer` left out. Programs send none of them.

Does:        find a page of another site by what a browser tells; tell browsers from programs, and
             refuse a browser's order that does not prove where it comes from.
Never:       stands in for a sign-in: a program passes without a proof, and needs the password.
Guarantees:  an order that a page of another site can have a browser send is refused, also over
             plain HTTP to a name of the local network.

    Sec-Fetch-Site                   Origin, else Referer    an order            reading
    same-origin, same-site, none     whatever                passes              passes
    cross-site                       whatever                403                 403
    not sent                         of another host         403                 403
    not sent                         ours                    passes              passes
    not sent                         neither                 403 to a browser    passes
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from talas_core.errors import Forbidden
from talas_core.web.host import Hosts, authority, name_of

TRUSTED = frozenset({"same-origin", "same-site", "none"})
"""Of Sec-Fetch-Site (W3C Fetch Metadata, section 2.3); `none` is an address that the user typed."""

_BROWSERS_OWN = ("Upgrade-Insecure-Requests", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-CH-UA")
_BROWSER = re.compile(r"Gecko|WebKit|KHTML|MSIE |Trident|Presto|Mozilla/5(?!.*compatible)", re.I)
"""The engine in a User-Agent. Encoders say `Mozilla` too, to please SHOUTcast: `(Mozilla
Compatible)`, `Mozilla/4.0 (compatible; …)`."""


class OtherSite(Forbidden):
    """A page of another site is at work, or may be."""


def check_reading(headers: Mapping[str, str], hosts: Hosts) -> None:
    """Raises OtherSite where a page of another site asks."""
    if not _may_be_ours(headers, hosts):
        raise OtherSite("a page of another site may not use a remembered sign-in")


def check_order(headers: Mapping[str, str], hosts: Hosts) -> None:
    """As `check_reading`; and raises OtherSite for a browser that does not say which page it is."""
    check_reading(headers, hosts)
    told = any(name in headers for name in ("Sec-Fetch-Site", "Origin", "Referer"))
    if not told and looks_like_a_browser(headers):
        raise OtherSite(
            "this browser does not say which page gave the order: give it over HTTPS, on the "
            "machine itself, or with a program such as curl"
        )


def looks_like_a_browser(headers: Mapping[str, str]) -> bool:
    """Whether any of what only browsers send is there."""
    accepted = headers.get("Accept", "").lower()
    # Node's fetch sends `Sec-Fetch-Mode: cors` and any language; a browser's has an Origin then.
    return (
        any(name in headers for name in _BROWSERS_OWN)
        or headers.get("Sec-Fetch-Mode", "cors") != "cors"
        or "text/html" in accepted
        or "image/" in accepted
        or headers.get("Accept-Language", "*") != "*"
        or _BROWSER.search(headers.get("User-Agent", "")) is not None
    )


def _may_be_ours(headers: Mapping[str, str], hosts: Hosts) -> bool:
    """Whether nothing says that it is a page of another site: of neither the host that was asked
    nor a name that is ours."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in TRUSTED
    page = headers.get("Origin", headers.get("Referer"))
    if page is None:
        return True
    found = name_of(authority(page) or "")
    return found is not None and (
        found == name_of(headers.get("Host", "")) or hosts.names(found.text)
    )
