"""The files of quarantined versions: put there whole, changed by one process at a time."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cop_filter import durable, file_lock
from cop_filter.errors import QuarantineRefused, StateError
from cop_filter.quarantine import body as bodies
from cop_filter.quarantine import coded
from cop_filter.quarantine.body import Body
from cop_filter.quarantine.item import Item, is_id

_ITEM = "item"
_BODY = "body"
_APPROVALS = "approvals"
_MOST_BYTES = 1 << 20
_MOST_APPROVALS = 64


class Shelf:
    """The folder `root`, whose items are coded and sealed with the first of `keys`, and read with any.

    Raises StateError throughout.
    """

    def __init__(self, root: Path, keys: Sequence[bytes]) -> None:
        self._root = root
        self._key = keys[0]
        self._keys = keys

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the one who changes something."""
        try:
            durable.make_folder(self._root)
            with file_lock.held(self._root / "lock"):
                yield
        except OSError as error:
            why = error.strerror or "input/output error"
            raise StateError(f"the quarantine cannot be written: {why}") from None

    def ids(self) -> list[str]:
        """All items, oldest day first."""
        try:
            return sorted(path.name for path in self._root.iterdir() if is_id(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"the quarantine cannot be read: {error.strerror}") from None

    def item(self, item_id: str) -> Item:
        """Read one. Raises QuarantineRefused when there is none of this id, StateError when it is damaged."""
        if not is_id(item_id):
            raise QuarantineRefused(
                "that is no id of a quarantined version; see `cop-filter quarantine list`"
            )
        try:
            raw = self._read(self._root / item_id / _ITEM)
        except FileNotFoundError:
            if (self._root / item_id).is_dir():
                raise StateError("what was said about this version is lost") from None
            raise QuarantineRefused(
                "no version is quarantined under this id; see `cop-filter quarantine list`"
            ) from None
        except OSError as error:
            raise StateError(f"the quarantine cannot be read: {error.strerror}") from None
        return coded.with_any(self._keys, lambda key: Item.from_bytes(raw, key, item_id))

    def body(self, item_id: str) -> Body:
        """The list that is quarantined."""
        self.item(item_id)
        try:
            path = self._root / item_id / _BODY
            return coded.with_any(self._keys, lambda key: bodies.read(path, item_id, key))
        except FileNotFoundError:
            raise QuarantineRefused("this version's list is not kept any more") from None
        except OSError as error:
            raise StateError(f"the quarantine cannot be read: {error.strerror}") from None

    def approvals(self, item_id: str) -> list[bytes]:
        """What was handed in as approvals, good or not."""
        try:
            paths = sorted((self._root / item_id / _APPROVALS).iterdir())[:_MOST_APPROVALS]
            return [self._read(path) for path in paths]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"the quarantine cannot be read: {error.strerror}") from None

    # ------------------------------------------------------------ inside `changing`

    def put(self, item: Item, body: Body) -> None:
        """Keep a version: all of it, or nothing."""
        for stale in self._root.glob("aside-*"):
            shutil.rmtree(stale, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix="aside-", dir=self._root))
        try:
            bodies.write(aside / _BODY, body, item.id, self._key)
            durable.write(aside / _ITEM, item.to_bytes(self._key))
            durable.sync_folder(aside)
            aside.rename(self._root / item.id)
            durable.sync_folder(self._root)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def change(self, item: Item) -> None:
        """Write an item anew."""
        durable.replace(self._root / item.id / _ITEM, item.to_bytes(self._key))

    def approve(self, item_id: str, who: str, document: bytes) -> None:
        """Put an approval beside the others; `who` names its file."""
        folder = self._root / item_id / _APPROVALS
        durable.make_folder(folder)
        durable.replace(folder / who, document)

    def empty(self, item_id: str) -> None:
        """Remove the list and the approvals, and keep what was said about it."""
        (self._root / item_id / _BODY).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root / item_id / _APPROVALS)
        durable.sync_folder(self._root / item_id)

    def remove(self, item_id: str) -> None:
        """Remove all of it: at once for all who look, and the room that it took at last."""
        aside = self._root / f"aside-{item_id}"
        (self._root / item_id).rename(aside)
        shutil.rmtree(aside)
        durable.sync_folder(self._root)

    def _read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
