"""Fetches a response policy zone from a DNS server: `axfr://192.0.2.53:53/rpz.authority.example`.

::

    SOA? ── serial as held ──> NotModified
     │
     └─ newer ── IXFR? (RFC 1995) ──> what changed ──> Fetched with `base`
                  │
                  └─ nothing held, or no exact change ── AXFR? (RFC 5936) ──> Fetched

`raw` and `removed` are zone files that begin with the SOA record, for the format `rpz`. The digest is over
the zone's lines whatever their order, without its own records (SOA, NS, signatures): see `zone_digest`.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

import dns.exception
import dns.name
import dns.rdatatype
import dns.tsig

from cop_filter.errors import FetchFailed, ProvenanceFailed
from cop_filter.sources import zone_line
from cop_filter.sources.failures import translated
from cop_filter.sources.result import Fetched, NotModified, TryAgain, Validators
from cop_filter.sources.serial import newer
from cop_filter.sources.tsig import key_of
from cop_filter.sources.visit import Visit
from cop_filter.sources.zone_line import Line
from cop_filter.sources.zone_memory import ZoneMemory
from cop_filter.sources.zone_transfer import ChangedZone, Held, Transfer, WholeZone
from cop_filter.sources.zone_wire import WireRecord, name_text

_log = logging.getLogger(__name__)

_PORT = 53


class ZonePlace(NamedTuple):
    """Where a zone comes from. `zone` is absolute and in lower case, with escapes as in a master file."""

    host: str
    port: int
    zone: str

    @classmethod
    def of(cls, source: str) -> Self:
        """What an `axfr:` source names. Raises FetchFailed when it names nothing."""
        parts = urlsplit(source)
        try:
            zone = dns.name.from_text(unquote(parts.path.strip("/")))
            return cls(parts.hostname or "", parts.port or _PORT, name_text(zone.labels[:-1]) or ".")
        except (dns.exception.DNSException, ValueError):
            raise FetchFailed(
                "the source names no zone; write axfr://192.0.2.53/rpz.authority.example"
            ) from None


async def transfer(visit: Visit) -> Fetched | NotModified:
    """Ask once for the zone, or for what changed in it.

    Raises TryAgain for what may pass, ProvenanceFailed for what is not proven to be the authority's newest
    (TSIG, another zone, a serial that goes backwards), and FetchFailed for the rest.
    """
    timeout_s = visit.wanted.timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            return await _transfer(visit)
    except TimeoutError:
        raise TryAgain(f"the zone did not arrive within timeout ({timeout_s:g} s)") from None
    except EOFError:
        raise TryAgain("the server closed the connection before the end") from None
    except OSError as error:
        # "from None": the cause's text holds the address that was asked.
        raise translated(error) from None


async def _transfer(visit: Visit) -> Fetched | NotModified:
    source = visit.wanted.source
    place = ZonePlace.of(source)
    key = await asyncio.to_thread(key_of, visit.wanted)
    memory = await asyncio.to_thread(ZoneMemory.read, visit.memory, source)
    held = memory.held(visit.held) if any(visit.validators) else None
    floor = memory.newest if key is not None else None
    if floor is None and held is not None:
        floor = held.serial
    came = await _ask(visit, place, key, held, floor)
    if came is None:
        return NotModified()
    _refuse_rollback(came.serial, floor)
    digest = came.lines.hexdigest()
    memory = memory.with_version(
        digest, Held(came.serial, came.lines), in_force=visit.held, proven=key is not None
    )
    await asyncio.to_thread(memory.write, visit.memory, source)
    validators = Validators(etag=str(came.serial))
    if isinstance(came, WholeZone):
        return Fetched({"": came.body}, validators, digest, format="rpz")
    return Fetched({"": came.added}, validators, digest, base=visit.held, removed=came.removed, format="rpz")


async def _ask(
    visit: Visit, place: ZonePlace, key: dns.tsig.Key | None, held: Held | None, floor: int | None
) -> WholeZone | ChangedZone | None:
    """The newest version, or the way to it; None when it is the one held."""

    async with zone_line.connect(place.host, place.port, visit, key) as line:
        serial = await _serial(line, place.zone)
        _refuse_rollback(serial, floor)
        if held is not None and serial == held.serial:
            return None
        if held is None:
            return await _receive(line, Transfer(place.zone, None, visit.wanted.max_unpacked_bytes))
        try:
            return await _receive(line, Transfer(place.zone, held, visit.wanted.max_unpacked_bytes), held)
        except (FetchFailed, EOFError, OSError) as refusal:
            why = refusal if isinstance(refusal, FetchFailed) else "the connection ended"
            _log.info("list %s is transferred whole: %s", visit.wanted.id, why)
    async with zone_line.connect(place.host, place.port, visit, key) as line:
        return await _receive(line, Transfer(place.zone, None, visit.wanted.max_unpacked_bytes))


async def _serial(line: Line, zone: str) -> int:
    found: list[WireRecord] = []

    def take(records: Sequence[WireRecord]) -> bool:
        found.extend(records)
        return True

    await line.ask(zone, dns.rdatatype.SOA, take)
    for record in found:
        if record.soa is not None:
            if record.owner != zone:
                raise ProvenanceFailed("the answer is another zone's")
            return record.soa.serial
    raise FetchFailed("the server does not have the zone")


async def _receive(
    line: Line, transfer: Transfer, held: Held | None = None
) -> WholeZone | ChangedZone | None:
    def take(records: Sequence[WireRecord]) -> bool:
        transfer.take(records)
        return transfer.done

    type_ = dns.rdatatype.AXFR if held is None else dns.rdatatype.IXFR
    serial = None if held is None else held.serial
    await line.ask(transfer.zone, type_, take, serial=serial)
    return await asyncio.to_thread(transfer.result)


def _refuse_rollback(serial: int, floor: int | None) -> None:
    if floor is not None and serial != floor and not newer(serial, floor):
        raise ProvenanceFailed(
            "the zone's serial number went backwards; if the authority has begun anew, remove what is "
            "remembered of the list (its folder in state_dir/sources)"
        )
