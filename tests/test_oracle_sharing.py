"""One budget for several processes: joined, told through, killed amid it, and what is no budget."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from itertools import count

import pytest

from cop_filter import _native, oracle_sharing
from cop_filter.config import OracleConfig

CONFIG = OracleConfig(50, 1e9)
CLIENT = "192.0.2.1"
ASKS = """
import sys
from cop_filter import oracle_sharing
from cop_filter.config import OracleConfig
oracle = oracle_sharing.joined(OracleConfig(50, 1e9))
account = oracle.account("192.0.2.1")
print("ready", flush=True)
sys.stdin.readline()
first = int(sys.argv[1])
told = sum(oracle.tell(account, key, 0.0) for key in range(first, first + 1000))
print(told, oracle.is_spent(account, 0.0))
"""
"""A process that was handed the budget and asks a thousand keys of its own when it is told to."""


@pytest.fixture
def shared():
    shared = oracle_sharing.share(CONFIG)
    assert shared is not None
    return shared


def handed(shared):
    return {oracle_sharing.VARIABLE: str(shared.descriptor)}


def asking(shared, first):
    return subprocess.Popen(
        [sys.executable, "-c", ASKS, str(first)],
        env={**os.environ, **handed(shared)},
        pass_fds=(shared.descriptor,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def spends(oracle, client=CLIENT):
    """How many entries a client is told of until it is told no more."""
    account = oracle.account(client)
    return sum(oracle.tell(account, key, 0.0) for key in range(1000))


def test_a_role_that_is_started_alone_counts_for_itself():
    oracle = oracle_sharing.joined(CONFIG, {})
    assert oracle.descriptor is None
    assert spends(oracle) == 50
    assert spends(oracle_sharing.joined(CONFIG, {})) == 50


def test_who_joins_knows_what_was_told_and_by_which_client(shared):
    oracle = oracle_sharing.joined(CONFIG, handed(shared))
    assert oracle.account(CLIENT) == shared.account(CLIENT)
    assert spends(shared) == 50
    assert oracle.is_spent(oracle.account(CLIENT), 0.0)
    assert spends(oracle) == 0
    assert spends(oracle, "198.51.100.1") == 50


def test_the_descriptor_goes_no_further_than_to_who_joins(shared):
    copy = os.dup(shared.descriptor)
    os.set_inheritable(copy, True)
    try:
        oracle_sharing.joined(CONFIG, {oracle_sharing.VARIABLE: str(copy)})
        assert not os.get_inheritable(copy)
    finally:
        os.close(copy)


def test_what_was_told_is_gone_with_the_last_who_shares_it(shared):
    assert spends(shared) == 50
    assert spends(oracle_sharing.share(CONFIG)) == 50


@pytest.mark.parametrize("changed", [OracleConfig(51, 1e9), OracleConfig(50, 1e8), OracleConfig(0, 1e9)])
def test_a_budget_of_another_configuration_is_not_joined_and_that_is_said_once(shared, caplog, changed):
    with caplog.at_level(logging.WARNING):
        oracle = oracle_sharing.joined(changed, handed(shared))
    assert len(caplog.records) == 1
    assert spends(oracle) == (changed.budget or 1000)
    assert spends(shared) == 50


@pytest.mark.parametrize("word", ["", "x", "-1", "0", "99999", "1e3", str(2**31), str(2**70)])
def test_what_is_no_budget_at_all_is_not_joined(word, caplog):
    oracle = oracle_sharing.joined(CONFIG, {oracle_sharing.VARIABLE: word})
    assert len(caplog.records) == 1
    assert spends(oracle) == 50


def test_without_memory_to_share_each_role_counts_for_itself(monkeypatch, caplog):
    class Poor:
        @staticmethod
        def shared(_budget, _window_s):
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(_native, "Oracle", Poor)
    assert oracle_sharing.share(CONFIG) is None
    assert "Too many open files" in caplog.text


def test_processes_that_ask_at_once_are_told_exactly_the_budget_in_all(shared):
    processes = [asking(shared, first) for first in (0, 1000, 2000)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sum(int(told) for told, _ in said) == 50
    assert [spent for _, spent in said] == ["True"] * 3
    assert shared.is_spent(shared.account(CLIENT), 0.0)


def tells_for_ever(oracle, begun):
    for key in count():
        for network in range(200):
            oracle.tell(network, key, float(key * 1e7))
        begun.set()


def test_a_process_that_is_killed_amid_telling_leaves_the_others_at_work(shared):
    context = multiprocessing.get_context("fork")
    for number in range(20):
        begun = context.Event()
        process = context.Process(target=tells_for_ever, args=(shared, begun))
        process.start()
        assert begun.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        # The clock of who was killed ran ahead: what it began is the present window.
        assert spends(shared, f"198.51.{number}.1") == 50
        for network in range(200):
            for key in range(51):
                shared.tell(network, 10**6 + key, 0.0)
            assert shared.is_spent(network, 0.0)
