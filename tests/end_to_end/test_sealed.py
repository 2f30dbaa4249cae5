"""BPjM 2014, ACMA, Denmark, Thailand, Norway: what could have leaked there is nowhere to be found here.

Entries are planted and never asked for. Afterwards they are looked for in every file of the state, in what
was said, on command lines, and in all memory of the roles that enforce: what a core dump would hold.
"""

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_service import WholeService, until

PLANTED = b"planted-"
SEEN = "seen.example"
ENTRIES = (
    "planted-domain.example",
    "=planted-host.example",
    "*.planted-below.example",
    "http://planted-site.example/planted-page.html?planted-query=1",
    "http://planted-site.example/planted-folder/",
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WholeService]:
    one = WholeService(tmp_path, proxy=True, workers=2)
    one.publish(SEEN, *ENTRIES)
    yield one
    one.stop()


def memory(pid: int) -> Iterator[bytes]:
    """All that a process has mapped for itself, region by region: what the kernel would write to a core."""
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as mem:
        for line in maps:
            span, mode, *rest = line.split()
            if "r" not in mode or rest[-1] in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            mem.seek(start)
            with contextlib.suppress(OSError):
                yield mem.read(end - start)


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family(child))]


@pytest.mark.skipif(os.geteuid() != 0, reason="looking into other processes' memory needs root")
def test_bpjm_2014_the_memory_of_a_role_that_enforces_holds_no_entry(service: WholeService) -> None:
    service.start()
    service.until_blocked(SEEN)
    until(lambda: {"addons", "splash", "metrics"} <= set(service.roles()))
    looked_at = 0
    for role in ("dns_resolver", "addons", "splash", "metrics"):
        for pid in family(service.roles()[role]):
            for region in memory(pid):
                looked_at += len(region)
                assert PLANTED not in region, role
    assert looked_at > 50_000_000
    # The same look finds what is there: the name that was asked for on the way.
    pids = family(service.roles()["dns_resolver"])
    assert any(b"cop_filter" in region for pid in pids for region in memory(pid))


def test_acma_a_disk_an_operator_lost_tells_no_entry(service: WholeService) -> None:
    service.start()
    service.until_blocked(SEEN)
    command_lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family(service.process.pid)]
    service.stop()
    files = [path for path in service.state.rglob("*") if path.is_file()]
    assert {"current", "index", "manifest"} <= {path.name for path in files}
    told = [path.name for path in files if PLANTED in path.read_bytes() or PLANTED in os.fsencode(path)]
    assert told == []
    assert PLANTED not in service.log.read_bytes()
    assert not [line for line in command_lines if PLANTED in line]


def test_no_role_leaves_a_core_even_where_the_system_would_write_one(service: WholeService) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        service.start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    service.until_blocked(SEEN)
    here = set(Path.cwd().glob("core*"))
    for role in ("sync", "dns_resolver", "splash"):
        service.kill(role, signal.SIGABRT)
    service.until_blocked(SEEN)
    assert set(Path.cwd().glob("core*")) == here
    assert not list(service.folder.rglob("core*"))


def test_the_state_is_for_its_owner_alone(service: WholeService) -> None:
    service.start()
    service.until_blocked(SEEN)
    until(lambda: {"addons", "splash", "metrics"} <= set(service.roles()))
    service.stop()
    for path in [service.state, *service.state.rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 & ~allowed == 0, path.relative_to(service.folder)
