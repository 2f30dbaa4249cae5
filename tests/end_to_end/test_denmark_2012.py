"""Denmark 2012: 8,000 ordinary names slipped into a national list, and the network blocked them all.

Played on the real service: the version is quarantined, the good one stays, and people decide.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from whole_service import REAL, Ran, WholeService, run, until

LISTED = [f"listed-{number}.example" for number in range(20_000)]
SLIPPED = [f"slipped-{number}.example" for number in range(8_000)]
OTHERS = [f"another-{number}.example" for number in range(8_000)]
CONFIRMED = [f"confirmed-{number}.example" for number in range(8_000)]
PEOPLE = ("ann", "ben", "eve")
USUAL = 4
"""Versions of the list's ordinary days."""


class Machine:
    """Somebody's own: it has their key, and neither a configuration nor a state folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.key = folder / "key.pem"
        self.public = run("keys", "new", str(self.key)).said.strip()

    def sign(self, statement: bytes) -> tuple[bytes, str]:
        """The statement with a signature, and what was shown for it."""
        ran = subprocess.run(
            [sys.executable, "-m", "cop_filter.cli", "quarantine", "sign", "-", "--key", str(self.key)],
            input=statement,
            capture_output=True,
            env={**os.environ, "COP_FILTER_CONFIG": str(self.key.with_name("none.toml"))},
            check=True,
        )
        return ran.stdout, ran.stderr.decode()


class Operator(WholeService):
    """Two of four decide together about what was refused, and Eve alone may see entries.

    The keys of Ann, Ben and Eve lie here; those of the others never come here.
    """

    def __init__(self, folder: Path, others: Sequence[Machine]) -> None:
        self.others = others
        keys = {name: run("keys", "new", str(folder / f"{name}.pem")).said.strip() for name in PEOPLE}
        away = [f"{other.name} {other.public}" for other in others]
        approvers = json.dumps([*(f"{name} {keys[name]}" for name in ("ann", "ben")), *away])
        super().__init__(
            folder,
            interval="1h",
            more=f"approvers = {approvers}\napprovals = 2",
            tables=f'[rights]\nreveal = ["eve {keys["eve"]}"]\n',
        )

    def refresh(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def quarantine(self, *words: str, by: str | None = None) -> Ran:
        key = () if by is None else ("--key", str(self.folder / f"{by}.pem"))
        return self.run("quarantine", *words, *key)

    def waiting(self) -> list[str]:
        """The ids of what waits for a decision."""
        found = json.loads(self.quarantine("list", "--json").said)
        return [one["id"] for one in found if one["state"] == "waiting"]

    def until_quarantined(self) -> str:
        self.refresh()
        until(self.waiting)
        return self.waiting()[0]

    def audited(self) -> list[tuple[str, str | None]]:
        """What was audited after the log began, and by whom."""
        lines = [json.loads(line) for line in self.run("audit", "show", "--json").said.splitlines()]
        return [(line["event"], line["facts"].get("by")) for line in lines[1:]]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    others = [Machine(tmp_path_factory.mktemp(name), name) for name in ("cleo", "dan")]
    service = Operator(tmp_path_factory.mktemp("operator"), others)
    service.publish(*LISTED)
    service.start()
    try:
        service.until_blocked(LISTED[0])
        for day in range(USUAL):
            service.publish(*LISTED, *(f"day-{earlier}.example" for earlier in range(day + 1)))
            service.refresh()
            service.until_blocked(f"day-{day}.example")
        yield service
    finally:
        service.stop()


def test_denmark_2012_ordinary_names_wait_until_two_people_have_approved_them(operator: Operator) -> None:
    operator.publish(*LISTED, *SLIPPED)
    item = operator.until_quarantined()
    assert operator.ask(SLIPPED[0]) == REAL
    assert operator.blocks(LISTED[0])
    assert "list_failing national" in operator.alarms()

    shown = operator.quarantine("show", item)
    assert "8000 entries come" in shown.said
    assert "usual-churn" in shown.said

    assert operator.quarantine("approve", item).code == 1
    assert operator.quarantine("approve", item, by="eve").code == 1
    for _ in range(2):
        again = operator.quarantine("approve", item, by="ann")
        assert (again.code, "1 of 2: ann" in again.said) == (0, True), again.said
    operator.refresh()
    assert operator.waiting() == [item]
    assert operator.ask(SLIPPED[0]) == REAL

    assert "released: 2 of 2: ann, ben" in operator.quarantine("approve", item, by="ben").said
    operator.until_blocked(SLIPPED[0])  # nobody asked for the list: the approval did
    until(lambda: operator.audited()[-1][0] == "list_published")
    assert operator.audited() == [
        *[("list_published", None)] * (USUAL + 1),
        ("list_quarantined", None),
        ("list_refused", None),
        ("quarantine_approved", "ann"),
        ("quarantine_approved", "ann"),
        ("quarantine_approved", "ben"),
        ("quarantine_released", None),
        ("list_published", None),
    ]
    assert not operator.alarms()


def test_what_people_reject_stays_out_and_entries_are_shown_to_who_has_the_right(operator: Operator) -> None:
    operator.publish(*LISTED, *OTHERS)
    item = operator.until_quarantined()
    for who in (None, "ann"):
        refused = operator.quarantine("show", item, "--reveal", by=who)
        assert (refused.code, OTHERS[0] in refused.said) == (1, False)
    revealed = operator.quarantine("show", item, "--reveal", by="eve")
    assert (revealed.code, revealed.said.split()[-1]) == (0, OTHERS[-1])
    assert operator.audited()[-1] == ("entries_revealed", "eve")

    assert operator.quarantine("reject", item, by="ben").code == 0
    assert operator.audited()[-1] == ("quarantine_rejected", "ben")
    checked = operator.status()["lists"][0]["checked_at"]
    operator.refresh()
    until(lambda: operator.status()["lists"][0]["checked_at"] > checked)
    assert operator.ask(OTHERS[0]) == REAL
    assert operator.waiting() == []
    assert operator.quarantine("approve", item, by="ann").code == 1


def test_two_people_approve_from_their_own_machines_and_the_version_goes_live(operator: Operator) -> None:
    operator.publish(*LISTED, *CONFIRMED)
    item = operator.until_quarantined()
    signed = {}
    for machine in operator.others:
        statement = operator.quarantine("statement", item, "--as", machine.name).said.encode()
        signed[machine.name], shown = machine.sign(statement)
        assert shown.startswith(f"{machine.name} approves {item}: list national\n")
        assert "8000 come" in shown
        assert "confirmed-" not in shown + signed[machine.name].decode()

    def hand_in(verb: str, name: str, document: bytes) -> Ran:
        path = operator.folder / f"{name}.signed"
        path.write_bytes(document)
        return operator.quarantine(verb, item, "--signed", str(path))

    forged = signed["cleo"].replace(b'"by": "cleo"', b'"by": "dan"')
    assert hand_in("approve", "dan", forged).code == 1
    assert hand_in("reject", "dan", signed["dan"]).code == 1
    for _ in range(2):
        again = hand_in("approve", "cleo", signed["cleo"])
        assert (again.code, "1 of 2: cleo" in again.said) == (0, True), again.said
    assert operator.ask(CONFIRMED[0]) == REAL

    assert "released: 2 of 2: cleo, dan" in hand_in("approve", "dan", signed["dan"]).said
    operator.until_blocked(CONFIRMED[0])
    until(lambda: operator.audited()[-1][0] == "list_published")
    assert operator.audited()[-5:] == [
        *[("quarantine_approved", "cleo")] * 2,
        ("quarantine_approved", "dan"),
        ("quarantine_released", None),
        ("list_published", None),
    ]
    assert operator.ask(SLIPPED[0]) == REAL
    here = b"".join(path.read_bytes() for path in operator.folder.rglob("*") if path.is_file())
    for machine in operator.others:
        (secret,) = machine.key.read_bytes().splitlines()[1:-1]
        assert secret not in here


def test_nothing_of_it_tells_an_entry_and_the_log_is_true(operator: Operator) -> None:
    said = [
        operator.run(*words).said
        for words in (
            ("quarantine", "list"),
            ("quarantine", "list", "--json"),
            ("audit", "show"),
            ("status",),
            *(
                ("quarantine", "show", one["id"], *how)
                for one in json.loads(operator.quarantine("list", "--json").said)
                for how in ((), ("--json",))
            ),
        )
    ]
    files = [path for path in operator.state.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in [*files, operator.log]).decode(errors="replace")
    for text in (*said, written):
        assert not [
            word for word in ("listed-", "slipped-", "another-", "day-", "confirmed-") if word in text
        ]
    verified = operator.run("audit", "verify")
    assert (verified.code, verified.said.startswith("good: ")) == (0, True), verified.said
