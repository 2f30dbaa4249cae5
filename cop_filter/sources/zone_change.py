"""What changed in a zone, from the records that an incremental transfer (RFC 1995) takes and brings. Pure.

Names are listed by records, and a name may have several. Which ones stay is not known here, because no
clear list is kept. Only a CNAME stands alone (RFC 1034 §3.6.2): a change that is made of these says exactly
which names come and go. Any other is not exact, and the zone has to be transferred whole.
"""

from collections.abc import Sequence

from cop_filter.formats import rpz

_MOST_OWNERS = 500_000
"""Beyond it a whole zone, which is not held by the name, takes less memory."""


class ZoneChange:
    """The net change of some steps, owner by owner."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}
        self._after: dict[str, str] = {}
        self.exact = True
        """False as soon as the records do not tell which names come and go."""

    def remove(self, owner: str, line: str, *, alone: bool) -> None:
        """A record goes; `alone` when it can have had no other beside it."""
        if owner in self._after:
            self.exact &= self._after.pop(owner) == line
        elif owner in self._before:
            self.exact = False
        else:
            self._before[owner] = line
        self._look(alone=alone)

    def add(self, owner: str, line: str, *, alone: bool) -> None:
        """A record comes; `alone` when it can have no other beside it."""
        self.exact &= owner not in self._after
        self._after[owner] = line
        self._look(alone=alone)

    def _look(self, *, alone: bool) -> None:
        self.exact &= alone and len(self._before) + len(self._after) <= _MOST_OWNERS

    @property
    def removed(self) -> list[str]:
        """The records that were there and are not any more."""
        return [line for owner, line in self._before.items() if self._after.get(owner) != line]

    @property
    def added(self) -> list[str]:
        """The records that are there and were not."""
        return [line for owner, line in self._after.items() if self._before.get(owner) != line]

    def listed(self, head: str) -> tuple[list[str], list[str]]:
        """The records by which names come, and those by which names go; `head` begins the zone's file.

        A name whose record changes, and which is listed before and after, does neither.
        """
        gone, come = _listing(head, self.removed), _listing(head, self.added)
        both = gone.keys() & come.keys()
        return (
            [line for owner, line in come.items() if owner not in both],
            [line for owner, line in gone.items() if owner not in both],
        )


def _listing(head: str, lines: Sequence[str]) -> dict[str, str]:
    """Those that list their owner, by owner."""
    first = head.count("\n") + 1
    body = (head + "".join(f"{line}\n" for line in lines)).encode()
    idle = rpz.idle_lines(body)
    return {line.partition(" ")[0]: line for number, line in enumerate(lines, first) if number not in idle}
