"""`rollback`: an older generation in force, held there against everything until it is released."""

import os
import signal
import threading
from multiprocessing import get_context

import pytest
from generations import a_config, publish

import cop_filter
from cop_filter import compiler, durable
from cop_filter.config import RolloutConfig
from cop_filter.entries import parse
from cop_filter.errors import Held, StateError
from cop_filter.hold import Hold
from cop_filter.rollout.going_back import go_back
from cop_filter.setbacks import Setback
from cop_filter.store import Store
from cop_filter.verdict import Action

NOW = 1_800_000_000.0


def back(state, to=None):
    return go_back(Store(state), to, by="ann", reason="too much is blocked", now=NOW)


def blocks(state, host):
    return cop_filter.open(state).decide_host(host).action is Action.BLOCK


@pytest.fixture
def two(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["one.example"], digests={"national": "d1"})
    publish(config, national=["two.example"], digests={"national": "d2"})
    return config


def test_a_rollback_moves_the_pointer_and_says_who_holds_what_and_why(two):
    held = back(two.state_dir)
    assert held == Hold(1, 2, NOW, "ann", "too much is blocked")
    assert Store(two.state_dir).held() == held
    assert blocks(two.state_dir, "one.example")
    assert not blocks(two.state_dir, "two.example")


def test_while_it_holds_nothing_is_published_be_it_a_list_or_policy_alone(two):
    back(two.state_dir)
    with pytest.raises(Held, match="cop-filter release"):
        publish(two, national=["three.example"])
    with pytest.raises(Held):
        publish(two)
    assert Store(two.state_dir).current() == 1


def test_after_the_release_publishing_goes_on_with_a_new_number(two):
    back(two.state_dir)
    assert Store(two.state_dir).stages.release() == Hold(1, 2, NOW, "ann", "too much is blocked")
    assert Store(two.state_dir).stages.release() is None
    assert publish(two, national=["three.example"]) == 3
    assert Store(two.state_dir).current() == 3


def test_a_release_may_refuse_what_was_rolled_back_and_nothing_that_was_not(two):
    back(two.state_dir)
    with pytest.raises(StateError, match=r"no version of other that can be refused; .* did: national"):
        Store(two.state_dir).stages.release(refused={"national", "other"}, at=NOW)
    assert Store(two.state_dir).held() is not None
    assert Store(two.state_dir).suspicion("national", "d2") is None
    assert Store(two.state_dir).stages.release(refused={"national"}, at=NOW) is not None
    suspicion = Store(two.state_dir).suspicion("national", "d2")
    assert suspicion == Setback((), NOW, "refused", "too much is blocked", {"national": "d2"})


def test_what_a_damaged_hold_led_back_from_cannot_be_refused_but_be_released(two):
    back(two.state_dir)
    (two.state_dir / "hold.json").write_bytes(b"")
    with pytest.raises(StateError, match="of these lists it did: none"):
        Store(two.state_dir).stages.release(refused={"national"}, at=NOW)
    assert Store(two.state_dir).stages.release() == Hold()


def test_what_was_rolled_back_from_is_not_gone_back_to_by_itself(two):
    back(two.state_dir)
    Store(two.state_dir).stages.release()
    publish(two, national=["three.example"])
    assert back(two.state_dir).generation == 1
    assert back(two.state_dir, to=2).generation == 2


def test_a_damaged_generation_falls_back_to_older_ones_before_what_was_taken_out_of_force(two):
    publish(two, national=["three.example"])
    back(two.state_dir, to=2)
    (Store(two.state_dir).folder(2) / "index").write_bytes(b"")
    assert cop_filter.open(two.state_dir).generation == 1


def test_there_is_nothing_to_go_back_to_before_the_second_publish(tmp_path):
    Store(tmp_path).prepare()
    with pytest.raises(StateError, match="nothing is published"):
        back(tmp_path)
    publish(a_config(tmp_path), national=["one.example"])
    with pytest.raises(StateError, match="no earlier generation"):
        back(tmp_path)
    with pytest.raises(StateError, match="generation 7 is not on disk; choose from: 1"):
        back(tmp_path, to=7)


@pytest.mark.parametrize("file", ["manifest", "index", "patterns"])
def test_a_generation_that_is_not_whole_is_never_gone_back_to(two, file):
    (Store(two.state_dir).folder(1) / file).write_bytes(b"{}")
    with pytest.raises(StateError, match="nothing was changed"):
        back(two.state_dir)
    assert Store(two.state_dir).current() == 2
    assert Store(two.state_dir).held() is None


def test_a_damaged_hold_holds(two):
    durable.write(two.state_dir / "hold.json", b'{"generation"')
    assert Store(two.state_dir).held() == Hold()
    with pytest.raises(Held):
        publish(two, national=["three.example"])
    Store(two.state_dir).stages.release()
    publish(two, national=["three.example"])


def test_a_rollback_ends_a_trial_and_leads_to_what_is_in_force(two):
    on_trial = a_config(two.state_dir, rollout=RolloutConfig(soak_s=600.0))
    publish(on_trial, national=["three.example"])
    store = Store(two.state_dir)
    assert (store.current(), store.newest()) == (2, 3)
    assert back(two.state_dir).generation == 2
    assert store.followed(canary=True, now=NOW) == store.newest() == 2
    store.stages.release()
    assert store.trial() is None


def test_a_publish_that_is_under_way_comes_to_nothing_and_the_rollback_waits_for_it(two):
    """Whichever moment an operator chooses: what was being published must not be in force afterwards."""
    store = Store(two.state_dir)
    done = threading.Event()

    def roll_back():
        back(two.state_dir)
        done.set()

    rolling = threading.Thread(target=roll_back)
    with compiler.draft(store, two) as draft:
        draft.replace("national", [parse("three.example")])
        rolling.start()
        while store.held() is None:
            pass
        assert not done.is_set()
        with pytest.raises(Held):
            draft.publish()
    rolling.join()
    assert store.current() == 1


def die_at(state, step):
    def at_step(reached):
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    go_back(Store(state, at_step=at_step), None, by="ann", reason="", now=NOW)


def test_killed_at_any_step_a_rollback_changes_nothing_or_holds_and_can_be_said_again(tmp_path):
    def three(state):
        config = a_config(state)
        publish(config, national=["one.example"])
        publish(config, national=["two.example"])
        publish(a_config(state, rollout=RolloutConfig(soak_s=600.0)), national=["three.example"])
        Store(state).stages.promote(3)
        return config

    steps = []
    three(tmp_path / "trace")
    go_back(Store(tmp_path / "trace", at_step=steps.append), None, by="ann", reason="", now=NOW)
    assert steps == ["write hold", "end trial", "write pointer", "move pointer", "note setback"]
    for place, step in enumerate(steps):
        state = tmp_path / str(place)
        config = three(state)
        killed = get_context("fork").Process(target=die_at, args=(state, step))
        killed.start()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        assert Store(state).current() == (2 if step == "note setback" else 3)
        assert (Store(state).held() is None) == (step == "write hold")
        assert back(state, to=2).generation == 2
        assert blocks(state, "two.example")
        with pytest.raises(Held):
            publish(config, national=["four.example"])
