"""Progress bars for an interactive `cop-filter sync`: one line a list."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_RESULTS = frozenset({"published", "unchanged", "refused"})
"""The last phase of a list is how it ended: its bar is full, whatever the count."""


class Bars:
    """Takes sync's progress calls and draws them; silent where nobody watches."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[list_id]}"),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_interactive,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, list_id: str, phase: str, done: int, total: int | None) -> None:
        """One step of one list; `total` is None while nobody knows how much there is."""
        if list_id not in self._tasks:
            self._tasks[list_id] = self._progress.add_task(phase, total=total, list_id=list_id)
        full = done if phase in _RESULTS else total
        self._progress.update(self._tasks[list_id], description=phase, completed=done, total=full)
