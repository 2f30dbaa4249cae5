"""The budget against a naive model of it, and whom and what it concerns."""

import logging
from collections import defaultdict
from functools import partial
from ipaddress import ip_address, ip_network

import pytest
from generations import a_config, a_list, publish
from hypothesis import given, settings
from hypothesis import strategies as st

import cop_filter
from cop_filter import _native
from cop_filter.config import OracleConfig
from cop_filter.oracle import OracleBudget, tells
from cop_filter.verdict import Action, Kind, LegalBasis, Verdict

WINDOW_S = 60.0
CLIENTS = ("192.0.2.1", "192.0.2.254", "192.0.3.1", "::ffff:192.0.2.9", "2001:db8::1", "2001:db8:0:ff::1",
           "2001:db8:0:100::1")  # fmt: skip
BLOCK = Verdict(Action.BLOCK, 1, "national", legal_basis=LegalBasis.ORDER, kind=Kind.DOMAIN)


class Model:
    """What each network was told of in the window that is now: everything remembered, nothing bounded."""

    def __init__(self, budget):
        self.budget = budget
        self.window = 0
        self.told = defaultdict(set)

    def _turn(self, now_s):
        if now_s // WINDOW_S > self.window:
            self.window = now_s // WINDOW_S
            self.told.clear()

    def is_spent(self, network, now_s):
        self._turn(now_s)
        return bool(self.budget) and len(self.told[network]) >= self.budget

    def tell(self, network, key, now_s):
        if self.is_spent(network, now_s):
            return False
        self.told[network].add(key)
        return True


def network_of(client):
    address = ip_address(client)
    address = getattr(address, "ipv4_mapped", None) or address
    return ip_network((address, 24 if address.version == 4 else 56), strict=False)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(CLIENTS),
        st.integers(0, 2**64 - 1) | st.integers(0, 5),
        st.floats(0, 25.0),
        st.booleans(),
    ),
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(budget=st.integers(0, 6), steps=STEPS)
def test_it_is_what_the_naive_model_is(budget, steps):
    native, model = _native.Oracle(budget, WINDOW_S), Model(budget)
    now_s = 0.0
    for client, key, pause_s, only_asks in steps:
        now_s += pause_s
        account, network = native.account(client), network_of(client)
        assert native.is_spent(account, now_s) == model.is_spent(network, now_s)
        if not only_asks:
            assert native.tell(account, key, now_s) == model.tell(network, key, now_s)


@pytest.mark.parametrize(
    ("changes", "secret"),
    [
        ({}, True),
        ({"legal_basis": LegalBasis.MEMBERSHIP}, True),
        ({"action": Action.STEER}, True),
        ({"legal_basis": LegalBasis.SUBSCRIBER}, False),
        ({"list_id": "self-test", "legal_basis": LegalBasis.MEMBERSHIP}, False),
        ({"action": Action.OBSERVE}, False),
        ({"action": Action.ALLOW}, False),
        ({"kind": None}, False),  # a fault, answered by the fail policy: no entry's doing
    ],
)
def test_what_tells_of_a_confidential_entry(changes, secret):
    assert tells(BLOCK._replace(**changes)) is secret


def test_an_entry_that_nobody_knows_any_more_counts_like_one():
    oracle = OracleBudget(OracleConfig(2, 1e9), lambda *_: None)
    account = oracle.account("192.0.2.1")
    assert all(oracle.may_tell(account, BLOCK, lambda: None) for _ in range(9))
    assert oracle.may_tell(account, BLOCK, lambda: 7)
    assert not oracle.may_tell(account, BLOCK, lambda: None)


def test_one_warning_in_a_window_names_nobody(caplog):
    counted = defaultdict(int)
    now_s = [0.0]

    def count(event, times):
        counted[event] += times

    oracle = OracleBudget(OracleConfig(1, WINDOW_S), count, clock=lambda: now_s[0])
    with caplog.at_level(logging.WARNING):
        for window in range(3):
            now_s[0] = window * WINDOW_S
            for client in CLIENTS:
                oracle.may_tell(oracle.account(client), BLOCK, lambda: 7)
                oracle.report()
    assert counted == {"oracle_budget_spent": 12}
    assert len(caplog.records) == 3
    assert not any(client in caplog.text for client in CLIENTS)


def test_more_networks_than_are_told_apart_are_counted_and_not_cut_off():
    counted = defaultdict(int)

    def count(event, times):
        counted[event] += times

    oracle = OracleBudget(OracleConfig(2, 1e9), count)
    for number in range(40_000):
        assert oracle.may_tell_entry(number, 7)
    oracle.report()
    assert counted["oracle_crowded"] > 0
    assert counted["oracle_budget_spent"] == 0


@pytest.mark.parametrize("make", [_native.Oracle, _native.Oracle.shared, partial(_native.Oracle.joined, 0)])
class TestWhatCannotBeCounted:
    @pytest.mark.parametrize("window_s", [0.0, -1.0, float("nan")])
    def test_is_a_window_of_no_length(self, make, window_s):
        with pytest.raises(ValueError, match="longer than nothing"):
            make(1, window_s)

    def test_is_a_budget_for_which_there_is_no_room(self, make):
        with pytest.raises(ValueError, match="at most 262144"):
            make(2**18 + 1, 1.0)


class TestWhatNoListCanBlock:
    @pytest.fixture
    def engine(self, tmp_path):
        config = a_config(tmp_path, a_list(), a_list("chosen", legal_basis=LegalBasis.SUBSCRIBER))
        publish(
            config,
            national=[
                "hotline.example",
                "bad.example",
                "https://isp.example/listed",
                "https://paged.example/p",
            ],
            chosen=["https://game.example/level"],
        )
        return cop_filter.open(tmp_path)

    @pytest.mark.parametrize("host", ["hotline.example", "HOTLINE.example.", "isp.example", b"isp.example"])
    def test_is_protected_in_any_spelling(self, engine, host):
        assert engine.protects(host)

    @pytest.mark.parametrize(
        "host", ["bad.example", "x.hotline.example", "example", "paged.example", "no host", "", "a..b"]
    )
    def test_nothing_else_is(self, engine, host):
        assert not engine.protects(host)

    def test_before_the_first_publish_nothing_is(self, tmp_path):
        assert not cop_filter.open(tmp_path / "nothing").protects("hotline.example")

    def test_pages_of_a_host_tell_of_it_unless_they_are_a_subscribers(self, engine):
        assert engine.confidential_pages("paged.example") == engine.confidential_pages("PAGED.example")
        assert engine.confidential_pages("paged.example") is not None
        assert engine.confidential_pages("paged.example") != engine.confidential_pages("isp.example")
        for host in ("game.example", "bad.example", "good.example"):
            assert engine.confidential_pages(host) is None
