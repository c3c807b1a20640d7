"""The route table: every address of the API port and the chat port, from those of the features."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from talas_api.admin import handlers as admin_http
from talas_api.admin.service import Administration
from talas_api.audit import handlers as audit_http
from talas_api.audit.service import Audit
from talas_api.chat import handlers as chat_http
from talas_api.chat.service import Chat
from talas_api.identity.accounts import handlers as accounts_http
from talas_api.identity.accounts.service import Accounts
from talas_api.identity.accounts.signin import SignIn
from talas_api.identity.addresses import handlers as addresses_http
from talas_api.identity.addresses.service import Addresses
from talas_api.identity.factors import handlers as factors_http
from talas_api.identity.factors.service import Factors
from talas_api.identity.keys import handlers as keys_http
from talas_api.identity.keys.service import Keys
from talas_api.identity.recovery import handlers as recovery_http
from talas_api.identity.recovery.service import Recovery
from talas_api.identity.sessions import handlers as sessions_http
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.tokens import handlers as tokens_http
from talas_api.identity.tokens.making import TokenMaking
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.request.route import Table, plain
from talas_api.rooms import handlers as rooms_http
from talas_api.rooms.service import Rooms
from talas_api.stations import handlers as stations_http
from talas_api.stations.service import Stations

PLAIN = {
    "/": "Shows the page.",
    "/site/{version}/{name:.+}": "Gives a file of the page.",
    "/api/openapi.json": "Describes the API in OpenAPI.",
    "/api/docs": "Shows that description to people.",
    "/api/docs/{name}": "Gives a file of that page.",
    "/health": "Tells whether the service does its job.",
    "/ready": "Tells whether every part of it works.",
    "/ws": "Opens a socket to chat; its token comes in a frame.",
}
"""What stands outside the envelope, in one sentence each."""


def routes(
    *,
    accounts: Accounts,
    sign_in: SignIn,
    recovery: Recovery,
    factors: Factors,
    addresses: Addresses,
    sessions: Sessions,
    stations: Stations,
    keys: Keys,
    rooms: Rooms,
    chat: Chat,
    audit: Audit,
    tokens: PersonalTokens,
    making: TokenMaking,
    administration: Administration,
) -> Table:
    """The rows under /api, and the keys."""
    return [
        *accounts_http.routes(accounts, sign_in),
        *recovery_http.routes(recovery),
        *addresses_http.routes(addresses),
        *factors_http.routes(factors),
        *sessions_http.routes(sessions),
        *stations_http.routes(stations),
        *keys_http.routes(keys),
        *rooms_http.routes(rooms),
        *chat_http.routes(chat, stations),
        *audit_http.routes(audit),
        *tokens_http.routes(tokens, making),
        *admin_http.routes(administration),
    ]


def outside(definitions: Sequence[web.RouteDef]) -> Table:
    """The rows of what stands outside the envelope."""
    return [plain(one, PLAIN[one.path]) for one in definitions]
