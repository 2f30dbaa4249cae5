"""`cop-filter keys`: the keys that people and this operator sign with."""

from pathlib import Path

import click


@click.group()
def keys() -> None:
    """Make keys."""


@keys.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new(file: Path) -> None:
    """Make a signing key (Ed25519) in a new FILE for its owner's eyes, and print the public key.

    For approvers and rights.reveal, the public key goes into the configuration behind a name.
    """
    from cop_filter.signing import SigningKey  # noqa: PLC0415  slow to import

    key = SigningKey.generate()
    key.save(file)
    click.echo(str(key.public))
