"""What is said to whom no request is known of."""

from __future__ import annotations

import json
from typing import cast

from support.attacks import answers
from talas_core.web import early


class Transport:
    """Takes what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def test_answer_before_a_request_is_whole_and_closes() -> None:
    for made, status, code in ((early.late(), 408, "too_slow"), (early.full(), 503, "unavailable")):
        transport = Transport()
        early.say(cast("early.asyncio.Transport", transport), made)
        [answer] = answers(transport.written)
        assert answer.status == status
        assert json.loads(answer.body)["error"]["code"] == code
        assert answer.field("Connection") == "close"
        assert answer.field("Server") == "Talas"
        assert answer.field("X-Content-Type-Options") == "nosniff"
        assert len(answer.field("X-Request-ID") or "") == 16
    assert early.full().headers["Retry-After"] == "5"
