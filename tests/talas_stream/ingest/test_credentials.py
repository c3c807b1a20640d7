"""Who a source is, and what it says of itself."""

import base64

import pytest

from support.stream import KEY, auth, record
from talas_core.errors import Forbidden, Unauthorized
from talas_stream.ingest.credentials import (
    MAX_TEXT,
    WrongKey,
    check_source,
    clean,
    key_matches,
    slug_of,
    source_info,
    title_of,
)
from talas_stream.wire.request import RequestHead, parse_head


def head(*lines: str | bytes) -> RequestHead:
    fields = [line.encode() if isinstance(line, str) else line for line in lines]
    parsed = parse_head(b"\r\n".join([b"PUT /live HTTP/1.1", *fields, b"", b""]))
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/live", "live"),
        ("/live.mp3", "live"),
        ("live", "live"),
        ("/live/", "live"),
        ("/live.mp3.mp3", "live"),
        ("/", ""),
        ("", ""),
        ("/a/b", "a/b"),
    ],
)
def test_the_slug_in_a_path(path: str, slug: str) -> None:
    assert slug_of(path) == slug


def test_the_station_s_key_is_taken() -> None:
    check_source(head(auth()), record())
    assert key_matches("source", KEY, record())


def test_only_who_has_the_key_learns_that_the_station_is_closed() -> None:
    closed = record(closed=True)
    with pytest.raises(Forbidden, match="disabled"):
        check_source(head(auth()), closed)
    with pytest.raises(Unauthorized):
        check_source(head(auth("f" * 32)), closed)


@pytest.mark.parametrize(
    "line",
    [
        "X: y",
        "Authorization: Bearer abc",
        "Authorization: Basic ???",
        "Authorization: Basic " + base64.b64encode(b"no colon").decode(),
        auth("f" * 32),
        auth(""),
        auth(KEY + "0"),
        auth(KEY.upper()),
        auth(user=""),
        auth(user="SOURCE"),
        auth(user="admin"),
        auth("\u0416" * 32),
        auth(record().key_hash),
    ],
)
def test_credentials_other_than_the_station_s_are_refused(line: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        check_source(head(line), record())
    assert KEY not in str(refused.value)


def test_a_wrong_key_is_told_from_none() -> None:
    with pytest.raises(WrongKey):
        check_source(head(auth("f" * 32)), record())
    for line in ("X: y", "Authorization: Bearer abc"):
        with pytest.raises(Unauthorized) as refused:
            check_source(head(line), record())
        assert not isinstance(refused.value, WrongKey)


def test_what_a_source_says_in_either_spelling() -> None:
    info = source_info(
        head(
            "Ice-Name: Night Line",
            "icy-description: Slow",
            "ice-genre: Ambient",
            "icy-url: http://example.org",
            "ice-bitrate: 128",
            "User-Agent: butt/0.1",
            "Content-Type: audio/mpeg",
        )
    )
    assert (info.name, info.description, info.genre) == ("Night Line", "Slow", "Ambient")
    assert (info.url, info.bit_rate) == ("http://example.org", "128")
    assert (info.user_agent, info.content_type) == ("butt/0.1", "audio/mpeg")


def test_ice_goes_before_icy_and_an_empty_one_does_not_count() -> None:
    assert source_info(head("icy-name: second", "ice-name: first")).name == "first"
    assert source_info(head("ice-name: ", "icy-name: second")).name == "second"


@pytest.mark.parametrize(
    "name",
    ["no name", "No Name", "-", "--", "Unnamed Server", "/live", "live", "LIVE", "Unspecified name",
     "(null)", "???"],
)  # fmt: skip
def test_name_that_says_nothing_is_none(name: str) -> None:
    info = source_info(head(f"ice-name: {name}", f"ice-description: {name}"))
    assert (info.name, info.description) == ("", "")


@pytest.mark.parametrize("name", ["Live at nine", "live.fm", "1", "Ночь", "No name brand"])
def test_name_that_says_something_is_kept(name: str) -> None:
    assert source_info(head(f"ice-name: {name}".encode())).name == name


@pytest.mark.parametrize(
    ("lines", "rate"),
    [
        (("ice-audio-info: ice-samplerate=44100;ice-bitrate=96;ice-channels=2",), "96"),
        (("ice-audio-info: bitrate = 96 ;",), "96"),
        (("ice-audio-info: nonsense",), ""),
        (("ice-audio-info: ice-bitrate=96", "icy-br: 64"), "64"),
        ((), ""),
    ],
)
def test_bit_rate_is_read_from_each_header_that_may_tell_it(
    lines: tuple[str, ...], rate: str
) -> None:
    assert source_info(head(*lines)).bit_rate == rate


def test_text_is_utf_8_where_it_is_and_latin_1_elsewhere() -> None:
    assert source_info(head("ice-name: Ночь".encode())).name == "Ночь"
    assert source_info(head(b"ice-name: Caf\xe9")).name == "Café"


def test_text_is_cleaned_and_cut() -> None:
    assert clean("a\r\nb\x00c\x7f\u2028d\tж") == "abcdж"
    assert clean("x" * 9000) == "x" * MAX_TEXT
    assert clean("  x  ") == "x"
    # A line feed that hides in UTF-8's second byte: U+0085 as Latin-1 sends it.
    assert clean("a\xc2\x85b") == "ab"


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org", "https://example.org/", "HTTPS://Example.org:8443/a?b=c&d=%20#e",
        "http://127.0.0.1:8000/x", "http://[::1]/", "https://xn--rdio-gra.example/~me/(a),b;c=1!",
    ],
)  # fmt: skip
def test_an_address_of_a_web_page_reaches_the_listeners(address: str) -> None:
    assert source_info(head(f"icy-url: {address}")).url == address


@pytest.mark.checklist(19)
@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JavaScript://example.org/%0aalert(1)", "data:text/html,x",
        "vbscript:x", "file:///etc/passwd", "ftp://example.org", "//example.org", "example.org",
        "http:", "http://", "http:///x", "http:example.org", "http://user@example.org/",
        " javascript:x", "java\tscript:x", "http://a b/", "http://a/\"onclick=x", "http://a/'x'",
        "http://a/<b>", "http://a/`x`", "http://a/\\x", "http://a/{x}", "http://\u00e4.example/",
        "http://example.org/javascript:\u202e", "https://" + "a" * 500, "xhttp://a/",
    ],
)  # fmt: skip
def test_url_of_a_source_that_is_no_web_page_is_dropped(address: str) -> None:
    info = source_info(head(f"icy-url: {address}", "ice-name: Guest"))
    assert (info.url, info.name) == ("", "Guest")


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({}, ("", "")),
        ({"ARTIST": "Somebody"}, ("", "")),
        ({"TITLE": "Song"}, ("Song", "")),
        ({"TITLE": "Song\n", "ARTIST": " Somebody"}, ("Somebody - Song", "Somebody")),
    ],
)
def test_tags_tell_a_title_as_listeners_see_it_and_its_artist(
    tags: dict[str, str], told: tuple[str, str]
) -> None:
    assert title_of(tags) == told
