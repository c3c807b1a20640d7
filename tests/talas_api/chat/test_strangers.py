from talas_api.chat.strangers import Strangers


def test_strangers_are_counted_by_address_until_they_leave() -> None:
    strangers: Strangers[str] = Strangers()
    strangers.enter("one", "192.0.2.1")
    strangers.enter("two", "192.0.2.1")
    strangers.enter("three", "192.0.2.2")
    assert (strangers.of("192.0.2.1"), strangers.of("192.0.2.2")) == (2, 1)
    strangers.leave("one")
    strangers.leave("one")
    assert strangers.of("192.0.2.1") == 1


def test_an_address_whose_strangers_are_gone_is_forgotten() -> None:
    strangers: Strangers[str] = Strangers()
    strangers.enter("one", "192.0.2.1")
    strangers.leave("one")
    assert strangers.of("192.0.2.1") == 0
    assert not strangers._counts and not strangers._addresses
