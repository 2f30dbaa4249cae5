"""A whole round: every list at every listener, the built-in entry, and the name of no list."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import dns.message
import pytest
from generations import a_config, a_list, a_profile
from generations import dns as a_resolver
from loopback_listeners import PAGE, Reply, proxy, reply, resolver

from cop_filter.canaries import CONTROL_HOST, SELF_TEST, SELF_TEST_HOST, Canary
from cop_filter.config import Address, Config, OracleConfig, ProxyConfig, SplashConfig
from cop_filter.entries import parse
from cop_filter.selftest import Result, dns_question
from cop_filter.selftest import round as rounds
from cop_filter.verdict import Answer, LegalBasis, Plane

HERE = Address("127.0.0.1", 1)
SPLASH = frozenset({Answer.SPLASH})
HOST = Canary("national", parse("canary.example"), tuple(Plane))
PAGE_CANARY = Canary("national", parse("http://h.example/canary"), tuple(Plane))
LISTED = {SELF_TEST_HOST, "canary.example", "h.example"}


def resolving(blocked: set[str]) -> Reply:
    def answer(query: dns.message.Message) -> dns.message.Message:
        if query.question[0].name.to_text(omit_final_dot=True) in blocked:
            return reply(query, address=str(PAGE), ede=(15, 4))
        return reply(query, rcode=3)

    return answer


def proxying(blocked: set[str]) -> Callable[[str], int]:
    return lambda line: 451 if any(name in line for name in blocked) else 502


def configured(
    folder: Path, dns: Address | None, http: Address | None, clients: str = "127.0.0.0/8"
) -> Config:
    networks = (ip_network(clients),)
    return a_config(
        folder,
        a_list(),
        dns=None if dns is None else a_resolver(listen=(dns,), clients=networks),
        proxy=None if http is None else ProxyConfig(http, networks),
        splash=SplashConfig(HERE, (PAGE,)),
    )


def states(results: tuple[Result, ...]) -> dict[tuple[str, str, str, str], str]:
    return {(one.list_id, one.plane, one.listener.split()[0], one.expects): one.state for one in results}


async def test_every_listener_is_asked_for_every_list_and_pages_on_http_alone(tmp_path: Path) -> None:
    async with resolver(resolving(LISTED)) as dns, proxy(proxying(LISTED)) as http:
        results = await rounds.ask_for(configured(tmp_path, dns, http), [HOST, PAGE_CANARY], SPLASH)
    assert {(one.list_id, one.plane): one.asked for one in results if one.list_id == "national"} == {
        ("national", "dns"): 1, ("national", "http"): 2, ("national", "tls"): 1,
    }  # fmt: skip
    assert set(states(results).values()) == {"passed"}
    assert len(results) == 3 * 4


async def test_a_canary_that_gets_through_fails_its_list_on_its_plane_alone(tmp_path: Path) -> None:
    async with resolver(resolving({SELF_TEST_HOST})) as dns, proxy(proxying(LISTED)) as http:
        results = await rounds.ask_for(configured(tmp_path, dns, http), [HOST], SPLASH)
    failed = [one for one in results if one.state != "passed"]
    assert {(one.list_id, one.plane, one.state, one.reason) for one in failed} == {
        ("national", Plane.DNS, "failed", "1 of 1 got through")
    }


async def test_a_filter_that_blocks_everything_does_not_pass(tmp_path: Path) -> None:
    async with resolver(resolving({*LISTED, CONTROL_HOST})) as dns:
        results = await rounds.ask_for(configured(tmp_path, dns, None), [HOST], SPLASH)
    assert states(results)[SELF_TEST, "dns", "udp", "pass"] == "failed"
    assert states(results)[SELF_TEST, "dns", "udp", "block"] == "passed"


async def test_a_filter_that_holds_nothing_fails_by_the_built_in_entry(tmp_path: Path) -> None:
    async with resolver(resolving(set())) as dns:
        results = await rounds.ask_for(configured(tmp_path, dns, None), [], SPLASH)
    assert states(results)[SELF_TEST, "dns", "udp", "block"] == "failed"


async def test_listeners_that_do_not_answer_are_unreachable_and_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_question, "TIMEOUT_S", 0.05)
    async with resolver(None) as dns:
        results = await rounds.ask_for(configured(tmp_path, dns, HERE), [HOST], SPLASH)
    assert set(states(results).values()) == {"unreachable"}
    assert all(one.asked for one in results)


async def test_a_machine_that_is_no_client_asks_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    results = await rounds.ask_for(configured(tmp_path, HERE, None, "203.0.113.0/24"), [HOST], SPLASH)
    assert {(one.state, one.asked) for one in results} == {("unreachable", 0)}
    assert "add one" in str(results[0].reason)


async def test_a_list_for_a_profile_is_asked_for_from_an_address_of_its_clients(tmp_path: Path) -> None:
    school = Canary("school", parse("canary.example"), (Plane.DNS,), "schools")
    lists = (a_list(), a_list("school", legal_basis=LegalBasis.SUBSCRIBER))
    for network, state in (("127.9.0.0/16", "passed"), ("203.0.113.0/24", "unreachable")):
        async with resolver(resolving(LISTED)) as dns:
            config = a_config(
                tmp_path,
                *lists,
                dns=configured(tmp_path, dns, None).dns,
                splash=SplashConfig(HERE, (PAGE,)),
                profiles=(a_profile("schools", [network], ["school"]),),
            )
            results = await rounds.ask_for(config, [school], SPLASH)
        assert states(results)["school", "dns", "udp", "block"] == state


async def test_no_name_is_in_what_was_found(tmp_path: Path) -> None:
    async with resolver(resolving(set())) as dns:
        results = await rounds.ask_for(configured(tmp_path, dns, HERE), [HOST, PAGE_CANARY], SPLASH)
    assert "example" not in str(results)


async def test_a_listener_that_does_not_answer_is_asked_once_and_not_for_every_canary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_question, "TIMEOUT_S", 0.05)
    many = [Canary("national", parse(f"n{number}.example"), (Plane.DNS,)) for number in range(50)]
    async with resolver(None) as there:
        results = await rounds.ask_for(configured(tmp_path, there, None), many, SPLASH)
    assert {one.asked for one in results} == {1}


@pytest.mark.parametrize(
    ("budget", "there_is_a_proxy", "asked"),
    [(0, False, 50), (100, False, 25), (100, True, 12), (4, False, 1), (4, True, 1)],
)
async def test_no_more_canaries_are_asked_for_than_the_oracle_budget_lets_a_client_be_told_of(
    tmp_path: Path, budget: int, there_is_a_proxy: bool, asked: int
) -> None:
    many = [Canary("national", parse(f"n{number}.example"), (Plane.DNS,)) for number in range(50)]
    names = {SELF_TEST_HOST, *(canary.entry.key for canary in many)}
    async with resolver(resolving(names)) as there, proxy(proxying(names)) as http:
        config = configured(tmp_path, there, http if there_is_a_proxy else None)
        config = replace(config, oracle=OracleConfig(budget=budget))
        results = await rounds.ask_for(config, many, SPLASH)
    assert {one.asked for one in results if one.list_id == "national"} == {asked}
