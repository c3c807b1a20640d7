"""The OpenAPI document, made of a table of a few rows and of the one that is served."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from openapi_spec_validator import validate

from talas_api.openapi.document import KEYS, document
from talas_api.request.access import Permission, Scope
from talas_api.request.route import Call, Open, Route, Table


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody wants."""

    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z]+\Z", max_length=8)]
    kinds: tuple[str, ...] = ("a", "b")


class Page(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5
    after: str | None = None


class Thing(msgspec.Struct):
    """What there is."""

    name: str


class More(msgspec.Struct):
    next: str | None


async def handler(call: Call[Any]) -> None: ...


TABLE: Table = [
    Route("POST", "/api/things", handler, "Makes one.", Scope.STATIONS_WRITE,
          body=Wish, gives=Thing, status=201),
    Route("GET", "/api/things", handler, "Lists them.", query=Page, gives=list[Thing], meta=More),
    Route("DELETE", "/api/things/{slug}", handler, "Removes one.", Open.SIGNED_IN, status=204),
    Route("GET", "/api/admin/log", handler, "Shows the log.", Permission.READ_AUDIT, gives=Thing),
    Route("GET", KEYS, handler, "Gives the keys.", gives=Thing),
    Route("GET", "/health", handler, "Tells how it is."),
]  # fmt: skip


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(TABLE, "1.2.3")


def test_document_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)
    assert (described["openapi"], described["info"]["version"]) == ("3.1.0", "1.2.3")


def test_document_has_the_rows_of_the_api_and_no_other(described: dict[str, Any]) -> None:
    assert list(described["paths"]) == [
        "/api/things", "/api/things/{slug}", "/api/admin/log", KEYS,
    ]  # fmt: skip
    assert list(described["paths"]["/api/things"]) == ["post", "get"]


def test_answers_are_described_in_their_envelope_and_keys_without(
    described: dict[str, Any],
) -> None:
    listed = described["paths"]["/api/things"]["get"]["responses"]["200"]["content"]
    schema = listed["application/json"]["schema"]
    assert schema["required"] == ["success", "data"]
    assert schema["properties"]["data"] == {
        "type": "array", "items": {"$ref": "#/components/schemas/Thing"},
    }  # fmt: skip
    assert schema["properties"]["meta"] == {"$ref": "#/components/schemas/More"}
    keys = described["paths"][KEYS]["get"]["responses"]["200"]["content"]
    assert keys == {"application/jwk-set+json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    assert "content" not in described["paths"]["/api/things/{slug}"]["delete"]["responses"]["204"]


def test_who_may_use_a_row_is_said(described: dict[str, Any]) -> None:
    paths = described["paths"]
    assert paths["/api/things"]["get"]["security"] == []
    made = paths["/api/things"]["post"]
    assert made["security"] == [{"bearer": []}]
    assert "stations:write" in made["description"]
    assert "audit.read" in paths["/api/admin/log"]["get"]["description"]
    assert "no personal token" in paths["/api/things/{slug}"]["delete"]["description"]


def test_parameters_of_the_address_have_no_null(described: dict[str, Any]) -> None:
    limit, after = described["paths"]["/api/things"]["get"]["parameters"]
    assert (limit["name"], limit["in"], limit["required"]) == ("limit", "query", False)
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}
    assert after["schema"] == {"type": "string"}
    (slug,) = described["paths"]["/api/things/{slug}"]["delete"]["parameters"]
    assert (slug["name"], slug["in"], slug["required"]) == ("slug", "path", True)


def test_patterns_are_in_the_dialect_of_json_schema(described: dict[str, Any]) -> None:
    wish = described["components"]["schemas"]["Wish"]
    assert wish["properties"]["name"]["pattern"] == "^[a-z]+$"
    assert wish["properties"]["kinds"]["default"] == ["a", "b"]
    assert wish["additionalProperties"] is False


def test_every_operation_says_how_it_refuses(described: dict[str, Any]) -> None:
    def refusals(path: str, method: str) -> set[str]:
        return set(described["paths"][path][method]["responses"])

    everywhere = {"408", "421", "429", "500", "503"}
    assert refusals("/api/things", "get") == everywhere | {"200", "400"}
    assert refusals("/api/things/{slug}", "delete") >= everywhere | {"204", "401", "403", "404"}
    assert refusals("/api/things", "post") >= everywhere | {"201", "400", "401", "413", "415"}
