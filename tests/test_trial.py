"""The pointer to what is on trial: written, killed at any step, damaged."""

import os
import signal
from dataclasses import replace
from multiprocessing import get_context

import pytest
from generations import a_config
from hypothesis import given
from hypothesis import strategies as st

import cop_filter
from cop_filter import compiler, durable
from cop_filter.config import RolloutConfig
from cop_filter.entries import parse
from cop_filter.errors import StateError
from cop_filter.store import Store
from cop_filter.trial import Soak, Step, Trial, begin

NOW = 1_800_000_000.0
SOAK = Soak(NOW, 600.0, 0.25)


def publish(state, *entries, soak_s=600.0, at_step=None):
    config = a_config(state, rollout=RolloutConfig(soak_s=soak_s))
    with compiler.draft(Store(state, at_step=at_step), config, clock=lambda: NOW) as draft:
        draft.replace("national", [parse(entry) for entry in entries])
        return draft.publish()


def follow(state):
    """What a canary, and what another process follows."""
    store = Store(state)
    return store.followed(canary=True, now=NOW), store.followed(canary=False, now=NOW)


def test_the_first_generation_is_in_force_at_once(tmp_path):
    publish(tmp_path, "one.example")
    assert follow(tmp_path) == (1, 1)


def test_a_change_of_policy_alone_does_not_wait_unless_it_stands_on_what_is_on_trial(tmp_path):
    publish(tmp_path, "one.example")
    config = a_config(tmp_path, rollout=RolloutConfig(soak_s=600.0))
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.publish()
    assert follow(tmp_path) == (2, 2)
    publish(tmp_path, "two.example")
    with compiler.draft(Store(tmp_path), config, clock=lambda: NOW) as draft:
        draft.publish()
    assert follow(tmp_path) == (4, 2)


def test_where_the_soak_was_switched_off_the_next_publish_is_in_force_and_ends_the_trial(tmp_path):
    publish(tmp_path, "one.example")
    publish(tmp_path, "two.example")
    publish(tmp_path, "three.example", soak_s=0.0)
    assert follow(tmp_path) == (3, 3)
    assert Store(tmp_path).trial() is None
    assert not (tmp_path / "trial").exists()


def test_what_is_on_trial_is_never_pruned_nor_is_what_is_in_force(tmp_path):
    publish(tmp_path, "one.example")
    for number in range(12):
        publish(tmp_path, f"n{number}.example")
    assert follow(tmp_path) == (13, 1)
    assert {1, 2, 13} <= {*Store(tmp_path).numbers()}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"steps": []}', b'{"steps": [[1]]}'])
def test_a_damaged_pointer_leaves_everybody_on_what_is_in_force(tmp_path, damage):
    publish(tmp_path, "one.example")
    publish(tmp_path, "two.example")
    durable.write(tmp_path / "trial", damage)
    assert follow(tmp_path) == (1, 1)
    assert Store(tmp_path).newest() == 1
    publish(tmp_path, "three.example")
    assert follow(tmp_path) == (3, 1)


def test_a_damaged_generation_on_trial_leaves_a_starting_canary_on_what_is_in_force(tmp_path):
    publish(tmp_path, "one.example")
    publish(tmp_path, "two.example")
    (Store(tmp_path).folder(2) / "index").write_bytes(b"")
    assert compiler.best_generation(Store(tmp_path), canary=True).manifest.generation == 1


def change(state, at_step, what):
    store = Store(state, at_step=at_step)
    if what == "publish":
        publish(state, "next.example", at_step=at_step)
        return
    with store.writer():
        assert store.stages.promote(2) if what == "promote" else store.stages.take_back("too much", NOW)


def die(state, step, what):
    def at_step(reached):
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    change(state, at_step, what)


LAST = {"publish": (3, 1), "promote": (2, 2), "take back": (1, 1)}
DONE_FROM = {"publish": "prune", "promote": "end trial", "take back": "note setback"}


@pytest.mark.parametrize("what", LAST)
def test_killed_at_any_step_everybody_follows_the_earlier_or_the_later_state_and_it_goes_on(tmp_path, what):
    def two(state):
        publish(state, "one.example")
        publish(state, "two.example")

    steps = []
    two(tmp_path / "trace")
    change(tmp_path / "trace", steps.append, what)
    assert DONE_FROM[what] in steps
    done = False
    for place, step in enumerate(steps):
        state = tmp_path / str(place)
        two(state)
        killed = get_context("fork").Process(target=die, args=(state, step, what))
        killed.start()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        done = done or step == DONE_FROM[what]
        assert follow(state) == (LAST[what] if done else (2, 1)), step
        cop_filter.open(state)
        # Whoever comes next cleans up, and nothing that was taken back is lost from memory.
        number = publish(state, "after.example")
        assert follow(state)[0] == number
        assert [one.generations for one in Store(state).setbacks()] == (
            [(2,)] if what == "take back" and done else []
        )
        assert not list((state / "generations").glob("aside-*"))


steps = st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1e10)), min_size=1, max_size=2)


@given(steps, st.floats(0, 1e6), st.floats(0.01, 1), st.none() | st.text(max_size=20))
def test_what_is_written_is_read_back(some, soak_s, share, failed):
    trial = Trial(tuple(Step(*one) for one in some), soak_s, share, failed)
    assert Trial.from_bytes(trial.to_bytes()) == trial


@given(st.binary(max_size=60))
def test_any_other_bytes_are_damaged(raw):
    with pytest.raises(StateError):
        Trial.from_bytes(raw)


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=30))
def test_the_oldest_stays_whatever_is_published_and_at_most_two_wait(pauses):
    trial, now = None, NOW
    for number, pause in enumerate(pauses, 2):
        before = trial
        trial = begin(trial, number, SOAK._replace(started_at=now))
        assert len(trial.steps) <= 2
        assert trial.newest == number
        assert before is None or trial.steps[0] == before.steps[0]
        now += pause
        if trial.due(now):
            trial = trial.after(trial.steps[0].generation)


def test_a_trial_that_has_failed_is_followed_by_nobody(tmp_path):
    publish(tmp_path, "one.example")
    publish(tmp_path, "two.example")
    trial = Store(tmp_path).trial()
    durable.write(tmp_path / "trial", replace(trial, failed="too much").to_bytes())
    assert follow(tmp_path) == (1, 1)
