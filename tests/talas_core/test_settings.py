from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from talas_core.errors import SettingError, UsageError
from talas_core.knobs import BUILD_ONLY, CONFIG, PREFIX
from talas_core.settings import BY_NAME, KNOBS, Settings, environment, explain, load

SECRET = "do-not-show-me"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(environ: dict[str, str], **overrides: object) -> str:
    with pytest.raises(SettingError) as caught:
        load(environ, **overrides)
    return str(caught.value)


def test_every_field_is_a_setting_with_a_sentence() -> None:
    assert [knob.field for knob in KNOBS] == list(Settings.__struct_fields__)
    assert len(BY_NAME) == len(KNOBS)
    assert all(knob.name.startswith(PREFIX) and knob.sentence for knob in KNOBS)


def test_defaults_of_settings_are_the_promised_ones(tmp_path: Path) -> None:
    settings = load({})
    assert (settings.host, settings.api_port, settings.chat_port, settings.stream_port) == (
        "127.0.0.1", 8080, 3001, 3002)  # fmt: skip
    assert settings.data_dir == tmp_path / "var"
    assert settings.bcrypt_cost == 12
    assert settings.origins == ()
    assert not settings.demo
    assert {row.source for row in explain({})} == {"default"}


def test_variables_of_other_programs_are_ignored() -> None:
    load({"PATH": "/bin", "TALASX": "1", **dict.fromkeys(BUILD_ONLY, "on")})


def test_unknown_setting_is_refused() -> None:
    assert "TALAS_API_PROT: no such setting" in refused({"TALAS_API_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("TALAS_API_PORT", "1", 1), ("TALAS_API_PORT", "65535", 65535),
        ("TALAS_SHUTDOWN_SECONDS", "0.5", 0.5), ("TALAS_SHUTDOWN_SECONDS", "3", 3.0),
        ("TALAS_DEMO", "1", True), ("TALAS_DEMO", "Yes", True), ("TALAS_DEMO", "off", False),
        ("TALAS_DEMO", "", False), ("TALAS_LOG_FORMAT", "console", "console"),
        ("TALAS_ORIGINS", "https://a, https://b,,", ("https://a", "https://b")),
        ("TALAS_DATA_DIR", "/x/y z", Path("/x/y z")),
        ("TALAS_MASTER_KEY", "aB" * 32, "aB" * 32),
    ],
)  # fmt: skip
def test_setting_is_read_from_the_environment(name: str, text: str, value: Any) -> None:
    row = next(row for row in explain({name: text}) if row.knob.name == name)
    assert (row.value, row.source) == (value, "environment")
    assert getattr(load({name: text}), row.knob.field) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("TALAS_API_PORT", "x", "'x' is not a whole number"), ("TALAS_API_PORT", "", "whole"),
        ("TALAS_API_PORT", "1.5", "whole"), ("TALAS_API_PORT", "0", "out of bounds"),
        ("TALAS_API_PORT", "65536", "1 to 65535"), ("TALAS_API_PORT", "9" * 5000, "whole"),
        ("TALAS_SHUTDOWN_SECONDS", "nan", "not a number"),
        ("TALAS_SHUTDOWN_SECONDS", "inf", "0.1 to 600 seconds"),
        ("TALAS_DEMO", "maybe", "not a yes or no"), ("TALAS_LOG_FORMAT", "xml", "json, console"),
        ("TALAS_DATA_DIR", "", "not a path"), ("TALAS_HOST", "a\0b", "not a text"),
        ("TALAS_BCRYPT_COST", "9", "out of bounds"), ("TALAS_BCRYPT_COST", "3", "out of bounds"),
        ("TALAS_STREAM_WORKERS", "2", "out of bounds"),
        ("TALAS_MASTER_KEY", "ab", "64 hex"), ("TALAS_MASTER_KEY", "g" * 64, "64 hex"),
        ("TALAS_ADMIN_PASSWORD", "elevenchars", "12 characters or more"),
        ("TALAS_SITE_URL", "talas.example", "begins with https:// or http://"),
        ("TALAS_PUBLIC_URL", "https://", "begins with https:// or http://"),
        ("TALAS_SOURCE_URL", "http://[::1", "begins with https:// or http://"),
        ("TALAS_CHAT_URL", "https://radio.example/ws", "begins with wss:// or ws://"),
        ("TALAS_CHAT_URL", "ws://radio.example:port/ws", "begins with wss:// or ws://"),
        ("TALAS_CHAT_PORT", "8080", "three different ports"),
    ],
)  # fmt: skip
def test_bad_values_are_refused_with_the_row_s_sentence(name: str, text: str, problem: str) -> None:
    said = refused({name: text})
    assert name in said
    assert problem in said


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\t", " ", ";", "\x7f", "\u2028", "\xa0"])
@pytest.mark.parametrize(
    ("name", "address"),
    [("TALAS_CHAT_URL", "wss://a{}/ws"), ("TALAS_SITE_URL", "https://a/{}"),
     ("TALAS_PUBLIC_URL", "{}https://a"), ("TALAS_SOURCE_URL", "https://a{}")],
)  # fmt: skip
def test_an_address_that_would_break_a_header_is_refused(
    name: str, address: str, mark: str
) -> None:
    assert getattr(load({name: address.format("")}), BY_NAME[name].field) == address.format("")
    assert "no address that begins with" in refused({name: address.format(mark)})


def test_cheap_hashing_is_for_tests_only() -> None:
    assert load({"TALAS_ENV": "test", "TALAS_BCRYPT_COST": "4"}).bcrypt_cost == 4
    assert load({"TALAS_BCRYPT_COST": "10"}).bcrypt_cost == 10


def test_refused_setting_is_a_usage_error() -> None:
    assert issubclass(SettingError, UsageError)


def test_settings_are_read_from_the_file_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "talas.toml").write_text(
        'api_port = 9000\nshutdown_seconds = 2\ndemo = true\norigins = ["https://a"]\n'
    )
    settings = load({"TALAS_API_PORT": "9001"})
    assert settings.api_port == 9001, "the environment wins"
    assert settings.shutdown_seconds == 2.0
    assert settings.demo
    assert settings.origins == ("https://a",)
    sources = {row.knob.field: row.source for row in explain({"TALAS_API_PORT": "9001"})}
    assert sources["api_port"] == "environment"
    assert sources["demo"] == "talas.toml"
    assert sources["host"] == "default"


def test_override_of_a_setting_wins_and_none_is_no_override() -> None:
    settings = load({"TALAS_API_WORKERS": "2"}, api_workers=3, demo=None, music_dir=None)
    assert settings.api_workers == 3
    rows = {row.knob.field: row for row in explain({}, api_workers=3)}
    assert rows["api_workers"].source == "command line"
    assert "64" in refused({}, api_workers=65)


def test_settings_are_read_from_a_named_file(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("api_port = 9000\n")
    assert load({CONFIG: str(file)}).api_port == 9000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"api_prot = 1", "api_prot: no such setting"), (b"a =", "cannot read"),
        (b"\xff", "cannot read"), (b"api_port = 1.5", "whole number"),
        (b"api_port = true", "whole number"), (b"demo = 1", "yes or no"),
        (b"shutdown_seconds = true", "not a number"), (b"host = 1", "not a text"),
        (b"data_dir = 1", "not a path"), (b"origins = [1]", "not a list"),
        (b"[api]\nport = 1", "no such setting"),
    ],
)  # fmt: skip
def test_settings_file_that_is_wrong_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    said = refused({CONFIG: str(file)})
    assert problem in said
    assert str(file) in said


def test_wrong_settings_file_in_the_working_directory_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "talas.toml").write_text("api_port = 0\n")
    said = refused({"TALAS_API_PORT": "9000"})
    assert said.startswith("TALAS_API_PORT: 0 is out of bounds, in talas.toml (Port of the HTTP")


def test_named_settings_file_must_be_there(tmp_path: Path) -> None:
    assert "cannot read" in refused({CONFIG: str(tmp_path / "none.toml")})
    assert "cannot read" in refused({CONFIG: str(tmp_path)})


def test_secret_setting_is_never_shown(tmp_path: Path) -> None:
    names = [knob.name for knob in KNOBS if knob.secret]
    assert {"TALAS_DATABASE_URL", "TALAS_NATS_URL", "TALAS_MASTER_KEY"} <= set(names)
    environ = {"TALAS_DATABASE_URL": SECRET, "TALAS_NATS_URL": SECRET}
    rows = {row.knob.name: row for row in explain(environ)}
    assert rows["TALAS_DATABASE_URL"].shown == "(set)"
    assert rows["TALAS_MASTER_KEY"].shown == "(not set)"
    assert SECRET not in repr(load(environ)) + str(load(environ))
    assert SECRET not in refused({"TALAS_MASTER_KEY": SECRET})
    assert SECRET not in refused({"TALAS_NATS_URL": SECRET + "\0"})


def test_setting_is_shown_as_it_would_be_set() -> None:
    environ = {"TALAS_DEMO": "1", "TALAS_ORIGINS": "https://a,https://b"}
    shown = {row.knob.name: row.shown for row in explain(environ)}
    assert shown["TALAS_DEMO"] == "true"
    assert shown["TALAS_ORIGINS"] == "https://a,https://b"
    assert shown["TALAS_API_PORT"] == "8080"
    again = {name: text for name, text in shown.items() if not BY_NAME[name].secret}
    assert load(again) == load(environ)


def test_child_process_sees_the_same_settings(tmp_path: Path) -> None:
    settings = load({"TALAS_DEMO": "yes", "TALAS_ORIGINS": "https://a,https://b",
                     "TALAS_MASTER_KEY": "ab" * 32, "TALAS_SHUTDOWN_SECONDS": "0.25"})  # fmt: skip
    assert load(environment(settings)) == settings
    assert set(environment(settings)) == set(BY_NAME)


@pytest.mark.parametrize("sender", ["", "nobody", "a@b@c", "Talas <radio@talas.example>"])
def test_mail_needs_an_address_to_come_from(sender: str) -> None:
    environ = {"TALAS_SMTP_URL": "smtp://localhost", "TALAS_MAIL_FROM": sender}
    assert "TALAS_MAIL_FROM" in refused(environ)
    assert load(environ | {"TALAS_MAIL_FROM": "radio@talas.example"}).mail_from


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        load({}).host = "x"  # type: ignore[misc]
    assert isinstance(load({}), msgspec.Struct)


def test_path_of_a_setting_is_absolute_and_knows_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert load({"TALAS_DATA_DIR": "~/data"}).data_dir == Path("/home/someone/data")


def test_setting_s_sentence_tells_its_bounds() -> None:
    assert BY_NAME["TALAS_CHAT_QUEUE_BYTES"].description.endswith("; 16384 to 16777216 bytes")
    assert BY_NAME["TALAS_CHAT_SOCKETS"].description.endswith("; 1 to 1000000")
    assert BY_NAME["TALAS_API_PORT"].description.endswith("; 1 to 65535")
    assert BY_NAME["TALAS_SHUTDOWN_SECONDS"].description.endswith("0.1 to 600 seconds")
    assert "one of auto, json, console" in BY_NAME["TALAS_LOG_FORMAT"].description
    unit_only = msgspec.structs.replace(BY_NAME["TALAS_SESSION_DAYS"], low=None, high=None)
    assert unit_only.description.endswith("; in days")
