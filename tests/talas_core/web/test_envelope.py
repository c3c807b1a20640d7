import uuid
from datetime import UTC, datetime

import msgspec

from talas_core.web.envelope import failure, success


def test_success_carries_data() -> None:
    assert success({"a": 1}) == b'{"success":true,"data":{"a":1}}'


def test_meta_appears_only_when_given() -> None:
    assert success([], {"next": "x"}) == b'{"success":true,"data":[],"meta":{"next":"x"}}'


def test_empty_data_is_still_there() -> None:
    assert success(None) == b'{"success":true,"data":null}'


def test_times_are_rfc_3339_and_ids_strings() -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    body = msgspec.json.decode(success({"at": moment, "id": uuid.UUID(int=7)}))
    assert body["data"] == {
        "at": "2030-01-02T03:04:05Z",
        "id": "00000000-0000-0000-0000-000000000007",
    }


def test_failure_names_code_and_message() -> None:
    assert failure("gone", "It is gone.") == (
        b'{"success":false,"error":{"code":"gone","message":"It is gone."}}'
    )


def test_failure_names_fields_only_where_there_are_some() -> None:
    assert b"fields" not in failure("bad", "Bad.", {})
    assert b'"fields":{"name":"is required"}' in failure("bad", "Bad.", {"name": "is required"})
