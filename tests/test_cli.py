"""The command `cop-filter`: what it prints, and the exit codes that scripts rely on."""

import io
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import durable
from cop_filter.cli import command, settings
from cop_filter.cli.check import lines
from cop_filter.cli.exits import MEANINGS, Exit, exit_code_of
from cop_filter.cli.roles import count_here
from cop_filter.cli.settings import Settings
from cop_filter.config import Config
from cop_filter.errors import FetchFailed
from cop_filter.store import Store
from cop_filter.trial import Step, Trial

CONFIG = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:national.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
answer = "nxdomain"
max_shrink = 1
[[lists]]
id = "trial"
source = "file:trial.txt"
format = "plain"
authority = "Example Police"
category = "csam"
legal_basis = "order"
mode = "observe"
[dns]
listen = ["127.0.0.1:5353"]
upstreams = ["192.0.2.53"]
clients = ["127.0.0.0/8"]
steer_to = ["192.0.2.81"]
[splash]
listen = "127.0.0.1:8081"
addresses = ["192.0.2.80"]
"""

PROFILE = """
[[lists]]
id = "games"
source = "file:games.txt"
format = "plain"
authority = "Example Schools"
category = "games"
legal_basis = "subscriber"
answer = "nodata"
[[profiles]]
id = "schools"
networks = ["198.51.100.0/24"]
lists = ["games"]
"""

Run = Callable[..., tuple[Exit, str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "cop-filter.toml").write_text(CONFIG)
    (tmp_path / "national.txt").write_text("bad.example\nhttp://pages.example/bad/page\n")
    (tmp_path / "trial.txt").write_text("trial.example\n")
    return tmp_path


@pytest.fixture
def run(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setenv("COP_FILTER_CONFIG", str(site / "cop-filter.toml"))

    def run_words(*words: str) -> tuple[Exit, str, str]:
        root.handlers[:] = []
        try:
            code = command.run(words)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        out, err = capsys.readouterr()
        return code, out, err

    return run_words


def process(site: Path, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(site / "cop-filter.toml"), *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, **options)


def synced(site: Path, *words: str) -> tuple[int, str]:
    # In a process of its own: sync makes its process count into the state folder for good.
    done = process(site, "sync", *words, stderr=subprocess.DEVNULL)
    out, _ = done.communicate(timeout=60)
    return done.returncode, out.decode()


# ---------------------------------------------------------------- check


def test_check_answers_with_the_json_that_other_software_holds_on_to(site: Path, run: Run) -> None:
    assert synced(site)[0] == Exit.OK
    code, out, _ = run("check", "--json", "www.bad.example", "http://pages.example/bad/page", "good.example")
    blocked, page, allowed = map(json.loads, out.splitlines())
    generation = blocked["generation"]
    assert code == Exit.OK
    assert list(blocked.items()) == [
        ("query", "www.bad.example"),
        ("plane", "dns"),
        ("action", "block"),
        ("list", "national"),
        ("category", "csam"),
        ("legal_basis", "membership"),
        ("kind", "domain"),
        ("spelling", "exact"),
        ("generation", generation),
    ]
    assert (page["plane"], page["action"], page["kind"]) == ("http", "block", "url")
    assert list(allowed.items()) == [
        ("query", "good.example"),
        ("plane", "dns"),
        ("action", "allow"),
        *((name, None) for name in ("list", "category", "legal_basis", "kind", "spelling")),
        ("generation", generation),
    ]


def test_a_page_is_steered_and_never_blocked_on_dns(site: Path, run: Run) -> None:
    synced(site)
    _, out, _ = run("check", "--json", "--plane", "dns", "pages.example", "http://pages.example/bad/page")
    assert [json.loads(line)["action"] for line in out.splitlines()] == ["steer", "steer"]


def test_a_dry_run_is_said_to_be_one(site: Path, run: Run) -> None:
    synced(site)
    _, out, _ = run("check", "--json", "trial.example")
    assert (json.loads(out)["action"], json.loads(out)["list"]) == ("observe", "trial")
    assert "observed only" in run("check", "trial.example")[1]


@pytest.fixture
def choosing(site: Path) -> Path:
    (site / "cop-filter.toml").write_text(CONFIG.replace("[dns]", PROFILE + "[dns]", 1))
    (site / "games.txt").write_text("game.example\nhttp://pages.example/game\n")
    return site


def test_check_answers_for_the_clients_of_a_profile(choosing: Path, run: Run) -> None:
    synced(choosing)
    words = ("--json", "game.example", "http://pages.example/game", "bad.example")
    for options, actions in (
        (("--profile", "schools"), ["block", "block", "block"]),
        ((), ["allow", "allow", "block"]),
    ):
        code, out, _ = run("check", *options, *words)
        assert code == Exit.OK
        assert [json.loads(line)["action"] for line in out.splitlines()] == actions


def test_check_for_a_profile_that_is_not_configured_is_a_wrong_command_line(choosing: Path, run: Run) -> None:
    code, _, err = run("check", "--profile", "shools", "game.example")
    assert code == Exit.USAGE
    assert "choose from: schools" in err


def test_a_change_of_profiles_is_published_by_the_next_sync(choosing: Path, run: Run) -> None:
    synced(choosing)
    text = (choosing / "cop-filter.toml").read_text()
    (choosing / "cop-filter.toml").write_text(
        text[: text.index("[[profiles]]")] + text[text.index("[dns]") :]
    )
    synced(choosing)
    _, out, _ = run("check", "--json", "game.example")
    assert json.loads(out)["action"] == "block"


def test_check_explains_itself_in_words_and_never_names_the_entry(site: Path, run: Run) -> None:
    synced(site)
    code, out, _ = run("check", "deep.below.bad.example", "good.example")
    assert code == Exit.OK
    first, evidence, second = out.splitlines()
    assert first.startswith("deep.below.bad.example: blocked on dns (generation ")
    assert evidence == (
        "    list national, category csam, legal basis membership, kind domain, spelling exact"
    )
    assert second.startswith("good.example: allowed on dns (generation ")


def test_an_invalid_question_is_answered_as_such_and_the_exit_code_says_so(site: Path, run: Run) -> None:
    synced(site)
    code, out, _ = run("check", "--json", "a..b..", "x" * 64 + ".example", "good.example")
    *_, wrong, fine = map(json.loads, out.splitlines())
    assert code == Exit.REFUSED
    assert list(wrong) == ["query", "error"]
    assert wrong["query"] not in wrong["error"]
    assert fine["action"] == "allow"


def test_a_terminal_never_runs_what_a_question_holds(site: Path, run: Run) -> None:
    synced(site)
    assert "\x1b" not in run("check", "bad.example\x1b[2J")[1]


def test_check_before_anything_was_published_allows_and_says_so(site: Path, run: Run) -> None:
    Store(site / "state").prepare()
    code, out, err = run("check", "--json", "bad.example", "http://pages.example/bad/page")
    assert code == Exit.OK
    answers = [json.loads(line) for line in out.splitlines()]
    assert [(one["action"], one["generation"]) for one in answers] == [("allow", 0)] * 2
    assert err == "cop-filter: nothing is published yet, so everything is allowed; run `cop-filter sync`\n"


def test_a_peer_at_the_pipe_is_answered_at_once_and_hears_of_new_generations(site: Path) -> None:
    synced(site)
    peer = process(site, "check", "--json", "-", stdin=subprocess.PIPE)
    assert peer.stdin is not None
    assert peer.stdout is not None

    def ask(word: bytes) -> dict[str, Any]:
        assert peer.stdin is not None
        assert peer.stdout is not None
        peer.stdin.write(word + b"\n")
        peer.stdin.flush()
        return json.loads(peer.stdout.readline())

    before = ask(b"later.example")
    assert (before["action"], ask(b"bad.example\r")["action"]) == ("allow", "block")
    (site / "national.txt").write_text("bad.example\nlater.example\n")
    synced(site)
    after = ask(b"later.example")
    assert (after["action"], after["generation"] > before["generation"]) == ("block", True)
    assert ask(b"http://bad.example/\xff")["action"] == "block"
    assert "error" in ask(b"x" * 64 + b"\xff.example")
    peer.stdin.close()
    assert peer.wait(20) == Exit.REFUSED
    peer.stdout.close()


def test_a_large_input_is_answered_line_by_line_in_order(site: Path) -> None:
    synced(site)
    rng = random.Random(7)
    words = [rng.choice(["bad.example", "good.example", "http://bad.example/x"]) for _ in range(50_000)]
    peer = process(site, "check", "--json", "-", stdin=subprocess.PIPE)
    out, _ = peer.communicate("\n".join(words).encode(), timeout=60)
    answers = [json.loads(line) for line in out.splitlines()]
    assert [one["query"] for one in answers] == words
    assert all((one["action"] == "allow") == (one["query"] == "good.example") for one in answers)


def test_a_reader_that_goes_away_ends_check_quietly(site: Path) -> None:
    synced(site)
    peer = process(site, "check", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert peer.stdin is not None
    assert peer.stdout is not None
    assert peer.stderr is not None
    peer.stdout.close()
    peer.stdin.write(b"bad.example\n")
    peer.stdin.close()
    assert peer.wait(20) == Exit.REFUSED
    assert peer.stderr.read() == b""
    peer.stderr.close()


@given(text=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_lines_are_the_same_however_they_arrive(text: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(text)]
    blocks = iter([text[start:end] for start, end in pairwise(places) if start < end])

    class Pipe(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return next(blocks, b"")

    expected = text.split(b"\n")
    if not expected[-1]:
        expected.pop()
    found = [line for batch in lines(Pipe()) for line in batch]
    assert found == [line.removesuffix(b"\r") for line in expected]


# ---------------------------------------------------------------- state


def test_status_shows_every_list_and_is_healthy_when_all_are_in_force(site: Path, run: Run) -> None:
    synced(site)
    code, out, _ = run("status")
    assert code == Exit.OK
    head, titles, national, trial = out.splitlines()
    assert head.startswith("generation ")
    assert titles.split() == ["LIST", "STATE", "MODE", "ENTRIES", "AGE", "CHECKED", "NEXT", "TRY"]
    assert national.split()[:4] == ["national", "ok", "enforce", "2"]
    assert trial.split()[:4] == ["trial", "ok", "observe", "1"]


def test_status_tells_what_went_wrong_with_a_list_that_stays_in_force(site: Path, run: Run) -> None:
    synced(site)
    (site / "national.txt").write_text("")
    code, out = synced(site)
    assert code == Exit.REFUSED
    assert "national: refused (" in out
    code, text, _ = run("status")
    assert code == Exit.REFUSED
    assert "last error: " in text
    code, out, _ = run("status", "--json")
    national = json.loads(out)["lists"][0]
    assert (national["state"], national["entries"]) == ("failing", 2)
    assert run("check", "--json", "bad.example")[1].count('"block"') == 1


def test_status_before_the_first_sync_says_that_nothing_is_blocked(site: Path, run: Run) -> None:
    Store(site / "state").prepare()
    code, out, _ = run("status")
    assert code == Exit.REFUSED
    assert out.startswith("nothing is published yet: nothing is blocked\n")
    assert json.loads(run("status", "--json")[1])["generation"] is None


def test_rollback_says_from_where_to_where_and_puts_the_old_lists_in_force(site: Path, run: Run) -> None:
    synced(site)
    (site / "national.txt").write_text("other.example\n")
    assert synced(site, "national")[0] == Exit.OK
    assert run("check", "--json", "bad.example")[1].count('"allow"') == 1
    code, out, _ = run("rollback")
    assert code == Exit.OK
    assert out.startswith("rolled back from generation ")
    assert run("check", "--json", "bad.example")[1].count('"block"') == 1


READERS = (("status",), ("status", "--json"), ("check", "bad.example"), ("rollback",))


@pytest.mark.parametrize("words", READERS)
def test_a_state_folder_that_is_not_there_is_a_state_error(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (Exit.STATE, "")
    assert err == (
        "cop-filter: nothing is published: state_dir does not exist; "
        "if it is not misspelt, run `cop-filter sync`\n"
    )


@pytest.mark.parametrize("words", [*READERS, ("sync",)])
def test_a_state_folder_that_is_none_is_a_state_error(site: Path, run: Run, words: tuple[str, ...]) -> None:
    (site / "state").write_text("a file")
    code, out, err = run(*words)
    assert (code, out) == (Exit.STATE, "")
    assert err == "cop-filter: state_dir is not a folder; write another one, or move what is there away\n"


@pytest.mark.parametrize("words", READERS)
def test_a_state_folder_of_somebody_else_is_a_state_error(
    site: Path, run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def stat(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(settings.Path, "stat", stat)
    monkeypatch.setattr(settings, "load", lambda _: Config(site / "state", None, ()))  # type: ignore[arg-type]  # only the folder is looked at
    code, out, err = run(*words)
    assert (code, out) == (Exit.STATE, "")
    assert err == "cop-filter: state_dir cannot be read: Permission denied; run this as its owner\n"


def test_sync_into_a_state_folder_that_cannot_be_written_to_is_a_state_error(
    site: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(site / "state").prepare()
    monkeypatch.setattr(settings.os, "access", lambda _, wanted: wanted == os.R_OK)
    code, out, err = run("sync")
    assert (code, out) == (Exit.STATE, "")
    assert err == "cop-filter: state_dir is not writable; run this as its owner, and look at the disk\n"


def test_a_lost_key_is_a_state_error(site: Path, run: Run) -> None:
    synced(site)
    (site / "state" / "index.key").unlink()
    for words in (("status",), ("check", "bad.example")):
        code, out, err = run(*words)
        assert (code, out) == (Exit.STATE, "")
        assert "Traceback" not in err
        assert err.splitlines()[-1].startswith("cop-filter: ")


def test_rollback_without_an_earlier_generation_is_a_state_error(site: Path, run: Run) -> None:
    Store(site / "state").prepare()
    code, _, err = run("rollback")
    assert code == Exit.STATE
    assert "nothing is published yet" in err


# ---------------------------------------------------------------- sync, roles


def test_sync_publishes_and_reports_each_list_for_people_and_machines(site: Path) -> None:
    code, out = synced(site)
    assert code == Exit.OK
    assert "national: published; 2 entries in force, generation " in out
    code, out = synced(site, "--json")
    assert code == Exit.OK
    assert json.loads(out)["trial"] == {
        "result": "unchanged",
        "entries": 1,
        "generation": json.loads(out)["trial"]["generation"],
        "error": None,
    }


def test_one_refused_list_does_not_hold_back_the_others(site: Path, run: Run) -> None:
    (site / "trial.txt").unlink()
    code, out = synced(site)
    assert code == Exit.REFUSED
    assert "national: published" in out
    assert "trial: refused" in out
    assert run("check", "--json", "bad.example")[1].count('"block"') == 1


def test_a_role_without_its_table_is_a_configuration_error(run: Run) -> None:
    for role in ("proxy", "metrics"):
        code, _, err = run(role)
        assert code == Exit.USAGE
        assert f"  {role}: is missing; the role needs its table: add [{role}]" in err


def test_a_role_alone_counts_into_the_state_folder_and_a_child_of_serve_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(tmp_path, None, ())  # type: ignore[arg-type]  # only the folder is looked at
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "elsewhere")
    count_here(config)
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == "elsewhere"
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    count_here(config)
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")


# ---------------------------------------------------------------- configuration, exit codes


def test_config_check_says_what_would_run(site: Path, run: Run) -> None:
    code, out, _ = run("config", "check")
    assert code == Exit.OK
    assert out.splitlines() == [
        f"{site / 'cop-filter.toml'}: ok",
        "lists: national, trial",
        "roles: sync, dns, splash",
    ]


def test_config_check_and_status_say_for_whom_a_list_is(choosing: Path, run: Run) -> None:
    _, out, _ = run("config", "check")
    assert "profiles: schools\n" in out
    _, out, _ = run("config", "check", "--json")
    assert json.loads(out)["profiles"] == ["schools"]
    synced(choosing)
    _, out, _ = run("status")
    games, below = out.splitlines()[-2:]
    assert games.startswith("games ")
    assert below == "    for clients of: schools"
    _, out, _ = run("status", "--json")
    assert [one["profiles"] for one in json.loads(out)["lists"]] == [[], [], ["schools"]]


def test_config_check_names_every_mistake_and_ends_with_the_usage_code(site: Path, run: Run) -> None:
    (site / "cop-filter.toml").write_text(CONFIG.replace('"plain"', '"foo"').replace("legal_basis", "basis"))
    code, out, err = run("config", "check")
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith("cop-filter: the configuration is wrong:\n")
    assert err.count("lists[0].format: 'foo' is not a format; choose from: ") == 1
    assert err.count("lists[1].legal_basis: is missing") == 1
    code, out, _ = run("config", "check", "--json")
    assert code == Exit.USAGE
    assert len(json.loads(out)["problems"]) == 6


def test_a_configuration_that_is_not_there_is_a_configuration_error(run: Run, tmp_path: Path) -> None:
    code, _, err = run("--config", str(tmp_path / "none.toml"), "status")
    assert code == Exit.USAGE
    assert "none.toml: cannot be read: No such file or directory" in err


@pytest.mark.parametrize(
    "words", [("chek",), ("check",), ("check", "--plane", "smtp", "x.example"), ("sync", "--watch", "a")]
)
def test_a_wrong_command_line_ends_with_the_usage_code(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words)[0] == Exit.USAGE


def test_the_exit_codes_are_part_of_the_help(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == Exit.OK
    for number, meaning in MEANINGS.items():
        assert f"  {number:d}  {meaning}\n" in out
    for name in ("serve", "dns", "proxy", "splash", "sync", "check", "status", "rollback", "config", "demo"):
        assert f"\n  {name} " in out


def test_the_version_is_printed(run: Run) -> None:
    code, out, _ = run("--version")
    assert code == Exit.OK
    assert out.startswith("cop-filter ")


def test_a_refused_list_a_bug_and_a_full_disk_have_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fail_with(error: Exception) -> Exit:
        def fail() -> None:
            raise error

        return exit_code_of(fail)

    assert fail_with(FetchFailed("status 500")) is Exit.REFUSED
    assert fail_with(OSError(28, "No space left on device")) is Exit.REFUSED
    assert capsys.readouterr().err == "cop-filter: status 500\ncop-filter: No space left on device\n"
    assert fail_with(KeyError("http://bad.example/page")) is Exit.INTERNAL
    err = capsys.readouterr().err
    assert "internal error: KeyError at " in err
    assert "bad.example" not in err


def test_the_configuration_is_found_in_its_usual_place() -> None:
    assert str(command.DEFAULT_CONFIG) == "/etc/cop-filter/cop-filter.toml"
    assert Settings(command.DEFAULT_CONFIG).config_path == command.DEFAULT_CONFIG


def test_status_shows_the_generation_on_trial(site: Path, run: Run) -> None:
    synced(site)
    assert json.loads(run("status", "--json")[1])["trial"] is None
    store = Store(site / "state")
    current = store.current()
    trial = Trial((Step((current or 0) + 1, time.time()),), 600.0, 0.25)
    durable.replace(store.root / "trial", trial.to_bytes())
    code, out, _ = run("status")
    assert code == Exit.OK
    assert f"on trial: generation {(current or 0) + 1}, on 25% of the workers, for 9m more" in out
    assert json.loads(run("status", "--json")[1])["trial"]["share"] == 0.25
