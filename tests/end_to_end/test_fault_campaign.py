"""Two hundred seeded runs of everything that goes wrong at once: see `fault_campaign`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parent / "fault_campaign"
RUNS = 200
PARTS = 8
PER_PART = RUNS // PARTS

Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[Ended]]]:
    """All parts, as many at a time as there are processors."""

    def played(part: int) -> Ended:
        folder = tmp_path_factory.mktemp(f"part{part}", numbered=False)
        argv = [sys.executable, str(CAMPAIGN), str(folder), str(part * PER_PART), str(PER_PART)]
        # In a mount namespace of its own: whatever ends it, nothing stays mounted.
        return subprocess.run(
            ["unshare", "--mount", *argv], capture_output=True, text=True, timeout=280, check=False
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield [pool.submit(played, part) for part in range(PARTS)]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting small disks needs root")
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_a_whole_generation_is_enforced_and_the_next_refresh_succeeds(
    part: int, parts: list[Future[Ended]]
) -> None:
    ran = parts[part].result()
    assert ran.returncode == 0, ran.stderr[-3000:]
    results = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert [one["seed"] for one in results] == list(range(part * PER_PART, (part + 1) * PER_PART))
    assert [one for one in results if "failed" in one] == []
