"""Two hundred seeded runs of everything that goes wrong at once: see `fault_campaign`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parent / "fault_campaign"
RUNS = 200
PARTS = 8


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting small disks needs root")
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_a_whole_generation_is_enforced_and_the_next_refresh_succeeds(
    part: int, tmp_path: Path
) -> None:
    count = RUNS // PARTS
    argv = [sys.executable, str(CAMPAIGN), str(tmp_path), str(part * count), str(count)]
    # In a mount namespace of its own: whatever ends it, nothing stays mounted.
    ran = subprocess.run(
        ["unshare", "--mount", *argv], capture_output=True, text=True, timeout=280, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    results = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert [one["seed"] for one in results] == list(range(part * count, (part + 1) * count))
    assert [one for one in results if "failed" in one] == []
