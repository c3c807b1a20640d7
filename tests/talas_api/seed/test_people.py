import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from talas_api.seed.people import people, person_id, sessions, write_tokens
from talas_core.errors import UsageError

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_person_is_the_same_in_every_run() -> None:
    assert list(people(3)) == list(people(3))
    assert [row[0] for row in people(3)] == [person_id(1), person_id(2), person_id(3)]
    assert person_id(5).version == 7


def test_each_person_has_a_session() -> None:
    rows = list(sessions(3, NOW, NOW + timedelta(days=1)))
    assert [row[1] for row in rows] == [person_id(1), person_id(2), person_id(3)]
    assert len({row[2] for row in rows}) == 3


def test_token_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("something older and longer than the tokens\n")
    path.chmod(0o644)
    write_tokens(path, ["a", "b"])
    assert path.read_text() == "a\nb\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_token_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        write_tokens(tmp_path / "nowhere" / "tokens", ["a"])
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(UsageError, match="link"):
        write_tokens(tmp_path / "link", ["a"])
    assert not (tmp_path / "target").exists()
