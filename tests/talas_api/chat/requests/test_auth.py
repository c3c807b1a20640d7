from support.chat_kit import ChatKit


async def test_a_refused_token_may_be_followed_by_a_good_one(kit: ChatKit) -> None:
    guest = await kit.guest()
    assert (await guest.ask("auth", token="stranger"))["code"] == "unauthorized"
    assert (await guest.ask("auth", token="ada"))["type"] == "auth.ok"
    kit.village.away = True
    assert (await guest.ask("auth", token="ada"))["code"] == "unavailable"


async def test_socket_takes_no_token_of_another_person(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    assert (await guest.ask("auth", token="ada-2"))["type"] == "auth.ok"
    assert (await guest.ask("auth", token="bob"))["code"] == "unauthorized"
    assert guest.conversation.person is not None
    assert guest.conversation.person.sender.username == "ada"
