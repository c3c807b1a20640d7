"""Who the users are."""

from __future__ import annotations

from pathlib import Path

from loadtests.people import People, read_tokens, somebody


def test_tokens_are_handed_out_round_and_round() -> None:
    people = People(["a", "b", "c"])
    taken = [people.token() for _ in range(6)]
    assert set(taken[:3]) == {"a", "b", "c"}
    assert taken[3:] == taken[:3]


def test_people_without_a_file_have_no_token() -> None:
    assert People([]).token() == ""


def test_tokens_are_read_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a\nb\n")
    assert read_tokens(str(tmp_path / "tokens")) == ["a", "b"]
    assert read_tokens("") == []


def test_made_up_person_is_always_another() -> None:
    one, other = somebody(), somebody()
    assert one.email != other.email
    assert len(one.username) <= 32
    assert len(one.password) >= 8
