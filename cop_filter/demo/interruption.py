"""Ctrl-C and its relatives: they end the demo in order, once, whatever it is doing."""

import asyncio
import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """From its making on, the first signal cancels the current task, or ends a `wait` if there is one.

    Later signals change nothing: what is being ended must not be left half-way.
    """

    def __init__(self) -> None:
        self._came = asyncio.Event()
        self._waited_for = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            # Under nohup a hang-up is ignored, and shall be.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal)

    async def wait(self) -> None:
        """Return when a signal has come."""
        self._waited_for = True
        await self._came.wait()

    def _on_signal(self) -> None:
        first = not self._came.is_set()
        self._came.set()
        if first and not self._waited_for and self._task is not None:
            self._task.cancel()
