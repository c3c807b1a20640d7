"""The table of options, on locust's own parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from locust.argument_parser import get_empty_argument_parser

from loadtests import options
from loadtests.limits import LIMITS
from loadtests.options import OPTIONS, Wishes, read_mix, wishes


def wished(*arguments: str) -> Wishes:
    parser = get_empty_argument_parser()
    options.add_to(parser)
    return wishes(parser.parse_args(list(arguments)))


def test_options_have_the_defaults_of_their_rows() -> None:
    found = wished()
    assert found.mix == {"api": 3, "chat": 4, "listen": 5}
    assert found.formats == ("mp3", "aac", "opus")
    assert (found.stations, found.sign_ups) == (("demo",), 1)
    assert found.icy_share == 0.2
    assert found.bounds["gap"] == 1500


def test_options_come_from_arguments_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD_CHAT_WAIT", "0.5")
    found = wished("--crowd", "storm", "--formats", " opus ", "--limit-gap", "7", "--mix", "chat=1")
    assert (found.crowd, found.formats, found.chat_wait) == ("storm", ("opus",), 0.5)
    assert found.bounds["gap"] == 7
    assert found.mix == {"chat": 1}


def test_list_of_stations_is_taken_apart() -> None:
    assert wished("--station", "demo, live").stations == ("demo", "live")


@pytest.mark.parametrize("mix", ["", "api=0", "api", "api=x", "api=-1", "dj=1", "api=1;chat=2"])
def test_a_mix_that_makes_no_sense_is_refused(mix: str) -> None:
    with pytest.raises(ValueError, match="--mix"):
        read_mix(mix)


@pytest.mark.parametrize(
    "arguments",
    [("--formats", "flac"), ("--formats", ""), ("--api-wait", "0"), ("--chat-wait", "-1"),
     ("--storm-every", "0"), ("--room-size", "0"), ("--station", ","), ("--sign-ups", "-1")],
)  # fmt: skip
def test_values_that_make_no_sense_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=arguments[0]):
        wished(*arguments)


def test_the_readme_names_every_option_and_limit() -> None:
    readme = (Path(options.__file__).parent / "README.md").read_text()
    names = [f"--{option.name}" for option in OPTIONS] + [limit.option for limit in LIMITS]
    assert [name for name in names if f"`{name}`" not in readme] == []
