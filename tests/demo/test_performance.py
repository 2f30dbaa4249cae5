"""Exit code 0 means that every single row was as expected."""

import contextlib

import pytest

from cop_filter.demo import performance
from cop_filter.demo.programme import Act
from cop_filter.demo.rows import compared
from cop_filter.demo.stage import NotReady

FINE = compared("a listed name", "dig bad.example", "page", "page")
WRONG = compared("a listed name", "dig bad.example", "page", "real address")


@pytest.fixture
def played(monkeypatch):
    """Plays acts of the given rows without a stage; gives the exit code."""

    class NoService:
        def last_lines(self):
            return "the log"

    class NoStage:
        service = NoService()

    @contextlib.asynccontextmanager
    async def built(say):
        yield NoStage()

    async def until_ready(stage):
        pass

    def act(*rows):
        async def found(stage):
            return list(rows)

        return Act("An act", "It shows something.", found)

    def play(*acts, ending=(FINE,), ready=until_ready):
        monkeypatch.setattr(performance, "built", built)
        monkeypatch.setattr(performance, "until_ready", ready)
        monkeypatch.setattr(performance, "_scene", lambda stage, seconds: "")
        monkeypatch.setattr(performance, "programme", lambda stage: [act(*rows) for rows in acts])
        monkeypatch.setattr(performance, "ENDING", act(*ending))
        return performance.perform(keep=False)

    return play


def test_every_row_as_expected_is_success(played, capsys):
    assert played([FINE, FINE], [FINE]) == 0
    assert "All 4 answers are as expected" in capsys.readouterr().out


def test_one_wrong_row_is_failure_and_shows_the_log(played, capsys):
    assert played([FINE, WRONG], [FINE]) == 1
    shown = capsys.readouterr().out
    assert "1 of 4 answers are wrong" in shown
    assert "the log" in shown


def test_a_wrong_ending_is_failure(played):
    assert played([FINE], ending=[WRONG]) == 1


def test_an_act_without_rows_shows_nothing_and_is_failure(played):
    assert played([FINE], []) == 1


def test_a_service_that_does_not_come_up_is_failure_and_shows_the_log(played, capsys):
    async def never(stage):
        raise NotReady("role dns ended with code 2")

    assert played([FINE], ready=never) == 1
    assert "role dns ended with code 2" in capsys.readouterr().out
