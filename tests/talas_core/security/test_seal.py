import pytest

from talas_core.security.seal import MARK_BYTES, Sealer, Unsealable

KEY = "ab" * 32


def test_sealed_value_opens_with_its_key_and_context() -> None:
    sealed = Sealer(KEY).seal(b"secret", b"what for")
    assert b"secret" not in sealed
    assert Sealer(KEY).open(sealed, b"what for") == b"secret"


def test_value_sealed_twice_differs() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal(b"secret", b"") != sealer.seal(b"secret", b"")


@pytest.mark.parametrize("place", [0, 12, -1])
def test_altered_sealed_value_does_not_open(place: int) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"secret", b""))
    sealed[place] ^= 1
    with pytest.raises(Unsealable):
        Sealer(KEY).open(bytes(sealed), b"")


def test_sealed_value_does_not_open_with_another_key_or_context() -> None:
    sealed = Sealer(KEY).seal(b"secret", b"one")
    with pytest.raises(Unsealable):
        Sealer("cd" * 32).open(sealed, b"one")
    with pytest.raises(Unsealable):
        Sealer(KEY).open(sealed, b"two")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_too_short_a_sealed_value_does_not_open(length: int) -> None:
    with pytest.raises(Unsealable):
        Sealer(KEY).open(b"x" * length, b"")


def test_derived_bytes_are_the_same_each_time_and_need_the_key() -> None:
    sealer = Sealer(KEY)
    assert sealer.follow(b"value") == Sealer(KEY).follow(b"value")
    assert len(sealer.follow(b"value")) == 32
    others = (sealer.follow(b"other"), Sealer("cd" * 32).follow(b"value"))
    assert sealer.follow(b"value") not in others
    assert sealer.mark(b"value") not in sealer.follow(b"value")


def test_a_mark_is_ours_only_for_its_value_and_key() -> None:
    mark = Sealer(KEY).mark(b"value")
    assert len(mark) == MARK_BYTES
    assert Sealer(KEY).is_ours(b"value", mark)
    assert not Sealer(KEY).is_ours(b"other", mark)
    assert not Sealer("cd" * 32).is_ours(b"value", mark)
    assert not Sealer(KEY).is_ours(b"value", b"")
