"""Where the keys of the index come from: apart from it, if the operator says so.

A ring is text, 64 hexadecimal digits a line, the newest key first; "#" begins a comment. A file of 32 raw
bytes is a ring of one key. Whoever has a generation without its key learns nothing of what is listed.
"""

import binascii
import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cop_filter import durable, private_file
from cop_filter.config import Config
from cop_filter.errors import ConfigError, StateError
from cop_filter.sealing import KEY_BYTES

OWN_FILE = "index.key"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what LoadCredential= names (systemd.exec(5))."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A place of keys; where nothing else is named, a file in the state folder that is made when missing."""

    state_dir: Path
    file: Path | None = None
    env: str | None = None
    credential: str | None = None

    @staticmethod
    def of(config: Config) -> "KeyRing":
        """The place that the configuration names."""
        return KeyRing(config.state_dir, config.key_file, config.key_env, config.key_credential)

    @property
    def place(self) -> str:
        """In words, for messages; never a path."""
        if self.env is not None:
            return f"key_env ({self.env})"
        if self.credential is not None:
            return f"key_credential ({self.credential})"
        return OWN_FILE if self.file is None else "key_file"

    def read(self) -> tuple[bytes, ...]:
        """The keys, 32 bytes each, the newest first; at least one. Raises StateError."""
        try:
            return _keys(self._raw())
        except private_file.ReadableByOthersError:
            raise StateError(f"{self.place} is readable by others: chmod 600 it") from None
        except OSError as error:
            help_ = "; run `cop-filter sync` first" if self.place == OWN_FILE else ""
            raise StateError(f"{self.place} cannot be read ({error.strerror}){help_}") from None
        except ValueError as error:
            raise StateError(
                f"{self.place} {error}; restore it, or begin with a new key and a new state folder"
            ) from None

    def _raw(self) -> bytes:
        if self.env is not None:
            if self.env not in os.environ:
                raise StateError(f"{self.place} is not set in this process's environment")
            return os.environ[self.env].encode()
        if self.credential is not None:
            folder = os.environ.get(CREDENTIALS)
            if folder is None:
                raise StateError(
                    f"{self.place}: this process was given no credentials; add LoadCredential= to its unit"
                )
            # systemd shuts the folder away; the mode of the file in it shows its access control list.
            return (Path(folder) / self.credential).read_bytes()
        if self.file is not None:
            return private_file.read(self.file)
        return private_file.read(self.state_dir / OWN_FILE, follow=False)

    def make(self) -> None:
        """Make the state folder's own key if it is missing, and no other. Raises OSError."""
        own = self.state_dir / OWN_FILE
        if self.place != OWN_FILE or own.exists():
            return
        # Linked into place, so that two processes that start together agree on one key.
        descriptor, aside = tempfile.mkstemp(dir=self.state_dir)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(aside, own)
        finally:
            Path(aside).unlink()
        durable.sync_folder(self.state_dir)

    def replace(self, keys: Sequence[bytes]) -> None:
        """Write the ring anew, for the owner that it has. Raises ConfigError where it is no file, OSError."""
        if self.env is not None or self.credential is not None:
            problem = (
                f"{self.place}: is not ours to write: put a new line of 64 hexadecimal digits "
                "(`openssl rand -hex 32`) before the old one, and start every role again"
            )
            raise ConfigError([problem])
        path = (self.file or self.state_dir / OWN_FILE).resolve()
        owner = path.stat()
        durable.replace(path, "".join(f"{key.hex()}\n" for key in keys).encode())
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)


def read(config: Config) -> tuple[bytes, ...]:
    """The keys that the configuration leads to, the newest first. Raises StateError."""
    return KeyRing.of(config).read()


def _keys(raw: bytes) -> tuple[bytes, ...]:
    """Raises ValueError, which never repeats what was read."""
    if len(raw) == KEY_BYTES:
        return (raw,)
    lines = [line.partition(b"#")[0].strip() for line in raw.splitlines()]
    try:
        keys = tuple(binascii.unhexlify(line) for line in lines if line)
    except binascii.Error:
        raise ValueError("must hold 64 hexadecimal digits a line") from None
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError("must hold 64 hexadecimal digits a line, or 32 bytes")
    if len({*keys}) != len(keys):
        raise ValueError("holds a key twice")
    return keys
