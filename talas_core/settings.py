"""Every setting of Talas: one annotated field each, checked once, then frozen.

Does:        read the environment and an optional TOML file (`TALAS_CONFIG`, or `talas.toml` in the
             working directory) into one struct; say where each value came from.
Never:       guesses: an unknown name or a value out of bounds is refused with the field's sentence.
Guarantees:  the environment wins over the file, the file over the default; a secret's value is
             shown by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from talas_core.errors import SettingError
from talas_core.knobs import PREFIX, Knob, Value, explained, knobs_of

ADMIN_PASSWORD_CHARACTERS = 12
"""The fewest. It is one password for every station, and may be guessed at from afar."""


_WEB = ("https://", "http://")
_ADDRESSES = {"public_url": _WEB, "chat_url": ("wss://", "ws://"), "source_url": _WEB,
              "site_url": _WEB}  # fmt: skip
"""Settings that tell where people reach Talas, and what each begins with."""
_MASTER_KEY = re.compile(r"[0-9a-fA-F]{64}")
_MAILBOX = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,189}")


Port = Annotated[int, Meta(ge=1, le=65535)]
Secret = Annotated[str, Meta(extra={"secret": True})]
Seconds = Annotated[float, Meta(extra={"unit": "seconds"})]
WholeSeconds = Annotated[int, Meta(extra={"unit": "seconds"})]
Days = Annotated[int, Meta(extra={"unit": "days"})]
Bytes = Annotated[int, Meta(extra={"unit": "bytes"})]
PerSecond = Annotated[float, Meta(extra={"unit": "requests a second"})]
Complexity = Literal["auto", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. A field is the setting `TALAS_` and its name in capitals: its type, bounds,
    the sentence that listings and refusals show, and its default."""

    # fmt: off
    env: Annotated[Literal["production", "test"], Meta(
        description="What this is run for; test allows cheap hashing")] = "production"
    host: Annotated[str, Meta(
        description="Addresses, comma-separated, that all three ports listen on; :: or nothing "
                    "means every address")] = "127.0.0.1"
    api_port: Annotated[Port, Meta(description="Port of the HTTP API and the page")] = 8080
    chat_port: Annotated[Port, Meta(description="Port of the chat WebSocket")] = 3001
    stream_port: Annotated[Port, Meta(description="Port of the audio streams")] = 3002
    data_dir: Annotated[Path, Meta(
        description="Folder for the database, secrets and programme")] = Path("var")
    database_url: Annotated[Secret, Meta(
        description="PostgreSQL 15 or newer; empty starts the embedded one")] = ""
    nats_url: Annotated[Secret, Meta(
        description="NATS server or cluster; empty starts the embedded one")] = ""
    database_pool: Annotated[int, Meta(ge=1, le=200,
        description="Connections each API worker keeps to the database")] = 8
    api_workers: Annotated[int, Meta(ge=1, le=64,
        description="API processes that share the API and chat ports")] = 1
    stream_workers: Annotated[int, Meta(ge=1, le=1,
        description="Audio processes; more than one is not possible yet")] = 1
    shutdown_seconds: Annotated[Seconds, Meta(ge=0.1, le=600,
        description="Longest time a stop may take to drain")] = 10.0
    log_format: Annotated[Literal["auto", "json", "console"], Meta(
        description="How log lines look; auto is console on a terminal and json "
                    "elsewhere")] = "auto"
    native: Annotated[Literal["auto", "on", "off"], Meta(
        description="Use the compiled audio kernels")] = "auto"
    public_url: Annotated[str, Meta(
        description="Address of the stream port as listeners reach it; empty takes it from the "
                    "request")] = ""
    default_station: Annotated[str, Meta(
        description="Slug of the station that /; plays on the stream port; empty plays the only "
                    "one on the air")] = ""
    chat_url: Annotated[str, Meta(
        description="Address of the chat's WebSocket as browsers reach it, ws:// or wss://; empty "
                    "takes it from the request")] = ""
    source_url: Annotated[str, Meta(
        description="Address that encoders send to, scheme, host and port; empty takes "
                    "TALAS_PUBLIC_URL's")] = ""
    origins: Annotated[tuple[str, ...], Meta(
        description="Web origins, comma-separated, that may use API and chat; empty allows the "
                    "page of TALAS_SITE_URL and this machine's own")] = ()
    hosts: Annotated[tuple[str, ...], Meta(
        description="Host names, comma-separated, that requests may use besides IP addresses, "
                    "localhost and the names in TALAS_HOST, TALAS_ORIGINS and the settings that "
                    "tell where people reach Talas; * takes any")] = ()
    https: Annotated[bool, Meta(
        description="Browsers reach all three ports over HTTPS alone, through a proxy; they are "
                    "told to come back by no other way")] = False
    bcrypt_cost: Annotated[int, Meta(extra={"unit": "log2 rounds"}, ge=4, le=16,
        description="Work factor of password hashes; under 10 only with TALAS_ENV=test")] = 12
    hash_threads: Annotated[int, Meta(ge=1, le=64, description="Threads that hash passwords")] = 2
    hash_queue: Annotated[int, Meta(ge=1, le=10000,
        description="Password checks that may wait before 503")] = 32
    access_token_seconds: Annotated[WholeSeconds, Meta(ge=5, le=86400,
        description="Life of an access token; the same for API and stream service, which refuse "
                    "longer ones")] = 900
    session_days: Annotated[Days, Meta(ge=1, le=365,
        description="Longest life of a session, however often refreshed")] = 30
    session_idle_days: Annotated[Days, Meta(ge=1, le=365,
        description="Days a session may go unused before it is over")] = 14
    refresh_grace_seconds: Annotated[Seconds, Meta(ge=0, le=60,
        description="Time in which the refresh token just exchanged gets the same answer again; "
                    "later it ends the session")] = 10.0
    key_days: Annotated[Days, Meta(ge=1, le=365,
        description="Days a key signs access tokens before the next takes over")] = 30
    audit_days: Annotated[Days, Meta(ge=0, le=36500,
        description="Days the audit log goes back; 0 keeps all of it")] = 365
    master_key: Annotated[Secret, Meta(
        description="64 hex characters that seal signing keys in the database; empty keeps one in "
                    "the data directory")] = ""
    admin_password: Annotated[Secret, Meta(
        description="Password of the user admin on the stream port's /admin pages, for Icecast's "
                    "panels, 12 characters or more; empty knows no such user")] = ""
    smtp_url: Annotated[Secret, Meta(
        description="Mail server, smtp://user:password@host:port?tls=starttls, implicit or off; "
                    "empty writes mail to the log and the terminal")] = ""
    mail_from: Annotated[str, Meta(
        description="Address that mail comes from; needed with a mail server")] = ""
    site_url: Annotated[str, Meta(
        description="Address of the page as people reach it, for links in mail; empty sends the "
                    "bare token")] = ""
    demo: Annotated[bool, Meta(
        description="Keep the stations demo and live, with keys from the data directory's "
                    "secrets")] = False
    music_dir: Annotated[str, Meta(
        description="Folder of audio files the demo station plays; empty plays the built-in "
                    "programme")] = ""
    chat_queue_bytes: Annotated[Bytes, Meta(ge=16384, le=16_777_216,
        description="What may wait for a chat client that does not read before it "
                    "is cut")] = 262_144
    chat_sockets: Annotated[int, Meta(ge=1, le=1_000_000,
        description="Chat sockets each API worker takes")] = 20000
    chat_sockets_per_user: Annotated[int, Meta(ge=1, le=100_000,
        description="Chat sockets of one person on each API worker")] = 20
    chat_rooms_per_user: Annotated[int, Meta(ge=1, le=100_000,
        description="Open rooms one person may have, and make in an hour")] = 50
    chat_requests_per_second: Annotated[PerSecond, Meta(ge=0.1, le=100_000,
        description="Requests a chat socket may send; ten seconds' worth at once")] = 20.0
    source_timeout_seconds: Annotated[Seconds, Meta(ge=0.2, le=600,
        description="Silence on a source's socket after which it is cut")] = 10.0
    hold_seconds: Annotated[Seconds, Meta(ge=0, le=600,
        description="How long the listeners of a source that has ended or broken off stay "
                    "connected, in silence, for it to come back; at 0 they end with it")] = 5.0
    source_lead_seconds: Annotated[Seconds, Meta(ge=0.1, le=30,
        description="How far ahead of real time a source may send before it is held back")] = 2.0
    header_timeout_seconds: Annotated[Seconds, Meta(ge=0.1, le=120,
        description="Time a client has to finish its request head")] = 10.0
    burst_bytes: Annotated[Bytes, Meta(ge=49152, le=1_048_576,
        description="Audio a new listener gets at once at 96 to 128 kbit/s; as many seconds at "
                    "other rates")] = 65536
    low_burst_bytes: Annotated[Bytes, Meta(ge=4096, le=49152,
        description="Audio a new listener with ?latency=low gets at once")] = 8192
    listener_queue_bytes: Annotated[Bytes, Meta(ge=65536, le=16_777_216,
        description="Backlog after which a slow listener skips ahead")] = 524_288
    listener_stall_seconds: Annotated[Seconds, Meta(ge=0.2, le=600,
        description="Time a listener may read nothing before it is cut")] = 15.0
    max_listeners: Annotated[int, Meta(ge=1, le=1_000_000, description="Listeners in all")] = 20000
    max_station_listeners: Annotated[int, Meta(ge=1, le=1_000_000,
        description="Listeners of one station")] = 20000
    max_address_listeners: Annotated[int, Meta(ge=1, le=1_000_000,
        description="Listeners from one address; behind a proxy see TALAS_TRUSTED_PROXIES")] = 20000
    max_connections: Annotated[int, Meta(ge=4, le=1_000_000,
        description="Open connections on the stream port")] = 24000
    api_connections: Annotated[int, Meta(ge=4, le=1_000_000,
        description="Open connections on the API port of each API worker")] = 4000
    idle_seconds: Annotated[Seconds, Meta(ge=0.1, le=3600,
        description="Time a connection of the API or the pages may wait for its next "
                    "request")] = 75.0
    trusted_proxies: Annotated[tuple[str, ...], Meta(
        description="Networks, comma-separated, whose X-Forwarded-For says where a request comes "
                    "from; empty believes none")] = ()
    limit_register: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Sign-ups from one address in an hour")] = 60
    limit_login: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Sign-ins, good or not, from one address in a minute")] = 120
    limit_login_failures: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Failed sign-ins to one account from one address in an hour")] = 20
    limit_account_failures: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Failed sign-ins to one account in an hour from all addresses where it never "
                    "signed in")] = 60
    limit_refresh: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Token refreshes from one address in a minute")] = 600
    limit_mail: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Requests about passwords and addresses by mail from one address in "
                    "an hour")] = 60
    stations_per_user: Annotated[int, Meta(ge=1, le=1_000_000,
        description="Stations one account may have")] = 200
    limit_stations: Annotated[int, Meta(ge=2, le=1_000_000_000,
        description="Stations one account may make in an hour")] = 60
    rendition_idle_seconds: Annotated[Seconds, Meta(ge=0, le=3600,
        description="Time an encoder runs on without a listener")] = 10.0
    codec_workers: Annotated[int, Meta(ge=1, le=64,
        description="Processes that decode and encode")] = 2
    opus_complexity: Annotated[Complexity, Meta(
        description="Effort Opus is encoded with; auto lowers it from 10 while the machine is "
                    "short")] = "auto"
    metering: Annotated[bool, Meta(
        description="Measure loudness of every station on the air; costs a decode each")] = True
    # fmt: on

    def __repr__(self) -> str:
        """Without values: a settings object in a log must not show a secret."""
        return "Settings(…)"


KNOBS: tuple[Knob, ...] = knobs_of(Settings)
BY_NAME: dict[str, Knob] = {knob.name: knob for knob in KNOBS}


def load(environ: Mapping[str, str], **overrides: object) -> Settings:
    """The settings of this process. Overrides are by field name, as command options give them.

    Raises SettingError for an unknown name, a bad value, or a file that cannot be read.
    """
    values = {value.knob.field: value.value for value in explain(environ, **overrides)}
    return Settings(**values)


def explain(environ: Mapping[str, str], **overrides: object) -> list[Value]:
    """Every setting with its value and source, in order. Raises as `load` does."""
    rows = explained(KNOBS, environ, overrides)
    _check_together({row.knob.field: row.value for row in rows})
    return rows


def _check_together(values: Mapping[str, Any]) -> None:
    """Rules that bounds cannot say, or that need more than one setting."""
    if values["bcrypt_cost"] < 10 and values["env"] != "test":
        raise _refusal("bcrypt_cost", f"{values['bcrypt_cost']} is out of bounds")
    if values["master_key"] and not _MASTER_KEY.fullmatch(values["master_key"]):
        raise _refusal("master_key", "the value is not 64 hex characters")
    if 0 < len(values["admin_password"]) < ADMIN_PASSWORD_CHARACTERS:
        raise _refusal("admin_password", "the value is too short")
    if values["smtp_url"] and not _MAILBOX.fullmatch(values["mail_from"]):
        raise _refusal("mail_from", "the value is not an address")
    for field, schemes in _ADDRESSES.items():
        if values[field] and not _is_address(values[field], schemes):
            told = " or ".join(schemes)
            raise _refusal(field, f"the value is no address that begins with {told}")
    ports = [values["api_port"], values["chat_port"], values["stream_port"]]
    if len(set(ports)) < len(ports):
        raise SettingError("TALAS_API_PORT, TALAS_CHAT_PORT, TALAS_STREAM_PORT",
                           f"three different ports are needed, not {ports}")  # fmt: skip


def _refusal(field: str, problem: str) -> SettingError:
    return BY_NAME[PREFIX + field.upper()].refusal(problem)


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


def environment(settings: Settings) -> dict[str, str]:
    """`settings` as environment variables, for a child process that must see the very same."""
    result = {}
    for knob in KNOBS:
        value = getattr(settings, knob.field)
        result[knob.name] = ",".join(value) if isinstance(value, tuple) else str(value)
    return result
