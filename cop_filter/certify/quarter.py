"""A calendar quarter in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_WORD = re.compile(r"(20\d\d)Q([1-4])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quarter:
    """`number` is 1 to 4. Bounds are Unix seconds; the end is not in it."""

    year: int
    number: int

    @staticmethod
    def parse(text: str) -> "Quarter":
        """Read `2026Q4`. Raises ValueError."""
        found = _WORD.fullmatch(text)
        if found is None:
            raise ValueError("must be a year and a quarter, such as 2026Q4")
        return Quarter(int(found[1]), int(found[2]))

    @property
    def start(self) -> int:
        """The first second."""
        return _month(self.year, 3 * self.number - 2)

    @property
    def end(self) -> int:
        """The first second of the next quarter."""
        return _month(self.year + 1, 1) if self.number == 4 else _month(self.year, 3 * self.number + 1)

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"


def _month(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())
