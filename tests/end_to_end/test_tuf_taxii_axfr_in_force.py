"""Lists from TUF, TAXII and BIND, and what changes in them, brought into force by real syncs."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from loopback_ca import LoopbackCa
from name_server import SECRET, NameServer, named
from static_site import serving
from taxii_server import NAMES as INDICATORS
from taxii_server import TaxiiServer, indicator
from tuf_repository import Repository
from whole_service import LIST, WholeService

from cop_filter.loader import open_engine

TSIG = base64.b64encode(SECRET)
ZONE = [f"zone-{number}.example" for number in range(1000)]
TARGET = [f"target-{number}.example" for number in range(100)]


def lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


class Authorities:
    """All three of them, and an operator who is subscribed to each."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.bind = self._bind(stack)
        self.repository = Repository(self._put)
        self.repository.publish(lines(TARGET))
        site = stack.enter_context(serving(folder / "web"))
        ca = LoopbackCa(folder)
        self.taxii = TaxiiServer(folder, ca.server())
        stack.callback(self.taxii.stop)
        root, password = folder / "root.json", self._secret("password", b"secret")
        root.write_bytes(self.repository.files["metadata/1.root.json"])
        collection = LIST.format(
            id="collection", source=self.taxii.url, interval="1h",
            more=f'username = "isp"\npassword_file = "{password}"\nca_file = "{ca.pem}"\n',
        )  # fmt: skip
        zone = LIST.replace('format = "plain"', "").format(
            id="zone", source=self.bind.source, interval="1h",
            more=f'tsig_name = "isp-key.example"\ntsig_file = "{self._secret("tsig", TSIG)}"\n',
        )  # fmt: skip
        self.operator = WholeService(
            folder,
            source=f"tuf+http://127.0.0.1:{site.port}",
            more=f'tuf_root_file = "{root}"\ntuf_target = "lists/urls.txt"\n',
            extra_lists=collection + zone,
        )
        stack.callback(self.operator.upstream.stop)

    def _bind(self, stack: ExitStack) -> NameServer:
        place = self.folder / "named"
        place.mkdir()
        return stack.enter_context(named(place, ZONE))

    def _put(self, path: str, body: bytes) -> None:
        place = self.folder / "web" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)

    def _secret(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    def in_force(self, names: list[str]) -> set[str]:
        """Those that are, after a `cop-filter sync`."""
        ran = self.operator.run("sync")
        assert ran.code == 0, ran.said
        engine = open_engine(self.operator.store)
        return {name for name in names if engine.decide_host(name).stops}


@pytest.fixture
def authorities(tmp_path: Path) -> Iterator[Authorities]:
    with ExitStack() as stack:
        yield Authorities(tmp_path, stack)


def test_three_kinds_of_authority_are_in_force_and_so_are_their_changes(authorities: Authorities) -> None:
    listed = [f"n{number}.example" for number in range(INDICATORS)]
    newer = ["new.zone.test", "new.target.test", "new.collection.test"]
    everything = [*ZONE, *TARGET, *listed, *newer]
    assert authorities.in_force(everything) == {*ZONE, *TARGET, *listed}

    authorities.bind.update(add=[newer[0]], remove=[ZONE[7]])
    authorities.repository.publish(lines([*TARGET[1:], newer[1]]))
    authorities.taxii.hold(
        *map(indicator, range(1, INDICATORS)),
        indicator(0, revoked=True, modified="2025-02-01T00:00:00.000Z"),
        indicator(INDICATORS, pattern=f"[domain-name:value = '{newer[2]}']"),
    )
    assert authorities.in_force(everything) == {*everything} - {ZONE[7], TARGET[0], listed[0]}
    assert "IXFR ended" in (authorities.folder / "named" / "named.log").read_text()
    entries = {row["id"]: row["entries"] for row in authorities.operator.status()["lists"]}
    assert entries == {"national": len(TARGET), "collection": INDICATORS, "zone": len(ZONE)}
