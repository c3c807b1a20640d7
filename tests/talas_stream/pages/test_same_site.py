"""What browsers send in each case, and what programs do."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from talas_core.web.host import Hosts
from talas_stream.pages.same_site import OtherSite, check_order, check_reading, looks_like_a_browser

CHROMIUM = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36")  # fmt: skip
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
          "(KHTML, like Gecko) Version/18.4 Safari/605.1.15")  # fmt: skip
BROWSERS = {"chromium": CHROMIUM, "firefox": FIREFOX, "safari": SAFARI}

PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "en-US,en;q=0.9", "Upgrade-Insecure-Requests": "1"}  # fmt: skip
PICTURE = {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
           "Accept-Language": "en-US,en;q=0.9"}  # fmt: skip
FETCH = {"Accept": "*/*", "Accept-Language": "en-US,en;q=0.9"}
WAYS = {"a link": PAGE, "a picture": PICTURE, "a fetch without cors": FETCH}

STRANGERS = (
    "http://evil.example/", "http://evil.example:3002/", "http://studio.lan.evil.example/x",
    "http://studio.lan@evil.example/", "http://127.0.0.1/", "about:client", "",
)  # fmt: skip
LAN, LOOPBACK, HTTPS = "studio.lan:3002", "127.0.0.1:3002", "radio.example"
HOSTS = Hosts(["studio.lan", "radio.example", "app.example"])


def passes(check: object, host: str = LAN, **fields: str) -> bool:
    headers = CIMultiDict(
        {"Host": host, **{name.replace("_", "-"): v for name, v in fields.items()}}
    )
    try:
        check(headers, HOSTS)  # type: ignore[operator]
    except OtherSite as error:
        assert len(str(error)) > 20
        return False
    return True


@pytest.mark.checklist(17)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("agent", BROWSERS)
def test_over_plain_http_to_a_name_of_the_lan_no_page_of_another_site_orders(
    agent: str, way: str
) -> None:
    sent = {**WAYS[way], "User-Agent": BROWSERS[agent]}
    assert not passes(check_order, **sent), "a page with no-referrer"
    for page in STRANGERS:
        assert not passes(check_order, **sent, Referer=page), page
    for origin in ("http://evil.example", "null"):
        assert not passes(check_order, **sent, Origin=origin), origin
        assert not passes(check_order, **sent, Origin=origin, Referer="http://studio.lan/"), origin


@pytest.mark.checklist(17)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("agent", BROWSERS)
@pytest.mark.parametrize("host", [LOOPBACK, HTTPS])
def test_over_https_and_to_loopback_the_browser_says_whose_page_it_is(
    host: str, agent: str, way: str
) -> None:
    sent = {**WAYS[way], "User-Agent": BROWSERS[agent]}
    sent |= {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for site, good in (("cross-site", False), ("same-origin", True), ("same-site", True),
                       ("none", True), ("", False), ("new-word", False)):  # fmt: skip
        assert passes(check_order, host, **sent, Sec_Fetch_Site=site) is good, site
        assert passes(check_reading, host, **sent, Sec_Fetch_Site=site) is good, site


@pytest.mark.checklist(17)
@pytest.mark.parametrize("agent", BROWSERS)
def test_a_click_on_a_page_of_ours_works_where_browsers_say_little(agent: str) -> None:
    sent = {**PAGE, "User-Agent": BROWSERS[agent]}
    for page in ("http://studio.lan:3002/admin/stats", "http://studio.lan:8080/", "https://STUDIO.lan",
                 "http://radio.example/", "https://app.example:8443/x"):  # fmt: skip
        assert passes(check_order, **sent, Referer=page), page
        assert passes(check_order, **sent, Origin=page.rstrip("/")), page
    assert passes(check_order, "192.168.1.20:3002", **sent, Referer="http://192.168.1.20:8080/")
    assert not passes(check_order, "192.168.1.20:3002", **sent, Referer="http://192.168.1.21:8080/")


@pytest.mark.parametrize("agent", BROWSERS)
def test_reading_by_an_address_typed_in_needs_no_proof(agent: str) -> None:
    assert passes(check_reading, **PAGE, User_Agent=BROWSERS[agent])
    assert not passes(
        check_reading, **PAGE, User_Agent=BROWSERS[agent], Referer="http://evil.example/"
    )


PROGRAMS = (
    {},
    {"User-Agent": "curl/7.88.1", "Accept": "*/*"},
    {"User-Agent": "libshout/2.4.6"},
    {"User-Agent": "butt 0.1.37"},
    {"User-Agent": "butt-1.45.0", "Accept": "*/*"},
    {"User-Agent": "Mixxx 2.3.3"},
    {"User-Agent": "Liquidsoap/2.1.3 (Unix; OCaml 4.13.1)"},
    {"User-Agent": "Lavf/59.27.100", "Accept": "*/*", "Icy-MetaData": "1"},
    {"User-Agent": "ShoutcastDSP (Mozilla Compatible)"},
    {"User-Agent": "(Mozilla Compatible)"},
    {"User-Agent": "Mozilla/4.0 (compatible; StreamTranscoder)", "Accept": "*/*"},
    {"User-Agent": "Mozilla/5.0 (compatible; DarkIce)"},
    {"User-Agent": "Wget/1.21.3", "Accept": "*/*", "Accept-Encoding": "identity"},
    {"User-Agent": "python-requests/2.32.3", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
    {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
    {"User-Agent": "node", "Accept": "*/*", "Accept-Language": "*", "Sec-Fetch-Mode": "cors"},
)


@pytest.mark.parametrize("sent", PROGRAMS, ids=lambda sent: sent.get("User-Agent", "nothing"))
def test_programs_give_orders_without_a_proof(sent: dict[str, str]) -> None:
    assert passes(check_order, **sent)
    assert passes(check_order, LOOPBACK, **sent)


SIGNS = (
    {"Sec-Fetch-Mode": "navigate"}, {"Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-User": "?1"}, {"Sec-CH-UA": '"Chromium"'}, {"Upgrade-Insecure-Requests": "1"},
    {"Accept": "Text/HTML"}, {"Accept": "image/*"}, {"Accept-Language": "de"},
    {"User-Agent": "Mozilla/5.0"}, {"User-Agent": CHROMIUM}, {"User-Agent": FIREFOX},
    {"User-Agent": SAFARI}, {"User-Agent": "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)"},
    {"User-Agent": "Mozilla/5.0 (compatible; Konqueror/4.5; X11) KHTML/4.5.1 (like Gecko)"},
    {"User-Agent": "Opera/9.80 (X11; Linux) Presto/2.12 Version/12.16"},
)  # fmt: skip


@pytest.mark.parametrize("sent", SIGNS, ids=str)
def test_any_one_sign_of_a_browser_is_enough(sent: dict[str, str]) -> None:
    """Extensions change the one or the other: an agent's name, the languages."""
    assert looks_like_a_browser(CIMultiDict(sent))
    assert not passes(check_order, **sent)
