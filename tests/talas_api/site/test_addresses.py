import pytest

from talas_api.site.addresses import Addresses
from talas_core.settings import Settings, load


def settings(**overrides: object) -> Settings:
    return load({}, api_port=8080, chat_port=3001, stream_port=3002, **overrides)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:8080", "127.0.0.1"),
        ("localhost:8080", "localhost"),
        ("[::1]:8080", "[::1]"),
        ("radio.example", "radio.example"),
        ("a", "a"),
    ],
)
def test_chat_and_audio_are_on_the_host_the_browser_used(host: str, name: str) -> None:
    addresses = Addresses.of(settings(), host)
    assert addresses == Addresses(f"ws://{name}:3001/ws", audio := f"http://{name}:3002", audio)


@pytest.mark.parametrize(
    "host",
    ["", "a b", "evil.example/", "x;script-src *", '"><script>', "a@b", "-a", "a-", "a:999999"],
)
def test_malformed_host_is_not_repeated_in_the_page(host: str) -> None:
    addresses = Addresses.of(settings(), host)
    assert addresses == Addresses("ws://127.0.0.1:3001/ws", audio := "http://127.0.0.1:3002", audio)


def test_page_over_tls_names_sockets_over_tls() -> None:
    addresses = Addresses.of(settings(), "radio.example", secure=True)
    assert addresses == Addresses(
        "wss://radio.example:3001/ws", audio := "https://radio.example:3002", audio
    )


def test_public_address_of_the_audio_wins_over_the_host() -> None:
    addresses = Addresses.of(settings(public_url="https://audio.example/live/"), "127.0.0.1:8080")
    assert addresses.stream == addresses.source == "https://audio.example/live"
    assert "media-src https://audio.example;" in addresses.policy()


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "talas", "radio.example", "evil.example"])
def test_addresses_in_the_settings_win_whatever_the_host(host: str) -> None:
    """nginx sends its upstream's by itself."""
    addresses = Addresses.of(
        settings(
            chat_url="wss://radio.example/ws",
            public_url="https://radio.example/audio/",
            source_url="http://in.radio.example:8000/",
        ),
        host,
    )
    assert addresses == Addresses(
        "wss://radio.example/ws", "https://radio.example/audio", "http://in.radio.example:8000"
    )
    assert "connect-src 'self' wss://radio.example https://radio.example;" in addresses.policy()


def test_the_policy_allows_us_and_our_two_ports_and_nothing_else() -> None:
    rules = dict(
        rule.split(" ", 1)
        for rule in Addresses.of(settings(), "localhost:8080").policy().split("; ")
    )
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "manifest-src": "'self'",
        "connect-src": "'self' ws://localhost:3001 http://localhost:3002",
        "media-src": "http://localhost:3002",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
