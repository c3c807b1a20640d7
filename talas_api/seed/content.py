"""Two hundred people, thirty stations and what they said to each other: pure invention.

Does:        compose rows from word lists and one random generator.
Never:       looks at a clock, a database or the machine's randomness.
Guarantees:  the same seed gives the same rows, ids and times included, on every machine. Nobody
             composed here can sign in, and no stream key of theirs exists.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from talas_api.identity.passwords import UNUSABLE
from talas_api.seed import words

SEED = 2026
PEOPLE, STATIONS, MESSAGES = 200, 30, 20_000
BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
SPAN = timedelta(days=90)

Values = tuple[object, ...]

USERS = ("id", "username", "email", "password_hash", "role", "display_name", "created_at",
         "updated_at")  # fmt: skip
ROOMS = ("id", "name", "kind", "created_by", "last_offset", "epoch", "created_at")
STATION = ("id", "slug", "name", "description", "owner_id", "room_id", "key_hash", "created_at",
           "updated_at")  # fmt: skip
MESSAGE = ("room_id", "offset", "id", "sender_id", "nonce", "text", "at")


class Table(msgspec.Struct, frozen=True):
    """Rows for one table, as COPY takes them."""

    name: str
    columns: tuple[str, ...]
    rows: list[Values]


class _Person(msgspec.Struct, frozen=True):
    id: UUID
    username: str
    joined: datetime


class _Room(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    kind: str
    creator: _Person
    epoch: UUID
    opened: datetime


class Composer:
    """Invents everything, in an order that never changes."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)  # noqa: S311 - invention, not secrets

    def tables(
        self, people: int = PEOPLE, stations: int = STATIONS, messages: int = MESSAGES
    ) -> list[Table]:
        """All rows, in an order that satisfies every foreign key."""
        everybody, users = self._people(people)
        rooms, owned = self._stations(stations, everybody)
        rooms += self._open_rooms(everybody)
        said: list[Values] = []
        room_rows: list[Values] = []
        for room, count in zip(rooms, self._shares(len(rooms), messages), strict=True):
            said += self._talk(room, count, everybody)
            room_rows.append((room.id, room.name, room.kind, room.creator.id, count, room.epoch,
                              room.opened))  # fmt: skip
        return [
            Table("users", USERS, users),
            Table("rooms", ROOMS, room_rows),
            Table("stations", STATION, owned),
            Table("messages", MESSAGE, said),
        ]

    def _people(self, count: int) -> tuple[list[_Person], list[Values]]:
        people: list[_Person] = []
        rows: list[Values] = []
        taken: set[str] = set()
        while len(people) < count:
            first, last = self._random.choice(words.FIRST), self._random.choice(words.LAST)
            username = f"{first}.{last}".lower()
            if username in taken:
                username += str(self._random.randint(10, 99))
            if username in taken:
                continue
            taken.add(username)
            joined = self._moment(BEGIN - timedelta(days=200), BEGIN)
            person = _Person(self._id(joined), username, joined)
            role = "moderator" if len(people) % 50 == 7 else "user"
            people.append(person)
            rows.append((person.id, username, f"{username}@listeners.example", UNUSABLE, role,
                         f"{first} {last}", joined, joined))  # fmt: skip
        return people, rows

    def _stations(self, count: int, people: list[_Person]) -> tuple[list[_Room], list[Values]]:
        rooms: list[_Room] = []
        rows: list[Values] = []
        names = [f"{place} {kind}" for place in words.PLACES for kind in words.KINDS]
        for name in self._random.sample(names, count):
            opened = self._moment(BEGIN - timedelta(days=150), BEGIN)
            owner = self._random.choice([one for one in people if one.joined < opened] or people)
            genre, promise = self._random.choice(words.GENRES), self._random.choice(words.PROMISES)
            room = _Room(self._id(opened), name, "station", owner, self._id(opened), opened)
            key_hash = hashlib.sha256(self._random.randbytes(16)).digest()
            rooms.append(room)
            rows.append((self._id(opened), name.lower().replace(" ", "-"), name,
                         f"{genre.capitalize()}. {promise}", owner.id, room.id, key_hash, opened,
                         opened))  # fmt: skip
        return rooms, rows

    def _open_rooms(self, people: list[_Person]) -> list[_Room]:
        rooms = []
        for name in words.OPEN_ROOMS:
            opened = self._moment(BEGIN - timedelta(days=100), BEGIN)
            creator = self._random.choice(people)
            rooms.append(_Room(self._id(opened), name, "open", creator, self._id(opened), opened))
        return rooms

    def _shares(self, rooms: int, messages: int) -> list[int]:
        """How many messages each room gets: a few are busy, most are not."""
        weights = [1 / (rank + 2) for rank in range(rooms)]
        self._random.shuffle(weights)
        shares = [int(messages * weight / sum(weights)) for weight in weights]
        shares[weights.index(max(weights))] += messages - sum(shares)
        return shares

    def _talk(self, room: _Room, count: int, people: list[_Person]) -> Iterator[Values]:
        """What was said in one room: in time, by its regulars, some of it to each other."""
        regulars = self._random.sample(people, min(len(people), 5 + count // 60))
        moments = sorted(self._moment(BEGIN, BEGIN + SPAN) for _ in range(count))
        last = regulars[0]
        for offset, at in enumerate(moments, start=1):
            # Squared, so that the first regulars speak most.
            sender = regulars[int(self._random.random() ** 2 * len(regulars))]
            text = self._line(last.username if last is not sender else "")
            yield (room.id, offset, self._id(at), sender.id, f"seed-{offset}", text, at)
            last = sender

    def _line(self, answering: str) -> str:
        chance = self._random.random()
        if answering and chance < 0.3:
            pattern = self._random.choice(words.REPLIES)
        else:
            pattern = self._random.choice(words.OPENERS if chance > 0.9 else words.REMARKS)
        pick = self._random.choice
        return pattern.format(
            name=answering,
            title=f"{pick(words.TITLE_FIRST)} {pick(words.TITLE_LAST)}",
            city=pick(words.CITIES),
            genre=pick(words.GENRES),
            gear=pick(words.GEAR),
        )

    def _moment(self, after: datetime, before: datetime) -> datetime:
        seconds = (before - after).total_seconds()
        return after + timedelta(milliseconds=int(self._random.random() * seconds * 1000))

    def _id(self, at: datetime) -> UUID:
        """A UUIDv7 of that moment (RFC 9562), its random bits from our generator."""
        milliseconds = int(at.timestamp() * 1000)
        high, low = self._random.getrandbits(12), self._random.getrandbits(62)
        return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
