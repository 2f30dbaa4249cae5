"""`cop-filter authority`, as a hotline's clerk uses it."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cop_filter.cli import command
from cop_filter.cli.exits import Exit
from cop_filter.signing import SigningKey

Run = Callable[..., tuple[Exit, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COP_FILTER_AUTHORITY", str(tmp_path / "list"))
    monkeypatch.chdir(tmp_path)

    def run_one(*words: str, given: bytes = b"") -> tuple[Exit, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = command.run(["authority", *words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run_one


@pytest.fixture
def begun(run: Run, tmp_path: Path) -> Run:
    assert run("keys", "new", "ann.pem")[0] is Exit.OK
    assert run("init", "national", "--key", "ann.pem")[0] is Exit.OK
    return run


def test_from_a_key_to_a_published_list_in_five_commands(run: Run, tmp_path: Path):
    code, public = run("keys", "new", "ann.pem")
    assert code is Exit.OK
    code, said = run("init", "national", "--key", "ann.pem")
    assert code is Exit.OK
    assert f'keys = ["{public.strip()}"]' in said
    assert run("add", "-", given=b"bad.example\nhttp://h.example/page\n") == (
        Exit.OK,
        "2 added, 0 were there; 2 in the list\n",
    )
    code, said = run("sign", "--key", "ann.pem", "--expires", "30d")
    assert code is Exit.OK
    assert "version 1: 2 lines" in said
    code, said = run("publish", "web")
    assert code is Exit.OK
    assert (tmp_path / "web" / "national" / "manifest.json").exists()


def test_a_public_key_is_taken_as_text_and_its_holder_signs_elsewhere(run: Run, tmp_path: Path):
    ben = SigningKey.generate()
    ben.save(tmp_path / "ben.pem")
    run("keys", "new", "ann.pem")
    code, said = run("init", "national", "--key", "ann.pem", "--key", str(ben.public), "--threshold", "2")
    assert code is Exit.OK
    assert "needs 1 more" in said
    code, said = run("sign", "list/keys", "--key", "ben.pem")
    assert code is Exit.OK
    assert "key set 1 of national, any 2 of" in said
    run("add", "-", given=b"bad.example\n")
    code, said = run("sign", "--key", "ann.pem")
    assert "needs 1 more signature: " in said
    code, said = run("publish", "web")
    assert (code, "needs 1 more signature" in said) == (Exit.REFUSED, True)
    run("sign", "list/versions/000001", "--key", "ben.pem")
    assert run("publish", "web")[0] is Exit.OK


def test_a_wrong_line_is_told_by_its_number_and_never_repeated(begun: Run):
    code, said = begun("add", "-", given=b"bad.example\nsecretword.example/ /x\n")
    assert code is Exit.REFUSED
    assert "line 2" in said
    assert "nothing was changed" in said
    assert "secretword" not in said


def test_publishing_says_that_the_list_has_changed_since_it_was_signed(begun: Run):
    begun("add", "-", given=b"bad.example\n")
    begun("sign", "--key", "ann.pem")
    begun("add", "-", given=b"worse.example\n")
    code, said = begun("publish", "web")
    assert code is Exit.OK
    assert "the list has changed since" in said


def test_show_counts_and_warns_of_an_expired_list(begun: Run, monkeypatch: pytest.MonkeyPatch):
    begun("add", "-", given=b"bad.example\n")
    begun("sign", "--key", "ann.pem")
    begun("publish", "web")
    code, said = begun("show", "--json")
    assert code is Exit.OK
    shown = json.loads(said)
    assert shown["entries"] == 1
    monkeypatch.setattr("time.time", lambda: shown["published"]["expires"])
    code, said = begun("show")
    assert code is Exit.REFUSED
    assert "published: version 1" in said
    assert "has expired: sign and publish" in said


def test_receivers_have_copies_by_which_a_leak_is_traced(begun: Run, tmp_path: Path):
    begun("add", "-", given=b"bad.example\n")
    assert begun("receivers", "domains", "quiet.example", "rest.example")[0] is Exit.OK
    assert begun("receivers", "add", "isp-a", "isp-b")[0] is Exit.OK
    assert begun("receivers", "list") == (Exit.OK, "isp-a\nisp-b\n")
    begun("sign", "--key", "ann.pem")
    begun("publish", "web")
    (copy,) = (tmp_path / "web" / "national.isp-b" / "lists").iterdir()
    code, said = begun("trace", "-", given=copy.read_bytes())
    assert (code, said) == (Exit.OK, "isp-b: 16 of 16 marks\n")
    assert begun("trace", "--json", str(copy)) == (Exit.OK, '{"isp-b": 16}\n')
    code, said = begun("trace", "-", given=b"bad.example\n")
    assert (code, said) == (Exit.REFUSED, "no receiver's mark is in it\n")
    assert begun("receivers", "remove", "isp-a", "isp-b")[0] is Exit.OK
    begun("sign", "--key", "ann.pem")
    assert "national.isp-a is renewed no more" in begun("publish", "web")[1]


def test_who_holds_keys_can_hand_over(begun: Run):
    begun("keys", "new", "ben.pem")
    code, said = begun("keys", "rotate", "--key", "ben.pem")
    assert (code, "needs 1 more" in said) == (Exit.OK, True)
    code, said = begun("keys", "rotate", "--key", "ben.pem", "--sign", "ann.pem")
    assert (code, "in force" in said) == (Exit.OK, True)
    begun("add", "-", given=b"bad.example\n")
    code, said = begun("sign", "--key", "ann.pem")
    assert (code, "is not in key set 2" in said) == (Exit.REFUSED, True)
    assert begun("sign", "--key", "ben.pem")[0] is Exit.OK


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("show",), Exit.STATE, "authority init"),
        (("init", "national", "--key", "no.pem"), Exit.USAGE, "keys new"),
        (("init", "national", "--key", "ed25519:short"), Exit.USAGE, "44 characters"),
        (("init", "National List", "--key", "ann.pem"), Exit.STATE, "lower-case"),
        (("init", "national", "--key", "ann.pem", "--threshold", "2"), Exit.REFUSED, "threshold of 2"),
        (("keys", "new", "ann.pem"), Exit.REFUSED, "never written over"),
    ],
)
def test_every_mistake_is_answered_with_what_to_do(
    run: Run, tmp_path: Path, words: tuple[str, ...], code: Exit, hint: str
):
    SigningKey.generate().save(tmp_path / "ann.pem")
    answered, said = run(*words)
    assert (answered, hint in said) == (code, True), said


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("init", "other", "--key", "ann.pem"), Exit.STATE, "another folder with --dir"),
        (("sign", "--key", "ann.pem"), Exit.STATE, "no entry yet"),
        (("sign", "--key", "ann.pem", "--expires", "soon"), Exit.USAGE, "duration with its unit"),
        (("sign", "list/keys", "--key", "ann.pem", "--expires", "3d"), Exit.USAGE, "as they are"),
        (("publish", "web"), Exit.STATE, "authority sign"),
        (("receivers", "add", "isp-a"), Exit.STATE, "receivers domains"),
        (("receivers", "remove", "isp-a"), Exit.STATE, "no receiver isp-a"),
        (("add", "-"), Exit.REFUSED, "one a line"),
    ],
)
def test_every_mistake_with_a_list_is_answered_too(begun: Run, words: tuple[str, ...], code: Exit, hint: str):
    answered, said = begun(*words)
    assert (answered, hint in said) == (code, True), said
