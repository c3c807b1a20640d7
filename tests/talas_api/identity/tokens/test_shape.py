import base64
import hashlib
from uuid import UUID

import pytest

from talas_api.identity.sessions import refresh
from talas_api.identity.tokens import shape
from talas_core.errors import Unauthorized
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer
from talas_core.web.bearer import bearer

SEALER = Sealer("ab" * 32)


def test_personal_token_names_its_id_and_is_known_by_its_hash() -> None:
    token_id = uuid7()
    token, token_hash = shape.issue(token_id, SEALER)
    assert shape.read(token, SEALER) == shape.Presented(token_id, token_hash)
    assert token.startswith("talas_pat_")
    assert bearer({"Authorization": f"Bearer {token}"}) == token


@pytest.mark.checklist(7)
def test_personal_token_has_128_random_bits() -> None:
    token_id = uuid7()
    raws = {shape.issue(token_id, SEALER)[0] for _ in range(100)}
    assert len(raws) == 100
    raw = base64.urlsafe_b64decode(raws.pop().removeprefix("talas_pat_"))
    assert len(raw) == 16 + 16 + 16


@pytest.mark.parametrize("position", [10, 31, 32, 52, 53, 73])
def test_personal_token_with_a_changed_character_is_refused(position: int) -> None:
    token, _ = shape.issue(uuid7(), SEALER)
    other = "A" if token[position] != "A" else "B"
    with pytest.raises(Unauthorized):
        shape.read(token[:position] + other + token[position + 1 :], SEALER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "talas_pat_",
        "talas_pat_" + "A" * 64,
        "talas_pat_" + "A" * 63,
        "talas_pat_" + "A" * 68,
        "talas_pat_" + "é" * 64,
        "talas_pat_" + "=" * 64,
        "talas_pat_\n" + "A" * 64,
        "a.b.c",
    ],
)
def test_malformed_personal_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthorized):
        shape.read(text, SEALER)


def test_personal_token_without_its_prefix_or_with_two_is_refused() -> None:
    token, _ = shape.issue(uuid7(), SEALER)
    for text in (token.removeprefix("talas_pat_"), "talas_pat_" + token, f"{token}=", f"{token}\n"):
        with pytest.raises(Unauthorized):
            shape.read(text, SEALER)


def test_personal_token_of_another_master_key_is_refused() -> None:
    with pytest.raises(Unauthorized):
        shape.read(shape.issue(uuid7(), Sealer("cd" * 32))[0], SEALER)


def test_mark_of_another_kind_does_not_pass_for_a_personal_token() -> None:
    body = uuid7().bytes + bytes(16)
    raw = body + SEALER.mark(body)
    with pytest.raises(Unauthorized):
        shape.read("talas_pat_" + base64.urlsafe_b64encode(raw).decode(), SEALER)
    with pytest.raises(Unauthorized):
        refresh.read(shape.issue(uuid7(), SEALER)[0], SEALER)


def test_hash_of_a_personal_token_is_sha_256_of_all_its_bytes() -> None:
    token, token_hash = shape.issue(UUID(int=1), SEALER)
    raw = base64.urlsafe_b64decode(token.removeprefix("talas_pat_"))
    assert token_hash == hashlib.sha256(raw).digest()
