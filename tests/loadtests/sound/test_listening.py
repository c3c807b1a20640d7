"""A connection, from the request to the last byte."""

from __future__ import annotations

import pytest

from loadtests.results import Tally
from loadtests.sound.listening import Listening

FRAME = b"\xff\xfb\x94\x00" + bytes(380)
HEAD = b"HTTP/1.1 200 OK\r\nIcy-BR: 128\r\n\r\n"


def connection(coding: str = "mp3", titles: bool = False) -> Listening:
    return Listening("demo", coding, titles, 100.0)


def reported(listening: Listening) -> dict[str, float]:
    tally = Tally()
    listening.report(tally)
    return tally.snapshot().sums


def test_listener_asks_for_its_coding_and_for_titles_if_wanted() -> None:
    assert b"GET /demo.mp3 HTTP/1.1\r\nHost: h:1\r\n" in connection().request("h:1")
    assert b"Icy-MetaData: 1\r\n\r\n" in connection(titles=True).request("h")
    assert b"Icy" not in connection("opus", titles=True).request("h")


@pytest.mark.parametrize("cut", [1, 20, 10_000])
def test_first_sound_is_found_however_the_bytes_are_cut(cut: int) -> None:
    listening, data = connection(), HEAD + FRAME * 2
    results = [
        result
        for at in range(0, len(data), cut)
        for result in listening.receive(data[at : at + cut], 100.25)
    ]
    assert [(result.name, result.ms, result.problem) for result in results] == [
        ("mp3 first sound", 250.0, "")
    ]


def test_windows_tell_the_longest_gap_and_the_bytes() -> None:
    listening = connection()
    listening.receive(HEAD, 100.0)
    results = [
        result
        for n in range(1, 45)
        for result in listening.receive(FRAME * 10, 100 + n / 4 + (0.2 if n == 10 else 0))
    ]
    gaps = [result for result in results if "gap" in result.name]
    assert [round(gap.ms) for gap in gaps] == [450, 250]
    assert gaps[0].size == 21 * 3840
    last = listening.left(111.2)
    assert (len(last), last[0].problem) == (1, "")
    sums = reported(listening)
    assert sums["audio.mp3.sound_seconds"] == pytest.approx(0.24 * 39)
    assert sums["audio.mp3.expected_bytes"] == pytest.approx(16000 * 9.75)
    assert sums["audio.connections"] == 1


def test_titles_are_taken_out_of_the_audio() -> None:
    listening = connection(titles=True)
    block = b"\x02" + b"StreamTitle='Ada';".ljust(32, b"\0")
    head = b"HTTP/1.1 200 OK\r\nicy-metaint: 384\r\n\r\n"
    results = listening.receive(head + FRAME + block + FRAME + b"\0" + FRAME, 101.0)
    assert results[0].name == "mp3+icy first sound"
    sums = reported(listening)
    assert sums["audio.titles"] == 1
    assert sums["audio.damaged_bytes"] == 0


@pytest.mark.parametrize(
    ("titles", "data", "problem"),
    [
        (False, b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "answered 503 Service Unavailable"),
        (True, HEAD, "no icy-metaint where titles were asked for"),
        (True, b"HTTP/1.1 200 OK\r\nicy-metaint: 0\r\n\r\n", "no icy-metaint where titles were"),
        (False, b"x" * 20_000, "a head without an end"),
    ],
)
def test_answer_of_another_kind_is_a_failure(titles: bool, data: bytes, problem: str) -> None:
    listening = connection(titles=titles)
    results = listening.receive(data, 100.1)
    assert results[0].problem.startswith(problem)
    assert listening.over


def test_stream_that_ends_early_is_a_failure() -> None:
    listening = connection()
    listening.receive(HEAD + FRAME * 3, 100.1)
    assert [result.problem for result in listening.ended(101)] == ["", "the stream ended"]
    silent = connection()
    assert silent.ended(101)[0].problem == "closed before any sound"


def test_stream_without_an_announced_rate_reports_no_pace() -> None:
    listening = connection()
    listening.receive(b"HTTP/1.1 200 OK\r\n\r\n", 100)
    for n in range(30):
        listening.receive(FRAME * 10, 100 + n / 4)
    assert "audio.mp3.bytes" not in reported(listening)
    assert reported(connection())["audio.connections"] == 1
