"""`cop-filter check`: what would happen to a host or a URL, and by which list."""

import os
import sys
from collections.abc import Iterator
from typing import BinaryIO, TextIO

import click

from cop_filter.cli.exits import Exit
from cop_filter.cli.questions import Answered, Decider, JsonLines, answer, sentences
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.errors import InvalidUrl
from cop_filter.loader import Watcher, open_engine
from cop_filter.store import Store
from cop_filter.verdict import Plane

_BATCH_BYTES = 1 << 20


@click.command()
@click.argument("words", metavar="WORD... | -", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--plane",
    type=click.Choice([str(plane) for plane in Plane]),
    help="Where it is asked. Default: http for a URL, dns for a host.",
)
@click.option("--profile", metavar="ID", help="As for a client of this profile. Default: everyone else.")
@click.pass_obj
def check(
    settings: Settings, words: tuple[str, ...], as_json: bool, plane: str | None, profile: str | None
) -> Exit:
    """Decide hosts and URLs (whatever has a "/") against the lists in force.

    With "-", one question a line is read from standard input, and each is answered as soon as it is
    there. The answer names the list, never the entry. Ends with 1 when a question was invalid.
    """
    config = settings.config()
    known = [one.id for one in config.profiles]
    if profile is not None and profile not in known:
        raise click.BadParameter(
            f"choose from: {', '.join(known)}" if known else "the configuration has no [[profiles]]",
            param_hint="--profile",
        )
    existing_state(config)
    store = Store.of(config)
    engine = open_engine(store)
    watcher = Watcher(store, engine)
    if engine.generation == 0:
        click.echo(
            "cop-filter: nothing is published yet, so everything is allowed; run `cop-filter sync`", err=True
        )
    batches: Iterator[list[bytes]] = (
        batch
        for word in words
        for batch in (lines(sys.stdin.buffer) if word == "-" else iter([[os.fsencode(word)]]))
    )

    def fresh_batches() -> Iterator[list[bytes]]:
        for batch in batches:
            # A peer may keep asking for days: it hears of new generations too.
            watcher.check()
            yield batch

    asked_on = Plane(plane) if plane else None
    return answer_all(engine, fresh_batches(), sys.stdout, as_json=as_json, plane=asked_on, profile=profile)


def answer_all(
    engine: Decider,
    batches: Iterator[list[bytes]],
    out: TextIO,
    *,
    as_json: bool,
    plane: Plane | None,
    profile: str | None,
) -> Exit:
    """Answer batch by batch, flushing after each; says whether a question was invalid."""
    write = JsonLines() if as_json else sentences
    code = Exit.OK
    for batch in batches:
        answers: list[Answered] = answer(engine, batch, plane, profile)
        out.write(write(answers))
        out.flush()
        if any(isinstance(one.result, InvalidUrl) for one in answers):
            code = Exit.REFUSED
    return code


def lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a stream in batches: whatever is there already, without waiting for more.

    So a peer that asks one question is answered at once, and a large file goes in large batches.
    """
    read = getattr(stream, "read1", stream.read)
    rest = b""
    while block := read(_BATCH_BYTES):
        whole, newline, tail = block.rpartition(b"\n")
        if not newline:
            rest += block
            continue
        yield [line.removesuffix(b"\r") for line in (rest + whole).split(b"\n")]
        rest = tail
    if rest:
        yield [rest.removesuffix(b"\r")]
