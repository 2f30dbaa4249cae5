"""What the demo found out: rows of asked, expected and got, in sections."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Row:
    """One thing asked: `about` says in plain words what it is, `asked` how it was asked."""

    about: str
    asked: str
    expected: str
    got: str
    fine: bool


def compared(about: str, asked: str, expected: str, got: str) -> Row:
    """A row that is as expected when both say the same."""
    return Row(about, asked, expected, got, expected == got)


class Layout(NamedTuple):
    """Widths of the columns in characters."""

    about: int
    asked: int
    expected: int
    got: int


QUESTIONS = Layout(22, 41, 16, 16)
EVENTS = Layout(23, 26, 23, 23)
FAULTS = Layout(24, 17, 22, 32)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that show one thing; `explained` tells a newcomer how to read them."""

    title: str
    explained: str
    layout: Layout
    rows: tuple[Row, ...]
    took_s: float

    @property
    def fine(self) -> bool:
        """Whether every row is as expected, and there is one."""
        return bool(self.rows) and all(row.fine for row in self.rows)
