import pytest

from talas_api.identity.factors import qr, totp

FINDER = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
"""What a scanner looks for in three corners (ISO/IEC 18004, 6.3.3)."""


@pytest.mark.parametrize("text", ["a", totp.uri(bytes(20), "ann"), "x" * 400])
def test_qr_code_is_square_of_a_known_size_and_has_its_finders(text: str) -> None:
    rows = qr.modules(text)
    assert {len(row) for row in rows} == {len(rows)}
    assert len(rows) % 4 == 1 and 21 <= len(rows) <= 177
    assert set("".join(rows)) == {"0", "1"}
    assert [row[:7] for row in rows[:7]] == FINDER
    assert [row[-7:] for row in rows[:7]] == FINDER
    assert [row[:7] for row in rows[-7:]] == FINDER
