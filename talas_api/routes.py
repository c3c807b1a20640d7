"""The table of every address of the API, joined from the features'."""

from __future__ import annotations

from aiohttp import web

from talas_api.accounts import handlers as accounts_http
from talas_api.accounts.service import Accounts
from talas_api.accounts.signin import SignIn
from talas_api.admin import handlers as admin_http
from talas_api.admin.service import Administration
from talas_api.audit import handlers as audit_http
from talas_api.audit.service import Audit
from talas_api.chat import handlers as chat_http
from talas_api.chat.service import Chat
from talas_api.factors import handlers as factors_http
from talas_api.factors.service import Factors
from talas_api.keys import handlers as keys_http
from talas_api.keys.service import Keys
from talas_api.recovery import handlers as recovery_http
from talas_api.recovery.service import Recovery
from talas_api.roles.permit import permit
from talas_api.rooms import handlers as rooms_http
from talas_api.rooms.service import Rooms
from talas_api.sessions import handlers as sessions_http
from talas_api.sessions.gate import gate
from talas_api.sessions.service import Sessions
from talas_api.stations import handlers as stations_http
from talas_api.stations.service import Stations
from talas_api.tokens import handlers as tokens_http
from talas_api.tokens.making import TokenMaking
from talas_api.tokens.service import PersonalTokens


def routes(
    *,
    accounts: Accounts,
    sign_in: SignIn,
    recovery: Recovery,
    factors: Factors,
    sessions: Sessions,
    stations: Stations,
    keys: Keys,
    rooms: Rooms,
    chat: Chat,
    audit: Audit,
    tokens: PersonalTokens,
    making: TokenMaking,
    administration: Administration,
) -> list[web.RouteDef]:
    """All but health, which every port has."""
    guard = gate(sessions, tokens)
    staff = permit(guard, audit)
    return [
        *accounts_http.routes(accounts, sign_in, guard),
        *recovery_http.routes(recovery, guard),
        *factors_http.routes(factors, accounts, guard),
        *sessions_http.routes(sessions, sign_in, guard),
        *stations_http.routes(stations, guard),
        *keys_http.routes(keys),
        *rooms_http.routes(rooms, guard),
        *chat_http.routes(chat, stations, guard),
        *audit_http.routes(audit, staff),
        *tokens_http.routes(tokens, making, guard),
        *admin_http.routes(administration, staff),
    ]
