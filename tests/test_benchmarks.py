"""What the benchmarks stand on: a load generator that counts right."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    # The benchmarks are scripts beside one another, not a package.
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch):
    # The benchmarks are scripts beside one another, not a package.
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    program = importlib.import_module("dns_generator")
    return program.Generator(program.build("dev"), importlib.import_module("dns_cores").cores())


def test_every_query_to_an_echo_is_answered_and_counted(generator, tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    questions.write_text("a.example A any\nb.example AAAA rcode=0\n")
    with generator.serving("echo", generator.cores.server) as port:
        report = generator.ask(port, questions, mode="open", rate=1000, seconds=0.5)
    assert report["sent"] == pytest.approx(500, abs=25)
    assert report["answered"] == report["sent"]
    assert (report["lost"], report["wrong"], report["unexpected"]) == (0, 0, 0)
    assert report["latency_p50_us"] <= report["latency_p99_us"] <= report["latency_max_us"]


def test_a_wrong_answer_stops_a_check(generator, tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    questions.write_text("a.example A a=192.0.2.1\nlisted.example A a=192.0.2.80\n")
    with (
        generator.serving("upstream", generator.cores.load) as port,
        pytest.raises(Exception, match=r"1 answers are wrong; the first to listed\.example"),
    ):
        generator.check(port, questions)


def test_a_small_list_comes_into_force_as_a_change_and_as_a_whole_list(benchmark, tmp_path: Path) -> None:
    lists = benchmark("lists")
    versions = benchmark("lists_corpus").Versions(2000, 400)
    changes = [lists.Change("change", 200, whole_only=False), lists.Change("whole", 200, whole_only=True)]
    rows = lists.measure(tmp_path, versions, changes, 1)
    in_force = {row["refresh"]: row for row in rows if row["measure"] == "in force"}
    assert list(in_force)[1:3] == ["change", "whole"]
    assert all(row["in_force_s"] > 0 < row["peak_rss_mb"] for row in in_force.values())
    proof = next(row for row in rows if row.get("phase") == "proof")
    assert proof["change (s)"] > 0 < proof["whole (s)"]


def test_a_phase_counts_what_no_other_phase_within_it_does(benchmark) -> None:
    watch = benchmark("lists_phases").Stopwatch()

    class Steps:
        def numbers(self):
            watch.add("outer", 0.0)
            yield from self.inner()

        def inner(self):
            return [1, 2]

    watch.around(Steps, "numbers", "outer")
    watch.around(Steps, "inner", "inner")
    assert list(Steps().numbers()) == [1, 2]
    taken = watch.take()
    assert set(taken) == {"outer", "inner"}
    assert watch.take() == {}
