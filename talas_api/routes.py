"""The table of every address of the API, joined from the features'."""

from __future__ import annotations

from aiohttp import web

from talas_api.accounts import handlers as accounts_http
from talas_api.accounts.service import Accounts
from talas_api.chat import handlers as chat_http
from talas_api.chat.reading import Reader
from talas_api.keys import handlers as keys_http
from talas_api.keys.service import Keys
from talas_api.rooms import handlers as rooms_http
from talas_api.rooms.service import Rooms
from talas_api.sessions import handlers as sessions_http
from talas_api.sessions.gate import gate
from talas_api.sessions.service import Sessions
from talas_api.stations import handlers as stations_http
from talas_api.stations.service import Stations


def routes(
    *,
    accounts: Accounts,
    sessions: Sessions,
    stations: Stations,
    keys: Keys,
    rooms: Rooms,
    reader: Reader,
) -> list[web.RouteDef]:
    """All but health, which every port has."""
    guard = gate(sessions)
    return [
        *accounts_http.routes(accounts, guard),
        *sessions_http.routes(sessions, accounts, guard),
        *stations_http.routes(stations, guard),
        *keys_http.routes(keys),
        *rooms_http.routes(rooms, guard),
        *chat_http.routes(reader, guard),
    ]
