"""`auth`: sign in, or show a fresh token."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from talas_api.chat.codes import Close
from talas_api.chat.limits import TOKEN_CHARACTERS
from talas_api.chat.replies import AuthOk, Reply, failure
from talas_api.chat.requests.base import Request, Verb
from talas_api.chat.requests.client import Client
from talas_core.errors import TooMany, Unauthorized

Token = Annotated[
    str, Meta(min_length=1, max_length=TOKEN_CHARACTERS, description="must be an access token")
]


class Auth(Request, frozen=True, tag="auth"):
    """Sign in, or show a fresh token."""

    token: Token


async def answer(client: Client, request: Auth) -> Reply | None:
    """Signs the socket in. One that is somebody's stays theirs; one too many is closed."""
    person = await client.shared.people.sign_in(request.token)
    if client.person is not None and client.person.sender.id != person.sender.id:
        raise Unauthorized("This socket is somebody else's.")
    try:
        client.shared.admit(client, person)
    except TooMany as error:
        client.say(failure(error, request.ref))
        client.line.close(Close.TOO_MANY)
        return None
    if client.person is None:
        client.trust()
    client.person = person
    return AuthOk(user=person.sender, ref=request.ref)


VERB = Verb(Auth, answer)
