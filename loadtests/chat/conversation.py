"""One person's chat, as docs/chat.md has it. Pure: frames and times in, frames and results out.

Does:        sign in, join a room (or make one), send, resume after a cut; check every offset;
             measure from request to reply and from publish to deliver.
Never:       touches a socket or a clock; times are monotonic seconds, of one clock for all.
Guarantees:  whatever was acknowledged and did not come back, came twice or came out of order is
             counted, also across a cut; what was not acknowledged is sent again with its nonce.

    opened ──auth.ok──> room.join ──room.joined──> ready ──cut──> opened ...
"""

from __future__ import annotations

import random

import msgspec

from loadtests.results import Result

ANSWER_SECONDS = 10.0
"""Without an answer for so long, a request has failed."""

JOIN, CREATE, RESUME, AUTH = "room.join", "room.create", "room.join, resumed", "auth"
ACK, DELIVER, HISTORY, BACK = "message.send to ack", "publish to deliver", "history", "cut to back"
_WORDS = ("tonight", "this", "one", "again", "love", "that", "bass", "who", "is", "playing", "the",
          "last", "track", "was", "great", "hello", "from", "kitchen", "turn", "it", "up",
          "everyone")  # fmt: skip
_encode = msgspec.json.Encoder().encode


class Heard(msgspec.Struct, frozen=True):
    """What is read of a server's frame of any type."""

    type: str
    ref: int | str | None = None
    room: str = ""
    epoch: str = ""
    offset: int = 0
    nonce: str = ""
    text: str = ""
    recovered: bool | None = None
    code: str = ""
    message: str = ""


class _Sent(msgspec.Struct):
    """A message on its way. `offset` is 0 until it is acknowledged, `seen` until it came back."""

    text: str
    at: float
    tried: float
    offset: int = 0
    seen: int = 0
    again: bool = False


_decode = msgspec.json.Decoder(Heard).decode


class Conversation:
    """One person in one room, over as many sockets as it takes.

    `me` begins the nonces, `crowd` the nonces of all whose clock is ours. Without a `room`, one is
    made. `counts` are for the tally.
    """

    def __init__(self, token: str, crowd: str, me: str, room: str = "") -> None:
        self.room = room
        self.ready = False
        self.counts: dict[str, float] = {}
        self._token = token
        self._crowd = f"{crowd}."
        self._me = f"{crowd}.{me}"
        self._refs: dict[int, tuple[str, float]] = {}
        self._number = 0
        self._pending: dict[str, _Sent] = {}
        self._epoch = ""
        self._last = -1
        self._joined_at = 0.0
        self._cut_at: float | None = None
        self._out: list[bytes] = []

    def take_outgoing(self) -> list[bytes]:
        """The frames to send now, in order."""
        out, self._out = self._out, []
        return out

    def take_counts(self) -> dict[str, float]:
        """What to add to the tally since the last call."""
        counts, self.counts = self.counts, {}
        return counts

    @property
    def settled(self) -> bool:
        """Whether every message was acknowledged and has come back."""
        return not self._pending

    def opened(self, now: float) -> None:
        """A socket is there: sign in, and go on where it ended."""
        self._ask({"type": AUTH, "token": self._token}, AUTH, now)

    def say(self, now: float) -> None:
        """Send a message of a few words."""
        self._number += 1
        nonce = f"{self._me}.{self._number}"
        words = " ".join(random.choices(_WORDS, k=random.randint(3, 24)))  # noqa: S311
        self._pending[nonce] = sent = _Sent(f"{nonce} {now:.6f} {words}", now, now)
        self._send(nonce, sent, now)

    def look_back(self, now: float) -> None:
        """Ask for the last messages."""
        self._ask({"type": "history", "room": self.room, "limit": 50}, HISTORY, now)

    def cut(self, now: float) -> None:
        """The socket is gone."""
        self.ready = False
        self._refs.clear()
        self._out.clear()
        if self._cut_at is None:
            self._cut_at = now

    def receive(self, raw: bytes, now: float) -> list[Result]:
        """A frame has come."""
        try:
            heard = _decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return [Result("frame", 0, len(raw), "not a frame of the protocol")]
        if heard.type == "message":
            return self._message(heard, len(raw), now)
        asked = self._refs.pop(heard.ref, None) if isinstance(heard.ref, int) else None
        if heard.type == "error":
            name, since = asked or ("frame", now)
            problem = f"error {heard.code}"
            return [Result(name, (now - since) * 1000, len(raw), problem)]
        if asked is None:
            return [Result("frame", 0, len(raw), f"{heard.type} that nobody asked for")]
        name, since = asked
        results = [Result(name, (now - since) * 1000, len(raw))]
        if heard.type == "auth.ok":
            self._enter(now)
        elif heard.type in ("room.joined", "room.created"):
            results += self._joined(heard, now)
        elif heard.type == "ack":
            results += self._acked(heard)
        return results

    def overdue(self, now: float) -> list[Result]:
        """What should have happened by now; each is told once."""
        late = [(ref, name) for ref, (name, since) in self._refs.items()
                if now - since > ANSWER_SECONDS]  # fmt: skip
        for ref, _ in late:
            del self._refs[ref]
        problem = f"no answer in {ANSWER_SECONDS:g} s"
        results = [Result(name, ANSWER_SECONDS * 1000, problem=problem) for _, name in late]
        return results + self._give_up(now - ANSWER_SECONDS)

    def finish(self, now: float) -> list[Result]:
        """The end: whatever is not settled is lost."""
        return self._give_up(now)

    def _give_up(self, before: float) -> list[Result]:
        """Write off the messages tried before this time."""
        results = []
        for nonce, sent in list(self._pending.items()):
            if not self.ready or sent.tried > before:
                continue
            del self._pending[nonce]
            if sent.offset:
                self._count("lost")
                results.append(Result(DELIVER, 0, problem="acknowledged, but not delivered"))
            else:
                results.append(Result(ACK, 0, problem="not acknowledged"))
        return results

    def _enter(self, now: float) -> None:
        if not self.room:
            self._ask({"type": CREATE, "name": f"Load {self._me}"}, CREATE, now)
        elif self._last < 0:
            self._ask({"type": JOIN, "room": self.room}, JOIN, now)
        else:
            where = {"room": self.room, "epoch": self._epoch, "offset": self._last}
            self._ask({"type": JOIN, **where}, RESUME, now)

    def _joined(self, heard: Heard, now: float) -> list[Result]:
        results: list[Result] = []
        if self._cut_at is not None and self._last >= 0:
            results.append(Result(BACK, (now - self._cut_at) * 1000))
        if heard.recovered is False:
            self._count("unrecovered")
            results.append(Result(RESUME, 0, problem="what was missed could not be recovered"))
            self._pending.clear()
        if not heard.recovered:
            self._last = heard.offset
        self.room, self._epoch = heard.room, heard.epoch
        self._cut_at, self._joined_at, self.ready = None, now, True
        for nonce, sent in self._pending.items():
            sent.tried, sent.again = now, True
            if not sent.offset:
                self._send(nonce, sent, now)
        return results

    def _acked(self, heard: Heard) -> list[Result]:
        sent = self._pending.get(heard.nonce)
        if sent is None:
            return []
        self._count("acked")
        sent.offset = heard.offset
        return self._settle(heard.nonce, sent)

    def _message(self, heard: Heard, size: int, now: float) -> list[Result]:
        results = self._check_offset(heard.offset)
        self._count("delivered")
        nonce, _, rest = heard.text.partition(" ")
        if not nonce.startswith(self._crowd):
            return results
        at = float(rest.partition(" ")[0])
        sent = self._pending.get(nonce)
        # A message from before we were (back) in the room tells how long we were away.
        if at >= self._joined_at and not (sent and sent.again):
            results.append(Result(DELIVER, (now - at) * 1000, size))
        if nonce.startswith(f"{self._me}."):
            if sent is None or sent.seen:
                self._count("repeated")
                results.append(Result(DELIVER, 0, problem="delivered twice"))
            else:
                sent.seen = heard.offset
                results += self._settle(nonce, sent)
        return results

    def _check_offset(self, offset: int) -> list[Result]:
        missing = offset - self._last - 1
        self._last = max(self._last, offset)
        if missing == 0:
            return []
        if missing > 0:
            self._count("lost", missing)
            return [Result(DELIVER, 0, problem="a gap in the offsets")]
        self._count("reordered")
        return [Result(DELIVER, 0, problem="an offset that had been")]

    def _settle(self, nonce: str, sent: _Sent) -> list[Result]:
        """Forget the message once both its acknowledgement and itself have come."""
        if not (sent.offset and sent.seen):
            return []
        del self._pending[nonce]
        if sent.offset == sent.seen:
            return []
        self._count("reordered")
        return [Result(DELIVER, 0, problem="not at the acknowledged offset")]

    def _send(self, nonce: str, sent: _Sent, now: float) -> None:
        fields = {"room": self.room, "nonce": nonce, "text": sent.text}
        self._ask({"type": "message.send", **fields}, ACK, now)

    def _ask(self, frame: dict[str, object], name: str, now: float) -> None:
        self._number += 1
        self._refs[self._number] = (name, now)
        self._out.append(_encode({**frame, "ref": self._number}))

    def _count(self, what: str, amount: float = 1) -> None:
        self.counts[f"chat.{what}"] = self.counts.get(f"chat.{what}", 0) + amount
