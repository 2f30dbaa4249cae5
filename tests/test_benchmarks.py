"""What the benchmarks stand on: a load generator that counts right."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


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
