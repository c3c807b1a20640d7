"""Addresses of NATS that say whose process must be there."""

from __future__ import annotations

import pytest

from talas_core.bus.address import owned, promised_owner


def test_owner_in_a_bus_address_is_read_again() -> None:
    assert promised_owner(owned("nats://token@127.0.0.1:4222", 1000)) == 1000
    assert promised_owner("nats://token@127.0.0.1:4222") is None
    assert promised_owner("nats://token@127.0.0.1:4222?") is None


@pytest.mark.parametrize("query", ["owner=me", "owner", "owner=", "ca=/a", "owner=1&ca=/a"])
def test_malformed_owner_in_a_bus_address_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        promised_owner(f"nats://127.0.0.1:4222?{query}")
