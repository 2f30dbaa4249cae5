"""A fetched list, or a change of one, as a stream of entries; read as often as needed, without a copy."""

from collections.abc import Iterator

from cop_filter import fingerprints, formats
from cop_filter.config import ListConfig
from cop_filter.entries import Entry
from cop_filter.errors import ListRefused
from cop_filter.formats import Chunk
from cop_filter.sources import Fetched


class Reading:
    """What was fetched, read in the way that the list's settings say."""

    def __init__(self, wanted: ListConfig, fetched: Fetched) -> None:
        self._wanted = wanted
        self._fetched = fetched
        self.is_change = fetched.base is not None

    def chunks(self) -> Iterator[Chunk]:
        """The whole list, or what comes. Raises BadFormat."""
        return self._parsed(self._fetched.raw) if self._holds_lines(self._fetched.raw) else iter(())

    def removed(self) -> list[Entry]:
        """What goes. Raises BadFormat, and ListRefused for a line that is no entry: none such is in force."""
        raw = {"": self._fetched.removed}
        found: list[Entry] = []
        for chunk in self._parsed(raw) if self._holds_lines(raw) else ():
            if chunk.errors:
                raise ListRefused("a change takes away what is no entry; the list is fetched whole")
            found += chunk.entries
        return found

    def prints(self, before: bytes | None) -> bytes | None:
        """Fingerprints of the whole list's lines, proven by what was vouched for; None: nothing was.

        `before` are those of the version that is changed. Raises ListRefused.
        """
        vouched = self._fetched.vouched
        if vouched is None or vouched.entries_digest is None:
            return None
        try:
            come = fingerprints.of_body(self._fetched.raw.get("", b""))
            if self.is_change:
                come = fingerprints.change(before or b"", fingerprints.of_body(self._fetched.removed), come)
        except ValueError:
            raise ListRefused("the change does not fit what is held; the list is fetched whole") from None
        if fingerprints.digest(come) != vouched.entries_digest:
            raise ListRefused("its lines are not those that the authority vouches for")
        return come

    def _holds_lines(self, raw: dict[str, bytes]) -> bool:
        # Half of a change may be empty, which no list may be.
        return not self.is_change or any(raw.values())

    def _parsed(self, raw: dict[str, bytes]) -> Iterator[Chunk]:
        wanted = self._wanted
        return formats.parse(
            raw,
            format=self._fetched.format or wanted.format,
            csv_column=wanted.csv_column,
            json_field=wanted.json_field,
            addresses=wanted.allow_addresses,
        )
