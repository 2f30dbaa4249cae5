"""Which processes enforce what is on trial, also those that have ended since. Pure."""

from collections.abc import Collection, Mapping


class Processes:
    """What is known of the processes since a generation went on trial; empty at first."""

    def __init__(self) -> None:
        self._on_trial: dict[int, bool] = {}
        self._ended: set[int] = set()

    def see(self, enforcing: Mapping[int, int], generations: Collection[int]) -> None:
        """Take in one look: living process -> the generation that it enforces, and those on trial."""
        self._ended = (self._on_trial.keys() | self._ended) - enforcing.keys()
        self._on_trial |= {pid: number in generations for pid, number in enforcing.items()}

    @property
    def on_trial(self) -> frozenset[int]:
        """Those that enforce what is on trial, or did so last."""
        return frozenset(pid for pid, on_trial in self._on_trial.items() if on_trial)

    def ended(self, *, on_trial: bool) -> int:
        """How many of those on trial, or of the others, have ended."""
        return sum(self._on_trial[pid] is on_trial for pid in self._ended)
