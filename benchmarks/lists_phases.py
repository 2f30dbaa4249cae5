"""`cop-filter` with a stopwatch: `lists_phases.py ARGS...`; each refresh prints its seconds by phase as JSON.

Each phase counts for itself: what it calls that is a phase, too, is taken out of it.
"""

import functools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from cop_filter import admission, compiler, refresh
from cop_filter.cli.command import run
from cop_filter.guards import Review, overblock
from cop_filter.index import Builder
from cop_filter.reading import Reading
from cop_filter.refresh import Refresher
from cop_filter.sources import https
from cop_filter.store import Store


class Stopwatch:
    """Seconds by phase, over all threads; a thread is in one phase at a time."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._threads = threading.local()

    def enter(self, phase: str) -> None:
        """The thread is in this phase until `leave`, which returns to the one before."""
        self._stack().append(phase)

    def leave(self) -> None:
        """End the phase that was entered last."""
        self._stack().pop()

    def take(self) -> dict[str, float]:
        """All seconds so far, which are forgotten then."""
        taken, self._seconds = self._seconds, Counter()
        return {phase: round(seconds, 4) for phase, seconds in taken.items()}

    def add(self, phase: str, seconds: float) -> None:
        """Count what was measured elsewhere."""
        self._seconds[phase] += seconds

    def _stack(self) -> "_Stack":
        stack: _Stack | None = getattr(self._threads, "stack", None)
        if stack is None:
            stack = self._threads.stack = _Stack(self)
        return stack

    def around(self, owner: Any, name: str, phase: str) -> None:  # noqa: ANN401  a class or a module
        """Have a function, or a generator's every step, count for a phase."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **more: Any) -> Any:  # noqa: ANN401  whatever it takes and gives
            self.enter(phase)
            try:
                result = function(*args, **more)
            finally:
                self.leave()
            return self._steps(result, phase) if isinstance(result, Iterator) else result

        setattr(owner, name, timed)

    def _steps(self, steps: Iterator[Any], phase: str) -> Iterator[Any]:
        while True:
            self.enter(phase)
            try:
                step = next(steps)
            except StopIteration:
                return
            finally:
                self.leave()
            yield step

    def around_async(self, owner: Any, name: str, phase: str) -> None:  # noqa: ANN401  see around
        """Have a coroutine function count for a phase, waiting included, wherever it runs."""
        function = getattr(owner, name)

        @functools.wraps(function)
        async def timed(*args: Any, **more: Any) -> Any:  # noqa: ANN401  see around
            began = time.perf_counter()
            try:
                return await function(*args, **more)
            finally:
                self.add(phase, time.perf_counter() - began)

        setattr(owner, name, timed)


class _Stack:
    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._phases: list[str] = []
        self._since = 0.0

    def append(self, phase: str) -> None:
        self._settle()
        self._phases.append(phase)

    def pop(self) -> None:
        self._settle()
        self._phases.pop()

    def _settle(self) -> None:
        now = time.perf_counter()
        if self._phases:
            self._watch.add(self._phases[-1], now - self._since)
        self._since = now


def install(watch: Stopwatch, told: Callable[[dict[str, Any]], None]) -> None:
    """Put the stopwatch around the parts of a refresh; `told` hears of each refresh that is over."""
    watch.around_async(https, "download", "download")
    watch.around_async(refresh.sources, "fetch", "fetch")
    watch.around(admission.Admission, "admit", "rest")
    watch.around(Reading, "chunks", "parse")
    watch.around(Reading, "removed", "parse")
    watch.around(Reading, "prints", "fingerprints")
    watch.around(compiler.Draft, "holds", "guards")
    watch.around(Review, "add", "guards")
    watch.around(Review, "report", "guards")
    for name in ("add", "amend", "carry", "settle"):
        watch.around(Builder, name, "compile")
    watch.around(Builder, "write", "write")
    watch.around(compiler, "open_generation", "open and verify")
    watch.around(compiler, "best_generation", "open the base")
    watch.around(compiler, "damaged", "open the base")
    watch.around(overblock, "prove", "proof")
    watch.around(compiler, "seal_attachment", "write")
    watch.around(Store, "write", "write")
    watch.around(Store, "publish", "publish")
    original = Refresher.refresh

    async def refreshed(self: Refresher, wanted: Any) -> Any:  # noqa: ANN401  as the original
        watch.take()
        began = time.monotonic()
        outcome = await original(self, wanted)
        told({"began": began, "ended": time.monotonic(), "result": outcome.result, "entries": outcome.entries,
              "error": outcome.error, "phases": watch.take()})  # fmt: skip
        return outcome

    Refresher.refresh = refreshed  # type: ignore[method-assign]  # that is what it is for


def main() -> None:
    """Run `cop-filter` with these arguments."""

    def told(refreshed: dict[str, Any]) -> None:
        print(json.dumps(refreshed), flush=True)

    install(Stopwatch(), told)
    sys.exit(int(run(sys.argv[1:])))


if __name__ == "__main__":
    main()
