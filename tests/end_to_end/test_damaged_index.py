"""An index that is damaged under those who have it mapped: the same file, as a failing disk shows it."""

import os
import signal
from collections.abc import Iterator
from itertools import count

import pytest
from whole_service import WholeService, until


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeService]:
    """A running service whose newest generation, the second, holds all that the first does."""
    service = WholeService(tmp_path_factory.mktemp("service"), interval="1h")
    service.publish("one.example")
    service.start()
    try:
        service.until_blocked("one.example")
        service.publish("one.example", "two.example")
        service.process.send_signal(signal.SIGHUP)
        service.until_blocked("two.example")
        yield service
    finally:
        service.stop()


def test_a_resolver_whose_index_is_cut_off_goes_on_with_an_older_one(service: WholeService) -> None:
    newest = service.store.current()
    assert newest is not None
    process = service.roles()["dns_resolver"]
    os.truncate(service.store.folder(newest) / "index", 0)
    names = (f"n{number}.example" for number in count())

    def began_anew() -> bool:
        service.ask(next(names))
        return service.roles().get("dns_resolver", process) != process

    until(began_anew)
    service.until_blocked("one.example")
