"""An aiohttp application with our rules built in.

Does:        give each request an id; refuse those for hosts that are not ours; turn errors into
             the envelope; answer CORS preflights; put the security headers on every answer; begin
             no change for a client that has left.
Never:       lets an exception's text, a traceback or a server version out.
Guarantees:  every answer, an error too, has X-Request-ID; an unforeseen exception is logged once
             under that id; an answer that fails midway is cut off, never followed by another.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from talas_core.errors import TalasError
from talas_core.telemetry.logs import logger
from talas_core.web.answers import failed, refusal
from talas_core.web.asking import asking, gone
from talas_core.web.headers import PRODUCT, SECURITY, Cors
from talas_core.web.host import ANY, Hosts
from talas_core.web.peer import PROXIES, Proxies

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
"""What is taken at one address or another: the answer to `OPTIONS *` (RFC 9110, section 9.3.7)."""
BODY_LIMIT = 64 * 1024
REQUEST_ID = web.RequestKey("request_id", str)
MORE_HEADERS = web.RequestKey("more_headers", dict[str, str])
"""What whoever sees the request on its way wants said on the answer, whatever that will be."""

_log = logger("web")


def application(
    *,
    cors: Cors,
    body_limit: int = BODY_LIMIT,
    proxies: Proxies | None = None,
    hosts: Hosts | None = None,
) -> web.Application:
    """An empty application: add routes to it. `body_limit` is in bytes; without `proxies` no
    header is believed about where a request comes from; without `hosts` it goes by any name."""
    names = hosts or Hosts([ANY])

    @web.middleware
    async def rules(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = request_id()
        try:
            names.check(request.headers.get(hdrs.HOST), request.raw_path)
            if request.method == hdrs.METH_OPTIONS and request.raw_path == "*":
                return web.Response(status=204, headers={hdrs.ALLOW: METHODS})
            if _is_preflight(request):
                return _preflight(request, cors)
            with asking(request):
                return await handler(request)
        except Exception as error:
            return _outcome(request, error)

    async def finish(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in (SECURITY | request.get(MORE_HEADERS, {})).items():
            headers.setdefault(name, value)
        # An `Expect` that nobody can meet is refused before the rules above have seen it.
        headers["X-Request-ID"] = request.get(REQUEST_ID) or request_id()
        headers[hdrs.SERVER] = PRODUCT
        if hdrs.UPGRADE in request.headers and response.status != 101:
            _close_after(response)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None:
            for name, value in cors.answer(origin).items():
                headers.setdefault(name, value)

    app = web.Application(middlewares=[rules], client_max_size=body_limit)
    app[PROXIES] = proxies or Proxies()
    app.on_response_prepare.append(finish)
    return app


def _close_after(response: web.StreamResponse) -> None:
    """Of what follows a head that asks for another protocol aiohttp knows no more what it is."""
    response.force_close()
    if "close" not in response.headers.get(hdrs.CONNECTION, "").lower():
        response.headers[hdrs.CONNECTION] = "close"


def request_id() -> str:
    """A fresh id for one request: 64 random bits in hex. A client's own is not taken over."""
    return secrets.token_hex(8)


def _is_preflight(request: web.Request) -> bool:
    headers = request.headers
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ORIGIN in headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in headers
    )


def _preflight(request: web.Request, cors: Cors) -> web.Response:
    """What a page of another origin may do with this path (Fetch standard, section 4.8)."""
    outcome = request.match_info.http_exception
    if isinstance(outcome, web.HTTPNotFound):
        return _http_failure(outcome)
    methods = outcome.allowed_methods if isinstance(outcome, web.HTTPMethodNotAllowed) else ()
    headers = cors.preflight(request.headers[hdrs.ORIGIN], methods)
    if headers is None:
        return failed(403, "origin_refused", "Pages of this origin may not use this service.")
    return web.Response(status=204, headers=headers)


def _outcome(request: web.Request, error: Exception) -> web.Response:
    """The answer to what a handler raised. Raises ConnectionError where none can be given."""
    if isinstance(error, ConnectionError) and gone(request.transport):
        raise error  # the client has left: there is nobody to answer and nothing to mend
    if isinstance(error, TalasError):
        answer = refusal(error)
    elif isinstance(error, web.HTTPException):
        answer = _http_failure(error)
    else:
        answer = failed(500, TalasError.code, "Something went wrong on our side.")
    if answer.status == 500:
        _log.error(
            "request failed", request_id=request[REQUEST_ID], path=request.path, exc_info=error
        )
    if request.writer.output_size > 0:
        # A second head would land inside the first answer's body: cut the connection instead.
        raise ConnectionError("an answer is already on its way") from error
    return answer


def _http_failure(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals, in our shape. Redirects pass through as what they are."""
    if error.status < 400:
        passed = {hdrs.LOCATION: error.headers[hdrs.LOCATION]}
        return web.Response(status=error.status, headers=passed)
    allow: dict[str, str] = {}
    if hdrs.ALLOW in error.headers:
        allow[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    code, message = _HTTP.get(error.status, ("refused", "The request was refused."))
    return failed(error.status, code, message, headers=allow)


_HTTP = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The body is over its limit."),
    415: ("unsupported_media", "A body of this kind is not taken here."),
}
