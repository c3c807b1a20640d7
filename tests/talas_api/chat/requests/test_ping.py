from support.chat_kit import ChatKit


async def test_a_ping_is_answered_with_its_ref_before_the_sign_in_too(kit: ChatKit) -> None:
    guest = await kit.guest()
    assert await guest.ask("ping", ref=7) == {"type": "pong", "ref": 7}
