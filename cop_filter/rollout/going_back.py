"""Back to an older generation, in one step, and held there."""

from cop_filter.errors import StateError
from cop_filter.hold import Hold
from cop_filter.loader import open_generation
from cop_filter.store import Store


def go_back(store: Store, to: int | None, *, by: str, reason: str, now: float) -> Hold:
    """Put generation `to` in force and hold it; None: the one before the newest that is wanted.

    The older generation is opened and verified whole before anything changes. `by` is an account's
    name, `now` in Unix seconds. Raises StateError, OSError.
    """
    before = store.newest()
    if before is None:
        raise StateError("nothing is published yet, so there is nothing to go back from")
    number = store.earlier() if to is None else to
    if number is None:
        raise StateError("there is no earlier generation to go back to")
    if number not in store.numbers():
        there = ", ".join(map(str, store.numbers()))
        raise StateError(f"generation {number} is not on disk; choose from: {there}")
    try:
        open_generation(store, number)
    except StateError as error:
        raise StateError(f"generation {number} is not whole, nothing was changed: {error}") from None
    hold = Hold(number, before, now, by, reason)
    store.stages.rollback(hold)
    return hold
