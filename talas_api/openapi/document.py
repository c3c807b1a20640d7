"""The OpenAPI document: what the route table says, in a form that tools read.

Does:        describe every row: its address, who may use it, what it takes and gives, how it
             refuses.
Never:       says what the table does not: there is no second list to keep.
Guarantees:  the same table gives the same document; struct names are unique in it.
Source:      OpenAPI 3.1.0, whose schemas are JSON Schema 2020-12; RFC 6750 for bearer tokens
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from talas_api.request.access import Permission, Scope
from talas_api.request.route import Open, Route, Table

VERSION = "3.1.0"
UNDER = "/api/"
"""What is documented, and stands in the envelope."""
KEYS = "/.well-known/jwks.json"
"""What is documented too, and stands in none (RFC 7517)."""
BEARER = "bearer"
SCHEMAS = "#/components/schemas/"
JSON = "application/json"
JWK_SET = "application/jwk-set+json"

Json = dict[str, Any]

REFUSALS = {
    400: "The request is not what this takes; `fields` names what is wrong.",
    401: "No sign-in, or one that has ended.",
    403: "The sign-in does not allow this.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "Something that is there already is in the way.",
    413: "The body is too large.",
    415: "The body is not declared as JSON in UTF-8.",
    421: "The request is for a host that is not this server's.",
    429: "Too many; `Retry-After` says when to come back.",
    500: "Something went wrong on the server's side.",
    503: "Not now; `Retry-After` says when to come back.",
}
"""What each status says when it refuses."""

EVERYWHERE = (408, 421, 429, 500, 503)
_NAME = re.compile(r"{(\w+)}")
_IN_PATH = {
    "id": {"type": "string", "format": "uuid"},
    "slug": {"type": "string", "description": "A station's name in addresses."},
}


class Failure(msgspec.Struct, frozen=True):
    """What went wrong: a word for programs, a sentence for people, and what is wrong with which
    field, where single ones are at fault."""

    code: str
    message: str
    fields: Mapping[str, str] | msgspec.UnsetType = msgspec.UNSET


def document(table: Table, version: str) -> Json:
    """The document of the rows that are the API's, of Talas at `version`."""
    rows = [row for row in table if row.path.startswith(UNDER) or row.path == KEYS]
    kinds, components = _schemas(rows)
    paths: dict[str, Json] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, kinds, components)
    described: Json = {
        "openapi": VERSION,
        "info": {
            "title": "Talas",
            "version": version,
            "description": "Accounts, stations, rooms and what was said in them. Chat itself is a "
            "WebSocket, audio a port of its own.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({_tag(row) for row in rows})],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _refusal(said) for status, said in REFUSALS.items()},
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of `POST /api/auth/login`, or a personal token "
                    "that has the scope.",
                }
            },
        },
    }
    built: Json = _plain(msgspec.to_builtins(described))
    return built


def _plain(value: Any) -> Any:
    """JSON values as they are, but for patterns, which JSON Schema wants in ECMA-262's dialect: ^
    and $ for the ends that Python calls \\A and \\Z."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(one) for name, one in value.items()}
    if isinstance(pattern := plain.get("pattern"), str):
        plain["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
    return plain


def _schemas(rows: Table) -> tuple[dict[Any, Json], dict[str, Json]]:
    """The schema of each struct that a row names, and those that these refer to, by name."""
    named = (kind for row in rows for kind in (row.body, row.query, row.gives, row.meta))
    kinds = list(dict.fromkeys(kind for kind in named if kind is not None))
    found, components = msgspec.json.schema_components(
        [*kinds, Failure], ref_template=SCHEMAS + "{name}"
    )
    return dict(zip(kinds, found, strict=False)), components


def _operation(row: Route[Any, Any], kinds: Mapping[Any, Json], components: Json) -> Json:
    told: Json = {
        "operationId": f"{row.method.lower()}{_words(row.path)}",
        "summary": row.summary,
        "tags": [_tag(row)],
    }
    if parameters := [*_in_path(row), *_in_query(row, kinds, components)]:
        told["parameters"] = parameters
    if row.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": kinds[row.body]}}}
    told["security"] = [] if row.access is Open.PUBLIC else [{BEARER: []}]
    if row.access is not Open.PUBLIC:
        told["description"] = _who(row)
    refused = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in _refusals(row)
    }
    told["responses"] = {str(row.status): _success(row, kinds), **refused}
    return told


def _who(row: Route[Any, Any]) -> str:
    """Who may use it, as a sentence."""
    match row.access:
        case Scope():
            return f"For everybody who is signed in; a personal token needs `{row.access.value}`."
        case Permission():
            return f"For people whose role has `{row.access.value}`."
        case _:
            return "For everybody who is signed in; no personal token."


def _in_path(row: Route[Any, Any]) -> Iterable[Json]:
    for name in _NAME.findall(row.path):
        yield {"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]}


def _in_query(row: Route[Any, Any], kinds: Mapping[Any, Json], components: Json) -> Iterable[Json]:
    if row.query is None:
        return
    schema = components[kinds[row.query]["$ref"].removeprefix(SCHEMAS)]
    for name, member in schema["properties"].items():
        required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": _said(member)}


def _said(member: Json) -> Json:
    """The schema of what an address may say: no null, for which the name is left out."""
    choices = [one for one in member.get("anyOf", ()) if one.get("type") != "null"]
    if not choices:
        return member
    kept = {key: value for key, value in member.items() if key not in ("anyOf", "default")}
    return {**kept, **choices[0]} if len(choices) == 1 else {**kept, "anyOf": choices}


def _refusals(row: Route[Any, Any]) -> list[int]:
    """The statuses by which the row may refuse."""
    found = set(EVERYWHERE)
    if row.body is not None or row.query is not None:
        found.add(400)
    if row.body is not None:
        found |= {401, 403, 404, 409, 413, 415}
    if row.access is not Open.PUBLIC:
        found |= {401, 403}
    if "{" in row.path:
        found |= {403, 404, 409}
    return sorted(found)


def _success(row: Route[Any, Any], kinds: Mapping[Any, Json]) -> Json:
    if row.status == 204:
        return {"description": "Done; there is nothing to say."}
    schema: Json = kinds[row.gives] if row.gives is not None else {}
    kind = JWK_SET
    if row.path != KEYS:
        kind = JSON
        schema = _envelope({"success": {"const": True}, "data": schema})
        if row.meta is not None:
            schema["properties"]["meta"] = kinds[row.meta]
    return {"description": "It worked.", "content": {kind: {"schema": schema}}}


def _refusal(said: str) -> Json:
    schema = _envelope({"success": {"const": False}, "error": {"$ref": f"{SCHEMAS}Failure"}})
    return {"description": said, "content": {JSON: {"schema": schema}}}


def _envelope(members: Json) -> Json:
    return {"type": "object", "properties": members, "required": list(members)}


def _tag(row: Route[Any, Any]) -> str:
    """The feature that a row belongs to: the first word behind /api."""
    return "keys" if row.path == KEYS else row.path.split("/")[2]


def _words(path: str) -> str:
    """An address as one word: `/api/stations/{slug}` is `_stations_slug`."""
    return "".join(f"_{word}" for word in re.findall(r"\w+", path.removeprefix(UNDER)))
