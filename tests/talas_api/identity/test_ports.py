from typing import get_type_hints

import pytest

from support.fakes import MemoryAccounts
from support.proofs import ToldPeople
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.ports import Notices, People
from talas_api.identity.recovery.service import Recovery


@pytest.mark.parametrize(
    ("port", "kinds"),
    [(People, (PostgresAccounts, MemoryAccounts)), (Notices, (Recovery, ToldPeople))],
)
def test_ports_are_met_by_the_real_thing_and_by_its_fake(
    port: type, kinds: tuple[type, ...]
) -> None:
    wanted = {name for name in vars(port) if not name.startswith("_")}
    for kind in kinds:
        assert wanted <= set(dir(kind)), kind
        for name in wanted:
            assert get_type_hints(getattr(kind, name)) == get_type_hints(getattr(port, name))
