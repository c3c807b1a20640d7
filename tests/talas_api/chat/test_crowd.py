from talas_api.chat.crowd import Crowd
from talas_api.chat.values import Person, Sender
from talas_core.ids import uuid7


def person(sender: Sender) -> Person:
    return Person(sender, uuid7(), 0.0)


def test_sockets_are_found_by_session_and_counted_by_person() -> None:
    ada, bob = Sender(uuid7(), "ada"), Sender(uuid7(), "bob")
    home, work, other = person(ada), person(ada), person(bob)
    crowd: Crowd[str] = Crowd()
    for socket, one in (("a", home), ("b", home), ("c", work), ("d", other)):
        crowd.enter(socket, one)
    assert sorted(crowd.of_session(home.sid)) == ["a", "b"]
    assert crowd.others("a", home) == 2
    assert crowd.others("new", other) == 1
    assert set(crowd.sessions()) == {home.sid, work.sid, other.sid}


def test_who_left_is_forgotten() -> None:
    one = person(Sender(uuid7(), "ada"))
    crowd: Crowd[str] = Crowd()
    crowd.enter("a", one)
    crowd.leave("a")
    crowd.leave("a")
    assert crowd.of_session(one.sid) == []
    assert crowd.others("b", one) == 0
    assert not crowd.sessions()


def test_a_socket_may_go_on_in_another_session() -> None:
    ada = Sender(uuid7(), "ada")
    old, new = person(ada), person(ada)
    crowd: Crowd[str] = Crowd()
    crowd.enter("a", old)
    crowd.enter("a", new)
    assert crowd.of_session(old.sid) == []
    assert crowd.of_session(new.sid) == ["a"]
    assert crowd.others("a", new) == 0
