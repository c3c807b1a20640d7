"""Every knob of Talas: one row each, checked once, then frozen.

Does:        read the environment and an optional TOML file (`TALAS_CONFIG`, or `talas.toml` in the
             working directory) against one table; say where each value came from.
Never:       guesses: an unknown name or a value out of bounds is refused with the row's sentence.
Guarantees:  the environment wins over the file, the file over the default; a secret's value is
             shown by nobody.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from talas_core.errors import SettingError

PREFIX = "TALAS_"
CONFIG = "TALAS_CONFIG"
DEFAULT_FILE = "talas.toml"
# Switches of the build, not of the running program; they may stay set in a shell.
BUILD_ONLY = ("TALAS_BUILD_NATIVE", "TALAS_BUILD_MODE")

ADMIN_PASSWORD_CHARACTERS = 12
"""The fewest. It is one password for every station, and may be guessed at from afar."""


_WEB = ("https://", "http://")
_ADDRESSES = {"public_url": _WEB, "chat_url": ("wss://", "ws://"), "source_url": _WEB,
              "site_url": _WEB}  # fmt: skip
"""Settings that tell where people reach Talas, and what each begins with."""
_MAILBOX = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,189}")


class Knob(msgspec.Struct, frozen=True):
    """One setting. `kind` is str, int, float, bool, path, list or one of `choices`."""

    name: str
    kind: str
    default: Any
    sentence: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    @property
    def field(self) -> str:
        """The attribute of `Settings`, and the key in the TOML file."""
        return self.name.removeprefix(PREFIX).lower()

    @property
    def description(self) -> str:
        """The sentence with its unit and bounds, as refusals and listings show it."""
        parts = [self.sentence.rstrip(".")]
        if self.choices:
            parts.append("one of " + ", ".join(self.choices))
        if self.low is not None and self.high is not None:
            parts.append(f"{self.low:g} to {self.high:g}{' ' + self.unit if self.unit else ''}")
        elif self.unit:
            parts.append(f"in {self.unit}")
        return "; ".join(parts)


def _port(name: str, default: int, sentence: str) -> Knob:
    return Knob(name, "int", default, sentence, low=1, high=65535)


KNOBS: tuple[Knob, ...] = (
    Knob("TALAS_ENV", "choice", "production", "What this is run for; test allows cheap hashing",
         choices=("production", "test")),
    Knob("TALAS_HOST", "str", "127.0.0.1", "Addresses, comma-separated, that all three ports "
         "listen on; :: or nothing means every address"),
    _port("TALAS_API_PORT", 8080, "Port of the HTTP API and the page"),
    _port("TALAS_CHAT_PORT", 3001, "Port of the chat WebSocket"),
    _port("TALAS_STREAM_PORT", 3002, "Port of the audio streams"),
    Knob("TALAS_DATA_DIR", "path", "var", "Folder for the database, secrets and programme"),
    Knob("TALAS_DATABASE_URL", "str", "", "PostgreSQL 15 or newer; empty starts the embedded one",
         secret=True),
    Knob("TALAS_NATS_URL", "str", "", "NATS server or cluster; empty starts the embedded one",
         secret=True),
    Knob("TALAS_DATABASE_POOL", "int", 8, "Connections each API worker keeps to the database",
         low=1, high=200),
    Knob("TALAS_API_WORKERS", "int", 1, "API processes that share the API and chat ports",
         low=1, high=64),
    Knob("TALAS_STREAM_WORKERS", "int", 1, "Audio processes; more than one is not possible yet",
         low=1, high=1),
    Knob("TALAS_SHUTDOWN_SECONDS", "float", 10.0, "Longest time a stop may take to drain",
         "seconds", 0.1, 600),
    Knob("TALAS_LOG_FORMAT", "choice", "auto", "How log lines look; auto is console on a terminal "
         "and json elsewhere", choices=("auto", "json", "console")),
    Knob("TALAS_NATIVE", "choice", "auto", "Use the compiled audio kernels",
         choices=("auto", "on", "off")),
    Knob("TALAS_PUBLIC_URL", "str", "", "Address of the stream port as listeners reach it; "
         "empty takes it from the request"),
    Knob("TALAS_DEFAULT_STATION", "str", "", "Slug of the station that /; plays on the stream "
         "port; empty plays the only one on the air"),
    Knob("TALAS_CHAT_URL", "str", "", "Address of the chat's WebSocket as browsers reach it, "
         "ws:// or wss://; empty takes it from the request"),
    Knob("TALAS_SOURCE_URL", "str", "", "Address that encoders send to, scheme, host and port; "
         "empty takes TALAS_PUBLIC_URL's"),
    Knob("TALAS_ORIGINS", "list", (), "Web origins, comma-separated, that may use API and chat; "
         "empty allows the page of TALAS_SITE_URL and this machine's own"),
    Knob("TALAS_HOSTS", "list", (), "Host names, comma-separated, that requests may use besides IP "
         "addresses, localhost and the names in TALAS_HOST, TALAS_ORIGINS and the settings that "
         "tell where people reach Talas; * takes any"),
    Knob("TALAS_HTTPS", "bool", False, "Browsers reach all three ports over HTTPS alone, through "
         "a proxy; they are told to come back by no other way"),
    Knob("TALAS_BCRYPT_COST", "int", 12, "Work factor of password hashes; under 10 only with "
         "TALAS_ENV=test", "log2 rounds", 4, 16),
    Knob("TALAS_HASH_THREADS", "int", 2, "Threads that hash passwords", low=1, high=64),
    Knob("TALAS_HASH_QUEUE", "int", 32, "Password checks that may wait before 503", low=1,
         high=10_000),
    Knob("TALAS_ACCESS_TOKEN_SECONDS", "int", 900, "Life of an access token; the same for API and "
         "stream service, which refuse longer ones", "seconds", 5, 86_400),
    Knob("TALAS_SESSION_DAYS", "int", 30, "Longest life of a session, however often refreshed",
         "days", 1, 365),
    Knob("TALAS_SESSION_IDLE_DAYS", "int", 14, "Days a session may go unused before it is over",
         "days", 1, 365),
    Knob("TALAS_REFRESH_GRACE_SECONDS", "float", 10.0, "Time in which the refresh token just "
         "exchanged gets the same answer again; later it ends the session", "seconds", 0, 60),
    Knob("TALAS_KEY_DAYS", "int", 30, "Days a key signs access tokens before the next takes over",
         "days", 1, 365),
    Knob("TALAS_AUDIT_DAYS", "int", 365, "Days the audit log goes back; 0 keeps all of it", "days",
         0, 36_500),
    Knob("TALAS_MASTER_KEY", "str", "", "64 hex characters that seal signing keys in the database; "
         "empty keeps one in the data directory", secret=True),
    Knob("TALAS_ADMIN_PASSWORD", "str", "", "Password of the user admin on the stream port's "
         "/admin pages, for Icecast's panels, 12 characters or more; empty knows no such user",
         secret=True),
    Knob("TALAS_SMTP_URL", "str", "", "Mail server, smtp://user:password@host:port?tls=starttls, "
         "implicit or off; empty writes mail to the log and the terminal", secret=True),
    Knob("TALAS_MAIL_FROM", "str", "", "Address that mail comes from; needed with a mail server"),
    Knob("TALAS_SITE_URL", "str", "", "Address of the page as people reach it, for links in mail; "
         "empty sends the bare token"),
    Knob("TALAS_DEMO", "bool", False, "Keep the stations demo and live, with keys from the data "
         "directory's secrets"),
    Knob("TALAS_MUSIC_DIR", "str", "", "Folder of audio files the demo station plays; empty plays "
         "the built-in programme"),
    Knob("TALAS_CHAT_QUEUE_BYTES", "int", 262_144, "What may wait for a chat client that does not "
         "read before it is cut", "bytes", 16_384, 16_777_216),
    Knob("TALAS_CHAT_SOCKETS", "int", 20_000, "Chat sockets each API worker takes", low=1,
         high=1_000_000),
    Knob("TALAS_CHAT_SOCKETS_PER_USER", "int", 20, "Chat sockets of one person on each API worker",
         low=1, high=100_000),
    Knob("TALAS_CHAT_ROOMS_PER_USER", "int", 50, "Open rooms one person may have, and make in an "
         "hour", low=1, high=100_000),
    Knob("TALAS_CHAT_REQUESTS_PER_SECOND", "float", 20.0, "Requests a chat socket may send; ten "
         "seconds' worth at once", "requests a second", 0.1, 100_000),
    Knob("TALAS_SOURCE_TIMEOUT_SECONDS", "float", 10.0, "Silence on a source's socket after which "
         "it is cut", "seconds", 0.2, 600),
    Knob("TALAS_SOURCE_LEAD_SECONDS", "float", 2.0, "How far ahead of real time a source may send "
         "before it is held back", "seconds", 0.1, 30),
    Knob("TALAS_HEADER_TIMEOUT_SECONDS", "float", 10.0, "Time a client has to finish its request "
         "head", "seconds", 0.1, 120),
    Knob("TALAS_BURST_BYTES", "int", 65_536, "Audio a new listener gets at once at 96 to "
         "128 kbit/s; as many seconds at other rates", "bytes",
         49_152, 1_048_576),
    Knob("TALAS_LOW_BURST_BYTES", "int", 8192, "Audio a new listener with ?latency=low gets at "
         "once", "bytes", 4096, 49_152),
    Knob("TALAS_LISTENER_QUEUE_BYTES", "int", 524_288, "Backlog after which a slow listener skips "
         "ahead", "bytes", 65_536, 16_777_216),
    Knob("TALAS_LISTENER_STALL_SECONDS", "float", 15.0, "Time a listener may read nothing before "
         "it is cut", "seconds", 0.2, 600),
    Knob("TALAS_MAX_LISTENERS", "int", 20_000, "Listeners in all", low=1, high=1_000_000),
    Knob("TALAS_MAX_STATION_LISTENERS", "int", 20_000, "Listeners of one station", low=1,
         high=1_000_000),
    Knob("TALAS_MAX_ADDRESS_LISTENERS", "int", 20_000, "Listeners from one address; behind a proxy "
         "see TALAS_TRUSTED_PROXIES", low=1, high=1_000_000),
    Knob("TALAS_MAX_CONNECTIONS", "int", 24_000, "Open connections on the stream port", low=4,
         high=1_000_000),
    Knob("TALAS_API_CONNECTIONS", "int", 4000, "Open connections on the API port of each API "
         "worker", low=4, high=1_000_000),
    Knob("TALAS_IDLE_SECONDS", "float", 75.0, "Time a connection of the API or the pages may wait "
         "for its next request", "seconds", 0.1, 3600),
    Knob("TALAS_TRUSTED_PROXIES", "list", (), "Networks, comma-separated, whose X-Forwarded-For "
         "says where a request comes from; empty believes none"),
    Knob("TALAS_LIMIT_REGISTER", "int", 60, "Sign-ups from one address in an hour", low=2,
         high=1_000_000_000),
    Knob("TALAS_LIMIT_LOGIN", "int", 120, "Sign-ins, good or not, from one address in a minute",
         low=2, high=1_000_000_000),
    Knob("TALAS_LIMIT_LOGIN_FAILURES", "int", 20, "Failed sign-ins to one account from one address "
         "in an hour", low=2, high=1_000_000_000),
    Knob("TALAS_LIMIT_ACCOUNT_FAILURES", "int", 60, "Failed sign-ins to one account in an hour "
         "from all addresses where it never signed in", low=2, high=1_000_000_000),
    Knob("TALAS_LIMIT_REFRESH", "int", 600, "Token refreshes from one address in a minute", low=2,
         high=1_000_000_000),
    Knob("TALAS_LIMIT_MAIL", "int", 60, "Requests about passwords and addresses by mail from one "
         "address in an hour", low=2, high=1_000_000_000),
    Knob("TALAS_STATIONS_PER_USER", "int", 200, "Stations one account may have", low=1,
         high=1_000_000),
    Knob("TALAS_LIMIT_STATIONS", "int", 60, "Stations one account may make in an hour", low=2,
         high=1_000_000_000),
    Knob("TALAS_RENDITION_IDLE_SECONDS", "float", 10.0, "Time an encoder runs on without a "
         "listener", "seconds", 0, 3600),
    Knob("TALAS_CODEC_WORKERS", "int", 2, "Processes that decode and encode", low=1, high=64),
    Knob("TALAS_OPUS_COMPLEXITY", "choice", "auto", "Care Opus is encoded with; auto lowers it "
         "from 10 while the machine is short", choices=("auto", *map(str, range(11)))),
    Knob("TALAS_METERING", "bool", True, "Measure loudness of every station on the air; costs a "
         "decode each"),
)  # fmt: skip
BY_NAME: dict[str, Knob] = {knob.name: knob for knob in KNOBS}


class Value(msgspec.Struct, frozen=True):
    """A knob's checked value and where it came from: `default`, `environment` or the file."""

    knob: Knob
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value for people; a secret shows only whether it is set."""
        if self.knob.secret:
            return "(set)" if self.value else "(not set)"
        if isinstance(self.value, tuple):
            return ",".join(self.value)
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All knobs, by field name. Units and bounds stand in `KNOBS`."""

    env: str
    host: str
    api_port: int
    chat_port: int
    stream_port: int
    data_dir: Path
    database_url: str
    nats_url: str
    database_pool: int
    api_workers: int
    stream_workers: int
    shutdown_seconds: float
    log_format: str
    native: str
    public_url: str
    default_station: str
    chat_url: str
    source_url: str
    origins: tuple[str, ...]
    hosts: tuple[str, ...]
    https: bool
    bcrypt_cost: int
    hash_threads: int
    hash_queue: int
    access_token_seconds: int
    session_days: int
    session_idle_days: int
    refresh_grace_seconds: float
    key_days: int
    audit_days: int
    master_key: str
    admin_password: str
    smtp_url: str
    mail_from: str
    site_url: str
    demo: bool
    music_dir: str
    chat_queue_bytes: int
    chat_sockets: int
    chat_sockets_per_user: int
    chat_rooms_per_user: int
    chat_requests_per_second: float
    source_timeout_seconds: float
    source_lead_seconds: float
    header_timeout_seconds: float
    burst_bytes: int
    low_burst_bytes: int
    listener_queue_bytes: int
    listener_stall_seconds: float
    max_listeners: int
    max_station_listeners: int
    max_address_listeners: int
    max_connections: int
    api_connections: int
    idle_seconds: float
    trusted_proxies: tuple[str, ...]
    limit_register: int
    limit_login: int
    limit_login_failures: int
    limit_account_failures: int
    limit_refresh: int
    limit_mail: int
    stations_per_user: int
    limit_stations: int
    rendition_idle_seconds: float
    codec_workers: int
    opus_complexity: str
    metering: bool

    def __repr__(self) -> str:
        """Without values: a settings object in a log must not show a secret."""
        return "Settings(…)"


def load(environ: Mapping[str, str], **overrides: object) -> Settings:
    """The settings of this process. Overrides are by field name, as command options give them.

    Raises SettingError for an unknown name, a bad value, or a file that cannot be read.
    """
    values = {value.knob.field: value.value for value in explain(environ, **overrides)}
    return Settings(**values)


def explain(environ: Mapping[str, str], **overrides: object) -> list[Value]:
    """Every knob with its value and source, in table order. Raises as `load` does."""
    for name in environ:
        if name.startswith(PREFIX) and name not in BY_NAME and name not in (CONFIG, *BUILD_ONLY):
            raise SettingError(name, "no such setting; `talas settings` lists them all")
    from_file, file_name = _read_file(environ)
    rows = []
    for knob in KNOBS:
        if overrides.get(knob.field) is not None:
            rows.append(Value(knob, _check(knob, overrides[knob.field]), "command line"))
        elif knob.name in environ:
            rows.append(Value(knob, _check(knob, environ[knob.name]), "environment"))
        elif knob.field in from_file:
            rows.append(Value(knob, _check(knob, from_file[knob.field]), file_name))
        else:
            rows.append(Value(knob, _check(knob, knob.default), "default"))
    _check_together({row.knob.field: row.value for row in rows})
    return rows


def _read_file(environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The TOML file's table, and its name. A file named by TALAS_CONFIG must exist. What is wrong
    in it is refused with its path, whether or not the environment goes before it."""
    named = environ.get(CONFIG)
    path = Path(named or DEFAULT_FILE)
    if not named and not path.is_file():
        return {}, ""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(CONFIG, f"cannot read {path}: {error}") from error
    knobs = {knob.field: knob for knob in KNOBS}
    for key, raw in table.items():
        if key not in knobs:
            raise SettingError(key, f"no such setting in {path}; `talas settings` lists them all")
        try:
            _check(knobs[key], raw)
        except SettingError as error:
            problem = f"{error.problem}, in {path}"
            raise SettingError(error.name, problem, error.sentence) from error
    return table, path.name


def _check(knob: Knob, raw: object) -> Any:
    """`raw` as the knob's type, within its bounds. Raises SettingError with the row's sentence."""
    try:
        value: Any = _CONVERT[knob.kind](raw)
    except (ValueError, TypeError) as error:
        raise SettingError(knob.name, f"{_quoted(knob, raw)} is not {_NOUN[knob.kind]}",
                           knob.description) from error  # fmt: skip
    if knob.choices and value not in knob.choices:
        raise SettingError(knob.name, f"{_quoted(knob, raw)} is not a choice", knob.description)
    below = knob.low is not None and value < knob.low
    if below or (knob.high is not None and value > knob.high):
        raise SettingError(knob.name, f"{_quoted(knob, raw)} is out of bounds", knob.description)
    return value


def _check_together(values: Mapping[str, Any]) -> None:
    """Rules that need more than one knob."""
    if values["bcrypt_cost"] < 10 and values["env"] != "test":
        knob = BY_NAME["TALAS_BCRYPT_COST"]
        raise SettingError(knob.name, f"{values['bcrypt_cost']} is out of bounds", knob.description)
    key = values["master_key"]
    if key and not (len(key) == 64 and all(c in "0123456789abcdefABCDEF" for c in key)):
        knob = BY_NAME["TALAS_MASTER_KEY"]
        raise SettingError(knob.name, "the value is not 64 hex characters", knob.description)
    if 0 < len(values["admin_password"]) < ADMIN_PASSWORD_CHARACTERS:
        knob = BY_NAME["TALAS_ADMIN_PASSWORD"]
        raise SettingError(knob.name, "the value is too short", knob.description)
    if values["smtp_url"] and not _MAILBOX.fullmatch(values["mail_from"]):
        knob = BY_NAME["TALAS_MAIL_FROM"]
        raise SettingError(knob.name, "the value is not an address", knob.description)
    for field, schemes in _ADDRESSES.items():
        if values[field] and not _is_address(values[field], schemes):
            knob = BY_NAME[PREFIX + field.upper()]
            problem = f"the value is no address that begins with {' or '.join(schemes)}"
            raise SettingError(knob.name, problem, knob.description)
    ports = [values["api_port"], values["chat_port"], values["stream_port"]]
    if len(set(ports)) < len(ports):
        raise SettingError("TALAS_API_PORT, TALAS_CHAT_PORT, TALAS_STREAM_PORT",
                           f"three different ports are needed, not {ports}")  # fmt: skip


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Whether a browser could go there. One that is broken would only show in the page.

    It goes into headers too: nothing may end a line or, as `;` does, a directive of
    Content-Security-Policy. `urlsplit` itself passes over tabs and line ends.
    """
    if not text.isprintable() or " " in text or ";" in text:
        return False
    try:
        parts = urlsplit(text)
        return f"{parts.scheme}://" in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _quoted(knob: Knob, raw: object) -> str:
    return "the value" if knob.secret else repr(raw)


def _to_int(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise TypeError
    return int(raw)


def _to_float(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise TypeError
    value = float(raw)
    if value != value:  # noqa: PLR0124 - NaN would pass every bound
        raise ValueError
    return value


def _to_bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False,
            "no": False, "off": False, "": False}[_to_str(raw).lower()]  # fmt: skip


def _to_str(raw: object) -> str:
    if not isinstance(raw, str) or "\0" in raw:
        raise TypeError
    return raw


def _to_path(raw: object) -> Path:
    text = str(raw) if isinstance(raw, Path) else _to_str(raw)
    if not text:
        raise ValueError
    return Path(text).expanduser().absolute()


def _to_list(raw: object) -> tuple[str, ...]:
    if isinstance(raw, list | tuple):
        return tuple(_to_str(item) for item in raw)
    return tuple(part.strip() for part in _to_str(raw).split(",") if part.strip())


def _bool_or_value_error(raw: object) -> bool:
    try:
        return _to_bool(raw)
    except KeyError as error:
        raise ValueError from error


_CONVERT = {"int": _to_int, "float": _to_float, "bool": _bool_or_value_error, "str": _to_str,
            "choice": _to_str, "path": _to_path, "list": _to_list}  # fmt: skip
_NOUN = {"int": "a whole number", "float": "a number", "bool": "a yes or no", "str": "a text",
         "choice": "a text", "path": "a path", "list": "a list"}  # fmt: skip


def environment(settings: Settings) -> dict[str, str]:
    """`settings` as environment variables, for a child process that must see the very same."""
    result = {}
    for knob in KNOBS:
        value = getattr(settings, knob.field)
        result[knob.name] = ",".join(value) if isinstance(value, tuple) else str(value)
    return result
