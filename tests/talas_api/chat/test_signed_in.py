from talas_api.chat.signed_in import SignedIn
from talas_api.chat.values import Person, Sender
from talas_core.ids import uuid7


def person(sender: Sender) -> Person:
    return Person(sender, uuid7(), 0.0)


def test_sockets_are_found_by_session_and_counted_by_person() -> None:
    ada, bob = Sender(uuid7(), "ada"), Sender(uuid7(), "bob")
    home, work, other = person(ada), person(ada), person(bob)
    sockets: SignedIn[str] = SignedIn()
    for socket, one in (("a", home), ("b", home), ("c", work), ("d", other)):
        sockets.enter(socket, one)
    assert sorted(sockets.of_session(home.sid)) == ["a", "b"]
    assert sockets.others("a", home) == 2
    assert sockets.others("new", other) == 1
    assert set(sockets.sessions()) == {home.sid, work.sid, other.sid}


def test_socket_that_left_is_forgotten() -> None:
    one = person(Sender(uuid7(), "ada"))
    sockets: SignedIn[str] = SignedIn()
    sockets.enter("a", one)
    sockets.leave("a")
    sockets.leave("a")
    assert sockets.of_session(one.sid) == []
    assert sockets.others("b", one) == 0
    assert not sockets.sessions()


def test_a_socket_may_go_on_in_another_session() -> None:
    ada = Sender(uuid7(), "ada")
    old, new = person(ada), person(ada)
    sockets: SignedIn[str] = SignedIn()
    sockets.enter("a", old)
    sockets.enter("a", new)
    assert sockets.of_session(old.sid) == []
    assert sockets.of_session(new.sid) == ["a"]
    assert sockets.others("a", new) == 0
