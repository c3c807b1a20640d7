"""Recording and reading security events."""

import json
from typing import Any
from uuid import UUID

import pytest

from support.fakes import MemoryAudit
from talas_api.audit.service import Audit
from talas_api.audit.values import AuditQuery, Entry, Event, Kind
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_core.messages import SecurityEvent, StreamEvent
from talas_core.telemetry import logs

ANN, EVE = UUID(int=1), UUID(int=2)


class Away(MemoryAudit):
    async def add(self, entry: Entry) -> None:
        raise Unavailable("The database does not answer.")


class Broken(MemoryAudit):
    async def add(self, entry: Entry) -> None:
        raise RuntimeError("no such table")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.checklist(29)
async def test_event_is_recorded_as_a_row_and_a_log_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", "test")
    store, clock = MemoryAudit(), FakeClock()
    event = Event(
        Kind.ROLE_CHANGED, EVE, ANN, UUID(int=3), "192.0.2.1", {"role": "admin", "previous": "user"}
    )
    await Audit(store, clock).record(event)
    [kept] = store.entries
    assert (kept.at, kept.kind, kept.user_id) == (clock.now(), "account.role_changed", EVE)
    assert (kept.actor_id, kept.address, kept.detail) == (ANN, "192.0.2.1", event.detail)
    [line] = lines(capsys)
    expected = {
        "event": "security event",
        "kind": "account.role_changed",
        "user": str(EVE),
        "actor": str(ANN),
        "session": str(UUID(int=3)),
        "address": "192.0.2.1",
        "role": "admin",
        "previous": "user",
    }
    assert expected.items() <= line.items()


@pytest.mark.checklist(29)
@pytest.mark.parametrize("store", [Away(), Broken()])
async def test_event_that_cannot_be_kept_raises_nothing(
    store: MemoryAudit, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "test")
    await Audit(store, FakeClock()).record(Event(Kind.SIGN_IN_FAILED, ANN))
    first, second = lines(capsys)
    assert (first["event"], second["event"]) == ("security event", "security events not kept")


@pytest.mark.checklist(29)
async def test_events_not_kept_are_counted_in_one_log_line_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", "test")
    clock = FakeClock()
    audit = Audit(Away(), clock)

    async def missing(*events: Event) -> list[int]:
        for event in events:
            await audit.record(event)
        return [line["count"] for line in lines(capsys) if "not kept" in line["event"]]

    event = Event(Kind.SIGN_IN_FAILED, ANN)
    assert await missing(event, event, event) == [1]
    clock.advance(1)
    assert await missing(event) == [3]
    assert await missing(event) == []
    audit._store = MemoryAudit()
    clock.advance(1)
    assert await missing(event) == [1]  # the rest of them, though this one was kept
    assert await missing(event) == []


@pytest.mark.checklist(29)
@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "attack",
    [
        'x"}\n{"event":"security event","kind":"account.role_changed"}',
        "x\r\ntimestamp=2030 level=info event=forged",
        "\x1b[2J\x1b[1;1Hclean",
        "\u2028\u2029\x85\x00",
    ],
)
async def test_text_from_outside_forges_no_log_line(
    style: str, attack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(style, "test")
    audit = Audit(MemoryAudit(), FakeClock())
    await audit.record(Event(Kind.SIGN_IN_FAILED, address=attack))
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert said.replace("\n", "").isprintable()


async def test_pages_of_events_go_back_in_time() -> None:
    audit = Audit(MemoryAudit(), FakeClock())
    for n in range(5):
        await audit.record(Event(Kind.SIGNED_IN, ANN, detail={"count": n}))
    first = await audit.list(AuditQuery(limit=3))
    assert [entry.detail["count"] for entry in first.entries] == [4, 3, 2]
    second = await audit.list(AuditQuery(limit=3, before=first.next))
    assert [entry.detail["count"] for entry in second.entries] == [1, 0]
    assert second.next is None


async def test_events_are_filtered_by_person_and_by_kind() -> None:
    audit = Audit(MemoryAudit(), FakeClock())
    for kind in (Kind.SIGNED_IN, Kind.SIGN_IN_FAILED):
        for person in (ANN, EVE):
            await audit.record(Event(kind, person))
    page = await audit.list(AuditQuery(user=ANN, kind=Kind.SIGN_IN_FAILED))
    assert [(entry.kind, entry.user_id) for entry in page.entries] == [(Kind.SIGN_IN_FAILED, ANN)]
    assert len((await audit.list(AuditQuery(kind=Kind.SIGNED_IN))).entries) == 2


@pytest.mark.checklist(29)
async def test_event_of_the_stream_port_is_recorded() -> None:
    store = MemoryAudit()
    audit = Audit(store, FakeClock())
    await audit.hear(SecurityEvent(StreamEvent.SIGN_IN_REFUSED, 7, "192.0.2.1"))
    [kept] = store.entries
    assert (kept.kind, kept.address, kept.detail) == (
        "stream.sign_in_refused",
        "192.0.2.1",
        {"count": 7},
    )
    with pytest.raises(ValueError, match="UUID"):
        await audit.hear(SecurityEvent(StreamEvent.SIGN_IN_REFUSED, owner_id="ann"))
    assert store.entries == [kept]
