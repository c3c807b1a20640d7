from datetime import timedelta

import msgspec

from talas_api.identity.keys.values import Jwk, Jwks, StoredKey
from talas_core.clock import FakeClock

NOW = FakeClock().now()


def test_a_key_signs_between_its_times() -> None:
    second = timedelta(seconds=1)
    key = StoredKey("k", b"", b"", NOW, NOW, NOW + timedelta(days=1))
    assert not key.signs(NOW - second)
    assert key.signs(NOW)
    assert key.signs(NOW + timedelta(days=1) - second)
    assert not key.signs(NOW + timedelta(days=1))


def test_a_key_without_an_end_signs_on() -> None:
    assert StoredKey("k", b"", b"", NOW, NOW).signs(NOW + timedelta(days=10_000))


def test_a_published_key_is_as_rfc_8037_writes_it() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Jwks((Jwk("k", "AA"),)))) == {
        "keys": [
            {"kid": "k", "x": "AA", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
        ]
    }
