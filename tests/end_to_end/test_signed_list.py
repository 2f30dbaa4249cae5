"""A list from the authority's desk into the resolver, by the two command lines and a plain web server."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from static_site import StaticSite, serving
from whole_service import REAL, WholeService, free_port, run, until

from cop_filter import signing
from cop_filter.authority.desk import Desk
from cop_filter.provenance import LIST, ListManifest
from cop_filter.signing import SigningKey

NAMES = [f"n{number}.example" for number in range(3000)]
TOKEN = "a-word-that-the-authority-knows"
HOUR_S = 3600.0


class Authority:
    """Two of its people must sign. `site` serves what it publishes."""

    def __init__(self, folder: Path, site: StaticSite) -> None:
        self.site = site
        self.web = folder / "web"
        self.desk = folder / "desk"
        self.folder = folder
        self.public = {name: self.new_key(name) for name in ("ann", "ben")}
        self.does("init", "national", "--key", self.pem("ann"), "--key", self.pem("ben"), "--threshold", "2")
        self.publish("ann", "ben", add=NAMES)

    def does(self, *words: str, given: bytes = b"") -> str:
        ran = run("authority", "--dir", str(self.desk), *words, given=given)
        assert ran.code == 0, ran.said
        return ran.said

    def pem(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")

    def new_key(self, name: str) -> str:
        return self.does("keys", "new", self.pem(name)).strip()

    def publish(self, *signers: str, add: list[str] | None = None, remove: list[str] | None = None) -> None:
        for what, names in (("add", add), ("remove", remove)):
            if names:
                self.does(what, "-", given="".join(f"{name}\n" for name in names).encode())
        self.does("sign", *(word for name in signers for word in ("--key", self.pem(name))))
        self.does("publish", str(self.web))

    def publish_for(self, life_s: float) -> None:
        """A version that ends so soon from now; the command line knows no shorter life than an hour."""
        keys = [SigningKey.load(Path(self.pem(name))) for name in ("ann", "ben")]
        desk = Desk(self.desk)
        desk.sign(keys, time.time() + life_s - HOUR_S, life_s=HOUR_S, again=True)
        desk.publish(self.web)

    @property
    def shown(self) -> Path:
        return self.web / "national" / "manifest.json"


class Operator(WholeService):
    """Who is subscribed to the list, and lets itself be told when it changes."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.push = free_port()
        token = folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        super().__init__(
            folder,
            source=f"signed+http://127.0.0.1:{authority.site.port}/national/",
            more=f"keys = {json.dumps(list(authority.public.values()))}\nthreshold = 2",
            interval="1h",
            metrics=True,
            tables=f'[push]\nlisten = "127.0.0.1:{self.push}"\ntoken_file = "{token}"\n',
        )

    def told(self, token: str = TOKEN) -> int:
        """What the authority is answered when it says that the list has changed."""
        url = f"http://127.0.0.1:{self.push}/lists/national"
        request = Request(url, method="POST", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=10) as answer:
            return int(answer.status)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("authority")
    (folder / "web").mkdir()
    with serving(folder / "web") as site:
        yield Authority(folder, site)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Operator]:
    service = Operator(tmp_path_factory.mktemp("operator"), authority)
    service.start()
    try:
        service.until_blocked(NAMES[0])
        yield service
    finally:
        service.stop()


def test_a_change_is_pushed_fetched_alone_and_in_force(authority: Authority, operator: Operator) -> None:
    asked_before = len(authority.site.asked)
    authority.publish("ann", "ben", add=["new.example"], remove=[NAMES[0]])
    assert operator.told() == 202
    operator.until_blocked("new.example")
    assert operator.ask(NAMES[0]) == REAL
    assert operator.blocks(NAMES[1])
    asked = authority.site.asked[asked_before:]
    assert [path for path in asked if "/deltas/" in path]
    assert not [path for path in asked if "/lists/" in path]


def test_a_thief_of_one_key_of_two_changes_nothing(authority: Authority, operator: Operator) -> None:
    good = authority.shown.read_bytes()
    said = ListManifest.read(json.loads(good)["signed"])
    forged = replace(said, version=said.version + 1, expires=said.expires + 1)
    thief = SigningKey.load(Path(authority.pem("ann")))
    authority.shown.write_bytes(signing.seal(forged.said(), LIST, [thief, thief]))
    assert operator.told() == 202
    until(lambda: "list_failing national" in operator.alarms())
    assert "1 of the 2 signatures" in operator.status()["lists"][0]["last_error"]
    assert operator.blocks(NAMES[1])
    authority.shown.write_bytes(good)
    authority.publish("ann", "ben", add=["unforged.example"])
    assert operator.told() == 202
    operator.until_blocked("unforged.example")
    assert not operator.alarms()


def test_a_list_that_expired_is_enforced_on_and_everybody_is_told(
    authority: Authority, operator: Operator
) -> None:
    authority.publish_for(6.0)
    assert operator.told() == 202
    until(lambda: operator.health() == (503, {"healthy": False, "alarms": [_expired()]}))
    assert operator.blocks(NAMES[1])
    assert operator.alarms() == {"list_expired national"}
    authority.publish("ann", "ben", add=["prolonged.example"])
    assert operator.told() == 202
    operator.until_blocked("prolonged.example")
    assert operator.health() == (200, {"healthy": True, "alarms": []})


def test_keys_that_are_rotated_are_followed(authority: Authority, operator: Operator) -> None:
    authority.new_key("cat")
    authority.does(
        "keys", "rotate", "--key", authority.pem("ann"), "--key", authority.pem("cat"), "--threshold", "2",
        "--sign", authority.pem("ben"),
    )  # fmt: skip
    authority.publish("ann", "cat", add=["rotated.example"])
    assert operator.told() == 202
    operator.until_blocked("rotated.example")
    assert operator.blocks(NAMES[1])


def _expired() -> dict[str, str]:
    text = "its authority's own date has passed, and there is no newer version; it is enforced on"
    return {"name": "list_expired", "subject": "national", "text": text}
