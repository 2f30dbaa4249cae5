"""`cop-filter authority keys`, and how commands are given keys."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cop_filter.errors import SignatureRefused
from cop_filter.signing import PublicKey, SigningKey

if TYPE_CHECKING:
    from cop_filter.authority.desk import Desk


def open_desk(folder: Path) -> "Desk":
    """The list in a folder; its modules are not loaded before it is asked for."""
    from cop_filter.authority.desk import Desk  # noqa: PLC0415  see above

    return Desk(folder)


KEY_HELP = "A private key's file, which then signs this too, or somebody's public key as text."


def key_text(value: str) -> SigningKey | PublicKey:
    """A private key by its file, or a public one as text. Raises BadParameter, SignatureRefused."""
    if value.startswith("ed25519:"):
        try:
            return PublicKey.parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    if not Path(value).is_file():
        raise click.BadParameter(f"{value} is no file; make a key with `cop-filter authority keys new FILE`")
    return SigningKey.load(Path(value))


def members(keys: "tuple[SigningKey | PublicKey, ...]") -> tuple[list[PublicKey], list[SigningKey]]:
    """All keys, and those of them that can sign here."""
    signers = [key for key in keys if isinstance(key, SigningKey)]
    return [key.public if isinstance(key, SigningKey) else key for key in keys], signers


def say_key_set(folder: Path, lacking: int) -> None:
    """Tell who must sign a key set still."""
    if lacking > 0:
        click.echo(
            f"its key set needs {lacking} more: each further holder runs "
            f"`cop-filter authority sign {folder / 'keys'} --key KEY.pem`, on a copy of it or here"
        )


@click.group()
def keys() -> None:
    """Make keys, and change who signs."""


@keys.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def keys_new(file: Path) -> None:
    """Make a key for one person, and print its public part. The file never leaves that person."""
    key = SigningKey.generate()
    try:
        key.save(file)
    except FileExistsError:
        raise SignatureRefused(f"{file} is there already, and a key is never written over") from None
    click.echo(str(key.public))


@keys.command("rotate")
@click.option("--key", "new", type=key_text, metavar="KEY", multiple=True, required=True, help=KEY_HELP)
@click.option("--threshold", type=int, default=1, show_default=True, help="How many of them must sign.")
@click.option("--sign", "leaving", multiple=True, help="The file of a key that leaves, to sign this.",
              type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
@click.pass_obj
def keys_rotate(
    folder: Path, new: "tuple[SigningKey | PublicKey, ...]", threshold: int, leaving: tuple[Path, ...]
) -> None:
    """Propose who signs from now on: all keys that stay or come.

    It counts when as many old keys sign it as have to sign the list, and as many new ones. Subscribers follow
    by themselves, once a version that the new keys signed is published.
    """
    everyone, signers = members(new)
    signers += [SigningKey.load(path) for path in leaving]
    lacking = open_desk(folder).rotate(everyone, threshold, signers)
    click.echo("the next key set is in force" if lacking <= 0 else "the next key set is proposed")
    say_key_set(folder, lacking)
