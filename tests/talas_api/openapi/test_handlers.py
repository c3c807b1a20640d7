"""The API's description, as the API port serves it."""

from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import validate

from support.api import Composed


async def described(composed: Composed) -> dict[str, Any]:
    async with composed.client.get("/api/openapi.json") as response:
        assert response.content_type == "application/json"
        found: dict[str, Any] = await response.json()
        return found


async def test_document_of_what_is_served_is_valid_and_names_each_operation_once(
    composed: Composed,
) -> None:
    told = await described(composed)
    validate(told)
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) > 30


async def test_every_field_that_people_fill_in_has_its_sentence(composed: Composed) -> None:
    told = await described(composed)
    assert told["components"]["schemas"]["NewStation"]["properties"]["slug"]["description"]
    assert told["paths"]["/api/stations"]["post"]["summary"].endswith(".")


async def test_every_text_that_must_look_a_certain_way_has_an_example_that_does(
    composed: Composed,
) -> None:
    told = await described(composed)
    asked = {
        content["schema"]["$ref"].rpartition("/")[2]
        for path in told["paths"].values()
        for each in path.values()
        for content in each.get("requestBody", {"content": {}})["content"].values()
    }
    checked = 0
    for name in asked:
        for field, schema in told["components"]["schemas"][name]["properties"].items():
            for one in schema.get("anyOf", [schema]):
                if "pattern" in one:
                    (example,) = one["examples"]
                    assert re.search(one["pattern"], example), (name, field)
                    checked += 1
    assert checked > 20


async def test_page_loads_nothing_from_elsewhere_and_holds_no_script(composed: Composed) -> None:
    async with composed.client.get("/api/docs") as response:
        policy, page = response.headers["Content-Security-Policy"], await response.text()
    assert "script-src 'self';" in policy
    assert "http" not in page
    assert re.findall(r"<script[^>]*>(.+?)</script>", page) == []
    for address in re.findall(r'(?:src|href)="(/[^"]*)"', page):
        async with composed.client.get(address) as response:
            assert response.status == 200


async def test_file_that_the_page_has_not_is_not_found(composed: Composed) -> None:
    async with composed.client.get("/api/docs/__init__.py") as response:
        assert response.status == 404


async def test_document_is_not_sent_again_to_whom_has_it(composed: Composed) -> None:
    async with composed.client.get("/api/openapi.json") as response:
        etag = response.headers["ETag"]
    async with composed.client.get(
        "/api/openapi.json", headers={"If-None-Match": etag}
    ) as response:
        assert response.status == 304
