"""Fetches a list from this machine: a file, or a squidGuard/UT1 folder with `domains` and `urls`."""

import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cop_filter.errors import FetchFailed
from cop_filter.sources.archive import FOLDER_MEMBERS
from cop_filter.sources.result import Body, NotModified, TryAgain, Validators

_Version = tuple[int, int, int]
"""Inode, modification time in ns, size: what changes when a file is replaced or rewritten."""


def read(source: str, validators: Validators, max_bytes: int) -> Body | NotModified:
    """Read the file or folder that a `file:` URL (RFC 8089) names. Blocks.

    Raises FetchFailed when it is missing, unreadable, too large, or no plain file, and TryAgain
    when it changes while it is read: whoever writes it has not finished.
    """
    parts = urlsplit(source)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise FetchFailed("the source names no local file; write file:///absolute/path")
    path = Path(unquote(parts.path))
    try:
        return _read_path(path, validators, max_bytes)
    except OSError as error:
        # Only strerror: the whole text would repeat the path.
        raise FetchFailed(f"cannot read the file: {error.strerror or 'input/output error'}") from None
    except ValueError:
        raise FetchFailed("the source names no possible file") from None


def _read_path(path: Path, validators: Validators, max_bytes: int) -> Body | NotModified:
    if path.is_dir():
        files = {name: path / name for name in FOLDER_MEMBERS if (path / name).exists()}
        if not files:
            raise FetchFailed("the folder holds neither domains nor urls")
    else:
        files = {"": path}
    versions = {name: _version(file.stat()) for name, file in files.items()}
    etag = " ".join(f"{name}:{inode}-{at}-{size}" for name, (inode, at, size) in versions.items())
    if validators.etag == etag:
        return NotModified()
    bodies: dict[str, bytes] = {}
    for name, file in files.items():
        bodies[name] = _read_whole(file, versions[name], max_bytes - sum(map(len, bodies.values())))
    return Body(bodies, Validators(etag=etag))


def _read_whole(path: Path, expected: _Version, room: int) -> bytes:
    # O_NONBLOCK: opening a FIFO that nobody writes to would hang for ever.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FetchFailed("the source is not a plain file")
        if status.st_size > room:
            raise FetchFailed("the file is larger than max_bytes")
        content = stream.read(room + 1)
        if _version(os.fstat(stream.fileno())) != expected or len(content) != status.st_size:
            raise TryAgain("the file changed while it was read")
    return content


def _version(status: os.stat_result) -> _Version:
    return status.st_ino, status.st_mtime_ns, status.st_size
