"""Prints what was asked, expected and got; made for 100 columns."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cop_filter.demo.rows import Section

_WIDTH = 100
_MARK = 1
_FINE, _WRONG = Text("✓", style="green"), Text("✗", style="bold red")


def console() -> Console:
    """Standard output, never wider than is good to read; a pipe gets what a terminal gets."""
    found = Console(highlight=False)
    width = min(found.width, _WIDTH) if found.is_terminal else _WIDTH
    return Console(highlight=False, width=width)


def show(out: Console, section: Section) -> None:
    """One section: what it shows, how to read it, its rows."""
    out.print()
    out.print(Text(section.title, style="bold"))
    out.print(Text(section.explained, style="dim"))
    table = _table()
    table.add_column("", width=_MARK)
    for heading, width in zip(("", "asked", "expected", "got"), section.layout, strict=True):
        table.add_column(heading, width=width)
    for row in section.rows:
        mark, style = (_FINE, "") if row.fine else (_WRONG, "bold red")
        table.add_row(mark, Text(row.about), Text(row.asked), Text(row.expected), Text(row.got, style))
    out.print(table)
    out.print(Text(f"{_count(section)} as expected, {section.took_s:.1f} s", style="dim"))


def summary(out: Console, sections: Sequence[Section], took_s: float) -> None:
    """All sections on one line each, and the verdict."""
    table = _table()
    table.add_column("", width=_MARK)
    table.add_column("")
    table.add_column("as expected", justify="right", width=14)
    table.add_column("time", justify="right", width=8)
    for section in sections:
        mark = _FINE if section.fine else _WRONG
        table.add_row(mark, section.title, _count(section), f"{section.took_s:.1f} s")
    out.print()
    out.print(table)
    rows = [row for section in sections for row in section.rows]
    wrong = sum(not row.fine for row in rows)
    said = (
        f"{wrong} of {len(rows)} answers are wrong" if wrong else f"All {len(rows)} answers are as expected"
    )
    out.print()
    out.print(Text(f"{said}. It took {took_s:.0f} s.", style="bold red" if wrong else "bold green"))


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)


def _count(section: Section) -> str:
    return f"{sum(row.fine for row in section.rows)} of {len(section.rows)}"
