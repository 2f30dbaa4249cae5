"""Follows a zone transfer record by record: whole (AXFR, RFC 5936) or what changed (IXFR, RFC 1995). Pure.

::

    whole:    SOA new, records ..., SOA new
    changed:  SOA new, [SOA old, those that go ..., SOA next, those that come ...]..., SOA new
    neither:  SOA held

A server may answer the question for changes with the whole zone. What is taken here is a master file that
`formats.rpz` reads: its head, then a line for each record that is no part of the zone itself.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from cop_filter.errors import FetchFailed, ProvenanceFailed
from cop_filter.formats.rpz import ZONE_TYPES
from cop_filter.sources.serial import newer
from cop_filter.sources.zone_change import ZoneChange
from cop_filter.sources.zone_digest import ZoneDigest
from cop_filter.sources.zone_wire import CNAME, TYPES, Soa, WireRecord

_OF_THE_ZONE = frozenset(number for number, word in TYPES.items() if word in ZONE_TYPES)
_NOT_EXACT = "the change does not say which names come and go"
_NO_START = "the zone transfer does not begin with an SOA record"


@dataclass(frozen=True, slots=True)
class Held:
    """The version in force: its serial, and the sum of its lines."""

    serial: int
    lines: ZoneDigest


@dataclass(frozen=True, slots=True)
class WholeZone:
    """`body` is the zone as a master file, SOA first; `lines` is the sum of the lines below it."""

    serial: int
    body: bytes
    lines: ZoneDigest


@dataclass(frozen=True, slots=True)
class ChangedZone:
    """Two master files, each with the new SOA first; `lines` is the sum of the whole zone that results."""

    serial: int
    added: bytes
    removed: bytes
    lines: ZoneDigest


class NotAsChange(FetchFailed):
    """The change cannot be had, or does not say which names come and go: the whole zone is needed."""


class _At(Enum):
    START = auto()
    SECOND = auto()
    WHOLE = auto()
    REMOVED = auto()
    ADDED = auto()
    END = auto()


class Transfer:
    """One transfer of the zone named `zone` (absolute, in lower case); with `held`, of what changed since.

    Raises ProvenanceFailed for another zone and for a serial that is not newer than the held one,
    NotAsChange, and FetchFailed for what is no transfer or grows beyond `max_bytes` of text.
    """

    def __init__(self, zone: str, held: Held | None, max_bytes: int) -> None:
        self.zone = zone
        self._suffix = "." + zone if zone != "." else "."
        self._held = held
        self._max_bytes = max_bytes
        self._at = _At.START
        self._soa = Soa(0, "")
        self._serial = 0 if held is None else held.serial
        self._change = ZoneChange()
        self._lines: list[str] = []
        self._body = io.BytesIO()
        self._sum = ZoneDigest()

    @property
    def done(self) -> bool:
        """True when the last record has come."""
        return self._at is _At.END

    def take(self, records: Iterable[WireRecord]) -> None:
        """The next records, in the order of the transfer."""
        suffix, cut = self._suffix, len(self._suffix)
        for owner, type_, data, soa in records:
            if self._at is _At.END:
                raise FetchFailed("the zone transfer goes on after its end")
            if owner == self.zone:
                # Beside its SOA, an apex has nothing that lists a name.
                self._of_apex(soa)
                continue
            if self._at is _At.START:
                raise ProvenanceFailed("the answer is another zone's") if soa else FetchFailed(_NO_START)
            if self._at is _At.SECOND:
                self._begin_whole()
            if type_ in _OF_THE_ZONE:
                continue
            inside = owner[:-cut] if owner.endswith(suffix) else owner
            line = f"{inside} {TYPES.get(type_) or f'TYPE{type_}'} {data}"
            if self._at is _At.WHOLE:
                self._lines.append(line)
            elif self._at is _At.REMOVED:
                self._change.remove(inside, line, alone=type_ == CNAME)
            else:
                self._change.add(inside, line, alone=type_ == CNAME)
        self._flush()

    def result(self) -> WholeZone | ChangedZone | None:
        """What came; None when the server has what is held. Only when `done`."""
        if self._held is not None and self._soa.serial == self._held.serial:
            return None
        serial, head = self._soa.serial, self._head()
        if self._body.tell():
            return WholeZone(serial, self._body.getvalue(), self._sum)
        if self._held is None:
            raise FetchFailed(_NO_START)
        lines = self._held.lines.copy()
        lines.remove(self._change.removed)
        lines.add(self._change.added)
        added, removed = (_file(head, found) for found in self._change.listed(head))
        return ChangedZone(serial, added, removed, lines)

    def _of_apex(self, soa: Soa | None) -> None:
        match self._at, soa:
            case _At.START, Soa():
                self._first(soa)
            case _At.START, None:
                raise FetchFailed(_NO_START)
            case _At.SECOND, Soa():
                self._second(soa)
            case _At.SECOND, None:
                self._begin_whole()
            case _At.WHOLE, Soa():
                if soa != self._soa:
                    raise FetchFailed("the zone changed while it was transferred")
                self._at = _At.END
            case ((_At.REMOVED | _At.ADDED), Soa()):
                self._step(soa)

    def _step(self, soa: Soa) -> None:
        if self._at is _At.REMOVED:
            if not newer(soa.serial, self._serial):
                raise NotAsChange("the change does not lead from one version to the next")
            self._serial, self._at = soa.serial, _At.ADDED
        elif soa.serial != self._serial:
            raise NotAsChange("the change leaves versions out")
        else:
            # The last step ends with the SOA that the transfer began with.
            self._at = _At.END if soa == self._soa else _At.REMOVED

    def _first(self, soa: Soa) -> None:
        self._soa = soa
        if self._held is None:
            self._begin_whole()
        elif soa.serial == self._held.serial:
            self._at = _At.END
        elif newer(soa.serial, self._held.serial):
            self._at = _At.SECOND
        else:
            raise ProvenanceFailed("the zone's serial number went backwards")

    def _second(self, soa: Soa) -> None:
        if soa == self._soa:
            # A whole zone that lists nothing.
            self._begin_whole()
            self._at = _At.END
        elif soa.serial == self._serial:
            self._at = _At.REMOVED
        else:
            raise NotAsChange("the change is one of another version")

    def _begin_whole(self) -> None:
        self._at = _At.WHOLE
        self._body.write(self._head().encode())

    def _head(self) -> str:
        return f"$ORIGIN {self.zone}\n@ SOA {self._soa.text}\n"

    def _flush(self) -> None:
        if not self._change.exact:
            raise NotAsChange(_NOT_EXACT)
        if self._lines:
            self._body.write(_file("", self._lines))
            self._sum.add(self._lines)
            self._lines.clear()
        if self._body.tell() > self._max_bytes:
            raise FetchFailed(f"the zone is more than max_unpacked_bytes ({self._max_bytes})")


def _file(head: str, lines: list[str]) -> bytes:
    return (head + "".join(f"{line}\n" for line in lines)).encode()
