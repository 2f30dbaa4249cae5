"""Who is given a copy of the list with marks of their own, and whose copy leaked."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from cop_filter import entries
from cop_filter.authority import tracing
from cop_filter.authority.folder import Folder, Settings, check_name
from cop_filter.authority.watermarks import marks, shapes_of
from cop_filter.errors import StateError
from cop_filter.verdict import Kind


def copies(folder: Folder, settings: Settings, texts: Collection[str]) -> dict[str, list[str]]:
    """The names of the copies, and what each holds beside the list's own texts.

    Without receivers there is one copy, unmarked; with receivers there is none for everybody.
    """
    if not settings.receivers:
        return {settings.list: []}
    secret, shapes = folder.secret(), shapes_of(texts)
    return {
        f"{settings.list}.{receiver}": marks(secret, receiver, settings.domains, shapes)
        for receiver in settings.receivers
    }


def mark_under(folder: Folder, domains: Sequence[str]) -> None:
    """Have marks lie under these domains from the next version on. Raises StateError."""
    for domain in domains:
        read = entries.parse_many([domain])[0]
        if not isinstance(read, entries.Entry) or read.key != domain or read.kind is not Kind.DOMAIN:
            raise StateError(f"{domain!r} is no domain in canonical form, such as quiet.example")
    with folder.alone():
        settings = folder.settings()
        former = {*settings.former_domains, *settings.domains}.difference(domains)
        folder.save(replace(settings, domains=tuple(domains), former_domains=tuple(sorted(former))))


def add(folder: Folder, names: Sequence[str]) -> tuple[str, ...]:
    """Give these a copy of their own; gives all receivers. Raises StateError."""
    for name in names:
        check_name("receiver", name)
    with folder.alone():
        settings = folder.settings()
        if not settings.domains:
            raise StateError(
                "marks need domains that you own and let rest, so first: "
                "`cop-filter authority receivers domains quiet.example ...`"
            )
        receivers = tuple(sorted({*settings.receivers, *names}))
        former = tuple(name for name in settings.former_receivers if name not in names)
        folder.save(replace(settings, receivers=receivers, former_receivers=former))
    return receivers


def remove(folder: Folder, names: Sequence[str]) -> tuple[str, ...]:
    """Make no more copies for these, whose marks stay known; gives all receivers. Raises as `add`."""
    with folder.alone():
        settings = folder.settings()
        unknown = sorted(set(names).difference(settings.receivers))
        if unknown:
            raise StateError(f"there is no receiver {', '.join(unknown)}, so nothing was changed")
        receivers = tuple(name for name in settings.receivers if name not in names)
        former = tuple(sorted({*settings.former_receivers, *names}))
        folder.save(replace(settings, receivers=receivers, former_receivers=former))
    return receivers


def trace(folder: Folder, leaked: bytes) -> list[tracing.Trace]:
    """Whose copies are in what leaked, former receivers' too. Raises StateError."""
    settings = folder.settings()
    return tracing.trace(
        leaked,
        folder.secret(),
        (*settings.receivers, *settings.former_receivers),
        (*settings.domains, *settings.former_domains),
    )
