"""How people show who they are to `cop-filter quarantine`: by a key here, or a statement signed elsewhere."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from cop_filter.cli.actor import as_account
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.config import Config

if TYPE_CHECKING:
    from cop_filter.decision import Verb
    from cop_filter.quarantine import Quarantine
    from cop_filter.signing import SigningKey

_KEY_FILE = click.Path(path_type=Path, dir_okay=False)


class Proof(NamedTuple):
    """The options by which people show who they are."""

    key_file: Path | None
    signed_file: BinaryIO | None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.key_file is not None or self.signed_file is not None

    def read(self) -> "SigningKey | bytes | None":
        """The key or the signed statement: a person's own file, so before root acts as the state's account.

        Raises SignatureRefused, UsageError.
        """
        from cop_filter.signing import SigningKey  # noqa: PLC0415  slow to import

        if self.key_file is not None and self.signed_file is not None:
            raise click.UsageError("give --key or --signed, not both")
        if self.signed_file is not None:
            return _read(self.signed_file)
        return None if self.key_file is None else SigningKey.load(self.key_file)


def shows_proof(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --key and --signed, as its argument `proof`."""

    @click.option("--key", "key_file", type=_KEY_FILE, help="Your signing key, made with `keys new`.")
    @click.option(
        "--signed", "signed_file", type=click.File("rb"),
        help="Your statement, signed on another machine (- for standard input): the key stays there.",
    )  # fmt: skip
    @functools.wraps(command)
    def with_proof(
        *words: object, key_file: Path | None, signed_file: BinaryIO | None, **options: object
    ) -> None:
        command(*words, proof=Proof(key_file, signed_file), **options)

    return with_proof


def opened(config: Config) -> "Quarantine":
    """The quarantine of a configuration's state folder. Raises StateError."""
    from cop_filter.quarantine import Quarantine  # noqa: PLC0415  slow to import
    from cop_filter.store import Store  # noqa: PLC0415

    existing_state(config)
    return Quarantine(Store.of(config), config)


@click.command()
@click.argument("item", metavar="ID")
@click.option("--as", "name", required=True, metavar="NAME", help="Who decides, as the configuration has it.")
@click.option("--reject", "verb", flag_value="reject", help="A statement that rejects this version.")
@click.option(
    "--reveal", "verb", flag_value="reveal", help="A statement that shows its entries, for an hour."
)
@click.pass_obj
def statement(settings: Settings, item: str, name: str, verb: "Verb | None") -> None:
    """Print what NAME signs on another machine to approve this version, so that no key has to come here.

    It tells list, digest, counts and reasons, and no entry. Next: `sign` there, then `approve --signed` here.
    """
    config = settings.config()
    with as_account(config):
        document = opened(config).statement(item, verb or "approve", name)
    click.echo(document, nl=False)


@click.command()
@click.argument("document", metavar="STATEMENT", type=click.File("rb"))
@click.option("--key", "key_file", type=_KEY_FILE, required=True, help="Your signing key.")
def sign(document: BinaryIO, key_file: Path) -> None:
    """Print a STATEMENT (- for standard input) with your signature. Needs no configuration: for any machine.

    What you sign is shown on standard error. Nothing but such a statement is signed.
    """
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import
    from cop_filter.decision import Decision  # noqa: PLC0415
    from cop_filter.signing import SigningKey  # noqa: PLC0415

    decision = Decision.read(_read(document))
    click.echo(text.to_sign(decision), err=True)
    click.echo(decision.signed(SigningKey.load(key_file)), nl=False)


def _read(file: BinaryIO) -> bytes:
    from cop_filter.decision import MAX_BYTES  # noqa: PLC0415  slow to import

    return file.read(MAX_BYTES + 1)
