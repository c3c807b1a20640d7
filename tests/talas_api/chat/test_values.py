from talas_api.chat.values import NonceReused
from talas_core.errors import Conflict


def test_a_reused_nonce_is_a_conflict_with_a_code_of_its_own() -> None:
    error = NonceReused("That nonce has another text.")
    assert isinstance(error, Conflict)
    assert (error.code, error.status) == ("nonce_reused", 409)
