"""A generation on trial: in force for some first, then for all, or taken back by itself."""

import asyncio
import json

import pytest
from network import SOAK_S, Network

from cop_filter import durable
from cop_filter.rollout.controller import Settled
from cop_filter.rollout.going_back import go_back
from cop_filter.trial import GRACE_S
from cop_filter.verdict import Plane

ORDINARY = tuple(f"site{number}.example" for number in range(100))


@pytest.fixture
def network(tmp_path):
    return Network(tmp_path)


def test_a_good_generation_is_tried_on_the_share_and_then_in_force_everywhere(network):
    network.asked(*ORDINARY, times=20)
    assert network.publish("first.example", "second.example") == 2
    assert network.in_force() == [2, 1, 1, 1]
    assert network.step() is None
    network.asked(*ORDINARY, times=20)
    assert network.step(SOAK_S - 1) is None
    assert network.in_force() == [2, 1, 1, 1]
    assert network.step(1) == Settled("promoted", (2,))
    assert network.in_force() == [2, 2, 2, 2]
    assert network.step() is None


def test_denmark_2012_ordinary_names_on_the_list_are_blocked_for_some_and_taken_back(network):
    """8,000 ordinary names came into the police list: here for a quarter of the clients, until it shows."""
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", *ORDINARY[:80], *(f"n{number}.example" for number in range(8000)))
    assert network.step() is None
    network.asked(*ORDINARY, times=10)
    settled = network.step(5)
    assert settled is not None
    assert (settled.outcome, settled.generations) == ("taken back", (2,))
    assert "80.00% of 1000 decisions blocked, where 0.00% is usual" in settled.reason
    assert network.in_force() == [1, 1, 1, 1]
    assert [one.generations for one in network.store.setbacks()] == [(2,)]
    assert network.store.newest() == 1


def test_piracy_shield_2024_one_popular_host_is_taken_back_by_itself_where_all_is_one_worker(tmp_path):
    """drive.google.com was listed; one name of a hundred. There are no other workers to hold it against."""
    network = Network(tmp_path, canaries=[True])
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", "site7.example")
    assert network.step() is None
    network.asked(*ORDINARY, times=20)
    settled = network.step(5)
    assert settled is not None
    assert "1.00% of 2000 decisions blocked" in settled.reason
    assert network.in_force() == [1]


def test_the_versions_of_the_lists_that_failed_are_named_and_remembered(network):
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", *ORDINARY, digest="d1g357")
    network.step()
    network.asked(*ORDINARY, times=20)
    settled = network.step(5)
    assert settled is not None
    assert settled.digests == {"national": "d1g357"}
    suspicion = network.store.suspicion("national", "d1g357")
    assert suspicion is not None
    assert (suspicion.how, suspicion.reason) == ("failed", settled.reason)
    assert network.store.suspicion("national", "another") is None


def test_a_rare_name_that_is_blocked_for_the_first_time_is_no_jump(network):
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", "rare.example")
    network.step()
    network.asked(*ORDINARY, times=100)
    network.asked("rare.example", times=10)
    assert network.step(SOAK_S) == Settled("promoted", (2,))


def test_where_much_is_blocked_as_usual_nothing_is_a_jump(network):
    for _ in range(2):
        network.asked(*ORDINARY[:9], "first.example", times=200)
        network.publish("first.example", "second.example")
        network.step()
    network.asked(*ORDINARY[:9], "first.example", times=200)
    assert network.step(5) is None


def test_canaries_that_are_let_pass_end_the_trial_at_once(network):
    network.failing = ["national"]
    network.publish("second.example")
    settled = network.step()
    assert settled is not None
    assert settled.reason == "canaries of national are not blocked"
    assert network.in_force() == [1, 1, 1, 1]


def test_workers_that_die_of_it_again_and_again_end_the_trial(network):
    network.publish("second.example")
    network.in_force()
    network.step()
    for pid in (200, 201, 202):
        dead = network.workers[0]
        network.dead.append(dead)
        network.workers[0] = type(dead)(network, pid, canary=True)
        settled = network.step(1)
    assert settled is not None
    assert settled.reason == "processes that enforce it ended 3 times"


def test_lists_that_change_often_all_come_into_force_and_each_has_soaked(network):
    """One publish every minute, a soak of ten: none may wait for ever, none may skip its soak."""
    began, passed = {1: network.now}, {}
    for minute in range(60):
        number = network.publish(f"n{minute}.example")
        began[number] = network.now
        settled = network.step(60.0)
        if settled is not None:
            passed[settled.generations[0]] = network.now
    assert len(passed) >= 4
    assert all(passed[number] - began[number] >= SOAK_S for number in passed)
    current = network.store.current()
    assert network.now - began[current] <= 2 * SOAK_S + 120
    assert len(network.store.numbers()) <= 8


def test_a_publish_during_a_soak_is_made_from_what_is_on_trial(network):
    network.publish("second.example")
    network.step()
    assert network.publish("third.example") == 3
    assert network.in_force() == [3, 1, 1, 1]
    assert network.step(SOAK_S) == Settled("promoted", (2,))
    assert network.in_force() == [3, 2, 2, 2]
    assert network.step(SOAK_S) == Settled("promoted", (3,))


def test_a_bad_successor_is_found_though_its_predecessor_did_well(network):
    network.publish("second.example")
    network.step()
    network.asked(*ORDINARY, times=1000)
    assert network.step(5) is None
    network.publish("second.example", *ORDINARY[:10])
    network.step()
    network.asked(*ORDINARY, times=20)
    settled = network.step(5)
    assert settled is not None
    assert (settled.outcome, settled.generations) == ("taken back", (2, 3))
    assert network.in_force() == [1, 1, 1, 1]


def test_without_a_controller_all_workers_follow_soon_after_the_soak(network):
    network.publish("second.example")
    assert network.in_force() == [2, 1, 1, 1]
    network.now += SOAK_S + GRACE_S - 1
    assert network.in_force() == [2, 1, 1, 1]
    network.now += 1
    assert network.in_force() == [2, 2, 2, 2]
    # Whoever comes at last settles it.
    assert network.step() == Settled("promoted", (2,))


def test_a_clock_that_was_set_back_does_not_hold_a_trial_for_ever(network):
    network.publish("second.example")
    network.now -= 86400.0
    assert network.in_force() == [2, 2, 2, 2]
    assert network.step() == Settled("promoted", (2,))


def test_a_restarted_controller_goes_on_with_the_figures_of_the_one_before(tmp_path):
    network = Network(tmp_path, canaries=[True])
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", "site7.example")
    network.step()
    network.asked(*ORDINARY, times=20)
    network.controller = network.a_controller()
    settled = network.step(5)
    assert settled is not None
    assert settled.outcome == "taken back"


def test_figures_that_cannot_be_kept_or_read_leave_the_other_workers_to_compare_with(network, caplog):
    (network.config.state_dir / "trial-began.json.new").mkdir(mode=0o700)
    network.asked(*ORDINARY, times=20)
    network.publish("first.example", *ORDINARY)
    network.step()
    assert "cannot be kept" in caplog.text
    network.asked(*ORDINARY, times=20)
    assert network.step(5) is not None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"2": {"1": {}}}', b"[]", b'{"2": []}'])
def test_damaged_figures_are_begun_anew(network, damage):
    network.publish("second.example")
    durable.write(network.config.state_dir / "trial-began.json", damage)
    assert network.step() is None
    assert json.loads((network.config.state_dir / "trial-began.json").read_bytes()).keys() == {"2"}


def test_a_generation_that_is_damaged_on_trial_is_never_promoted(network):
    network.publish("second.example")
    (network.store.folder(2) / "index").write_bytes(b"")
    lost = network.step(SOAK_S)
    assert lost is not None
    assert (lost.outcome, lost.generations, lost.digests) == ("lost", (2,), {})
    assert network.in_force() == [1, 1, 1, 1]
    assert network.store.trial() is None


def test_a_generation_that_is_damaged_on_trial_does_not_hold_up_its_successor(network):
    network.publish("second.example")
    network.step()
    network.publish("third.example")
    (network.store.folder(2) / "index").write_bytes(b"")
    lost = network.step(SOAK_S)
    assert lost is not None
    assert lost.outcome == "lost"
    assert network.in_force() == [3, 1, 1, 1]
    assert network.step(SOAK_S) == Settled("promoted", (3,))
    assert network.in_force() == [3, 3, 3, 3]


def test_a_rollback_during_a_soak_leaves_the_controller_nothing_to_do(network):
    network.publish("second.example")
    network.step()
    go_back(network.store, None, by="ann", reason="", now=network.now)
    assert network.step(SOAK_S) is None
    assert network.in_force() == [1, 1, 1, 1]


def test_planes_are_compared_with_themselves(tmp_path):
    """A proxy that only sees what was steered to it blocks nearly all: no measure for a resolver."""
    network = Network(tmp_path, canaries=[True, False])
    network.workers[1].plane = Plane.HTTP
    network.workers[0].asked(ORDINARY * 20)
    network.workers[1].asked(("first.example",) * 2000)
    network.publish("first.example", *ORDINARY[:10])
    network.step()
    network.workers[0].asked(ORDINARY * 20)
    network.workers[1].asked(("first.example",) * 2000)
    settled = network.step(5)
    assert settled is not None
    assert "on dns, 10.00%" in settled.reason


async def test_run_tells_how_a_trial_was_settled(network):
    network.publish("second.example")
    network.now += SOAK_S
    told = asyncio.Queue()
    network.controller._on_settled = told.put_nowait
    running = asyncio.create_task(network.controller.run(0.0))
    assert await asyncio.wait_for(told.get(), 30) == Settled("promoted", (2,))
    running.cancel()
