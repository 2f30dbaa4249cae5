"""What is remembered of each list, by whichever process refreshed it."""

import multiprocessing

import pytest
from generations import a_list

from cop_filter.guards import Accepted
from cop_filter.ledger import Known, Ledger, Moment
from cop_filter.sources import Validators, Vouched
from cop_filter.store import Store

NOW = 1_800_000_000.0


@pytest.fixture
def store(tmp_path):
    one = Store(tmp_path / "state")
    one.prepare()
    return one


def note_often(state_dir, list_id):
    ledger = Ledger(Store(state_dir))
    for number in range(50):
        known = Known(Validators(etag=str(number)), f"digest {number}")
        ledger.accepted(a_list(list_id), known, None, Moment(NOW + number, NOW))


def test_two_processes_that_note_two_lists_lose_nothing_of_each_other(store):
    context = multiprocessing.get_context("spawn")
    ids = ("one", "two", "three")
    writers = [context.Process(target=note_often, args=(store.root, list_id)) for list_id in ids]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    ledger = Ledger(store)
    assert [ledger.known(a_list(list_id)).digest for list_id in ids] == ["digest 49"] * 3


def test_another_source_or_another_reading_of_it_is_another_list(store):
    ledger = Ledger(store)
    known = Known(Validators("etag"), "digest")
    ledger.accepted(a_list(), known, None, Moment(NOW, NOW), Accepted(NOW, 3, 3, 0))
    assert ledger.known(a_list()) == known
    assert len(ledger.history(a_list())) == 1
    for other in (a_list(source="https://other.example/"), a_list(format="csv"), a_list(json_field="x")):
        assert ledger.known(other) == Known()
        assert ledger.history(other) == ()


def test_what_was_known_and_vouched_for_outlives_refusals_and_is_forgotten_on_demand(store):
    ledger = Ledger(store)
    vouched = Vouched(7, expires_at=NOW + 60)
    ledger.accepted(a_list(), Known(Validators("etag"), "digest", vouched), None, Moment(NOW, NOW))
    ledger.refused(a_list(), "the server fell silent", None, Moment(NOW + 1, NOW))
    assert ledger.known(a_list()).digest == "digest"
    assert ledger.last_error(a_list()) == "the server fell silent"
    note = store.read_status()["national"]
    assert (note["version"], note["expires_at"], note["confirmed_at"]) == (7, NOW + 60, NOW)
    ledger.forget(a_list())
    assert ledger.known(a_list()) == Known()


def test_a_damaged_history_counts_as_none(store):
    ledger = Ledger(store)
    ledger.accepted(a_list(), Known(digest="digest"), None, Moment(NOW, NOW))
    status = store.read_status()
    status["national"]["history"] = [{"at": NOW}]
    store.write_status(status)
    assert ledger.history(a_list()) == ()
