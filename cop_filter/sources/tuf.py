"""Fetches a list that is a target of a repository of The Update Framework (TUF specification 1.0).

All trust is python-tuf's client's: which keys, which versions, what expired. It is given our transport, with
all its bounds, and is never given the list to store: the target is held in memory and checked there.

The source is the repository's address, below which `metadata/` and `targets/` lie.
"""

import asyncio
import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from cop_filter import durable
from cop_filter.errors import FetchFailed, ProvenanceFailed, StateError
from cop_filter.sources import https
from cop_filter.sources.content import open_body
from cop_filter.sources.result import Body, Fetched, NotModified, NotServed, TryAgain, Validators, Vouched
from cop_filter.sources.visit import Visit

# It writes addresses into its log.
logging.getLogger("tuf").setLevel(logging.CRITICAL)

_CONFIG = UpdaterConfig(max_root_rotations=64, max_delegations=8)
_PACKING_BYTES = 1024
"""What a server's own compression may add to a body that it cannot make smaller."""

_REASONS: tuple[tuple[type[RepositoryError], str], ...] = (
    (ExpiredMetadataError, "its metadata has expired: the repository is frozen, or nobody keeps it"),
    (BadVersionNumberError, "it shows older metadata than was seen: an old mirror, or a rollback"),
    (UnsignedMetadataError, "its metadata has not the signatures that it needs"),
    (LengthOrHashMismatchError, "its files do not belong together: mixed up, or changed on the way"),
)


async def fetch(visit: Visit) -> Fetched | NotModified:
    """One visit. Raises ProvenanceFailed when the repository's word does not hold, else as `https`."""
    try:
        # In a thread, because the client's calls block; each of them ends in our transport, which does not.
        return await asyncio.to_thread(_Repository(visit, asyncio.get_running_loop()).newest)
    except DownloadError as failure:
        cause = failure.__cause__
        raise (
            cause if isinstance(cause, FetchFailed) else FetchFailed("the repository is not whole")
        ) from None
    except RepositoryError as refusal:
        said = next((text for kind, text in _REASONS if isinstance(refusal, kind)), "its metadata is refused")
        raise ProvenanceFailed(f"the repository is not believed: {said}") from None
    except OSError as error:
        raise StateError(f"the repository's metadata cannot be kept: {error.strerror}") from None
    except ValueError:
        raise ProvenanceFailed("the repository is not believed: its metadata cannot be read") from None


class _Repository(FetcherInterface):
    """A repository during one visit, and the transport that python-tuf's client is given."""

    def __init__(self, visit: Visit, loop: asyncio.AbstractEventLoop) -> None:
        self._visit = visit
        self._loop = loop
        self._url = visit.wanted.source.partition("+")[2].rstrip("/")
        self._deadline = time.monotonic() + visit.wanted.timeout_s
        self._folder = visit.memory / "tuf"
        self._max_bytes = 0

    def newest(self) -> Fetched | NotModified:
        wanted = self._visit.wanted
        if wanted.tuf_root_file is None or wanted.tuf_target is None:
            raise FetchFailed("a tuf+https: source needs tuf_root_file and tuf_target")
        # Made beforehand, because the client would make them for everybody's eyes.
        durable.make_folder(self._folder / "root_history")
        updater = Updater(
            str(self._folder), f"{self._url}/metadata/", fetcher=self, config=_CONFIG,
            bootstrap=_trusted_root(wanted.tuf_root_file),
        )  # fmt: skip
        updater.refresh()
        target = updater.get_targetinfo(wanted.tuf_target)
        if target is None:
            raise ProvenanceFailed("the repository has no target of the name that tuf_target gives")
        vouched = self._vouched(target)
        hashes = " ".join(f"{kind}:{value}" for kind, value in sorted(target.hashes.items()))
        accepted = Validators(etag=f"tuf {target.path} {hashes}")
        if self._visit.held is not None and self._visit.validators == accepted:
            return NotModified(vouched)
        if target.length > min(wanted.max_bytes, wanted.max_unpacked_bytes):
            raise FetchFailed(f"the list ({target.length} bytes) is larger than max_bytes allows")
        body = self.download_bytes(f"{self._url}/targets/{self._path(target)}", target.length)
        target.verify_length_and_hashes(body)
        return replace(
            open_body(Body({"": body}, accepted), wanted.max_unpacked_bytes),
            validators=accepted,
            vouched=vouched,
        )

    def _path(self, target: TargetFile) -> str:
        """Where the target lies: its name carries its hash in a consistent repository (§6.2)."""
        consistent = Metadata[Root].from_file(str(self._folder / "root.json")).signed.consistent_snapshot
        folder, slash, name = target.path.rpartition("/")
        prefix = f"{next(iter(target.hashes.values()))}." if consistent else ""
        return quote(f"{folder}{slash}{prefix}{name}")

    def _vouched(self, target: TargetFile) -> Vouched:
        """Its version is that of the targets' metadata; it expires with the first of what it stands on."""
        # Each class stands for its own type, which a checker of types cannot follow.
        files = {
            kind.type: Metadata[kind].from_file(str(self._folder / f"{kind.type}.json")).signed  # type: ignore[valid-type]
            for kind in (Timestamp, Snapshot, Targets)
        }
        expires: datetime = min(signed.expires for signed in files.values())
        canaries = (target.custom or {}).get("canaries", [])
        texts = (
            tuple(text for text in canaries if isinstance(text, str)) if isinstance(canaries, list) else ()
        )
        return Vouched(files[Targets.type].version, expires.timestamp(), texts)

    # ------------------------------------------------------------ the client's transport

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """In memory: the client's own way would write what it gets to a temporary file."""
        self._max_bytes = max_length
        yield io.BytesIO(b"".join(self.fetch(url)))

    def _fetch(self, url: str) -> Iterator[bytes]:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TryAgain(f"the list did not arrive within timeout ({self._visit.wanted.timeout_s:g} s)")
        try:
            waiting = asyncio.run_coroutine_threadsafe(self._get(url, self._max_bytes, left_s), self._loop)
            return iter([waiting.result()])
        except NotServed as refused:
            raise DownloadHTTPError("not served", refused.status) from refused

    async def _get(self, url: str, max_bytes: int, timeout_s: float) -> bytes:
        asked = replace(
            self._visit.wanted, source=url, max_bytes=max_bytes + _PACKING_BYTES, timeout_s=timeout_s
        )
        visit = self._visit
        body = await https.download(
            asked, Validators(), session=visit.session, clock=visit.clock, progress=visit.progress
        )
        if isinstance(body, NotModified):
            raise FetchFailed("the server answered 304 without being asked")
        raw = body.parts[""] if body.coding is None else open_body(body, max_bytes).raw.get("", b"")
        if len(raw) > max_bytes:
            raise FetchFailed("a file of the repository is longer than its metadata says")
        return raw


def _trusted_root(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FetchFailed(f"cannot read tuf_root_file: {error.strerror}") from None
