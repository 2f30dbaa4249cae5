"""`cop-filter keys`: the keys that people sign with, and that of the index."""

from pathlib import Path

import click

from cop_filter import rotation
from cop_filter.audit import Audit
from cop_filter.cli.actor import account_name, as_account
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.push import wake
from cop_filter.store import Store


@click.group()
def keys() -> None:
    """Make keys, and exchange that of the index."""


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


@keys.command()
@click.option("--finish", is_flag=True, help="Drop the older keys, once the newest is in use.")
@click.pass_obj
def rotate(settings: Settings, finish: bool) -> None:
    """Give the index a new key. The old one stays in use until every list was fetched again.

    Generations under the old key can be gone back to until --finish drops it, and them.
    """
    config = settings.config()
    existing_state(config)
    store = Store.of(config)
    with as_account(config):
        if finish:
            dropped = rotation.finish(store)
            shown = ", ".join(map(str, dropped)) or "none"
            click.echo(f"the older keys are dropped, and with them the generations: {shown}")
        else:
            rotation.begin(store)
            for one in config.lists:
                wake.ask(config.state_dir, one.id)
            click.echo("a new key waits; it is used once `cop-filter sync` has fetched every list whole")
        Audit(config).note("keys_rotated", step="finish" if finish else "begin", by=account_name())
