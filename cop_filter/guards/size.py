"""Lists that are damaged, cut off, or not the same list any more: bad lines, and leaps in size."""

from cop_filter.config import ListConfig
from cop_filter.formats import LineError
from cop_filter.guards.seen import Seen, counted

SHOWN_ERRORS = 3


def shown(errors: tuple[LineError, ...], bad_lines: int) -> str:
    """The first errors in words: where and why, never the line's text."""
    words = [
        f"{error.member + ' ' if error.member else ''}line {error.line}: {error.reason}" for error in errors
    ]
    return "; ".join(words) + ("; ..." if bad_lines > len(words) else "")


def few_bad_lines(seen: Seen, config: ListConfig) -> str | None:
    """A list with many bad lines is another file, another format, or damaged."""
    if seen.bad_lines <= config.max_bad_share * seen.lines:
        return None
    return (
        f"{seen.bad_lines} of {seen.lines} lines are bad, more than max_bad_share "
        f"({config.max_bad_share:g}) allows: {shown(seen.first_errors, seen.bad_lines)}"
    )


def few_addresses(seen: Seen, config: ListConfig) -> str | None:
    """Addresses are refused line by line; a list full of them is told so.

    One address of a hosting company may serve a quarter of a million sites (Australia 2013).
    """
    if not seen.addresses or seen.bad_lines <= config.max_bad_share * seen.lines:
        return None
    return (
        f"{counted(seen.addresses, 'line')} of the bad ones hold addresses or networks, and one address may "
        "serve many sites; set allow_addresses for this list if the authority means them"
    )


def not_empty(seen: Seen, config: ListConfig) -> str | None:  # noqa: ARG001  a guard's shape
    """A list without entries would lift every block; an authority closes a list by telling people."""
    return "the list holds no entry" if seen.entries == 0 else None


def no_collapse(seen: Seen, config: ListConfig) -> str | None:
    """A list that lost most of its entries was cut off, or is not the same list."""
    before = seen.before
    if not before or before - seen.entries <= config.free_change:
        return None
    if seen.entries >= before * (1 - config.max_shrink):
        return None
    return (
        f"shrank from {before} to {seen.entries} entries, more than max_shrink "
        f"({config.max_shrink:g}) allows; raise it for this list if the authority confirms"
    )


def no_explosion(seen: Seen, config: ListConfig) -> str | None:
    """A list that suddenly holds many times what it held blocks things that nobody confirmed."""
    before = seen.before
    if not before or seen.entries - before <= config.free_change:
        return None
    if seen.entries <= before * config.max_growth:
        return None
    return (
        f"grew from {before} to {seen.entries} entries, more than max_growth "
        f"({config.max_growth:g}) allows; raise it for this list if the authority confirms"
    )
