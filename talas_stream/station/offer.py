"""What a station is offered as: its name, and the renditions to choose from.

Does:        put together what its record says, what its source says and what is heard of it.
Never:       changes; it is how things stand when it is asked for.
Guarantees:  there is one rendition at least, whatever names the record has.
From / to:   station.py, outputs.py  ->  here  ->  egress, pages
"""

from __future__ import annotations

import re

import msgspec

from talas_core.messages import StationRecord
from talas_stream.media import LADDER, Codec, Rendition, SourceInfo
from talas_stream.station.outputs import Outputs

_BIT_RATE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class Offer(msgspec.Struct, frozen=True):
    """Of the station of `record`: `info` is what its source says, `outputs` what it is heard in."""

    record: StationRecord
    info: SourceInfo
    outputs: Outputs | None

    @property
    def name(self) -> str:
        """What it is called: by its owner, or else by its source; the other way round where its
        owner prefers that."""
        return self._preferred(self.record.name, self.info.name)

    @property
    def description(self) -> str:
        """What it is about, told by the same."""
        return self._preferred(self.record.description, self.info.description)

    def _preferred(self, by_owner: str, by_source: str) -> str:
        return by_source or by_owner if self.record.prefer_source else by_owner or by_source

    @property
    def renditions(self) -> list[Rendition]:
        """What its record says, and on the air what the source sends."""
        offered = [LADDER[name] for name in self.record.renditions if name in LADDER]
        offered = offered or [LADDER["mp3"]]
        through = self._through
        return offered if through is None or through in offered else [*offered, through]

    @property
    def usual(self) -> Rendition:
        """The rendition for who does not say: MP3, which every player takes, where it has that."""
        usual, offered = LADDER["mp3"], self.renditions
        return usual if usual in offered else offered[0]

    @property
    def shown(self) -> Rendition:
        """The rendition for who names none, and with which it is listed: the source's own where
        that is passed on, else the usual one."""
        return self._through or self.usual

    @property
    def _through(self) -> Rendition | None:
        return self.outputs.through if self.outputs is not None else None

    def bit_rate(self, rendition: Rendition) -> int:
        """That of `rendition` in kbit/s; 0 where there is none. Of the source's own packets it is
        what the source says, where that is a number, or else what they come to."""
        if self.outputs is not None and self.outputs.passes(rendition):
            said = self.info.bit_rate
            return int(said) if _BIT_RATE.fullmatch(said) else self.outputs.bit_rate
        return 0 if rendition.codec is Codec.FLAC else rendition.bit_rate // 1000
