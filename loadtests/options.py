"""What can be chosen about a load, beside what locust itself asks. A table: one row an option.

Does:        add the options to locust's command line and web page; read them back, checked.
Never:       imports locust.
Guarantees:  an option is also a variable: `--chat-wait 1` is `LOAD_CHAT_WAIT=1`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from loadtests import crowd
from loadtests.limits import LIMITS
from loadtests.sound.audio import COUNTERS

API, CHAT, LISTEN, SOURCE = "api", "chat", "listen", "source"


class Parser(Protocol):
    """What is needed of locust's parser."""

    def add_argument(self, *names: str, **facts: object) -> object: ...


class Option(msgspec.Struct, frozen=True):
    """One choice. The type is that of `default`."""

    name: str
    default: str | int | float
    sentence: str
    choices: tuple[str, ...] = ()
    on_page: bool = True

    @property
    def field(self) -> str:
        """As it is called in parsed options."""
        return self.name.replace("-", "_")


OPTIONS: tuple[Option, ...] = (
    Option("crowd", crowd.STEADY, "How people come and go", tuple(crowd.SHAPES)),
    Option("storm-every", 10.0, "Seconds between two storms of the storm crowd"),
    Option("mix", "api=3,chat=4,listen=5", "How many there are of each kind of user, by weight; "
           "source=1 adds people who broadcast"),
    Option("station", "demo", "Slugs of the stations that are listened to, comma-separated; the "
           "first is talked about"),
    Option("formats", "mp3,aac,opus", "What listeners ask for, picked at random"),
    Option("icy-percent", 20.0, "Share of MP3 and AAC listeners who ask for titles"),
    Option("stay", 30.0, "Seconds a listener stays, on average; 0 is to the end"),
    Option("api-wait", 1.0, "Seconds an API user waits between requests, on average"),
    Option("sign-ups", 1, "Whole sign-ups of an API user for each 80 reads; 0 leaves them out"),
    Option("chat-wait", 2.0, "Seconds between two messages of one person, on average"),
    Option("room-size", 50, "People in one chat room; who comes after makes another"),
    Option("tokens", "", "File of access tokens, as `talas seed --people N --tokens FILE` "
           "writes it; without it users sign up", on_page=False),
    Option("chat-url", "", "The chat, where it is not ws://HOST:3001/ws", on_page=False),
    Option("stream-url", "", "The streams, where they are not http://HOST:3002", on_page=False),
    Option("result", "", "File for all figures and the verdict as JSON", on_page=False),
    Option("server-pid", 0, "Process of `talas serve`, to report what it uses", on_page=False),
)  # fmt: skip


class Wishes(msgspec.Struct, frozen=True):
    """The options, checked. Times in seconds; `mix` by kind, without those of weight 0."""

    crowd: str
    storm_every: float
    mix: dict[str, int]
    stations: tuple[str, ...]
    formats: tuple[str, ...]
    icy_share: float
    stay: float
    api_wait: float
    sign_ups: int
    chat_wait: float
    room_size: int
    tokens: str
    chat_url: str
    stream_url: str
    result: str
    server_pid: int
    bounds: dict[str, float]


def add_to(parser: Parser) -> None:
    """Make every option and limit known to locust."""
    for option in OPTIONS:
        parser.add_argument(
            f"--{option.name}", type=type(option.default), default=option.default,
            env_var=f"LOAD_{option.field.upper()}", help=option.sentence,
            choices=option.choices or None, include_in_web_ui=option.on_page,
        )  # fmt: skip
    for limit in LIMITS:
        parser.add_argument(
            limit.option, type=float, default=limit.default, metavar=limit.unit.upper()[:2],
            env_var=f"LOAD_{limit.field.upper()}", help=f"{limit.sentence}; in {limit.unit}",
        )  # fmt: skip


def wishes(parsed: object) -> Wishes:
    """The options in locust's parsed ones. Raises ValueError with a sentence."""
    got = {option.field: getattr(parsed, option.field) for option in OPTIONS}
    formats = tuple(part.strip() for part in str(got["formats"]).split(",") if part.strip())
    if not formats or set(formats) - set(COUNTERS):
        raise ValueError(f"--formats {got['formats']}: choose from {', '.join(COUNTERS)}")
    for name in ("storm_every", "api_wait", "chat_wait", "room_size"):
        if float(got[name]) <= 0:
            raise ValueError(f"--{name.replace('_', '-')} must be more than nothing")
    stations = tuple(filter(None, (part.strip() for part in str(got["station"]).split(","))))
    if not stations:
        raise ValueError("--station names none")
    if int(got["sign_ups"]) < 0:
        raise ValueError("--sign-ups must not be less than nothing")
    elsewhere = ("mix", "icy_percent", "station")
    return Wishes(**{
        **{name: value for name, value in got.items() if name not in elsewhere},
        "stations": stations,
        "formats": formats,
        "icy_share": float(got["icy_percent"]) / 100,
        "mix": read_mix(str(got["mix"])),
        "bounds": {limit.name: float(getattr(parsed, limit.field)) for limit in LIMITS},
    })  # fmt: skip


def read_mix(mix: str) -> dict[str, int]:
    """`api=3,chat=4` as weights; a kind that is not named has none. Raises ValueError."""
    weights: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in mix.split(","))):
        kind, _, weight = part.partition("=")
        if kind not in (API, CHAT, LISTEN, SOURCE) or not weight.isdecimal():
            raise ValueError(f"--mix {mix}: write it like api=3,chat=4,listen=5")
        weights[kind] = int(weight)
    found = {kind: weight for kind, weight in weights.items() if weight}
    if not found:
        raise ValueError(f"--mix {mix} leaves nobody")
    return found
