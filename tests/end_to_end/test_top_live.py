"""`cop-filter top` beside the whole service under a little load: figures, and nobody to be seen in them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_service import CLIENT, REAL, SPLASH, WholeService, until

LISTED = "planted-listed.example"
LOOK = ("--once", "--json", "--interval", "3s")
"""Longer than a role may take to bring its figures."""


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[WholeService]:
    service = WholeService(tmp_path, workers=2)
    service.publish(LISTED)
    service.start()
    service.until_blocked(LISTED)
    ended = threading.Event()

    def ask() -> None:
        asked = 0
        while not ended.is_set():
            asked += 1
            service.ask(LISTED)
            service.ask(f"planted-asked-{asked}.example")

    load = threading.Thread(target=ask)
    load.start()
    yield service
    ended.set()
    load.join()
    service.stop()


def top(service: WholeService, *words: str) -> str:
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(service.config_path), "top", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_top_shows_what_happens_and_to_nobody(loaded: WholeService) -> None:
    looks = [json.loads(top(loaded, *LOOK))]
    before = loaded.roles()["dns_resolver"]
    loaded.kill("dns_resolver")
    until(lambda: loaded.blocks(LISTED))
    assert loaded.roles()["dns_resolver"] != before
    looks.append(json.loads(top(loaded, *LOOK)))
    for one in looks:
        dns = one["dns"]
        assert dns["queries_per_s"] > 0
        assert dns["blocked_per_s"]["national"] > 0
        assert dns["forwarded_per_s"] > 0
        assert all(rate >= 0 for rate in dns.values() if isinstance(rate, float))
        assert one["upstreams"][0]["up"]
        assert one["in_force"]["dns"] == one["generation"]
        assert one["lists"][0]["state"] == "ok"
    text = top(loaded)
    assert "queries/s" in text
    assert "UPSTREAM 0: up, answered " in text
    told = (text + json.dumps(looks)).lower()
    for word in ("planted-", CLIENT, SPLASH, REAL):
        assert word not in told
