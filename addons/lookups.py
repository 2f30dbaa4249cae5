"""Keeps a name from leading where its address may not.

mitmproxy has a name looked up while it connects, behind its last hook. So the loop's look-ups are filtered,
each by what was said for the connection that it belongs to; an address that is left out is never contacted.
"""

import asyncio
import errno
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

Allows = Callable[[str, int], bool]
"""Takes an address and a port."""

_allows: ContextVar[Allows | None] = ContextVar("allows", default=None)


def restrict(allows: Allows) -> None:
    """Keep to these addresses for whatever the current task looks up from now on."""
    _allows.set(allows)


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Filter the loop's look-ups; one without any allowed address fails with EACCES."""
    look_up = loop.getaddrinfo

    async def getaddrinfo(*args: Any, **options: Any) -> list[Any]:  # noqa: ANN401  the loop's own form
        found = await look_up(*args, **options)
        allows = _allows.get()
        kept = [one for one in found if allows is None or allows(str(one[4][0]), int(one[4][1]))]
        if found and not kept:
            raise PermissionError(errno.EACCES, "refused by cop_filter")
        return kept

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]  # mitmproxy takes no resolver of ours
